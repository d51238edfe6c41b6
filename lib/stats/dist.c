/* The distributions' two engines, incomplete gamma and incomplete beta, and what is read from them.
 * The smaller tail is computed directly; quantiles invert it by Newton steps kept inside a shrinking
 * bracket.
 */
#include <float.h>
#include <math.h>
#include "dist.h"

#define HALF_LOG_2PI 0.918938533204672741780329736406
#define TWO_PI 6.28318530717958647692528676656
/* of series and fractions; they need about the square root of the parameter */
#define ROUNDS 1000000

struct tails {
	double p, q; /* lower, upper */
};

static const struct tails nowhere = {NAN, NAN};

/* log(n!) less Stirling's formula, for real n > 0. */
static double stirling_error(double n)
{
	double nn = n * n;
	int sign;

	if (n < 15)
		return lgamma_r(n + 1, &sign) - (n + 0.5) * log(n) + n - HALF_LOG_2PI;
	return (1 / 12.0 -
		(1 / 360.0 -
		 (1 / 1260.0 - (1 / 1680.0 - (1 / 1188.0 - 691 / 360360.0 / nn) / nn) / nn) / nn) /
			nn) /
	       n;
}

/* x log(x/m) + m - x without cancellation where x is near m. */
static double deviance(double x, double m)
{
	if (fabs(x - m) < 0.1 * (x + m)) {
		double v = (x - m) / (x + m), s = (x - m) * v, term = 2 * x * v;

		for (int j = 1; j < 1000; j++) {
			double before = s;

			term *= v * v;
			s += term / (2 * j + 1);
			if (s == before)
				break;
		}
		return s;
	}
	return x * log(x / m) + m - x;
}

/* x^a e^-x / Gamma(a + 1) */
static double poisson_density(double a, double x)
{
	return exp(-stirling_error(a) - deviance(a, x)) / sqrt(TWO_PI * a);
}

/* Gamma(a+b+1) / (Gamma(a+1) Gamma(b+1)) x^a y^b, where x + y = 1 */
static double binomial_density(double a, double b, double x, double y)
{
	double n = a + b;

	return exp(stirling_error(n) - stirling_error(a) - stirling_error(b) - deviance(a, n * x) -
		   deviance(b, n * y)) *
	       sqrt(n / (TWO_PI * a * b));
}

/* One step of a continued fraction by Lentz's method (Numerical Recipes, 5.2): the factor that the
 * next numerator and denominator bring. */
static double lentz(double numerator, double denominator, double *c, double *d)
{
	*d = numerator * *d + denominator;
	*c = denominator + numerator / *c;
	if (fabs(*d) < DBL_MIN)
		*d = DBL_MIN;
	if (fabs(*c) < DBL_MIN)
		*c = DBL_MIN;
	*d = 1 / *d;
	return *c * *d;
}

/* The upper tail. */
static double gamma_tail(double a, double x)
{
	double front;

	if (!(a > 0) || !(x >= 0))
		return NAN;
	if (x == 0)
		return 1;
	if (isinf(x))
		return 0;
	front = poisson_density(a, x);
	if (x < a + 1) {
		double sum = 1, term = 1;

		for (int n = 1; n < ROUNDS && term > sum * DBL_EPSILON / 8; n++)
			sum += term *= x / (a + n);
		return 1 - front * sum;
	} else {
		double b = x + 1 - a, c = 1 / DBL_MIN, d = 1 / b, h = d;

		for (int n = 1; n < ROUNDS; n++) {
			double step = lentz(-n * (n - a), b += 2, &c, &d);

			h *= step;
			if (fabs(step - 1) < DBL_EPSILON)
				break;
		}
		return front * a * h;
	}
}

/* The continued fraction of I_x(a, b) without its front; quick for x < (a+1)/(a+b+2). */
static double beta_fraction(double a, double b, double x)
{
	double c = 1, d = 1 - (a + b) * x / (a + 1), h;

	if (fabs(d) < DBL_MIN)
		d = DBL_MIN;
	h = d = 1 / d;
	for (int m = 1; m < ROUNDS; m++) {
		double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
		double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
		double step = 1;

		for (int half = 0; half < 2; half++) {
			step = lentz(half ? odd : even, 1, &c, &d);
			h *= step;
		}
		if (fabs(step - 1) < DBL_EPSILON)
			break;
	}
	return h;
}

/* x + y = 1, both given because one of them may be too near to 1 to tell the other. */
static struct tails beta_tails(double a, double b, double x, double y)
{
	struct tails t;
	double density;

	if (!(a > 0) || !(b > 0) || !(x >= 0) || !(y >= 0))
		return nowhere;
	if (x == 0)
		return (struct tails){0, 1};
	if (y == 0)
		return (struct tails){1, 0};
	density = binomial_density(a, b, x, y);
	if (x < (a + 1) / (a + b + 2)) {
		t.p = density * b / (a + b) * beta_fraction(a, b, x);
		t.q = 1 - t.p;
	} else {
		t.q = density * a / (a + b) * beta_fraction(b, a, y);
		t.p = 1 - t.q;
	}
	return t;
}

/* The quantile's logit u = log(x / (1 - x)), which keeps the digits of both x and 1 - x: p and q = 1 - p
 * are the tails wanted. */
static double beta_logit(double p, double q, double a, double b)
{
	double lo = -700, hi = 700, u = log(a / b);

	for (int i = 0; i < 2000 && hi - lo > 0; i++) {
		double x = 1 / (1 + exp(-u)), y = 1 / (1 + exp(u)), gap, next;
		double slope = x > 0 && y > 0 ? binomial_density(a, b, x, y) * a * b / (a + b) : 0;
		struct tails t = beta_tails(a, b, x, y);

		/* Compare in the smaller tail, in logarithms far out, where Newton on p itself
		 * would crawl. */
		if (p <= q) {
			gap = log(t.p / p) * p;
			slope *= t.p > 0 ? p / t.p : 0;
		} else {
			gap = -log(t.q / q) * q;
			slope *= t.q > 0 ? q / t.q : 0;
		}
		if (gap == 0)
			return u;
		if (gap < 0)
			lo = u;
		else
			hi = u;
		next = u - gap / slope;
		if (!(next > lo && next < hi))
			next = lo + (hi - lo) / 2;
		if (fabs(next - u) <= 2e-16 * fabs(u) || next == lo || next == hi)
			return next;
		u = next;
	}
	return u;
}

double dist_normal_cdf(double x)
{
	return 0.5 * erfc(-x * M_SQRT1_2);
}

double dist_normal_sf(double x)
{
	return 0.5 * erfc(x * M_SQRT1_2);
}

double dist_normal_quantile(double p)
{
	double q = p < 0.5 ? p : 1 - p, s, x;

	if (!(p >= 0 && p <= 1))
		return NAN;
	if (q == 0)
		return p < 0.5 ? -INFINITY : INFINITY;
	/* Abramowitz and Stegun 26.2.23, good to 5e-4; then Halley steps on the logarithm of the
	 * tail. */
	s = sqrt(-2 * log(q));
	x = s - (2.515517 + s * (0.802853 + s * 0.010328)) /
			(1 + s * (1.432788 + s * (0.189269 + s * 0.001308)));
	for (int i = 0; i < 4; i++) {
		double tail = dist_normal_sf(x), density = exp(-0.5 * x * x) / sqrt(TWO_PI);
		double r = density / tail, f = log(tail / q);

		/* f' = -r, f'' = r (x - r) */
		x += 2 * f * r / (2 * r * r - f * r * (x - r));
	}
	return p < 0.5 ? -x : x;
}

/* P(|T| > |t|) / 2 */
static double t_half_tail(double t, double df)
{
	double x, y, tt = t * t;

	if (!(df > 0) || isnan(t))
		return NAN;
	if (isinf(tt))
		return 0;
	x = df / (df + tt);
	y = tt / (df + tt);
	return 0.5 * beta_tails(df / 2, 0.5, x, y).p;
}

double dist_t_sf(double t, double df)
{
	double half = t_half_tail(t, df);

	return t >= 0 ? half : 1 - half;
}

double dist_t_quantile(double p, double df)
{
	double q = p < 0.5 ? p : 1 - p, t;

	if (!(p >= 0 && p <= 1) || !(df > 0))
		return NAN;
	if (q == 0)
		return p < 0.5 ? -INFINITY : INFINITY;
	if (q == 0.5)
		return 0;
	/* With x = df / (df + t^2): 2 q = I_x(df/2, 1/2) and t^2 / df = (1 - x) / x. */
	t = sqrt(df * exp(-beta_logit(2 * q, 1 - 2 * q, df / 2, 0.5)));
	return p < 0.5 ? -t : t;
}

double dist_chi2_sf(double x, double df)
{
	return x <= 0 && df > 0 ? 1 : gamma_tail(df / 2, x / 2);
}

/* P(X <= k) as q, P(X > k) as p: I_x(k + 1, n - k) at the chance of success. */
static struct tails binomial_tails(double k, double n, double p)
{
	k = floor(k);
	if (!(n >= 0) || !(p >= 0 && p <= 1) || isnan(k))
		return (struct tails){NAN, NAN};
	if (k < 0)
		return (struct tails){.p = 1, .q = 0};
	if (k >= n)
		return (struct tails){.p = 0, .q = 1};
	return beta_tails(k + 1, n - k, p, 1 - p);
}

double dist_binomial_cdf(double k, double n, double p)
{
	return binomial_tails(k, n, p).q;
}

double dist_binomial_sf(double k, double n, double p)
{
	return binomial_tails(k, n, p).p;
}

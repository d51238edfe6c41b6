/* Paired comparison of rates and means. See paired.h. */
#include "paired.h"

#include <math.h>
#include "dist.h"

/* P(X <= k) for n fair coins. Binomial coefficients up to n = 50 are exact in doubles, so small
 * cases come out as the fractions they are. */
static double coins(double k, double n)
{
	double term = 1, sum = 1;

	if (n > 50)
		return dist_binomial_cdf(k, n, 0.5);
	for (double i = 1; i <= k; i++)
		sum += term = term * (n - i + 1) / i;
	return ldexp(sum, -(int)n);
}

double paired_mcnemar(double wins, double losses)
{
	double n = wins + losses;

	if (!(wins >= 0 && losses >= 0))
		return NAN;
	return n == 0 ? 1 : fmin(1, 2 * coins(fmin(wins, losses), n));
}

/* Tango's score statistic for a true difference d: the discordant rate is put at its maximum
 * likelihood under d. */
static double tango(double wins, double losses, double n, double d)
{
	double a = 2 * n, b = -wins - losses + (2 * n - wins + losses) * d,
	       c = -losses * d * (1 - d);
	double q = (sqrt(fmax(0, b * b - 4 * a * c)) - b) / (2 * a);
	double var = n * (2 * q + d * (1 - d));

	if (var <= 0)
		return wins - losses - n * d == 0 ? 0 : copysign(INFINITY, wins - losses - n * d);
	return (wins - losses - n * d) / sqrt(var);
}

static double tango_bound(double wins, double losses, double n, double z)
{
	double lo = -1, hi = 1;

	/* The statistic falls as d rises. */
	for (int i = 0; i < 80; i++) {
		double mid = (lo + hi) / 2;

		if (tango(wins, losses, n, mid) > z)
			lo = mid;
		else
			hi = mid;
	}
	return (lo + hi) / 2;
}

struct interval paired_rate(double wins, double losses, double n, double level)
{
	double z;

	if (!(n > 0) || !(wins >= 0 && losses >= 0 && wins + losses <= n) ||
	    !(level > 0 && level < 1))
		return (struct interval){NAN, NAN, NAN};
	z = -dist_normal_quantile((1 - level) / 2);
	return (struct interval){
		.value = (wins - losses) / n,
		.lo = wins == 0 && losses == n ? -1 : tango_bound(wins, losses, n, z),
		.hi = losses == 0 && wins == n ? 1 : tango_bound(wins, losses, n, -z),
	};
}

struct interval paired_t(const struct tally *d, double level, double *p)
{
	double mean = tally_mean(d), sd = tally_sd(d), n = (double)d->n;

	*p = NAN;
	if (d->n >= 2 && sd < INTERVAL_CONSTANT) {
		*p = interval_constant_p(mean, n, -1, 1);
		return interval_constant(mean, n, -1, 1, level);
	}
	if (d->n >= 2)
		*p = fmin(1, 2 * dist_t_sf(fabs(mean) / (sd / sqrt(n)), n - 1));
	return interval_t(mean, sd, n, level);
}

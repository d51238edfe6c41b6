/* Intervals in closed form. */
#include <math.h>
#include "dist.h"
#include "interval.h"

static const struct interval unknown = {NAN, NAN, NAN};

static int bad(double k, double n, double level)
{
	return !(n > 0) || !(k >= 0 && k <= n) || !(level > 0 && level < 1);
}

struct interval interval_wilson(double k, double n, double level)
{
	struct interval v;
	double z, p, mid, half;

	if (bad(k, n, level))
		return unknown;
	z = -dist_normal_quantile((1 - level) / 2);
	p = k / n;
	mid = (p + z * z / (2 * n)) / (1 + z * z / n);
	half = z / (1 + z * z / n) * sqrt(p * (1 - p) / n + z * z / (4 * n * n));
	v.value = p;
	/* At the ends the bound is 0 or 1 exactly; rounding must not leave 1e-18 there. */
	v.lo = k == 0 ? 0 : fmax(0, mid - half);
	v.hi = k == n ? 1 : fmin(1, mid + half);
	return v;
}

struct interval interval_se(double value, double se, double df, double level)
{
	double t;

	if (!(level > 0 && level < 1) || !(se >= 0) || !(df > 0))
		return (struct interval){value, NAN, NAN};
	t = isinf(df) ? dist_normal_quantile((1 - level) / 2)
		      : dist_t_quantile((1 - level) / 2, df);
	return (struct interval){value, value + t * se, value - t * se};
}

struct interval interval_t(double mean, double sd, double n, double level)
{
	if (!(n > 0))
		return unknown;
	return interval_se(mean, sd / sqrt(n), n - 1, level);
}

struct interval interval_constant(double value, double n, double least, double most, double level)
{
	double others = interval_wilson(0, n, level).hi;

	if (!(n > 0))
		return unknown;
	return (struct interval){
		.value = value,
		.lo = value - others * (value - least),
		.hi = value + others * (most - value),
	};
}

/* A bound is 0 where the share s of others, z^2 / (n + z^2), is |value| / (|value| + |end|): where
 * z^2 is n |value| / |end|, the end being the one beyond 0. */
double interval_constant_p(double value, double n, double least, double most)
{
	double end = value < 0 ? most : -least;

	if (!(n > 0) || isnan(value))
		return NAN;
	if (value == 0 || !(end > 0))
		return value == 0 ? 1 : 0;
	return fmin(1, 2 * dist_normal_cdf(-sqrt(n * fabs(value) / end)));
}

struct interval interval_unit(struct interval v)
{
	if (!isnan(v.lo) && !isnan(v.hi)) {
		v.lo = fmax(0, v.lo);
		v.hi = fmin(1, v.hi);
	}
	return v;
}

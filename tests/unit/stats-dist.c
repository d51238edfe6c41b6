/* lib/stats/dist, interval and multiple against values of mpmath and scipy. */
#include <stdlib.h>
#include "tap.h"
#include "../../lib/stats/dist.h"
#include "../../lib/stats/interval.h"
#include "../../lib/stats/multiple.h"

struct expected {
	const char *what;
	double arg[3];
	double value;
};

static const struct expected table[] = {
#include "stats-dist.inc"
};

static double compute(const char *what, const double *a)
{
	static const struct {
		const char *name;
		int args;
		double (*one)(double);
		double (*two)(double, double);
		double (*three)(double, double, double);
	} calls[] = {
		{.name = "normal_cdf", 1, .one = dist_normal_cdf},
		{.name = "normal_sf", 1, .one = dist_normal_sf},
		{.name = "normal_quantile", 1, .one = dist_normal_quantile},
		{.name = "t_sf", 2, .two = dist_t_sf},
		{.name = "t_quantile", 2, .two = dist_t_quantile},
		{.name = "chi2_sf", 2, .two = dist_chi2_sf},
		{.name = "binomial_cdf", 3, .three = dist_binomial_cdf},
		{.name = "binomial_sf", 3, .three = dist_binomial_sf},
	};

	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
		if (strcmp(calls[i].name, what) != 0)
			continue;
		if (calls[i].args == 1)
			return calls[i].one(a[0]);
		if (calls[i].args == 2)
			return calls[i].two(a[0], a[1]);
		return calls[i].three(a[0], a[1], a[2]);
	}
	if (strcmp(what, "wilson_lo") == 0)
		return interval_wilson(a[0], a[1], a[2]).lo;
	if (strcmp(what, "wilson_hi") == 0)
		return interval_wilson(a[0], a[1], a[2]).hi;
	if (strcmp(what, "t_lo") == 0)
		return interval_t(a[0], a[1], a[2], 0.95).lo;
	if (strcmp(what, "t_hi") == 0)
		return interval_t(a[0], a[1], a[2], 0.95).hi;
	return NAN;
}

static void values(void)
{
	const char *what = "";
	double worst = 0;
	size_t n = 0;

	for (size_t i = 0; i <= sizeof table / sizeof *table; i++) {
		const struct expected *x = table + i;
		int end = i == sizeof table / sizeof *table;
		double got, off;

		if (n > 0 && (end || strcmp(what, x->what) != 0)) {
			ok(worst <= 1e-12, "%s: %zu values within 1e-12 (worst %.1e)", what, n,
			   worst);
			worst = 0;
			n = 0;
		}
		if (end)
			break;
		what = x->what;
		got = compute(what, x->arg);
		off = got == x->value ? 0 : fabs(got - x->value) / fabs(x->value);
		if (!(off <= 1e-12))
			printf("# %s(%g, %g, %g): got %.17g, want %.17g\n", what, x->arg[0],
			       x->arg[1], x->arg[2], got, x->value);
		worst = isnan(off) ? INFINITY : fmax(worst, off);
		n++;
	}
}

static void edges(void)
{
	ok(isnan(dist_normal_quantile(1.5)), "a quantile beyond 1 is NaN");
	ok(isinf(dist_normal_quantile(1)) && dist_normal_quantile(1) > 0,
	   "the quantile of 1 is infinite");
	ok(dist_t_quantile(0.5, 3) == 0, "the median of t is 0");
	ok(isnan(dist_t_sf(1, 0)) && isnan(dist_t_sf(NAN, 3)),
	   "t without degrees of freedom is NaN");
	ok(dist_t_sf(INFINITY, 3) == 0 && dist_t_sf(-INFINITY, 3) == 1, "t at infinity");
	ok(dist_chi2_sf(-1, 3) == 1 && dist_chi2_sf(0, 3) == 1, "chi-square below 0");
	ok(dist_binomial_cdf(-1, 5, 0.5) == 0 && dist_binomial_sf(5, 5, 0.5) == 0,
	   "binomial outside 0..n");
	ok(dist_binomial_cdf(0, 0, 0.3) == 1, "no trials, no successes");
	ok(isnan(interval_wilson(0, 0, 0.95).value), "no rows, no rate");
	ok(interval_wilson(0, 7, 0.95).lo == 0 && interval_wilson(7, 7, 0.95).hi == 1,
	   "Wilson touches 0 and 1 exactly");
	ok(isnan(interval_t(1, 0, 1, 0.95).lo) && interval_t(1, NAN, 1, 0.95).value == 1,
	   "one value has a mean and no interval");
}

static void multiple(void)
{
	/* By hand from the definitions, for p = .01, .04, .03, .005, .5. */
	static const double p[] = {0.01, 0.04, NAN, 0.03, 0.005, 0.5};
	static const double holm[] = {0.04, 0.09, NAN, 0.09, 0.025, 0.5};
	static const double bh[] = {0.025, 0.05, NAN, 0.05, 0.025, 0.5};
	double q[6];

	multiple_holm(p, 6, q);
	for (int i = 0; i < 6; i++)
		ok(isnan(holm[i]) ? isnan(q[i]) : fabs(q[i] - holm[i]) < 1e-15, "holm[%d]", i);
	memcpy(q, p, sizeof q);
	multiple_bh(q, 6, q);
	for (int i = 0; i < 6; i++)
		ok(isnan(bh[i]) ? isnan(q[i]) : fabs(q[i] - bh[i]) < 1e-15, "bh[%d], in place", i);
	multiple_holm(p, 0, q);
	ok(1, "no tests at all");
}

int main(void)
{
	values();
	edges();
	multiple();
	return tap_done();
}

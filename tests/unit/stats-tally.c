/* lib/stats/tally: distributions, exact merging, quantiles; lib/stats/paired: McNemar, Tango, t. */
#include <stdlib.h>
#include "tap.h"
#include "../../lib/base/rng.h"
#include "../../lib/stats/dist.h"
#include "../../lib/stats/paired.h"
#include "../../lib/stats/tally.h"

static double quantile(const struct tally *t, double q)
{
	size_t n;
	struct tally_bin *v = tally_sorted(t, &n);
	double x = tally_quantile(v, n, t->n, q);

	free(v);
	return x;
}

static int same(const struct tally *a, const struct tally *b)
{
	size_t n, m;
	struct tally_bin *x = tally_sorted(a, &n), *y = tally_sorted(b, &m);
	int equal = n == m && a->n == b->n && a->sum == b->sum && a->coarse == b->coarse;

	for (size_t i = 0; equal && i < n; i++)
		equal = x[i].x == y[i].x && x[i].n == y[i].n;
	free(x);
	free(y);
	return equal;
}

static void small(void)
{
	/* python3 -c "import numpy as np; x=[3,1,2,2,.5,10]; print(np.mean(x), np.std(x,ddof=1),
	 * np.percentile(x,[50,95]))" */
	static const double x[] = {3, 1, 2, 2, .5, 10};
	struct tally t = {0};

	ok(isnan(tally_mean(&t)) && isnan(tally_sd(&t)) && isnan(quantile(&t, .5)),
	   "an empty tally knows nothing");
	for (int i = 0; i < 6; i++)
		tally_add(&t, x[i]);
	ok_near(tally_mean(&t), 3.0833333333333335, 1e-15, "mean");
	ok_near(tally_sd(&t), 3.4988093212786926, 1e-14, "standard deviation");
	ok_near(quantile(&t, .5), 2, 0, "median");
	ok_near(quantile(&t, .95), 8.25, 1e-14, "95th percentile, as NumPy interpolates");
	ok(quantile(&t, 0) == .5 && quantile(&t, 1) == 10, "ends");
	ok(tally_add(&t, NAN) < 0 && tally_add(&t, INFINITY) < 0 && tally_add(&t, 1e10) < 0 &&
		   t.n == 6,
	   "NaN, infinity and the huge are refused");
	ok(!tally_is_binary(&t), "not binary");
	tally_release(&t);
	tally_add(&t, 0);
	tally_add(&t, -0.0);
	tally_add(&t, 1);
	ok(tally_is_binary(&t) && tally_count(&t, 0) == 2 && tally_count(&t, 1) == 1,
	   "zeros and ones are counted");
	tally_release(&t);
}

static void merging(void)
{
	for (int n = 1000; n <= 300000; n *= 300) {
		struct tally whole = {0}, part[3] = {{0}}, merged = {0};
		struct rng r;
		double sum = 0;

		rng_seed(&r, 7, 0);
		for (int i = 0; i < n; i++) {
			double x = rng_uniform(&r) * (i % 5 == 0 ? 1000 : 1);

			sum += x;
			tally_add(&whole, x);
			tally_add(&part[rng_below(&r, 3)], x);
		}
		for (int i = 2; i >= 0; i--)
			tally_merge(&merged, &part[i]);
		ok(same(&whole, &merged), "%d values in parts, merged, are the whole bit for bit",
		   n);
		ok(whole.coarse == (n > TALLY_DISTINCT), "%s",
		   n > TALLY_DISTINCT ? "many distinct values are rounded"
				      : "few are kept as they are");
		ok_near(tally_mean(&whole), sum / n, 1e-12 * sum / n, "the mean stays exact");
		ok(n <= TALLY_DISTINCT || whole.cap <= 1 << 21, "the table stays small (%zu slots)",
		   whole.cap);
		for (int i = 0; i < 3; i++)
			tally_release(&part[i]);
		tally_release(&whole);
		tally_release(&merged);
	}
}

/* The interval of a quantile covers it as often as it promises, or more. */
static void quantile_intervals(void)
{
	int covered = 0, draws = 2000;
	double lo, hi;
	struct rng r;

	rng_seed(&r, 11, 0);
	for (int d = 0; d < draws; d++) {
		struct tally t = {0};
		struct tally_bin *v;
		size_t n;

		for (int i = 0; i < 100; i++)
			tally_add(&t, rng_uniform(&r));
		v = tally_sorted(&t, &n);
		tally_quantile_interval(v, n, t.n, .9, .95, &lo, &hi);
		covered += lo <= .9 && .9 <= hi;
		free(v);
		tally_release(&t);
	}
	printf("# the 95 %% interval of the 90th percentile of 100 values covers it in %.2f %%\n",
	       100.0 * covered / draws);
	/* Conservative (a discrete statistic): between .95 and .98 for n = 100; four standard
	 * errors of 2,000 draws are .02. */
	ok(covered >= .935 * draws && covered <= .99 * draws,
	   "coverage of the interval of a quantile");

	struct tally few = {0};
	size_t n;

	for (int i = 0; i < 10; i++)
		tally_add(&few, i);
	struct tally_bin *v = tally_sorted(&few, &n);

	tally_quantile_interval(v, n, few.n, .95, .95, &lo, &hi);
	ok(isinf(hi) && lo >= 0, "ten values do not bound their 95th percentile from above");
	free(v);
	tally_release(&few);
}

/* Tango's statistic by its definition: the likelihood of the discordant cells maximised by brute
 * force under a difference d. */
static double tango_by_search(double b, double c, double n, double d)
{
	double best = -INFINITY, at = 0, lo = fmax(0, -d), hi = (1 - d) / 2;

	for (int round = 0; round < 60; round++) {
		double step = (hi - lo) / 20;

		for (int i = 1; i < 20; i++) {
			double q = lo + i * step;
			double like =
				b * log(q + d) + c * log(q) + (n - b - c) * log(1 - 2 * q - d);

			if (like > best) {
				best = like;
				at = q;
			}
		}
		lo = fmax(lo, at - step);
		hi = fmin(hi, at + step);
	}
	return (b - c - n * d) / sqrt(n * (2 * at + d * (1 - d)));
}

static void pairs(void)
{
	struct interval v, w;
	struct tally d = {0};
	double p;
	int good = 1;

	/* python3 -c "from scipy.stats import binomtest as b; print(b(3,13).pvalue,
	 * b(10,400).pvalue)" */
	ok_near(paired_mcnemar(3, 10), 0.092285156250000014, 1e-15, "exact McNemar");
	ok_near(paired_mcnemar(10, 390) / 2.050408482364563e-101, 1, 1e-10,
		"exact McNemar, far out");
	ok(paired_mcnemar(0, 0) == 1 && paired_mcnemar(4, 4) == 1, "no difference, no evidence");
	for (int i = 0; i < 3; i++) {
		static const double cases[][3] = {{12, 2, 50}, {30, 41, 500}, {5, 1, 9}};
		const double *k = cases[i];

		v = paired_rate(k[0], k[1], k[2], .95);
		ok_near(tango_by_search(k[0], k[1], k[2], v.lo), 1.9599639845400545, 1e-6,
			"the lower bound has score 1.96");
		ok_near(tango_by_search(k[0], k[1], k[2], v.hi), -1.9599639845400545, 1e-6,
			"the upper bound has score -1.96");
	}
	v = paired_rate(0, 0, 20, .95);
	ok(v.value == 0 && v.lo < 0 && v.hi > 0 && fabs(v.lo + v.hi) < 1e-12,
	   "no discordant pair still leaves doubt, on both sides");
	ok(paired_rate(20, 0, 20, .95).hi == 1 && paired_rate(0, 20, 20, .95).lo == -1,
	   "bounds stay in -1 .. 1");
	/* python3 -c "from scipy.stats import ttest_1samp as t; r=t([.1,.2,0,-.1,.4],0);
	 * print(r.pvalue, r.confidence_interval())" */
	static const double x[] = {.1, .2, 0, -.1, .4};
	for (int i = 0; i < 5; i++)
		tally_add(&d, x[i]);
	v = paired_t(&d, .95, &p);
	ok_near(p, 0.23549636025944287, 1e-13, "paired t");
	ok_near(v.lo, -0.11883883880999849, 1e-13, "and its lower bound");
	ok_near(v.hi, 0.35883883880999856, 1e-13, "and its upper bound");
	tally_release(&d);
	tally_add(&d, .5);
	tally_add(&d, .5);
	v = paired_t(&d, .95, &p);
	ok(v.value == .5 && v.lo < 0 && v.hi > .5,
	   "two equal differences prove nothing (%.2f .. %.2f)", v.lo, v.hi);
	/* scipy: 2 * norm.sf(sqrt(2 * .5)) */
	ok_near(p, 0.31731050786291415, 1e-12, "and neither does their p");
	for (int i = 0; i < 98; i++)
		tally_add(&d, .5);
	v = paired_t(&d, .95, &p);
	ok(v.lo > .4 && v.hi < .55 && p < 1e-11, "a hundred do (%.2f .. %.2f)", v.lo, v.hi);
	/* Where p equals 1 - level the interval ends at 0. */
	for (double n = 1; n < 300; n += 7)
		for (double value = -.9; value < 1; value += .3) {
			p = interval_constant_p(value, n, -1, 1);
			w = interval_constant(value, n, -1, 1, 1 - p);
			good &= p <= 1e-9 || fabs(value > 0 ? w.lo : w.hi) < 1e-6;
		}
	ok(good, "p is the level at which the interval of equal values ends at 0");
	tally_release(&d);
	tally_add(&d, 0);
	tally_add(&d, 0);
	v = paired_t(&d, .95, &p);
	w = paired_rate(0, 0, 2, .95);
	ok(p == 1 && fabs(v.lo - w.lo) < 1e-12 && fabs(v.hi - w.hi) < 1e-12,
	   "no difference leaves the doubt that Tango's interval does");
	tally_release(&d);
}

int main(void)
{
	small();
	merging();
	quantile_intervals();
	pairs();
	return tap_done();
}

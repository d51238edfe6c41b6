/* twosample: against scipy 1.10.1 (the figures come from tests/fixtures/stats-twosample.py),
 * against enumeration, and under the null hypothesis. */
#include <stdint.h>
#include <stdlib.h>
#include "../../lib/base/mem.h"
#include "../../lib/base/rng.h"
#include "../../lib/stats/twosample.h"
#include "tap.h"

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* The generator of the fixture script; sorted. */
static double *sample(uint64_t seed, size_t n, double shift, double levels)
{
	double *x = mem_alloc(n, sizeof *x);

	for (size_t i = 0; i < n; i++) {
		seed = (seed * 1103515245 + 12345) % 2147483648u;
		x[i] = (double)seed / 2147483648.0 + shift;
		x[i] = levels > 0 ? floor(x[i] * levels) / levels : x[i];
	}
	qsort(x, n, sizeof *x, by_size);
	return x;
}

static void against_scipy(void)
{
	static const struct {
		size_t n, m;
		double shift, d, p;
	} ks[] = {
		{10, 12, 0, 0.16666666666666666, 0.98908831106973527},
		{60, 300, 0, 0.12666666666666668, 0.37851712005358162},
		{60, 300, 0.15, 0.27333333333333332, 0.00093486771864079242},
		{200, 200, 0.2, 0.23000000000000001, 4.7487878961137165e-05},
		{500, 700, 0.05, 0.080857142857142864, 0.041670690287911372},
		{37, 41, 0.9, 0.92682926829268297, 9.8418826588439022e-19},
	};
	static const struct {
		uint64_t a, n, b, m;
		double p;
	} fisher[] = {
		{1, 10, 9, 12, 0.0036913550845439386},
		{0, 50, 5, 60, 0.061934616680393913},
		{3, 1000, 0, 100, 1},
		{200, 1000, 60, 1000, 3.2234938570475594e-21},
		{12, 20, 3, 25, 0.0011783898212822516},
		{500, 100000, 3, 200, 0.080388970888142008},
	};
	static const double limit[][2] = {{0.3, 0.99999069419866549},
					  {0.5, 0.96394524366487511},
					  {0.8, 0.54414241157419807},
					  {1, 0.26999967167735456},
					  {1.2, 0.11224966667072497},
					  {1.6, 0.011952043239196616},
					  {2.5, 7.4533063441573419e-06},
					  {4, 2.5328331098188351e-14}};

	for (size_t i = 0; i < sizeof ks / sizeof *ks; i++) {
		double *x = sample(1 + ks[i].n, ks[i].n, 0, 0),
		       *y = sample(7 + ks[i].m, ks[i].m, ks[i].shift, 0);
		double d = twosample_ks(x, ks[i].n, y, ks[i].m, NULL);
		ok_near(d, ks[i].d, 1e-12, "KS distance of %zu and %zu values", ks[i].n, ks[i].m);
		ok_near(twosample_ks_p(d, x, ks[i].n, y, ks[i].m) / ks[i].p, 1, 1e-9,
			"its exact p");
		free(x);
		free(y);
	}
	for (size_t i = 0; i < sizeof fisher / sizeof *fisher; i++)
		ok_near(twosample_fisher(fisher[i].a, fisher[i].n, fisher[i].b, fisher[i].m) /
				fisher[i].p,
			1, 1e-9, "Fisher's test, %d of %d", (int)fisher[i].a, (int)fisher[i].n);
	for (size_t i = 0; i < sizeof limit / sizeof *limit; i++)
		ok_near(twosample_kolmogorov_sf(limit[i][0]) / limit[i][1], 1, 1e-9,
			"Kolmogorov's limit at %g", limit[i][0]);
	double *x = sample(3, 50, 0, 10), *y = sample(4, 70, 0.1, 10);
	ok_near(twosample_superiority(x, 50, y, 70), 0.57471428571428573, 1e-12,
		"P(X < Y) with ties");
	free(x);
	free(y);

	const uint64_t a[] = {100, 200, 300, 50}, b[] = {80, 260, 310, 20}, c[] = {1000, 900, 1100},
		       d[] = {12, 15, 40};
	struct twosample_table t;
	twosample_table(a, b, 4, 1, 1000, &t);
	ok_near(t.statistic, 22.771583795402684, 1e-9, "its statistic");
	ok_near(t.chi2_p / 4.5060890778653123e-05, 1, 1e-9, "its p by the limit");
	twosample_table(c, d, 3, 1, 1000, &t);
	ok_near(t.chi2_p / 0.000463689640621357, 1, 1e-9, "chi-square of unequal sizes");
	ok(t.where == 2, "the category that moved most");
	ok_near(t.largest, 40.0 / 67 - 1100.0 / 3000, 1e-12, "L-infinity");
}

static void against_enumeration(void)
{
	const double x[] = {1, 1, 2, 2}, y[] = {2, 3, 4, 4, 5, 5};
	double d = twosample_ks(x, 4, y, 6, NULL);

	ok_near(twosample_ks_p(d, x, 4, y, 6), 10.0 / 210, 1e-12,
		"KS with ties equals the enumeration of all deals");
	ok_near(twosample_all_in_second(2, 3, 4), 4.0 / 7 * 3 / 6, 1e-12,
		"all of two in the second sample");
	ok_near(twosample_all_in_second(100, 3000, 200) / twosample_fisher(0, 3000, 100, 200), 1,
		1e-6, "which is Fisher's tail");
	ok(twosample_all_in_second(5, 10, 4) == 0, "more than it holds cannot be in it");
	ok(isnan(twosample_ks(x, 0, y, 6, NULL)) && isnan(twosample_fisher(0, 0, 1, 2)),
	   "no data, no figure");
	ok(twosample_ks_p(0, x, 4, x, 4) == 1, "equal samples: p is 1");
}

static size_t skewed(struct rng *r, size_t levels)
{
	return (size_t)((double)levels * rng_uniform(r) * rng_uniform(r));
}

/* Rejections among null draws stay below the upper end of their binomial spread: 1.96 deviations
 * above alpha. */
static void under_the_null(void)
{
	static const size_t levels[] = {3, 50, 500};
	struct rng r;

	rng_seed(&r, 11, 0);
	for (size_t k = 0; k < 3; k++) {
		int hits = 0, runs = 400;
		for (int run = 0; run < runs; run++) {
			uint64_t a[500] = {0}, b[500] = {0};
			struct twosample_table t;
			for (int i = 0; i < 60; i++)
				a[skewed(&r, levels[k])]++;
			for (int i = 0; i < 400; i++)
				b[skewed(&r, levels[k])]++;
			twosample_table(a, b, levels[k], (uint64_t)run, 400, &t);
			hits += t.p <= 0.05;
		}
		ok(hits <= 0.05 * runs + 1.96 * sqrt(runs * 0.05 * 0.95),
		   "false alarms with %zu categories: %d of %d", levels[k], hits, runs);
	}
	uint64_t a[40], b[40];
	struct twosample_table t;
	for (int i = 0; i < 40; i++) {
		a[i] = i < 20 ? 3 : 0;
		b[i] = i < 20 ? 0 : 3;
	}
	twosample_table(a, b, 40, 1, 20000, &t);
	ok(t.method == TWOSAMPLE_PERMUTED && t.p < 1e-4,
	   "sparse and disjoint: the permutation test resolves below 1e-4");
	ok(t.effect > 0.5, "with a large effect");
}

int main(void)
{
	against_scipy();
	against_enumeration();
	under_the_null();
	return tap_done();
}

/* sketch and sort: the stated errors, whole and merged, in several orders of the stream. */
#include <stdlib.h>
#include "../../lib/base/mem.h"
#include "../../lib/base/rng.h"
#include "../../lib/stats/sketch.h"
#include "../../lib/stats/sort.h"
#include "tap.h"

/* The largest difference between the sketch's distribution function and that of 0, 1, ... n - 1. */
static double worst(const struct quantiles *q, size_t n)
{
	size_t points = 50000;
	double *x = mem_alloc(points, sizeof *x), most = 0;

	quantiles_points(q, x, points);
	for (size_t i = 0; i < points; i++)
		most = fmax(most,
			    fabs((x[i] + 1) / (double)n - ((double)i + 0.5) / (double)points));
	free(x);
	return most;
}

static void test_quantiles(void)
{
	enum { N = 400000, PARTS = 10, RUNS = 20 };
	int bad = 0, bad_merged = 0;
	struct rng r;
	size_t *order = mem_alloc(N, sizeof *order), held = 0;

	rng_seed(&r, 5, 0);
	for (int run = 0; run < RUNS; run++) {
		struct quantiles whole = {0}, merged = {0}, part[PARTS] = {{0}};
		for (size_t i = 0; i < N; i++)
			order[i] = run % 4 == 1	  ? i
				   : run % 4 == 2 ? N - 1 - i
				   : run % 4 == 3 ? (i % 2 ? i : N - 1 - i)
						  : i;
		if (run % 4 == 0)
			rng_shuffle(&r, order, N);
		for (size_t i = 0; i < N; i++) {
			double x = (double)order[(i + (size_t)run * 1009) % N];
			quantiles_add(&whole, x);
			quantiles_add(&part[i * PARTS / N], x);
		}
		for (int k = 0; k < PARTS; k++) {
			quantiles_merge(&merged, &part[k]);
			quantiles_release(&part[k]);
		}
		bad += !(worst(&whole, N) <= QUANTILES_ERROR) || whole.n != N;
		bad_merged += !(worst(&merged, N) <= QUANTILES_ERROR) || merged.n != N;
		held = whole.held > held ? whole.held : held;
		quantiles_release(&whole);
		quantiles_release(&merged);
	}
	ok(bad <= 1,
	   "quantiles of %d values, shuffled, rising, falling or zigzag, are off by at most %g (%d of %d sketches were not)",
	   N, QUANTILES_ERROR, bad, RUNS);
	ok(bad_merged <= 1, "and merged from %d parts too (%d were not)", PARTS, bad_merged);
	ok(held <= 4 * QUANTILES_K, "a sketch holds %zu values", held);

	struct quantiles few = {0};
	double x[3] = {-INFINITY, 2, INFINITY}, got[3];
	for (int i = 2; i >= 0; i--)
		quantiles_add(&few, x[i]);
	quantiles_points(&few, got, 3);
	ok(memcmp(x, got, sizeof x) == 0, "a few values are kept as they are, infinite ones too");
	ok(quantiles_put(&few, QUANTILES_LEVELS, 1) < 0, "no more levels than there may be");
	quantiles_release(&few);
	free(order);
}

static void test_distinct(void)
{
	struct distinct whole = {0}, a = {0}, b = {0};
	static uint64_t thing[50000];
	struct rng r;

	rng_seed(&r, 8, 0);
	for (size_t i = 0; i < 50000; i++)
		thing[i] = rng_u64(&r);

	for (uint64_t i = 0; i < 200000; i++) {
		uint64_t hash = thing[i % 50000];
		distinct_add(&whole, hash);
		distinct_add(i % 3 ? &a : &b, hash);
		if (i == 899)
			ok(distinct_count(&whole) == 900, "900 things are counted exactly");
	}
	ok_near(distinct_count(&whole), 50000, 0.1 * 50000,
		"50,000 within three standard errors: %.0f", distinct_count(&whole));
	distinct_merge(&a, &b);
	ok(a.n == whole.n && memcmp(a.hash, whole.hash, a.n * sizeof *a.hash) == 0,
	   "two parts merge into the sketch of the whole");
	distinct_release(&whole);
	distinct_release(&a);
	distinct_release(&b);
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void test_sort(void)
{
	static const size_t sizes[] = {0, 1, 2, 24, 25, 48, 49, 1000, 4097};
	int same = 1;
	struct rng r;

	rng_seed(&r, 6, 0);
	for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
		for (int shape = 0; shape < 3; shape++) {
			double *x = mem_alloc(sizes[s], sizeof *x),
			       *y = mem_alloc(sizes[s], sizeof *y);
			for (size_t i = 0; i < sizes[s]; i++)
				x[i] = y[i] = shape == 0   ? rng_normal(&r)
					      : shape == 1 ? (double)rng_below(&r, 5)
							   : (double)i;
			sort_doubles(x, sizes[s]);
			qsort(y, sizes[s], sizeof *y, by_size);
			same &= memcmp(x, y, sizes[s] * sizeof *x) == 0;
			free(x);
			free(y);
		}
	}
	ok(same, "sorted as qsort does");
}

int main(void)
{
	test_quantiles();
	test_distinct();
	test_sort();
	return tap_done();
}

/* agreement: kappa, Fleiss' kappa and Krippendorff's alpha. See agreement.h. */
#include "agreement.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../base/rng.h"
#include "dist.h"
#include "order.h"

/* The different values of v[0..n-1] in rising order; NaN left out. free() it. */
static double *levels_of(const double *v, size_t n, size_t *levels)
{
	double *all = mem_alloc(n, sizeof *all);
	size_t m = 0, k = 0;

	for (size_t i = 0; i < n; i++)
		if (!isnan(v[i]))
			all[m++] = v[i];
	order_sort(all, m);
	for (size_t i = 0; i < m; i++)
		if (k == 0 || all[i] != all[k - 1])
			all[k++] = all[i];
	*levels = k;
	return all;
}

static size_t level_of(const double *levels, size_t k, double x)
{
	const double *at = bsearch(&x, levels, k, sizeof x, order_ascending);

	return (size_t)(at - levels);
}

/* How much two values agree, 1 for equal ones, 0 for the ends of the scale. */
static double weight(const double *levels, size_t k, size_t i, size_t j, enum agreement_weights w)
{
	double range = levels[k - 1] - levels[0], d = fabs(levels[i] - levels[j]) / range;

	return w == AGREEMENT_NOMINAL ? i == j : w == AGREEMENT_LINEAR ? 1 - d : 1 - d * d;
}

struct interval agreement_kappa(const double *x, const double *y, size_t n,
				enum agreement_weights w, double level)
{
	struct interval v = {NAN, NAN, NAN};
	double *both = mem_alloc(2 * n, sizeof *both), *levels, *p, *row, *column, po = 0, pe = 0,
	       sum = 0, se, z;
	size_t k;

	memcpy(both, x, n * sizeof *x);
	memcpy(both + n, y, n * sizeof *y);
	levels = levels_of(both, 2 * n, &k);
	free(both);
	p = mem_alloc(k * k + 2 * k, sizeof *p);
	row = p + k * k;
	column = row + k;
	for (size_t i = 0; i < n; i++)
		p[level_of(levels, k, x[i]) * k + level_of(levels, k, y[i])] += 1 / (double)n;
	for (size_t i = 0; i < k; i++)
		for (size_t j = 0; j < k; j++) {
			row[i] += p[i * k + j];
			column[j] += p[i * k + j];
		}
	for (size_t i = 0; i < k; i++)
		for (size_t j = 0; j < k; j++) {
			po += weight(levels, k, i, j, w) * p[i * k + j];
			pe += weight(levels, k, i, j, w) * row[i] * column[j];
		}
	if (k < 2)
		goto cleanup; /* no scale, no chance to correct for */
	v.value = (po - pe) / (1 - pe);
	for (size_t i = 0; i < k; i++)
		for (size_t j = 0; j < k; j++) {
			double means = 0, term;

			for (size_t l = 0; l < k; l++)
				means += weight(levels, k, i, l, w) * column[l] +
					 weight(levels, k, l, j, w) * row[l];
			term = weight(levels, k, i, j, w) * (1 - pe) - means * (1 - po);
			sum += p[i * k + j] * term * term;
		}
	se = sqrt(fmax(0, sum - pow(po * pe - 2 * pe + po, 2)) / (double)n) / pow(1 - pe, 2);
	z = -dist_normal_quantile((1 - level) / 2);
	/* Without a standard error (one of the two always says the same) nothing is known. */
	if (se > 1e-12) {
		v.lo = fmax(-1, v.value - z * se);
		v.hi = fmin(1, v.value + z * se);
	}
	if (v.value >= 1 - 1e-12)
		v.hi = 1,
		v.lo = fmax(-1, (interval_wilson((double)n, (double)n, level).lo - pe) / (1 - pe));
cleanup:
	free(p);
	free(levels);
	return v;
}

struct confusion agreement_confusion(const double *truth, const double *said, size_t n)
{
	struct confusion c = {0};

	for (size_t i = 0; i < n; i++) {
		c.tp += truth[i] != 0 && said[i] != 0;
		c.fp += truth[i] == 0 && said[i] != 0;
		c.tn += truth[i] == 0 && said[i] == 0;
		c.fn += truth[i] != 0 && said[i] == 0;
	}
	return c;
}

/* alpha of the rows index[0..n-1] (or 0..n-1), given as codes of levels, -1 for missing. */
struct alpha {
	int *codes;
	size_t raters, k;
	double *levels;
	enum agreement_scale scale;
	double *coincidence, *total; /* k x k, k */
	/* of the last alpha_of: how far two values lie apart by chance, and at most; rows with two */
	double by_chance, farthest, pairable;
};

static double distance(const struct alpha *a, size_t c, size_t d)
{
	if (c == d)
		return 0;
	return a->scale == AGREEMENT_CATEGORIES ? 1 : pow(a->levels[c] - a->levels[d], 2);
}

static double alpha_of(struct alpha *a, const size_t *index, size_t n)
{
	double all = 0, observed = 0, expected = 0;

	a->farthest = a->pairable = 0;
	memset(a->coincidence, 0, a->k * a->k * sizeof *a->coincidence);
	memset(a->total, 0, a->k * sizeof *a->total);
	for (size_t i = 0; i < n; i++) {
		const int *row = a->codes + (index ? index[i] : i) * a->raters;
		double m = 0;

		for (size_t r = 0; r < a->raters; r++)
			m += row[r] >= 0;
		if (m < 2)
			continue;
		a->pairable++;
		for (size_t r = 0; r < a->raters; r++)
			for (size_t s = 0; s < a->raters; s++)
				if (r != s && row[r] >= 0 && row[s] >= 0)
					a->coincidence[(size_t)row[r] * a->k + (size_t)row[s]] +=
						1 / (m - 1);
	}
	for (size_t c = 0; c < a->k; c++) {
		for (size_t d = 0; d < a->k; d++)
			a->total[c] += a->coincidence[c * a->k + d];
		all += a->total[c];
	}
	for (size_t c = 0; c < a->k; c++)
		for (size_t d = 0; d < a->k; d++) {
			double far = distance(a, c, d);

			observed += a->coincidence[c * a->k + d] * far;
			expected += a->total[c] * a->total[d] * far;
			a->farthest = fmax(a->farthest, far);
		}
	a->by_chance = expected / (all * (all - 1));
	return expected > 0 ? 1 - (all - 1) * observed / expected : NAN;
}

static void alpha_begin(struct alpha *a, const double *ratings, size_t rows, size_t raters,
			enum agreement_scale scale)
{
	int *codes = mem_alloc(rows * raters, sizeof *codes);
	double *levels = levels_of(ratings, rows * raters, &a->k);

	for (size_t i = 0; i < rows * raters; i++)
		codes[i] = isnan(ratings[i]) ? -1 : (int)level_of(levels, a->k, ratings[i]);
	a->codes = codes;
	a->raters = raters;
	a->levels = levels;
	a->scale = scale;
	a->coincidence = mem_alloc(a->k * a->k, sizeof *a->coincidence);
	a->total = mem_alloc(a->k, sizeof *a->total);
}

static void alpha_end(struct alpha *a)
{
	free(a->codes);
	free(a->levels);
	free(a->coincidence);
	free(a->total);
}

struct interval agreement_alpha(const double *ratings, size_t rows, size_t raters,
				enum agreement_scale scale, size_t resamples, uint64_t seed,
				double level)
{
	struct interval v = {NAN, NAN, NAN};
	size_t *index = mem_alloc(rows, sizeof *index), n = 0;
	double *draws = mem_alloc(resamples, sizeof *draws);
	struct alpha a;
	struct rng r;

	alpha_begin(&a, ratings, rows, raters, scale);
	v.value = alpha_of(&a, NULL, rows);
	rng_seed(&r, seed, 0);
	for (size_t b = 0; b < resamples && !isnan(v.value); b++) {
		for (size_t i = 0; i < rows; i++)
			index[i] = (size_t)rng_below(&r, rows);
		draws[n] = alpha_of(&a, index, rows);
		n += !isnan(draws[n]); /* a resample of one value only says nothing */
	}
	order_sort(draws, n);
	if (n > 0 && draws[n - 1] - draws[0] < 1e-12) {
		/* Draws that are all alike say nothing. Of rows that agree entirely as many may be
		 * otherwise as Wilson's interval leaves, and these as far as can be. */
		alpha_of(&a, NULL, rows);
		if (v.value >= 1 - 1e-12) {
			v.hi = 1;
			v.lo = fmax(-1, 1 - interval_wilson(0, a.pairable, level).hi * a.farthest /
							a.by_chance);
		}
	} else if (n > 0) {
		v = order_interval(v.value, draws, n, level);
	}
	alpha_end(&a);
	free(index);
	free(draws);
	return v;
}

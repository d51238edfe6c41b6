/* blocks: see the header. */
#include "blocks.h"

#include <math.h>
#include <stdlib.h>
#include "../base/mem.h"
#include "twosample.h"

#define ROUNDING 1e-12

double blocks_weight(const struct blocks *b, size_t row)
{
	return row < b->first ? 1 / (double)b->first : -1 / (double)(b->rows - b->first);
}

void blocks_signs(const struct blocks *b, struct rng *r, double *sign)
{
	uint64_t bits = 0;

	for (size_t i = 0; i < b->n; i++) {
		bits = i % 64 ? bits >> 1 : rng_u64(r);
		sign[i] = bits & 1 ? 1 : -1;
	}
}

double blocks_left(const struct blocks *b, const double *sign)
{
	double left = 0;

	for (size_t i = 0; i < b->rows; i++)
		left += sign[b->block[i]] * blocks_weight(b, i);
	return left;
}

static double *ones(size_t n)
{
	double *sign = mem_alloc(n, sizeof *sign);

	for (size_t i = 0; i < n; i++)
		sign[i] = 1;
	return sign;
}

struct valued {
	double x, weight;
	uint32_t block;
};

static int by_value(const void *a, const void *b)
{
	double x = ((const struct valued *)a)->x, y = ((const struct valued *)b)->x;

	return x < y ? -1 : x > y;
}

/* The largest distance, of rows in the order of their values. */
static double distance(const struct blocks *b, const struct valued *v, const double *sign)
{
	double left = blocks_left(b, sign), sum = 0, most = 0;

	for (size_t i = 0; i < b->rows; i++) {
		sum += sign[v[i].block] * v[i].weight;
		if (i + 1 == b->rows || v[i].x < v[i + 1].x)
			most = fmax(most, fabs(sum - left * ((double)i + 1) / (double)b->rows));
	}
	return most;
}

double blocks_ks(const struct blocks *b, const double *x)
{
	struct valued *v;
	double *sign, observed;
	size_t hits = 0, done = 0;
	struct rng r;

	if (!b->first || b->first == b->rows)
		return NAN;
	v = mem_alloc(b->rows, sizeof *v);
	for (size_t i = 0; i < b->rows; i++)
		v[i] = (struct valued){x[i], blocks_weight(b, i), b->block[i]};
	mem_sort(v, b->rows, sizeof *v, by_value);
	sign = ones(b->n);
	observed = distance(b, v, sign);
	rng_seed(&r, b->seed, 0xb10c);
	while (done < b->draws) {
		blocks_signs(b, &r, sign);
		hits += distance(b, v, sign) >= observed - ROUNDING;
		if (++done == 200 && hits > 40)
			break;
	}
	free(v);
	free(sign);
	return (1 + (double)hits) / (1 + (double)done);
}

/* Both statistics; share: of each level among all rows. */
static void measure(const struct blocks *b, const uint32_t *level, size_t levels,
		    const double *share, const double *sign, double *sum, double *chi2,
		    double *largest)
{
	double left = blocks_left(b, sign);

	*chi2 = *largest = 0;
	for (size_t k = 0; k < levels; k++)
		sum[k] = -left * share[k];
	for (size_t i = 0; i < b->rows; i++)
		sum[level[i]] += sign[b->block[i]] * blocks_weight(b, i);
	for (size_t k = 0; k < levels; k++) {
		if (!(share[k] > 0) || share[k] >= 1)
			continue;
		*chi2 += sum[k] * sum[k] / share[k];
		*largest = fmax(*largest, fabs(sum[k]) / sqrt(share[k] * (1 - share[k])));
	}
}

double blocks_table(const struct blocks *b, const uint32_t *level, size_t levels)
{
	double *share, *sum, *sign, *chi2, *largest, p;
	size_t done = 1;
	struct rng r;

	if (!b->first || b->first == b->rows)
		return NAN;
	share = mem_alloc(levels, sizeof *share);
	sum = mem_alloc(levels, sizeof *sum);
	chi2 = mem_alloc(b->draws + 1, sizeof *chi2);
	largest = mem_alloc(b->draws + 1, sizeof *largest);
	for (size_t i = 0; i < b->rows; i++)
		share[level[i]] += 1 / (double)b->rows;
	sign = ones(b->n);
	measure(b, level, levels, share, sign, sum, &chi2[0], &largest[0]);
	rng_seed(&r, b->seed, 0xb10c);
	for (; done <= b->draws; done++) {
		blocks_signs(b, &r, sign);
		measure(b, level, levels, share, sign, sum, &chi2[done], &largest[done]);
		if (done == 200 && twosample_smaller_p(chi2, largest, done + 1) > 0.2) {
			done++;
			break;
		}
	}
	p = twosample_smaller_p(chi2, largest, done);
	free(share);
	free(sum);
	free(sign);
	free(chi2);
	free(largest);
	return p;
}

/* apart: see the header. */
#include <math.h>
#include <stdlib.h>
#include "../base/mem.h"
#include "../base/rng.h"
#include "apart.h"
#include "dist.h"
#include "twosample.h"
#include "order.h"

#define BITS 18 /* of a feature that tell weights apart */
#define EPOCHS 4
#define RATE 0.5

struct weights {
	float *w, *seen; /* seen: sum of squared gradients */
};

static size_t slot(uint32_t feature)
{
	return (size_t)(feature * 2654435769u) >> (32 - BITS);
}

static double score(const struct weights *m, const struct apart_row *r)
{
	double sum = 0;

	for (size_t i = 0; i < r->n; i++)
		sum += (double)m->w[slot(r->feature[i])];
	return r->n ? sum / sqrt((double)r->n) : 0;
}

/* weight makes both sets count alike. */
static void learn(struct weights *m, const struct apart_row *r, double weight)
{
	double g = weight * (1 / (1 + exp(-score(m, r))) - r->second) /
		   sqrt((double)(r->n ? r->n : 1));

	for (size_t i = 0; i < r->n; i++) {
		size_t k = slot(r->feature[i]);
		m->seen[k] += (float)(g * g);
		m->w[k] -= (float)(RATE * g / (sqrt((double)m->seen[k]) + 1e-8));
	}
}

static void judge(const struct weights *m, const struct apart_row *row, const size_t *at, size_t n,
		  struct apart *result)
{
	double *of[2];
	size_t k[2] = {0};

	for (int s = 0; s < 2; s++)
		of[s] = mem_alloc(n, sizeof **of);
	for (size_t i = 0; i < n; i++) {
		const struct apart_row *r = &row[at[i]];
		of[r->second][k[r->second]++] = score(m, r);
	}
	for (int s = 0; s < 2; s++)
		order_sort(of[s], k[s]);
	double a = twosample_superiority(of[0], k[0], of[1], k[1]), x = (double)k[0],
	       y = (double)k[1];
	double q1 = a / (2 - a), q2 = 2 * a * a / (1 + a);
	double se = sqrt((a * (1 - a) + (x - 1) * (q1 - a * a) + (y - 1) * (q2 - a * a)) / (x * y));
	result->auc = interval_se(a, se, INFINITY, 0.95);
	result->auc.lo = fmax(0, result->auc.lo);
	result->auc.hi = fmin(1, result->auc.hi);
	result->p = dist_normal_sf((a - 0.5) / sqrt((x + y + 1) / (12 * x * y)));
	result->held_out = n;
	free(of[0]);
	free(of[1]);
}

/* Every other row of a set, in a random order, is learned from. */
void apart_test(const struct apart_row *row, size_t n, uint64_t seed, struct apart *result)
{
	size_t *order = mem_alloc(n, sizeof *order), *half[2], k[2] = {0}, of[2] = {0},
	       turn[2] = {0};
	struct weights m = {mem_alloc(1 << BITS, sizeof *m.w),
			    mem_alloc(1 << BITS, sizeof *m.seen)};
	struct rng r;

	*result = (struct apart){.auc = {NAN, NAN, NAN}, .p = NAN};
	for (int s = 0; s < 2; s++)
		half[s] = mem_alloc(n, sizeof **half);
	for (size_t i = 0; i < n; i++) {
		order[i] = i;
		of[row[i].second]++;
	}
	if (of[0] < APART_LEAST || of[1] < APART_LEAST)
		goto cleanup;
	rng_seed(&r, seed, 0xa9a7);
	rng_shuffle(&r, order, n);
	for (size_t i = 0; i < n; i++) {
		int h = turn[row[order[i]].second]++ % 2 != 0;
		half[h][k[h]++] = order[i];
	}
	for (int epoch = 0; epoch < EPOCHS; epoch++) {
		rng_shuffle(&r, half[0], k[0]);
		for (size_t i = 0; i < k[0]; i++)
			learn(&m, &row[half[0][i]],
			      (double)n / 2 / (double)of[row[half[0][i]].second]);
	}
	judge(&m, row, half[1], k[1], result);
cleanup:
	free(half[0]);
	free(half[1]);
	free(order);
	free(m.w);
	free(m.seen);
}

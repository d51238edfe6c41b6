/* mmd: see the header. */
#include <math.h>
#include <stdlib.h>
#include "../base/mem.h"
#include "../base/rng.h"
#include "mmd.h"
#include "sort.h"
#include "twosample.h"

#define SCALE_PAIRS 20000 /* distances whose median is taken */

static double distance(const float *a, const float *b, size_t d)
{
	float sum[4] = {0};
	size_t i = 0;

	for (; i + 4 <= d; i += 4) {
		for (size_t k = 0; k < 4; k++) {
			float x = a[i + k] - b[i + k];
			sum[k] += x * x;
		}
	}
	for (; i < d; i++)
		sum[0] += (a[i] - b[i]) * (a[i] - b[i]);
	return (double)sum[0] + (double)sum[1] + (double)sum[2] + (double)sum[3];
}

double mmd_scale(const float *x, size_t all, size_t d)
{
	size_t pairs = all * (all - 1) / 2, n = pairs < SCALE_PAIRS ? pairs : SCALE_PAIRS, k = 0,
	       at = 0;
	double *v = mem_alloc(n, sizeof *v), s, sum = 0;

	for (size_t i = 0; i < all; i++) {
		for (size_t j = 0; j < i; j++, at++) {
			/* Evenly spaced pairs. */
			if (at * n / pairs == (at + 1) * n / pairs)
				continue;
			v[k] = distance(x + i * d, x + j * d, d);
			sum += v[k++];
		}
	}
	sort_doubles(v, k);
	s = k ? v[k / 2] : 0;
	free(v);
	return s > 0 ? s : k ? sum / (double)k : 0;
}

double mmd_nearer(const float *x, size_t n, size_t m, size_t d, double s, const float *y)
{
	double first = 0, second = 0;

	for (size_t i = 0; i < n + m; i++)
		*(i < n ? &first : &second) += exp(-distance(x + i * d, y, d) / s);
	return log(second / (double)m + 1e-300) - log(first / (double)n + 1e-300);
}

/* The kernel between all vectors, and its row sums without the diagonal. */
struct kernel {
	float *k;
	double *row, total;
	size_t n, m, all;
};

static void kernel_init(struct kernel *w, const float *x, size_t n, size_t m, size_t d, double s)
{
	*w = (struct kernel){.n = n, .m = m, .all = n + m};
	w->k = mem_alloc(w->all * w->all, sizeof *w->k);
	w->row = mem_alloc(w->all, sizeof *w->row);
	for (size_t i = 0; i < w->all; i++) {
		for (size_t j = 0; j < i; j++) {
			float k = (float)exp(-distance(x + i * d, x + j * d, d) / s);
			w->k[i * w->all + j] = w->k[j * w->all + i] = k;
			w->row[i] += (double)k;
			w->row[j] += (double)k;
		}
	}
	for (size_t i = 0; i < w->all; i++)
		w->total += w->row[i];
}

static void kernel_release(struct kernel *w)
{
	free(w->k);
	free(w->row);
}

/* The statistic when the first `few` of order are one of the sets. */
static double measure(const struct kernel *w, const uint32_t *order, size_t few)
{
	double within = 0, rows = 0, a = (double)few, b = (double)(w->all - few);

	for (size_t i = 0; i < few; i++) {
		const float *k = w->k + order[i] * w->all;
		float sum = 0;
		for (size_t j = 0; j < i; j++)
			sum += k[order[j]];
		within += 2 * (double)sum;
		rows += w->row[order[i]];
	}
	double across = rows - within, rest = w->total - 2 * rows + within;
	return within / a / (a - 1) + rest / b / (b - 1) - 2 * across / a / b;
}

/* Half h learns, the other half is ranked. Vectors are halved by the parity of their place in their
 * set. */
static double told_apart(const struct kernel *w, size_t h)
{
	double *rank[2], p;
	size_t count[2] = {0};

	rank[0] = mem_alloc(w->n, sizeof **rank);
	rank[1] = mem_alloc(w->m, sizeof **rank);
	for (size_t i = 0; i < w->all; i++) {
		int set = i >= w->n;
		double sum[2] = {0}, n[2] = {0};
		if ((set ? i - w->n : i) % 2 == h)
			continue;
		for (size_t j = 0; j < w->all; j++) {
			int other = j >= w->n;
			if ((other ? j - w->n : j) % 2 != h)
				continue;
			sum[other] += (double)w->k[i * w->all + j];
			n[other]++;
		}
		rank[set][count[set]++] = sum[1] / n[1] - sum[0] / n[0];
	}
	sort_doubles(rank[0], count[0]);
	sort_doubles(rank[1], count[1]);
	p = twosample_superiority(rank[0], count[0], rank[1], count[1]);
	free(rank[0]);
	free(rank[1]);
	return 2 * p - 1;
}

void mmd_test(const float *x, size_t n, size_t m, size_t d, uint64_t seed, size_t draws,
	      struct mmd_result *r)
{
	size_t all = n + m, few = n < m ? n : m, done = 0, hits = 0;
	double s = n >= 4 && m >= 4 ? mmd_scale(x, all, d) : 0;
	struct kernel w;
	struct rng rng;

	*r = (struct mmd_result){NAN, NAN, NAN};
	if (!(s > 0))
		return;
	kernel_init(&w, x, n, m, d, s);
	uint32_t *order = mem_alloc(all, sizeof *order);
	for (size_t i = 0; i < all; i++)
		order[i] = (uint32_t)(n <= m ? i : (i + n) % all);
	r->statistic = measure(&w, order, few);
	rng_seed(&rng, seed, 0x33d);
	while (done < draws) {
		for (size_t i = 0; i < few; i++) {
			size_t j = i + (size_t)rng_below(&rng, all - i);
			uint32_t swap = order[i];
			order[i] = order[j];
			order[j] = swap;
		}
		hits += measure(&w, order, few) >= r->statistic - 1e-12;
		if (++done == 200 && hits > 40)
			break;
	}
	r->p = (1 + (double)hits) / (1 + (double)done);
	r->effect = fmax(0, (told_apart(&w, 0) + told_apart(&w, 1)) / 2);
	free(order);
	kernel_release(&w);
}

/* Sums over the rows of each pair of blocks, and of each block, so that a draw of signs costs no
 * more than their number squared. */
struct block_kernel {
	double *pair, *mean, *weight, all;
	size_t n;
};

static void block_kernel_init(struct block_kernel *s, const struct kernel *w,
			      const struct blocks *b)
{
	double rows = (double)b->rows;

	*s = (struct block_kernel){.n = b->n};
	s->pair = mem_alloc(b->n * b->n, sizeof *s->pair);
	s->mean = mem_alloc(b->n, sizeof *s->mean);
	s->weight = mem_alloc(b->n, sizeof *s->weight);
	for (size_t i = 0; i < b->rows; i++) {
		double weight = blocks_weight(b, i), mean = (w->row[i] + 1) / rows;
		double *pair = s->pair + b->block[i] * b->n;
		for (size_t j = 0; j < b->rows; j++)
			pair[b->block[j]] += weight * blocks_weight(b, j) *
					     (i == j ? 1 : (double)w->k[i * w->all + j]);
		s->mean[b->block[i]] += weight * mean;
		s->weight[b->block[i]] += weight;
		s->all += mean / rows;
	}
}

/* The squared length of the signed sum of what the rows' kernels differ from their mean by. */
static double measure_signed(const struct block_kernel *s, const double *sign)
{
	double sum = 0, mean = 0, left = 0;

	for (size_t i = 0; i < s->n; i++) {
		const double *pair = s->pair + i * s->n;
		double row = 0;
		for (size_t j = 0; j < s->n; j++)
			row += sign[j] * pair[j];
		sum += sign[i] * row;
		mean += sign[i] * s->mean[i];
		left += sign[i] * s->weight[i];
	}
	return sum - 2 * left * mean + left * left * s->all;
}

double mmd_blocks_p(const float *x, size_t d, const struct blocks *b)
{
	size_t n = b->first, m = b->rows - n, hits = 0, done = 0;
	double s = n >= 4 && m >= 4 ? mmd_scale(x, b->rows, d) : 0;
	struct block_kernel sums;
	struct kernel w;
	struct rng rng;

	if (!(s > 0))
		return NAN;
	kernel_init(&w, x, n, m, d, s);
	block_kernel_init(&sums, &w, b);
	double *sign = mem_alloc(b->n, sizeof *sign);
	for (size_t i = 0; i < b->n; i++)
		sign[i] = 1;
	double observed = measure_signed(&sums, sign);
	rng_seed(&rng, b->seed, 0x33d);
	while (done < b->draws) {
		blocks_signs(b, &rng, sign);
		hits += measure_signed(&sums, sign) >= observed - 1e-12;
		if (++done == 200 && hits > 40)
			break;
	}
	free(sign);
	free(sums.pair);
	free(sums.mean);
	free(sums.weight);
	kernel_release(&w);
	return (1 + (double)hits) / (1 + (double)done);
}

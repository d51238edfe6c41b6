/* twosets: sums over the words of the smaller set, again and again; see the header. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../base/rng.h"
#include "twosample.h"
#include "twosets.h"

/* What all draws share. `few` is the smaller set. */
struct work {
	const struct twosets *t;
	size_t few, many;
	double *df;	     /* texts that have the word */
	double *weight;	     /* of a word in a text, before the text is scaled */
	double *scale;	     /* of a text */
	double *total;	     /* sums over all texts of scaled weights */
	double *sd;	     /* of a word's count in a draw of `few` texts */
	double base;	     /* the distance if the few had no words at all */
	double *sum, *count; /* of the few in hand */
	uint32_t *touched;
};

static void prepare(struct work *w, const struct twosets *t)
{
	size_t all = t->n + t->m;
	double n;

	*w = (struct work){.t = t,
			   .few = t->n < t->m ? t->n : t->m,
			   .many = t->n < t->m ? t->m : t->n};
	w->df = mem_alloc(t->words, sizeof *w->df);
	w->weight = mem_alloc(t->words, sizeof *w->weight);
	w->total = mem_alloc(t->words, sizeof *w->total);
	w->sd = mem_alloc(t->words, sizeof *w->sd);
	w->sum = mem_alloc(t->words, sizeof *w->sum);
	w->count = mem_alloc(t->words, sizeof *w->count);
	w->scale = mem_alloc(all, sizeof *w->scale);
	w->touched = mem_alloc(t->words, sizeof *w->touched);
	n = (double)all;
	for (size_t i = 0; i < t->begin[all]; i++)
		w->df[t->word[i]]++;
	for (size_t k = 0; k < t->words; k++) {
		double share = w->df[k] / n;
		/* The hypergeometric variance of a count among the few. */
		w->sd[k] = sqrt((double)w->few * share * (1 - share) * (double)w->many / (n - 1));
		w->weight[k] = w->df[k] >= 2 ? log(n / w->df[k]) : 0;
	}
	for (size_t i = 0; i < all; i++) {
		double length = 0;
		for (size_t j = t->begin[i]; j < t->begin[i + 1]; j++)
			length += w->weight[t->word[j]] * w->weight[t->word[j]];
		w->scale[i] = length > 0 ? 1 / sqrt(length) : 0;
		for (size_t j = t->begin[i]; j < t->begin[i + 1]; j++)
			w->total[t->word[j]] += w->scale[i] * w->weight[t->word[j]];
	}
	for (size_t k = 0; k < t->words; k++)
		w->base += w->total[k] * w->total[k] / ((double)w->many * (double)w->many);
}

static void work_release(struct work *w)
{
	free(w->df);
	free(w->weight);
	free(w->total);
	free(w->sd);
	free(w->sum);
	free(w->count);
	free(w->scale);
	free(w->touched);
}

/* Both statistics for the texts listed first in order[]. */
static void measure(struct work *w, const uint32_t *order, double *distance, double *single)
{
	const struct twosets *t = w->t;
	double few = (double)w->few, many = (double)w->many, share = few / (few + many);
	size_t n = 0;

	*distance = w->base;
	*single = 0;
	for (size_t i = 0; i < w->few; i++) {
		uint32_t text = order[i];
		for (size_t j = t->begin[text]; j < t->begin[text + 1]; j++) {
			uint32_t k = t->word[j];
			if (w->count[k] == 0)
				w->touched[n++] = k;
			w->count[k]++;
			w->sum[k] += w->scale[text] * w->weight[k];
		}
	}
	for (size_t i = 0; i < n; i++) {
		uint32_t k = w->touched[i];
		double rest = w->total[k] / many,
		       d = w->sum[k] / few - (w->total[k] - w->sum[k]) / many;
		*distance += d * d - rest * rest;
		w->sum[k] = 0;
	}
	/* Also words that the few lack: one that vanished tells as much as one that came. */
	for (size_t k = 0; k < t->words; k++) {
		if (w->df[k] >= 3 && w->sd[k] > 0)
			*single = fmax(*single, fabs(w->count[k] - w->df[k] * share) / w->sd[k]);
	}
	for (size_t i = 0; i < n; i++)
		w->count[w->touched[i]] = 0;
}

static void explain(const struct work *w, double *z, struct twosets_result *r)
{
	const struct twosets *t = w->t;
	double *second = mem_alloc(t->words, sizeof *second), most = -1;

	for (size_t i = t->begin[t->n]; i < t->begin[t->n + t->m]; i++)
		second[t->word[i]]++;
	for (size_t k = 0; k < t->words; k++) {
		double difference =
			second[k] / (double)t->m - (w->df[k] - second[k]) / (double)t->n;
		double expected = w->df[k] * (double)t->m / (double)(t->n + t->m);
		double now = w->sd[k] > 0 && w->df[k] >= 3 ? (second[k] - expected) / w->sd[k] : 0;
		if (z)
			z[k] = now;
		if (fabs(now) > most) {
			most = fabs(now);
			r->where = (uint32_t)k;
			r->largest = fabs(difference);
		}
	}
	free(second);
}

void twosets_test(const struct twosets *t, uint64_t seed, size_t draws, double *z,
		  struct twosets_result *r)
{
	size_t all = t->n + t->m, done = 1;
	struct work w;
	struct rng rng;

	*r = (struct twosets_result){.p = NAN, .statistic = NAN, .largest = NAN};
	if (!t->n || !t->m || !t->words)
		return;
	prepare(&w, t);
	uint32_t *order = mem_alloc(all, sizeof *order);
	double *distance = mem_alloc(draws + 1, sizeof *distance),
	       *single = mem_alloc(draws + 1, sizeof *single);
	for (size_t i = 0; i < all; i++)
		order[i] = (uint32_t)(t->n <= t->m ? i : (i + t->n) % all);
	measure(&w, order, &distance[0], &single[0]);
	r->statistic = distance[0];
	rng_seed(&rng, seed, 0x5e75);
	for (; done <= draws; done++) {
		for (size_t i = 0; i < w.few; i++) {
			size_t j = i + (size_t)rng_below(&rng, all - i);
			uint32_t swap = order[i];
			order[i] = order[j];
			order[j] = swap;
		}
		measure(&w, order, &distance[done], &single[done]);
		if (done == 200 && twosample_smaller_p(distance, single, done + 1) > 0.2) {
			done++;
			break;
		}
	}
	r->p = twosample_smaller_p(distance, single, done);
	explain(&w, z, r);
	free(order);
	free(distance);
	free(single);
	work_release(&w);
}

/* Both statistics when the blocks count with those signs. */
static void measure_signed(struct work *w, const struct blocks *b, const double *sign,
			   double *distance, double *single)
{
	const struct twosets *t = w->t;
	double left = blocks_left(b, sign), all = (double)b->rows;

	for (size_t k = 0; k < t->words; k++) {
		w->sum[k] = -left * w->total[k] / all;
		w->count[k] = -left * w->df[k] / all;
	}
	for (size_t i = 0; i < b->rows; i++) {
		double weight = sign[b->block[i]] * blocks_weight(b, i);
		for (size_t j = t->begin[i]; j < t->begin[i + 1]; j++) {
			uint32_t k = t->word[j];
			w->count[k] += weight;
			w->sum[k] += weight * w->scale[i] * w->weight[k];
		}
	}
	*distance = *single = 0;
	for (size_t k = 0; k < t->words; k++) {
		*distance += w->sum[k] * w->sum[k];
		if (w->df[k] >= 3 && w->sd[k] > 0)
			*single = fmax(*single, fabs(w->count[k]) / w->sd[k]);
	}
}

double twosets_blocks_p(const struct twosets *t, const struct blocks *b)
{
	struct work w;
	struct rng rng;
	size_t done = 0;

	if (!t->n || !t->m || !t->words)
		return NAN;
	prepare(&w, t);
	double *sign = mem_alloc(b->n, sizeof *sign),
	       *distance = mem_alloc(b->draws + 1, sizeof *distance),
	       *single = mem_alloc(b->draws + 1, sizeof *single);
	for (size_t i = 0; i < b->n; i++)
		sign[i] = 1;
	rng_seed(&rng, b->seed, 0x5e75);
	for (; done <= b->draws; done++) {
		measure_signed(&w, b, sign, &distance[done], &single[done]);
		if (done == 200 && twosample_smaller_p(distance, single, done + 1) > 0.2) {
			done++;
			break;
		}
		blocks_signs(b, &rng, sign);
	}
	double p = twosample_smaller_p(distance, single, done);
	free(sign);
	free(distance);
	free(single);
	work_release(&w);
	return p;
}

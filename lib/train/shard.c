/* The table's trained values cut into buckets and shared out; see shard.h. */
#include "shard.h"

#include <stdlib.h>
#include "../base/mem.h"

/* A bucket is about a 32nd of all, so that one can travel while the next is filled and neither takes
 * much of what sharding saves; of no fewer values than pay for a message, nor of more than fill one. */
#define BUCKET_SHARE 32
#define BUCKET_LEAST ((size_t)1 << 16)
#define BUCKET_GOOD ((size_t)1 << 18)

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

/* The stages at which the first gradient is added to a tensor, and the last one. */
static void stages_of(const struct model *m, size_t i, size_t *first, size_t *last)
{
	const struct model_tensor *t = &m->tensors[i];
	size_t bottom = m->config.layers + 1;

	if (t->layer >= 0)
		*first = *last = m->config.layers - (size_t)t->layer;
	else if (t->role == MODEL_EMBED || t->role == MODEL_POSITION)
		*last = bottom, *first = (int)i == m->t_head ? 0 : bottom;
	else
		*first = *last = 0;
}

/* Whether a tensor of n values begins a bucket of its own behind b: at another stage soon, within one
 * only where b is full, and the small ones at its end go with it. */
static int begins(const struct shard_bucket *b, size_t first, size_t last, size_t n, size_t good,
		  size_t bottom)
{
	int outside = first == 0 || last == bottom || b->first == 0 || b->last == bottom;

	if (first == b->first && last == b->last)
		return b->n >= good && n >= good / 2;
	return outside || b->n >= good / 2;
}

static void cut_buckets(struct shard *s, const struct model *m, size_t good)
{
	for (size_t i = 0; i < m->n_tensors; i++) {
		const struct model_tensor *t = &m->tensors[i];
		size_t n = t->rows * t->cols, first, last;
		struct shard_bucket *b = s->n_buckets ? &s->buckets[s->n_buckets - 1] : NULL;

		if (!t->trained)
			continue;
		stages_of(m, i, &first, &last);
		if (!b || (s->ranks > 1 && begins(b, first, last, n, good, s->stages - 1))) {
			s->buckets = mem_grow(s->buckets, &s->cap_buckets, s->n_buckets + 1,
					      sizeof *s->buckets);
			b = &s->buckets[s->n_buckets++];
			*b = (struct shard_bucket){.at = t->offset, .first = first, .last = last};
		}
		b->n += n;
		b->first = smaller(b->first, first);
		b->last = larger(b->last, last);
	}
}

static void cut_units(struct shard *s, struct shard_bucket *b, size_t rank)
{
	size_t units = s->ranks > 1 ? (b->n + SHARD_UNIT - 1) / SHARD_UNIT : 1;

	b->unit = s->n_units;
	b->units = units;
	s->units = mem_grow(s->units, &s->cap_units, s->n_units + units, sizeof *s->units);
	s->parts = mem_grow(s->parts, &s->cap_parts, s->n_units + units, sizeof *s->parts);
	for (size_t i = 0; i < units; i++) {
		size_t at = ranks_cut(b->n, i, units), n = ranks_cut(b->n, i + 1, units) - at,
		       from = ranks_cut(n, rank, s->ranks),
		       own = ranks_cut(n, rank + 1, s->ranks) - from;

		s->parts[s->n_units] = (struct adamw_run){b->at + at + from, s->own, own};
		s->units[s->n_units++] = (struct ranks_span){b->at + at, n};
		s->own += own;
	}
}

/* What has to be there at once for a backward pass, and room to travel for what a layer has, as far as
 * both stay within three eighths of all: with a quarter of gradients and moments on each of four ranks that
 * makes less than 40 % of what one alone needs. */
static size_t most_held(const struct shard *s)
{
	size_t live = 0, most = 0, layer = 0, stage, whole = s->values / 8 * 3;

	for (stage = 0; stage < s->stages; stage++) {
		size_t own = 0;

		for (size_t i = 0; i < s->n_buckets; i++) {
			const struct shard_bucket *b = &s->buckets[i];

			live += b->first == stage ? b->n : 0;
			own += b->last == stage ? b->n : 0;
		}
		most = larger(most, live);
		live -= own;
		if (stage > 0 && stage + 1 < s->stages)
			layer = larger(layer, own);
	}
	return larger(most, smaller(most + layer, whole));
}

void shard_init_fine(struct shard *s, const struct model *m, size_t rank, size_t ranks, size_t good)
{
	*s = (struct shard){.ranks = ranks, .values = m->n_params, .stages = m->config.layers + 2};
	cut_buckets(s, m, good);
	for (size_t i = 0; i < s->n_buckets; i++)
		cut_units(s, &s->buckets[i], rank);
	s->held = ranks > 1 ? most_held(s) : 0;
}

void shard_init(struct shard *s, const struct model *m, size_t rank, size_t ranks)
{
	shard_init_fine(s, m, rank, ranks,
			smaller(larger(m->n_params / BUCKET_SHARE, BUCKET_LEAST), BUCKET_GOOD));
}

void shard_release(struct shard *s)
{
	free(s->buckets);
	free(s->units);
	free(s->parts);
	*s = (struct shard){0};
}

size_t shard_bytes(const struct shard *s)
{
	size_t arrived = 0;

	for (size_t i = 0; i < s->n_units; i++)
		arrived = larger(arrived, (s->ranks - 1) * s->parts[i].n);
	return (3 * s->own + s->held + RANKS_FLIGHTS * arrived) * sizeof(float);
}

double shard_sent(const struct shard *s, size_t passes)
{
	double values = 0;

	for (size_t i = 0; i < s->n_units; i++) {
		size_t own = s->parts[i].n;

		values += (double)passes * (double)(s->units[i].n - own) +
			  (double)(s->ranks - 1) * (double)own;
	}
	return values * sizeof(float);
}

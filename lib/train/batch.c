/* Order of examples and their packing; see batch.h. */
#include "batch.h"

#include <stdlib.h>
#include <string.h>

#include "../base/mem.h"
#include "../base/rng.h"

void batch_order_init(struct batch_order *o, size_t examples, size_t size)
{
	*o = (struct batch_order){.n = examples, .size = size ? size : 1};
	o->order = mem_alloc(examples, sizeof *o->order);
}

void batch_order_release(struct batch_order *o)
{
	free(o->order);
	*o = (struct batch_order){0};
}

void batch_order_epoch(struct batch_order *o, uint64_t seed, uint64_t epoch)
{
	struct rng r;
	rng_seed(&r, seed, epoch);
	for (size_t i = 0; i < o->n; i++)
		o->order[i] = i;
	rng_shuffle(&r, o->order, o->n);
}

size_t batch_order_batches(const struct batch_order *o)
{
	return o->n / o->size + (o->n % o->size != 0);
}

const size_t *batch_order_at(const struct batch_order *o, size_t b, size_t *n)
{
	size_t at = b * o->size;
	*n = o->n - at < o->size ? o->n - at : o->size;
	return o->order + at;
}

/* One example on its way into a pack: its place in the batch and its length. */
struct piece {
	size_t at;
	uint32_t length;
};

static int longer_first(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;
	if (x->length != y->length)
		return x->length > y->length ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

static size_t pack_count(size_t tokens, size_t n)
{
	size_t packs = tokens / BATCH_PACK_TOKENS + (tokens % BATCH_PACK_TOKENS != 0);
	if (packs > n)
		packs = n;
	return packs ? packs : 1;
}

void batch_pack(struct batch_packs *b, const size_t *examples, size_t n, const uint32_t *length)
{
	size_t tokens = 0;
	struct piece *pieces = mem_alloc(n, sizeof *pieces);
	for (size_t i = 0; i < n; i++) {
		pieces[i] = (struct piece){i, length[examples[i]]};
		tokens += pieces[i].length;
	}
	size_t packs = pack_count(tokens, n);
	b->place = mem_grow(b->place, &b->cap_place, n, sizeof *b->place);
	b->first = mem_grow(b->first, &b->cap_first, packs + 1, sizeof *b->first);
	b->scratch = mem_grow(b->scratch, &b->cap_scratch, n + packs, sizeof *b->scratch);
	size_t *pack_of = b->scratch, *load = b->scratch + n;
	memset(load, 0, packs * sizeof *load);
	memset(b->first, 0, (packs + 1) * sizeof *b->first);
	mem_sort(pieces, n, sizeof *pieces, longer_first);
	for (size_t i = 0; i < n; i++) {
		size_t least = 0;
		for (size_t p = 1; p < packs; p++)
			if (load[p] < load[least])
				least = p;
		load[least] += pieces[i].length;
		pack_of[pieces[i].at] = least;
		b->first[least + 1]++;
	}
	for (size_t p = 0; p < packs; p++)
		b->first[p + 1] += b->first[p];
	memcpy(load, b->first, packs * sizeof *load);
	for (size_t i = 0; i < n; i++)
		b->place[load[pack_of[i]]++] = i;
	b->packs = packs;
	free(pieces);
}

void batch_packs_release(struct batch_packs *b)
{
	free(b->place);
	free(b->first);
	free(b->scratch);
	*b = (struct batch_packs){0};
}

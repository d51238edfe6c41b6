/* Gradients added up in place, or in buckets that travel; see grads.h. */
#include "grads.h"

#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "ranks.h"

void grads_init(struct grads *g, const struct model *m)
{
	*g = (struct grads){.m = m};
	shard_init(&g->shard, m, (size_t)ranks_rank(), (size_t)ranks_size());
	g->own = mem_aligned(g->shard.own, sizeof *g->own);
	if (g->shard.ranks == 1)
		return;
	g->at = mem_alloc(m->n_tensors, sizeof *g->at);
	g->whole = mem_alloc(g->shard.n_buckets, sizeof *g->whole);
}

void grads_release(struct grads *g)
{
	if (g->at)
		grads_settle(g);
	for (size_t i = 0; g->whole && i < g->shard.n_buckets; i++)
		free(g->whole[i]);
	free(g->whole);
	free(g->ways);
	free(g->at);
	free(g->own);
	shard_release(&g->shard);
	*g = (struct grads){0};
}

void grads_clear(struct grads *g)
{
	memset(g->own, 0, g->shard.own * sizeof *g->own);
}

/* Waits for the bucket that has travelled longest. */
static void arrive(struct grads *g)
{
	struct grads_way *w = &g->ways[g->gone++];

	ranks_wait(w->ticket);
	free(w->x);
	g->held -= w->n;
	if (g->gone == g->n_ways)
		g->gone = g->n_ways = 0;
}

static void point(struct grads *g, const struct shard_bucket *b, float *x)
{
	for (size_t i = 0; i < g->m->n_tensors; i++) {
		const struct model_tensor *t = &g->m->tensors[i];

		if (t->trained && t->offset >= b->at && t->offset < b->at + b->n)
			g->at[i] = x ? x + (t->offset - b->at) : NULL;
	}
}

void grads_begin(struct grads *g, size_t stage)
{
	for (size_t i = 0; g->at && i < g->shard.n_buckets; i++) {
		const struct shard_bucket *b = &g->shard.buckets[i];

		if (b->first != stage)
			continue;
		while (g->gone < g->n_ways && g->held + b->n > g->shard.held)
			arrive(g);
		g->whole[i] = mem_aligned(b->n, sizeof **g->whole);
		g->held += b->n;
		point(g, b, g->whole[i]);
	}
}

void grads_end(struct grads *g, size_t stage)
{
	for (size_t i = 0; g->at && i < g->shard.n_buckets; i++) {
		const struct shard_bucket *b = &g->shard.buckets[i];
		size_t ticket = 0;

		if (b->last != stage)
			continue;
		for (size_t k = b->unit; k < b->unit + b->units; k++) {
			const struct ranks_span *u = &g->shard.units[k];

			ticket = ranks_scatter(g->whole[i] + (u->at - b->at), u->n,
					       g->own + g->shard.parts[k].at);
		}
		g->ways = mem_grow(g->ways, &g->cap_ways, g->n_ways + 1, sizeof *g->ways);
		g->ways[g->n_ways++] = (struct grads_way){g->whole[i], b->n, ticket};
		g->whole[i] = NULL;
		point(g, b, NULL);
	}
}

size_t grads_passes(const struct grads *g, size_t mine)
{
	return g->at ? ranks_most(mine) : mine;
}

void grads_pass(struct grads *g)
{
	for (size_t stage = 0; stage < g->shard.stages; stage++) {
		grads_begin(g, stage);
		grads_end(g, stage);
	}
}

void grads_settle(struct grads *g)
{
	while (g->gone < g->n_ways)
		arrive(g);
}

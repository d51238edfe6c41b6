/* grads: the sums of a step's gradients, of which each rank has its shard (shard.h).
 *
 * A process alone adds to one array of all values. Where there are several ranks, a stage of the
 * backward pass adds to buckets that exist while it needs them; when a bucket is final it travels in
 * the background, while the stages below are computed, and its sum over the ranks is added to what their
 * owners have. The bits do not depend on how far that has got when.
 */
#ifndef FT_TRAIN_GRADS_H
#define FT_TRAIN_GRADS_H

#include <stddef.h>
#include "../model/model.h"
#include "shard.h"

/* One with nothing but own [n_params] set is that of a process alone. */
struct grads {
	float *own; /* [shard.own]; whole after grads_settle */
	struct shard shard;
	/* private */
	const struct model *m;
	float **at;    /* [n_tensors] where a tensor's gradients are added now; NULL: alone */
	float **whole; /* [buckets] those that are begun */
	struct grads_way {
		float *x;
		size_t n, ticket;
	} * ways; /* buckets that travel, from `gone` on */
	size_t n_ways, gone, cap_ways;
	size_t held; /* values of buckets, begun or travelling */
};

/* Zero. The model is borrowed, and what is trained chosen. */
void grads_init(struct grads *g, const struct model *m);
void grads_release(struct grads *g);

void grads_clear(struct grads *g);

/* Where gradients of trained tensor t are added, between begin and end of its stages. */
static inline float *grads_at(const struct grads *g, const struct model *m, int t)
{
	return g->at ? g->at[t] : g->own + m->tensors[t].offset;
}

/* Around each stage of a backward pass, in order. All ranks make as many passes. */
void grads_begin(struct grads *g, size_t stage);
void grads_end(struct grads *g, size_t stage);

/* How many passes all ranks make, where this one has something to add in `mine` of them. */
size_t grads_passes(const struct grads *g, size_t mine);
/* A pass with nothing to add. */
void grads_pass(struct grads *g);

/* Waits until all that is final has arrived. */
void grads_settle(struct grads *g);

#endif

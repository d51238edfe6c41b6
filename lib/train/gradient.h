/* gradient: losses and gradients of a model over packs of examples.
 *
 * A pack is examples laid end to end; attention and positions do not cross from one to the next.
 * Rows of all packs of a group go through the layers together, cut into blocks by their number
 * alone, so results are the same for any number of threads. Head and loss are computed for
 * supervised rows only, a chunk at a time, and nothing is computed below the lowest trained tensor.
 *
 * Weights may be negative (preference losses); what is returned is sums, never means, so that a
 * caller who adds up several calls, or several processes, divides once by the whole weight.
 */
#ifndef FT_TRAIN_GRADIENT_H
#define FT_TRAIN_GRADIENT_H

#include <stddef.h>
#include <stdint.h>
#include "../base/err.h"
#include "../base/pool.h"
#include "../model/model.h"
#include "../nn/bf16.h"
#include "grads.h"

struct train_pack {
	const int32_t *ids;
	/* of the loss of predicting ids[i] from what stands before it; ignored at starts */
	const float *weights;
	size_t n;
	const size_t *starts; /* index at which each example begins; starts[0] == 0 */
	size_t n_starts;
};

struct train_loss {
	double loss;		   /* sum of weight * -log p */
	double weight;		   /* sum of weights */
	size_t tokens, supervised; /* positions in all; with a weight other than 0 */
};

struct work; /* buffers for one run at a time over one model */

struct work_spec {
	size_t memory;	    /* bytes that activations may take; 0: no limit */
	size_t max_tokens;  /* longest example that will come */
	size_t most_tokens; /* of a call, mostly: larger groups would not pay; 0: not known */
	/* 1: always recompute layers in the backward pass; 0: those that memory has no room for; -1:
	 * never */
	int checkpoint;
	/* Computes the products with weights that are not an adapter's or a router's, attention's and
	 * the head's, in bf16 (bf16.h). NULL: all is f32. */
	const struct nn_bf16 *half;
};

/* The model's table must be final (adapter in place, trained tensors chosen). Fails where even one
 * example with recomputation exceeds memory, and says how much it would take. pool and model are
 * borrowed. */
int work_new(struct work **out, const struct model *m, struct pool *pool,
	     const struct work_spec *spec, struct err *e);
void work_free(struct work *w);

/* Bytes that activations of a group of n tokens (longest example max) take where that many layers do
 * not keep theirs; for estimates. */
size_t work_bytes(const struct model *m, size_t n, size_t max, size_t again);
size_t work_again(const struct work *w); /* layers that are recomputed */
size_t work_rows(const struct work *w);	 /* most tokens of a group, which is one backward pass */
const struct nn_bf16 *work_half(const struct work *w); /* as given */

/* Dropout on adapters and NEFTune noise (Jain et al. 2023; alpha 0: none) in train_gradients; the
 * numbers drawn depend on seed and on the pack's place alone. Call before each step with a seed of
 * that step. */
void work_noise(struct work *w, double neftune_alpha, uint64_t seed);

/* Adds d(sum of weight * nll)/d(params) to grads, which ranks do together (grads.h; those without a
 * pack too), and the sums to *l (both are added to, not set). Where logp is not NULL it gets, per example in order of packs, the sum over the example
 * of weight * log p. */
int train_gradients(struct work *w, const struct train_pack *packs, size_t n, struct grads *grads,
		    struct train_loss *l, double *logp, struct err *e);

/* The same without gradients. base: as if there were no adapter (the reference of DPO). */
int train_loss(struct work *w, const struct train_pack *packs, size_t n, int base,
	       struct train_loss *l, double *logp, struct err *e);

/* Logits of every position of one pack: out [pack->n, vocab]. For checks and for embedding in other
 * programs, not for generation. */
int train_logits(struct work *w, const struct train_pack *pack, float *out, struct err *e);

/* Useful floating-point operations of one train_gradients over these packs (multiply and add counted
 * as two): products with weights, attention (causal half) and head on supervised rows, forward and
 * backward, recomputation not counted. */
double work_flops(const struct model *m, const struct train_pack *packs, size_t n);

#endif

/* attn: causal attention of one segment (one example of a pack) and one group of heads, forward and
 * backward.
 *
 * The scores never exist as a whole: queries go through in strips of NN_ATTN_STRIP rows against the
 * keys they may see, and the backward pass computes the strip's probabilities again from the saved
 * log-sums (Dao et al. 2022).
 *
 * Grouped queries: `group` query heads share one head of keys and values (Ainslie et al. 2023).
 */
#ifndef FT_NN_ATTN_H
#define FT_NN_ATTN_H

#include <stddef.h>
#include "bf16.h"

#define NN_ATTN_STRIP 32

/* Where one segment's rows stand. q, k, v point at the segment's first row and at the group's first
 * query head (its key head); ld* are floats from row to row. Query head j of the group stands j *
 * head_dim floats further. */
struct nn_attn {
	size_t n, group, head_dim;
	/* a query sees at most this many positions, itself included; 0: all before it */
	size_t window;
	float scale;   /* 1/sqrt(head_dim), mostly */
	float softcap; /* 0: none */
	/* [group] A score of each head beside those of the keys, which takes its share of attention
	 * and gives nothing (Xiao et al. 2023; Agarwal et al. 2025). NULL: there are none. */
	const float *sinks;
	const float *q, *k, *v;
	size_t ldq, ldk, ldv;
	const struct nn_bf16 *half; /* computes the products (bf16.h); NULL: they are f32 */
};

/* Floats of scratch for a segment of n rows. */
size_t nn_attn_scratch(size_t n, size_t head_dim);

/* A head's sink makes of the log-sum of the scores the one with it; what is returned scales the
 * probabilities. */
float nn_attn_sink(float *log_sum, float sink);

/* dsinks [group] += their gradients; the other arguments as in nn_attn_backward. */
void nn_attn_sinks_back(float *dsinks, const float *do_, const float *o, size_t ldo,
			const float *lse, size_t ldl, const struct nn_attn *a);

/* o [n, group heads] with ldo is set; lse [group][ldl >= n] gets the log-sums (NULL: not kept). */
void nn_attn_forward(float *o, size_t ldo, float *lse, size_t ldl, const struct nn_attn *a,
		     float *scratch);

/* dq, dk, dv are added to (same layout and leading dimensions as q, k, v); o is what forward gave,
 * do_ its gradient (both ldo). */
void nn_attn_backward(float *dq, float *dk, float *dv, const float *do_, const float *o, size_t ldo,
		      const float *lse, size_t ldl, const struct nn_attn *a, float *scratch);

#endif

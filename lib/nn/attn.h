/* attn: causal attention of one segment (one example of a pack) and one group of heads, forward and
 * backward.
 *
 * The scores never exist as a whole, and what is needed beside them does not grow with the segment: its
 * rows go in blocks, strips of a block's queries meet one block of keys at a time, and each query keeps
 * the highest score so far and the sum of exponentials over it (Milakov and Gimelshein 2018; Dao et al.
 * 2022). The backward pass computes a tile's probabilities again from the log-sums.
 *
 * Forward, the blocks of queries are independent. Backward, tiles (block of queries, block of keys) are
 * where they have neither block in common, as all those of one distance between the two: with one
 * distance after another each sum has one order, whoever computes what.
 *
 * Grouped queries: `group` query heads share one head of keys and values (Ainslie et al. 2023).
 */
#ifndef FT_NN_ATTN_H
#define FT_NN_ATTN_H

#include <stddef.h>
#include "bf16.h"

#define NN_ATTN_BLOCK ((size_t)256) /* rows of queries and of keys that go together */

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

/* Floats of scratch for segments of up to n rows. */
size_t nn_attn_scratch(size_t n, size_t group, size_t head_dim);

/* How many blocks n rows are, and how many blocks of keys, its own included, a block of queries sees. */
size_t nn_attn_blocks(size_t n);
size_t nn_attn_reach(size_t n, size_t window);

/* A head's sink makes of the log-sum of the scores the one with it; what is returned scales the
 * probabilities. */
float nn_attn_sink(float *log_sum, float sink);

/* dsinks [group] += their gradients; the other arguments as in nn_attn_backward. */
void nn_attn_sinks_back(float *dsinks, const float *do_, const float *o, size_t ldo,
			const float *lse, size_t ldl, const struct nn_attn *a);

/* The rows of one block: o [n, group heads] with ldo is set; lse [group][ldl >= n] gets the log-sums. o, lse
 * and all else point at the segment's first row, here and below. */
void nn_attn_forward(float *o, size_t ldo, float *lse, size_t ldl, const struct nn_attn *a,
		     size_t block, float *scratch);

/* What a block of queries and a block of keys, the same or an earlier one, give each other: dq, dk, dv are
 * added to (same layout and leading dimensions as q, k, v); o is what forward gave, do_ its gradient (both
 * ldo). */
void nn_attn_backward(float *dq, float *dk, float *dv, const float *do_, const float *o, size_t ldo,
		      const float *lse, size_t ldl, const struct nn_attn *a, size_t block,
		      size_t keys, float *scratch);

#endif

/* delta: the gated delta rule (Yang, Kautz and Hatamizadeh 2024) behind a short convolution, as the
 * linear attention layers of Qwen 3.5 have it: one segment and one key head with its group of value
 * heads, forward and backward.
 *
 * Every channel of x goes through a causal convolution and silu, which gives q and k [k_dim] of the
 * key head and v [v_dim] of each value head; q and k are set to length 1. A value head keeps a
 * state S [k_dim, v_dim], 0 at first, and at each position, with beta = sigmoid(b) and
 * g = -exp(a_log) softplus(a + dt_bias),
 *
 *	S = e^g S;  S += k (beta (v - S^T k))^T;  o = S^T q / sqrt(k_dim)
 *
 * Training goes by chunks of positions, within which the rule is a triangular system of equations
 * and products of matrices; generation goes by rows.
 */
#ifndef FT_NN_DELTA_H
#define FT_NN_DELTA_H

#include <stddef.h>

#define NN_DELTA_CHUNK 64
#define NN_DELTA_TAPS_MAX 64

struct nn_delta {
	size_t n, group, k_dim, v_dim, taps;
	const float *x; /* [n, ldx] before the convolution */
	size_t ldx;
	size_t q, k, v; /* columns of x: where q and k begin, and v of the group's first head; the
			   next stands v_dim further */
	const float *w; /* [columns of x, taps], the last tap meets the row itself */
	const float *a, *b; /* [n, lda]; of the group's heads side by side */
	size_t lda;
	const float *a_log, *dt_bias; /* [group] */
};

/* What is added to, where it is wanted (NULL: it is not). */
struct nn_delta_weights {
	float *w, *a_log, *dt_bias;
};

/* Floats of scratch for a segment of n rows; backward takes the more. */
size_t nn_delta_scratch(size_t n, size_t k_dim, size_t v_dim, int backward);

/* o [n, ldo] is set: the group's heads side by side. */
void nn_delta_forward(float *o, size_t ldo, const struct nn_delta *s, float *scratch);
/* dx, da and db, laid out as x, a and b, are set from do_ (as o); of dx the columns of these heads
 * alone. */
void nn_delta_backward(float *dx, float *da, float *db, struct nn_delta_weights dw,
		       const float *do_, size_t ldo, const struct nn_delta *s, float *scratch);

/* y [n] = silu of the convolution over n columns from `from` on: x[k] is the row that meets tap k,
 * NULL before the beginning. */
void nn_delta_columns(float *y, const float *const *x, const float *w, size_t from, size_t n,
		      size_t taps);
/* One position of one value head: o [v_dim] is set, state [k_dim, v_dim] goes on. q and k are what
 * nn_delta_columns gave, and are overwritten. */
void nn_delta_row(float *o, float *state, float *q, float *k, const float *v, float a, float b,
		  float a_log, float dt_bias, size_t k_dim, size_t v_dim);

#endif

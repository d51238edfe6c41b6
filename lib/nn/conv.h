/* conv: the gated short convolution of LFM2 over one segment, forward and backward.
 *
 * Each channel by itself: u = b x, v_i = bias + sum over k of w[k] u_(i - taps + 1 + k), what lies
 * before the segment being 0, and o = c v.
 */
#ifndef FT_NN_CONV_H
#define FT_NN_CONV_H

#include <stddef.h>

struct nn_conv {
	size_t n, d, taps;
	const float *b, *c, *x; /* [n, d] */
	const float *w;		/* [d, taps] */
	const float *bias;	/* [d], or NULL */
};

/* o [n, d] is set. */
void nn_conv_forward(float *o, const struct nn_conv *s);
/* db, dc and dx [n, d] are set from do_ [n, d]. */
void nn_conv_backward(float *db, float *dc, float *dx, const float *do_, const struct nn_conv *s);
/* dw [d, taps] and dbias [d] (NULL: not wanted) are added to. */
void nn_conv_weights_back(float *dw, float *dbias, const float *do_, const struct nn_conv *s);

/* One row of v from the last rows of u: u[k] is the row that meets tap k, NULL before the
 * beginning. */
void nn_conv_row(float *v, const float *const *u, const float *w, const float *bias, size_t d,
		 size_t taps);

#endif

/* lib/nn: numeric kernels, forward and backward side by side: matrices plain and quantised,
 * attention, AdamW.
 *
 * The room knows nothing of files, tokens or models, and starts no threads: callers spread
 * independent pieces over a pool, and OpenBLAS runs single-threaded inside each piece (nn_init).
 *
 * kern: element-wise and row-wise kernels, compiled once for each instruction set and chosen at run
 * time.
 *
 * Conventions: outputs first, inputs next, sizes last. Names that begin with d are gradients and
 * are accumulated (+=) unless the comment says set. Rows are contiguous ([n, d] has leading
 * dimension d). Pointers need no alignment. n may be 0. Every kernel treats each row by itself, so
 * results do not depend on how rows are cut into pieces.
 *
 * nn_kern() gives the best set for this processor; nn_kern_plain() the plain one, against which
 * tests compare the others. The environment variable FT_ISA=base|avx2|avx512|neon lowers the choice
 * (never above what the processor has).
 */
#ifndef FT_NN_KERN_H
#define FT_NN_KERN_H

#include <stddef.h>
#include <stdint.h>

/* Types to f32, n values (whole blocks); see mat.h for the layouts. */
struct nn_unpack {
	void (*f16)(float *y, const uint16_t *x, size_t n);
	void (*bf16)(float *y, const uint16_t *x, size_t n);
	void (*q8_0)(float *y, const void *x, size_t n);
	void (*q4_0)(float *y, const void *x, size_t n);
	void (*mxfp4)(float *y, const unsigned char *x, const unsigned char *scales, size_t n);
};

struct nn_kern {
	const char *name; /* "base", "avx2", "avx512", "neon" */

	/* RMSNorm (Zhang and Sennrich 2019): y = x r (w + plus), r = 1/sqrt(mean(x^2) + eps). rstd
	 * [n] gets r (may be NULL). plus is 0, or 1 for Gemma. */
	void (*rms)(float *y, float *rstd, const float *x, const float *w, float plus, float eps,
		    size_t n, size_t d);
	/* dx += ; dw += where dw is not NULL. rstd as saved by rms. */
	void (*rms_back)(float *dx, float *dw, const float *dy, const float *x, const float *w,
			 float plus, const float *rstd, size_t n, size_t d);

	/* LayerNorm with bias; mean and rstd [n] are saved where not NULL. */
	void (*layernorm)(float *y, float *mean, float *rstd, const float *x, const float *w,
			  const float *b, float eps, size_t n, size_t d);
	void (*layernorm_back)(float *dx, float *dw, float *db, const float *dy, const float *x,
			       const float *w, const float *mean, const float *rstd, size_t n,
			       size_t d);

	/* Rotary positions, rotate-half layout (Su et al. 2021; Hugging Face's order): x [n, heads,
	 * head_dim] with ldx floats from row to row: the first dims of each head are turned in place
	 * by the angles whose cos and sin stand in rows pos[i] of the tables [positions, dims/2].
	 * sign -1 turns back (the gradient). */
	void (*rope)(float *x, size_t ldx, const float *cos, const float *sin, const int32_t *pos,
		     float sign, size_t n, size_t heads, size_t head_dim, size_t dims);
	/* The same in the paper's own layout: 2j is turned with 2j + 1, not j with j + dims/2. */
	void (*rope_pairs)(float *x, size_t ldx, const float *cos, const float *sin,
			   const int32_t *pos, float sign, size_t n, size_t heads, size_t head_dim,
			   size_t dims);

	/* SwiGLU (Shazeer 2020): h = g sigmoid(g) u; n values. */
	void (*swiglu)(float *h, const float *g, const float *u, size_t n);
	/* Sets dg and du from dh; dg may be dh's own memory or g's, du may be u's. */
	void (*swiglu_back)(float *dg, float *du, const float *dh, const float *g, const float *u,
			    size_t n);
	/* The gate of gpt-oss: h = g sigmoid(1.702 g) (u + 1), g first held to at most limit and u to
	 * -limit..limit. */
	void (*clamped)(float *h, const float *g, const float *u, float limit, size_t n);
	void (*clamped_back)(float *dg, float *du, const float *dh, const float *g, const float *u,
			     float limit, size_t n);
	/* GeGLU with the tanh approximation (Hendrycks and Gimpel 2016). */
	void (*geglu)(float *h, const float *g, const float *u, size_t n);
	void (*geglu_back)(float *dg, float *du, const float *dh, const float *g, const float *u,
			   size_t n);
	/* Gated by the sigmoid alone: h = sigmoid(g) u. */
	void (*siglu)(float *h, const float *g, const float *u, size_t n);
	void (*siglu_back)(float *dg, float *du, const float *dh, const float *g, const float *u,
			   size_t n);
	/* gelu, tanh approximation, without gate. dg is set. */
	void (*gelu)(float *h, const float *g, size_t n);
	void (*gelu_back)(float *dg, const float *dh, const float *g, size_t n);
	/* The square of what is above 0 (So et al. 2021), without gate. dg is set. */
	void (*relu2)(float *h, const float *g, size_t n);
	void (*relu2_back)(float *dg, const float *dh, const float *g, size_t n);

	/* One row of scores to probabilities in place: x = exp(scale x - max) / sum over n values.
	 * Returns the log of the sum of exponentials of scale x. */
	float (*softmax)(float *x, float scale, size_t n);
	/* One part of a row, n > 0, whose highest score before scaling was *most so far (-INFINITY: there
	 * was none): *most rises to this part's, x = exp(scale (x - *most)). Returns their sum. */
	float (*softmax_part)(float *x, float scale, float *most, size_t n);
	/* x = exp(scale x - lse): softmax again when its log-sum is known. */
	void (*softmax_again)(float *x, float scale, float lse, size_t n);
	/* dp (gradient by the probabilities) becomes the gradient by the unscaled scores, in place:
	 * scale p (dp - dot). */
	void (*softmax_back)(float *dp, const float *p, float dot, float scale, size_t n);
	/* x = cap tanh(x / cap) (Gemma 2), and the gradient: dx = dy (1 - (y / cap)^2), set. */
	void (*softcap)(float *x, float cap, size_t n);
	void (*softcap_back)(float *dx, const float *dy, const float *y, float cap, size_t n);

	/* Negative log-likelihood of one row of logits z [v] for class y. Where w != 0 and grad, z
	 * becomes w (softmax(z) - onehot(y)). */
	double (*nll)(float *z, size_t v, size_t y, float w, int grad);

	/* y = by x where a hash of (key, column) says keep, else 0: dropout whose mask can be made
	 * again. drop = p 2^32, by = 1/(1 - p). y may be x. */
	void (*dropout)(float *y, const float *x, uint32_t key, uint32_t drop, float by, size_t n);
	/* x += by u, u uniform in [-1, 1) from a hash of (key, column). */
	void (*noise)(float *x, uint32_t key, float by, size_t n);

	float (*dot)(const float *a, const float *b, size_t n);
	double (*sum_squares)(const float *x, size_t n); /* in double */
	void (*add)(float *y, const float *x, size_t n); /* y += x */
	void (*mul)(float *y, const float *x, size_t n); /* y *= x */
	/* y += a x, value by value */
	void (*fma)(float *y, const float *a, const float *x, size_t n);
	void (*axpy)(float *y, float a, const float *x, size_t n); /* y += a x */
	void (*scale)(float *x, float a, size_t n);		   /* x *= a */

	/* AdamW (Loshchilov and Hutter 2019) over n values; g is multiplied by g_scale first. c1 =
	 * 1 - beta1^t, c2 = 1 - beta2^t. p -= lr (m / c1 / (sqrt(v / c2) + eps) + wd p). */
	void (*adamw)(float *p, float *m, float *v, const float *g, float g_scale, float lr,
		      float beta1, float beta2, float eps, float wd, float c1, float c2, size_t n);

	const struct nn_unpack *from;
};

const struct nn_kern *nn_kern(void);
const struct nn_kern *nn_kern_plain(void);
/* All sets that this processor can run, plain first; returns how many. */
size_t nn_kern_all(const struct nn_kern **out, size_t max);

#endif

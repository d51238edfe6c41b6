/* bf16: products whose operands are rounded to bf16 (to nearest, ties to even) and whose sums are f32,
 * as the matrix units of processors since 2020 compute them; emulated bit for bit where there are
 * none.
 *
 * Two values of k go together. There are two orders of summing, which are those of the instructions
 * (Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2):
 *
 *	pairs	VDPBF16PS: c += a[1] b[1], then c += a[0] b[0], pair after pair
 *	tiles	TDPBF16PS: 16 pairs at a time; the even ones are summed from 0, the odd ones too, those
 *		two sums are added, and what comes of it is added to c
 *
 * Each step is a fused multiply-add, rounded once, in which operands and results below 2^-126 are 0.
 * k is filled up with zeros to whole tiles. So a value depends on the order alone, not on sizes of
 * blocks or on rows beside it. (Sets without fused multiply-add round products below 2^-126 or above
 * 2^128 before they are added.)
 */
#ifndef FT_NN_BF16_H
#define FT_NN_BF16_H

#include <stddef.h>
#include <stdint.h>

enum nn_bf16_order { NN_BF16_PAIRS, NN_BF16_TILES };

struct nn_bf16 {
	const char *name; /* "emulated", "avx512-bf16", "amx-bf16" */
	enum nn_bf16_order order;
	/* out [(n + 1) / 2] = the pairs of x [n]: the first in the lower half */
	void (*along)(uint32_t *out, const float *x, size_t n);
	/* out [n] = pairs of an even row and the odd one below it (NULL: zeros) */
	void (*across)(uint32_t *out, const float *even, const float *odd, size_t n);
	/* c [m][n], n <= NN_BF16_PANEL, = or += a [m][pairs] b [pairs][NN_BF16_PANEL]. pairs is a
	 * multiple of NN_BF16_DEEP; a has rows up to the next multiple of NN_BF16_HIGH. */
	void (*mul)(float *c, size_t ldc, const uint32_t *a, size_t lda, size_t m,
		    const uint32_t *b, size_t n, size_t pairs, int add);
};

#define NN_BF16_PANEL ((size_t)32)
#define NN_BF16_DEEP ((size_t)16)
#define NN_BF16_HIGH ((size_t)32)

/* The emulation in the order of pairs, by the best vectors of this processor. */
const struct nn_bf16 *nn_bf16_emulated(void);
/* One value at a time, in either order: what the others are compared with. */
const struct nn_bf16 *nn_bf16_plain(enum nn_bf16_order order);
/* The sets of this processor's own instructions, the best last, with nn_kern's FT_ISA; returns how
 * many. */
size_t nn_bf16_units(const struct nn_bf16 **out, size_t max);
/* Whether s gives the bits of the plain set of its order here and now. */
int nn_bf16_proves(const struct nn_bf16 *s);
/* The best of the units that prove themselves; NULL: there is none. */
const struct nn_bf16 *nn_bf16_unit(void);

/* For callers that pack operands themselves, around mul: where the sets give the same bits. end takes what
 * begin gave. */
uint64_t nn_bf16_begin(void);
void nn_bf16_end(uint64_t before);
/* out [n][ldo] from pairs x [m][ldx]. */
void nn_bf16_turn(uint32_t *out, size_t ldo, const uint32_t *x, size_t ldx, size_t m, size_t n);

/* c[m, n] = a b, or += where add, where ta (tb) says that a is stored [k, m] (b stored [n, k]). */
void nn_bf16_gemm(const struct nn_bf16 *s, int ta, int tb, size_t m, size_t n, size_t k,
		  const float *a, size_t lda, const float *b, size_t ldb, int add, float *c,
		  size_t ldc);

#endif

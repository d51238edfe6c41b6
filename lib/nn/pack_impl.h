/* pack_impl: the compiled sets of pack.isa.c by name, between it and pack.c only. */
#ifndef FT_NN_PACK_IMPL_H
#define FT_NN_PACK_IMPL_H

#include <stddef.h>
#include <stdint.h>

struct nn_pack_kern {
	/* y[m][n <= 32] = or += x[m][k] b[k][ldb]. b has 32 readable columns where n > 16, else
	 * 16. */
	void (*f32)(float *y, size_t ldy, const float *x, size_t ldx, size_t m, const float *b,
		    size_t ldb, size_t n, size_t k, int add);
	void (*bf16)(float *y, size_t ldy, const float *x, size_t ldx, size_t m, const uint16_t *b,
		     size_t n, size_t k, int add);
	/* q[m][ldq], d and sum [m][ldq / 32]; b one panel of `blocks` blocks. */
	void (*q8)(float *y, size_t ldy, const int8_t *q, size_t ldq, const float *d,
		   const int32_t *sum, size_t m, const unsigned char *b, size_t n, size_t blocks,
		   int add);
	void (*q4)(float *y, size_t ldy, const int8_t *q, size_t ldq, const float *d,
		   const int32_t *sum, size_t m, const unsigned char *b, size_t n, size_t blocks,
		   int add);
	/* x [32 blocks] into q [32 blocks], d and sum [blocks]. */
	void (*quantise)(int8_t *q, float *d, int32_t *sum, const float *x, size_t blocks);
};

extern const struct nn_pack_kern nn_pack_base;
#if defined(__x86_64__)
extern const struct nn_pack_kern nn_pack_avx2, nn_pack_avx512, nn_pack_vnni;
#elif defined(__aarch64__)
extern const struct nn_pack_kern nn_pack_neon;
#endif

#endif

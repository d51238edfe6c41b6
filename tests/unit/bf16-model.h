/* bf16-model: the instructions that bf16.isa.c is written with, one value at a time, as the pseudocode
 * of Intel's manual (volume 2: VDPBF16PS, LDTILECFG, TILELOADD, TDPBF16PS) has them, so that what the
 * kernels make of them is tested on processors without. Flushing to 0 is left to the processor's
 * control word, which the caller sets.
 */
#ifndef FT_TEST_BF16_MODEL_H
#define FT_TEST_BF16_MODEL_H

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#pragma GCC diagnostic ignored "-Wpsabi" /* vectors of 64 bytes stay within this file */

#define TARGET(sets)

typedef float __m512 __attribute__((vector_size(64)));
typedef uint32_t __m512i __attribute__((vector_size(64)));
typedef uint32_t __m512bh __attribute__((vector_size(64)));
typedef uint16_t __mmask16;

static inline float model_half(uint32_t pair, int odd)
{
	uint32_t bits = odd ? pair & 0xffff0000u : pair << 16;
	float x;

	memcpy(&x, &bits, sizeof x);
	return x;
}

static inline __m512 _mm512_setzero_ps(void)
{
	return (__m512){0};
}

static inline __m512i _mm512_set1_epi32(int x)
{
	return (__m512i){0} + (uint32_t)x;
}

static inline __m512i _mm512_loadu_si512(const void *p)
{
	__m512i x;

	memcpy(&x, p, sizeof x);
	return x;
}

static inline __m512 _mm512_maskz_loadu_ps(__mmask16 mask, const float *p)
{
	__m512 x = {0};

	for (int i = 0; i < 16; i++)
		if (mask >> i & 1)
			x[i] = p[i];
	return x;
}

/* Vectors are passed by address: compilers tell of how they pass them otherwise. */
#define _mm512_mask_storeu_ps(p, mask, x) model_store(p, mask, &(x))
#define _mm512_dpbf16_ps(c, a, b) model_dot(&(c), &(a), &(b))

static inline void model_store(float *p, __mmask16 mask, const __m512 *x)
{
	for (int i = 0; i < 16; i++)
		if (mask >> i & 1)
			p[i] = (*x)[i];
}

static inline __m512 model_dot(const __m512 *c, const __m512bh *a, const __m512bh *b)
{
	__m512 sum = *c;

	for (int i = 0; i < 16; i++)
		for (int odd = 1; odd >= 0; odd--)
			sum[i] = fmaf(model_half((*a)[i], odd), model_half((*b)[i], odd), sum[i]);
	return sum;
}

/* The eight tiles: as they are laid out (no rows: not configured), and what they hold. */
static struct model_tile {
	size_t rows, bytes;
	uint32_t held[16][16];
} model_tiles[8];

static inline void _tile_loadconfig(const void *layout)
{
	const unsigned char *l = layout;

	if (l[0] != 1)
		abort(); /* a general protection fault, as below */
	for (int i = 2; i < 64; i++) {
		int named = (i >= 16 && i < 32) || (i >= 48 && i < 56);

		if (!named && l[i] != 0)
			abort();
	}
	for (int t = 0; t < 8; t++) {
		model_tiles[t].bytes = l[16 + 2 * t] + 256u * l[17 + 2 * t];
		model_tiles[t].rows = l[48 + t];
		if (model_tiles[t].bytes > 64 || model_tiles[t].rows > 16)
			abort();
	}
}

static inline void _tile_release(void)
{
	memset(model_tiles, 0, sizeof model_tiles);
}

static inline void _tile_loadd(int t, const void *p, size_t stride)
{
	struct model_tile *to = &model_tiles[t];

	if (to->rows == 0)
		abort();
	memset(to->held, 0, sizeof to->held);
	for (size_t r = 0; r < to->rows; r++)
		memcpy(to->held[r], (const char *)p + r * stride, to->bytes);
}

static inline void _tile_stored(int t, void *p, size_t stride)
{
	const struct model_tile *from = &model_tiles[t];

	for (size_t r = 0; r < from->rows; r++)
		memcpy((char *)p + r * stride, from->held[r], from->bytes);
}

static inline void _tile_dpbf16ps(int c, int a, int b)
{
	struct model_tile *to = &model_tiles[c];
	const struct model_tile *x = &model_tiles[a], *y = &model_tiles[b];

	if (x->rows != to->rows || y->bytes != to->bytes || y->rows != x->bytes / 4)
		abort();
	for (size_t m = 0; m < to->rows; m++)
		for (size_t n = 0; n < to->bytes / 4; n++) {
			float sum[2] = {0, 0}, all;

			for (size_t k = 0; k < y->rows; k++)
				for (int odd = 0; odd < 2; odd++)
					sum[odd] = fmaf(model_half(x->held[m][k], odd),
							model_half(y->held[k][n], odd), sum[odd]);
			memcpy(&all, &to->held[m][n], sizeof all);
			all += sum[0] + sum[1];
			memcpy(&to->held[m][n], &all, sizeof all);
		}
}

#endif

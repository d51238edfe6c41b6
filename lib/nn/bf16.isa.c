/* The kernels of bf16.h: packing and the emulation, written once over vectors of the instruction set's
 * width and compiled once for each set, and the two with instructions of their own.
 *
 * A bf16 is the upper half of a float, so a pair's odd value is the pair with its lower half cleared,
 * and its even one the pair moved up.
 */
#include <string.h>
#if defined(BF16_MODEL) /* a test's, of the instructions */
#include BF16_MODEL
#elif defined(ISA_avx512)
#include <immintrin.h>
#define TARGET(sets) __attribute__((target(sets)))
#endif
#include "../base/isa.h"
#include "bf16_impl.h"

#define W LANES
#if defined(ISA_avx512) || defined(ISA_neon)
#define HIGH 8
#else
#define HIGH 4
#endif
#define WIDE 2 /* vectors of a tile */

typedef float vf __attribute__((vector_size(4 * W)));
typedef float vfu __attribute__((vector_size(4 * W), aligned(4), may_alias));
typedef uint32_t vi __attribute__((vector_size(4 * W)));
typedef uint32_t viu __attribute__((vector_size(4 * W), aligned(4), may_alias));
typedef uint16_t half __attribute__((may_alias));

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "a pair's even value is the lower one");

#define FORCE static inline __attribute__((always_inline))

/* The bits of x rounded to bf16, in the upper half; the lower one is not cleared. NaN stays one. */
FORCE uint32_t rounded(float x)
{
	uint32_t b;

	memcpy(&b, &x, sizeof b);
	return (b & 0x7fffffffu) > 0x7f800000u ? b | 0x400000u : b + 0x7fffu + (b >> 16 & 1);
}

/* Pairs of neighbours stand in memory as the values do: a loop that compilers make vectors of. */
static void along(uint32_t *out, const float *x, size_t n)
{
	half *to = (half *)out;

	for (size_t i = 0; i < n; i++)
		to[i] = (uint16_t)(rounded(x[i]) >> 16);
	if (n % 2)
		to[n] = 0;
}

static void across(uint32_t *out, const float *even, const float *odd, size_t n)
{
	for (size_t i = 0; odd && i < n; i++)
		out[i] = rounded(even[i]) >> 16 | (rounded(odd[i]) & 0xffff0000u);
	for (size_t i = 0; !odd && i < n; i++)
		out[i] = rounded(even[i]) >> 16;
}

/* rows is a constant where this is inlined, so that the sums live in registers. */
FORCE void tile(int rows, float *c, size_t ldc, const uint32_t *a, size_t lda, const uint32_t *b,
		size_t n, size_t pairs, int add)
{
	vf sum[HIGH][WIDE];
	float part[HIGH][WIDE * W];
	size_t bytes = n * sizeof *c;

	for (int r = 0; r < rows; r++) {
		memset(part[r], 0, sizeof part[r]);
		if (add)
			memcpy(part[r], c + (size_t)r * ldc, bytes);
		for (int v = 0; v < WIDE; v++)
			sum[r][v] = *(const vfu *)&part[r][v * W];
	}
	for (size_t p = 0; p < pairs; p++, b += NN_BF16_PANEL) {
		vf odd[WIDE], even[WIDE];

		for (int v = 0; v < WIDE; v++) {
			vi both = *(const viu *)(b + v * W);

			odd[v] = (vf)(both & 0xffff0000u);
			even[v] = (vf)(both << 16);
		}
		for (int r = 0; r < rows; r++) {
			uint32_t both = a[(size_t)r * lda + p], high = both & 0xffff0000u,
				 low = both << 16;
			float x1, x0;

			memcpy(&x1, &high, sizeof x1);
			memcpy(&x0, &low, sizeof x0);
			for (int v = 0; v < WIDE; v++)
				sum[r][v] += x1 * odd[v];
			for (int v = 0; v < WIDE; v++)
				sum[r][v] += x0 * even[v];
		}
	}
	for (int r = 0; r < rows; r++) {
		for (int v = 0; v < WIDE; v++)
			*(vfu *)&part[r][v * W] = sum[r][v];
		memcpy(c + (size_t)r * ldc, part[r], bytes);
	}
}

static void mul(float *c, size_t ldc, const uint32_t *a, size_t lda, size_t m, const uint32_t *b,
		size_t n, size_t pairs, int add)
{
	for (size_t j = 0; j < n; j += WIDE * W) {
		size_t wide = n - j < WIDE * W ? n - j : WIDE * W, i = 0;

		for (; i + HIGH <= m; i += HIGH)
			tile(HIGH, c + i * ldc + j, ldc, a + i * lda, lda, b + j, wide, pairs, add);
		for (; i < m; i++)
			tile(1, c + i * ldc + j, ldc, a + i * lda, lda, b + j, wide, pairs, add);
	}
}

const struct nn_bf16 NAME(nn_bf16) = {"emulated", NN_BF16_PAIRS, along, across, mul};

#if defined(ISA_avx512)
#define DOT TARGET("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma")
#define DOT_ROWS 12

/* 32 columns of `rows` rows; the last column's mask is that of those that there are. */
static inline __attribute__((always_inline)) DOT void
dot_tile(int rows, float *c, size_t ldc, const uint32_t *a, size_t lda, const uint32_t *b,
	 __mmask16 low, __mmask16 high, size_t pairs, int add)
{
	__m512 sum[DOT_ROWS][2];

	for (int r = 0; r < rows; r++) {
		const float *from = c + (size_t)r * ldc;

		sum[r][0] = add ? _mm512_maskz_loadu_ps(low, from) : _mm512_setzero_ps();
		sum[r][1] = add ? _mm512_maskz_loadu_ps(high, from + 16) : _mm512_setzero_ps();
	}
	for (size_t p = 0; p < pairs; p++, b += NN_BF16_PANEL) {
		__m512bh b0 = (__m512bh)_mm512_loadu_si512(b),
			 b1 = (__m512bh)_mm512_loadu_si512(b + 16);

		for (int r = 0; r < rows; r++) {
			__m512bh x = (__m512bh)_mm512_set1_epi32((int)a[(size_t)r * lda + p]);

			sum[r][0] = _mm512_dpbf16_ps(sum[r][0], x, b0);
			sum[r][1] = _mm512_dpbf16_ps(sum[r][1], x, b1);
		}
	}
	for (int r = 0; r < rows; r++) {
		float *to = c + (size_t)r * ldc;

		_mm512_mask_storeu_ps(to, low, sum[r][0]);
		_mm512_mask_storeu_ps(to + 16, high, sum[r][1]);
	}
}

DOT static void dot_mul(float *c, size_t ldc, const uint32_t *a, size_t lda, size_t m,
			const uint32_t *b, size_t n, size_t pairs, int add)
{
	uint32_t there = n < 32 ? ((uint32_t)1 << n) - 1 : UINT32_MAX;
	__mmask16 low = (__mmask16)there, high = (__mmask16)(there >> 16);
	size_t i = 0;

	for (; i + DOT_ROWS <= m; i += DOT_ROWS)
		dot_tile(DOT_ROWS, c + i * ldc, ldc, a + i * lda, lda, b, low, high, pairs, add);
	for (; i + 4 <= m; i += 4)
		dot_tile(4, c + i * ldc, ldc, a + i * lda, lda, b, low, high, pairs, add);
	for (; i < m; i++)
		dot_tile(1, c + i * ldc, ldc, a + i * lda, lda, b, low, high, pairs, add);
}

const struct nn_bf16 nn_bf16_dot = {"avx512-bf16", NN_BF16_PAIRS, along, across, dot_mul};

#define AMX TARGET("avx512f,amx-tile,amx-bf16")

/* 32 rows and 32 columns are four tiles of sums, 0 to 3, of 16 rows of 64 bytes each; 4 and 5 hold a's
 * rows, 6 and 7 b's columns. */
AMX static void amx_mul(float *c, size_t ldc, const uint32_t *a, size_t lda, size_t m,
			const uint32_t *b, size_t n, size_t pairs, int add)
{
	struct {
		uint8_t palette, start, unused[14];
		uint16_t bytes[16];
		uint8_t rows[16];
	} layout = {.palette = 1};
	float square[32][32];

	for (int t = 0; t < 8; t++) {
		layout.bytes[t] = 64;
		layout.rows[t] = 16;
	}
	_tile_loadconfig(&layout);
	for (size_t i = 0; i < m; i += 32) {
		size_t high = m - i < 32 ? m - i : 32;
		const uint32_t *rows = a + i * lda;

		memset(square, 0, sizeof square);
		for (size_t r = 0; add && r < high; r++)
			memcpy(square[r], c + (i + r) * ldc, n * sizeof *c);
		_tile_loadd(0, square[0], sizeof *square);
		_tile_loadd(1, square[0] + 16, sizeof *square);
		_tile_loadd(2, square[16], sizeof *square);
		_tile_loadd(3, square[16] + 16, sizeof *square);
		for (size_t p = 0; p < pairs; p += 16) {
			const uint32_t *columns = b + p * NN_BF16_PANEL;

			_tile_loadd(4, rows + p, lda * sizeof *a);
			_tile_loadd(5, rows + 16 * lda + p, lda * sizeof *a);
			_tile_loadd(6, columns, NN_BF16_PANEL * sizeof *b);
			_tile_loadd(7, columns + 16, NN_BF16_PANEL * sizeof *b);
			_tile_dpbf16ps(0, 4, 6);
			_tile_dpbf16ps(1, 4, 7);
			_tile_dpbf16ps(2, 5, 6);
			_tile_dpbf16ps(3, 5, 7);
		}
		_tile_stored(0, square[0], sizeof *square);
		_tile_stored(1, square[0] + 16, sizeof *square);
		_tile_stored(2, square[16], sizeof *square);
		_tile_stored(3, square[16] + 16, sizeof *square);
		for (size_t r = 0; r < high; r++)
			memcpy(c + (i + r) * ldc, square[r], n * sizeof *c);
	}
	_tile_release();
}

const struct nn_bf16 nn_bf16_amx = {"amx-bf16", NN_BF16_TILES, along, across, amx_mul};
#endif

/* The inner products of pack.h: a tile of rows of x against one panel, compiled once for each
 * instruction set.
 *
 * A tile holds its sums in registers while the panel streams by: each column's 32 weights are
 * loaded once and multiplied with one value from every row. The integer kernels use that a byte
 * product of unsigned weight and signed x is exact: weights are stored with an offset (128 for
 * q8_0, 8 for q4_0) that is taken back as offset times the sum of x.
 */
#include <math.h>
#include <string.h>
#if defined(ISA_avx2) || defined(ISA_avx512)
#include <immintrin.h>
#elif defined(ISA_neon)
#include <arm_neon.h>
#endif
#include "../base/isa.h"
#include "pack_impl.h"

#define W LANES
#if defined(ISA_avx512)
#define ROWS 12	 /* tile height: sums fill the register file */
#define BYTES 32 /* a vector of the integer kernels; none: plain ones */
typedef __m512 vf;
#define LOAD(p) _mm512_loadu_ps(p)
#define STORE(p, v) _mm512_storeu_ps(p, v)
#define ALL(x) _mm512_set1_ps(x)
#define ADD(a, b) _mm512_add_ps(a, b)
#define MADD(a, b, c) _mm512_fmadd_ps(a, b, c)
#define LOAD_BF16(p) \
	_mm512_castsi512_ps( \
		_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(p))), \
				  16))
#elif defined(ISA_avx2)
#define ROWS 3
#define BYTES 32
typedef __m256 vf;
#define LOAD(p) _mm256_loadu_ps(p)
#define STORE(p, v) _mm256_storeu_ps(p, v)
#define ALL(x) _mm256_set1_ps(x)
#define ADD(a, b) _mm256_add_ps(a, b)
#define MADD(a, b, c) _mm256_fmadd_ps(a, b, c)
#define LOAD_BF16(p) \
	_mm256_castsi256_ps( \
		_mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(p))), \
				  16))
#else
#if defined(ISA_neon)
#define ROWS 3
#define BYTES 16
#else
#define ROWS 1
#endif
typedef float vf __attribute__((vector_size(16)));
typedef float vf_any __attribute__((vector_size(16), aligned(4), may_alias));
#define LOAD(p) (*(const vf_any *)(p))
static inline void store(float *p, vf v)
{
	*(vf_any *)p = v;
}
#define STORE(p, v) store(p, v)
#define ALL(x) ((vf){(x), (x), (x), (x)})
#define ADD(a, b) ((a) + (b))
#define MADD(a, b, c) ((a) * (b) + (c))
static inline vf load_bf16(const uint16_t *p)
{
	uint32_t t[W];
	vf v;

	for (int i = 0; i < W; i++)
		t[i] = (uint32_t)p[i] << 16;
	memcpy(&v, t, sizeof v);
	return v;
}
#define LOAD_BF16(p) load_bf16(p)
#endif

#define FORCE static inline __attribute__((always_inline))

/* Puts one row of sums (n values of up to 32) into y. */
FORCE void put(float *y, const vf *sum, int vectors, size_t n, int add)
{
	if (n == (size_t)vectors * W) {
		for (int v = 0; v < vectors; v++)
			if (add)
				STORE(y + v * W, ADD(LOAD(y + v * W), sum[v]));
			else
				STORE(y + v * W, sum[v]);
	} else {
		float t[32];

		for (int v = 0; v < vectors; v++)
			STORE(t + v * W, sum[v]);
		for (size_t i = 0; i < n; i++)
			/* cppcheck-suppress uninitvar ; STORE wrote it: n is at most vectors * W */
			y[i] = add ? y[i] + t[i] : t[i];
	}
}

/* rows and vectors are constants where this is inlined, so that sum lives in registers. */
FORCE void f32_tile(int rows, int vectors, float *y, size_t ldy, const float *x, size_t ldx,
		    const float *b, size_t ldb, size_t n, size_t k, int add)
{
	vf sum[ROWS][32 / W];

	for (int r = 0; r < rows; r++)
		for (int v = 0; v < vectors; v++)
			sum[r][v] = ALL(0.f);
	for (size_t i = 0; i < k; i++, b += ldb) {
		vf w[32 / W];

		for (int v = 0; v < vectors; v++)
			w[v] = LOAD(b + v * W);
		for (int r = 0; r < rows; r++) {
			vf a = ALL(x[(size_t)r * ldx + i]);

			for (int v = 0; v < vectors; v++)
				sum[r][v] = MADD(a, w[v], sum[r][v]);
		}
	}
	for (int r = 0; r < rows; r++)
		put(y + (size_t)r * ldy, sum[r], vectors, n, add);
}

FORCE void bf16_tile(int rows, float *y, size_t ldy, const float *x, size_t ldx, const uint16_t *b,
		     size_t n, size_t k, int add)
{
	vf sum[ROWS][32 / W];

	for (int r = 0; r < rows; r++)
		for (int v = 0; v < 32 / W; v++)
			sum[r][v] = ALL(0.f);
	for (size_t i = 0; i < k; i++, b += 32) {
		vf w[32 / W];

		for (int v = 0; v < 32 / W; v++)
			w[v] = LOAD_BF16(b + v * W);
		for (int r = 0; r < rows; r++) {
			vf a = ALL(x[(size_t)r * ldx + i]);

			for (int v = 0; v < 32 / W; v++)
				sum[r][v] = MADD(a, w[v], sum[r][v]);
		}
	}
	for (int r = 0; r < rows; r++)
		put(y + (size_t)r * ldy, sum[r], 32 / W, n, add);
}

/* Tiles of up to 12 rows, and of up to 3 (or 1) where there are few registers. */
#if ROWS > 1
#define EACH_SHORT(m, T) \
	switch (m) { \
	case 1: \
		T(1); \
		break; \
	case 2: \
		T(2); \
		break; \
	default: \
		T(3); \
		break; \
	}
#else
#define EACH_SHORT(m, T) T(1);
#endif
#if ROWS == 12
#define EACH_TILE(m, T) \
	switch (m) { \
	case 1: \
		T(1); \
		break; \
	case 2: \
		T(2); \
		break; \
	case 3: \
		T(3); \
		break; \
	case 4: \
		T(4); \
		break; \
	case 5: \
		T(5); \
		break; \
	case 6: \
		T(6); \
		break; \
	case 7: \
		T(7); \
		break; \
	case 8: \
		T(8); \
		break; \
	case 9: \
		T(9); \
		break; \
	case 10: \
		T(10); \
		break; \
	case 11: \
		T(11); \
		break; \
	default: \
		T(12); \
		break; \
	}
#else
#define EACH_TILE EACH_SHORT
#endif

static void f32(float *y, size_t ldy, const float *x, size_t ldx, size_t m, const float *b,
		size_t ldb, size_t n, size_t k, int add)
{
	for (size_t done = 0; done < m; done += ROWS) {
		float *to = y + done * ldy;
		const float *from = x + done * ldx;

		if (n > 16) {
#define T(rows) f32_tile(rows, 32 / W, to, ldy, from, ldx, b, ldb, n, k, add)
			EACH_TILE(m - done, T)
#undef T
		} else {
#define T(rows) f32_tile(rows, 16 / W, to, ldy, from, ldx, b, ldb, n, k, add)
			EACH_TILE(m - done, T)
#undef T
		}
	}
}

static void bf16(float *y, size_t ldy, const float *x, size_t ldx, size_t m, const uint16_t *b,
		 size_t n, size_t k, int add)
{
	for (size_t done = 0; done < m; done += ROWS) {
		float *to = y + done * ldy;
		const float *from = x + done * ldx;

#define T(rows) bf16_tile(rows, to, ldy, from, ldx, b, n, k, add)
		EACH_TILE(m - done, T)
#undef T
	}
}

/* --- quantised --- */

#if defined(BYTES)
/* Rows of x that meet a block together: their sums of 32 outputs fill the registers. */
#define TALL 3
#define VECTORS (128 / BYTES) /* of four columns of a panel: each has an output in 32 bits */

typedef int8_t vb __attribute__((vector_size(BYTES)));
typedef uint8_t vu __attribute__((vector_size(BYTES)));
typedef uint8_t vu_any __attribute__((vector_size(BYTES), aligned(1), may_alias));
typedef int32_t vi __attribute__((vector_size(BYTES)));
typedef float vd __attribute__((vector_size(BYTES)));
typedef float vd_any __attribute__((vector_size(BYTES), aligned(4), may_alias));

#if defined(ISA_neon)
typedef vi vs;

/* sum += the dot products of four bytes each. */
FORCE vi dot4(vi sum, vb w, vb x)
{
	return (vi)vdotq_s32((int32x4_t)sum, (int8x16_t)w, (int8x16_t)x);
}

/* The same of w below 16, of which a block's sums may be kept in other ways until they are whole. */
FORCE vs small_dot4(vs sum, vu w, vb x)
{
	return dot4(sum, (vb)w, x);
}

FORCE vi whole(vs sum)
{
	return sum;
}

FORCE vd half_to_float(const unsigned char *p)
{
	float16x4_t h;

	memcpy(&h, p, sizeof h);
	return (vd)vcvt_f32_f16(h);
}
#else
typedef int16_t vs __attribute__((vector_size(BYTES)));

/* The processor multiplies unsigned bytes by signed ones and adds neighbours in 16 bits, which must
 * not overflow: with |w| and x turned over where w is negative a pair is 2 127^2 at most. */
FORCE vi dot4(vi sum, vb w, vb x)
{
	__m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8((__m256i)w),
					     _mm256_sign_epi8((__m256i)x, (__m256i)w));

	return sum + (vi)_mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
}

/* Here a pair is 2 15 127 at most, so the eight pairs that a block adds to one sum fit in 16 bits
 * too. */
FORCE vs small_dot4(vs sum, vu w, vb x)
{
	return sum + (vs)_mm256_maddubs_epi16((__m256i)w, (__m256i)x);
}

FORCE vi whole(vs sum)
{
	return (vi)_mm256_madd_epi16((__m256i)sum, _mm256_set1_epi16(1));
}

FORCE vd half_to_float(const unsigned char *p)
{
	return (vd)_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p));
}
#endif

FORCE vu load_bytes(const unsigned char *p)
{
	return *(const vu_any *)p;
}

/* Four columns of one row of x, for each output. */
FORCE vb four_columns(const int8_t *x)
{
	int32_t four;

	memcpy(&four, x, 4);
	return (vb)((vi){0} + four);
}

/* total += dots times the scales of weights and row. Finite scales only, as nn_encode makes
 * them. */
FORCE void add_block(vd total[VECTORS], const vi dots[VECTORS], const unsigned char *scales,
		     float d)
{
	for (int v = 0; v < VECTORS; v++)
		total[v] += __builtin_convertvector(dots[v], vd) *
			    (half_to_float(scales + BYTES / 2 * v) * d);
}

FORCE void put_totals(float *y, const vd total[VECTORS], size_t n, int add)
{
	float t[32];

	for (int v = 0; v < VECTORS; v++)
		*(vd_any *)(t + BYTES / 4 * v) = total[v];
	for (size_t i = 0; i < n; i++)
		y[i] = add ? y[i] + t[i] : t[i];
}

FORCE void q8_tile(int rows, float *y, size_t ldy, const int8_t *q, size_t ldq, const float *d,
		   const int32_t *sum, const unsigned char *b, size_t n, size_t blocks, int add)
{
	const size_t ldd = ldq / 32;
	vd total[TALL][VECTORS];

	(void)sum;
	for (int r = 0; r < rows; r++)
		for (int v = 0; v < VECTORS; v++)
			total[r][v] = (vd){0};
	for (size_t i = 0; i < blocks; i++, b += 1088) {
		vi dots[TALL][VECTORS];

		for (int r = 0; r < rows; r++)
			for (int v = 0; v < VECTORS; v++)
				dots[r][v] = (vi){0};
#pragma GCC unroll 1
		for (size_t g = 0; g < 8; g++)
			for (int v = 0; v < VECTORS; v++) {
				vb w = (vb)(load_bytes(b + 64 + g * 128 + BYTES * v) ^ 128);

				for (int r = 0; r < rows; r++)
					dots[r][v] = dot4(dots[r][v], w,
							  four_columns(q + (size_t)r * ldq +
								       i * 32 + 4 * g));
			}
		for (int r = 0; r < rows; r++)
			add_block(total[r], dots[r], b, d[(size_t)r * ldd + i]);
	}
	for (int r = 0; r < rows; r++)
		put_totals(y + (size_t)r * ldy, total[r], n, add);
}

FORCE void q4_tile(int rows, float *y, size_t ldy, const int8_t *q, size_t ldq, const float *d,
		   const int32_t *sum, const unsigned char *b, size_t n, size_t blocks, int add)
{
	const size_t ldd = ldq / 32;
	vd total[TALL][VECTORS];

	for (int r = 0; r < rows; r++)
		for (int v = 0; v < VECTORS; v++)
			total[r][v] = (vd){0};
	for (size_t i = 0; i < blocks; i++, b += 576) {
		vs sums[TALL][VECTORS];

		for (int r = 0; r < rows; r++)
			for (int v = 0; v < VECTORS; v++)
				sums[r][v] = (vs){0};
#pragma GCC unroll 1
		for (size_t g = 0; g < 4; g++)
			for (int v = 0; v < VECTORS; v++) {
				vu w = load_bytes(b + 64 + g * 128 + BYTES * v);

				for (int r = 0; r < rows; r++) {
					const int8_t *x = q + (size_t)r * ldq + i * 32 + 4 * g;

					sums[r][v] =
						small_dot4(sums[r][v], w & 15, four_columns(x));
					sums[r][v] = small_dot4(sums[r][v], w >> 4,
								four_columns(x + 16));
				}
			}
		for (int r = 0; r < rows; r++) {
			vi dots[VECTORS];

			for (int v = 0; v < VECTORS; v++)
				dots[v] = whole(sums[r][v]) - 8 * sum[(size_t)r * ldd + i];
			add_block(total[r], dots, b, d[(size_t)r * ldd + i]);
		}
	}
	for (int r = 0; r < rows; r++)
		put_totals(y + (size_t)r * ldy, total[r], n, add);
}
#else
#define TALL 1

/* The f16 scales of a block as floats. Finite values only, as nn_encode makes them. */
FORCE void scales(float *out, const unsigned char *b)
{
	for (int i = 0; i < 32; i++) {
		uint16_t h;
		uint32_t bits;
		float f;

		/* Exponent and fraction moved into place are 2^-112 too small, subnormals
		 * included. */
		memcpy(&h, b + 2 * i, 2);
		bits = (uint32_t)(h & 0x7fff) << 13;
		memcpy(&f, &bits, 4);
		f *= 0x1p112f;
		out[i] = h & 0x8000 ? -f : f;
	}
}

FORCE void block_q8(int32_t out[32], const unsigned char *w, const int8_t *x)
{
	for (int o = 0; o < 32; o++)
		out[o] = 0;
	for (int g = 0; g < 8; g++)
		for (int o = 0; o < 32; o++)
			for (int t = 0; t < 4; t++)
				out[o] += w[g * 128 + o * 4 + t] * x[4 * g + t];
}

FORCE void block_q4(int32_t out[32], const unsigned char *w, const int8_t *x)
{
	for (int o = 0; o < 32; o++)
		out[o] = 0;
	for (int g = 0; g < 4; g++)
		for (int o = 0; o < 32; o++)
			for (int t = 0; t < 4; t++) {
				unsigned char b = w[g * 128 + o * 4 + t];

				out[o] += (b & 15) * x[4 * g + t] + (b >> 4) * x[16 + 4 * g + t];
			}
}

FORCE void plain(int offset, float *y, const int8_t *q, const float *d, const int32_t *sum,
		 const unsigned char *b, size_t n, size_t blocks, int add)
{
	float total[32] = {0};

	for (size_t i = 0; i < blocks; i++, b += offset == 128 ? 1088 : 576) {
		int32_t dots[32];
		float s[32];

		scales(s, b);
		if (offset == 128)
			block_q8(dots, b + 64, q + i * 32);
		else
			block_q4(dots, b + 64, q + i * 32);
		for (int o = 0; o < 32; o++)
			total[o] += (float)(dots[o] - offset * sum[i]) * (s[o] * d[i]);
	}
	for (size_t o = 0; o < n; o++)
		y[o] = add ? y[o] + total[o] : total[o];
}

FORCE void q8_tile(int rows, float *y, size_t ldy, const int8_t *q, size_t ldq, const float *d,
		   const int32_t *sum, const unsigned char *b, size_t n, size_t blocks, int add)
{
	(void)rows;
	(void)ldy;
	(void)ldq;
	plain(128, y, q, d, sum, b, n, blocks, add);
}

FORCE void q4_tile(int rows, float *y, size_t ldy, const int8_t *q, size_t ldq, const float *d,
		   const int32_t *sum, const unsigned char *b, size_t n, size_t blocks, int add)
{
	(void)rows;
	(void)ldy;
	(void)ldq;
	plain(8, y, q, d, sum, b, n, blocks, add);
}
#endif

#if defined(ISA_avx2) || defined(ISA_avx512)
/* One block of 32 values: the largest size is scaled to 127. */
FORCE void quantise_block(int8_t *q, float *d, int32_t *sum, const float *x)
{
	const __m256 sign = _mm256_set1_ps(-0.f);
	__m256 v[4], most = _mm256_setzero_ps(), scale;
	__m128 half;
	__m256i bytes, words[2], pairs;
	__m128i four;
	float max;

	for (int i = 0; i < 4; i++) {
		v[i] = _mm256_loadu_ps(x + 8 * i);
		most = _mm256_max_ps(most, _mm256_andnot_ps(sign, v[i]));
	}
	half = _mm_max_ps(_mm256_castps256_ps128(most), _mm256_extractf128_ps(most, 1));
	half = _mm_max_ps(half, _mm_movehl_ps(half, half));
	max = _mm_cvtss_f32(_mm_max_ss(half, _mm_movehdup_ps(half)));
	scale = _mm256_set1_ps(max > 0 ? 127.f / max : 0);
	for (int i = 0; i < 2; i++)
		words[i] =
			_mm256_packs_epi32(_mm256_cvtps_epi32(_mm256_mul_ps(v[2 * i], scale)),
					   _mm256_cvtps_epi32(_mm256_mul_ps(v[2 * i + 1], scale)));
	bytes = _mm256_permutevar8x32_epi32(_mm256_packs_epi16(words[0], words[1]),
					    _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
	_mm256_storeu_si256((__m256i *)q, bytes);
	pairs = _mm256_madd_epi16(_mm256_add_epi16(words[0], words[1]), _mm256_set1_epi16(1));
	four = _mm_add_epi32(_mm256_castsi256_si128(pairs), _mm256_extracti128_si256(pairs, 1));
	four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4e));
	*sum = _mm_cvtsi128_si32(_mm_add_epi32(four, _mm_shuffle_epi32(four, 0xb1)));
	*d = max / 127.f;
}
#else
FORCE void quantise_block(int8_t *q, float *d, int32_t *sum, const float *x)
{
	float max = 0, scale;

	for (int k = 0; k < 32; k++)
		max = fabsf(x[k]) > max ? fabsf(x[k]) : max;
	scale = max > 0 ? 127.f / max : 0;
	*sum = 0;
	for (int k = 0; k < 32; k++) {
		/* Adding 1.5 2^23 rounds to the nearest integer and leaves it in the low bits. */
		float f = x[k] * scale + 12582912.f;
		int32_t bits;

		memcpy(&bits, &f, 4);
		bits -= 0x4b400000;
		q[k] = (int8_t)bits;
		*sum += bits;
	}
	*d = max / 127.f;
}
#endif

#define QUANTISED(name, tile) \
	static void name(float *y, size_t ldy, const int8_t *q, size_t ldq, const float *d, \
			 const int32_t *sum, size_t m, const unsigned char *b, size_t n, \
			 size_t blocks, int add) \
	{ \
		for (size_t done = 0; done < m; done += TALL) { \
			float *to = y + done * ldy; \
			const int8_t *from = q + done * ldq; \
			const float *by = d + done * (ldq / 32); \
			const int32_t *s = sum + done * (ldq / 32); \
			EACH_SHORT(m - done, tile) \
		} \
	}
#define Q8(rows) q8_tile(rows, to, ldy, from, ldq, by, s, b, n, blocks, add)
#define Q4(rows) q4_tile(rows, to, ldy, from, ldq, by, s, b, n, blocks, add)
QUANTISED(q8, Q8)
QUANTISED(q4, Q4)

static void quantise(int8_t *q, float *d, int32_t *sum, const float *x, size_t blocks)
{
	for (size_t i = 0; i < blocks; i++)
		quantise_block(q + 32 * i, d + i, sum + i, x + 32 * i);
}

const struct nn_pack_kern NAME(nn_pack) = {f32, bf16, q8, q4, quantise};

#if defined(ISA_avx512)
/* The same with the processor's own byte dot product, four columns at once for 16 outputs. */
#define VNNI __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c")))
#define FORCE_VNNI static inline __attribute__((always_inline)) VNNI
#define SIX 6

FORCE_VNNI void vnni_tile(int rows, int offset, float *y, size_t ldy, const int8_t *q, size_t ldq,
			  const float *d, const int32_t *sum, const unsigned char *b, size_t n,
			  size_t blocks, int add)
{
	const __m512i low = _mm512_set1_epi8(15);
	const size_t ldd = ldq / 32;
	__m512 total[SIX][2];

	for (int r = 0; r < rows; r++)
		total[r][0] = total[r][1] = _mm512_setzero_ps();
	for (size_t i = 0; i < blocks; i++) {
		__m512 s0 = _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)b));
		__m512 s1 = _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(b + 32)));
		const unsigned char *w = b + 64;
		__m512i dots[SIX][2];

		for (int r = 0; r < rows; r++)
			dots[r][0] = dots[r][1] =
				_mm512_set1_epi32(-offset * sum[(size_t)r * ldd + i]);
		for (int g = 0; g < (offset == 128 ? 8 : 4); g++, w += 128) {
			__m512i w0 = _mm512_loadu_si512(w), w1 = _mm512_loadu_si512(w + 64);
			__m512i h0 = w0, h1 = w1;

			if (offset != 128) {
				h0 = _mm512_and_si512(_mm512_srli_epi16(w0, 4), low);
				h1 = _mm512_and_si512(_mm512_srli_epi16(w1, 4), low);
				w0 = _mm512_and_si512(w0, low);
				w1 = _mm512_and_si512(w1, low);
			}
			for (int r = 0; r < rows; r++) {
				const int8_t *x = q + (size_t)r * ldq + i * 32 + 4 * (size_t)g;
				int32_t four;
				__m512i a;

				memcpy(&four, x, 4);
				a = _mm512_set1_epi32(four);
				dots[r][0] = _mm512_dpbusd_epi32(dots[r][0], w0, a);
				dots[r][1] = _mm512_dpbusd_epi32(dots[r][1], w1, a);
				if (offset != 128) {
					memcpy(&four, x + 16, 4);
					a = _mm512_set1_epi32(four);
					dots[r][0] = _mm512_dpbusd_epi32(dots[r][0], h0, a);
					dots[r][1] = _mm512_dpbusd_epi32(dots[r][1], h1, a);
				}
			}
		}
		for (int r = 0; r < rows; r++) {
			__m512 by = _mm512_set1_ps(d[(size_t)r * ldd + i]);

			total[r][0] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dots[r][0]),
						      _mm512_mul_ps(s0, by), total[r][0]);
			total[r][1] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dots[r][1]),
						      _mm512_mul_ps(s1, by), total[r][1]);
		}
		b = w;
	}
	for (int r = 0; r < rows; r++)
		put(y + (size_t)r * ldy, total[r], 2, n, add);
}

FORCE_VNNI void vnni(int offset, float *y, size_t ldy, const int8_t *q, size_t ldq, const float *d,
		     const int32_t *sum, size_t m, const unsigned char *b, size_t n, size_t blocks,
		     int add)
{
	for (size_t done = 0; done < m; done += SIX) {
		float *to = y + done * ldy;
		const int8_t *from = q + done * ldq;
		const float *by = d + done * (ldq / 32);
		const int32_t *s = sum + done * (ldq / 32);

#define T(rows) vnni_tile(rows, offset, to, ldy, from, ldq, by, s, b, n, blocks, add)
		switch (m - done) {
		case 1:
			T(1);
			break;
		case 2:
			T(2);
			break;
		case 3:
			T(3);
			break;
		case 4:
			T(4);
			break;
		case 5:
			T(5);
			break;
		default:
			T(6);
			break;
		}
#undef T
	}
}

VNNI static void q8_vnni(float *y, size_t ldy, const int8_t *q, size_t ldq, const float *d,
			 const int32_t *sum, size_t m, const unsigned char *b, size_t n,
			 size_t blocks, int add)
{
	vnni(128, y, ldy, q, ldq, d, sum, m, b, n, blocks, add);
}

VNNI static void q4_vnni(float *y, size_t ldy, const int8_t *q, size_t ldq, const float *d,
			 const int32_t *sum, size_t m, const unsigned char *b, size_t n,
			 size_t blocks, int add)
{
	vnni(8, y, ldy, q, ldq, d, sum, m, b, n, blocks, add);
}

const struct nn_pack_kern nn_pack_vnni = {f32, bf16, q8_vnni, q4_vnni, quantise};
#endif

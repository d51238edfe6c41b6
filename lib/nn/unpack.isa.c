/* What weights are stored as, taken apart into floats: a part of the kernels of kern.h, compiled once
 * for each instruction set. */
#include <string.h>
#if defined(ISA_avx2) || defined(ISA_avx512)
#include <immintrin.h>
#endif
#include "../base/isa.h"
#include "kern_impl.h"

/* Half precision by integers: the exponent is moved by a multiplication, which also makes
 * subnormals right; infinities and NaN get theirs set. */
static inline float half_to_float(uint16_t h)
{
	uint32_t magnitude = (uint32_t)(h & 0x7fff) << 13, bits;
	float f;

	memcpy(&f, &magnitude, sizeof f);
	f *= 0x1p112f;
	memcpy(&bits, &f, sizeof bits);
	bits |= magnitude >= 0x0f800000u ? 0x7f800000u : 0;
	bits |= (uint32_t)(h & 0x8000) << 16;
	memcpy(&f, &bits, sizeof f);
	return f;
}

static void from_f16(float *y, const uint16_t *x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		y[i] = half_to_float(x[i]);
}

static void from_bf16(float *y, const uint16_t *x, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t b = (uint32_t)x[i] << 16;

		memcpy(y + i, &b, sizeof b);
	}
}

/* y = d q, 16 values. Compilers take bytes apart one by one where they are left to it. */
static inline void scaled(float *y, const int8_t *q, float d)
{
#if defined(ISA_avx2) || defined(ISA_avx512)
	for (int j = 0; j < 16; j += 8)
		_mm256_storeu_ps(y + j, _mm256_mul_ps(_mm256_set1_ps(d),
						      _mm256_cvtepi32_ps(
							      _mm256_cvtepi8_epi32(_mm_loadl_epi64(
								      (const __m128i *)(q + j))))));
#else
	for (int j = 0; j < 16; j++)
		y[j] = d * (float)q[j];
#endif
}

static void from_q8_0(float *y, const void *x, size_t n)
{
	const char *b = x;

	for (size_t i = 0; i < n; i += 32, b += 34) {
		uint16_t h;
		int8_t q[32];

		memcpy(&h, b, sizeof h);
		memcpy(q, b + 2, sizeof q);
		scaled(y + i, q, half_to_float(h));
		scaled(y + i + 16, q + 16, half_to_float(h));
	}
}

static void from_q4_0(float *y, const void *x, size_t n)
{
	const char *b = x;

	for (size_t i = 0; i < n; i += 32, b += 18) {
		uint16_t h;
		unsigned char both[16];
		int8_t low[16], high[16];

		memcpy(&h, b, sizeof h);
		memcpy(both, b + 2, sizeof both);
		for (int j = 0; j < 16; j++) {
			low[j] = (int8_t)((both[j] & 15) - 8);
			high[j] = (int8_t)((both[j] >> 4) - 8);
		}
		scaled(y + i, low, half_to_float(h));
		scaled(y + i + 16, high, half_to_float(h));
	}
}

/* The lower half of a byte is the value that comes first. Twice a value is 0, 1, 2, 3, 4, 6, 8 or
 * 12. */
static inline float mxfp4_value(int q, float half)
{
	int m = q & 7, twice = m + (m > 4 ? m - 4 : 0) + (m > 6 ? 2 : 0);

	return half * (float)(q & 8 ? -twice : twice);
}

static void from_mxfp4(float *y, const unsigned char *x, const unsigned char *scales, size_t n)
{
	for (size_t i = 0; i < n; i += 32, x += 16, y += 32, scales++) {
		uint32_t bits = *scales ? (uint32_t)*scales << 23 : 0x00400000u;
		unsigned char q[16];
		float half;

		memcpy(&half, &bits, sizeof half);
		memcpy(q, x, 16);
		half *= 0.5f;
		for (int j = 0; j < 16; j++) {
			y[2 * j] = mxfp4_value(q[j] & 15, half);
			y[2 * j + 1] = mxfp4_value(q[j] >> 4, half);
		}
	}
}

const struct nn_unpack NAME(nn_unpack) = {
	.f16 = from_f16,
	.bf16 = from_bf16,
	.q8_0 = from_q8_0,
	.q4_0 = from_q4_0,
	.mxfp4 = from_mxfp4,
};

/* Adapters' products by the kernels of thin.isa.c, and the choice among those. See thin.h. */
#include <string.h>
#include "kern.h"
#include "mat.h"
#include "thin_impl.h"

#define RANK_MAX ((size_t)64) /* above it sgemm's copies pay */
/* of an output at a time: what they are made of stays in the first-level cache */
#define COLUMNS ((size_t)384)
/* rows whose part of a gradient is summed before the next: they stay in the second-level cache */
#define SUM_ROWS ((size_t)32)

const struct nn_thin *nn_thin(void)
{
#if defined(__x86_64__)
	const char *set = nn_kern()->name;

	if (strcmp(set, "avx512") == 0)
		return &nn_thin_avx512;
	if (strcmp(set, "avx2") == 0)
		return &nn_thin_avx2;
#elif defined(__aarch64__)
	if (strcmp(nn_kern()->name, "neon") == 0)
		return &nn_thin_neon;
#endif
	return &nn_thin_base;
}

/* For results of n columns: where these fill but half a vector of AVX-512, half of its work is for nothing,
 * and AVX2 gives the same bits. */
static const struct nn_thin *thin_for(size_t n)
{
#if defined(__x86_64__)
	if (n <= 8 && nn_thin() == &nn_thin_avx512)
		return &nn_thin_avx2;
#endif
	(void)n;
	return nn_thin();
}

void nn_transpose(float *out, size_t ldo, const float *x, size_t ldx, size_t m, size_t n, float by)
{
	/* Squares of 16, a cache line wide on both sides. */
	for (size_t i0 = 0; i0 < m; i0 += 16)
		for (size_t j0 = 0; j0 < n; j0 += 16)
			for (size_t j = j0; j < n && j < j0 + 16; j++)
				for (size_t i = i0; i < m && i < i0 + 16; i++)
					out[j * ldo + i] = by * x[i * ldx + j];
}

size_t nn_lora_scratch(size_t rank, size_t in, size_t out)
{
	size_t most = in > out ? in : out;

	return (rank < RANK_MAX ? rank : RANK_MAX) * (most > COLUMNS ? most : COLUMNS);
}

void nn_lora_down(float *u, const float *x, const float *a, size_t n, size_t in, size_t r,
		  float *scratch)
{
	/* u [n, r] = x [n, in] a^T */
	if (r > RANK_MAX) {
		nn_gemm(0, 1, n, r, in, 1, x, in, a, in, 0, u, r);
		return;
	}
	nn_transpose(scratch, r, a, in, r, in, 1);
	thin_for(r)->nn(u, r, x, in, scratch, r, n, r, in, 0);
}

void nn_lora_up(float *y, const float *u, const float *b, float by, int add, size_t n, size_t out,
		size_t r, float *scratch)
{
	/* y [n, out] = by u [n, r] b^T */
	const struct nn_thin *thin = nn_thin();

	if (r > RANK_MAX) {
		nn_gemm(0, 1, n, out, r, by, u, r, b, r, add ? 1 : 0, y, out);
		return;
	}
	for (size_t o = 0; o < out; o += COLUMNS) {
		size_t m = out - o < COLUMNS ? out - o : COLUMNS;

		nn_transpose(scratch, COLUMNS, b + o * r, r, m, r, by);
		thin->nn(y + o, out, u, r, scratch, COLUMNS, n, m, r, add);
	}
}

void nn_lora_up_back(float *du, const float *dy, const float *b, float by, size_t n, size_t out,
		     size_t r, float *scratch)
{
	/* du [n, r] = by dy [n, out] b */
	if (r > RANK_MAX) {
		nn_gemm(0, 0, n, r, out, by, dy, out, b, r, 0, du, r);
		return;
	}
	for (size_t i = 0; i < out * r; i++)
		scratch[i] = by * b[i];
	thin_for(r)->nn(du, r, dy, out, scratch, r, n, r, out, 0);
}

void nn_lora_down_back(float *dx, const float *du, const float *a, int add, size_t n, size_t in,
		       size_t r)
{
	/* dx [n, in] = du [n, r] a */
	const struct nn_thin *thin = nn_thin();

	if (r > RANK_MAX)
		nn_gemm(0, 0, n, in, r, 1, du, r, a, in, add ? 1 : 0, dx, in);
	else
		for (size_t i = 0; i < in; i += COLUMNS)
			thin->nn(dx + i, in, du, r, a + i, in, n,
				 in - i < COLUMNS ? in - i : COLUMNS, r, add);
}

void nn_lora_a_back(float *da, const float *du, const float *x, size_t n, size_t in, size_t r)
{
	/* da [r, in] += du^T x */
	const struct nn_thin *thin = nn_thin();

	if (r > RANK_MAX) {
		nn_gemm(1, 0, r, in, n, 1, du, r, x, in, 1, da, in);
		return;
	}
	for (size_t i = 0; i < n; i += SUM_ROWS)
		thin->tn(da, in, du + i * r, r, x + i * in, in, r, in,
			 n - i < SUM_ROWS ? n - i : SUM_ROWS, 1);
}

void nn_lora_b_back(float *db, const float *dy, const float *u, float by, size_t n, size_t out,
		    size_t r, float *scratch)
{
	/* db [out, r] += by dy^T u, as the transpose of u^T dy */
	const struct nn_thin *thin = nn_thin();

	if (r > RANK_MAX) {
		nn_gemm(1, 0, out, r, n, by, dy, out, u, r, 1, db, r);
		return;
	}
	for (size_t i = 0; i < n; i += SUM_ROWS)
		thin->tn(scratch, out, u + i * r, r, dy + i * out, out, r, out,
			 n - i < SUM_ROWS ? n - i : SUM_ROWS, i > 0);
	for (size_t o = 0; o < out; o++)
		for (size_t p = 0; p < r; p++)
			db[o * r + p] += by * scratch[p * out + o];
}

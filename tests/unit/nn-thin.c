/* Products with a short side, for every instruction set, against sums in double precision; and the
 * adapters' products made of them. */
#include <stdlib.h>
#include "../../lib/base/mem.h"
#include "../../lib/base/rng.h"
#include "../../lib/nn/kern.h"
#include "../../lib/nn/mat.h"
#include "../../lib/nn/thin.h"
#include "tap.h"

static struct rng rng;

static float *normals(size_t n)
{
	float *x = mem_alloc(n, sizeof *x);

	for (size_t i = 0; i < n; i++)
		x[i] = (float)rng_normal(&rng);
	return x;
}

/* The largest error of c [m, n] = a b (+ what was there), and whether what stands between the rows
 * was left alone. Operands end where their last row ends, so that a read beyond it is seen by the
 * sanitizers. */
static double worst(const struct nn_thin *thin, int transposed, size_t m, size_t n, size_t k,
		    int add, int *kept)
{
	size_t lda = (transposed ? m : k) + 3, ldb = n + 5, ldc = n + 1,
	       a_rows = transposed ? k : m;
	float *a = normals(a_rows * lda - 3), *b = normals(k * ldb - 5), *c = normals(m * ldc),
	      *old = mem_alloc(m * ldc, sizeof *old);
	double most = 0;

	memcpy(old, c, m * ldc * sizeof *c);
	(transposed ? thin->tn : thin->nn)(c, ldc, a, lda, b, ldb, m, n, k, add);
	for (size_t i = 0; i < m; i++) {
		for (size_t j = 0; j < n; j++) {
			double sum = add ? old[i * ldc + j] : 0;

			for (size_t t = 0; t < k; t++)
				sum += (double)a[transposed ? t * lda + i : i * lda + t] *
				       b[t * ldb + j];
			most = fmax(most, fabs(sum - c[i * ldc + j]));
		}
		*kept &= c[i * ldc + n] == old[i * ldc + n];
	}
	free(a), free(b), free(c), free(old);
	return most;
}

static void products(const char *set)
{
	static const size_t ms[] = {1, 5, 12, 31, 50}, ns[] = {1, 8, 19, 48, 64, 70},
			    ks[] = {1, 8, 64, 300};
	const struct nn_thin *thin = nn_thin();
	double most = 0;
	int kept = 1;

	for (size_t i = 0; i < 5 * 6 * 4 * 4; i++)
		most = fmax(most, worst(thin, (int)(i & 1), ms[i / 4 % 5], ns[i / 20 % 6],
					ks[i / 120], (int)(i >> 1 & 1), &kept));
	ok(most < 1e-4, "%s: products are right (%.1e)", set, most);
	ok(kept, "%s: nothing is written beyond a row", set);
}

/* A row's result is the same alone and among others. */
static void rows_alone(const char *set)
{
	const struct nn_thin *thin = nn_thin();
	size_t m = 50, n = 70, k = 300;
	float *a = normals(m * k), *b = normals(k * n), *c = mem_alloc(m * n, sizeof *c),
	      *one = mem_alloc(n, sizeof *one);
	int same = 1;

	thin->nn(c, n, a, k, b, n, m, n, k, 0);
	for (size_t i = 0; i < m; i++) {
		thin->nn(one, n, a + i * k, k, b, n, 1, n, k, 0);
		same &= memcmp(one, c + i * n, n * sizeof *one) == 0;
	}
	ok(same, "%s: a row's result does not depend on its neighbours", set);
	free(a), free(b), free(c), free(one);
}

/* Few columns are left to narrower vectors (thin.c), which is only right where sets agree. */
static void sets_agree(const char *one, const char *other)
{
	static const size_t ns[] = {1, 3, 8};
	size_t m = 50, k = 600;
	float *a = normals(m * k), *b = normals(k * 8), *c = mem_alloc(2 * m * 8, sizeof *c);
	int same = 1;

	for (size_t i = 0; i < 3; i++) {
		setenv("FT_ISA", one, 1);
		nn_thin()->nn(c, ns[i], a, k, b, ns[i], m, ns[i], k, 0);
		setenv("FT_ISA", other, 1);
		nn_thin()->nn(c + m * 8, ns[i], a, k, b, ns[i], m, ns[i], k, 0);
		same &= memcmp(c, c + m * 8, m * ns[i] * sizeof *c) == 0;
	}
	ok(same, "%s and %s: few columns have the same bits", one, other);
	free(a), free(b), free(c);
}

static double apart(const float *x, const float *y, size_t n)
{
	double most = 0;

	for (size_t i = 0; i < n; i++)
		most = fmax(most, fabs((double)x[i] - y[i]));
	return most;
}

/* The six products of an adapter against the same by sgemm, at a rank on either side of where
 * thin.c leaves them to it. */
static void adapter(size_t r)
{
	size_t n = 70, in = 400, out = 93;
	float *x = normals(n * in), *a = normals(r * in), *b = normals(out * r),
	      *dy = normals(n * out), *u = normals(n * r);
	float *got = normals((n + r) * in), *want = mem_alloc((n + r) * in, sizeof *want);
	float *scratch = mem_alloc(nn_lora_scratch(r, in, out), sizeof *scratch);

	nn_lora_down(got, x, a, n, in, r, scratch);
	nn_gemm(0, 1, n, r, in, 1, x, in, a, in, 0, want, r);
	ok(apart(got, want, n * r) < 1e-3, "rank %zu: x A^T", r);
	memcpy(want, got, n * out * sizeof *want);
	nn_lora_up(got, u, b, 2, 1, n, out, r, scratch);
	nn_gemm(0, 1, n, out, r, 2, u, r, b, r, 1, want, out);
	ok(apart(got, want, n * out) < 1e-3, "rank %zu: u B^T, added", r);
	nn_lora_up_back(got, dy, b, 2, n, out, r, scratch);
	nn_gemm(0, 0, n, r, out, 2, dy, out, b, r, 0, want, r);
	ok(apart(got, want, n * r) < 1e-3, "rank %zu: dy B", r);
	nn_lora_down_back(got, u, a, 0, n, in, r);
	nn_gemm(0, 0, n, in, r, 1, u, r, a, in, 0, want, in);
	ok(apart(got, want, n * in) < 1e-3, "rank %zu: du A", r);
	nn_lora_a_back(got, u, x, n, in, r);
	nn_gemm(1, 0, r, in, n, 1, u, r, x, in, 1, want, in);
	ok(apart(got, want, r * in) < 1e-3, "rank %zu: du^T x, added", r);
	memcpy(want, got, out * r * sizeof *want);
	nn_lora_b_back(got, dy, u, 2, n, out, r, scratch);
	nn_gemm(1, 0, out, r, n, 2, dy, out, u, r, 1, want, r);
	ok(apart(got, want, out * r) < 1e-3, "rank %zu: dy^T u, added", r);
	free(x), free(a), free(b), free(dy), free(u), free(got), free(want), free(scratch);
}

int main(void)
{
	const struct nn_kern *sets[3];
	size_t n = nn_kern_all(sets, 3);

	ok(!nn_init(NULL), "OpenBLAS is loaded");
	rng_seed(&rng, 1, 0);
	for (size_t i = 0; i < n; i++) {
		setenv("FT_ISA", sets[i]->name, 1);
		products(sets[i]->name);
		rows_alone(sets[i]->name);
	}
	if (n > 1 && strcmp(sets[n - 1]->name, "avx512") == 0)
		sets_agree("avx2", "avx512");
	else
		ok(1, "avx2 and avx512: few columns have the same bits # SKIP no avx512 here");
	unsetenv("FT_ISA");
	adapter(3);
	adapter(8);
	adapter(65);
	return tap_done();
}

/* Products in bf16: every set against one value at a time in its order of sums, bit for bit, and what
 * the instructions do at the ends of the range of floats. */
#include <stdlib.h>
#include "../../lib/base/mem.h"
#include "../../lib/base/rng.h"
#include "../../lib/nn/bf16.h"
#include "../../lib/nn/kern.h"
#include "../../lib/nn/mat.h"
#include "tap.h"

/* The kernels with instructions of their own, over a model of those. */
#undef ISA
#define ISA avx512
#define ISA_avx512
#define BF16_MODEL "../../tests/unit/bf16-model.h"
#define nn_bf16_avx512 modelled_avx512
#define nn_bf16_dot modelled_dot
#define nn_bf16_amx modelled_amx
#include "../../lib/nn/bf16.isa.c" /* NOLINT(bugprone-suspicious-include) */

struct size {
	size_t m, n, k;
};

static float *normals(struct rng *r, size_t n)
{
	float *x = mem_aligned(n, sizeof *x);

	for (size_t i = 0; i < n; i++)
		x[i] = (float)rng_normal(r);
	return x;
}

/* Whether s and the plain set of its order give the same bits, in place and between rows that must
 * stay, and how far they are from the exact product. */
static int same(const struct nn_bf16 *s, struct size z, int ta, int tb, int add, double *off)
{
	struct rng r;
	size_t lda = (ta ? z.m : z.k) + 3, ldb = (tb ? z.k : z.n) + 1, ldc = z.n + 2;
	float *a, *b, *c, *want;
	int equal;

	rng_seed(&r, z.m + z.n, z.k);
	a = normals(&r, (ta ? z.k : z.m) * lda);
	b = normals(&r, (tb ? z.n : z.k) * ldb);
	c = normals(&r, z.m * ldc);
	want = mem_aligned(z.m * ldc, sizeof *want);
	memcpy(want, c, z.m * ldc * sizeof *c);
	*off = 0;
	for (size_t i = 0; i < z.m; i++)
		for (size_t j = 0; j < z.n; j++) {
			double sum = add ? c[i * ldc + j] : 0;

			for (size_t t = 0; t < z.k; t++)
				sum += (double)(ta ? a[t * lda + i] : a[i * lda + t]) *
				       (tb ? b[j * ldb + t] : b[t * ldb + j]);
			want[i * ldc + j] = (float)sum;
		}
	for (int plain = 0; plain < 2; plain++) {
		float *to = mem_aligned(z.m * ldc, sizeof *to);

		memcpy(to, c, z.m * ldc * sizeof *c);
		nn_bf16_gemm(plain ? nn_bf16_plain(s->order) : s, ta, tb, z.m, z.n, z.k, a, lda, b,
			     ldb, add, to, ldc);
		for (size_t i = 0; !plain && i < z.m * ldc; i++)
			*off = fmax(*off, fabs((double)to[i] - want[i]));
		memcpy(plain ? c : want, to, z.m * ldc * sizeof *c);
		free(to);
	}
	equal = memcmp(c, want, z.m * ldc * sizeof *c) == 0;
	free(a), free(b), free(c), free(want);
	return equal;
}

static void sizes(const struct nn_bf16 *s)
{
	static const struct size all[] = {{1, 1, 1},	{3, 5, 2},     {4, 32, 32},  {32, 64, 64},
					  {13, 33, 31}, {45, 70, 77},  {5, 17, 600}, {257, 40, 520},
					  {520, 3, 33}, {2, 100, 1025}};
	double off;

	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		int equal = 1, add = i % 2;
		double worst = 0;

		for (int form = 0; form < 4; form++) {
			equal = same(s, all[i], form & 1, form >> 1, add, &off) && equal;
			worst = fmax(worst, off / sqrt((double)all[i].k));
		}
		ok(equal, "%s: %zu x %zu x %zu has the bits of its order of sums", s->name,
		   all[i].m, all[i].n, all[i].k);
		/* 2^-9 an operand, of about 2 x 4 sigma */
		ok(worst < 0.03, "%s: and is the product (%.1e)", s->name, worst);
	}
	ok(nn_bf16_proves(s), "%s proves itself", s->name);
}

struct sum {
	float c;
	size_t k;
	float a[4], b[4];
};

/* c + the sum of a b by one set. */
static float one(const struct nn_bf16 *s, struct sum x)
{
	nn_bf16_gemm(s, 0, 1, 1, 1, x.k, x.a, x.k, x.b, x.k, 1, &x.c, 1);
	return x.c;
}

/* c + a b */
static float step(const struct nn_bf16 *s, float c, float a, float b)
{
	return one(s, (struct sum){c, 1, {a}, {b}});
}

/* Whether the processor flushes numbers below 2^-126 to 0 where it is told to, which valgrind's does not. */
static int can_flush(void)
{
#if defined(__x86_64__)
	volatile float small = 0x1p-127f, product;
	unsigned before = __builtin_ia32_stmxcsr();

	__builtin_ia32_ldmxcsr(before | 1 << 6); /* operands */
	product = small * 0x1p20f;
	__builtin_ia32_ldmxcsr(before);
	return product == 0;
#else
	return 1;
#endif
}

/* What is below 2^-126, worked out by hand from the manual's words. */
static void small_numbers(const struct nn_bf16 *s, int fused)
{
	if (!can_flush()) {
		ok(1, "%s: what is below 2^-126 is 0 # SKIP no flushing to zero here", s->name);
		return;
	}
	ok(step(s, 0, 0x1p-127f, 0x1p20f) == 0, "%s: operands below 2^-126 are 0", s->name);
	ok(step(s, 0x1p-127f, 0, 0) == 0, "%s: so are sums", s->name);
	ok(step(s, 0, 0x1p-126f, 0.5f) == 0, "%s: so are results", s->name);
	if (fused && s->order == NN_BF16_PAIRS)
		ok(step(s, 0x1.8p-126f, 0x1p-126f, 0.5f) == 0x1p-125f,
		   "%s: but products are not, before they are added", s->name);
}

/* Worked out the same way. */
static void edges(const struct nn_bf16 *s, int fused)
{
	float nan = step(s, 0, NAN, 1);

	ok(step(s, 0, 1 + 0x1p-8f, 1) == 1, "%s: a tie is rounded to even, here down", s->name);
	ok(step(s, 0, 1 + 0x3p-8f, 1) == 1 + 0x1p-6f, "%s: and here up", s->name);
	ok(step(s, 0, 1 + 0x1p-8f + 0x1p-23f, 1) == 1 + 0x1p-7f, "%s: above one it goes up",
	   s->name);
	ok(isinf(step(s, 0, 0x1.ffp127f, 1)), "%s: the largest floats are infinite", s->name);
	ok(isnan(nan), "%s: NaN stays NaN", s->name);
	small_numbers(s, fused);
	if (s->order == NN_BF16_PAIRS)
		ok(one(s, (struct sum){0x1p24f, 2, {1, -0x1p24f}, {1, 1}}) == 1 &&
			   one(s, (struct sum){0x1p24f, 2, {-0x1p24f, 1}, {1, 1}}) == 0,
		   "%s: the odd value of a pair comes first", s->name);
	else
		ok(one(s, (struct sum){1, 4, {0x1p24f, 0, -0x1p24f, 0}, {1, 1, 1, 1}}) == 1 &&
			   one(s, (struct sum){0x1p24f, 2, {1, 1}, {1, 1}}) == 0x1p24f + 2,
		   "%s: sums of a tile begin at 0", s->name);
}

int main(void)
{
	static const char *const sets[] = {"base", "avx2", "avx512", "neon"},
				 *const names[] = {"avx512-bf16", "amx-bf16"};
	const struct nn_bf16 *units[2];
	size_t n = nn_bf16_units(units, 2);

	edges(nn_bf16_plain(NN_BF16_PAIRS), 0);
	edges(nn_bf16_plain(NN_BF16_TILES), 0);
	sizes(nn_bf16_plain(NN_BF16_TILES));
	for (size_t i = 0; i < 4; i++) {
		setenv("FT_ISA", sets[i], 1);
		if (strcmp(nn_kern()->name, sets[i]) != 0)
			continue;
		sizes(nn_bf16_emulated());
		edges(nn_bf16_emulated(), i > 0);
	}
	unsetenv("FT_ISA");
	/* Without the instruction fmaf is the library's, which does not flush as they do. */
	for (size_t i = 0; i < 2 && strcmp(nn_kern()->name, "base") != 0; i++) {
		printf("# modelled:\n");
		sizes(i ? &modelled_amx : &modelled_dot);
		edges(i ? &modelled_amx : &modelled_dot, 1);
	}
	for (size_t i = 0; i < 2; i++) {
		const struct nn_bf16 *unit = NULL;

		for (size_t u = 0; u < n; u++)
			unit = strcmp(units[u]->name, names[i]) == 0 ? units[u] : unit;
		if (!unit) {
			ok(1,
			   "%s has the bits of its order of sums # SKIP no such instructions here",
			   names[i]);
			continue;
		}
		sizes(unit);
		edges(unit, 1);
	}
	return tap_done();
}

/* Products in bf16: blocks, packing, and which set computes them. See bf16.h. */
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <xmmintrin.h>
#endif
#include "../base/mem.h"
#include "bf16_impl.h"
#include "kern.h"

#define PANEL NN_BF16_PANEL
/* Of a and b that are packed at a time. Every ROWS rows b is read and packed anew, in pieces of 2 PAIRS
 * or WIDE floats: where these are short, memory is read at a third of its speed. Half a megabyte of a in
 * the second-level cache is enough for the products to run at nine tenths of their instructions' rate,
 * a whole one on a processor that has it. */
#define ROWS ((size_t)512)
#define PAIRS ((size_t)512)
#define WIDE (2 * PANEL)

/* --- one value at a time --- */

static float half(uint32_t pair, int odd)
{
	uint32_t bits = odd ? pair & 0xffff0000u : pair << 16;
	float x;

	memcpy(&x, &bits, sizeof x);
	return x;
}

static float by_pairs(float c, const uint32_t *a, const uint32_t *b, size_t pairs)
{
	for (size_t p = 0; p < pairs; p++) {
		c += half(a[p], 1) * half(b[p * PANEL], 1);
		c += half(a[p], 0) * half(b[p * PANEL], 0);
	}
	return c;
}

static float by_tiles(float c, const uint32_t *a, const uint32_t *b, size_t pairs)
{
	for (size_t from = 0; from < pairs; from += NN_BF16_DEEP) {
		float sum[2] = {0, 0};

		for (size_t p = from; p < from + NN_BF16_DEEP; p++)
			for (int odd = 0; odd < 2; odd++)
				sum[odd] += half(a[p], odd) * half(b[p * PANEL], odd);
		c += sum[0] + sum[1];
	}
	return c;
}

static void plain_mul(float (*sum)(float, const uint32_t *, const uint32_t *, size_t), float *c,
		      size_t ldc, const uint32_t *a, size_t lda, size_t m, const uint32_t *b,
		      size_t n, size_t pairs, int add)
{
	for (size_t i = 0; i < m; i++)
		for (size_t j = 0; j < n; j++)
			c[i * ldc + j] = sum(add ? c[i * ldc + j] : 0, a + i * lda, b + j, pairs);
}

static void plain_pairs(float *c, size_t ldc, const uint32_t *a, size_t lda, size_t m,
			const uint32_t *b, size_t n, size_t pairs, int add)
{
	plain_mul(by_pairs, c, ldc, a, lda, m, b, n, pairs, add);
}

static void plain_tiles(float *c, size_t ldc, const uint32_t *a, size_t lda, size_t m,
			const uint32_t *b, size_t n, size_t pairs, int add)
{
	plain_mul(by_tiles, c, ldc, a, lda, m, b, n, pairs, add);
}

static uint32_t plain_pair(float even, float odd)
{
	uint32_t b[2];

	memcpy(b, (float[]){even, odd}, sizeof b);
	for (int i = 0; i < 2; i++)
		if ((b[i] & 0x7fffffffu) > 0x7f800000u)
			b[i] |= 0x400000u; /* NaN stays one */
		else
			b[i] += 0x7fffu + (b[i] >> 16 & 1);
	return b[0] >> 16 | (b[1] & 0xffff0000u);
}

static void plain_along(uint32_t *out, const float *x, size_t n)
{
	for (size_t i = 0; i < n; i += 2)
		out[i / 2] = plain_pair(x[i], i + 1 < n ? x[i + 1] : 0);
}

static void plain_across(uint32_t *out, const float *even, const float *odd, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = plain_pair(even[i], odd ? odd[i] : 0);
}

const struct nn_bf16 *nn_bf16_plain(enum nn_bf16_order order)
{
	static const struct nn_bf16 sets[] = {{"plain", NN_BF16_PAIRS, plain_along, plain_across,
					       plain_pairs},
					      {"plain", NN_BF16_TILES, plain_along, plain_across,
					       plain_tiles}};

	return &sets[order];
}

/* --- which set --- */

const struct nn_bf16 *nn_bf16_emulated(void)
{
#if defined(__x86_64__)
	const char *set = nn_kern()->name;

	if (strcmp(set, "avx512") == 0)
		return &nn_bf16_avx512;
	if (strcmp(set, "avx2") == 0)
		return &nn_bf16_avx2;
#elif defined(__aarch64__)
	if (strcmp(nn_kern()->name, "neon") == 0)
		return &nn_bf16_neon;
#endif
	return &nn_bf16_base;
}

#if defined(__x86_64__)
/* Whether the processor has tiles of bf16 and the kernel lets us have them, which it wants to be asked
 * for: their state is large, so it stands in no signal frame before (Linux,
 * Documentation/x86/xstate.rst). */
static int has_tiles(void)
{
	enum { ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };
	unsigned a, b, c, d;

	if (!__get_cpuid_count(7, 0, &a, &b, &c, &d))
		return 0;
	return (d >> 22 & 1) && (d >> 24 & 1) &&
	       syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
}
#endif

size_t nn_bf16_units(const struct nn_bf16 **out, size_t max)
{
	size_t n = 0;
#if defined(__x86_64__)
	if (strcmp(nn_kern()->name, "avx512") == 0) {
		if (n < max && __builtin_cpu_supports("avx512bf16"))
			out[n++] = &nn_bf16_dot;
		if (n < max && has_tiles())
			out[n++] = &nn_bf16_amx;
	}
#else
	(void)out;
	(void)max;
#endif
	return n;
}

int nn_bf16_proves(const struct nn_bf16 *s)
{
	enum { M = 45, N = 50, K = 599 };
	float *x = mem_alloc((M + N) * K + 2 * M * N, sizeof *x), *y = x + M * K, *got = y + N * K,
	      *want = got + M * N;
	uint32_t state = 1;
	int same = 1;

	for (size_t i = 0; i < (M + N) * K + M * N; i++) {
		state = state * 1664525u + 1013904223u;
		x[i] = (float)(int32_t)state * 0x1p-31f;
	}
	for (int form = 0; form < 4 && same; form++) {
		int ta = form & 1, tb = form >> 1;

		memcpy(want, got, M * N * sizeof *got);
		nn_bf16_gemm(s, ta, tb, M, N, K, x, ta ? M : K, y, tb ? K : N, 1, got, N);
		nn_bf16_gemm(nn_bf16_plain(s->order), ta, tb, M, N, K, x, ta ? M : K, y, tb ? K : N,
			     1, want, N);
		same = memcmp(got, want, M * N * sizeof *got) == 0;
	}
	free(x);
	return same;
}

const struct nn_bf16 *nn_bf16_unit(void)
{
	const struct nn_bf16 *sets[2];

	for (size_t n = nn_bf16_units(sets, 2); n > 0; n--)
		if (nn_bf16_proves(sets[n - 1]))
			return sets[n - 1];
	return NULL;
}

/* --- products --- */

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t whole(size_t n, size_t of)
{
	return (n + of - 1) / of * of;
}

void nn_bf16_turn(uint32_t *out, size_t ldo, const uint32_t *x, size_t ldx, size_t m, size_t n)
{
	/* Squares of 16, a cache line wide on both sides. */
	for (size_t i0 = 0; i0 < m; i0 += 16)
		for (size_t j0 = 0; j0 < n; j0 += 16)
			for (size_t j = j0; j < least(n, j0 + 16); j++)
				for (size_t i = i0; i < least(m, i0 + 16); i++)
					out[j * ldo + i] = x[i * ldx + j];
}

/* Rows i..i+n-1 of k's steps k0..k0+k-1, where x has a row for each: out [n][ldo], zeros behind k. */
static void pack_along(const struct nn_bf16 *s, uint32_t *out, size_t ldo, const float *x,
		       size_t ldx, size_t i, size_t n, size_t k0, size_t k)
{
	size_t pairs = (k + 1) / 2;

	for (size_t r = 0; r < n; r++, out += ldo) {
		s->along(out, x + (i + r) * ldx + k0, k);
		memset(out + pairs, 0, (ldo - pairs) * sizeof *out);
	}
}

/* The same where x has a row for each step: out [(k + 1) / 2][ldo]. */
static void pack_across(const struct nn_bf16 *s, uint32_t *out, size_t ldo, const float *x,
			size_t ldx, size_t i, size_t n, size_t k0, size_t k)
{
	x += k0 * ldx + i;
	for (size_t p = 0; p < (k + 1) / 2; p++, out += ldo, x += 2 * ldx)
		s->across(out, x, 2 * p + 1 < k ? x + ldx : NULL, n);
}

struct packed {
	uint32_t *a;	 /* [ROWS][pairs] */
	uint32_t *b;	 /* [WIDE / PANEL][pairs][PANEL] */
	uint32_t *other; /* either of them before it is turned */
};

static void pack_a(const struct nn_bf16 *s, struct packed *to, int ta, const float *a, size_t lda,
		   size_t i, size_t m, size_t k0, size_t k)
{
	size_t pairs = whole((k + 1) / 2, NN_BF16_DEEP);

	if (!ta) {
		pack_along(s, to->a, pairs, a, lda, i, m, k0, k);
	} else {
		pack_across(s, to->other, m, a, lda, i, m, k0, k);
		memset(to->other + (k + 1) / 2 * m, 0,
		       (pairs - (k + 1) / 2) * m * sizeof *to->other);
		nn_bf16_turn(to->a, pairs, to->other, m, pairs, m);
	}
	memset(to->a + m * pairs, 0, (whole(m, NN_BF16_HIGH) - m) * pairs * sizeof *to->a);
}

/* n <= WIDE columns, as panels. */
static void pack_b(const struct nn_bf16 *s, struct packed *to, int tb, const float *b, size_t ldb,
		   size_t j, size_t n, size_t k0, size_t k)
{
	size_t there = (k + 1) / 2, pairs = whole(there, NN_BF16_DEEP), panel = pairs * PANEL;

	if (n % PANEL)
		memset(to->b + n / PANEL * panel, 0, panel * sizeof *to->b);
	for (size_t c = 0; tb && c < n; c += PANEL) {
		size_t columns = least(n - c, PANEL);

		pack_along(s, to->other, pairs, b, ldb, j + c, columns, k0, k);
		nn_bf16_turn(to->b + c / PANEL * panel, PANEL, to->other, pairs, columns, pairs);
	}
	for (size_t p = 0; !tb && p < there; p++) {
		const float *even = b + (k0 + 2 * p) * ldb + j;

		for (size_t c = 0; c < n; c += PANEL)
			s->across(to->b + c / PANEL * panel + p * PANEL, even + c,
				  2 * p + 1 < k ? even + ldb + c : NULL, least(n - c, PANEL));
	}
	for (size_t c = 0; !tb && c < n; c += PANEL)
		memset(to->b + c / PANEL * panel + there * PANEL, 0,
		       (pairs - there) * PANEL * sizeof *to->b);
}

/* As the instructions have it: no number below 2^-126. */
uint64_t nn_bf16_begin(void)
{
#if defined(__x86_64__)
	enum { FLUSH_RESULTS = 1 << 15, FLUSH_OPERANDS = 1 << 6 };
	unsigned before = _mm_getcsr();

	_mm_setcsr(before | FLUSH_RESULTS | FLUSH_OPERANDS);
	return before;
#elif defined(__aarch64__)
	const uint64_t flush_both = 1 << 24;
	uint64_t before;

	__asm__ volatile("mrs %0, fpcr" : "=r"(before));
	__asm__ volatile("msr fpcr, %0" : : "r"(before | flush_both) : "memory");
	return before;
#else
	return 0;
#endif
}

void nn_bf16_end(uint64_t before)
{
#if defined(__x86_64__)
	_mm_setcsr((unsigned)before);
#elif defined(__aarch64__)
	__asm__ volatile("msr fpcr, %0" : : "r"(before) : "memory");
#else
	(void)before;
#endif
}

void nn_bf16_gemm(const struct nn_bf16 *s, int ta, int tb, size_t m, size_t n, size_t k,
		  const float *a, size_t lda, const float *b, size_t ldb, int add, float *c,
		  size_t ldc)
{
	size_t deep = least(PAIRS, whole((k + 1) / 2, NN_BF16_DEEP)),
	       high = least(ROWS, whole(m, NN_BF16_HIGH)), wide = least(WIDE, whole(n, PANEL)),
	       others = (ta ? high : 0) > (tb ? PANEL : 0) ? high : PANEL;
	struct packed to;
	uint64_t before;

	for (size_t i = 0; k == 0 && !add && i < m; i++)
		memset(c + i * ldc, 0, n * sizeof *c);
	if (m == 0 || n == 0 || k == 0)
		return;
	to.a = mem_aligned((high + wide + others) * deep, sizeof *to.a);
	to.b = to.a + high * deep;
	to.other = to.b + wide * deep;
	before = nn_bf16_begin();
	for (size_t i = 0; i < m; i += ROWS)
		for (size_t k0 = 0; k0 < k; k0 += 2 * PAIRS) {
			size_t rows = least(m - i, ROWS), steps = least(k - k0, 2 * PAIRS),
			       pairs = whole((steps + 1) / 2, NN_BF16_DEEP);

			pack_a(s, &to, ta, a, lda, i, rows, k0, steps);
			for (size_t j = 0; j < n; j += WIDE) {
				size_t columns = least(n - j, WIDE);

				pack_b(s, &to, tb, b, ldb, j, columns, k0, steps);
				for (size_t in = 0; in < columns; in += PANEL)
					s->mul(c + i * ldc + j + in, ldc, to.a, pairs, rows,
					       to.b + in * pairs, least(columns - in, PANEL), pairs,
					       add || k0);
			}
		}
	nn_bf16_end(before);
	free(to.a);
}

/* rates: what the machine can do in floating-point operations a second, and how near products with
 * weights come to it; what its memory gives.
 */
#ifndef FT_TEST_RATES_H
#define FT_TEST_RATES_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif
#include "../../lib/base/large.h"
#include "../../lib/base/mem.h"
#include "../../lib/base/pool.h"
#include "../../lib/base/progress.h"
#include "../../lib/base/rng.h"
#include "../../lib/json/jw.h"
#include "../../lib/nn/bf16.h"
#include "../../lib/nn/kern.h"
#include "../../lib/nn/mat.h"

static double cpu_seconds(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

struct gemm {
	float *a, *b, *c;
	size_t n;
};

static void gemm_piece(void *arg, size_t i)
{
	struct gemm *g = arg;
	size_t n = g->n;

	nn_gemm(0, 1, n, n, n, 1, g->a, n, g->b, n, 0, g->c + i * n * n, n);
}

struct speed {
	double wall, cpu; /* a second, and a second of one processor */
};

/* The machine's own sgemm in floating-point operations, all threads together: large squares on
 * every thread, as long as `seconds`. */
static struct speed sgemm_rate(struct pool *pool, double seconds)
{
	size_t n = 1024, pieces = (size_t)pool_threads(pool), done = 0;
	struct gemm g = {mem_aligned(n * n, 4), mem_aligned(n * n, 4),
			 mem_aligned(n * n * pieces, 4), n};
	double t, cpu, flops = 2 * (double)(n * n * n * pieces);
	struct speed rate;

	for (size_t i = 0; i < n * n; i++)
		g.a[i] = g.b[i] = (float)(i % 7) - 3;
	pool_run(pool, pieces, gemm_piece, &g); /* touches c */
	for (t = progress_clock(), cpu = cpu_seconds(); progress_clock() - t < seconds; done++)
		pool_run(pool, pieces, gemm_piece, &g);
	rate = (struct speed){flops * (double)done / (progress_clock() - t),
			      flops * (double)done / (cpu_seconds() - cpu)};
	free(g.a);
	free(g.b);
	free(g.c);
	return rate;
}

/* --- on one thread --- */

#define STEPS ((size_t)1 << 20)

#if defined(__x86_64__)
/* Twelve sums that do not wait for each other. */
#define PEAK(name, sets, vector, all, fma, add) \
	__attribute__((target(sets))) static void name(float *out) \
	{ \
		vector sum[12], x = all(0.999f), y = all(1e-3f); \
		for (int i = 0; i < 12; i++) \
			sum[i] = all((float)i); \
		for (size_t n = 0; n < STEPS; n++) \
			_Pragma("GCC unroll 12") for (int i = 0; i < 12; i++) sum[i] = \
				fma(sum[i], x, y); \
		for (int i = 1; i < 12; i++) \
			sum[0] = add(sum[0], sum[i]); \
		memcpy(out, &sum[0], sizeof *out); \
	}
PEAK(peak_avx2, "avx2,fma", __m256, _mm256_set1_ps, _mm256_fmadd_ps, _mm256_add_ps)
PEAK(peak_avx512, "avx512f", __m512, _mm512_set1_ps, _mm512_fmadd_ps, _mm512_add_ps)
#define PAIRS(sum, x, y) _mm512_dpbf16_ps(sum, (__m512bh)(x), (__m512bh)(y))
PEAK(peak_bf16, "avx512f,avx512bf16", __m512, _mm512_set1_ps, PAIRS, _mm512_add_ps)
#endif

#if defined(__x86_64__)
/* Floating-point operations a second of one that does `each` a step, the best of a few. */
static double peak_rate(void (*peak)(float *), double each)
{
	double best = 0;
	volatile float kept;

	for (int i = 0; i < 8; i++) {
		double t = progress_clock(), rate;
		float sum;

		peak(&sum);
		kept = sum;
		rate = 12 * each * STEPS / (progress_clock() - t);
		best = rate > best ? rate : best;
	}
	(void)kept;
	return best;
}
#endif

/* Of nothing but fused multiply-adds in registers; NAN where it is not known how they are written. */
static double fma_rate(void)
{
#if defined(__x86_64__)
	if (strcmp(nn_kern()->name, "avx512") == 0)
		return peak_rate(peak_avx512, 2 * 16);
	if (strcmp(nn_kern()->name, "avx2") == 0)
		return peak_rate(peak_avx2, 2 * 8);
#endif
	return NAN;
}

/* Of nothing but the unit's instruction; NAN where that is not known to be written here. */
static double unit_rate(const struct nn_bf16 *unit)
{
#if defined(__x86_64__)
	if (unit && strcmp(unit->name, "avx512-bf16") == 0)
		return peak_rate(peak_bf16, 4 * 16);
#endif
	(void)unit;
	return NAN;
}

/* Of x W^T and dy W together, the best of a few. */
static double product_rate(enum nn_type type, const struct nn_bf16 *half, size_t n, size_t rows,
			   size_t cols)
{
	size_t most = rows > cols ? rows : cols;
	float *w = mem_alloc(rows * cols, sizeof *w), *x = mem_alloc(n * most, sizeof *x),
	      *y = mem_alloc(n * most, sizeof *y), *scratch;
	char *data = mem_alloc(rows, nn_row_bytes(type, cols));
	struct nn_mat m = {.type = type, .rows = rows, .cols = cols, .data = data};
	double best = 0;
	struct rng r;

	rng_seed(&r, 1, 0);
	for (size_t i = 0; i < rows * cols; i++)
		w[i] = (float)(rng_uniform(&r) - 0.5);
	for (size_t i = 0; i < n * most; i++)
		x[i] = (float)(rng_uniform(&r) - 0.5);
	nn_encode(type, data, w, rows * cols);
	scratch = mem_aligned(nn_mat_scratch(&m) + 1, sizeof *scratch);
	for (int i = 0; i < 4; i++) {
		double t = progress_clock(), rate;

		nn_mat_mul(y, rows, x, cols, n, &m, 0, half, scratch);
		nn_mat_mul_back(y, cols, x, rows, n, &m, 0, half, scratch);
		rate = 4. * (double)(n * rows * cols) / (progress_clock() - t);
		best = rate > best ? rate : best;
	}
	free(w), free(x), free(y), free(data), free(scratch);
	return best;
}

static void print_rates(size_t n, size_t rows, size_t cols)
{
	static const enum nn_type types[] = {NN_F32, NN_BF16, NN_Q8_0, NN_Q4_0};
	const struct nn_bf16 *unit = nn_bf16_unit();
	struct pool *one = pool_new(1);
	struct buf b = BUF_INIT;
	struct jw w;

	nn_init(NULL);
	jw_init(&w, &b);
	jw_object(&w);
	jw_put_num(&w, "fma", round(fma_rate() / 1e8) / 10);
	jw_put_num(&w, "sgemm", round(sgemm_rate(one, 0.5).wall / 1e8) / 10);
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		jw_put_num(&w, nn_type_name(types[i]),
			   round(product_rate(types[i], NULL, n, rows, cols) / 1e8) / 10);
	jw_put_num(&w, "bf16_emulated",
		   round(product_rate(NN_F32, nn_bf16_emulated(), n, rows, cols) / 1e8) / 10);
	jw_put_str(&w, "unit", unit ? unit->name : "none");
	jw_put_num(&w, "unit_peak", round(unit_rate(unit) / 1e8) / 10);
	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		char key[32];

		snprintf(key, sizeof key, "unit_%s", nn_type_name(types[i]));
		jw_put_num(&w, key,
			   unit ? round(product_rate(types[i], unit, n, rows, cols) / 1e8) / 10
				: NAN);
	}
	jw_end(&w);
	puts(b.data);
	buf_release(&b);
	pool_free(one);
}

/* --- memory --- */

#define STREAM ((size_t)1 << 26) /* floats: well beyond any cache */

struct stream {
	float *x;
	size_t each;
	float sums[64];
};

static void read_piece(void *arg, size_t i)
{
	struct stream *s = arg;
	const float *x = s->x + i * s->each;

	s->sums[i] = nn_kern()->dot(x, x + s->each / 2, s->each / 2);
}

static void copy_piece(void *arg, size_t i)
{
	struct stream *s = arg;
	float *x = s->x + i * s->each;

	memcpy(x, x + s->each / 2, s->each / 2 * sizeof *x);
}

/* Bytes a second by all threads together, the best of a few; a byte that is copied counts twice. */
static double stream_rate(struct pool *pool, struct stream *s, void (*piece)(void *, size_t))
{
	size_t pieces = (size_t)pool_threads(pool);
	double best = 0;

	pieces = pieces < 64 ? pieces : 64;
	s->each = STREAM / pieces / 32 * 32;
	for (int i = 0; i < 8; i++) {
		double t = progress_clock(), rate;

		pool_run(pool, pieces, piece, s);
		rate = (double)(pieces * s->each * sizeof *s->x) / (progress_clock() - t);
		best = rate > best ? rate : best;
	}
	return best;
}

static void print_memory(void)
{
	struct large memory = {0}; /* as a decoder holds weights */
	struct stream s = {.x = large_get(&memory, STREAM * sizeof *s.x)};
	struct pool *pool = pool_new(0);

	for (size_t i = 0; i < STREAM; i++)
		s.x[i] = 1;
	printf("{\"threads\": %d, \"read\": %.1f, \"copy\": %.1f}\n", pool_threads(pool),
	       stream_rate(pool, &s, read_piece) / 1e9, stream_rate(pool, &s, copy_piece) / 1e9);
	pool_free(pool);
	large_release(&memory);
}

#endif

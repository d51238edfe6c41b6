/* Weight matrices of every type: coding, panels as f32, products by way of OpenBLAS. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "blas.h"
#include "mat.h"
#include "kern.h"

/* of f32: a panel stays in the caches beside what sgemm packs */
#define PANEL_BYTES ((size_t)1 << 20)
/* at least: sgemm packs all of x, or goes through all of dx, once for every panel */
#define PANEL_ROWS ((size_t)192)

static const char *const type_names[] = {"f32", "f16", "bf16", "q8_0", "q4_0", "mxfp4"};

int nn_init(struct err *e)
{
	return blas_load(e) ? 0 : -1;
}

int nn_reserve(int threads, struct err *e)
{
	enum { WORK_BYTES = 128 << 20, MOST = 64 };
	size_t n = threads < MOST ? (size_t)threads : MOST;
	void *all, *work[MOST];
	const struct blas *blas = blas_load(e);

	if (!blas)
		return -1;
	all = mmap(NULL, n * WORK_BYTES, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (all == MAP_FAILED)
		return err_set(e,
			       "%zu MB of address space for %zu threads cannot be had: give fewer --threads, or raise the limit (ulimit -v)",
			       n * (WORK_BYTES >> 20), n);
	munmap(all, n * WORK_BYTES);
	for (size_t i = 0; i < n; i++)
		work[i] = blas->work(0);
	for (size_t i = 0; i < n; i++)
		blas->work_free(work[i]);
	return 0;
}

const char *nn_type_name(enum nn_type t)
{
	return type_names[t];
}

int nn_type_parse(const char *s, enum nn_type *t)
{
	for (int i = 0; i < NN_MXFP4; i++)
		if (strcmp(s, type_names[i]) == 0) {
			*t = (enum nn_type)i;
			return 0;
		}
	return -1;
}

size_t nn_row_bytes(enum nn_type t, size_t cols)
{
	switch (t) {
	case NN_F32:
		return cols * 4;
	case NN_F16:
	case NN_BF16:
		return cols * 2;
	case NN_Q8_0:
		return cols / 32 * 34;
	case NN_Q4_0:
		return cols / 32 * 18;
	case NN_MXFP4:
		return cols / 32 * 16;
	}
	return 0;
}

int nn_type_fits(enum nn_type t, size_t cols)
{
	return (t != NN_Q8_0 && t != NN_Q4_0 && t != NN_MXFP4) || cols % 32 == 0;
}

static uint16_t bf16_of(float x)
{
	uint32_t b;

	memcpy(&b, &x, sizeof b);
	if ((b & 0x7fffffffu) > 0x7f800000u)
		return (uint16_t)(b >> 16 | 0x40); /* NaN stays one */
	return (uint16_t)((b + 0x7fffu + (b >> 16 & 1)) >> 16);
}

static uint16_t f16_of(float x)
{
	uint32_t b, sign, mag;

	memcpy(&b, &x, sizeof b);
	sign = b >> 16 & 0x8000u;
	mag = b & 0x7fffffffu;
	if (mag > 0x7f800000u)
		return (uint16_t)(sign | 0x7e00u);
	if (mag >= 0x47800000u) /* 65536 and above */
		return (uint16_t)(sign | 0x7c00u);
	/* subnormal: adding 0.5 puts its last bit where f16 has it, rounded to even */
	if (mag < 0x38800000u) {
		float f;

		memcpy(&f, &mag, sizeof f);
		f += 0.5f;
		memcpy(&b, &f, sizeof b);
		return (uint16_t)(sign | (b - 0x3f000000u));
	}
	mag += 0xfffu + (mag >> 13 & 1); /* may carry into infinity, which is right */
	return (uint16_t)(sign | ((mag - 0x38000000u) >> 13));
}

static void encode_q8_0(unsigned char *out, const float *x)
{
	float most = 0, d, inverse;
	uint16_t h;

	for (int j = 0; j < 32; j++)
		most = fmaxf(most, fabsf(x[j]));
	d = most / 127;
	h = f16_of(d);
	inverse = d > 0 ? 1 / d : 0;
	memcpy(out, &h, 2);
	for (int j = 0; j < 32; j++) {
		int8_t q = (int8_t)lrintf(x[j] * inverse);

		memcpy(out + 2 + j, &q, 1);
	}
}

static void encode_q4_0(unsigned char *out, const float *x)
{
	float most = 0, inverse, d;
	uint16_t h;

	for (int j = 0; j < 32; j++)
		if (fabsf(x[j]) > fabsf(most))
			most = x[j];
	d = most / -8;
	h = f16_of(d);
	inverse = d != 0 ? 1 / d : 0;
	memcpy(out, &h, 2);
	for (int j = 0; j < 16; j++) {
		int a = (int)(x[j] * inverse + 8.5f), b = (int)(x[j + 16] * inverse + 8.5f);

		a = a < 15 ? a : 15;
		b = b < 15 ? b : 15;
		out[2 + j] = (unsigned char)(a | b << 4);
	}
}

void nn_encode(enum nn_type t, void *out, const float *x, size_t n)
{
	unsigned char *o = out;

	switch (t) {
	case NN_F32:
		memcpy(out, x, n * sizeof *x);
		break;
	case NN_F16:
	case NN_BF16:
		for (size_t i = 0; i < n; i++, o += 2) {
			uint16_t h = t == NN_F16 ? f16_of(x[i]) : bf16_of(x[i]);

			memcpy(o, &h, 2);
		}
		break;
	case NN_Q8_0:
		for (size_t i = 0; i < n; i += 32, o += 34)
			encode_q8_0(o, x + i);
		break;
	case NN_Q4_0:
		for (size_t i = 0; i < n; i += 32, o += 18)
			encode_q4_0(o, x + i);
		break;
	case NN_MXFP4:
		break;
	}
}

void nn_decode(float *out, enum nn_type t, const void *x, size_t n)
{
	const struct nn_kern *k = nn_kern();

	switch (t) {
	case NN_F32:
		memcpy(out, x, n * sizeof *out);
		break;
	case NN_F16:
		k->from->f16(out, x, n);
		break;
	case NN_BF16:
		k->from->bf16(out, x, n);
		break;
	case NN_Q8_0:
		k->from->q8_0(out, x, n);
		break;
	case NN_Q4_0:
		k->from->q4_0(out, x, n);
		break;
	case NN_MXFP4:
		break;
	}
}

static size_t step_of(const struct nn_mat *w)
{
	return w->step ? w->step : 1;
}

/* Rows of memory that follow each other. */
static void rows_at(float *out, const struct nn_mat *w, size_t at, size_t n)
{
	const char *x = (const char *)w->data + at * nn_row_bytes(w->type, w->cols);

	if (w->type == NN_MXFP4)
		nn_kern()->from->mxfp4(out, (const unsigned char *)x,
				       w->scales + at * (w->cols / 32), n * w->cols);
	else
		nn_decode(out, w->type, x, n * w->cols);
}

void nn_mat_rows(float *out, const struct nn_mat *w, size_t row, size_t n)
{
	if (step_of(w) == 1) {
		rows_at(out, w, row, n);
		return;
	}
	for (size_t i = 0; i < n; i++)
		rows_at(out + i * w->cols, w, (row + i) * w->step, 1);
}

static size_t panel_rows(const struct nn_mat *w)
{
	size_t n = PANEL_BYTES / 4 / (w->cols ? w->cols : 1);

	n = n < PANEL_ROWS ? PANEL_ROWS : n - n % 64;
	return n < w->rows ? n : w->rows;
}

size_t nn_mat_scratch(const struct nn_mat *w)
{
	return w->type == NN_F32 ? 0 : panel_rows(w) * w->cols;
}

void nn_gemm(int ta, int tb, size_t m, size_t n, size_t k, float alpha, const float *a, size_t lda,
	     const float *b, size_t ldb, float beta, float *c, size_t ldc)
{
	const struct blas *blas = blas_load(NULL);

	if (!blas)
		abort(); /* its caller has not called nn_init */
	if (m == 0 || n == 0)
		return;
	blas->sgemm(CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans,
		    (int)m, (int)n, (int)k, alpha, a, (int)lda, b, (int)ldb, beta, c, (int)ldc);
}

/* c[m, n] = a b, or += where add. */
static void product(const struct nn_bf16 *half, int ta, int tb, size_t m, size_t n, size_t k,
		    const float *a, size_t lda, const float *b, size_t ldb, int add, float *c,
		    size_t ldc)
{
	if (half)
		nn_bf16_gemm(half, ta, tb, m, n, k, a, lda, b, ldb, add, c, ldc);
	else
		nn_gemm(ta, tb, m, n, k, 1, a, lda, b, ldb, add ? 1 : 0, c, ldc);
}

void nn_mat_mul(float *y, size_t ldy, const float *x, size_t ldx, size_t n, const struct nn_mat *w,
		int add, const struct nn_bf16 *half, float *scratch)
{
	/* y [n, rows] = x [n, cols] W^T, W [rows, cols] */
	if (w->type == NN_F32) {
		product(half, 0, 1, n, w->rows, w->cols, x, ldx, w->data, w->cols * step_of(w), add,
			y, ldy);
		return;
	}
	for (size_t r = 0, step = panel_rows(w); r < w->rows; r += step) {
		size_t m = w->rows - r < step ? w->rows - r : step;

		nn_mat_rows(scratch, w, r, m);
		product(half, 0, 1, n, m, w->cols, x, ldx, scratch, w->cols, add, y + r, ldy);
	}
}

void nn_mat_mul_back(float *dx, size_t lddx, const float *dy, size_t lddy, size_t n,
		     const struct nn_mat *w, int add, const struct nn_bf16 *half, float *scratch)
{
	/* dx [n, cols] = dy [n, rows] W */
	if (w->type == NN_F32) {
		product(half, 0, 0, n, w->cols, w->rows, dy, lddy, w->data, w->cols * step_of(w),
			add, dx, lddx);
		return;
	}
	for (size_t r = 0, step = panel_rows(w); r < w->rows; r += step) {
		size_t m = w->rows - r < step ? w->rows - r : step;

		nn_mat_rows(scratch, w, r, m);
		product(half, 0, 0, n, w->cols, m, dy + r, lddy, scratch, w->cols, add || r, dx,
			lddx);
	}
}

void nn_mat_grad(float *dw, size_t lddw, const float *dy, size_t lddy, const float *x, size_t ldx,
		 size_t n, size_t rows, size_t cols, const struct nn_bf16 *half)
{
	/* dw [rows, cols] += dy [n, rows]^T x [n, cols] */
	product(half, 1, 0, rows, cols, n, dy, lddy, x, ldx, 1, dw, lddw);
}

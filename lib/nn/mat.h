/* mat: weight matrices as they are held in memory, and products with them.
 *
 * All matrices are row-major. A weight W is [rows, cols] = [out, in], so that y = x W^T. Types
 * other than f32 are turned into f32 a panel of rows at a time and then multiplied with sgemm, or
 * in bf16.
 */
#ifndef FT_NN_MAT_H
#define FT_NN_MAT_H

#include <stddef.h>
#include <stdint.h>
#include "../base/err.h"
#include "bf16.h"

/* MXFP4 (OCP Microscaling Formats 1.0) as gpt-oss is published: blocks of 32 along a row, 16 bytes of
 * FP4 E2M1 each, and in a place of their own a byte for each block that is a power of two, biased by
 * 127. Q8_0: blocks of 32 along a row, f16 scale and 32 int8 (34 bytes). Q4_0: blocks of 32, f16 scale
 * and 16 bytes of 4-bit values with offset 8, the low halves first (18 bytes). Both laid out as in
 * GGUF; cols must be a multiple of 32. */
enum nn_type { NN_F32, NN_F16, NN_BF16, NN_Q8_0, NN_Q4_0, NN_MXFP4 };

struct nn_mat {
	enum nn_type type;
	size_t rows, cols;
	const void *data;	     /* borrowed; rows one after another, nn_row_bytes each */
	const unsigned char *scales; /* of MXFP4, cols / 32 a row; borrowed too */
	size_t step; /* rows of memory from one row to the next, 0 as 1: gates and ups by turns */
};

/* Before the first product: loads OpenBLAS, single-threaded. -1 with the reason where there is none. */
int nn_init(struct err *e);
/* The same, and takes the work space that OpenBLAS maps for each thread that computes: later it
 * would wait without end for memory that it cannot get. -1 with the reason, in which there is what
 * to do. */
int nn_reserve(int threads, struct err *e);

const char *nn_type_name(enum nn_type t); /* "f32", "f16", "bf16", "q8_0", "q4_0" */
/* -1 where s is none of them; "mxfp4" is none, nothing is turned into it */
int nn_type_parse(const char *s, enum nn_type *t);
size_t nn_row_bytes(enum nn_type t, size_t cols);
int nn_type_fits(enum nn_type t, size_t cols); /* whether cols is a whole number of blocks */

/* n values (whole blocks) to and from f32; not MXFP4, for which there is nn_mat_rows. Rounding to f16, bf16: to nearest, ties to even. Q8_0:
 * scale max|x|/127; Q4_0: the value of greatest magnitude maps to -8, as GGUF files are made. */
void nn_encode(enum nn_type t, void *out, const float *x, size_t n);
void nn_decode(float *out, enum nn_type t, const void *x, size_t n);

/* Rows row..row+n-1 of w as f32: out [n, cols]. */
void nn_mat_rows(float *out, const struct nn_mat *w, size_t row, size_t n);

/* Floats of scratch that the products below need (0 for f32). One scratch serves one call at a
 * time. */
size_t nn_mat_scratch(const struct nn_mat *w);

/* y[n, rows] = x[n, cols] W^T, or += where add. ldy, ldx: floats from one row to the next. half: the
 * set that computes with bf16 operands (bf16.h); NULL: they stay f32. */
void nn_mat_mul(float *y, size_t ldy, const float *x, size_t ldx, size_t n, const struct nn_mat *w,
		int add, const struct nn_bf16 *half, float *scratch);

/* dx[n, cols] = dy[n, rows] W, or += where add: the gradient through nn_mat_mul. */
void nn_mat_mul_back(float *dx, size_t lddx, const float *dy, size_t lddy, size_t n,
		     const struct nn_mat *w, int add, const struct nn_bf16 *half, float *scratch);

/* dw[rows, cols] += dy^T x, over n rows: the gradient by the weights. */
void nn_mat_grad(float *dw, size_t lddw, const float *dy, size_t lddy, const float *x, size_t ldx,
		 size_t n, size_t rows, size_t cols, const struct nn_bf16 *half);

/* General f32 product by leading dimensions: c[m, n] = alpha a b + beta c, where ta (tb) says that
 * a is stored [k, m] (b stored [n, k]). */
void nn_gemm(int ta, int tb, size_t m, size_t n, size_t k, float alpha, const float *a, size_t lda,
	     const float *b, size_t ldb, float beta, float *c, size_t ldc);

#endif

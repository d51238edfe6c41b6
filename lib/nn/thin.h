/* thin: products with a short side, computed from where their operands stand.
 *
 * sgemm copies both operands into its own layout first. That is soon repaid where all three sides
 * are long; where one is a few tens (a head of attention, the rank of an adapter) the copies take
 * longer than the product. The kernels here hold a tile of the result in registers and copy nothing
 * but the last columns where those do not fill a vector.
 *
 * Every value is one sum in the order of k, whatever tile it falls into.
 */
#ifndef FT_NN_THIN_H
#define FT_NN_THIN_H

#include <stddef.h>

struct nn_thin {
	/* c[m][n] = a[m][k] b[k][n], or += where add; ld* are floats from row to row. */
	void (*nn)(float *c, size_t ldc, const float *a, size_t lda, const float *b, size_t ldb,
		   size_t m, size_t n, size_t k, int add);
	/* c[m][n] = a[k][m]^T b[k][n], or += where add. */
	void (*tn)(float *c, size_t ldc, const float *a, size_t lda, const float *b, size_t ldb,
		   size_t m, size_t n, size_t k, int add);
};

/* The best for this processor, with nn_kern's FT_ISA. Look it up once, not for every product. */
const struct nn_thin *nn_thin(void);

/* out[n][ldo >= m], by times the transpose of x [m][n] with ldx floats from row to row. */
void nn_transpose(float *out, size_t ldo, const float *x, size_t ldx, size_t m, size_t n, float by);

/* The pair of an adapter (Hu et al. 2021), a [r, in] and b [out, r]: u = x a^T, y = by u b^T, and
 * their gradients, over n rows that follow each other without gaps. Sets, or += where add; da and
 * db are added to. scratch: nn_lora_scratch floats. */
size_t nn_lora_scratch(size_t rank, size_t in, size_t out);
void nn_lora_down(float *u, const float *x, const float *a, size_t n, size_t in, size_t r,
		  float *scratch);
void nn_lora_up(float *y, const float *u, const float *b, float by, int add, size_t n, size_t out,
		size_t r, float *scratch);
void nn_lora_up_back(float *du, const float *dy, const float *b, float by, size_t n, size_t out,
		     size_t r, float *scratch);
void nn_lora_down_back(float *dx, const float *du, const float *a, int add, size_t n, size_t in,
		       size_t r);
void nn_lora_a_back(float *da, const float *du, const float *x, size_t n, size_t in, size_t r);
void nn_lora_b_back(float *db, const float *dy, const float *u, float by, size_t n, size_t out,
		    size_t r, float *scratch);

#endif

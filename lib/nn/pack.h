/* pack: weight matrices laid out for answering, where a few rows meet every weight again and again.
 *
 * A matrix [rows, cols] is cut into panels of NN_PANEL rows (outputs), each stored so that its 32
 * values of one column stand side by side; a product then streams through a panel once for a tile
 * of rows of x held in registers. Nothing is repacked from call to call, which is what sgemm spends
 * its time on when x has few rows.
 *
 * Every output is one sum over the columns in order, whatever the tile it was computed in. So a
 * row's result does not depend on the rows that are computed beside it: a sequence gets the same
 * answer alone or among sixty-four, with its prefix cold or warm.
 *
 * Layouts of a panel:
 *	f32, bf16	[cols][32]
 *	q8_0		for each block of 32 columns: 32 scales (f16), then [8][32][4] bytes of
 *			value + 128
 *	q4_0		for each block: 32 scales (f16), then [4][32][4] bytes: low halves are
 *			columns 0..15, high ones 16..31
 * Quantised values are those of nn_encode, so of the GGUF file. Their x is quantised too, per block
 * of 32 columns to int8 with scale max|x|/127 (as llama.cpp does), and the products are exact
 * integers within a block.
 */
#ifndef FT_NN_PACK_H
#define FT_NN_PACK_H

#include <stddef.h>
#include <stdint.h>
#include "../base/large.h"
#include "mat.h"

#define NN_PANEL 32

struct nn_pack_kern; /* the products as compiled for one instruction set */

struct nn_pack {
	const struct nn_pack_kern *kern;
	enum nn_type type; /* f32, bf16, q8_0 or q4_0 */
	size_t rows, cols;
	size_t panel_bytes;
	unsigned char *data; /* of the memory that it was made in */
};

/* Rows of x in the form a product wants them: floats always, q, d, sum (by nn_rows_quantise) where
 * any weight is quantised. */
struct nn_rows {
	float *x; /* [n][ld] */
	size_t ld;
	int8_t *q;    /* [n][ldq], ldq a multiple of 32 */
	float *d;     /* [n][ldq / 32] scale of each block */
	int32_t *sum; /* [n][ldq / 32] sum of each block's q */
	size_t ldq;
};

/* The best for this processor, with nn_kern's FT_ISA. Look it up once, not for every product. */
const struct nn_pack_kern *nn_pack_kern(void);

/* Room for a matrix in `memory`, with which it ends; values are not set. The type is one of those
 * above; for quantised ones cols is whole blocks. -1: it is not, or the size overflows. */
int nn_pack_init(struct nn_pack *p, enum nn_type type, size_t rows, size_t cols,
		 struct large *memory);
size_t nn_pack_panels(const struct nn_pack *p);

/* Sets one row from w [cols]. Different panels may be set by different threads. scratch:
 * nn_row_bytes of the type. */
void nn_pack_row(struct nn_pack *p, size_t row, const float *w, void *scratch);

/* Quantises row i of r (cols values). */
void nn_rows_quantise(const struct nn_pack_kern *kern, struct nn_rows *r, size_t i, size_t cols);

/* y[n][32] (ldy) = rows row..row+n-1 of x times panel number `panel`; += where add. The last panel
 * sets only the columns that exist. y points at the first row's first output of this panel. */
void nn_pack_mul(float *y, size_t ldy, const struct nn_rows *x, size_t row, size_t n,
		 const struct nn_pack *w, size_t panel, int add);

/* c[m][n] (ldc) = a[m][k] b[k][n], or += where add, with the same promise on the order of sums. For
 * attention's small products: b has columns up to the next multiple of 16 (32 beyond 16), which may
 * be read. */
void nn_small_mul(const struct nn_pack_kern *kern, float *c, size_t ldc, const float *a, size_t lda,
		  const float *b, size_t ldb, size_t m, size_t n, size_t k, int add);

#endif

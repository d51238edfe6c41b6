/* The products of thin.h, written once over vectors of the instruction set's width and compiled
 * once for each set.
 *
 * A tile of the result, up to three vectors wide and as high as the registers allow, takes one row
 * of b and one value of each row of a at a time. k goes in blocks, so that the part of b in use
 * stays in the first-level cache.
 */
#include <string.h>
#include "../base/isa.h"
#include "thin_impl.h"

#define W LANES
#if defined(ISA_avx512) || defined(ISA_neon)
#define HIGH3 8
#define HIGH2 12
#define HIGH1 24
#elif defined(ISA_avx2)
#define HIGH3 4
#define HIGH2 6
#define HIGH1 12
#else
#define HIGH3 4
#define HIGH2 6
#define HIGH1 9
#endif

/* HIGHn: rows of a tile that is n vectors wide. */
#define WIDE 3		    /* vectors of a tile, at most */
#define STRIP ((size_t)48)  /* rows that meet the same columns of b one tile after another */
#define BLOCK ((size_t)256) /* of k */

typedef float vf __attribute__((vector_size(4 * W)));
typedef float vfu __attribute__((vector_size(4 * W), aligned(4), may_alias));

#define FORCE static inline __attribute__((always_inline))

FORCE vf load(const float *p)
{
	return *(const vfu *)p;
}

FORCE void store(float *p, vf x)
{
	*(vfu *)p = x;
}

/* The first n values of a row of sums. */
static void put_part(float *c, const vf *sum, int vectors, size_t n, int add)
{
	float t[WIDE * W] = {0};

	for (int v = 0; v < vectors; v++)
		store(t + v * W, sum[v]);
	for (size_t j = 0; j < n; j++)
		c[j] = add ? c[j] + t[j] : t[j];
}

/* c [rows][n], n in (vectors - 1) W + 1 .. vectors W, = or += the sum over k of a's values and b's
 * rows. a's value for row r and step i stands at r row + i step. vectors and rows are constants
 * where this is inlined, so that the sums live in registers. */
FORCE void tile(int vectors, int rows, float *c, size_t ldc, size_t n, const float *a, size_t row,
		size_t step, const float *b, size_t ldb, size_t k, int add)
{
	vf sum[24][WIDE];

	for (int r = 0; r < rows; r++)
		for (int v = 0; v < vectors; v++)
			sum[r][v] = (vf){0};
	for (size_t i = 0; i < k; i++, b += ldb, a += step) {
		vf w[WIDE];

		for (int v = 0; v < vectors; v++)
			w[v] = load(b + v * W);
		for (int r = 0; r < rows; r++) {
			float x = a[(size_t)r * row];

			for (int v = 0; v < vectors; v++)
				sum[r][v] += x * w[v];
		}
	}
	if (n == (size_t)vectors * W && add) {
		for (int r = 0; r < rows; r++)
			for (int v = 0; v < vectors; v++)
				store(c + (size_t)r * ldc + v * W,
				      load(c + (size_t)r * ldc + v * W) + sum[r][v]);
	} else if (n == (size_t)vectors * W) {
		for (int r = 0; r < rows; r++)
			for (int v = 0; v < vectors; v++)
				store(c + (size_t)r * ldc + v * W, sum[r][v]);
	} else {
		for (int r = 0; r < rows; r++)
			put_part(c + (size_t)r * ldc, sum[r], vectors, n, add);
	}
}

/* A strip of m rows, `vectors` wide, in tiles of high, low and one row. */
FORCE void strip(int vectors, int high, int low, size_t m, float *c, size_t ldc, size_t n,
		 const float *a, size_t row, size_t step, const float *b, size_t ldb, size_t k,
		 int add)
{
	size_t r = 0;

	for (; r + (size_t)high <= m; r += (size_t)high)
		tile(vectors, high, c + r * ldc, ldc, n, a + r * row, row, step, b, ldb, k, add);
	for (; r + (size_t)low <= m; r += (size_t)low)
		tile(vectors, low, c + r * ldc, ldc, n, a + r * row, row, step, b, ldb, k, add);
	for (; r < m; r++)
		tile(vectors, 1, c + r * ldc, ldc, n, a + r * row, row, step, b, ldb, k, add);
}

/* How many of the vectors that are left the next tile takes: four go as two and two. */
static size_t tile_width(size_t n)
{
	size_t left = (n + W - 1) / W;

	return left == 4 ? 2 : left < WIDE ? left : WIDE;
}

/* c = or += a b over one block of k. */
static void block(float *c, size_t ldc, const float *a, size_t row, size_t step, const float *b,
		  size_t ldb, size_t m, size_t n, size_t k, int add)
{
	float last[BLOCK * WIDE * W]; /* b's last columns, made whole vectors */
	size_t tail = 0, tail_vectors = 0;

	for (size_t j = 0; n % W && j < n; j += tail_vectors * W) {
		tail = j;
		tail_vectors = tile_width(n - j);
	}
	for (size_t i = 0; tail_vectors && i < k; i++) {
		memset(last + (i * tail_vectors + tail_vectors - 1) * W, 0, W * sizeof *last);
		memcpy(last + i * tail_vectors * W, b + i * ldb + tail, (n - tail) * sizeof *last);
	}
	for (size_t i = 0, high; i < m; i += high) {
		high = m - i < STRIP ? m - i : STRIP;
		for (size_t j = 0, vectors; j < n; j += vectors * W) {
			int whole = !tail_vectors || j < tail;
			float *to = c + i * ldc + j;
			const float *left = a + i * row, *right = whole ? b + j : last;
			size_t ld = whole ? ldb : tail_vectors * W, width;

			vectors = tile_width(n - j);
			width = n - j < vectors * W ? n - j : vectors * W;
			if (vectors == 3)
				strip(3, HIGH3, HIGH3 / 2, high, to, ldc, width, left, row, step,
				      right, ld, k, add);
			else if (vectors == 2)
				strip(2, HIGH2, HIGH2 / 3, high, to, ldc, width, left, row, step,
				      right, ld, k, add);
			else
				strip(1, HIGH1, HIGH1 / 3, high, to, ldc, width, left, row, step,
				      right, ld, k, add);
		}
	}
}

static void product(float *c, size_t ldc, const float *a, size_t row, size_t step, const float *b,
		    size_t ldb, size_t m, size_t n, size_t k, int add)
{
	for (size_t i = 0; i < k; i += BLOCK)
		block(c, ldc, a + i * step, row, step, b + i * ldb, ldb, m, n,
		      k - i < BLOCK ? k - i : BLOCK, add || i);
	for (size_t r = 0; k == 0 && !add && r < m; r++)
		memset(c + r * ldc, 0, n * sizeof *c);
}

static void nn(float *c, size_t ldc, const float *a, size_t lda, const float *b, size_t ldb,
	       size_t m, size_t n, size_t k, int add)
{
	product(c, ldc, a, lda, 1, b, ldb, m, n, k, add);
}

static void tn(float *c, size_t ldc, const float *a, size_t lda, const float *b, size_t ldb,
	       size_t m, size_t n, size_t k, int add)
{
	product(c, ldc, a, 1, lda, b, ldb, m, n, k, add);
}

const struct nn_thin NAME(nn_thin) = {nn, tn};

/* Packed matrices give the products of the values they hold, the same bits for a row alone or among
 * others. */
#include <stdlib.h>
#include "../../lib/base/mem.h"
#include "../../lib/base/rng.h"
#include "../../lib/nn/pack.h"
#include "tap.h"

static float *normals(struct rng *r, size_t n)
{
	float *x = mem_aligned(n, sizeof *x);

	for (size_t i = 0; i < n; i++)
		x[i] = (float)rng_normal(r);
	return x;
}

/* What one output of a quantised product must be: x rounded to int8 by blocks, weights as
 * decoded. */
static double product(const struct nn_pack *w, const float *weights, const struct nn_rows *x,
		      size_t row)
{
	double sum = 0;

	for (size_t k = 0; k < w->cols; k++)
		if (w->type == NN_F32 || w->type == NN_BF16)
			sum += (double)weights[k] * x->x[row * x->ld + k];
		else
			sum += (double)weights[k] * x->q[row * x->ldq + k] *
			       x->d[row * (x->ldq / 32) + k / 32];
	return sum;
}

/* Values of the one size there is, by turns of one sign a row: nothing gives larger sums. */
static void flatten(float *x, size_t n, size_t cols)
{
	for (size_t i = 0; i < n * cols; i++)
		x[i] = i / cols % 2 ? -1.f : 1.f;
}

static void one(enum nn_type type, size_t rows, size_t cols, size_t n, int flat)
{
	struct rng r;
	struct large memory = {0};
	struct nn_pack p;
	struct nn_rows x = {0}, copy;
	float *w, *y, *again, *decoded;
	void *encoded;
	double worst = 0;
	int same = 1, added = 1, quantised = type == NN_Q8_0 || type == NN_Q4_0;

	rng_seed(&r, rows * 1000 + cols, n);
	w = normals(&r, rows * cols);
	x.x = normals(&r, n * cols);
	if (flat) {
		flatten(w, rows, cols);
		flatten(x.x, n, cols);
	}
	x.ld = cols;
	x.ldq = (cols + 31) / 32 * 32;
	x.q = mem_aligned(n, x.ldq);
	x.d = mem_aligned(n * (x.ldq / 32), sizeof *x.d);
	x.sum = mem_aligned(n * (x.ldq / 32), sizeof *x.sum);
	for (size_t i = 0; i < n && quantised; i++)
		nn_rows_quantise(nn_pack_kern(), &x, i, cols);
	y = mem_alloc(n * rows, sizeof *y);
	again = mem_alloc(n * rows, sizeof *again);
	decoded = mem_alloc(rows * cols, sizeof *decoded);
	encoded = mem_alloc(cols, 8);
	ok(nn_pack_init(&p, type, rows, cols, &memory) == 0, "%s %zux%zu is packed",
	   nn_type_name(type), rows, cols);
	for (size_t i = 0; i < rows; i++) {
		nn_pack_row(&p, i, w + i * cols, encoded);
		nn_encode(type, encoded, w + i * cols, cols);
		nn_decode(decoded + i * cols, type, encoded, cols);
	}

	for (size_t b = 0; b < nn_pack_panels(&p); b++)
		nn_pack_mul(y + b * NN_PANEL, rows, &x, 0, n, &p, b, 0);
	for (size_t i = 0; i < n; i++)
		for (size_t o = 0; o < rows; o++) {
			double want = product(&p, decoded + o * cols, &x, i),
			       off = fabs(y[i * rows + o] - want);

			worst = off > worst ? off : worst;
		}
	ok(worst < 1e-5 * sqrt((double)cols) * 8,
	   "%s %zux%zu, %zu rows: products are right (off by %.2g)", nn_type_name(type), rows, cols,
	   n, worst);

	/* Each row alone, then everything added once more. */
	copy = x;
	for (size_t i = 0; i < n; i++)
		for (size_t b = 0; b < nn_pack_panels(&p); b++)
			nn_pack_mul(again + i * rows + b * NN_PANEL, rows, &copy, i, 1, &p, b, 0);
	same = memcmp(y, again, n * rows * sizeof *y) == 0;
	ok(same, "%s %zux%zu: a row alone has the same bits", nn_type_name(type), rows, cols);
	for (size_t b = 0; b < nn_pack_panels(&p); b++)
		nn_pack_mul(again + b * NN_PANEL, rows, &x, 0, n, &p, b, 1);
	for (size_t i = 0; i < n * rows; i++)
		added &= again[i] == y[i] + y[i];
	ok(added, "%s %zux%zu: products are added where asked", nn_type_name(type), rows, cols);
	large_release(&memory);
	free(w), free(x.x), free(x.q), free(x.d), free(x.sum), free(y), free(again), free(decoded),
		free(encoded);
}

static void small(size_t m, size_t n, size_t k)
{
	struct rng r;
	size_t ldb = (n + 15) / 16 * 16 + 16;
	float *a, *b, *c;
	double worst = 0;

	rng_seed(&r, m, n * k);
	a = normals(&r, m * (k + 3));
	b = normals(&r, k * ldb + 32);
	c = mem_alloc(m * (n + 1), sizeof *c);
	c[n] = 7; /* between the rows: must stay */
	nn_small_mul(nn_pack_kern(), c, n + 1, a, k + 3, b, ldb, m, n, k, 0);
	for (size_t i = 0; i < m; i++)
		for (size_t j = 0; j < n; j++) {
			double sum = 0;

			for (size_t t = 0; t < k; t++)
				sum += (double)a[i * (k + 3) + t] * b[t * ldb + j];
			worst = fmax(worst, fabs(sum - c[i * (n + 1) + j]));
		}
	ok(worst < 1e-4 && c[n] == 7,
	   "small product %zux%zux%zu is right and stays within its bounds", m, n, k);
	free(a), free(b), free(c);
}

int main(void)
{
	static const enum nn_type types[] = {NN_F32, NN_BF16, NN_Q8_0, NN_Q4_0};
	struct large memory = {0};
	struct nn_pack p;
	char set[16];

	for (size_t t = 0; t < 4; t++) {
		one(types[t], 64, 96, 13, 0);
		one(types[t], 70, 64, 25, 0);
		one(types[t], 5, 32, 1, 0);
		one(types[t], 32, 64, 4, 1);
	}
	one(NN_F32, 33, 19, 7, 0);
	small(1, 16, 32);
	small(7, 24, 32);
	small(13, 64, 5);
	ok(nn_pack_init(&p, NN_Q8_0, 8, 33, &memory) == -1,
	   "columns that are no whole blocks are refused");
	ok(nn_pack_init(&p, NN_F32, (size_t)1 << 60, 64, &memory) == -1,
	   "a size that overflows is refused");
	snprintf(set, sizeof set, "%s", getenv("FT_ISA") ? getenv("FT_ISA") : "");
	if (!set[0]) {
		/* The other instruction sets, in a run of their own each. */
		static const char *const sets[] = {"base", "avx2"};

		for (size_t i = 0; i < 2; i++) {
			setenv("FT_ISA", sets[i], 1);
			one(NN_F32, 70, 64, 25, 0);
			one(NN_BF16, 70, 64, 25, 0);
			one(NN_Q8_0, 70, 64, 25, 0);
			one(NN_Q4_0, 70, 64, 25, 0);
			one(NN_Q8_0, 32, 64, 4, 1);
			one(NN_Q4_0, 32, 64, 4, 1);
			small(7, 24, 32);
		}
	}
	return tap_done();
}

/* Products of a layer with its weights, adapters included: forward, and back in steps that the
 * layers put together; and the activations between them.
 *
 * LoRA:	y = W x + bias + scale B A dropout(x)
 * DoRA:	y = gain (W x + scale B A dropout(x)) + bias, gain = magnitude / |rows of W + scale
 * 		B A|, the lengths held constant in the gradient as the paper proposes and PEFT
 * 		computes it.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../base/rng.h"
#include "../nn/thin.h"
#include "gradient_impl.h"

size_t work_block(const struct work *w, size_t b, size_t *n)
{
	size_t from = w->n * b / w->blocks;

	*n = w->n * (b + 1) / w->blocks - from;
	return from;
}

float *work_slot_take(struct work *w, int *which)
{
	for (int i = 0;; i = (i + 1) % w->n_slots)
		if (atomic_exchange_explicit(&w->slots[i].taken, 1, memory_order_acquire) == 0) {
			*which = i;
			return w->slots[i].mem;
		}
}

void work_slot_give(struct work *w, int which)
{
	atomic_store_explicit(&w->slots[which].taken, 0, memory_order_release);
}

struct block work_block_take(struct work *w, size_t l, size_t i)
{
	struct block b = {.w = w, .l = l, .i = i, .expert = -1};

	b.row = work_block(w, i, &b.n);
	b.scratch = work_slot_take(w, &b.slot);
	return b;
}

struct block work_block_all(struct work *w, size_t l)
{
	struct block b = {.w = w, .l = l, .expert = -1, .n = w->n};

	b.scratch = work_slot_take(w, &b.slot);
	return b;
}

void work_block_give(const struct block *b)
{
	work_slot_give(b->w, b->slot);
}

float *work_grad(const struct work *w, int t)
{
	return t >= 0 && w->m->tensors[t].trained ? grads_at(w->grads, w->m, t) : NULL;
}

uint32_t work_key(const struct work *w, size_t what, size_t row)
{
	struct rng r;

	rng_seed(&r, w->noise_seed, (uint64_t)what << 40 | (uint64_t)(w->row_base + row));
	return (uint32_t)(rng_u64(&r) >> 32);
}

static const struct model_linear *linear_of(const struct block *b, int j)
{
	const struct model_layer *y = &b->w->m->layers[b->l];

	return b->expert < 0 ? &y->lin[j] : &y->experts[b->expert][j - MODEL_GATE];
}

static int adapted(const struct work *w, const struct model_linear *lin)
{
	return lin->a && !w->base_only;
}

/* y = dropout of n rows of the block from `from` on; x begins there. The same mask every time it is
 * asked for, whatever place an expert has given a row. */
static void drop(const struct block *b, const struct model_linear *lin, float *y, const float *x,
		 size_t from, size_t n, size_t d)
{
	const struct work *w = b->w;
	const int32_t *pick = w->acts[b->l].route.pick;

	for (size_t i = 0; i < n; i++) {
		size_t row = b->row + from + i;

		if (b->expert >= 0)
			row = (size_t)pick[row] / w->m->config.experts_used;
		w->kern->dropout(y + i * d, x + i * d, work_key(w, 1 + (size_t)lin->t_a, row),
				 (uint32_t)(w->dropout * 4294967296.),
				 (float)(1 / (1 - w->dropout)), d);
	}
}

static float *kept_u(const struct block *b, int j)
{
	return at(b->expert < 0 ? b->w->acts[b->l].u[j] : b->w->g.ue[j - MODEL_GATE], b->row,
		  linear_of(b, j)->rank);
}

static float *kept_du(const struct block *b, int j)
{
	return at(b->expert < 0 ? b->w->g.du[j] : b->w->g.due[j - MODEL_GATE], b->row,
		  linear_of(b, j)->rank);
}

void work_product_in(const struct block *b, int j, const float *x)
{
	const struct model_linear *lin = linear_of(b, j);
	size_t in = lin->w.cols, r = lin->rank;
	float *u = kept_u(b, j), *dropped = b->scratch + b->w->slot_floats;

	if (!adapted(b->w, lin) || b->again)
		return;
	if (b->w->dropout <= 0) {
		nn_lora_down(u, x, lin->a, b->n, in, r, b->scratch);
		return;
	}
	for (size_t i = 0; i < b->n; i += DROP_ROWS) {
		size_t n = b->n - i < DROP_ROWS ? b->n - i : DROP_ROWS;

		drop(b, lin, dropped, x + i * in, i, n, in);
		nn_lora_down(u + i * r, dropped, lin->a, n, in, r, b->scratch);
	}
}

/* z = W x + scale B u, or += where add. The adapter's part comes first: sgemm adds to what is there
 * at no cost, but clears it at some. */
static void plain(const struct block *b, int j, float *z, const float *x, int add)
{
	const struct model_linear *lin = linear_of(b, j);
	size_t in = lin->w.cols, out = lin->w.rows;

	if (adapted(b->w, lin)) {
		nn_lora_up(z, kept_u(b, j), lin->b, lin->scale, add, b->n, out, lin->rank,
			   b->scratch);
		add = 1;
	}
	nn_mat_mul(z, out, x, in, b->n, &lin->w, add, b->w->half, b->scratch);
}

static int is_dora(const struct block *b, int j)
{
	const struct model_linear *lin = linear_of(b, j);

	return lin->magnitude && adapted(b->w, lin);
}

static const struct dora *dora_of(const struct work *w, size_t l, int j)
{
	return &w->dora[l * MODEL_LINEARS + (size_t)j];
}

void work_product(const struct block *b, int j, float *y, const float *x, int add)
{
	const struct model_linear *lin = linear_of(b, j);
	size_t out = lin->w.rows;

	work_product_in(b, j, x);
	if (is_dora(b, j)) {
		const float *gain = dora_of(b->w, b->l, j)->gain;
		float *z = at(b->w->g.z, b->row, b->w->out_max);

		plain(b, j, z, x, 0);
		if (!add)
			memset(y, 0, b->n * out * sizeof *y);
		for (size_t i = 0; i < b->n; i++)
			b->w->kern->fma(y + i * out, z + i * out, gain, out);
	} else {
		plain(b, j, y, x, add);
	}
	for (size_t i = 0; i < b->n; i++)
		model_add_bias(lin, y + i * out, 0, out);
	for (size_t i = 0; lin->extra && adapted(b->w, lin) && i < b->n; i++)
		b->w->kern->axpy(y + i * out, lin->scale, lin->extra, out);
}

float *work_magnitudes(const struct work *w, size_t block, int j)
{
	return w->g.magnitudes + (block * MODEL_LINEARS + (size_t)j) * w->out_max;
}

void work_product_back(const struct block *b, int j, float *dy, const float *x)
{
	const struct model_linear *lin = linear_of(b, j);
	size_t out = lin->w.rows, r = lin->rank;

	if (!adapted(b->w, lin))
		return;
	if (is_dora(b, j)) {
		const struct dora *s = dora_of(b->w, b->l, j);
		float *z = at(b->w->g.z, b->row, b->w->out_max),
		      *dm = work_magnitudes(b->w, b->i, j);

		plain(b, j, z, x, 0);
		memset(dm, 0, out * sizeof *dm);
		for (size_t i = 0; i < b->n; i++) {
			b->w->kern->fma(dm, dy + i * out, z + i * out, out);
			b->w->kern->mul(dy + i * out, s->gain, out);
		}
		b->w->kern->mul(dm, s->inverse, out);
	}
	nn_lora_up_back(kept_du(b, j), dy, lin->b, lin->scale, b->n, out, r, b->scratch);
}

void work_product_down(const struct block *b, int j, float *dx, const float *dy, int add)
{
	const struct model_linear *lin = linear_of(b, j);
	size_t in = lin->w.cols, out = lin->w.rows, r = lin->rank;
	float *dropped = b->scratch + b->w->slot_floats;
	const float *du = kept_du(b, j);

	if (adapted(b->w, lin) && b->w->dropout <= 0) {
		nn_lora_down_back(dx, du, lin->a, add, b->n, in, r);
		add = 1;
	}
	nn_mat_mul_back(dx, in, dy, out, b->n, &lin->w, add, b->w->half, b->scratch);
	if (!adapted(b->w, lin) || b->w->dropout <= 0)
		return;
	for (size_t i = 0; i < b->n; i += DROP_ROWS) {
		size_t n = b->n - i < DROP_ROWS ? b->n - i : DROP_ROWS;

		nn_lora_down_back(dropped, du + i * r, lin->a, 0, n, in, r);
		drop(b, lin, dropped, dropped, i, n, in);
		b->w->kern->add(dx + i * in, dropped, n * in);
	}
}

void work_adapter_in_back(const struct block *b, int j, const float *x)
{
	const struct work *w = b->w;
	const struct model_linear *lin = linear_of(b, j);
	size_t in = lin->w.cols, r = lin->rank;
	float *da = work_grad(w, lin->t_a), *du = kept_du(b, j),
	      *dropped = b->scratch + w->slot_floats;

	if (w->dropout <= 0) {
		nn_lora_a_back(da, du, x, b->n, in, r);
		return;
	}
	for (size_t i = 0; i < b->n; i += DROP_ROWS) {
		size_t n = b->n - i < DROP_ROWS ? b->n - i : DROP_ROWS;

		drop(b, lin, dropped, x + i * in, i, n, in);
		nn_lora_a_back(da, du + i * r, dropped, n, in, r);
	}
}

/* Lengths of the rows of W + scale B A without making it: |w|^2 + 2 scale b.(A w) + scale^2 b.(A
 * A^T b). */
static void dora_piece(void *arg, size_t i)
{
	struct work *w = arg;
	const struct model_linear *lin = &w->m->layers[i / MODEL_LINEARS].lin[i % MODEL_LINEARS];
	struct dora *s = &w->dora[i];
	size_t in = lin->w.cols, out = lin->w.rows, r = lin->rank;
	float *aw, *aa, *row;

	if (!lin->magnitude)
		return;
	aw = mem_aligned(r * out, sizeof *aw);
	aa = mem_aligned(r * r, sizeof *aa);
	row = mem_aligned(in + nn_mat_scratch(&lin->w), sizeof *row);
	if (!w->dora_known)
		for (size_t o = 0; o < out; o++) {
			nn_mat_rows(row, &lin->w, o, 1);
			s->squares[o] = w->kern->sum_squares(row, in);
		}
	nn_mat_mul(aw, out, lin->a, in, r, &lin->w, 0, NULL, row + in);
	nn_gemm(0, 1, r, r, in, 1, lin->a, in, lin->a, in, 0, aa, r);
	for (size_t o = 0; o < out; o++) {
		double cross = 0, square = 0, length;

		for (size_t p = 0; p < r; p++) {
			double b = lin->b[o * r + p], inner = 0;

			cross += b * aw[p * out + o];
			for (size_t q = 0; q < r; q++)
				inner += (double)aa[p * r + q] * lin->b[o * r + q];
			square += b * inner;
		}
		length = sqrt(fmax(s->squares[o] + 2 * lin->scale * cross +
					   (double)lin->scale * lin->scale * square,
				   1e-24));
		s->inverse[o] = (float)(1 / length);
		s->gain[o] = (float)(lin->magnitude[o] / length);
	}
	free(aw);
	free(aa);
	free(row);
}

void work_dora_prepare(struct work *w)
{
	if (!w->dora || w->base_only)
		return;
	pool_run(w->pool, w->m->config.layers * MODEL_LINEARS, dora_piece, w);
	w->dora_known = 1;
}

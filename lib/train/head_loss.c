/* Head and loss: supervised rows alone, a chunk of them at a time, so that logits never outlive a
 * chunk.
 *
 * A chunk's logits are made by tiles of the vocabulary, turned into losses and their gradients row
 * by row in place, and multiplied back by tiles again; each tile's part of the gradient is added up
 * in the order of tiles.
 */
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "gradient_impl.h"

struct chunk {
	struct work *w;
	size_t from, n; /* of sup */
	int grad;
	float *z;
};

static size_t tile(const struct work *w, size_t t, size_t *n)
{
	size_t from = t * w->tile_rows, v = w->m->config.vocab;

	*n = from >= v ? 0 : v - from < w->tile_rows ? v - from : w->tile_rows;
	return from;
}

static struct nn_mat head_rows(const struct work *w, size_t from, size_t n)
{
	const struct nn_mat *h = w->base_only ? model_base_head(w->m) : &w->m->head;

	return (struct nn_mat){h->type, n, h->cols,
			       (const char *)h->data + from * nn_row_bytes(h->type, h->cols)};
}

static void logits_piece(void *arg, size_t t)
{
	struct chunk *c = arg;
	struct work *w = c->w;
	size_t n, from = tile(w, t, &n), d = w->m->config.hidden, v = w->m->config.vocab;
	struct nn_mat rows = head_rows(w, from, n);
	int slot;
	float *scratch = work_slot_take(w, &slot);

	if (n)
		nn_mat_mul(c->z + from, v, w->hn + c->from * d, d, c->n, &rows, 0, w->half,
			   scratch);
	work_slot_give(w, slot);
	if (w->m->config.logit_softcap > 0)
		for (size_t i = 0; n && i < c->n; i++)
			w->kern->softcap(c->z + i * v + from, w->m->config.logit_softcap, n);
}

static void nll_piece(void *arg, size_t i)
{
	struct chunk *c = arg;
	struct work *w = c->w;
	size_t s = w->sup[c->from + i], v = w->m->config.vocab;
	float *z = c->z + i * v, cap = w->m->config.logit_softcap;

	if (c->grad && cap > 0) {
		/* The gradient passes through the cap, whose outputs nll overwrites: its slope 1 -
		 * (z/cap)^2 is taken along in place by a copy of the row. */
		float *y = mem_aligned(v, sizeof *y);

		memcpy(y, z, v * sizeof *y);
		w->row_nll[c->from + i] =
			w->kern->nll(z, v, (size_t)w->ids[s + 1], w->weights[s + 1], 1);
		w->kern->softcap_back(z, z, y, cap, v);
		free(y);
		return;
	}
	w->row_nll[c->from + i] =
		w->kern->nll(z, v, (size_t)w->ids[s + 1], w->weights[s + 1], c->grad);
}

/* One tile of the vocabulary: its part of the gradient by the normed rows, and its rows of the
 * head's gradient. */
static void head_back_piece(void *arg, size_t t)
{
	struct chunk *c = arg;
	struct work *w = c->w;
	size_t n, from = tile(w, t, &n), d = w->m->config.hidden, v = w->m->config.vocab;
	struct nn_mat rows = head_rows(w, from, n);
	float *part = w->dh_parts + t * w->chunk_rows * d, *dw = work_grad(w, w->m->t_head);
	int slot;
	float *scratch = work_slot_take(w, &slot);

	if (n)
		nn_mat_mul_back(part, d, c->z + from, v, c->n, &rows, 0, w->half, scratch);
	else
		memset(part, 0, c->n * d * sizeof *part);
	if (n && dw)
		nn_mat_grad(dw + from * d, d, c->z + from, v, w->hn + c->from * d, d, c->n, n, d,
			    w->half);
	work_slot_give(w, slot);
}

/* Sums the tiles' parts of one row. */
static void head_sum_piece(void *arg, size_t i)
{
	struct chunk *c = arg;
	struct work *w = c->w;
	size_t d = w->m->config.hidden;
	float *dh = w->dhn + (c->from + i) * d;

	memcpy(dh, w->dh_parts + i * d, d * sizeof *dh);
	for (size_t t = 1; t < w->head_tiles; t++)
		w->kern->add(dh, w->dh_parts + (t * w->chunk_rows + i) * d, d);
}

/* Logits that are scaled are so by the rows they are made of: then the head's gradient is too. */
static void scale_rows(const struct work *w, float *h, size_t n)
{
	if (w->m->config.logit_scale != 1)
		w->kern->scale(h, w->m->config.logit_scale, n * w->m->config.hidden);
}

void work_head(struct work *w, int grad)
{
	const struct config *k = &w->m->config;
	size_t d = k->hidden, chunks = (w->n_sup + w->chunk_rows - 1) / w->chunk_rows;

	for (size_t i = 0; i < w->n_sup; i++)
		memcpy(w->hs + i * d, w->hidden + w->sup[i] * d, d * sizeof(float));
	work_norm(w, w->hn, w->final, 0, w->hs, &w->m->norm_final, w->n_sup, d);
	scale_rows(w, w->hn, w->n_sup);
	for (size_t b = 0; b < chunks; b++) {
		size_t from = w->n_sup * b / chunks;
		struct chunk c = {w, from, w->n_sup * (b + 1) / chunks - from, grad, w->z};

		pool_run(w->pool, w->head_tiles, logits_piece, &c);
		pool_run(w->pool, c.n, nll_piece, &c);
		if (!grad)
			continue;
		pool_run(w->pool, w->head_tiles, head_back_piece, &c);
		pool_run(w->pool, c.n, head_sum_piece, &c);
	}
	if (grad)
		scale_rows(w, w->dhn, w->n_sup);
}

void work_logits(struct work *w, float *out)
{
	struct chunk all = {w, 0, w->n, 0, out};

	work_norm(w, w->hn, w->final, 0, w->hidden, &w->m->norm_final, w->n, w->m->config.hidden);
	scale_rows(w, w->hn, w->n);
	pool_run(w->pool, w->head_tiles, logits_piece, &all);
}

void work_head_back(struct work *w)
{
	size_t d = w->m->config.hidden;

	memset(w->g.dout, 0, w->n * d * sizeof(float));
	for (size_t i = 0; i < w->n_sup; i++)
		work_norm_back(w, w->g.dout + w->sup[i] * d, work_grad(w, w->m->norm_final.t_w),
			       work_grad(w, w->m->norm_final.t_b), w->dhn + i * d, w->hs + i * d,
			       &w->m->norm_final, w->final, i, 1, d);
}

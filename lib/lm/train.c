/* Groups of examples through the whole model: embedding, layers, head and loss, and the way back. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../nn/attn.h"
#include "work.h"

#define COMFORT_BYTES ((size_t)1 << 30) /* activations of a group, where memory does not ask for less */
#define GROUP_MIN ((size_t)1024)	/* rows that keep the products efficient */
#define GROUP_MAX ((size_t)16384)
#define LOGIT_BYTES ((size_t)128 << 20)
#define HEAD_TILES ((size_t)8)
#define BLOCK_ROWS ((size_t)512)

/* --- the arena --- */

struct carve {
	char *base; /* NULL while only counting */
	size_t used;
};

static void *carve(struct carve *c, size_t n, size_t size)
{
	void *p = c->base ? c->base + c->used : NULL;

	c->used += (n * size + 63) & ~(size_t)63;
	return p;
}

static float *floats(struct carve *c, size_t n)
{
	return carve(c, n, sizeof(float));
}

static struct mean_rstd norm_state(struct carve *c, const struct lm_config *k, size_t n)
{
	struct mean_rstd s = {NULL, floats(c, n)};

	if (k->norm == LM_LAYERNORM)
		s.mean = floats(c, n);
	return s;
}

/* The highest rank of module j's adapters; 0 where no layer has one. */
static size_t rank_of(const struct lm_model *m, int j)
{
	size_t r = 0;

	for (size_t l = 0; l < m->config.layers; l++)
		if (m->layers[l].lin[j].a && m->layers[l].lin[j].rank > r)
			r = m->layers[l].lin[j].rank;
	return r;
}

static void carve_acts(struct lm_work *w, struct carve *c, struct acts *a)
{
	const struct lm_config *k = &w->m->config;
	size_t n = w->rows_max, d = k->hidden, q = k->heads * k->head_dim, kv = k->kv_heads * k->head_dim;

	a->q = floats(c, n * q);
	a->k = floats(c, n * kv);
	a->v = floats(c, n * kv);
	a->att = floats(c, n * q);
	a->lse = floats(c, n * k->heads);
	a->mid = floats(c, n * d);
	if (k->act != LM_GELU)
		a->gate = floats(c, n * k->ffn);
	a->up = floats(c, n * k->ffn);
	a->attn = norm_state(c, k, n);
	a->mlp = norm_state(c, k, n);
	if (k->qk_norm) {
		a->q_raw = floats(c, n * q);
		a->k_raw = floats(c, n * kv);
		a->nq = norm_state(c, k, n * k->heads);
		a->nk = norm_state(c, k, n * k->kv_heads);
	}
	if (k->post_norms) {
		a->o_raw = floats(c, n * d);
		a->down_raw = floats(c, n * d);
		a->post_attn = norm_state(c, k, n);
		a->post_mlp = norm_state(c, k, n);
	}
	for (int j = 0; j < LM_LINEARS; j++)
		if (rank_of(w->m, j))
			a->u[j] = floats(c, n * rank_of(w->m, j));
}

/* Activations: layers below the lowest trained one pass their memory on; so do all, but for what comes in, where they
 * are computed again. */
static void carve_layers(struct lm_work *w, struct carve *c)
{
	const struct lm_config *k = &w->m->config;
	size_t shared = k->layers;
	float *x = floats(c, w->rows_max * k->hidden);

	for (size_t l = 0; l < k->layers; l++) {
		struct acts *a = &w->acts[l];
		int keeps = w->any_trained && l >= w->first && !w->checkpoint;

		*a = (struct acts){0};
		if (!keeps && shared < k->layers) {
			*a = w->acts[shared];
		} else {
			carve_acts(w, c, a);
			if (!keeps)
				shared = l;
		}
		a->x = x;
		if (w->any_trained && l >= w->first && l + 1 < k->layers)
			x = floats(c, w->rows_max * k->hidden);
	}
}

static void carve_backward(struct lm_work *w, struct carve *c)
{
	const struct lm_config *k = &w->m->config;
	struct grads_scratch *g = &w->g;
	size_t n = w->rows_max, d = k->hidden, f = k->ffn, q = k->heads * k->head_dim, kv = k->kv_heads * k->head_dim;

	g->xn_attn = floats(c, n * d);
	g->xn_mlp = floats(c, n * d);
	g->h = floats(c, n * f);
	g->din = floats(c, n * d); /* recomputation writes here too */
	if (!w->any_trained)
		return;
	g->dout = floats(c, n * d);
	g->dmid = floats(c, n * d);
	g->dh = floats(c, n * (f > d ? f : d));
	if (k->act != LM_GELU)
		g->dgate = floats(c, n * f);
	g->dup = floats(c, n * f);
	g->datt = floats(c, n * q);
	g->dq = floats(c, n * q);
	g->dk = floats(c, n * kv);
	g->dv = floats(c, n * kv);
	if (k->post_norms) {
		g->do_raw = floats(c, n * d);
		g->ddown_raw = floats(c, n * d);
	}
	for (int j = 0; j < LM_LINEARS; j++)
		if (rank_of(w->m, j))
			g->du[j] = floats(c, n * rank_of(w->m, j));
	g->norms = floats(c, (n / (BLOCK_ROWS / 2) + 8) * NORM_KINDS * 2 * w->norm_width);
}

static void carve_all(struct lm_work *w, struct carve *c)
{
	const struct lm_config *k = &w->m->config;
	size_t n = w->rows_max, half = k->head_dim / 2;

	carve_layers(w, c);
	carve_backward(w, c);
	w->hidden = floats(c, n * k->hidden);
	for (int i = 0; i < 2 && k->rope != LM_ROPE_NONE; i++) {
		w->cosines[i] = floats(c, w->len_max * half);
		w->sines[i] = floats(c, w->len_max * half);
	}
	w->hs = floats(c, n * k->hidden);
	w->hn = floats(c, n * k->hidden);
	w->final = norm_state(c, k, n);
	w->z = floats(c, w->chunk_rows * k->vocab);
	if (w->any_trained) {
		w->dhn = floats(c, n * k->hidden);
		w->dh_parts = floats(c, w->head_tiles * w->chunk_rows * k->hidden);
	}
	w->ids = carve(c, n, sizeof(*w->ids));
	w->pos = carve(c, n, sizeof(*w->pos));
	w->weights = floats(c, n);
	w->sup = carve(c, n, sizeof(*w->sup));
	w->row_nll = carve(c, n, sizeof(*w->row_nll));
	for (int i = 0; i < w->n_slots; i++)
		w->slots[i].mem = floats(c, w->slot_floats);
}

/* --- sizes --- */

static void most(size_t *x, size_t y)
{
	if (y > *x)
		*x = y;
}

/* All that does not depend on the group's size. */
static void describe(struct lm_work *w, const struct lm_model *m, struct pool *pool, size_t len_max)
{
	const struct lm_config *k = &m->config;

	*w = (struct lm_work){.m = m, .pool = pool, .kern = nn_kern(), .len_max = len_max, .first = k->layers};
	w->n_slots = pool_threads(pool);
	w->slots = mem_alloc((size_t)w->n_slots, sizeof(*w->slots));
	w->acts = mem_alloc(k->layers, sizeof(*w->acts));
	w->norm_width = k->hidden > k->head_dim ? k->hidden : k->head_dim;
	for (size_t i = 0; i < m->n_tensors; i++) {
		const struct lm_tensor *t = &m->tensors[i];

		if (!t->trained)
			continue;
		w->any_trained = 1;
		if (t->layer >= 0 && (size_t)t->layer < w->first)
			w->first = (size_t)t->layer;
		if (t->role == LM_EMBED || t->role == LM_POSITION)
			w->embed_trained = 1;
	}
	if (w->embed_trained)
		w->first = 0;
	w->slot_floats = nn_attn_scratch(len_max, k->head_dim);
	for (size_t l = 0; l < k->layers; l++)
		for (int j = 0; j < LM_LINEARS; j++)
			if (m->layers[l].lin[j].w.rows)
				most(&w->slot_floats, nn_mat_scratch(&m->layers[l].lin[j].w));
	most(&w->slot_floats, nn_mat_scratch(&m->head));
	w->head_tiles = k->vocab < HEAD_TILES * 64 ? 1 : HEAD_TILES;
	w->tile_rows = (k->vocab + w->head_tiles - 1) / w->head_tiles;
}

static size_t bytes_for(struct lm_work *w, size_t rows, int checkpoint)
{
	struct carve c = {NULL, 0};
	size_t logits = LOGIT_BYTES / 4 / w->m->config.vocab;

	w->rows_max = rows;
	w->checkpoint = checkpoint;
	w->chunk_rows = logits < 64 ? 64 : logits;
	if (w->chunk_rows > rows)
		w->chunk_rows = rows;
	carve_all(w, &c);
	return c.used;
}

size_t lm_work_bytes(const struct lm_model *m, size_t n, size_t max, int checkpoint)
{
	struct lm_work w;
	size_t bytes;

	describe(&w, m, NULL, max);
	bytes = bytes_for(&w, n, checkpoint);
	free(w.slots);
	free(w.acts);
	return bytes;
}

/* Most rows, by doubling and halving, whose buffers fit in bytes; 0 where not even `least` do. */
static size_t rows_that_fit(struct lm_work *w, size_t bytes, size_t least, int checkpoint)
{
	size_t lo = least, hi = GROUP_MAX > least ? GROUP_MAX : least;

	if (bytes_for(w, least, checkpoint) > bytes)
		return 0;
	while (hi - lo > 64) {
		size_t mid = lo + (hi - lo) / 2;

		if (bytes_for(w, mid, checkpoint) <= bytes)
			lo = mid;
		else
			hi = mid;
	}
	return bytes_for(w, hi, checkpoint) <= bytes ? hi : lo;
}

static int choose_size(struct lm_work *w, const struct lm_work_spec *s, struct err *e)
{
	size_t least = w->len_max, good = least > GROUP_MIN ? least : GROUP_MIN, rows = 0, limit = s->memory ? s->memory : SIZE_MAX;

	if (s->checkpoint <= 0 && bytes_for(w, good, 0) <= limit)
		rows = rows_that_fit(w, limit < COMFORT_BYTES ? limit : COMFORT_BYTES, good, 0);
	if (s->checkpoint <= 0 && rows == 0 && (s->checkpoint < 0 || bytes_for(w, good, 0) <= limit)) {
		rows = good; /* more than comfortable, but as little as is efficient */
		if (bytes_for(w, good, 0) > limit)
			rows = rows_that_fit(w, limit, least, 0);
	}
	if (rows) {
		bytes_for(w, rows, 0);
		return 0;
	}
	if (s->checkpoint >= 0)
		rows = rows_that_fit(w, limit < COMFORT_BYTES ? limit : COMFORT_BYTES, good, 1);
	if (rows == 0 && s->checkpoint >= 0)
		rows = bytes_for(w, good, 1) <= limit ? good : rows_that_fit(w, limit, least, 1);
	if (rows == 0)
		return err_set(e, "an example of %zu tokens needs %zu MiB of memory beside the weights, and %zu MiB are allowed",
			       w->len_max, (bytes_for(w, least, s->checkpoint >= 0) >> 20) + 1, limit >> 20);
	bytes_for(w, rows, 1);
	return 0;
}

static void fill_rope(struct lm_work *w)
{
	const struct lm_config *k = &w->m->config;
	size_t half = k->head_dim / 2;
	double *f = mem_alloc(half, sizeof(*f));

	for (int local = 0; local < 2 && k->rope != LM_ROPE_NONE; local++) {
		lm_config_rope(k, local, f);
		for (size_t p = 0; p < w->len_max; p++)
			for (size_t i = 0; i < half; i++) {
				w->cosines[local][p * half + i] = (float)cos((double)p * f[i]);
				w->sines[local][p * half + i] = (float)sin((double)p * f[i]);
			}
	}
	free(f);
}

int lm_work_new(struct lm_work **out, const struct lm_model *m, struct pool *pool, const struct lm_work_spec *spec,
		struct err *e)
{
	struct lm_work *w = mem_alloc(1, sizeof(*w));
	struct carve c = {NULL, 0};

	*out = NULL;
	nn_init();
	describe(w, m, pool, spec->max_tokens ? spec->max_tokens : 1);
	if (choose_size(w, spec, e) < 0) {
		lm_work_free(w);
		return -1;
	}
	carve_all(w, &c);
	/* Zero pages cost nothing until a group is large enough to touch them. */
	w->arena = mem_alloc(c.used + 64, 1);
	c.base = (char *)w->arena + (64 - (uintptr_t)w->arena % 64) % 64;
	c.used = 0;
	carve_all(w, &c);
	fill_rope(w);
	*out = w;
	return 0;
}

void lm_work_free(struct lm_work *w)
{
	if (!w)
		return;
	free(w->segments);
	free(w->slots);
	free(w->acts);
	free(w->arena);
	free(w);
}

int lm_work_checkpoints(const struct lm_work *w)
{
	return w->checkpoint;
}

/* --- embedding --- */

static void embed_piece(void *arg, size_t b)
{
	struct lm_work *w = arg;
	const struct lm_config *k = &w->m->config;
	size_t n, row = work_block(w, b, &n), d = k->hidden;

	for (size_t i = row; i < row + n; i++) {
		float *x = w->acts[0].x + i * d;

		nn_mat_rows(x, &w->m->embed, (size_t)w->ids[i], 1);
		if (k->embed_scale != 1)
			w->kern->scale(x, k->embed_scale, d);
		if (w->m->positions)
			w->kern->add(x, w->m->positions + (size_t)w->pos[i] * d, d);
	}
}

/* A stripe of columns over all rows, in order: rows of one id add up the same way whoever does it. */
static void embed_back_piece(void *arg, size_t stripe)
{
	struct lm_work *w = arg;
	const struct lm_config *k = &w->m->config;
	size_t d = k->hidden, from = d * stripe / 8, to = d * (stripe + 1) / 8;
	float *de = work_grad(w, w->m->t_embed), *dp = work_grad(w, w->m->t_positions);

	for (size_t i = 0; i < w->n; i++) {
		const float *dx = w->g.dout + i * d;

		if (de)
			w->kern->axpy(de + (size_t)w->ids[i] * d + from, k->embed_scale, dx + from, to - from);
		if (dp)
			w->kern->add(dp + (size_t)w->pos[i] * d + from, dx + from, to - from);
	}
}

/* --- head and loss: supervised rows alone, a chunk of them at a time --- */

struct chunk {
	struct lm_work *w;
	size_t from, n; /* of sup */
	int grad;
	float *z;
};

static size_t tile(const struct lm_work *w, size_t t, size_t *n)
{
	size_t from = t * w->tile_rows, v = w->m->config.vocab;

	*n = from >= v ? 0 : v - from < w->tile_rows ? v - from : w->tile_rows;
	return from;
}

static struct nn_mat head_rows(const struct lm_work *w, size_t from, size_t n)
{
	const struct nn_mat *h = &w->m->head;

	return (struct nn_mat){h->type, n, h->cols, (const char *)h->data + from * nn_row_bytes(h->type, h->cols)};
}

static void logits_piece(void *arg, size_t t)
{
	struct chunk *c = arg;
	struct lm_work *w = c->w;
	size_t n, from = tile(w, t, &n), d = w->m->config.hidden, v = w->m->config.vocab;
	struct nn_mat rows = head_rows(w, from, n);
	int slot;
	float *scratch = work_slot_take(w, &slot);

	if (n)
		nn_mat_mul(c->z + from, v, w->hn + c->from * d, d, c->n, &rows, 0, scratch);
	work_slot_give(w, slot);
	if (w->m->config.logit_softcap > 0)
		for (size_t i = 0; n && i < c->n; i++)
			w->kern->softcap(c->z + i * v + from, w->m->config.logit_softcap, n);
}

static void nll_piece(void *arg, size_t i)
{
	struct chunk *c = arg;
	struct lm_work *w = c->w;
	size_t s = w->sup[c->from + i], v = w->m->config.vocab;
	float *z = c->z + i * v, cap = w->m->config.logit_softcap;

	if (c->grad && cap > 0) {
		/* The gradient passes through the cap, whose outputs nll overwrites: its slope 1 - (z/cap)^2 is taken along in
		 * place by a copy of the row. */
		float *y = mem_aligned(v, sizeof(*y));

		memcpy(y, z, v * sizeof(*y));
		w->row_nll[c->from + i] = w->kern->nll(z, v, (size_t)w->ids[s + 1], w->weights[s + 1], 1);
		w->kern->softcap_back(z, z, y, cap, v);
		free(y);
		return;
	}
	w->row_nll[c->from + i] = w->kern->nll(z, v, (size_t)w->ids[s + 1], w->weights[s + 1], c->grad);
}

/* One tile of the vocabulary: its part of the gradient by the normed rows, and its rows of the head's gradient. */
static void head_back_piece(void *arg, size_t t)
{
	struct chunk *c = arg;
	struct lm_work *w = c->w;
	size_t n, from = tile(w, t, &n), d = w->m->config.hidden, v = w->m->config.vocab;
	struct nn_mat rows = head_rows(w, from, n);
	float *part = w->dh_parts + t * w->chunk_rows * d, *dw = work_grad(w, w->m->t_head);
	int slot;
	float *scratch = work_slot_take(w, &slot);

	if (n)
		nn_mat_mul_back(part, d, c->z + from, v, c->n, &rows, 0, scratch);
	else
		memset(part, 0, c->n * d * sizeof(*part));
	if (n && dw)
		nn_gemm(1, 0, n, d, c->n, 1, c->z + from, v, w->hn + c->from * d, d, 1, dw + from * d, d);
	work_slot_give(w, slot);
}

/* Sums the tiles' parts of one row. */
static void head_sum_piece(void *arg, size_t i)
{
	struct chunk *c = arg;
	struct lm_work *w = c->w;
	size_t d = w->m->config.hidden;
	float *dh = w->dhn + (c->from + i) * d;

	memcpy(dh, w->dh_parts + i * d, d * sizeof(*dh));
	for (size_t t = 1; t < w->head_tiles; t++)
		w->kern->add(dh, w->dh_parts + (t * w->chunk_rows + i) * d, d);
}

static void head(struct lm_work *w, int grad)
{
	const struct lm_config *k = &w->m->config;
	size_t d = k->hidden, chunks = (w->n_sup + w->chunk_rows - 1) / w->chunk_rows;

	for (size_t i = 0; i < w->n_sup; i++)
		memcpy(w->hs + i * d, w->hidden + w->sup[i] * d, d * sizeof(float));
	work_norm(w, w->hn, w->final, 0, w->hs, &w->m->norm_final, w->n_sup, d);
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
}

/* From the normed supervised rows' gradients to that by the last layer's output (dout). */
static void head_to_hidden(struct lm_work *w)
{
	size_t d = w->m->config.hidden;

	memset(w->g.dout, 0, w->n * d * sizeof(float));
	for (size_t i = 0; i < w->n_sup; i++)
		work_norm_back(w, w->g.dout + w->sup[i] * d, work_grad(w, w->m->norm_final.t_w), work_grad(w, w->m->norm_final.t_b),
			       w->dhn + i * d, w->hs + i * d, &w->m->norm_final, w->final, i, 1, d);
}

/* --- groups --- */

/* Where the examples of the packs stand in a run over all of them. */
struct cursor {
	const struct lm_pack *packs;
	size_t n_packs, pack, start, examples;
};

static int check_packs(const struct lm_work *w, const struct lm_pack *packs, size_t n, struct err *e)
{
	for (size_t p = 0; p < n; p++) {
		const struct lm_pack *k = &packs[p];

		if (k->n == 0 || k->n_starts == 0 || k->starts[0] != 0)
			return err_set(e, "pack %zu is empty", p);
		for (size_t s = 0; s < k->n_starts; s++) {
			size_t end = s + 1 < k->n_starts ? k->starts[s + 1] : k->n;

			if (end <= k->starts[s] || end > k->n)
				return err_set(e, "pack %zu: starts are not in order", p);
			if (end - k->starts[s] > w->len_max)
				return err_set(e, "an example of %zu tokens is longer than the %zu that were announced",
					       end - k->starts[s], w->len_max);
			if (w->m->positions && end - k->starts[s] > w->m->config.max_positions)
				return err_set(e, "an example of %zu tokens is longer than the model's %zu positions",
					       end - k->starts[s], w->m->config.max_positions);
		}
		for (size_t i = 0; i < k->n; i++)
			if (k->ids[i] < 0 || (size_t)k->ids[i] >= w->m->config.vocab)
				return err_set(e, "token id %d is outside the model's vocabulary of %zu", (int)k->ids[i],
					       w->m->config.vocab);
	}
	return 0;
}

/* The next group: as many whole examples as fit. Returns how many; 0 at the end. */
static size_t next_group(struct lm_work *w, struct cursor *c)
{
	w->n = w->n_segments = w->n_sup = 0;
	while (c->pack < c->n_packs) {
		const struct lm_pack *p = &c->packs[c->pack];
		size_t from = p->starts[c->start], n = (c->start + 1 < p->n_starts ? p->starts[c->start + 1] : p->n) - from;

		if (w->n + n > w->rows_max)
			break;
		w->segments = mem_grow(w->segments, &w->segments_cap, w->n_segments + 1, sizeof(*w->segments));
		w->segments[w->n_segments++] = (struct segment){w->n, n};
		for (size_t i = 0; i < n; i++) {
			w->ids[w->n + i] = p->ids[from + i];
			w->pos[w->n + i] = (int32_t)i;
			w->weights[w->n + i] = i && p->weights ? p->weights[from + i] : 0;
			if (w->weights[w->n + i] != 0)
				w->sup[w->n_sup++] = w->n + i - 1;
		}
		w->n += n;
		if (++c->start == p->n_starts) {
			c->start = 0;
			c->pack++;
		}
	}
	/* Blocks of about equal size: one for few rows, else a multiple of two or four, so that they spread evenly. */
	w->blocks = (w->n + BLOCK_ROWS - 1) / BLOCK_ROWS;
	if (w->blocks > 2)
		w->blocks = (w->blocks + 3) / 4 * 4;
	else if (w->n >= 256)
		w->blocks = 2;
	return w->n_segments;
}

static void forward(struct lm_work *w)
{
	pool_run(w->pool, w->blocks, embed_piece, w);
	for (size_t l = 0; l < w->m->config.layers; l++)
		work_layer_forward(w, l);
}

static void backward(struct lm_work *w)
{
	head_to_hidden(w);
	for (size_t l = w->m->config.layers; l-- > w->first;)
		work_layer_backward(w, l);
	if (w->embed_trained)
		pool_run(w->pool, 8, embed_back_piece, w);
}

/* Sums of the group, in order of its rows. */
static void tally(const struct lm_work *w, struct lm_loss *l, double *logp)
{
	size_t s = 0;

	for (size_t i = 0; i < w->n_sup; i++) {
		double weight = w->weights[w->sup[i] + 1];

		while (w->sup[i] >= w->segments[s].row + w->segments[s].n)
			s++;
		l->loss += weight * w->row_nll[i];
		l->weight += weight;
		if (logp)
			logp[s] -= weight * w->row_nll[i];
	}
	l->tokens += w->n;
	l->supervised += w->n_sup;
}

static int run(struct lm_work *w, const struct lm_pack *packs, size_t n, float *grads, struct lm_loss *l, double *logp,
	       struct err *e)
{
	struct cursor c = {.packs = packs, .n_packs = n};
	size_t examples, done = 0;

	if (check_packs(w, packs, n, e) < 0)
		return -1;
	w->grads = grads;
	w->backward = grads != NULL;
	while ((examples = next_group(w, &c)) > 0) {
		if (logp)
			memset(logp + done, 0, examples * sizeof(*logp));
		if (w->n_sup) {
			forward(w);
			head(w, grads != NULL);
			if (grads)
				backward(w);
		}
		tally(w, l, logp ? logp + done : NULL);
		done += examples;
	}
	return 0;
}

int lm_gradients(struct lm_work *w, const struct lm_pack *packs, size_t n, float *grads, struct lm_loss *l,
		 double *logp, struct err *e)
{
	if (!w->any_trained)
		return err_set(e, "nothing in the model is trained");
	w->base_only = 0;
	return run(w, packs, n, grads, l, logp, e);
}

int lm_loss(struct lm_work *w, const struct lm_pack *packs, size_t n, int base, struct lm_loss *l, double *logp,
	    struct err *e)
{
	w->base_only = base;
	return run(w, packs, n, NULL, l, logp, e);
}

int lm_logits(struct lm_work *w, const struct lm_pack *pack, float *out, struct err *e)
{
	struct cursor c = {.packs = pack, .n_packs = 1};
	size_t done = 0, d = w->m->config.hidden, v = w->m->config.vocab;

	if (check_packs(w, pack, 1, e) < 0)
		return -1;
	w->base_only = 0;
	w->backward = 0;
	while (next_group(w, &c) > 0) {
		struct chunk all = {w, 0, w->n, 0, out + done * v};

		forward(w);
		work_norm(w, w->hn, w->final, 0, w->hidden, &w->m->norm_final, w->n, d);
		pool_run(w->pool, w->head_tiles, logits_piece, &all);
		done += w->n;
	}
	return 0;
}

double lm_work_flops(const struct lm_model *m, const struct lm_pack *packs, size_t n)
{
	const struct lm_config *k = &m->config;
	double total = 0, tokens = 0, supervised = 0, pairs = 0;
	size_t first = k->layers;
	int below = 0;

	for (size_t i = 0; i < m->n_tensors; i++)
		if (m->tensors[i].trained && m->tensors[i].layer >= 0 && (size_t)m->tensors[i].layer < first)
			first = (size_t)m->tensors[i].layer;
	below = m->tensors[m->t_embed].trained;
	if (below)
		first = 0;
	for (size_t p = 0; p < n; p++)
		for (size_t s = 0; s < packs[p].n_starts; s++) {
			size_t from = packs[p].starts[s], to = s + 1 < packs[p].n_starts ? packs[p].starts[s + 1] : packs[p].n;
			double len = (double)(to - from);

			tokens += len;
			pairs += len * (len + 1) / 2;
			for (size_t i = from + 1; i < to; i++)
				supervised += packs[p].weights[i] != 0;
		}
	for (size_t l = 0; l < k->layers; l++) {
		/* Scores and values forward are two products of head_dim a pair and head, backward four (recomputed scores not counted). */
		double attention = 2 * pairs * (double)(k->heads * k->head_dim);

		total += attention * (l < first ? 2 : 6);
		for (int j = 0; j < LM_LINEARS; j++) {
			const struct lm_linear *lin = &m->layers[l].lin[j];
			double w = (double)lin->w.rows * (double)lin->w.cols, a = lin->a ? (double)lin->rank * (double)(lin->w.rows + lin->w.cols) : 0;
			int goes_down = l > first || below || j >= LM_O;

			total += 2 * tokens * (w + a);
			if (l >= first && goes_down)
				total += 2 * tokens * w;
			if (l >= first && a > 0)
				total += 2 * tokens * 2 * a;
			if (lin->t_w >= 0 && m->tensors[lin->t_w].trained)
				total += 2 * tokens * w;
		}
	}
	return total + 2 * supervised * (double)k->vocab * (double)k->hidden * (m->tensors[m->t_head].trained ? 3 : 2);
}

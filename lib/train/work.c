/* Buffers of a run: what they are, how large a group they are for, and whether layers are computed
 * again to save memory. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../model/adapter.h"
#include "../model/family.h"
#include "../nn/attn.h"
#include "../nn/delta.h"
#include "../nn/thin.h"
#include "gradient_impl.h"

/* activations of a group, where memory does not ask for less */
#define COMFORT_BYTES ((size_t)1 << 30)
#define GROUP_MIN ((size_t)1024) /* rows that keep the products efficient */
#define GROUP_MAX ((size_t)16384)
#define LOGIT_BYTES ((size_t)128 << 20)
#define HEAD_TILES ((size_t)8)

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

static struct mean_rstd norm_state(struct carve *c, const struct config *k, size_t n)
{
	struct mean_rstd s = {NULL, floats(c, n)};

	if (k->norm == CONFIG_LAYERNORM)
		s.mean = floats(c, n);
	return s;
}

/* The highest rank of module j's adapters; 0 where no layer has one. */
static size_t rank_of(const struct model *m, int j)
{
	size_t r = 0;

	for (size_t l = 0; l < m->config.layers; l++)
		if (m->layers[l].lin[j].a && m->layers[l].lin[j].rank > r)
			r = m->layers[l].lin[j].rank;
	return r;
}

/* What products up to o give a row, whatever stands in attention's place: q, k and v each. */
static size_t given(const struct model *m, int j)
{
	size_t n = j == MODEL_Q ? m->config.heads * m->config.head_dim
				: m->config.kv_heads * m->config.head_dim;

	for (size_t l = 0; l < m->config.layers; l++)
		if (m->layers[l].taps && m->layers[l].lin[j].w.rows > n)
			n = m->layers[l].lin[j].w.rows;
	return n;
}

/* What o reads a row. */
static size_t mixed_width(const struct model *m)
{
	size_t n = m->config.heads * m->config.head_dim,
	       v = m->config.delta.v_heads * m->config.delta.v_dim;

	return v > n ? v : n;
}

static int gated(const struct work *w)
{
	const struct model *m = w->m;

	for (size_t l = 0; l < m->config.layers; l++)
		if (m->layers[l].lin[MODEL_GATE].w.rows ||
		    (m->layers[l].experts && m->layers[l].experts[0][0].w.rows))
			return 1;
	return 0;
}

/* The highest rank of the adapters over experts' products j. */
static size_t expert_rank(const struct model *m, int j)
{
	size_t r = 0;

	for (size_t l = 0; l < m->config.layers; l++)
		for (size_t x = 0; m->layers[l].experts && x < m->config.experts; x++)
			if (m->layers[l].experts[x][j].a && m->layers[l].experts[x][j].rank > r)
				r = m->layers[l].experts[x][j].rank;
	return r;
}

static void carve_routing(struct routing *r, struct carve *c, const struct config *k, size_t n)
{
	size_t picks = n * k->experts_used;

	if (k->experts == 0)
		return;
	r->probs = floats(c, n * k->experts);
	r->chosen = carve(c, picks, sizeof *r->chosen);
	r->share = floats(c, picks);
	r->place = carve(c, picks, sizeof *r->place);
	r->pick = carve(c, picks, sizeof *r->pick);
	r->first = carve(c, k->experts + 1, sizeof *r->first);
}

static void carve_experts(struct work *w, struct carve *c)
{
	const struct config *k = &w->m->config;
	struct grads_scratch *g = &w->g;
	size_t picks = w->rows_max * k->experts_used;

	if (k->experts == 0)
		return;
	w->pieces = carve(c, k->experts + picks / EXPERT_ROWS, sizeof *w->pieces);
	g->xe = floats(c, picks * k->hidden);
	g->ye = floats(c, picks * k->hidden);
	for (int j = 0; j < MODEL_EXPERT_LINEARS; j++)
		if (expert_rank(w->m, j))
			g->ue[j] = floats(c, picks * expert_rank(w->m, j));
	if (!w->any_trained)
		return;
	g->dxe = floats(c, picks * k->hidden);
	g->dshare = floats(c, picks);
	g->dscores = floats(c, w->rows_max * k->experts);
	for (int j = 0; j < MODEL_EXPERT_LINEARS; j++)
		if (expert_rank(w->m, j))
			g->due[j] = floats(c, picks * expert_rank(w->m, j));
}

static void carve_acts(struct work *w, struct carve *c, struct acts *a)
{
	const struct config *k = &w->m->config;
	size_t n = w->rows_max, d = k->hidden, q = k->heads * k->head_dim,
	       mixed = mixed_width(w->m);

	a->q = floats(c, n * given(w->m, MODEL_Q));
	a->k = floats(c, n * given(w->m, MODEL_K));
	a->v = floats(c, n * given(w->m, MODEL_V));
	a->decay = floats(c, n * k->delta.v_heads);
	a->att = a->mixed = floats(c, n * mixed);
	if (k->out_gate) {
		a->mixed = floats(c, n * mixed);
		a->out_gate = floats(c, n * q);
		a->z = floats(c, n * k->delta.v_heads * k->delta.v_dim);
		a->nmixed = norm_state(c, k, n * k->delta.v_heads);
	}
	a->lse = floats(c, n * k->heads);
	a->mid = floats(c, n * d);
	if (gated(w))
		a->gate = floats(c, n * w->mlp_width);
	a->up = floats(c, n * w->mlp_width);
	carve_routing(&a->route, c, k, n);
	a->attn = norm_state(c, k, n);
	a->mlp = norm_state(c, k, n);
	if (k->qk_norm) {
		a->q_raw = floats(c, n * q);
		a->k_raw = floats(c, n * k->kv_heads * k->head_dim);
		a->nq = norm_state(c, k, n * k->heads);
		a->nk = norm_state(c, k, n * k->kv_heads);
	}
	if (k->family->post_attn) {
		a->o_raw = floats(c, n * d);
		a->down_raw = floats(c, n * d);
		a->post_attn = norm_state(c, k, n);
		a->post_mlp = norm_state(c, k, n);
	}
}

static void carve_inner(const struct work *w, struct carve *c, struct acts *a)
{
	for (int j = 0; j < MODEL_LINEARS; j++)
		if (rank_of(w->m, j))
			a->u[j] = floats(c, w->rows_max * rank_of(w->m, j));
}

/* Activations: layers below the lowest one that keeps its own pass their memory on, but for what comes
 * in and what is little and read once more: adapters' inner values. */
static void carve_layers(struct work *w, struct carve *c)
{
	const struct config *k = &w->m->config;
	size_t shared = k->layers;
	float *x = floats(c, w->rows_max * k->hidden);

	for (size_t l = 0; l < k->layers; l++) {
		struct acts *a = &w->acts[l];
		int keeps = w->any_trained && l >= w->kept;

		*a = (struct acts){0};
		if (!keeps && shared < k->layers) {
			*a = w->acts[shared];
		} else {
			carve_acts(w, c, a);
			if (!keeps)
				shared = l;
		}
		if (l == shared || (w->any_trained && l >= w->first))
			carve_inner(w, c, a);
		a->x = x;
		if (w->any_trained && l >= w->first && l + 1 < k->layers)
			x = floats(c, w->rows_max * k->hidden);
	}
}

static void carve_backward(struct work *w, struct carve *c)
{
	const struct config *k = &w->m->config;
	struct grads_scratch *g = &w->g;
	size_t n = w->rows_max, d = k->hidden, f = w->mlp_width, mixed = mixed_width(w->m),
	       wide = 2 * k->heads * k->head_dim;
	size_t blocks = n / BLOCK_ROWS + 8;

	g->xn_attn = floats(c, n * d);
	g->xn_mlp = floats(c, n * d);
	g->h = floats(c, n * f);
	g->din = floats(c, n * d); /* recomputation writes here too */
	carve_experts(w, c);
	if (k->out_gate)
		g->wide = floats(c, n * (wide > mixed ? wide : mixed));
	for (size_t i = 0; w->dora && i < k->layers * MODEL_LINEARS; i++) {
		size_t out = w->m->layers[i / MODEL_LINEARS].lin[i % MODEL_LINEARS].w.rows;

		w->dora[i].squares = carve(c, out, sizeof(double));
		w->dora[i].inverse = floats(c, out);
		w->dora[i].gain = floats(c, out);
	}
	if (w->dora)
		g->z = floats(c, n * w->out_max);
	if (!w->any_trained)
		return;
	g->dout = floats(c, n * d);
	g->dmid = floats(c, n * d);
	g->dh = floats(c, n * (f > d ? f : d));
	if (gated(w))
		g->dgate = floats(c, n * f);
	g->dup = floats(c, n * f);
	g->datt = floats(c, n * mixed);
	g->dq = floats(c, n * given(w->m, MODEL_Q));
	g->dk = floats(c, n * given(w->m, MODEL_K));
	g->dv = floats(c, n * given(w->m, MODEL_V));
	g->ddecay = floats(c, n * k->delta.v_heads);
	if (k->out_gate)
		g->dout_gate = floats(c, n * k->heads * k->head_dim);
	if (k->family->post_attn || k->residual_scale != 1 || w->dora) {
		g->do_raw = floats(c, n * d);
		g->ddown_raw = floats(c, n * d);
	}
	if (w->dora)
		g->magnitudes = floats(c, blocks * MODEL_LINEARS * w->out_max);
	for (int j = 0; j < MODEL_LINEARS; j++)
		if (rank_of(w->m, j))
			g->du[j] = floats(c, n * rank_of(w->m, j));
	g->norms = floats(c, blocks * NORM_KINDS * 2 * w->norm_width);
}

/* Of the tables of angles: those of examples beyond the original context stand behind the others. */
static size_t table_rows(const struct work *w)
{
	return w->len_max * (work_is_long(w, w->len_max) ? 2 : 1);
}

static void carve_all(struct work *w, struct carve *c)
{
	const struct config *k = &w->m->config;
	size_t n = w->rows_max, half = k->rope_dims / 2;

	carve_layers(w, c);
	carve_backward(w, c);
	w->hidden = floats(c, n * k->hidden);
	for (int i = 0; i < 2 && k->rope != CONFIG_ROPE_NONE; i++) {
		w->cosines[i] = floats(c, table_rows(w) * half);
		w->sines[i] = floats(c, table_rows(w) * half);
	}
	w->hs = floats(c, n * k->hidden);
	w->hn = floats(c, n * k->hidden);
	w->final = norm_state(c, k, n);
	w->z = floats(c, w->chunk_rows * k->vocab);
	if (w->any_trained) {
		w->dhn = floats(c, n * k->hidden);
		w->dh_parts = floats(c, w->head_tiles * w->chunk_rows * k->hidden);
	}
	w->ids = carve(c, n, sizeof *w->ids);
	w->pos = carve(c, n, sizeof *w->pos);
	w->turns = carve(c, n, sizeof *w->turns);
	w->lengths = carve(c, n, sizeof *w->lengths);
	w->weights = floats(c, n);
	w->sup = carve(c, n, sizeof *w->sup);
	w->row_nll = carve(c, n, sizeof *w->row_nll);
	for (int i = 0; i < w->n_slots; i++)
		w->slots[i].mem = floats(c, w->slot_floats + w->drop_floats);
}

/* --- sizes --- */

static void most(size_t *x, size_t y)
{
	if (y > *x)
		*x = y;
}

static void describe_product(struct work *w, const struct model_linear *lin)
{
	most(&w->slot_floats, nn_mat_scratch(&lin->w));
	most(&w->out_max, lin->w.rows);
	if (lin->a)
		most(&w->slot_floats, nn_lora_scratch(lin->rank, lin->w.cols, lin->w.rows));
}

static void describe_mlp(struct work *w, const struct model_layer *y)
{
	const struct model_linear *up =
		y->experts ? &y->experts[0][MODEL_UP - MODEL_GATE] : &y->lin[MODEL_UP];

	most(&w->mlp_width, up->w.rows * (y->experts ? w->m->config.experts_used : 1));
}

/* All that does not depend on the group's size. */
static void describe(struct work *w, const struct model *m, struct pool *pool, size_t len_max)
{
	const struct config *k = &m->config;

	*w = (struct work){.m = m,
			   .pool = pool,
			   .kern = nn_kern(),
			   .len_max = len_max,
			   .first = k->layers};
	w->n_slots = pool_threads(pool);
	w->slots = mem_alloc((size_t)w->n_slots, sizeof *w->slots);
	w->acts = mem_alloc(k->layers, sizeof *w->acts);
	w->norm_width = k->hidden;
	most(&w->norm_width, k->delta.v_dim);
	most(&w->norm_width, k->qk_norm == CONFIG_QK_WHOLE ? k->heads * k->head_dim : k->head_dim);
	for (size_t i = 0; i < m->n_tensors; i++) {
		const struct model_tensor *t = &m->tensors[i];

		if (!t->trained)
			continue;
		w->any_trained = 1;
		if (t->layer >= 0 && (size_t)t->layer < w->first)
			w->first = (size_t)t->layer;
		if (t->role == MODEL_EMBED || t->role == MODEL_POSITION)
			w->embed_trained = 1;
	}
	if (w->embed_trained)
		w->first = 0;
	w->slot_floats = nn_attn_scratch(len_max, k->heads / k->kv_heads, k->head_dim);
	if (k->delta.k_heads)
		most(&w->slot_floats,
		     nn_delta_scratch(len_max, k->delta.k_dim, k->delta.v_dim, w->any_trained));
	for (size_t l = 0; l < k->layers; l++) {
		for (size_t j = 0; j < model_products(m, l); j++)
			if (model_product(m, l, j)->w.rows)
				describe_product(w, model_product(m, l, j));
		most(&w->slot_floats,
		     m->layers[l].experts ? nn_mat_scratch(&m->layers[l].router.w) : 0);
		describe_mlp(w, &m->layers[l]);
	}
	most(&w->slot_floats, nn_mat_scratch(&m->head));
	most(&w->slot_floats, nn_mat_scratch(model_base_head(m)));
	if (m->adapter && m->adapter->dora)
		w->dora = mem_alloc(k->layers * MODEL_LINEARS, sizeof *w->dora);
	if (m->adapter && m->adapter->dropout > 0) {
		w->drop_floats = k->hidden > w->mlp_width ? k->hidden : w->mlp_width;
		most(&w->drop_floats, mixed_width(m));
		w->drop_floats *= DROP_ROWS;
	}
	w->head_tiles = k->vocab < HEAD_TILES * 64 ? 1 : HEAD_TILES;
	w->tile_rows = (k->vocab + w->head_tiles - 1) / w->head_tiles;
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t all_layers(const struct work *w)
{
	return w->m->config.layers - w->first;
}

/* again: how many layers, from the lowest trained one up, do not keep their activations. */
static size_t bytes_for(struct work *w, size_t rows, size_t again)
{
	struct carve c = {NULL, 0};
	size_t logits = LOGIT_BYTES / 4 / w->m->config.vocab;

	w->rows_max = rows;
	w->kept = w->first + again;
	w->chunk_rows = logits < 64 ? 64 : logits;
	if (w->chunk_rows > rows)
		w->chunk_rows = rows;
	carve_all(w, &c);
	return c.used;
}

size_t work_bytes(const struct model *m, size_t n, size_t max, size_t again)
{
	struct work w;
	size_t bytes;

	describe(&w, m, NULL, max);
	bytes = bytes_for(&w, n, smaller(again, all_layers(&w)));
	free(w.dora);
	free(w.slots);
	free(w.acts);
	return bytes;
}

/* Most rows, by doubling and halving, whose buffers fit in bytes; 0 where not even `least` do. */
static size_t rows_that_fit(struct work *w, size_t bytes, size_t least, size_t again)
{
	size_t lo = least, hi = GROUP_MAX > least ? GROUP_MAX : least;

	if (bytes_for(w, least, again) > bytes)
		return 0;
	while (hi - lo > 64) {
		size_t mid = lo + (hi - lo) / 2;

		if (bytes_for(w, mid, again) <= bytes)
			lo = mid;
		else
			hi = mid;
	}
	return bytes_for(w, hi, again) <= bytes ? hi : lo;
}

/* Rows that make efficient products, no more than come at once, no fewer than one example's. */
static size_t good_rows(const struct work *w, const struct work_spec *s)
{
	size_t n = s->most_tokens ? smaller(s->most_tokens, GROUP_MIN) : GROUP_MIN;

	return n > w->len_max ? n : w->len_max;
}

/* The fewest layers to compute again with which that many rows fit. They do with all. */
static size_t fewest_again(struct work *w, size_t rows, size_t bytes)
{
	size_t again = all_layers(w);

	while (again > 0 && bytes_for(w, rows, again - 1) <= bytes)
		again--;
	return again;
}

static int choose_size(struct work *w, const struct work_spec *s, struct err *e)
{
	size_t least = w->len_max, good = good_rows(w, s), rows = 0, all = all_layers(w), again = 0,
	       limit = s->memory ? s->memory : SIZE_MAX;
	int whole = s->checkpoint <= 0 && bytes_for(w, good, 0) <= limit;

	if (whole) {
		rows = rows_that_fit(w, smaller(limit, COMFORT_BYTES), good, 0);
		rows = rows ? rows : good; /* more than comfortable, but efficient */
	} else if (s->checkpoint < 0) {
		rows = rows_that_fit(w, limit, least, 0);
	} else if (s->checkpoint == 0 && bytes_for(w, good, all) <= limit) {
		rows = good;
		again = fewest_again(w, good, limit);
	} else {
		again = all;
		rows = rows_that_fit(w, smaller(limit, COMFORT_BYTES), good, all);
		if (rows == 0)
			rows = bytes_for(w, good, all) <= limit
				       ? good
				       : rows_that_fit(w, limit, least, all);
	}
	if (rows == 0)
		return err_set(e,
			       "an example of %zu tokens needs %zu MiB of memory beside the weights, and %zu MiB are allowed",
			       w->len_max,
			       (bytes_for(w, least, s->checkpoint < 0 ? 0 : all) >> 20) + 1,
			       limit >> 20);
	bytes_for(w, rows, again);
	return 0;
}

static void fill_rope(struct work *w)
{
	const struct config *k = &w->m->config;
	size_t behind = w->len_max * (k->rope_dims / 2);

	for (int i = 0; i < 2 && k->rope != CONFIG_ROPE_NONE; i++) {
		config_rope_rows(k, i ? CONFIG_ANGLES_LOCAL : CONFIG_ANGLES, 0, w->len_max,
				 w->cosines[i], w->sines[i]);
		if (work_is_long(w, w->len_max))
			config_rope_rows(k, CONFIG_ANGLES_LONG, 0, w->len_max,
					 w->cosines[i] + behind, w->sines[i] + behind);
	}
}

int work_new(struct work **out, const struct model *m, struct pool *pool,
	     const struct work_spec *spec, struct err *e)
{
	struct work *w = mem_alloc(1, sizeof *w);
	struct carve c = {NULL, 0};

	*out = NULL;
	if (nn_reserve(pool_threads(pool), e)) {
		free(w);
		return -1;
	}
	describe(w, m, pool, spec->max_tokens ? spec->max_tokens : 1);
	w->half = spec->half;
	if (choose_size(w, spec, e)) {
		work_free(w);
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

void work_free(struct work *w)
{
	if (!w)
		return;
	free(w->segments);
	free(w->dora);
	free(w->slots);
	free(w->acts);
	free(w->arena);
	free(w);
}

void work_noise(struct work *w, double neftune_alpha, uint64_t seed)
{
	w->neftune_alpha = neftune_alpha;
	w->noise_seed = seed;
}

const struct nn_bf16 *work_half(const struct work *w)
{
	return w->half;
}

size_t work_rows(const struct work *w)
{
	return w->rows_max;
}

size_t work_again(const struct work *w)
{
	return w->kept > w->first ? w->kept - w->first - 1 : 0;
}

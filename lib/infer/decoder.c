/* What a decoder holds: weights packed, and room for one step. See decoder.h; the step itself is in
 * decoder_step.c. */
#include <stdlib.h>
#include "../base/mem.h"
#include "../model/adapter.h"
#include "../model/quantize.h"
#include "decoder_impl.h"

/* --- weights --- */

/* MXFP4 stays what it is, which loses nothing. "As the file has them": bf16 stays, f16 becomes f32, which holds it exactly. */
static enum nn_type held(enum nn_type type, enum nn_type stored, enum model_role role, int tied,
			 size_t cols)
{
	if (stored == NN_MXFP4)
		return stored;
	if (type == NN_F16)
		return stored == NN_F16 || !nn_type_fits(stored, cols) ? NN_F32 : stored;
	return quantize_held_as(type, role, tied, cols);
}

struct packing {
	struct nn_pack *to;
	const struct nn_mat *from; /* or */
	const float *values;
};

static void pack_panel(void *arg, size_t panel)
{
	const struct packing *p = arg;
	size_t first = panel * NN_PANEL, cols = p->to->cols;
	float *row = mem_alloc(cols, sizeof *row);
	void *scratch = mem_alloc(cols, sizeof(float) + 2);

	for (size_t r = first; r < first + NN_PANEL && r < p->to->rows; r++) {
		if (p->values)
			nn_pack_row(p->to, r, p->values + r * cols, scratch);
		else {
			nn_mat_rows(row, p->from, r, 1);
			nn_pack_row(p->to, r, row, scratch);
		}
	}
	free(row);
	free(scratch);
}

static int pack(struct decoder *d, struct nn_pack *to, enum nn_type type, const struct nn_mat *from,
		const float *values, struct err *e)
{
	struct packing p = {to, from, values};

	if (nn_pack_init(to, type, from->rows, from->cols, &d->weights))
		return err_set(e, "a matrix of %zu x %zu cannot be held as %s", from->rows,
			       from->cols, nn_type_name(type));
	pool_run(d->pool, nn_pack_panels(to), pack_panel, &p);
	model_forget(d->m, from->data, from->rows * nn_row_bytes(from->type, from->cols));
	if (type == NN_Q8_0 || type == NN_Q4_0)
		d->quantised = 1;
	return 0;
}

static enum nn_type held_linear(const struct decoder *d, const struct model_linear *lin,
				enum nn_type type)
{
	return held(type, lin->w.type, MODEL_WEIGHT, d->m->t_head == d->m->t_embed, lin->w.cols);
}

static int pack_linear(struct decoder *d, struct nn_pack *to, const struct model_linear *lin,
		       enum nn_type type, int unmerged, struct err *e)
{
	float *values = NULL;
	int rc;

	if (lin->a && !unmerged) {
		values = mem_alloc(lin->w.rows * lin->w.cols, sizeof *values);
		model_linear_values(lin, 1, values);
	}
	rc = pack(d, to, held_linear(d, lin, type), &lin->w, values, e);
	free(values);
	return rc;
}

/* Experts that stay as the model has them are read where they stand, those that are chosen alone;
 * others are packed. */
static int pack_experts(struct decoder *d, size_t l, enum nn_type type, int unmerged, struct err *e)
{
	const struct model_layer *y = &d->m->layers[l];
	size_t n = d->m->config.experts;

	d->experts[l] = mem_alloc(n, sizeof *d->experts[l]);
	d->routers[l] = mem_alloc(n * y->router.w.cols, sizeof **d->routers);
	nn_mat_rows(d->routers[l], &y->router.w, 0, n);
	for (size_t x = 0; x < n; x++)
		for (int j = 0; j < MODEL_EXPERT_LINEARS; j++) {
			const struct model_linear *lin = &y->experts[x][j];

			if (lin->a && unmerged)
				return err_set(e, "an adapter over experts is only applied merged");
			if (lin->w.rows && (lin->a || held_linear(d, lin, type) != lin->w.type) &&
			    pack_linear(d, &d->experts[l][x][j], lin, type, unmerged, e))
				return -1;
			if (lin->w.cols > d->expert_cols)
				d->expert_cols = lin->w.cols;
		}
	return 0;
}

/* The adapter of a linear as matrices of its own, in f32 whatever the base is held as. */
static int pack_adapter(struct decoder *d, size_t l, int i, struct err *e)
{
	const struct model_linear *lin = &d->m->layers[l].lin[i];
	const struct nn_mat a = {NN_F32, lin->rank, lin->w.cols, lin->a},
			    b = {NN_F32, lin->w.rows, lin->rank, lin->b};
	float *scaled = mem_alloc(b.rows * b.cols, sizeof *scaled);
	int bad;

	for (size_t k = 0; k < b.rows * b.cols; k++)
		scaled[k] = lin->b[k] * lin->scale;
	bad = pack(d, &d->adapted[l][i].a, NN_F32, &a, NULL, e) ||
	      pack(d, &d->adapted[l][i].b, NN_F32, &b, scaled, e);
	free(scaled);
	return bad ? -1 : 0;
}

static int pack_all(struct decoder *d, enum nn_type type, int unmerged, struct err *e)
{
	const struct model *m = d->m;
	int tied = m->t_head == m->t_embed;

	if (unmerged && m->adapter && m->adapter->dora)
		return err_set(e,
			       "a DoRA adapter sets the length of whole rows, so it is only applied merged");
	d->lin = mem_alloc(m->config.layers, sizeof *d->lin);
	if (unmerged && m->adapter)
		d->adapted = mem_alloc(m->config.layers, sizeof *d->adapted);
	d->experts = mem_alloc(m->config.layers, sizeof *d->experts);
	d->routers = mem_alloc(m->config.layers, sizeof *d->routers);
	for (size_t l = 0; l < m->config.layers; l++) {
		for (int i = 0; i < MODEL_LINEARS; i++)
			if (m->layers[l].lin[i].w.rows > 0 &&
			    (pack_linear(d, &d->lin[l][i], &m->layers[l].lin[i], type, unmerged,
					 e) ||
			     (d->adapted && m->layers[l].lin[i].a && pack_adapter(d, l, i, e))))
				return -1;
		if (m->layers[l].experts && pack_experts(d, l, type, unmerged, e))
			return -1;
	}
	d->embed_type = held(type, m->embed.type, MODEL_EMBED, tied, m->embed.cols);
	return pack(d, &d->head, held(type, m->head.type, MODEL_HEAD, tied, m->head.cols), &m->head,
		    NULL, e);
}

static void rows_init(struct nn_rows *r, size_t n, size_t cols, int quantised)
{
	r->ld = cols;
	r->x = mem_aligned(n * cols, sizeof *r->x);
	if (quantised) {
		r->ldq = (cols + 31) / 32 * 32;
		r->q = mem_aligned(n, r->ldq);
		r->d = mem_aligned(n * (r->ldq / 32), sizeof *r->d);
		r->sum = mem_aligned(n * (r->ldq / 32), sizeof *r->sum);
	}
}

static void rows_release(struct nn_rows *r)
{
	free(r->x);
	free(r->q);
	free(r->d);
	free(r->sum);
}

static void experts_init(struct decoder *d, const struct config *c)
{
	size_t picks = d->max_rows * c->experts_used;

	d->scores = mem_aligned(d->max_rows * c->experts, sizeof *d->scores);
	d->share = mem_aligned(picks, sizeof *d->share);
	d->chosen = mem_alloc(picks, sizeof *d->chosen);
	d->place = mem_alloc(picks, sizeof *d->place);
	d->pick = mem_alloc(picks, sizeof *d->pick);
	d->first = mem_alloc(c->experts + 1, sizeof *d->first);
	d->active = mem_alloc(c->experts, sizeof *d->active);
	rows_init(&d->eh, picks, c->expert_ffn, d->quantised);
	d->ey = mem_aligned(picks * c->hidden, sizeof *d->ey);
}

static void experts_release(struct decoder *d)
{
	for (size_t l = 0; d->experts && l < d->m->config.layers; l++) {
		free(d->experts[l]);
		free(d->routers[l]);
	}
	free(d->experts);
	free(d->routers);
	free(d->scores);
	free(d->share);
	free(d->chosen);
	free(d->place);
	free(d->pick);
	free(d->first);
	free(d->active);
	rows_release(&d->eh);
	free(d->ey);
}

static void most(size_t *x, size_t y)
{
	*x = y > *x ? y : *x;
}

int decoder_new(struct decoder **out, const struct model *m, enum nn_type type, int unmerged,
		size_t max_rows, struct pool *pool, struct err *e)
{
	const struct config *c = &m->config;
	struct decoder *d = mem_alloc(1, sizeof *d);

	*out = d;
	d->m = m;
	d->pool = pool;
	d->threads = pool_threads(pool);
	d->k = nn_kern();
	d->pk = nn_pack_kern();
	d->max_rows = max_rows;
	if (pack_all(d, type, unmerged, e)) {
		decoder_free(d);
		*out = NULL;
		return -1;
	}
	for (size_t l = 0; l < c->layers; l++) {
		const struct model_linear *lin = m->layers[l].lin;

		most(&d->q_size, lin[MODEL_Q].w.rows);
		most(&d->kv_size, lin[MODEL_K].w.rows);
		most(&d->kv_size, lin[MODEL_V].w.rows);
		most(&d->mixed_size, lin[MODEL_O].w.cols);
	}
	d->x = mem_aligned(max_rows * c->hidden, sizeof *d->x);
	d->t = mem_aligned(max_rows * c->hidden, sizeof *d->t);
	d->q = mem_aligned(max_rows * d->q_size, sizeof *d->q);
	d->kx = mem_aligned(max_rows * d->kv_size, sizeof *d->kx);
	d->vx = mem_aligned(max_rows * d->kv_size, sizeof *d->vx);
	rows_init(&d->norm, max_rows, c->hidden, d->quantised);
	if (c->delta.k_heads)
		d->decay = mem_aligned(max_rows * c->delta.v_heads, sizeof *d->decay);
	if (c->out_gate)
		d->out_gate = mem_aligned(max_rows * c->heads * c->head_dim, sizeof *d->out_gate);
	rows_init(&d->attn, max_rows, d->mixed_size, d->quantised);
	rows_init(&d->h, max_rows, c->ffn, d->quantised);
	rows_init(&d->last, max_rows, c->hidden, d->quantised);
	if (c->experts)
		experts_init(d, c);
	for (int i = 0; d->adapted && i < MODEL_LINEARS; i++) {
		size_t rank = 0;

		for (size_t l = 0; l < c->layers; l++)
			rank = m->layers[l].lin[i].rank > rank ? m->layers[l].lin[i].rank : rank;
		rows_init(&d->u[i], max_rows, rank, 0);
	}
	d->position = mem_alloc(max_rows, sizeof *d->position);
	d->scratch = mem_alloc((size_t)d->threads, sizeof *d->scratch);
	return 0;
}

void decoder_free(struct decoder *d)
{
	if (!d)
		return;
	large_release(&d->weights);
	experts_release(d);
	for (int i = 0; d->scratch && i < d->threads; i++)
		free(d->scratch[i]);
	rows_release(&d->norm);
	rows_release(&d->attn);
	rows_release(&d->h);
	rows_release(&d->last);
	for (int i = 0; i < MODEL_LINEARS; i++)
		rows_release(&d->u[i]);
	free(d->lin);
	free(d->adapted);
	free(d->x);
	free(d->t);
	free(d->q);
	free(d->kx);
	free(d->vx);
	free(d->decay);
	free(d->out_gate);
	free(d->position);
	free(d->cos);
	free(d->sin);
	free(d->cos_local);
	free(d->sin_local);
	free(d->cos_long);
	free(d->sin_long);
	free(d->scratch);
	free(d);
}

size_t decoder_max_rows(const struct decoder *d)
{
	return d->max_rows;
}

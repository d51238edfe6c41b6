/* Rows of a step through a layer's experts: only those that some row has chosen are read.
 *
 * Weights that stay as the model has them are decoded a row at a time and met by each of the rows
 * that go to their expert; what comes out is one sum by itself, as it is with packed ones, so a
 * row's result does not depend on those beside it.
 */
#include <string.h>
#include "../nn/choose.h"
#include "../model/activate.h"
#include "decoder_impl.h"

static void choose_row(const struct worker *me, size_t i)
{
	const struct decoder *d = me->s->d;
	const struct config *c = &d->m->config;
	const struct model_linear *router = &d->m->layers[me->layer].router;
	float *scores = d->scores + i * c->experts;
	size_t k = c->experts_used;

	for (size_t x = 0; x < c->experts; x++)
		scores[x] = d->k->dot(d->routers[me->layer] + x * c->hidden,
				      d->norm.x + i * d->norm.ld, c->hidden);
	if (router->bias)
		d->k->add(scores, router->bias, c->experts);
	nn_choose(d->chosen + i * k, d->share + i * k, scores, c->experts, k, c->experts_normed);
}

static void sort_piece(const struct worker *me, size_t i)
{
	struct decoder *d = me->s->d;
	const struct config *c = &d->m->config;

	(void)i;
	nn_choose_sort(d->place, d->pick, d->first, d->chosen, me->s->n * c->experts_used,
		       c->experts);
	d->n_active = 0;
	for (size_t x = 0; x < c->experts; x++)
		if (d->first[x + 1] > d->first[x])
			d->active[d->n_active++] = (int32_t)x;
}

/* Row of x that place p reads: the output of the expert's own gate, or the normed row. */
static size_t row_of(const struct decoder *d, int j, size_t p)
{
	return j == MODEL_DOWN - MODEL_GATE ? p : (size_t)d->pick[p] / d->m->config.experts_used;
}

/* y [n][NN_PANEL] = a panel of product j of expert x for the places p.. */
static void product(const struct worker *me, float *y, size_t x, int j, size_t panel, size_t p,
		    size_t n, float *scratch)
{
	const struct decoder *d = me->s->d;
	const struct model_linear *lin = &d->m->layers[me->layer].experts[x][j];
	const struct nn_pack *packed = &d->experts[me->layer][x][j];
	const struct nn_rows *in = j == MODEL_DOWN - MODEL_GATE ? &d->eh : &d->norm;
	size_t first = panel * NN_PANEL,
	       width = lin->w.rows - first < NN_PANEL ? lin->w.rows - first : NN_PANEL;

	for (size_t r = 0; packed->data && r < n; r++)
		nn_pack_mul(y + r * NN_PANEL, NN_PANEL, in, row_of(d, j, p + r), 1, packed, panel,
			    0);
	for (size_t o = 0; !packed->data && o < width; o++) {
		nn_mat_rows(scratch, &lin->w, first + o, 1);
		for (size_t r = 0; r < n; r++)
			y[r * NN_PANEL + o] =
				d->k->dot(scratch, in->x + row_of(d, j, p + r) * in->ld,
					  lin->w.cols);
	}
	for (size_t r = 0; r < n; r++) {
		model_add_bias(lin, y + r * NN_PANEL, first, width);
		if (lin->extra)
			d->k->axpy(y + r * NN_PANEL, lin->scale, lin->extra + first, width);
	}
}

static size_t panels(const struct worker *me, int j)
{
	const struct model_linear *lin = &me->s->d->m->layers[me->layer].experts[0][j];

	return (lin->w.rows + NN_PANEL - 1) / NN_PANEL;
}

/* A panel of gate and up of an expert for all of its places, up to what down reads. */
static void up_piece(const struct worker *me, size_t i)
{
	struct decoder *d = me->s->d;
	size_t per = panels(me, MODEL_UP - MODEL_GATE), x = (size_t)d->active[i / per],
	       panel = i % per, f = d->m->config.expert_ffn, first = panel * NN_PANEL,
	       width = f - first < NN_PANEL ? f - first : NN_PANEL;
	float *g = me->scratch, *u = g + ROW_BLOCK * NN_PANEL, *row = u + ROW_BLOCK * NN_PANEL;

	for (size_t p = d->first[x], n; p < d->first[x + 1]; p += n) {
		n = d->first[x + 1] - p < ROW_BLOCK ? d->first[x + 1] - p : ROW_BLOCK;
		product(me, g, x, 0, panel, p, n, row);
		product(me, u, x, MODEL_UP - MODEL_GATE, panel, p, n, row);
		for (size_t r = 0; r < n; r++)
			model_activate(&d->m->config, d->k, d->eh.x + (p + r) * d->eh.ld + first,
				       g + r * NN_PANEL, u + r * NN_PANEL, width);
	}
}

static void prepare_place(const struct worker *me, size_t p)
{
	decoder_prepare(me->s->d, &me->s->d->eh, p);
}

static void down_piece(const struct worker *me, size_t i)
{
	struct decoder *d = me->s->d;
	size_t per = panels(me, MODEL_DOWN - MODEL_GATE), x = (size_t)d->active[i / per],
	       panel = i % per, w = d->m->config.hidden, first = panel * NN_PANEL,
	       width = w - first < NN_PANEL ? w - first : NN_PANEL;
	float *y = me->scratch, *row = y + 2 * ROW_BLOCK * NN_PANEL;

	for (size_t p = d->first[x], n; p < d->first[x + 1]; p += n) {
		n = d->first[x + 1] - p < ROW_BLOCK ? d->first[x + 1] - p : ROW_BLOCK;
		product(me, y, x, MODEL_DOWN - MODEL_GATE, panel, p, n, row);
		for (size_t r = 0; r < n; r++)
			memcpy(d->ey + (p + r) * w + first, y + r * NN_PANEL, width * sizeof *y);
	}
}

static void add_row(const struct worker *me, size_t i)
{
	struct decoder *d = me->s->d;
	const struct config *c = &d->m->config;

	for (size_t pick = i * c->experts_used, j = 0; j < c->experts_used; j++, pick++)
		d->k->axpy(d->x + i * c->hidden, c->residual_scale * d->share[pick],
			   d->ey + (size_t)d->place[pick] * c->hidden, c->hidden);
}

void decoder_experts(struct worker *me)
{
	struct step *s = me->s;
	struct decoder *d = s->d;

	decoder_each(me, s->n, choose_row);
	decoder_each(me, 1, sort_piece);
	decoder_each(me, d->n_active * panels(me, MODEL_UP - MODEL_GATE), up_piece);
	if (d->quantised)
		decoder_each(me, s->n * d->m->config.experts_used, prepare_place);
	decoder_each(me, d->n_active * panels(me, MODEL_DOWN - MODEL_GATE), down_piece);
	decoder_each(me, s->n, add_row);
}

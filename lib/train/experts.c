/* Experts in the place of a layer's MLP, forward and backward: each row goes through a few of them.
 *
 * Rows choose in blocks; then their picks are put in the order of experts, so that what goes through
 * one expert stands together and is one product with each of its matrices. An expert's places are
 * cut into pieces by their number alone. What a row gets is summed up in the order of its choice.
 */
#include <string.h>
#include "../nn/choose.h"
#include "../nn/thin.h"
#include "../model/activate.h"
#include "gradient_impl.h"

struct task {
	struct work *w;
	size_t l;
	int down;
};

/* --- choosing --- */

void work_experts_choose(const struct block *b)
{
	struct work *w = b->w;
	const struct config *c = &w->m->config;
	const struct model_linear *router = &w->m->layers[b->l].router;
	struct routing *r = &w->acts[b->l].route;
	size_t n = c->experts, k = c->experts_used;
	float *scores = at(r->probs, b->row, n);

	nn_mat_mul(scores, n, at(w->g.xn_mlp, b->row, c->hidden), c->hidden, b->n, &router->w, 0,
		   NULL, b->scratch);
	for (size_t i = 0; i < b->n; i++) {
		if (router->bias)
			w->kern->add(scores + i * n, router->bias, n);
		nn_choose(r->chosen + (b->row + i) * k, r->share + (b->row + i) * k, scores + i * n,
			  n, k, c->experts_normed);
	}
}

/* Puts the picks in order of their experts, and cuts those into pieces. */
static void sort(struct work *w, size_t l)
{
	const struct config *c = &w->m->config;
	struct routing *r = &w->acts[l].route;

	nn_choose_sort(r->place, r->pick, r->first, r->chosen, w->n * c->experts_used, c->experts);
	w->n_pieces = 0;
	for (size_t x = 0; x < c->experts; x++)
		for (size_t p = r->first[x]; p < r->first[x + 1]; p += EXPERT_ROWS) {
			size_t n = r->first[x + 1] - p;

			w->pieces[w->n_pieces++] =
				(struct expert_piece){(int)x, p, n < EXPERT_ROWS ? n : EXPERT_ROWS};
		}
}

static struct block take_piece(struct work *w, size_t l, size_t i)
{
	const struct expert_piece *p = &w->pieces[i];
	struct block b = {.w = w, .l = l, .i = i, .expert = p->expert, .row = p->place, .n = p->n};

	b.scratch = work_slot_take(w, &b.slot);
	return b;
}

/* Row of the group that stands in the block's place i. */
static size_t row_of(const struct block *b, size_t i)
{
	return (size_t)b->w->acts[b->l].route.pick[b->row + i] / b->w->m->config.experts_used;
}

/* to [n, d] = the block's rows of from [n of the group, d]. */
static void collect(const struct block *b, float *to, const float *from)
{
	size_t d = b->w->m->config.hidden;

	for (size_t i = 0; i < b->n; i++)
		memcpy(to + i * d, from + row_of(b, i) * d, d * sizeof *to);
}

/* --- forward --- */

static void forward_piece(void *arg, size_t i)
{
	const struct task *t = arg;
	struct work *w = t->w;
	struct block b = take_piece(w, t->l, i);
	const struct model_linear *lin = w->m->layers[t->l].experts[b.expert];
	struct acts *a = &w->acts[t->l];
	size_t d = w->m->config.hidden, f = w->m->config.expert_ffn,
	       up = lin[MODEL_UP - MODEL_GATE].w.rows;
	float *xe = at(w->g.xe, b.row, d), *gate = at(a->gate, b.row, f),
	      *ups = at(a->up, b.row, up), *h = at(w->g.h, b.row, f);

	collect(&b, xe, w->g.xn_mlp);
	if (lin[0].w.rows)
		work_product(&b, MODEL_GATE, gate, xe, 0);
	work_product(&b, MODEL_UP, ups, xe, 0);
	if (t->down) {
		model_activate(&w->m->config, w->kern, h, gate, ups, b.n * f);
		work_product(&b, MODEL_DOWN, at(w->g.ye, b.row, d), h, 0);
	}
	work_block_give(&b);
}

void work_experts_forward(struct work *w, size_t l, int down)
{
	struct task t = {w, l, down};

	sort(w, l);
	pool_run(w->pool, w->n_pieces, forward_piece, &t);
}

void work_experts_add(const struct block *b, float *out, const float *in)
{
	struct work *w = b->w;
	const struct config *c = &w->m->config;
	const struct routing *r = &w->acts[b->l].route;
	size_t d = c->hidden, k = c->experts_used;

	memcpy(out, in, b->n * d * sizeof *out);
	for (size_t i = 0; i < b->n; i++)
		for (size_t pick = (b->row + i) * k, j = 0; j < k; j++, pick++)
			w->kern->axpy(out + i * d, c->residual_scale * r->share[pick],
				      w->g.ye + (size_t)r->place[pick] * d, d);
}

/* --- backward --- */

/* The gradient by a place's share is that by the expert's output times this output: dh times h and
 * what the biases of down add. Then all that is behind it is scaled by the share. */
static void share_back(const struct block *b, const float *h, float *dh, float *dy)
{
	struct work *w = b->w;
	const struct model_linear *down =
		&w->m->layers[b->l].experts[b->expert][MODEL_DOWN - MODEL_GATE];
	const struct routing *r = &w->acts[b->l].route;
	size_t d = w->m->config.hidden, f = w->m->config.expert_ffn;
	float *du = w->base_only || !down->a ? NULL : w->g.due[MODEL_DOWN - MODEL_GATE];

	for (size_t i = 0; i < b->n; i++) {
		size_t pick = (size_t)r->pick[b->row + i];
		float share = r->share[pick], sum = w->kern->dot(dh + i * f, h + i * f, f);

		if (down->bias)
			sum += w->kern->dot(dy + i * d, down->bias, d);
		if (du && down->extra)
			sum += down->scale * w->kern->dot(dy + i * d, down->extra, d);
		w->g.dshare[pick] = sum;
		w->kern->scale(dh + i * f, share, f);
		w->kern->scale(dy + i * d, share, d);
		if (du)
			w->kern->scale(du + (b->row + i) * down->rank, share, down->rank);
	}
}

static void backward_piece(void *arg, size_t i)
{
	const struct task *t = arg;
	struct work *w = t->w;
	struct block b = take_piece(w, t->l, i);
	const struct model_linear *lin = w->m->layers[t->l].experts[b.expert];
	struct acts *a = &w->acts[t->l];
	struct grads_scratch *g = &w->g;
	size_t d = w->m->config.hidden, f = w->m->config.expert_ffn,
	       up = lin[MODEL_UP - MODEL_GATE].w.rows;
	float *xe = at(g->xe, b.row, d), *dxe = at(g->dxe, b.row, d), *dy = at(g->ye, b.row, d),
	      *h = at(g->h, b.row, f), *dh = at(g->dh, b.row, f);
	float *gate = at(a->gate, b.row, f), *ups = at(a->up, b.row, up),
	      *dgate = at(g->dgate, b.row, f), *dup = at(g->dup, b.row, up);

	collect(&b, xe, g->xn_mlp);
	collect(&b, dy, g->dout);
	if (w->m->config.residual_scale != 1)
		w->kern->scale(dy, w->m->config.residual_scale, b.n * d);
	model_activate(&w->m->config, w->kern, h, gate, ups, b.n * f);
	work_product_in(&b, MODEL_DOWN, h);
	work_product_back(&b, MODEL_DOWN, dy, h);
	work_product_down(&b, MODEL_DOWN, dh, dy, 0);
	share_back(&b, h, dh, dy);
	model_activate_back(&w->m->config, w->kern, dgate, dup, dh, gate, ups, b.n * f);
	work_product_in(&b, MODEL_UP, xe);
	work_product_back(&b, MODEL_UP, dup, xe);
	work_product_down(&b, MODEL_UP, dxe, dup, 0);
	if (lin[0].w.rows) {
		work_product_in(&b, MODEL_GATE, xe);
		work_product_back(&b, MODEL_GATE, dgate, xe);
		work_product_down(&b, MODEL_GATE, dxe, dgate, 1);
	}
	work_block_give(&b);
}

void work_experts_backward(struct work *w, size_t l)
{
	struct task t = {w, l, 0};

	sort(w, l);
	pool_run(w->pool, w->n_pieces, backward_piece, &t);
}

void work_experts_gather(const struct block *b, float *dxn)
{
	struct work *w = b->w;
	const struct config *c = &w->m->config;
	const struct routing *r = &w->acts[b->l].route;
	size_t d = c->hidden, n = c->experts, k = c->experts_used;
	float *dscores = at(w->g.dscores, b->row, n);

	for (size_t i = 0, row = b->row; i < b->n; i++, row++)
		nn_choose_back(dscores + i * n, w->g.dshare + row * k, r->probs + row * n,
			       r->chosen + row * k, r->share + row * k, n, k, c->experts_normed);
	nn_mat_mul_back(dxn, d, dscores, n, b->n, &w->m->layers[b->l].router.w, 0, NULL,
			b->scratch);
	for (size_t i = 0; i < b->n; i++)
		for (size_t j = 0; j < k; j++)
			w->kern->add(dxn + i * d,
				     w->g.dxe + (size_t)r->place[(b->row + i) * k + j] * d, d);
}

/* --- weights --- */

/* Gradients of product j of an expert, over all of its places. */
static void product_weights(struct block *b, int j, const float *x, const float *dy)
{
	struct work *w = b->w;
	const struct model_linear *lin = &w->m->layers[b->l].experts[b->expert][j - MODEL_GATE];
	size_t in = lin->w.cols, out = lin->w.rows;
	float *dw = work_grad(w, lin->t_w), *bias = work_grad(w, lin->t_bias);

	x += b->row * in;
	dy += b->row * out;
	if (dw)
		nn_mat_grad(dw + lin->row0 * in, in * (lin->step ? lin->step : 1), dy, out, x, in,
			    b->n, out, in, w->half);
	for (size_t i = 0; bias && i < b->n; i++)
		for (size_t o = 0; o < out; o++)
			bias[lin->row0 + o * (lin->step ? lin->step : 1)] += dy[i * out + o];
	if (!work_grad(w, lin->t_a) || w->base_only)
		return;
	work_adapter_in_back(b, j, x);
	nn_lora_b_back(work_grad(w, lin->t_b), dy, w->g.ue[j - MODEL_GATE] + b->row * lin->rank,
		       lin->scale, b->n, out, lin->rank, b->scratch);
}

static void weights_piece(void *arg, size_t x)
{
	const struct task *t = arg;
	struct work *w = t->w;
	const struct routing *r = &w->acts[t->l].route;
	struct block b = {.w = w, .l = t->l, .expert = (int)x, .row = r->first[x]};

	b.n = r->first[x + 1] - b.row;
	if (b.n == 0)
		return;
	b.scratch = work_slot_take(w, &b.slot);
	if (w->m->layers[t->l].experts[x][0].w.rows)
		product_weights(&b, MODEL_GATE, w->g.xe, w->g.dgate);
	product_weights(&b, MODEL_UP, w->g.xe, w->g.dup);
	product_weights(&b, MODEL_DOWN, w->g.h, w->g.ye);
	work_block_give(&b);
}

void work_experts_weights(struct work *w, size_t l)
{
	const struct model_linear *router = &w->m->layers[l].router;
	struct task t = {w, l, 0};
	size_t d = w->m->config.hidden, n = w->m->config.experts;
	float *dw = work_grad(w, router->t_w), *bias = work_grad(w, router->t_bias);

	pool_run(w->pool, n, weights_piece, &t);
	if (dw)
		nn_gemm(1, 0, n, d, w->n, 1, w->g.dscores, n, w->g.xn_mlp, d, 1, dw, d);
	for (size_t i = 0; bias && i < w->n; i++)
		w->kern->add(bias, w->g.dscores + i * n, n);
}

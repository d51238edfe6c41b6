/* One layer of the decoder over all rows of a group, forward and backward side by side.
 *
 * Work goes in phases with nothing but a barrier between them: what concerns each row alone runs
 * over blocks of rows, attention over (example, head of keys), gradients of weights over pieces of
 * their output rows with all rows of the group summed in one product. Blocks and pieces follow from
 * the sizes alone, so that sums come out the same for any number of threads.
 */
#include <math.h>
#include <string.h>
#include "../nn/thin.h"
#include "../model/activate.h"
#include "gradient_impl.h"

/* output rows of a weight whose gradient is one piece of work, at least */
#define WEIGHT_PIECE ((size_t)256)
#define WEIGHT_PIECES 64 /* of one weight, at most */

struct task {
	struct work *w;
	size_t l;
};

void work_norm(const struct work *w, float *y, struct mean_rstd s, size_t row, const float *x,
	       const struct model_norm *p, size_t n, size_t d)
{
	const struct config *c = &w->m->config;

	if (!p->w)
		memcpy(y, x, n * d * sizeof *y);
	else if (c->norm == CONFIG_RMS)
		w->kern->rms(y, s.rstd + row, x, p->w, p->plus, c->norm_eps, n, d);
	else
		w->kern->layernorm(y, s.mean + row, s.rstd + row, x, p->w, p->b, c->norm_eps, n, d);
}

void work_norm_back(const struct work *w, float *dx, float *dw, float *db, const float *dy,
		    const float *x, const struct model_norm *p, struct mean_rstd s, size_t row,
		    size_t n, size_t d)
{
	const struct config *c = &w->m->config;

	if (!p->w)
		w->kern->add(dx, dy, n * d);
	else if (c->norm == CONFIG_RMS)
		w->kern->rms_back(dx, dw, dy, x, p->w, p->plus, s.rstd + row, n, d);
	else
		w->kern->layernorm_back(dx, dw, db, dy, x, p->w, s.mean + row, s.rstd + row, n, d);
}

/* --- forward --- */

/* Queries or keys [n, heads, head_dim] of layer l are turned by their positions (sign -1: back). */
static void turn(const struct work *w, size_t l, float *x, size_t row, size_t n, size_t heads,
		 float sign)
{
	const struct config *c = &w->m->config;
	const struct model_layer *y = &w->m->layers[l];
	size_t ld = heads * c->head_dim;

	if (y->rope)
		(c->rope_pairs ? w->kern->rope_pairs
			       : w->kern->rope)(x, ld, w->cosines[y->local], w->sines[y->local],
						w->turns + row, sign, n, heads, c->head_dim,
						c->rope_dims);
}

/* Queries grow with their position, where the family has it so; the gradient does alike. */
static void lengthen(const struct work *w, float *q, size_t row, size_t n, size_t d)
{
	const struct config *c = &w->m->config;

	for (size_t i = 0; c->query_beta > 0 && i < n; i++)
		w->kern->scale(q + i * d, config_query_scale(c, (size_t)w->pos[row + i]), d);
}

/* The norm of queries or keys: each head is a row of its own, or all heads are one. */
static void head_norm(const struct work *w, float *y, struct mean_rstd s, size_t row,
		      const float *x, const struct model_norm *p, size_t n, size_t heads)
{
	size_t hd = w->m->config.head_dim;

	if (w->m->config.qk_norm == CONFIG_QK_WHOLE)
		work_norm(w, y, s, row, x, p, n, heads * hd);
	else
		work_norm(w, y, s, row * heads, x, p, n * heads, hd);
}

/* Queries of n heads and the gates of what attention makes of them, as q_proj has both: a head's
 * query, then its gate. */
static void split_gates(float *q, float *gate, const float *both, size_t n, size_t hd)
{
	for (size_t i = 0; i < n; i++, both += 2 * hd) {
		memcpy(q + i * hd, both, hd * sizeof *q);
		memcpy(gate + i * hd, both + hd, hd * sizeof *gate);
	}
}

static void join_gates(float *both, const float *q, const float *gate, size_t n, size_t hd)
{
	for (size_t i = 0; i < n; i++, both += 2 * hd) {
		memcpy(both, q + i * hd, hd * sizeof *q);
		memcpy(both + hd, gate + i * hd, hd * sizeof *gate);
	}
}

/* The gate on what attention or the delta rule gave, which the latter's goes through a norm to. */
static void gate_output(const struct block *b)
{
	struct work *w = b->w;
	const struct config *c = &w->m->config;
	const struct model_layer *y = &w->m->layers[b->l];
	struct acts *a = &w->acts[b->l];
	size_t row = b->row, n = b->n, q = y->lin[MODEL_O].w.cols, heads = c->delta.v_heads;
	float *att = at(a->att, row, q), *mixed = at(a->mixed, row, q);

	if (y->delta) {
		work_norm(w, att, a->nmixed, row * heads, mixed, &y->norm_mixed, n * heads,
			  c->delta.v_dim);
		w->kern->swiglu(att, at(a->z, row, q), att, n * q);
	} else if (c->out_gate) {
		w->kern->siglu(att, at(a->out_gate, row, q), mixed, n * q);
	}
}

/* Rows of one block up to attention's input: norm, q k v, norms of heads, rotation. */
static void before_attention(const struct block *b)
{
	struct work *w = b->w;
	size_t l = b->l, row = b->row, n = b->n;
	const struct config *c = &w->m->config;
	const struct model_layer *y = &w->m->layers[l];
	struct acts *a = &w->acts[l];
	int gated = c->out_gate && !y->taps, normed = c->qk_norm && !y->taps;
	size_t d = c->hidden, rows = y->lin[MODEL_Q].w.rows, q = gated ? rows / 2 : rows,
	       kv = y->lin[MODEL_K].w.rows;
	float *xn = at(w->g.xn_attn, row, d);
	float *qr = at(normed ? a->q_raw : a->q, row, q),
	      *kr = at(normed	  ? a->k_raw
		       : y->delta ? a->z
				  : a->k,
		       row, kv),
	      *wide = at(w->g.wide, row, rows);

	work_norm(w, xn, a->attn, row, at(a->x, row, d), &y->norm_attn, n, d);
	work_product(b, MODEL_Q, gated ? wide : qr, xn, 0);
	if (gated)
		split_gates(qr, at(a->out_gate, row, q), wide, n * c->heads, c->head_dim);
	work_product(b, MODEL_K, kr, xn, 0);
	work_product(b, MODEL_V, at(a->v, row, y->lin[MODEL_V].w.rows), xn, 0);
	if (y->delta)
		work_product(b, MODEL_DECAY, at(a->decay, row, c->delta.v_heads), xn, 0);
	if (y->taps)
		return;
	if (c->rope_first) {
		turn(w, l, qr, row, n, c->heads, 1);
		turn(w, l, kr, row, n, c->kv_heads, 1);
	}
	if (normed) {
		head_norm(w, at(a->q, row, q), a->nq, row, qr, &y->norm_q, n, c->heads);
		head_norm(w, at(a->k, row, kv), a->nk, row, kr, &y->norm_k, n, c->kv_heads);
	}
	if (!c->rope_first) {
		turn(w, l, at(a->q, row, q), row, n, c->heads, 1);
		turn(w, l, at(a->k, row, kv), row, n, c->kv_heads, 1);
	}
	lengthen(w, at(a->q, row, q), row, n, q);
}

/* The end of a residual branch of layer l: out = in + what product j makes of x, through the norm
 * behind it or scaled, where the family has either. raw: where the product stays for the backward
 * pass, with a norm. */
static void add_branch(const struct block *b, int j, float *out, const float *in, const float *x,
		       float *raw, const struct model_norm *post, struct mean_rstd s)
{
	struct work *w = b->w;
	size_t d = w->m->config.hidden;
	float scale = w->m->config.residual_scale;

	if (post->w) {
		work_product(b, j, raw, x, 0);
		work_norm(w, out, s, b->row, raw, post, b->n, d);
		w->kern->add(out, in, b->n * d);
	} else if (scale != 1) {
		work_product(b, j, out, x, 0);
		w->kern->scale(out, scale, b->n * d);
		w->kern->add(out, in, b->n * d);
	} else {
		memcpy(out, in, b->n * d * sizeof *out);
		work_product(b, j, out, x, 1);
	}
}

/* From attention's output to the middle of the layer and into the MLP up to its activation, or to the
 * choice of experts: all that backward needs. */
static void after_attention(const struct block *b)
{
	struct work *w = b->w;
	size_t l = b->l, row = b->row, n = b->n;
	const struct config *c = &w->m->config;
	const struct model_layer *y = &w->m->layers[l];
	struct acts *a = &w->acts[l];
	size_t d = c->hidden, f = c->ffn, q = y->lin[MODEL_O].w.cols;
	float *mid = at(a->mid, row, d), *xn = at(w->g.xn_mlp, row, d);
	float *gate = at(a->gate, row, f), *up = at(a->up, row, f);

	gate_output(b);
	add_branch(b, MODEL_O, mid, at(a->x, row, d), at(a->att, row, q), at(a->o_raw, row, d),
		   &y->post_attn, a->post_attn);
	work_norm(w, xn, a->mlp, row, mid, &y->norm_mlp, n, d);
	if (y->experts) {
		work_experts_choose(b);
		return;
	}
	if (y->lin[MODEL_GATE].w.rows)
		work_product(b, MODEL_GATE, gate, xn, 0);
	work_product(b, MODEL_UP, up, xn, 0);
}

/* The MLP's activation of a block: down's input. */
static float *activate(const struct block *b)
{
	struct work *w = b->w;
	size_t row = b->row, f = w->m->config.ffn;
	float *h = at(w->g.h, row, f);

	model_activate(&w->m->config, w->kern, h, at(w->acts[b->l].gate, row, f),
		       at(w->acts[b->l].up, row, f), b->n * f);
	return h;
}

static void finish_layer(const struct block *b)
{
	struct work *w = b->w;
	size_t l = b->l, row = b->row, d = w->m->config.hidden;
	const struct model_layer *y = &w->m->layers[l];
	struct acts *a = &w->acts[l];
	float *out = at(l + 1 < w->m->config.layers ? w->acts[l + 1].x : w->hidden, row, d);

	if (y->experts) {
		work_experts_add(b, out, at(a->mid, row, d));
		return;
	}
	add_branch(b, MODEL_DOWN, out, at(a->mid, row, d), activate(b), at(a->down_raw, row, d),
		   &y->post_mlp, a->post_mlp);
}

static void before_piece(void *arg, size_t i)
{
	const struct task *t = arg;
	struct block b = work_block_take(t->w, t->l, i);

	before_attention(&b);
	work_block_give(&b);
}

static void choose_piece(void *arg, size_t i)
{
	const struct task *t = arg;
	struct block b = work_block_take(t->w, t->l, i);

	after_attention(&b);
	work_block_give(&b);
}

/* One block through the rest of layer l and, so that its rows stay in cache, up to attention in the
 * next. */
static void after_piece(void *arg, size_t i)
{
	const struct task *t = arg;
	struct block b = work_block_take(t->w, t->l, i);

	if (!t->w->m->layers[t->l].experts)
		after_attention(&b);
	finish_layer(&b);
	if (++b.l < t->w->m->config.layers)
		before_attention(&b);
	work_block_give(&b);
}

/* The same for layer l alone, without its output: activations computed again for the backward pass.
 * Adapters' inner values are kept, and down is a product that only a norm behind it asks for. */
static void before_again_piece(void *arg, size_t i)
{
	const struct task *t = arg;
	struct block b = work_block_take(t->w, t->l, i);

	b.again = 1;
	before_attention(&b);
	work_block_give(&b);
}

static void after_again_piece(void *arg, size_t i)
{
	const struct task *t = arg;
	struct block b = work_block_take(t->w, t->l, i);
	const struct model_layer *y = &t->w->m->layers[t->l];
	struct acts *a = &t->w->acts[t->l];
	size_t d = t->w->m->config.hidden;

	b.again = 1;
	after_attention(&b);
	if (!y->experts && y->post_mlp.w) {
		float *raw = at(a->down_raw, b.row, d);

		work_product(&b, MODEL_DOWN, raw, activate(&b), 0);
		work_norm(t->w, at(t->w->g.din, b.row, d), a->post_mlp, b.row, raw, &y->post_mlp,
			  b.n, d);
	}
	work_block_give(&b);
}

void work_layer_forward(struct work *w, size_t l)
{
	struct task t = {w, l};

	if (l == 0)
		pool_run(w->pool, w->blocks, before_piece, &t);
	work_mix(w, l, 0);
	if (w->m->layers[l].experts) {
		pool_run(w->pool, w->blocks, choose_piece, &t);
		work_experts_forward(w, l, 1);
	}
	pool_run(w->pool, w->blocks, after_piece, &t);
}

/* --- backward --- */

/* Where block b sums the gradients of norm `kind`'s weights; NULL where they are not trained. */
static float *norm_sums(struct work *w, size_t b, int kind, const struct model_norm *p, int bias)
{
	int t = bias ? p->t_b : p->t_w;
	float *s;

	if (!work_grad(w, t))
		return NULL;
	s = w->g.norms + ((b * NORM_KINDS + (size_t)kind) * 2 + (size_t)bias) * w->norm_width;
	memset(s, 0, w->m->tensors[t].cols * sizeof *s);
	return s;
}

static void norm_back(struct work *w, float *dx, const float *dy, const float *x,
		      const struct model_norm *p, struct mean_rstd s, size_t row, size_t n,
		      size_t d, size_t b, int kind)
{
	work_norm_back(w, dx, norm_sums(w, b, kind, p, 0), norm_sums(w, b, kind, p, 1), dy, x, p, s,
		       row, n, d);
}

/* The gradient by a branch's product from that by its sum (dsum), where the two differ: through the
 * norm behind it, or scaled. raw NULL: they don't. */
static float *branch_back(struct work *w, const struct block *b, float *raw, float *dsum,
			  const float *x, const struct model_norm *post, struct mean_rstd s,
			  int kind)
{
	size_t d = w->m->config.hidden;
	float *dy = at(raw, b->row, d);

	if (!dy)
		return dsum;
	if (post->w) {
		memset(dy, 0, b->n * d * sizeof *dy);
		norm_back(w, dy, dsum, at((float *)x, b->row, d), post, s, b->row, b->n, d, b->i,
			  kind);
		return dy;
	}
	memcpy(dy, dsum, b->n * d * sizeof *dy);
	if (w->m->config.residual_scale != 1)
		w->kern->scale(dy, w->m->config.residual_scale, b->n * d);
	return dy;
}

/* The MLP's input of a block computed again. */
static float *mlp_input(const struct block *b)
{
	struct work *w = b->w;
	size_t row = b->row, d = w->m->config.hidden;
	float *xn = at(w->g.xn_mlp, row, d);

	work_norm(w, xn, w->acts[b->l].mlp, row, at(w->acts[b->l].mid, row, d),
		  &w->m->layers[b->l].norm_mlp, b->n, d);
	return xn;
}

/* The gradient by the MLP's input (dxn) from that by the layer's output. */
static void mlp_back(const struct block *b, float *dxn)
{
	struct work *w = b->w;
	const struct model_layer *y = &w->m->layers[b->l];
	struct acts *a = &w->acts[b->l];
	struct grads_scratch *g = &w->g;
	size_t n = b->n, row = b->row, d = w->m->config.hidden, f = w->m->config.ffn;
	float *ddown, *xn = mlp_input(b), *h = activate(b), *dh = at(g->dh, row, f);
	float *dgate = at(g->dgate, row, f), *dup = at(g->dup, row, f),
	      *gates = at(a->gate, row, f), *ups = at(a->up, row, f);

	ddown = branch_back(w, b, g->ddown_raw, at(g->dout, row, d), a->down_raw, &y->post_mlp,
			    a->post_mlp, NORM_POST_MLP);
	work_product_back(b, MODEL_DOWN, ddown, h);
	work_product_down(b, MODEL_DOWN, dh, ddown, 0);
	model_activate_back(&w->m->config, w->kern, dgate, dup, dh, gates, ups, n * f);
	work_product_back(b, MODEL_UP, dup, xn);
	work_product_down(b, MODEL_UP, dxn, dup, 0);
	if (y->lin[MODEL_GATE].w.rows) {
		work_product_back(b, MODEL_GATE, dgate, xn);
		work_product_down(b, MODEL_GATE, dxn, dgate, 1);
	}
}

static void input_piece(void *arg, size_t i)
{
	const struct task *t = arg;
	struct block b = work_block_take(t->w, t->l, i);

	mlp_input(&b);
	work_block_give(&b);
}

/* The gradient by what attention or the delta rule gave, in datt, from that behind the gate; and
 * that by the gate: dk of the delta rule, dout_gate of attention. */
static void gate_back(const struct block *b)
{
	struct work *w = b->w;
	const struct config *c = &w->m->config;
	const struct model_layer *y = &w->m->layers[b->l];
	struct acts *a = &w->acts[b->l];
	size_t row = b->row, n = b->n, q = y->lin[MODEL_O].w.cols, heads = c->delta.v_heads;
	float *datt = at(w->g.datt, row, q), *mixed = at(a->mixed, row, q),
	      *wide = at(w->g.wide, row, q);

	if (y->delta) {
		work_norm(w, wide, a->nmixed, row * heads, mixed, &y->norm_mixed, n * heads,
			  c->delta.v_dim);
		w->kern->swiglu_back(at(w->g.dk, row, q), wide, datt, at(a->z, row, q), wide,
				     n * q);
		memset(datt, 0, n * q * sizeof *datt);
		norm_back(w, datt, wide, mixed, &y->norm_mixed, a->nmixed, row * heads, n * heads,
			  c->delta.v_dim, b->i, NORM_MIXED);
	} else if (c->out_gate) {
		memcpy(wide, mixed, n * q * sizeof *wide);
		w->kern->siglu_back(at(w->g.dout_gate, row, q), wide, datt, at(a->out_gate, row, q),
				    wide, n * q);
		memcpy(datt, wide, n * q * sizeof *datt);
	}
}

/* From the gradient by the layer's output (dout) to that by its middle (dmid) and by attention's
 * output (datt). */
static void after_back_piece(void *arg, size_t i)
{
	const struct task *t = arg;
	struct work *w = t->w;
	struct block b = work_block_take(w, t->l, i);
	const struct config *c = &w->m->config;
	const struct model_layer *y = &w->m->layers[t->l];
	struct acts *a = &w->acts[t->l];
	struct grads_scratch *g = &w->g;
	size_t n = b.n, row = b.row, d = c->hidden, q = y->lin[MODEL_O].w.cols;
	float *dmid = at(g->dmid, row, d), *dxn = at(g->din, row, d), *do_;

	memcpy(dmid, at(g->dout, row, d), n * d * sizeof *dmid); /* the residual */
	if (y->experts)
		work_experts_gather(&b, dxn);
	else
		mlp_back(&b, dxn);
	norm_back(w, dmid, dxn, at(a->mid, row, d), &y->norm_mlp, a->mlp, row, n, d, i, NORM_MLP);

	do_ = branch_back(w, &b, g->do_raw, dmid, a->o_raw, &y->post_attn, a->post_attn,
			  NORM_POST_ATTN);
	work_product_back(&b, MODEL_O, do_, at(a->att, row, q));
	work_product_down(&b, MODEL_O, at(g->datt, row, q), do_, 0);
	gate_back(&b);
	work_block_give(&b);
}

/* The gradient by queries or keys before their norm, where there is such, in place: through datt's
 * memory, which is free by now. */
static void head_norm_back(struct work *w, float *dy, const float *x, const struct model_norm *p,
			   struct mean_rstd s, const struct block *b, size_t heads, int kind)
{
	size_t hd = w->m->config.head_dim, d = heads * hd;
	float *raw = at(w->g.datt, b->row, w->m->config.heads * hd);

	if (!p->w)
		return;
	memset(raw, 0, b->n * d * sizeof *raw);
	if (w->m->config.qk_norm == CONFIG_QK_WHOLE)
		norm_back(w, raw, dy, at((float *)x, b->row, d), p, s, b->row, b->n, d, b->i, kind);
	else
		norm_back(w, raw, dy, at((float *)x, b->row, d), p, s, b->row * heads, b->n * heads,
			  hd, b->i, kind);
	memcpy(dy, raw, b->n * d * sizeof *dy);
}

/* Whether anything below layer l's products q, k, v wants a gradient. */
static int goes_on(const struct work *w, size_t l)
{
	return l > w->first || w->embed_trained || work_grad(w, w->m->layers[l].norm_attn.t_w);
}

static void qkv_back_piece(void *arg, size_t i)
{
	const struct task *t = arg;
	struct work *w = t->w;
	struct block b = work_block_take(w, t->l, i);
	const struct config *c = &w->m->config;
	const struct model_layer *y = &w->m->layers[t->l];
	struct acts *a = &w->acts[t->l];
	struct grads_scratch *g = &w->g;
	int gated = c->out_gate && !y->taps;
	size_t n = b.n, row = b.row, d = c->hidden, rows = y->lin[MODEL_Q].w.rows,
	       q = gated ? rows / 2 : rows, kv = y->lin[MODEL_K].w.rows;
	float *dy[MODEL_O] = {at(g->dq, row, q), at(g->dk, row, kv),
			      at(g->dv, row, y->lin[MODEL_V].w.rows),
			      at(g->ddecay, row, y->lin[MODEL_DECAY].w.rows)};
	float *dxn = at(g->dh, row, d), *din = at(g->din, row, d), *xn = at(g->xn_attn, row, d);

	lengthen(w, dy[0], row, n, q);
	if (!c->rope_first) {
		turn(w, t->l, dy[0], row, n, c->heads, -1);
		turn(w, t->l, dy[1], row, n, c->kv_heads, -1);
	}
	head_norm_back(w, dy[0], a->q_raw, &y->norm_q, a->nq, &b, c->heads, NORM_Q);
	head_norm_back(w, dy[1], a->k_raw, &y->norm_k, a->nk, &b, c->kv_heads, NORM_K);
	if (c->rope_first) {
		turn(w, t->l, dy[0], row, n, c->heads, -1);
		turn(w, t->l, dy[1], row, n, c->kv_heads, -1);
	}
	if (gated) {
		float *wide = at(g->wide, row, rows);

		join_gates(wide, dy[MODEL_Q], at(g->dout_gate, row, q), n * c->heads, c->head_dim);
		dy[MODEL_Q] = wide;
	}
	work_norm(w, xn, a->attn, row, at(a->x, row, d), &y->norm_attn, n, d);
	for (int j = MODEL_Q; j < MODEL_O; j++)
		if (y->lin[j].w.rows)
			work_product_back(&b, j, dy[j], xn);
	if (goes_on(w, t->l)) {
		for (int j = MODEL_Q; j < MODEL_O; j++)
			if (y->lin[j].w.rows)
				work_product_down(&b, j, dxn, dy[j], j > MODEL_Q);
		memcpy(din, at(g->dmid, row, d), n * d * sizeof *din);
		norm_back(w, din, dxn, at(a->x, row, d), &y->norm_attn, a->attn, row, n, d, i,
			  NORM_ATTN);
	}
	work_block_give(&b);
}

/* One piece of the layer's weight gradients. */
struct weight_task {
	enum { WEIGHT, BIAS, LORA_A, LORA_B, LORA_M, NORM, CONV } kind;
	int j; /* which linear, or which norm */
	size_t from, n;
	const struct model_norm *norm;
};

struct weight_tasks {
	struct work *w;
	size_t l, n;
	struct weight_task *t;
};

/* Input and output gradient of product j over all rows. */
static void operands(const struct work *w, size_t l, int j, const float **x, const float **dy)
{
	const struct grads_scratch *g = &w->g;
	int gated = w->m->config.out_gate && !w->m->layers[l].taps;
	const float *inputs[MODEL_LINEARS] = {g->xn_attn,     g->xn_attn, g->xn_attn, g->xn_attn,
					      w->acts[l].att, g->xn_mlp,  g->xn_mlp,  g->h};
	const float *gradients[MODEL_LINEARS] = {gated ? g->wide : g->dq,
						 g->dk,
						 g->dv,
						 g->ddecay,
						 g->do_raw ? g->do_raw : g->dmid,
						 g->dgate,
						 g->dup,
						 g->ddown_raw ? g->ddown_raw : g->dout};

	*x = inputs[j];
	*dy = gradients[j];
}

static void weight_piece(void *arg, size_t i)
{
	struct weight_tasks *all = arg;
	struct weight_task *t = &all->t[i];
	struct work *w = all->w;
	const struct model_linear *lin = &w->m->layers[all->l].lin[t->kind == NORM ? 0 : t->j];
	size_t in = lin->w.cols, out = lin->w.rows, r = lin->rank;
	const float *x, *dy;
	struct block whole;

	if (t->kind == NORM) {
		for (int bias = 0; bias < 2; bias++) {
			float *dw = work_grad(w, bias ? t->norm->t_b : t->norm->t_w);
			size_t d = dw ? w->m->tensors[bias ? t->norm->t_b : t->norm->t_w].cols : 0;

			for (size_t b = 0; dw && b < w->blocks; b++)
				w->kern->add(dw,
					     w->g.norms + ((b * NORM_KINDS + (size_t)t->j) * 2 +
							   (size_t)bias) *
								  w->norm_width,
					     d);
		}
		return;
	}
	if (t->kind == CONV) {
		work_conv_weights(w, all->l);
		return;
	}
	operands(w, all->l, t->j, &x, &dy);
	switch (t->kind) {
	case WEIGHT: /* dW [out, in] += dy^T x */
		nn_mat_grad(work_grad(w, lin->t_w) + (lin->row0 + t->from) * in, in, dy + t->from,
			    out, x, in, w->n, t->n, in, w->half);
		break;
	case BIAS:
		for (size_t row = 0; row < w->n; row++)
			w->kern->add(work_grad(w, lin->t_bias) + lin->row0, dy + row * out, out);
		break;
	case LORA_A: /* and of the products that share it, one after another */
		whole = work_block_all(w, all->l);
		for (int j = t->j; j < MODEL_LINEARS; j++)
			if (w->m->layers[all->l].lin[j].t_a == lin->t_a)
				work_adapter_in_back(&whole, j, x);
		work_block_give(&whole);
		break;
	case LORA_B: /* dB [out, r] += scale dy^T u */
		whole = work_block_all(w, all->l);
		nn_lora_b_back(work_grad(w, lin->t_b) + lin->row0 * r, dy, w->acts[all->l].u[t->j],
			       lin->scale, w->n, out, r, whole.scratch);
		work_block_give(&whole);
		break;
	case LORA_M:
		for (size_t b = 0; b < w->blocks; b++)
			w->kern->add(work_grad(w, lin->t_m) + lin->row0,
				     work_magnitudes(w, b, t->j), out);
		break;
	case NORM:
	case CONV:
		break;
	}
}

static void weight_gradients(struct work *w, size_t l)
{
	const struct model_layer *y = &w->m->layers[l];
	const struct model_norm *norms[NORM_KINDS] = {&y->norm_attn, &y->norm_mlp, &y->post_attn,
						      &y->post_mlp,  &y->norm_q,   &y->norm_k,
						      &y->norm_mixed};
	struct weight_task tasks[MODEL_LINEARS * (WEIGHT_PIECES + 4) + NORM_KINDS + 1];
	struct weight_tasks all = {w, l, 0, tasks};

	for (int j = 0; j < MODEL_LINEARS; j++) {
		const struct model_linear *lin = &y->lin[j];
		size_t piece = (lin->w.rows + WEIGHT_PIECES - 1) / WEIGHT_PIECES;

		piece = piece > WEIGHT_PIECE ? piece : WEIGHT_PIECE;
		if (work_grad(w, lin->t_w))
			for (size_t r = 0; r < lin->w.rows; r += piece)
				tasks[all.n++] = (struct weight_task){WEIGHT, j, r,
								      lin->w.rows - r < piece
									      ? lin->w.rows - r
									      : piece,
								      NULL};
		if (work_grad(w, lin->t_bias))
			tasks[all.n++] = (struct weight_task){BIAS, j, 0, 0, NULL};
		if (work_grad(w, lin->t_a) && !w->base_only) {
			if (lin->row0 == 0)
				tasks[all.n++] = (struct weight_task){LORA_A, j, 0, 0, NULL};
			tasks[all.n++] = (struct weight_task){LORA_B, j, 0, 0, NULL};
			if (lin->t_m >= 0)
				tasks[all.n++] = (struct weight_task){LORA_M, j, 0, 0, NULL};
		}
	}
	if (work_grad(w, y->t_conv) && !y->delta)
		tasks[all.n++] = (struct weight_task){CONV, 0, 0, 0, NULL};
	for (int k = 0; k < NORM_KINDS; k++)
		if (work_grad(w, norms[k]->t_w))
			tasks[all.n++] = (struct weight_task){NORM, k, 0, 0, norms[k]};
	pool_run(w->pool, all.n, weight_piece, &all);
	if (y->experts)
		work_experts_weights(w, l);
}

void work_layer_backward(struct work *w, size_t l)
{
	struct task t = {w, l};
	float *swap;

	if (l + 1 < w->kept) {
		pool_run(w->pool, w->blocks, before_again_piece, &t);
		work_mix(w, l, 0);
		pool_run(w->pool, w->blocks, after_again_piece, &t);
		if (w->m->layers[l].experts)
			work_experts_forward(w, l, 0);
	}
	if (w->m->layers[l].experts) {
		pool_run(w->pool, w->blocks, input_piece, &t);
		work_experts_backward(w, l);
	}
	pool_run(w->pool, w->blocks, after_back_piece, &t);
	work_mix(w, l, 1);
	work_sinks_weights(w, l);
	pool_run(w->pool, w->blocks, qkv_back_piece, &t);
	weight_gradients(w, l);
	swap = w->g.dout;
	w->g.dout = w->g.din;
	w->g.din = swap;
}

/* What mixes the rows of an example, forward and backward: attention over (example, head of keys, block of
 * rows), the gated delta rule over (example, head of keys), or a gated short convolution, over examples. */
#include <string.h>
#include "../nn/attn.h"
#include "../nn/conv.h"
#include "../nn/delta.h"
#include "gradient_impl.h"

struct task {
	struct work *w;
	size_t l;
	/* attention: blocks of the group's longest example, and back by how many a tile's keys stand
	 * before its queries */
	size_t blocks, apart;
};

/* Attention of one example and one head of keys with its group of queries. */
static struct nn_attn attention_of(const struct work *w, size_t l, size_t i, size_t *row,
				   size_t *head)
{
	const struct config *c = &w->m->config;
	const struct acts *a = &w->acts[l];
	const struct segment *s = &w->segments[i / c->kv_heads];
	size_t hd = c->head_dim, q = c->heads * hd, kv = c->kv_heads * hd, h = i % c->kv_heads,
	       group = c->heads / c->kv_heads;

	*row = s->row;
	*head = h;
	return (struct nn_attn){
		.n = s->n,
		.group = group,
		.head_dim = hd,
		.window = w->m->layers[l].window,
		.scale = c->attn_scale,
		.softcap = c->attn_softcap,
		.sinks = w->m->layers[l].sinks ? w->m->layers[l].sinks + h * group : NULL,
		.q = a->q + s->row * q + h * group * hd,
		.k = a->k + s->row * kv + h * hd,
		.v = a->v + s->row * kv + h * hd,
		.ldq = q,
		.ldk = kv,
		.ldv = kv,
		.half = w->half,
	};
}

/* Piece i's block, the last ones, which see the most, first; i becomes its (example, head of keys). */
static size_t block_of(const struct task *t, size_t *i)
{
	size_t pairs = t->w->n_segments * t->w->m->config.kv_heads, block = *i / pairs;

	*i %= pairs;
	return t->blocks - 1 - block;
}

static void attention_piece(void *arg, size_t i)
{
	struct task *t = arg;
	struct work *w = t->w;
	const struct config *c = &w->m->config;
	struct acts *a = &w->acts[t->l];
	size_t block = block_of(t, &i), row, h, q = c->heads * c->head_dim;
	struct nn_attn attn = attention_of(w, t->l, i, &row, &h);
	int slot;
	float *scratch;

	if (block >= nn_attn_blocks(attn.n))
		return;
	scratch = work_slot_take(w, &slot);
	nn_attn_forward(a->mixed + row * q + h * attn.group * c->head_dim, q,
			a->lse + h * attn.group * w->rows_max + row, w->rows_max, &attn, block,
			scratch);
	work_slot_give(w, slot);
}

static void attention_back_piece(void *arg, size_t i)
{
	struct task *t = arg;
	struct work *w = t->w;
	const struct config *c = &w->m->config;
	struct acts *a = &w->acts[t->l];
	size_t block = block_of(t, &i), row, h, hd = c->head_dim, q = c->heads * hd,
	       kv = c->kv_heads * hd;
	struct nn_attn attn = attention_of(w, t->l, i, &row, &h);
	size_t at_q = row * q + h * attn.group * hd, at_k = row * kv + h * hd;
	int slot;
	float *scratch;

	if (block >= nn_attn_blocks(attn.n))
		return;
	/* A block of queries meets its own keys first. */
	for (size_t r = block * NN_ATTN_BLOCK;
	     t->apart == 0 && r < attn.n && r < (block + 1) * NN_ATTN_BLOCK; r++) {
		memset(w->g.dq + at_q + r * q, 0, attn.group * hd * sizeof(float));
		memset(w->g.dk + at_k + r * kv, 0, hd * sizeof(float));
		memset(w->g.dv + at_k + r * kv, 0, hd * sizeof(float));
	}
	scratch = work_slot_take(w, &slot);
	nn_attn_backward(w->g.dq + at_q, w->g.dk + at_k, w->g.dv + at_k, w->g.datt + at_q,
			 a->mixed + at_q, q, a->lse + h * attn.group * w->rows_max + row,
			 w->rows_max, &attn, block, block - t->apart, scratch);
	work_slot_give(w, slot);
}

static void mix_attention(struct work *w, size_t l, int back)
{
	struct task t = {.w = w, .l = l};
	size_t pairs = w->n_segments * w->m->config.kv_heads, longest = 0;

	for (size_t i = 0; i < w->n_segments; i++)
		if (w->segments[i].n > longest)
			longest = w->segments[i].n;
	t.blocks = nn_attn_blocks(longest);
	if (!back)
		pool_run(w->pool, pairs * t.blocks, attention_piece, &t);
	for (; back && t.apart < nn_attn_reach(longest, w->m->layers[l].window); t.apart++)
		pool_run(w->pool, pairs * (t.blocks - t.apart), attention_back_piece, &t);
}

/* The convolution of one example in the place of attention. */
static struct nn_conv conv_of(const struct work *w, size_t l, size_t i)
{
	const struct model_layer *y = &w->m->layers[l];
	const struct acts *a = &w->acts[l];
	size_t d = w->m->config.hidden, row = w->segments[i].row;

	return (struct nn_conv){.n = w->segments[i].n,
				.d = d,
				.taps = y->taps,
				.b = a->q + row * d,
				.c = a->k + row * d,
				.x = a->v + row * d,
				.w = y->conv,
				.bias = y->conv_bias};
}

static void conv_piece(void *arg, size_t i)
{
	struct task *t = arg;
	struct nn_conv s = conv_of(t->w, t->l, i);

	nn_conv_forward(t->w->acts[t->l].att + t->w->segments[i].row * s.d, &s);
}

static void conv_back_piece(void *arg, size_t i)
{
	struct task *t = arg;
	struct grads_scratch *g = &t->w->g;
	struct nn_conv s = conv_of(t->w, t->l, i);
	size_t at_row = t->w->segments[i].row * s.d;

	nn_conv_backward(g->dq + at_row, g->dk + at_row, g->dv + at_row, g->datt + at_row, &s);
}

/* The delta rule of one example and one head of keys with its group of heads of values. */
static struct nn_delta delta_of(const struct work *w, size_t l, size_t row, size_t n, size_t head)
{
	const struct config_delta *k = &w->m->config.delta;
	const struct model_layer *y = &w->m->layers[l];
	const struct acts *a = &w->acts[l];
	size_t group = k->v_heads / k->k_heads, keys = k->k_heads * k->k_dim, first = head * group,
	       ld = y->lin[MODEL_Q].w.rows;

	return (struct nn_delta){.n = n,
				 .group = group,
				 .k_dim = k->k_dim,
				 .v_dim = k->v_dim,
				 .taps = y->taps,
				 .x = a->q + row * ld,
				 .ldx = ld,
				 .q = head * k->k_dim,
				 .k = keys + head * k->k_dim,
				 .v = 2 * keys + first * k->v_dim,
				 .w = y->conv,
				 .a = a->decay + row * k->v_heads + first,
				 .b = a->v + row * k->v_heads + first,
				 .lda = k->v_heads,
				 .a_log = y->a_log + first,
				 .dt_bias = y->dt_bias + first};
}

static void delta_piece(void *arg, size_t i)
{
	struct task *t = arg;
	struct work *w = t->w;
	const struct config_delta *k = &w->m->config.delta;
	const struct segment *g = &w->segments[i / k->k_heads];
	size_t head = i % k->k_heads, o = w->m->layers[t->l].lin[MODEL_O].w.cols;
	struct nn_delta s = delta_of(w, t->l, g->row, g->n, head);
	int slot;
	float *scratch = work_slot_take(w, &slot);

	nn_delta_forward(w->acts[t->l].mixed + g->row * o + head * s.group * s.v_dim, o, &s,
			 scratch);
	work_slot_give(w, slot);
}

/* A head of keys over all examples in order, as their gradients by its weights add up. */
static void delta_back_piece(void *arg, size_t head)
{
	struct task *t = arg;
	struct work *w = t->w;
	const struct model_layer *y = &w->m->layers[t->l];
	struct grads_scratch *g = &w->g;
	size_t o = y->lin[MODEL_O].w.cols, x = y->lin[MODEL_Q].w.rows;
	struct nn_delta_weights dw = {work_grad(w, y->t_conv), work_grad(w, y->t_a_log),
				      work_grad(w, y->t_dt_bias)};
	int slot;
	float *scratch = work_slot_take(w, &slot);

	for (size_t i = 0; i < w->n_segments; i++) {
		size_t row = w->segments[i].row;
		struct nn_delta s = delta_of(w, t->l, row, w->segments[i].n, head);
		size_t first = head * s.group, at_gate = row * s.lda + first;
		struct nn_delta_weights own = {dw.w, dw.a_log ? dw.a_log + first : NULL,
					       dw.dt_bias ? dw.dt_bias + first : NULL};

		nn_delta_backward(g->dq + row * x, g->ddecay + at_gate, g->dv + at_gate, own,
				  g->datt + row * o + first * s.v_dim, o, &s, scratch);
	}
	work_slot_give(w, slot);
}

static void mix_delta(struct work *w, size_t l, int back)
{
	struct task t = {.w = w, .l = l};
	size_t heads = w->m->config.delta.k_heads;

	if (back)
		pool_run(w->pool, heads, delta_back_piece, &t);
	else
		pool_run(w->pool, w->n_segments * heads, delta_piece, &t);
}

void work_mix(struct work *w, size_t l, int back)
{
	struct task t = {.w = w, .l = l};

	if (w->m->layers[l].delta)
		mix_delta(w, l, back);
	else if (w->m->layers[l].taps)
		pool_run(w->pool, w->n_segments, back ? conv_back_piece : conv_piece, &t);
	else
		mix_attention(w, l, back);
}

static void sinks_piece(void *arg, size_t h)
{
	struct task *t = arg;
	struct work *w = t->w;
	const struct config *c = &w->m->config;
	size_t q = c->heads * c->head_dim, at_h;

	for (size_t i = 0; i < w->n_segments; i++) {
		size_t row;
		struct nn_attn attn = attention_of(w, t->l, i * c->kv_heads + h, &row, &at_h);
		size_t at_q = row * q + h * attn.group * c->head_dim;

		nn_attn_sinks_back(work_grad(w, w->m->layers[t->l].t_sinks) + h * attn.group,
				   w->g.datt + at_q, w->acts[t->l].att + at_q, q,
				   w->acts[t->l].lse + h * attn.group * w->rows_max + row,
				   w->rows_max, &attn);
	}
}

void work_sinks_weights(struct work *w, size_t l)
{
	struct task t = {.w = w, .l = l};

	if (work_grad(w, w->m->layers[l].t_sinks))
		pool_run(w->pool, w->m->config.kv_heads, sinks_piece, &t);
}

void work_conv_weights(struct work *w, size_t l)
{
	const struct model_layer *y = &w->m->layers[l];

	for (size_t i = 0; i < w->n_segments; i++) {
		struct nn_conv s = conv_of(w, l, i);

		nn_conv_weights_back(work_grad(w, y->t_conv), work_grad(w, y->t_conv_bias),
				     w->g.datt + w->segments[i].row * s.d, &s);
	}
}

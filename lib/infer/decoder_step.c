/* The forward pass over rows of many sequences. See decoder.h.
 *
 * A step runs once on every thread of the pool; each thread takes the pieces of its own part of a
 * stage, then what is left of the others' parts, and they meet at a barrier behind it, which costs
 * less than handing each stage to the pool. A part is pieces that follow each other, so that each
 * thread reads its weights in one go: two that take panels by turns halve what memory gives, for the
 * processor fetches ahead what the other one reads. Pieces are cut by the number of rows and panels
 * and write only their own outputs, so it does not matter who computes them.
 */
#include <math.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../nn/attn.h"
#include "../nn/conv.h"
#include "../model/activate.h"
#include "decoder_impl.h"

#define SPINS_MOST 4000 /* looks at a meeting point before the processor is given away */
#define SPINS_LEAST 32
#define ATTN_SCORES 131072 /* floats of scores of one piece of attention */
#define ATTN_ROWS 64

/* The last to arrive opens the next stage. Waiting is short, so it spins before it gives the
 * processor away; but ever less where that did not help, for whom it waits for may want this very
 * processor. */
static void meet(struct step *s)
{
	static _Thread_local int patience = SPINS_MOST;
	unsigned turn = __atomic_load_n(&s->turn, __ATOMIC_ACQUIRE);
	int spins = 0;

	if (__atomic_add_fetch(&s->arrived, 1, __ATOMIC_ACQ_REL) == (unsigned)s->d->threads) {
		s->arrived = 0;
		for (int i = 0; i < s->d->threads; i++)
			s->parts[i].next = 0;
		__atomic_store_n(&s->turn, turn + 1, __ATOMIC_RELEASE);
		return;
	}
	for (; __atomic_load_n(&s->turn, __ATOMIC_ACQUIRE) == turn; spins++) {
		if (spins >= patience) {
			sched_yield();
			continue;
		}
#if defined(__x86_64__)
		__builtin_ia32_pause();
#endif
	}
	if (spins > patience)
		patience = patience / 2 > SPINS_LEAST ? patience / 2 : SPINS_LEAST;
	else
		patience = patience * 2 < SPINS_MOST ? patience * 2 : SPINS_MOST;
}

void decoder_each(const struct worker *me, size_t n, void (*fn)(const struct worker *me, size_t i))
{
	size_t threads = (size_t)me->s->d->threads;

	for (size_t k = 0; k < threads; k++) {
		size_t part = (me->thread + k) % threads, from = n * part / threads,
		       to = n * (part + 1) / threads, i;

		while ((i = from +
			    __atomic_fetch_add(&me->s->parts[part].next, 1, __ATOMIC_RELAXED)) < to)
			fn(me, i);
	}
	meet(me->s);
}

static void normalise(const struct decoder *d, float *y, const float *x, const struct model_norm *w,
		      size_t n, size_t width)
{
	const struct config *c = &d->m->config;

	if (!w->w)
		memmove(y, x, n * width * sizeof *y);
	else if (c->norm == CONFIG_LAYERNORM)
		d->k->layernorm(y, NULL, NULL, x, w->w, w->b, c->norm_eps, n, width);
	else
		d->k->rms(y, NULL, x, w->w, w->plus, c->norm_eps, n, width);
}

void decoder_prepare(const struct decoder *d, struct nn_rows *r, size_t i)
{
	if (d->quantised)
		nn_rows_quantise(d->pk, r, i, r->ld);
}

static void embed_row(const struct worker *me, size_t i)
{
	struct step *s = me->s;
	struct decoder *d = s->d;
	const struct config *c = &d->m->config;
	float *x = d->x + i * c->hidden;

	nn_mat_rows(x, &d->m->embed, (size_t)s->rows[i].id, 1);
	if (d->embed_type != NN_F32 && d->embed_type != d->m->embed.type) {
		nn_encode(d->embed_type, me->scratch, x, c->hidden);
		nn_decode(x, d->embed_type, me->scratch, c->hidden);
	}
	if (c->embed_scale != 1.f)
		d->k->scale(x, c->embed_scale, c->hidden);
	if (d->m->positions)
		d->k->add(x, d->m->positions + s->rows[i].position * c->hidden, c->hidden);
	d->position[i] = (int32_t)s->rows[i].position;
}

static void norm_row(const struct worker *me, size_t i)
{
	struct decoder *d = me->s->d;
	size_t w = d->m->config.hidden;

	normalise(d, d->norm.x + i * w, d->x + i * w, me->norm, 1, w);
	decoder_prepare(d, &d->norm, i);
}

static void input_row(const struct worker *me, size_t i)
{
	decoder_prepare(me->s->d, me->in, i);
}

static size_t block_rows(const struct step *s, size_t block)
{
	return s->n - block * ROW_BLOCK < ROW_BLOCK ? s->n - block * ROW_BLOCK : ROW_BLOCK;
}

/* Panel `panel` of linear `which` for the block of rows: y (its first row and output) is set, or
 * added to. */
static void linear(const struct worker *me, float *y, size_t ldy, const struct nn_rows *x,
		   int which, size_t panel, size_t block, int add)
{
	const struct decoder *d = me->s->d;
	const struct nn_pack *w = &d->lin[me->layer][which];
	const struct model_linear *lin = &d->m->layers[me->layer].lin[which];
	size_t n = block_rows(me->s, block), first = panel * NN_PANEL,
	       width = w->rows - first < NN_PANEL ? w->rows - first : NN_PANEL;

	nn_pack_mul(y, ldy, x, block * ROW_BLOCK, n, w, panel, add);
	if (d->adapted && d->adapted[me->layer][which].b.data)
		nn_pack_mul(y, ldy, &d->u[which], block * ROW_BLOCK, n,
			    &d->adapted[me->layer][which].b, panel, 1);
	for (size_t r = 0; r < n; r++)
		model_add_bias(lin, y + r * ldy, first, width);
	for (size_t r = 0; lin->extra && r < n; r++)
		d->k->axpy(y + r * ldy, lin->scale, lin->extra + first, width);
}

/* The same into its place in all rows' outputs. */
static void linear_to(const struct worker *me, float *all, size_t ld, const struct nn_rows *x,
		      int which, size_t panel, size_t block, int add)
{
	linear(me, all + block * ROW_BLOCK * ld + panel * NN_PANEL, ld, x, which, panel, block,
	       add);
}

static size_t panels(const struct worker *me, int which)
{
	return nn_pack_panels(&me->s->d->lin[me->layer][which]);
}

static size_t adapter_panels(const struct worker *me, int which)
{
	return nn_pack_panels(&me->s->d->adapted[me->layer][which].a);
}

/* u = A x of one of the linears from `which` on. */
static void adapter_piece(const struct worker *me, size_t i)
{
	struct decoder *d = me->s->d;
	size_t blocks = row_blocks(me->s->n), panel = i / blocks, block = i % blocks;
	struct nn_rows *u;
	int which = me->which;

	for (; panel >= adapter_panels(me, which); which++)
		panel -= adapter_panels(me, which);
	u = &d->u[which];
	nn_pack_mul(u->x + block * ROW_BLOCK * u->ld + panel * NN_PANEL, u->ld, me->in,
		    block * ROW_BLOCK, block_rows(me->s, block), &d->adapted[me->layer][which].a,
		    panel, 0);
}

/* What adapters of linears first to last, which read the rows `in`, have to know before these are
 * computed. */
static void adapters(struct worker *me, struct nn_rows *in, int first, int last)
{
	size_t n = 0;

	if (!me->s->d->adapted)
		return;
	for (int i = first; i <= last; i++)
		n += adapter_panels(me, i);
	me->in = in;
	me->which = first;
	if (n > 0)
		decoder_each(me, n * row_blocks(me->s->n), adapter_piece);
}

static void qkv_piece(const struct worker *me, size_t i)
{
	struct step *s = me->s;
	struct decoder *d = s->d;
	size_t blocks = row_blocks(s->n), panel = i / blocks, block = i % blocks;

	if (panel < panels(me, MODEL_Q)) {
		linear_to(me, d->q, d->q_size, &d->norm, MODEL_Q, panel, block, 0);
		return;
	}
	panel -= panels(me, MODEL_Q);
	if (panel < panels(me, MODEL_K)) {
		linear_to(me, d->kx, d->kv_size, &d->norm, MODEL_K, panel, block, 0);
		return;
	}
	panel -= panels(me, MODEL_K);
	if (panel < panels(me, MODEL_V))
		linear_to(me, d->vx, d->kv_size, &d->norm, MODEL_V, panel, block, 0);
	else
		linear_to(me, d->decay, d->m->config.delta.v_heads, &d->norm, MODEL_DECAY,
			  panel - panels(me, MODEL_V), block, 0);
}

/* Of [query, gate] of each head, queries stay side by side and gates go to a place of their own. */
static void split_gates(struct decoder *d, size_t row, float *q)
{
	const struct config *c = &d->m->config;
	size_t hd = c->head_dim;
	float *gate = d->out_gate + row * c->heads * hd;

	for (size_t h = 0; h < c->heads; h++) {
		memcpy(gate + h * hd, q + (2 * h + 1) * hd, hd * sizeof *gate);
		memmove(q + h * hd, q + 2 * h * hd, hd * sizeof *q);
	}
}

static void gate_row(const struct worker *me, size_t i)
{
	struct decoder *d = me->s->d;
	size_t q = d->m->config.heads * d->m->config.head_dim;
	float *y = d->attn.x + i * d->attn.ld;

	d->k->siglu(y, d->out_gate + i * q, y, q);
}

/* Turns the row's queries and keys by its position. */
static void turn(const struct worker *me, size_t row, float *q, float *k)
{
	const struct decoder *d = me->s->d;
	const struct config *c = &d->m->config;
	const struct model_layer *layer = &d->m->layers[me->layer];
	const float *cos = layer->local && d->cos_local ? d->cos_local : d->cos;
	const float *sin = layer->local && d->sin_local ? d->sin_local : d->sin;

	if (!layer->rope)
		return;
	if (me->s->rows[row].is_long) {
		cos = d->cos_long;
		sin = d->sin_long;
	}
	(c->rope_pairs ? d->k->rope_pairs : d->k->rope)(q, d->q_size, cos, sin, &d->position[row],
							1, 1, c->heads, c->head_dim, c->rope_dims);
	(c->rope_pairs ? d->k->rope_pairs : d->k->rope)(k, d->kv_size, cos, sin, &d->position[row],
							1, 1, c->kv_heads, c->head_dim,
							c->rope_dims);
}

/* Turns queries and keys by their position and files keys and values in the row's page. */
static void place_row(const struct worker *me, size_t i)
{
	struct step *s = me->s;
	struct decoder *d = s->d;
	const struct config *c = &d->m->config;
	const struct model_layer *layer = &d->m->layers[me->layer];
	float *q = d->q + i * d->q_size, *k = d->kx + i * d->kv_size, *v = d->vx + i * d->kv_size;
	size_t hd = c->head_dim, at = s->rows[i].position % KVCACHE_PAGE;
	uint32_t page = s->rows[i].pages[s->rows[i].position / KVCACHE_PAGE];

	if (c->out_gate)
		split_gates(d, i, q);
	if (c->rope_first)
		turn(me, i, q, k);
	if (c->qk_norm == CONFIG_QK_WHOLE) {
		normalise(d, q, q, &layer->norm_q, 1, d->q_size);
		normalise(d, k, k, &layer->norm_k, 1, d->kv_size);
	} else if (c->qk_norm) {
		normalise(d, q, q, &layer->norm_q, c->heads, hd);
		normalise(d, k, k, &layer->norm_k, c->kv_heads, hd);
	}
	if (!c->rope_first)
		turn(me, i, q, k);
	if (c->query_beta > 0)
		d->k->scale(q, config_query_scale(c, s->rows[i].position), d->q_size);
	for (size_t h = 0; h < c->kv_heads && !s->rows[i].filed; h++) {
		float *keys = kvcache_keys(s->kv, page, me->layer, h);

		for (size_t j = 0; j < hd; j++)
			keys[j * KVCACHE_PAGE + at] = k[h * hd + j];
		memcpy(kvcache_values(s->kv, page, me->layer, h) + at * s->kv->value_ld, v + h * hd,
		       hd * sizeof *v);
	}
}

/* Files u = b x of a layer with a convolution in the row's page. */
static void place_conv_row(const struct worker *me, size_t i)
{
	struct step *s = me->s;
	struct decoder *d = s->d;
	size_t w = d->m->config.hidden;
	float *u = kvcache_conv(s->kv, s->rows[i].pages[s->rows[i].position / KVCACHE_PAGE],
				me->layer) +
		   s->rows[i].position % KVCACHE_PAGE * w;

	memcpy(u, d->q + i * d->q_size, w * sizeof *u);
	d->k->mul(u, d->vx + i * d->kv_size, w);
}

/* The convolution over the last positions, those of the row's pages. */
static void conv_row(const struct worker *me, size_t i)
{
	struct step *s = me->s;
	struct decoder *d = s->d;
	const struct model_layer *layer = &d->m->layers[me->layer];
	size_t w = d->m->config.hidden, position = s->rows[i].position;
	const float *u[CONFIG_TAPS_MAX];
	float *o = d->attn.x + i * d->attn.ld;

	for (size_t k = 0; k < layer->taps; k++) {
		size_t p = position + k + 1 - layer->taps;

		u[k] = position + k + 1 < layer->taps
			       ? NULL
			       : kvcache_conv(s->kv, s->rows[i].pages[p / KVCACHE_PAGE],
					      me->layer) +
					 p % KVCACHE_PAGE * w;
	}
	nn_conv_row(o, u, layer->conv, layer->conv_bias, w, layer->taps);
	d->k->mul(o, d->kx + i * d->kv_size, w);
}

/* First position that the row sees. */
static size_t first_seen(const struct worker *me, size_t row)
{
	size_t window = me->s->d->m->layers[me->layer].window,
	       n = (size_t)me->s->rows[row].position + 1;

	return window > 0 && n > window ? n - window : 0;
}

static int sees_page(const struct worker *me, size_t row, size_t page)
{
	return page <= me->s->rows[row].position / KVCACHE_PAGE &&
	       page >= first_seen(me, row) / KVCACHE_PAGE;
}

/* Rows of the block from r on (at least one) that have the same page at this place; the others of
 * them do not see it. */
static size_t page_run(const struct worker *me, const struct block *b, size_t r, size_t page)
{
	const struct decoder_row *rows = me->s->rows + b->first;
	size_t n = 1;

	while (r + n < b->n && sees_page(me, b->first + r + n, page) &&
	       rows[r + n].pages[page] == rows[r].pages[page])
		n++;
	return n;
}

/* Attention of one block of rows on one key head. Rows that share a page, be they neighbours in one
 * prompt or sequences with a common beginning, meet it in one product. Scores are kept for all
 * positions, so that each row's softmax is one sum in order. */
static void attend_piece(const struct worker *me, size_t i)
{
	struct step *s = me->s;
	struct decoder *d = s->d;
	const struct config *c = &d->m->config;
	const struct block *b = &s->blocks[i % s->n_blocks];
	size_t head = i / s->n_blocks, hd = c->head_dim, group = c->heads / c->kv_heads,
	       width = group * hd;
	size_t pages = b->positions / KVCACHE_PAGE, ld = b->positions;
	float *q = me->scratch, *o = q + b->n * width, *scores = o + b->n * width;
	const float *sinks = d->m->layers[me->layer].sinks;

	for (size_t r = 0; r < b->n; r++)
		memcpy(q + r * width, d->q + (b->first + r) * d->q_size + head * width,
		       width * sizeof *q);
	for (size_t p = 0; p < pages; p++)
		for (size_t r = 0, n; r < b->n; r += n) {
			n = 1;
			if (!sees_page(me, b->first + r, p))
				continue;
			n = page_run(me, b, r, p);
			nn_small_mul(d->pk, scores + r * group * ld + p * KVCACHE_PAGE, ld,
				     q + r * width, hd,
				     kvcache_keys(s->kv, s->rows[b->first + r].pages[p], me->layer,
						  head),
				     KVCACHE_PAGE, n * group, KVCACHE_PAGE, hd, 0);
		}
	for (size_t r = 0; r < b->n; r++) {
		size_t lo = first_seen(me, b->first + r),
		       hi = (size_t)s->rows[b->first + r].position + 1;

		for (size_t j = 0; j < group; j++) {
			float *x = scores + (r * group + j) * ld, scale = c->attn_scale, sum;

			if (c->attn_softcap > 0) {
				d->k->scale(x + lo, scale, hi - lo);
				d->k->softcap(x + lo, c->attn_softcap, hi - lo);
				scale = 1;
			}
			sum = d->k->softmax(x + lo, scale, hi - lo);
			if (sinks)
				d->k->scale(x + lo, nn_attn_sink(&sum, sinks[head * group + j]),
					    hi - lo);
			memset(x + lo / KVCACHE_PAGE * KVCACHE_PAGE, 0,
			       lo % KVCACHE_PAGE * sizeof *x);
			memset(x + hi, 0,
			       ((hi + KVCACHE_PAGE - 1) / KVCACHE_PAGE * KVCACHE_PAGE - hi) *
				       sizeof *x);
		}
	}
	memset(o, 0, b->n * width * sizeof *o);
	for (size_t p = 0; p < pages; p++)
		for (size_t r = 0, n; r < b->n; r += n) {
			size_t filled = 0;

			n = 1;
			if (!sees_page(me, b->first + r, p))
				continue;
			n = page_run(me, b, r, p);
			/* Only what is filled in is read: zero times what an earlier owner left may
			 * not be zero. */
			for (size_t k = 0; k < n; k++) {
				size_t have = (size_t)s->rows[b->first + r + k].position + 1 -
					      p * KVCACHE_PAGE;

				filled = have > filled ? have : filled;
			}
			nn_small_mul(d->pk, o + r * width, hd,
				     scores + r * group * ld + p * KVCACHE_PAGE, ld,
				     kvcache_values(s->kv, s->rows[b->first + r].pages[p],
						    me->layer, head),
				     s->kv->value_ld, n * group, hd,
				     filled < KVCACHE_PAGE ? filled : KVCACHE_PAGE, 1);
		}
	for (size_t r = 0; r < b->n; r++)
		memcpy(d->attn.x + (b->first + r) * d->attn.ld + head * width, o + r * width,
		       width * sizeof *o);
}

/* Whether what ends a residual branch is made apart from the sum: it goes through a norm or is
 * scaled first. */
static int apart(const struct worker *me)
{
	return me->norm->w || me->s->d->m->config.residual_scale != 1;
}

/* A panel of the linear that ends a residual branch. */
static void back_piece(const struct worker *me, size_t i)
{
	struct decoder *d = me->s->d;
	size_t blocks = row_blocks(me->s->n);
	int post = apart(me);

	linear_to(me, post ? d->t : d->x, d->m->config.hidden, me->in, me->which, i / blocks,
		  i % blocks, !post);
}

static void post_row(const struct worker *me, size_t i)
{
	struct decoder *d = me->s->d;
	size_t w = d->m->config.hidden;

	normalise(d, d->t + i * w, d->t + i * w, me->norm, 1, w);
	if (d->m->config.residual_scale != 1)
		d->k->scale(d->t + i * w, d->m->config.residual_scale, w);
	d->k->add(d->x + i * w, d->t + i * w, w);
}

/* The same panel of gate and up, so that what comes out is h already. */
static void gate_up_piece(const struct worker *me, size_t i)
{
	struct step *s = me->s;
	struct decoder *d = s->d;
	const struct config *c = &d->m->config;
	size_t blocks = row_blocks(s->n), panel = i / blocks, block = i % blocks,
	       n = block_rows(s, block);
	size_t width = c->ffn - panel * NN_PANEL < NN_PANEL ? c->ffn - panel * NN_PANEL : NN_PANEL;
	float *g = me->scratch, *u = me->scratch + ROW_BLOCK * NN_PANEL,
	      *h = d->h.x + block * ROW_BLOCK * d->h.ld + panel * NN_PANEL;

	linear(me, u, NN_PANEL, &d->norm, MODEL_UP, panel, block, 0);
	if (d->lin[me->layer][MODEL_GATE].data)
		linear(me, g, NN_PANEL, &d->norm, MODEL_GATE, panel, block, 0);
	for (size_t r = 0; r < n; r++, h += d->h.ld, g += NN_PANEL, u += NN_PANEL)
		model_activate(&d->m->config, d->k, h, g, u, width);
}

static void final_row(const struct worker *me, size_t i)
{
	struct step *s = me->s;
	struct decoder *d = s->d;
	size_t w = d->m->config.hidden;
	int to = s->rows[i].logits;

	if (to < 0)
		return;
	normalise(d, d->last.x + (size_t)to * w, d->x + i * w, &d->m->norm_final, 1, w);
	if (d->m->config.logit_scale != 1)
		d->k->scale(d->last.x + (size_t)to * w, d->m->config.logit_scale, w);
	decoder_prepare(d, &d->last, (size_t)to);
}

static void head_piece(const struct worker *me, size_t i)
{
	struct step *s = me->s;
	struct decoder *d = s->d;
	size_t blocks = row_blocks(s->wanted), panel = i / blocks, first = i % blocks * ROW_BLOCK,
	       vocab = d->head.rows;
	size_t n = s->wanted - first < ROW_BLOCK ? s->wanted - first : ROW_BLOCK;
	size_t width = vocab - panel * NN_PANEL < NN_PANEL ? vocab - panel * NN_PANEL : NN_PANEL;
	float *y = s->logits + first * vocab + panel * NN_PANEL;

	nn_pack_mul(y, vocab, &d->last, first, n, &d->head, panel, 0);
	for (size_t r = 0; d->m->config.logit_softcap > 0 && r < n; r++)
		d->k->softcap(y + r * vocab, d->m->config.logit_softcap, width);
}

/* The end of a residual branch: x += W in, through a norm of its own where the family has one. */
static void add_back(struct worker *me, struct nn_rows *in, int which,
		     const struct model_norm *post)
{
	me->in = in;
	if (me->s->d->quantised)
		decoder_each(me, me->s->n, input_row);
	adapters(me, in, which, which);
	me->which = which;
	me->norm = post;
	decoder_each(me, panels(me, which) * row_blocks(me->s->n), back_piece);
	if (apart(me))
		decoder_each(me, me->s->n, post_row);
}

/* What stands in the place of attention, from q, k and v to what o reads. */
static void mix(struct worker *me)
{
	struct step *s = me->s;
	const struct config *c = &s->d->m->config;
	const struct model_layer *layer = &s->d->m->layers[me->layer];

	if (layer->delta) {
		decoder_delta(me);
		return;
	}
	if (layer->taps) {
		decoder_each(me, s->n, place_conv_row);
		decoder_each(me, s->n, conv_row);
		return;
	}
	decoder_each(me, s->n, place_row);
	decoder_each(me, s->n_blocks * c->kv_heads, attend_piece);
	if (c->out_gate)
		decoder_each(me, s->n, gate_row);
}

/* What every thread does in one step; they all go through the same stages. */
static void run(void *arg, size_t thread)
{
	struct step *s = arg;
	struct decoder *d = s->d;
	const struct config *c = &d->m->config;
	struct worker worker = {.s = s, .thread = thread, .scratch = d->scratch[thread]},
		      *me = &worker;
	size_t blocks = row_blocks(s->n);

	decoder_each(me, s->n, embed_row);
	for (; me->layer < c->layers; me->layer++) {
		const struct model_layer *layer = &d->m->layers[me->layer];

		me->norm = &layer->norm_attn;
		decoder_each(me, s->n, norm_row);
		adapters(me, &d->norm, MODEL_Q, MODEL_DECAY);
		decoder_each(me,
			     (panels(me, MODEL_Q) + panels(me, MODEL_K) + panels(me, MODEL_V) +
			      panels(me, MODEL_DECAY)) *
				     blocks,
			     qkv_piece);
		mix(me);
		add_back(me, &d->attn, MODEL_O, &layer->post_attn);
		me->norm = &layer->norm_mlp;
		decoder_each(me, s->n, norm_row);
		if (layer->experts) {
			decoder_experts(me);
			continue;
		}
		adapters(me, &d->norm, MODEL_GATE, MODEL_UP);
		decoder_each(me, panels(me, MODEL_UP) * blocks, gate_up_piece);
		add_back(me, &d->h, MODEL_DOWN, &layer->post_mlp);
	}
	if (s->wanted > 0) {
		decoder_each(me, s->n, final_row);
		decoder_each(me, nn_pack_panels(&d->head) * row_blocks(s->wanted), head_piece);
	}
}

/* Tables of angles for positions below n, made anew in twice the size when they run out. */
static void rope_tables(struct decoder *d, size_t n)
{
	const struct config *c = &d->m->config;
	size_t half = c->rope_dims / 2, rows = d->rope_rows ? d->rope_rows : 256;
	int local = c->rope_local_plain || c->rope_local_theta != c->rope_theta;

	if (c->rope == CONFIG_ROPE_NONE || n <= d->rope_rows)
		return;
	while (rows < n)
		rows *= 2;
	for (int kind = CONFIG_ANGLES; kind <= CONFIG_ANGLES_LONG; kind++) {
		float **cosines[] = {&d->cos, &d->cos_local, &d->cos_long},
		      **sines[] = {&d->sin, &d->sin_local, &d->sin_long};

		if ((kind == CONFIG_ANGLES_LOCAL && !local) ||
		    (kind == CONFIG_ANGLES_LONG && !c->long_positions))
			continue;
		*cosines[kind] = mem_realloc(*cosines[kind], rows * half, sizeof(float));
		*sines[kind] = mem_realloc(*sines[kind], rows * half, sizeof(float));
		config_rope_rows(c, (enum config_angles)kind, d->rope_rows, rows, *cosines[kind],
				 *sines[kind]);
	}
	d->rope_rows = rows;
}

/* Cuts the rows into blocks for attention, and returns the most floats of scratch one of them
 * takes. */
static size_t cut_blocks(struct step *s)
{
	const struct config *c = &s->d->m->config;
	size_t group = c->heads / c->kv_heads, most = 0;
	/* some pieces for each thread */
	size_t share = s->n * c->kv_heads / (8 * (size_t)s->d->threads) + 1;

	s->n_blocks = 0;
	for (size_t r = 0; r < s->n;) {
		struct block b = {r, 0, 0};

		for (; r < s->n && b.n < share && b.n < ATTN_ROWS; r++, b.n++) {
			size_t see =
				((size_t)s->rows[r].position / KVCACHE_PAGE + 1) * KVCACHE_PAGE;
			size_t longest = see > b.positions ? see : b.positions;

			if (b.n > 0 && (b.n + 1) * group * longest > ATTN_SCORES)
				break;
			b.positions = longest;
		}
		s->blocks[s->n_blocks++] = b;
		if (b.n * group * (b.positions + 2 * c->head_dim) > most)
			most = b.n * group * (b.positions + 2 * c->head_dim);
	}
	return most;
}

/* Rows of one state stand side by side. */
static void find_runs(struct step *s)
{
	for (size_t i = 0; i < s->n; i++) {
		if (i > 0 && s->rows[i - 1].state == s->rows[i].state)
			s->runs[s->n_runs - 1].n++;
		else
			s->runs[s->n_runs++] = (struct run_of_rows){i, 1};
	}
}

void decoder_step(struct decoder *d, struct kvcache *kv, const struct decoder_row *rows, size_t n,
		  float *logits)
{
	const struct config *c = &d->m->config;
	struct step s = {.d = d, .kv = kv, .rows = rows, .n = n, .logits = logits};
	size_t floats, last = 0;

	if (n == 0)
		return;
	s.blocks = mem_alloc(n, sizeof *s.blocks);
	s.parts = mem_aligned((size_t)d->threads, sizeof *s.parts);
	for (size_t i = 0; i < n; i++) {
		s.wanted += rows[i].logits >= 0;
		last = rows[i].position > last ? rows[i].position : last;
	}
	rope_tables(d, last + 1);
	if (kv->state_floats) {
		s.runs = mem_alloc(n, sizeof *s.runs);
		find_runs(&s);
	}
	floats = cut_blocks(&s);
	if (floats < decoder_delta_scratch(d))
		floats = decoder_delta_scratch(d);
	if (floats < 2 * ROW_BLOCK * NN_PANEL + d->expert_cols)
		floats = 2 * ROW_BLOCK * NN_PANEL + d->expert_cols;
	if (floats < c->hidden)
		floats = c->hidden;
	if (floats > d->scratch_floats) {
		for (int i = 0; i < d->threads; i++) {
			free(d->scratch[i]);
			d->scratch[i] = mem_aligned(floats, sizeof(float));
		}
		d->scratch_floats = floats;
	}
	/* As many pieces as threads, none of which ends before all have begun: each thread takes
	 * one. */
	pool_run(d->pool, (size_t)d->threads, run, &s);
	free(s.blocks);
	free(s.parts);
	free(s.runs);
}

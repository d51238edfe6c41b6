/* The forward pass over rows of many sequences. See decode.h.
 *
 * A step runs once on every thread of the pool; the threads take pieces of each stage from a common counter and meet at a barrier
 * behind it, which costs less than handing each stage to the pool. Pieces are cut by the number of rows and panels and write only their own
 * outputs, so it does not matter who computes them.
 */
#include "decode.h"

#include <math.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../nn/kern.h"
#include "../nn/pack.h"

#define ROW_BLOCK 96	       /* rows of x that meet a panel in one piece: a multiple of both tile heights */
#define ATTN_SCORES 131072 /* floats of scores of one piece of attention */
#define ATTN_ROWS 64

struct lm_decoder {
	const struct lm_model *m;
	struct pool *pool;
	int threads;
	const struct nn_kern *k;
	const struct nn_pack_kern *pk;
	struct nn_pack (*lin)[LM_LINEARS]; /* [layers] */
	struct nn_pack head;
	enum nn_type embed_type; /* values of the embedding are rounded to this */
	size_t max_rows;
	int quantised; /* some matrix needs quantised x */
	size_t q_size, kv_size; /* heads head_dim, kv_heads head_dim */

	/* One step's values, [max_rows] rows each. */
	float *x, *q, *kx, *vx, *t;
	struct nn_rows norm, attn, h, last;
	int32_t *position;
	size_t rope_rows; /* of the tables below */
	float *cos, *sin, *cos_local, *sin_local;
	float **scratch; /* one for each thread */
	size_t scratch_floats;
};

/* --- weights --- */

enum nn_type lm_held_as(enum nn_type type, enum lm_role role, int tied, size_t cols)
{
	if (role != LM_WEIGHT && role != LM_HEAD && role != LM_EMBED)
		return NN_F32;
	if (type == NN_Q4_0 && (role == LM_HEAD || (role == LM_EMBED && tied)))
		type = NN_Q8_0;
	return nn_type_fits(type, cols) ? type : NN_F32;
}

/* "As the file has them": bf16 stays, f16 becomes f32, which holds it exactly. */
static enum nn_type held(enum nn_type type, enum nn_type stored, enum lm_role role, int tied, size_t cols)
{
	if (type == NN_F16)
		return stored == NN_F16 || !nn_type_fits(stored, cols) ? NN_F32 : stored;
	return lm_held_as(type, role, tied, cols);
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

static int pack(struct lm_decoder *d, struct nn_pack *to, enum nn_type type, const struct nn_mat *from,
		const float *values, struct err *e)
{
	struct packing p = {to, from, values};

	if (nn_pack_init(to, type, from->rows, from->cols) != 0)
		return err_set(e, "a matrix of %zu x %zu cannot be held as %s", from->rows, from->cols, nn_type_name(type));
	pool_run(d->pool, nn_pack_panels(to), pack_panel, &p);
	if (type == NN_Q8_0 || type == NN_Q4_0)
		d->quantised = 1;
	return 0;
}

static int pack_all(struct lm_decoder *d, enum nn_type type, struct err *e)
{
	const struct lm_model *m = d->m;
	int tied = m->t_head == m->t_embed;
	enum nn_type as = held(type, m->head.type, LM_HEAD, tied, m->head.cols);

	d->lin = mem_alloc(m->config.layers, sizeof *d->lin);
	for (size_t l = 0; l < m->config.layers; l++)
		for (int i = 0; i < LM_LINEARS; i++) {
			const struct lm_linear *lin = &m->layers[l].lin[i];
			float *merged = NULL;
			int bad;

			if (lin->w.rows == 0)
				continue;
			if (lin->a) {
				merged = mem_alloc(lin->w.rows * lin->w.cols, sizeof *merged);
				lm_linear_values(lin, 1, merged);
			}
			bad = pack(d, &d->lin[l][i], held(type, lin->w.type, LM_WEIGHT, tied, lin->w.cols), &lin->w, merged,
				   e);
			free(merged);
			if (bad)
				return -1;
		}
	d->embed_type = held(type, m->embed.type, LM_EMBED, tied, m->embed.cols);
	return pack(d, &d->head, as, &m->head, NULL, e);
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

int lm_decoder_new(struct lm_decoder **out, const struct lm_model *m, enum nn_type type, size_t max_rows,
		   struct pool *pool, struct err *e)
{
	const struct lm_config *c = &m->config;
	struct lm_decoder *d = mem_alloc(1, sizeof *d);

	*out = d;
	d->m = m;
	d->pool = pool;
	d->threads = pool_threads(pool);
	d->k = nn_kern();
	d->pk = nn_pack_kern();
	d->max_rows = max_rows;
	if (pack_all(d, type, e) != 0) {
		lm_decoder_free(d);
		*out = NULL;
		return -1;
	}
	d->q_size = c->heads * c->head_dim;
	d->kv_size = c->kv_heads * c->head_dim;
	d->x = mem_aligned(max_rows * c->hidden, sizeof *d->x);
	d->t = mem_aligned(max_rows * c->hidden, sizeof *d->t);
	d->q = mem_aligned(max_rows * d->q_size, sizeof *d->q);
	d->kx = mem_aligned(max_rows * d->kv_size, sizeof *d->kx);
	d->vx = mem_aligned(max_rows * d->kv_size, sizeof *d->vx);
	rows_init(&d->norm, max_rows, c->hidden, d->quantised);
	rows_init(&d->attn, max_rows, d->q_size, d->quantised);
	rows_init(&d->h, max_rows, c->ffn, d->quantised);
	rows_init(&d->last, max_rows, c->hidden, d->quantised);
	d->position = mem_alloc(max_rows, sizeof *d->position);
	d->scratch = mem_alloc((size_t)d->threads, sizeof *d->scratch);
	return 0;
}

void lm_decoder_free(struct lm_decoder *d)
{
	if (!d)
		return;
	for (size_t l = 0; d->lin && l < d->m->config.layers; l++)
		for (int i = 0; i < LM_LINEARS; i++)
			nn_pack_release(&d->lin[l][i]);
	for (int i = 0; d->scratch && i < d->threads; i++)
		free(d->scratch[i]);
	nn_pack_release(&d->head);
	rows_release(&d->norm);
	rows_release(&d->attn);
	rows_release(&d->h);
	rows_release(&d->last);
	free(d->lin);
	free(d->x);
	free(d->t);
	free(d->q);
	free(d->kx);
	free(d->vx);
	free(d->position);
	free(d->cos);
	free(d->sin);
	free(d->cos_local);
	free(d->sin_local);
	free(d->scratch);
	free(d);
}

size_t lm_decoder_max_rows(const struct lm_decoder *d)
{
	return d->max_rows;
}

/* --- the stages of a step --- */

/* Rows whose attention one piece computes, for each key head. */
struct block {
	size_t first, n;
	size_t positions; /* of the row that sees most, in whole pages */
};

struct step {
	struct lm_decoder *d;
	struct lm_kv *kv;
	const struct lm_row *rows;
	size_t n, wanted;
	float *logits;
	struct block *blocks;
	size_t n_blocks;

	/* Where the threads meet. */
	size_t next;
	unsigned arrived, turn;
};

/* One thread's part in a step. */
struct worker {
	struct step *s;
	size_t layer;
	float *scratch;
};

/* The last to arrive opens the next stage. Waiting is short, so it spins before it gives the processor away. */
static void meet(struct step *s)
{
	unsigned turn = __atomic_load_n(&s->turn, __ATOMIC_ACQUIRE);

	if (__atomic_add_fetch(&s->arrived, 1, __ATOMIC_ACQ_REL) == (unsigned)s->d->threads) {
		s->arrived = 0;
		s->next = 0;
		__atomic_store_n(&s->turn, turn + 1, __ATOMIC_RELEASE);
		return;
	}
	for (int spins = 0; __atomic_load_n(&s->turn, __ATOMIC_ACQUIRE) == turn; spins++) {
		if (spins > 4000) {
			sched_yield();
			continue;
		}
#if defined(__x86_64__)
		__builtin_ia32_pause();
#endif
	}
}

/* fn is called for 0..n-1, each by one thread; all are done when it returns. */
static void each(const struct worker *me, size_t n, void (*fn)(const struct worker *me, size_t i))
{
	size_t i;

	while ((i = __atomic_fetch_add(&me->s->next, 1, __ATOMIC_RELAXED)) < n)
		fn(me, i);
	meet(me->s);
}

static void normalise(const struct lm_decoder *d, float *y, const float *x, const struct lm_norm_weights *w, size_t n,
		      size_t width)
{
	const struct lm_config *c = &d->m->config;

	if (c->norm == LM_LAYERNORM)
		d->k->layernorm(y, NULL, NULL, x, w->w, w->b, c->norm_eps, n, width);
	else
		d->k->rms(y, NULL, x, w->w, c->norm_plus, c->norm_eps, n, width);
}

static void prepare(const struct lm_decoder *d, struct nn_rows *r, size_t i)
{
	if (d->quantised)
		nn_rows_quantise(d->pk, r, i, r->ld);
}

static void embed_row(const struct worker *me, size_t i)
{
	struct step *s = me->s;
	struct lm_decoder *d = s->d;
	const struct lm_config *c = &d->m->config;
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

static void norm_attn_row(const struct worker *me, size_t i)
{
	struct step *s = me->s;
	struct lm_decoder *d = s->d;
	size_t w = d->m->config.hidden;

	normalise(d, d->norm.x + i * w, d->x + i * w, &d->m->layers[me->layer].norm_attn, 1, w);
	prepare(d, &d->norm, i);
}

static void norm_mlp_row(const struct worker *me, size_t i)
{
	struct step *s = me->s;
	struct lm_decoder *d = s->d;
	size_t w = d->m->config.hidden;

	normalise(d, d->norm.x + i * w, d->x + i * w, &d->m->layers[me->layer].norm_mlp, 1, w);
	prepare(d, &d->norm, i);
}

static size_t row_blocks(size_t n)
{
	return (n + ROW_BLOCK - 1) / ROW_BLOCK;
}

static void add_bias(const struct lm_decoder *d, float *y, size_t ldy, size_t n, const float *bias, size_t panel, size_t rows)
{
	size_t first = panel * NN_PANEL, width = rows - first < NN_PANEL ? rows - first : NN_PANEL;

	for (size_t r = 0; bias && r < n; r++)
		d->k->add(y + r * ldy, bias + first, width);
}

/* Panel `panel` of linear `which` for the block of rows: y (its first row) is set, or added to. */
static void linear(const struct worker *me, float *y, size_t ldy, const struct nn_rows *x, int which, size_t panel, size_t block,
		   int add)
{
	const struct step *s = me->s;
	const struct nn_pack *w = &s->d->lin[me->layer][which];
	size_t first = block * ROW_BLOCK, n = s->n - first < ROW_BLOCK ? s->n - first : ROW_BLOCK;
	float *to = y + first * ldy + panel * NN_PANEL;

	nn_pack_mul(to, ldy, x, first, n, w, panel, add);
	add_bias(s->d, to, ldy, n, s->d->m->layers[me->layer].lin[which].bias, panel, w->rows);
}

static size_t panels(const struct worker *me, int which)
{
	return nn_pack_panels(&me->s->d->lin[me->layer][which]);
}

static void qkv_piece(const struct worker *me, size_t i)
{
	struct step *s = me->s;
	struct lm_decoder *d = s->d;
	size_t blocks = row_blocks(s->n), panel = i / blocks, block = i % blocks;

	if (panel < panels(me, LM_Q)) {
		linear(me, d->q, d->q_size, &d->norm, LM_Q, panel, block, 0);
		return;
	}
	panel -= panels(me, LM_Q);
	if (panel < panels(me, LM_K))
		linear(me, d->kx, d->kv_size, &d->norm, LM_K, panel, block, 0);
	else
		linear(me, d->vx, d->kv_size, &d->norm, LM_V, panel - panels(me, LM_K), block, 0);
}

/* Turns queries and keys by their position and files keys and values in the row's page. */
static void place_row(const struct worker *me, size_t i)
{
	struct step *s = me->s;
	struct lm_decoder *d = s->d;
	const struct lm_config *c = &d->m->config;
	const struct lm_layer *layer = &d->m->layers[me->layer];
	float *q = d->q + i * d->q_size, *k = d->kx + i * d->kv_size, *v = d->vx + i * d->kv_size;
	size_t hd = c->head_dim, at = s->rows[i].position % LM_PAGE;
	uint32_t page = s->rows[i].pages[s->rows[i].position / LM_PAGE];

	if (layer->norm_q.w) {
		normalise(d, q, q, &layer->norm_q, c->heads, hd);
		normalise(d, k, k, &layer->norm_k, c->kv_heads, hd);
	}
	if (c->rope != LM_ROPE_NONE) {
		const float *cos = layer->local && d->cos_local ? d->cos_local : d->cos;
		const float *sin = layer->local && d->sin_local ? d->sin_local : d->sin;

		d->k->rope(q, d->q_size, cos, sin, &d->position[i], 1, 1, c->heads, hd);
		d->k->rope(k, d->kv_size, cos, sin, &d->position[i], 1, 1, c->kv_heads, hd);
	}
	for (size_t h = 0; h < c->kv_heads; h++) {
		float *keys = lm_kv_keys(s->kv, page, me->layer, h);

		for (size_t j = 0; j < hd; j++)
			keys[j * LM_PAGE + at] = k[h * hd + j];
		memcpy(lm_kv_values(s->kv, page, me->layer, h) + at * s->kv->value_ld, v + h * hd, hd * sizeof *v);
	}
}

/* First position that the row sees. */
static size_t first_seen(const struct worker *me, size_t row)
{
	size_t window = me->s->d->m->layers[me->layer].window, n = (size_t)me->s->rows[row].position + 1;

	return window > 0 && n > window ? n - window : 0;
}

static int sees_page(const struct worker *me, size_t row, size_t page)
{
	return page <= me->s->rows[row].position / LM_PAGE && page >= first_seen(me, row) / LM_PAGE;
}

/* Rows of the block from r on (at least one) that have the same page at this place; the others of them do not see it. */
static size_t page_run(const struct worker *me, const struct block *b, size_t r, size_t page)
{
	const struct lm_row *rows = me->s->rows + b->first;
	size_t n = 1;

	while (r + n < b->n && sees_page(me, b->first + r + n, page) && rows[r + n].pages[page] == rows[r].pages[page])
		n++;
	return n;
}

/* Attention of one block of rows on one key head. Rows that share a page, be they neighbours in one prompt or sequences with a common
 * beginning, meet it in one product. Scores are kept for all positions, so that each row's softmax is one sum in order. */
static void attend_piece(const struct worker *me, size_t i)
{
	struct step *s = me->s;
	struct lm_decoder *d = s->d;
	const struct lm_config *c = &d->m->config;
	const struct block *b = &s->blocks[i % s->n_blocks];
	size_t head = i / s->n_blocks, hd = c->head_dim, group = c->heads / c->kv_heads, width = group * hd;
	size_t pages = b->positions / LM_PAGE, ld = b->positions;
	float *q = me->scratch, *o = q + b->n * width, *scores = o + b->n * width;

	for (size_t r = 0; r < b->n; r++)
		memcpy(q + r * width, d->q + (b->first + r) * d->q_size + head * width, width * sizeof *q);
	for (size_t p = 0; p < pages; p++)
		for (size_t r = 0, n; r < b->n; r += n) {
			n = 1;
			if (!sees_page(me, b->first + r, p))
				continue;
			n = page_run(me, b, r, p);
			nn_small_mul(d->pk, scores + r * group * ld + p * LM_PAGE, ld, q + r * width, hd,
				     lm_kv_keys(s->kv, s->rows[b->first + r].pages[p], me->layer, head), LM_PAGE, n * group,
				     LM_PAGE, hd, 0);
		}
	for (size_t r = 0; r < b->n; r++) {
		size_t lo = first_seen(me, b->first + r), hi = (size_t)s->rows[b->first + r].position + 1;

		for (size_t j = 0; j < group; j++) {
			float *x = scores + (r * group + j) * ld, scale = c->attn_scale;

			if (c->attn_softcap > 0) {
				d->k->scale(x + lo, scale, hi - lo);
				d->k->softcap(x + lo, c->attn_softcap, hi - lo);
				scale = 1;
			}
			d->k->softmax(x + lo, scale, hi - lo);
			memset(x + lo / LM_PAGE * LM_PAGE, 0, lo % LM_PAGE * sizeof *x);
			memset(x + hi, 0, ((hi + LM_PAGE - 1) / LM_PAGE * LM_PAGE - hi) * sizeof *x);
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
			/* Only what is filled in is read: zero times what an earlier owner left may not be zero. */
			for (size_t k = 0; k < n; k++) {
				size_t have = (size_t)s->rows[b->first + r + k].position + 1 - p * LM_PAGE;

				filled = have > filled ? have : filled;
			}
			nn_small_mul(d->pk, o + r * width, hd, scores + r * group * ld + p * LM_PAGE, ld,
				     lm_kv_values(s->kv, s->rows[b->first + r].pages[p], me->layer, head), s->kv->value_ld,
				     n * group, hd, filled < LM_PAGE ? filled : LM_PAGE, 1);
		}
	for (size_t r = 0; r < b->n; r++)
		memcpy(d->attn.x + (b->first + r) * d->attn.ld + head * width, o + r * width, width * sizeof *o);
}

static void attended_row(const struct worker *me, size_t i)
{
	struct step *s = me->s;
	prepare(s->d, &s->d->attn, i);
}

static void o_piece(const struct worker *me, size_t i)
{
	struct step *s = me->s;
	struct lm_decoder *d = s->d;
	size_t blocks = row_blocks(s->n);
	int post = d->m->layers[me->layer].post_attn.w != NULL;

	linear(me, post ? d->t : d->x, d->m->config.hidden, &d->attn, LM_O, i / blocks, i % blocks, !post);
}

static void post_attn_row(const struct worker *me, size_t i)
{
	struct step *s = me->s;
	struct lm_decoder *d = s->d;
	size_t w = d->m->config.hidden;

	normalise(d, d->t + i * w, d->t + i * w, &d->m->layers[me->layer].post_attn, 1, w);
	d->k->add(d->x + i * w, d->t + i * w, w);
}

static void post_mlp_row(const struct worker *me, size_t i)
{
	struct step *s = me->s;
	struct lm_decoder *d = s->d;
	size_t w = d->m->config.hidden;

	normalise(d, d->t + i * w, d->t + i * w, &d->m->layers[me->layer].post_mlp, 1, w);
	d->k->add(d->x + i * w, d->t + i * w, w);
}

/* The same panel of gate and up, so that what comes out is h already. */
static void gate_up_piece(const struct worker *me, size_t i)
{
	struct step *s = me->s;
	struct lm_decoder *d = s->d;
	const struct lm_config *c = &d->m->config;
	size_t blocks = row_blocks(s->n), panel = i / blocks, block = i % blocks;
	size_t first = block * ROW_BLOCK, n = s->n - first < ROW_BLOCK ? s->n - first : ROW_BLOCK;
	const struct nn_pack *gate = &d->lin[me->layer][LM_GATE], *up = &d->lin[me->layer][LM_UP];
	size_t width = c->ffn - panel * NN_PANEL < NN_PANEL ? c->ffn - panel * NN_PANEL : NN_PANEL;
	float *g = me->scratch, *u = me->scratch + ROW_BLOCK * NN_PANEL, *h = d->h.x + first * d->h.ld + panel * NN_PANEL;

	nn_pack_mul(u, NN_PANEL, &d->norm, first, n, up, panel, 0);
	add_bias(d, u, NN_PANEL, n, d->m->layers[me->layer].lin[LM_UP].bias, panel, c->ffn);
	if (c->act == LM_GELU) {
		for (size_t r = 0; r < n; r++)
			d->k->gelu(h + r * d->h.ld, u + r * NN_PANEL, width);
		return;
	}
	nn_pack_mul(g, NN_PANEL, &d->norm, first, n, gate, panel, 0);
	add_bias(d, g, NN_PANEL, n, d->m->layers[me->layer].lin[LM_GATE].bias, panel, c->ffn);
	for (size_t r = 0; r < n; r++)
		(c->act == LM_SWIGLU ? d->k->swiglu : d->k->geglu)(h + r * d->h.ld, g + r * NN_PANEL, u + r * NN_PANEL,
								    width);
}

static void hidden_row(const struct worker *me, size_t i)
{
	struct step *s = me->s;
	prepare(s->d, &s->d->h, i);
}

static void down_piece(const struct worker *me, size_t i)
{
	struct step *s = me->s;
	struct lm_decoder *d = s->d;
	size_t blocks = row_blocks(s->n);
	int post = d->m->layers[me->layer].post_mlp.w != NULL;

	linear(me, post ? d->t : d->x, d->m->config.hidden, &d->h, LM_DOWN, i / blocks, i % blocks, !post);
}

static void final_row(const struct worker *me, size_t i)
{
	struct step *s = me->s;
	struct lm_decoder *d = s->d;
	size_t w = d->m->config.hidden;
	int to = s->rows[i].logits;

	if (to < 0)
		return;
	normalise(d, d->last.x + (size_t)to * w, d->x + i * w, &d->m->norm_final, 1, w);
	prepare(d, &d->last, (size_t)to);
}

static void head_piece(const struct worker *me, size_t i)
{
	struct step *s = me->s;
	struct lm_decoder *d = s->d;
	size_t blocks = row_blocks(s->wanted), panel = i / blocks, first = i % blocks * ROW_BLOCK, vocab = d->head.rows;
	size_t n = s->wanted - first < ROW_BLOCK ? s->wanted - first : ROW_BLOCK;
	size_t width = vocab - panel * NN_PANEL < NN_PANEL ? vocab - panel * NN_PANEL : NN_PANEL;
	float *y = s->logits + first * vocab + panel * NN_PANEL;

	nn_pack_mul(y, vocab, &d->last, first, n, &d->head, panel, 0);
	for (size_t r = 0; d->m->config.logit_softcap > 0 && r < n; r++)
		d->k->softcap(y + r * vocab, d->m->config.logit_softcap, width);
}

/* What every thread does in one step; they all go through the same stages. */
static void run(void *arg, size_t thread)
{
	struct step *s = arg;
	struct lm_decoder *d = s->d;
	const struct lm_config *c = &d->m->config;
	struct worker worker = {s, 0, d->scratch[thread]}, *me = &worker;
	size_t blocks = row_blocks(s->n);

	each(me, s->n, embed_row);
	for (; me->layer < c->layers; me->layer++) {
		const struct lm_layer *layer = &d->m->layers[me->layer];

		each(me, s->n, norm_attn_row);
		each(me, (panels(me, LM_Q) + panels(me, LM_K) + panels(me, LM_V)) * blocks, qkv_piece);
		each(me, s->n, place_row);
		each(me, s->n_blocks * c->kv_heads, attend_piece);
		if (d->quantised)
			each(me, s->n, attended_row);
		each(me, panels(me, LM_O) * blocks, o_piece);
		if (layer->post_attn.w)
			each(me, s->n, post_attn_row);
		each(me, s->n, norm_mlp_row);
		each(me, panels(me, LM_UP) * blocks, gate_up_piece);
		if (d->quantised)
			each(me, s->n, hidden_row);
		each(me, panels(me, LM_DOWN) * blocks, down_piece);
		if (layer->post_mlp.w)
			each(me, s->n, post_mlp_row);
	}
	if (s->wanted > 0) {
		each(me, s->n, final_row);
		each(me, nn_pack_panels(&d->head) * row_blocks(s->wanted), head_piece);
	}
}

/* Tables of angles for positions below n, made anew in twice the size when they run out. */
static void rope_tables(struct lm_decoder *d, size_t n)
{
	const struct lm_config *c = &d->m->config;
	size_t half = c->head_dim / 2, rows = d->rope_rows ? d->rope_rows : 256;
	double *freq;

	if (c->rope == LM_ROPE_NONE || n <= d->rope_rows)
		return;
	while (rows < n)
		rows *= 2;
	freq = mem_alloc(half, sizeof *freq);
	for (int local = 0; local <= (c->rope_local_theta != c->rope_theta); local++) {
		float **cosines = local ? &d->cos_local : &d->cos, **sines = local ? &d->sin_local : &d->sin;

		lm_config_rope(c, local, freq);
		*cosines = mem_realloc(*cosines, rows * half, sizeof **cosines);
		*sines = mem_realloc(*sines, rows * half, sizeof **sines);
		for (size_t p = d->rope_rows; p < rows; p++)
			for (size_t i = 0; i < half; i++) {
				(*cosines)[p * half + i] = (float)cos((double)p * freq[i]);
				(*sines)[p * half + i] = (float)sin((double)p * freq[i]);
			}
	}
	free(freq);
	d->rope_rows = rows;
}

/* Cuts the rows into blocks for attention, and returns the most floats of scratch one of them takes. */
static size_t cut_blocks(struct step *s)
{
	const struct lm_config *c = &s->d->m->config;
	size_t group = c->heads / c->kv_heads, most = 0;
	size_t share = s->n * c->kv_heads / (8 * (size_t)s->d->threads) + 1; /* some pieces for each thread */

	s->n_blocks = 0;
	for (size_t r = 0; r < s->n;) {
		struct block b = {r, 0, 0};

		for (; r < s->n && b.n < share && b.n < ATTN_ROWS; r++, b.n++) {
			size_t see = ((size_t)s->rows[r].position / LM_PAGE + 1) * LM_PAGE;
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

void lm_decoder_step(struct lm_decoder *d, struct lm_kv *kv, const struct lm_row *rows, size_t n, float *logits)
{
	const struct lm_config *c = &d->m->config;
	struct step s = {.d = d, .kv = kv, .rows = rows, .n = n, .logits = logits};
	size_t floats, last = 0;

	if (n == 0)
		return;
	s.blocks = mem_alloc(n, sizeof *s.blocks);
	for (size_t i = 0; i < n; i++) {
		s.wanted += rows[i].logits >= 0;
		last = rows[i].position > last ? rows[i].position : last;
	}
	rope_tables(d, last + 1);
	floats = cut_blocks(&s);
	if (floats < 2 * ROW_BLOCK * NN_PANEL)
		floats = 2 * ROW_BLOCK * NN_PANEL;
	if (floats < c->hidden)
		floats = c->hidden;
	if (floats > d->scratch_floats) {
		for (int i = 0; i < d->threads; i++) {
			free(d->scratch[i]);
			d->scratch[i] = mem_aligned(floats, sizeof(float));
		}
		d->scratch_floats = floats;
	}
	/* As many pieces as threads, none of which ends before all have begun: each thread takes one. */
	pool_run(d->pool, (size_t)d->threads, run, &s);
	free(s.blocks);
}

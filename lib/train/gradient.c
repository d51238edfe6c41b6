/* Groups of examples through the whole model: embedding, layers, head and loss, and the way
 * back. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../model/adapter.h"
#include "gradient_impl.h"

/* --- embedding --- */

static void embed_piece(void *arg, size_t b)
{
	struct work *w = arg;
	const struct config *k = &w->m->config;
	const struct nn_mat *embed = w->base_only ? model_base_embed(w->m) : &w->m->embed;
	size_t n, row = work_block(w, b, &n), d = k->hidden;

	for (size_t i = row; i < row + n; i++) {
		float *x = w->acts[0].x + i * d;

		nn_mat_rows(x, embed, (size_t)w->ids[i], 1);
		if (k->embed_scale != 1)
			w->kern->scale(x, k->embed_scale, d);
		if (w->neftune > 0)
			w->kern->noise(x, work_key(w, 0, i),
				       (float)(w->neftune /
					       sqrt((double)w->lengths[i] * (double)d)),
				       d);
		if (w->m->positions)
			w->kern->add(x, w->m->positions + (size_t)w->pos[i] * d, d);
	}
}

/* A stripe of columns over all rows, in order: rows of one id add up the same way whoever does
 * it. */
static void embed_back_piece(void *arg, size_t stripe)
{
	struct work *w = arg;
	const struct config *k = &w->m->config;
	size_t d = k->hidden, from = d * stripe / 8, to = d * (stripe + 1) / 8;
	float *de = work_grad(w, w->m->t_embed), *dp = work_grad(w, w->m->t_positions);

	for (size_t i = 0; i < w->n; i++) {
		const float *dx = w->g.dout + i * d;

		if (de)
			w->kern->axpy(de + (size_t)w->ids[i] * d + from, k->embed_scale, dx + from,
				      to - from);
		if (dp)
			w->kern->add(dp + (size_t)w->pos[i] * d + from, dx + from, to - from);
	}
}

/* --- groups --- */

/* Where the examples of the packs stand in a run over all of them. */
struct cursor {
	const struct train_pack *packs;
	size_t n_packs, pack, start, examples;
};

static int check_packs(const struct work *w, const struct train_pack *packs, size_t n,
		       struct err *e)
{
	for (size_t p = 0; p < n; p++) {
		const struct train_pack *k = &packs[p];

		if (k->n == 0 || k->n_starts == 0 || k->starts[0] != 0)
			return err_set(e, "pack %zu is empty", p);
		for (size_t s = 0; s < k->n_starts; s++) {
			size_t end = s + 1 < k->n_starts ? k->starts[s + 1] : k->n;

			if (end <= k->starts[s] || end > k->n)
				return err_set(e, "pack %zu: starts are not in order", p);
			if (end - k->starts[s] > w->len_max)
				return err_set(e,
					       "an example of %zu tokens is longer than the %zu that were announced",
					       end - k->starts[s], w->len_max);
			if ((w->m->positions || w->m->config.bounded) &&
			    end - k->starts[s] > w->m->config.max_positions)
				return err_set(e,
					       "an example of %zu tokens is longer than the model's %zu positions",
					       end - k->starts[s], w->m->config.max_positions);
		}
		for (size_t i = 0; i < k->n; i++)
			if (k->ids[i] < 0 || (size_t)k->ids[i] >= w->m->config.vocab)
				return err_set(e,
					       "token id %d is outside the model's vocabulary of %zu",
					       (int)k->ids[i], w->m->config.vocab);
	}
	return 0;
}

/* The next group: as many whole examples as fit. Returns how many; 0 at the end. */
static size_t next_group(struct work *w, struct cursor *c)
{
	w->n = w->n_segments = w->n_sup = 0;
	while (c->pack < c->n_packs) {
		const struct train_pack *p = &c->packs[c->pack];
		size_t from = p->starts[c->start],
		       n = (c->start + 1 < p->n_starts ? p->starts[c->start + 1] : p->n) - from;

		if (w->n + n > w->rows_max)
			break;
		w->segments = mem_grow(w->segments, &w->segments_cap, w->n_segments + 1,
				       sizeof *w->segments);
		w->segments[w->n_segments++] = (struct segment){w->n, n};
		for (size_t i = 0; i < n; i++) {
			w->ids[w->n + i] = p->ids[from + i];
			w->pos[w->n + i] = (int32_t)i;
			w->turns[w->n + i] = (int32_t)(work_is_long(w, n) ? w->len_max + i : i);
			w->lengths[w->n + i] = (int32_t)n;
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
	/* Blocks of about equal size: one for few rows, else a multiple of two or four, so that
	 * they spread evenly. */
	w->blocks = (w->n + BLOCK_ROWS - 1) / BLOCK_ROWS;
	if (w->blocks > 2)
		w->blocks = (w->blocks + 3) / 4 * 4;
	else if (w->n >= 256)
		w->blocks = 2;
	return w->n_segments;
}

static void forward(struct work *w)
{
	pool_run(w->pool, w->blocks, embed_piece, w);
	for (size_t l = 0; l < w->m->config.layers; l++)
		work_layer_forward(w, l);
}

/* The loss of the group, and back from it. */
static void backward(struct work *w)
{
	size_t layers = w->m->config.layers;

	grads_begin(w->grads, 0);
	work_head(w, 1);
	work_head_back(w);
	grads_end(w->grads, 0);
	for (size_t l = layers; l-- > w->first;) {
		grads_begin(w->grads, layers - l);
		work_layer_backward(w, l);
		grads_end(w->grads, layers - l);
	}
	grads_begin(w->grads, layers + 1);
	if (w->embed_trained)
		pool_run(w->pool, 8, embed_back_piece, w);
	grads_end(w->grads, layers + 1);
}

/* Backward passes over the packs: one for each group in which anything is supervised. */
static size_t count_passes(struct work *w, const struct train_pack *packs, size_t n)
{
	struct cursor c = {.packs = packs, .n_packs = n};
	size_t passes = 0;

	while (next_group(w, &c) > 0)
		passes += w->n_sup > 0;
	return passes;
}

/* Sums of the group, in order of its rows. */
static void tally(const struct work *w, struct train_loss *l, double *logp)
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

static int run(struct work *w, const struct train_pack *packs, size_t n, struct grads *grads,
	       struct train_loss *l, double *logp, struct err *e)
{
	struct cursor c = {.packs = packs, .n_packs = n};
	size_t examples, done = 0, passes = 0;

	if (check_packs(w, packs, n, e))
		return -1;
	if (grads)
		passes = grads_passes(grads, count_passes(w, packs, n));
	w->grads = grads;
	w->row_base = 0;
	work_dora_prepare(w);
	while ((examples = next_group(w, &c)) > 0) {
		if (logp)
			memset(logp + done, 0, examples * sizeof *logp);
		if (w->n_sup) {
			forward(w);
			if (grads)
				backward(w), passes--;
			else
				work_head(w, 0);
		}
		tally(w, l, logp ? logp + done : NULL);
		done += examples;
		w->row_base += w->n;
	}
	for (; passes; passes--)
		grads_pass(grads);
	return 0;
}

int train_gradients(struct work *w, const struct train_pack *packs, size_t n, struct grads *grads,
		    struct train_loss *l, double *logp, struct err *e)
{
	if (!w->any_trained)
		return err_set(e, "nothing in the model is trained");
	w->base_only = 0;
	w->dropout = w->m->adapter ? w->m->adapter->dropout : 0;
	w->neftune = w->neftune_alpha;
	return run(w, packs, n, grads, l, logp, e);
}

int train_loss(struct work *w, const struct train_pack *packs, size_t n, int base,
	       struct train_loss *l, double *logp, struct err *e)
{
	w->base_only = base;
	w->dropout = w->neftune = 0;
	return run(w, packs, n, NULL, l, logp, e);
}

int train_logits(struct work *w, const struct train_pack *pack, float *out, struct err *e)
{
	struct cursor c = {.packs = pack, .n_packs = 1};
	size_t done = 0, v = w->m->config.vocab;

	if (check_packs(w, pack, 1, e))
		return -1;
	w->base_only = 0;
	w->dropout = w->neftune = 0;
	work_dora_prepare(w);
	while (next_group(w, &c) > 0) {
		forward(w);
		work_logits(w, out + done * v);
		done += w->n;
	}
	return 0;
}

double work_flops(const struct model *m, const struct train_pack *packs, size_t n)
{
	const struct config *k = &m->config;
	double total = 0, tokens = 0, supervised = 0, pairs = 0;
	size_t first = k->layers;
	int below = 0;

	for (size_t i = 0; i < m->n_tensors; i++)
		if (m->tensors[i].trained && m->tensors[i].layer >= 0 &&
		    (size_t)m->tensors[i].layer < first)
			first = (size_t)m->tensors[i].layer;
	below = m->tensors[m->t_embed].trained;
	if (below)
		first = 0;
	for (size_t p = 0; p < n; p++)
		for (size_t s = 0; s < packs[p].n_starts; s++) {
			size_t from = packs[p].starts[s],
			       to = s + 1 < packs[p].n_starts ? packs[p].starts[s + 1] : packs[p].n;
			double len = (double)(to - from);

			tokens += len;
			pairs += len * (len + 1) / 2;
			for (size_t i = from + 1; i < to; i++)
				supervised += packs[p].weights[i] != 0;
		}
	for (size_t l = 0; l < k->layers; l++) {
		/* Scores and values forward are two products of head_dim a pair and head, backward
		 * four (recomputed scores not counted). */
		const struct config_delta *r = &k->delta;
		double attention = k->conv[l] ? 0 : 2 * pairs * (double)(k->heads * k->head_dim);

		/* The delta rule reads and writes its state three times a row. */
		if (m->layers[l].delta)
			attention = 3 * tokens * (double)(r->v_heads * r->k_dim * r->v_dim);

		total += attention * (l < first ? 2 : 6);
		for (size_t j = 0; j < model_products(m, l); j++) {
			const struct model_linear *lin = model_product(m, l, j);
			double w = (double)lin->w.rows * (double)lin->w.cols,
			       a = lin->a ? (double)lin->rank * (double)(lin->w.rows + lin->w.cols)
					  : 0;
			/* of the rows, on average, so many go through an expert */
			double rows = j < MODEL_LINEARS ? tokens
							: tokens * (double)k->experts_used /
								  (double)k->experts;
			int goes_down = l > first || below || j >= MODEL_O;

			total += 2 * rows * (w + a);
			if (l >= first && goes_down)
				total += 2 * rows * w;
			if (l >= first && a > 0)
				total += 2 * rows * 2 * a;
			if (lin->t_w >= 0 && m->tensors[lin->t_w].trained)
				total += 2 * rows * w;
		}
	}
	return total + 2 * supervised * (double)k->vocab * (double)k->hidden *
			       (m->tensors[m->t_head].trained ? 3 : 2);
}

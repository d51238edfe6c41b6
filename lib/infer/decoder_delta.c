/* The delta rule in the decoder: a state goes through the rows of its sequence one by one, so that a
 * row's values are the same bytes whatever stood in the same step. See decoder.h and nn/delta.h. */
#include <string.h>
#include "../nn/delta.h"
#include "decoder_impl.h"

_Static_assert(CONFIG_TAPS_MAX <= NN_DELTA_TAPS_MAX, "a convolution that config.json may have");

/* The run's state in the layer in hand. */
static float *state_of(const struct worker *me, const struct run_of_rows *run)
{
	return kvcache_state(me->s->kv, me->s->rows[run->first].state, me->layer);
}

/* Rows that the convolution read before those of this step, oldest first: [taps - 1][width]. */
static float *kept_rows(const struct worker *me, const struct run_of_rows *run)
{
	const struct config_delta *c = &me->s->d->m->config.delta;

	return state_of(me, run) + c->v_heads * c->k_dim * c->v_dim;
}

/* The row that the convolution read `back` rows before row i of the run; kept: as above. NULL: before
 * the beginning. */
static const float *row_before(const struct worker *me, const struct run_of_rows *run, size_t i,
			       size_t back, const float *kept)
{
	const struct decoder *d = me->s->d;
	size_t taps = d->m->layers[me->layer].taps;

	if (back > me->s->rows[run->first + i].position)
		return NULL;
	if (back <= i)
		return d->q + (run->first + i - back) * d->q_size;
	return kept + (taps - 1 - (back - i)) * config_delta_width(&d->m->config);
}

size_t decoder_delta_scratch(const struct decoder *d)
{
	const struct config_delta *c = &d->m->config.delta;
	size_t kept = d->m->config.conv_taps * config_delta_width(&d->m->config),
	       row = 2 * c->k_dim + c->v_dim;

	return c->k_heads == 0 ? 0 : kept > row ? kept : row;
}

/* One head of values through the rows of one run. */
static void head_piece(const struct worker *me, size_t i)
{
	const struct decoder *d = me->s->d;
	const struct config_delta *c = &d->m->config.delta;
	const struct model_layer *y = &d->m->layers[me->layer];
	const struct run_of_rows *run = &me->s->runs[i / c->v_heads];
	size_t head = i % c->v_heads, key = head / (c->v_heads / c->k_heads),
	       keys = c->k_heads * c->k_dim;
	float *q = me->scratch, *k = q + c->k_dim, *v = k + c->k_dim,
	      *state = state_of(me, run) + head * c->k_dim * c->v_dim;
	const float *kept = kept_rows(me, run);

	for (size_t r = 0; r < run->n; r++) {
		size_t row = run->first + r;
		const float *x[NN_DELTA_TAPS_MAX];

		for (size_t t = 0; t < y->taps; t++)
			x[t] = row_before(me, run, r, y->taps - 1 - t, kept);
		nn_delta_columns(q, x, y->conv, key * c->k_dim, c->k_dim, y->taps);
		nn_delta_columns(k, x, y->conv, keys + key * c->k_dim, c->k_dim, y->taps);
		nn_delta_columns(v, x, y->conv, 2 * keys + head * c->v_dim, c->v_dim, y->taps);
		nn_delta_row(d->attn.x + row * d->attn.ld + head * c->v_dim, state, q, k, v,
			     d->decay[row * c->v_heads + head], d->vx[row * d->kv_size + head],
			     y->a_log[head], y->dt_bias[head], c->k_dim, c->v_dim);
	}
}

/* The run's last rows are kept for the convolution of the next. */
static void keep_piece(const struct worker *me, size_t i)
{
	const struct run_of_rows *run = &me->s->runs[i];
	size_t taps = me->s->d->m->layers[me->layer].taps,
	       width = config_delta_width(&me->s->d->m->config);
	float *kept = kept_rows(me, run);

	for (size_t t = 0; t + 1 < taps; t++) {
		const float *x = row_before(me, run, run->n - 1, taps - 2 - t, kept);

		if (x)
			memcpy(me->scratch + t * width, x, width * sizeof *x);
		else
			memset(me->scratch + t * width, 0, width * sizeof *x);
	}
	memcpy(kept, me->scratch, (taps - 1) * width * sizeof *kept);
}

static void gate_row(const struct worker *me, size_t i)
{
	const struct decoder *d = me->s->d;
	const struct config *c = &d->m->config;
	const struct model_norm *norm = &d->m->layers[me->layer].norm_mixed;
	size_t heads = c->delta.v_heads;
	float *y = d->attn.x + i * d->attn.ld;

	d->k->rms(y, NULL, y, norm->w, norm->plus, c->norm_eps, heads, c->delta.v_dim);
	d->k->swiglu(y, d->kx + i * d->kv_size, y, heads * c->delta.v_dim);
}

void decoder_delta(struct worker *me)
{
	struct step *s = me->s;

	decoder_each(me, s->n_runs * s->d->m->config.delta.v_heads, head_piece);
	decoder_each(me, s->n_runs, keep_piece);
	decoder_each(me, s->n, gate_row);
}

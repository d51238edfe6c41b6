/* Causal attention by tiles: a strip of queries meets a block of keys, and their scores, which fit the
 * cache, are used and forgotten. What there is beside the products, which attn_tile.c has. */
#include <math.h>
#include <string.h>
#include "attn_impl.h"
#include "kern.h"

#define BLOCK NN_ATTN_BLOCK

size_t nn_attn_scratch(size_t n, size_t group, size_t head_dim)
{
	struct nn_attn_tile t;

	return nn_attn_tile_place(&t, n, group, head_dim, NULL);
}

size_t nn_attn_blocks(size_t n)
{
	return (n + BLOCK - 1) / BLOCK;
}

size_t nn_attn_reach(size_t n, size_t window)
{
	size_t blocks = nn_attn_blocks(n), reach;

	if (window == 0)
		return blocks;
	/* A block's first query sees window - 1 keys before it. */
	reach = 1 + (window - 1 + BLOCK - 1) / BLOCK;
	return reach < blocks ? reach : blocks;
}

/* First key that query row i may see. */
static size_t first_key(const struct nn_attn *a, size_t i)
{
	return a->window && i + 1 > a->window ? i + 1 - a->window : 0;
}

/* The strip from row i of those before row end, against the tile. */
static struct nn_attn_strip strip_of(const struct nn_attn_tile *t, size_t i, size_t end)
{
	size_t first = first_key(t->a, i), behind = t->from + t->n, most = NN_ATTN_LOW, m;

	if (i >= behind && (!t->a->window || t->a->window >= NN_ATTN_BLOCK))
		most = NN_ATTN_STRIP;
	m = end - i < most ? end - i : most;
	return (struct nn_attn_strip){
		.i = i,
		.m = m,
		.from = first > t->from ? (first - t->from) / NN_BF16_PANEL * NN_BF16_PANEL : 0,
		.to = (i + m < behind ? i + m : behind) - t->from,
	};
}

/* Whether row i, and so any row from it on, sees nothing of the tile. */
static int beyond(const struct nn_attn_tile *t, size_t i)
{
	return first_key(t->a, i) >= t->from + t->n;
}

/* Of the strip's keys those from..to-1 that its row r sees; there may be none. */
static void seen(const struct nn_attn_tile *t, const struct nn_attn_strip *s, size_t r,
		 size_t *from, size_t *to)
{
	size_t start = t->from + s->from, first = first_key(t->a, s->i + r);

	*to = s->i + r + 1 - start < s->to - s->from ? s->i + r + 1 - start : s->to - s->from;
	*from = first > start ? first - start : 0;
	if (*from > *to)
		*from = *to;
}

/* Zeros for what a row does not see. */
static void hide(float *row, size_t from, size_t to, size_t width)
{
	memset(row, 0, from * sizeof *row);
	memset(row + to, 0, (width - to) * sizeof *row);
}

float nn_attn_sink(float *log_sum, float sink)
{
	float most = fmaxf(*log_sum, sink),
	      all = most + logf(expf(*log_sum - most) + expf(sink - most)),
	      by = expf(*log_sum - all);

	*log_sum = all;
	return by;
}

void nn_attn_sinks_back(float *dsinks, const float *do_, const float *o, size_t ldo,
			const float *lse, size_t ldl, const struct nn_attn *a)
{
	const struct nn_kern *k = nn_kern();

	/* The sink's share is p = exp(sink - lse); its value is 0, so ds = p (0 - sum of p dp). */
	for (size_t j = 0; j < a->group; j++)
		for (size_t i = 0; i < a->n; i++)
			dsinks[j] -= expf(a->sinks[j] - lse[j * ldl + i]) *
				     k->dot(do_ + i * ldo + j * a->head_dim,
					    o + i * ldo + j * a->head_dim, a->head_dim);
}

/* --- forward --- */

/* What scores are multiplied with when they are capped. */
static float scale_of(const struct nn_attn *a)
{
	return a->softcap > 0 ? 1 : a->scale;
}

/* The strip's scores become exponentials over the highest score so far, most[m]; where that rose, sums
 * [m] and the rows of o, which are over the one before, fall. */
static void exponentials(struct nn_attn_tile *t, const struct nn_attn_strip *s, float *o,
			 size_t ldo, float *most, float *sums)
{
	const struct nn_kern *k = nn_kern();
	const struct nn_attn *a = t->a;
	float scale = scale_of(a);

	for (size_t r = 0; r < s->m; r++) {
		float *row = t->p + r * t->ld, before = most[r];
		size_t from, to;

		seen(t, s, r, &from, &to);
		if (a->softcap > 0) {
			k->scale(row + from, a->scale, to - from);
			k->softcap(row + from, a->softcap, to - from);
		}
		if (to > from) {
			float sum = k->softmax_part(row + from, scale, &most[r], to - from);

			if (most[r] > before && before > -INFINITY) {
				float by = expf((before - most[r]) * scale);

				sums[r] *= by;
				k->scale(o + r * ldo, by, a->head_dim);
			}
			sums[r] += sum;
		}
		hide(row, from, to, s->to - s->from);
	}
}

/* From sums over exponentials to means, and to log-sums of scores where their maxima stood. */
static void finish(const struct nn_attn_tile *t, size_t j, float *o, size_t ldo, float *lse,
		   const float *sums, size_t m)
{
	const struct nn_attn *a = t->a;

	for (size_t r = 0; r < m; r++) {
		float by = 1 / sums[r];

		lse[r] = lse[r] * scale_of(a) + logf(sums[r]);
		if (a->sinks)
			by *= nn_attn_sink(&lse[r], a->sinks[j]);
		nn_kern()->scale(o + r * ldo, by, a->head_dim);
	}
}

void nn_attn_forward(float *o, size_t ldo, float *lse, size_t ldl, const struct nn_attn *a,
		     size_t block, float *scratch)
{
	struct nn_attn_tile t = {.a = a};
	size_t i0 = block * BLOCK, end = a->n - i0 < BLOCK ? a->n : i0 + BLOCK, hd = a->head_dim;

	nn_attn_tile_place(&t, a->n, a->group, hd, scratch);
	memset(t.sums, 0, a->group * t.most * sizeof *t.sums);
	for (size_t i = i0; i < end; i++)
		memset(o + i * ldo, 0, a->group * hd * sizeof *o);
	for (size_t j = 0; j < a->group; j++)
		for (size_t i = i0; i < end; i++)
			lse[j * ldl + i] = -INFINITY;
	for (size_t from = first_key(a, i0) / BLOCK * BLOCK; from < end; from += BLOCK) {
		nn_attn_tile_open(&t, from);
		for (size_t i = i0, m; i < end && !beyond(&t, i); i += m) {
			struct nn_attn_strip s = strip_of(&t, i, end);

			m = s.m;
			for (size_t j = 0; j < a->group; j++) {
				float *oj = o + i * ldo + j * hd;

				nn_attn_tile_scores(&t, &s, a->q + i * a->ldq + j * hd, a->ldq);
				exponentials(&t, &s, oj, ldo, lse + j * ldl + i,
					     t.sums + j * t.most + i - i0);
				nn_attn_tile_mix(&t, &s, oj, ldo);
			}
		}
	}
	for (size_t j = 0; j < a->group; j++)
		finish(&t, j, o + i0 * ldo + j * hd, ldo, lse + j * ldl + i0, t.sums + j * t.most,
		       end - i0);
}

/* --- backward --- */

/* p: unscaled scores, from which the probabilities are made again; dp: their gradients, from which those
 * of the unscaled scores are. dot: the sum of p dp. */
static void capped_back(float *p, float *dp, const struct nn_attn *a, float log_sum, float dot,
			size_t n)
{
	/* With c = cap tanh(scale s / cap): ds = scale p (dp - dot) (1 - (c/cap)^2); p and c are both
	 * needed at once, so one value at a time. */
	for (size_t i = 0; i < n; i++) {
		float c = a->softcap * tanhf(p[i] * a->scale / a->softcap), f = c / a->softcap;

		p[i] = expf(c - log_sum);
		dp[i] = a->scale * p[i] * (dp[i] - dot) * (1 - f * f);
	}
}

/* The strip's scores and gradients of probabilities become probabilities and gradients of scores. */
static void probabilities(struct nn_attn_tile *t, const struct nn_attn_strip *s, const float *do_,
			  const float *o, size_t ldo, const float *lse)
{
	const struct nn_kern *k = nn_kern();
	const struct nn_attn *a = t->a;

	for (size_t r = 0; r < s->m; r++) {
		float *row = t->p + r * t->ld, *drow = t->dp + r * t->ld;
		float dot = k->dot(do_ + r * ldo, o + r * ldo, a->head_dim); /* = sum of p dp */
		size_t from, to;

		seen(t, s, r, &from, &to);
		if (a->softcap > 0) {
			capped_back(row + from, drow + from, a, lse[r], dot, to - from);
		} else {
			k->softmax_again(row + from, a->scale, lse[r], to - from);
			k->softmax_back(drow + from, row + from, dot, a->scale, to - from);
		}
		hide(row, from, to, s->to - s->from);
		hide(drow, from, to, s->to - s->from);
	}
}

void nn_attn_backward(float *dq, float *dk, float *dv, const float *do_, const float *o, size_t ldo,
		      const float *lse, size_t ldl, const struct nn_attn *a, size_t block,
		      size_t keys, float *scratch)
{
	struct nn_attn_tile t = {.a = a};
	size_t i0 = block * BLOCK, end = a->n - i0 < BLOCK ? a->n : i0 + BLOCK, hd = a->head_dim;

	nn_attn_tile_place(&t, a->n, a->group, hd, scratch);
	nn_attn_tile_open_back(&t, keys * BLOCK);
	for (size_t i = i0, m; i < end && !beyond(&t, i); i += m) {
		struct nn_attn_strip s = strip_of(&t, i, end);

		m = s.m;
		for (size_t j = 0; j < a->group; j++) {
			size_t at_q = i * a->ldq + j * hd, at_o = i * ldo + j * hd;

			nn_attn_tile_scores(&t, &s, a->q + at_q, a->ldq);
			nn_attn_tile_dp(&t, &s, do_ + at_o, ldo);
			probabilities(&t, &s, do_ + at_o, o + at_o, ldo, lse + j * ldl + i);
			nn_attn_tile_dv(&t, &s, dv, do_ + at_o, ldo);
			nn_attn_tile_dq(&t, &s, dq + at_q, a->ldq);
			nn_attn_tile_dk(&t, &s, dk, a->q + at_q, a->ldq);
		}
	}
	nn_attn_tile_close_back(&t, dk, dv);
}

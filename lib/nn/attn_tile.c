/* Attention's products against a tile of keys, in f32 from where they stand and in bf16 packed. */
#include <string.h>
#include "attn_impl.h"
#include "thin.h"

#define PANEL NN_BF16_PANEL
#define STRIP NN_ATTN_STRIP
#define BLOCK NN_ATTN_BLOCK

static size_t whole(size_t n, size_t of)
{
	return (n + of - 1) / of * of;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* --- memory --- */

static void *take(float **scratch, size_t *used, size_t n)
{
	void *p = *scratch;

	n = whole(n, 16);
	if (*scratch)
		*scratch += n;
	*used += n;
	return p;
}

size_t nn_attn_tile_place(struct nn_attn_tile *t, size_t n, size_t group, size_t head_dim,
			  float *scratch)
{
	size_t used = 0, plain, wide = whole(head_dim, PANEL),
	       rows = n > BLOCK ? STRIP : NN_ATTN_LOW;
	float *both;

	t->most = whole(least(n, BLOCK), PANEL);
	/* An odd number of cache lines from row to row, so that the lines of one column do not fall
	 * into the same sets of the cache. */
	t->ld = t->turned = t->most + 16;
	t->deep = whole((head_dim + 1) / 2, NN_BF16_DEEP);
	t->p = take(&scratch, &used, rows * t->ld);
	t->dp = take(&scratch, &used, rows * t->ld);
	t->sums = take(&scratch, &used, group * t->most);

	/* in the same place, either of them */
	both = scratch;
	plain = used;
	t->keys = take(&both, &plain, head_dim * t->turned);
	t->values = take(&both, &plain, head_dim * t->turned);

	t->key_columns = take(&scratch, &used, t->most * t->deep);
	t->value_columns = take(&scratch, &used, t->most * t->deep);
	t->key_rows = take(&scratch, &used, wide * (t->most / 2));
	t->value_rows = take(&scratch, &used, wide * (t->most / 2));
	t->dk = take(&scratch, &used, head_dim * t->most);
	t->dv = take(&scratch, &used, head_dim * t->most);
	t->strip = take(&scratch, &used, rows * (t->deep > t->most / 2 ? t->deep : t->most / 2));
	t->panels = take(&scratch, &used, t->most * (rows / 2));
	t->turning = take(&scratch, &used, (PANEL + rows / 2) * (t->deep > wide ? t->deep : wide));
	t->turn = take(&scratch, &used, wide * (rows / 2));
	return used > plain ? used : plain;
}

/* --- bf16: packing --- */

/* out [n / PANEL][deep][PANEL] = the rows of x [n, head_dim], each as a column. */
static void pack_columns(struct nn_attn_tile *t, uint32_t *out, const float *x, size_t ldx)
{
	const struct nn_bf16 *half = t->a->half;
	size_t pairs = (t->a->head_dim + 1) / 2;

	for (size_t j = 0; j < t->n; j += PANEL, out += t->deep * PANEL) {
		size_t n = least(t->n - j, PANEL);

		for (size_t r = 0; r < n; r++)
			half->along(t->turning + r * pairs, x + (j + r) * ldx, t->a->head_dim);
		if (n < PANEL)
			memset(out, 0, pairs * PANEL * sizeof *out);
		nn_bf16_turn(out, PANEL, t->turning, pairs, n, pairs);
		memset(out + pairs * PANEL, 0, (t->deep - pairs) * PANEL * sizeof *out);
	}
}

/* out [ld / PANEL][pairs][PANEL] = columns from..to-1 of pairs of the n rows of x, zeros below them. */
static void pack_rows(const struct nn_bf16 *half, uint32_t *out, size_t pairs, const float *x,
		      size_t ldx, size_t n, size_t columns)
{
	for (size_t j = 0; j < columns; j += PANEL, out += pairs * PANEL) {
		size_t wide = least(columns - j, PANEL);

		if (wide < PANEL)
			memset(out, 0, pairs * PANEL * sizeof *out);
		for (size_t p = 0; p < (n + 1) / 2; p++)
			half->across(out + p * PANEL, x + 2 * p * ldx + j,
				     2 * p + 1 < n ? x + (2 * p + 1) * ldx + j : NULL, wide);
		memset(out + (n + 1) / 2 * PANEL, 0, (pairs - (n + 1) / 2) * PANEL * sizeof *out);
	}
}

/* t->strip [m][pairs] = rows of x [m, n]. */
static void pack_strip(struct nn_attn_tile *t, size_t pairs, const float *x, size_t ldx, size_t m,
		       size_t n)
{
	size_t there = (n + 1) / 2;

	for (size_t r = 0; r < m; r++) {
		t->a->half->along(t->strip + r * pairs, x + r * ldx, n);
		memset(t->strip + r * pairs + there, 0, (pairs - there) * sizeof *t->strip);
	}
}

/* t->turn [head_dim][pairs] = pairs of the m rows of x, turned. */
static void pack_turned(struct nn_attn_tile *t, size_t pairs, const float *x, size_t ldx, size_t m)
{
	size_t n = t->a->head_dim, there = (m + 1) / 2;

	for (size_t p = 0; p < there; p++)
		t->a->half->across(t->turning + p * n, x + 2 * p * ldx,
				   2 * p + 1 < m ? x + (2 * p + 1) * ldx : NULL, n);
	memset(t->turning + there * n, 0, (pairs - there) * n * sizeof *t->turning);
	nn_bf16_turn(t->turn, pairs, t->turning, n, pairs, n);
}

/* --- bf16: products --- */

/* c [m, strip's keys] = x by columns. */
static void half_against(struct nn_attn_tile *t, const struct nn_attn_strip *s, float *c,
			 const float *x, size_t ldx, const uint32_t *columns)
{
	uint64_t before = nn_bf16_begin();

	pack_strip(t, t->deep, x, ldx, s->m, t->a->head_dim);
	for (size_t j = s->from; j < s->to; j += PANEL)
		t->a->half->mul(c + j - s->from, t->ld, t->strip, t->deep, s->m,
				columns + j * t->deep, least(s->to - j, PANEL), t->deep, 0);
	nn_bf16_end(before);
}

/* c [m, head_dim] += x [m, strip's keys] by rows. */
static void half_through(struct nn_attn_tile *t, const struct nn_attn_strip *s, float *c,
			 size_t ldc, const float *x, const uint32_t *rows)
{
	size_t width = s->to - s->from, pairs = whole((width + 1) / 2, NN_BF16_DEEP),
	       n = t->a->head_dim;
	uint64_t before = nn_bf16_begin();

	pack_strip(t, pairs, x, t->ld, s->m, width);
	rows += s->from / 2 * PANEL;
	for (size_t j = 0; j < n; j += PANEL, rows += t->most / 2 * PANEL)
		t->a->half->mul(c + j, ldc, t->strip, pairs, s->m, rows, least(n - j, PANEL), pairs,
				1);
	nn_bf16_end(before);
}

/* c [head_dim][most] += (y^T x)^T over the strip's rows, for y [m, strip's keys] and x [m, head_dim]. */
static void half_turned(struct nn_attn_tile *t, const struct nn_attn_strip *s, float *c,
			const float *y, const float *x, size_t ldx)
{
	size_t width = s->to - s->from, pairs = whole((s->m + 1) / 2, NN_BF16_DEEP);
	uint64_t before = nn_bf16_begin();

	pack_turned(t, pairs, x, ldx, s->m);
	pack_rows(t->a->half, t->panels, pairs, y, t->ld, s->m, width);
	for (size_t j = 0; j < width; j += PANEL)
		t->a->half->mul(c + s->from + j, t->most, t->turn, pairs, t->a->head_dim,
				t->panels + j * pairs, least(width - j, PANEL), pairs, 1);
	nn_bf16_end(before);
}

/* --- a tile --- */

static void open_keys(struct nn_attn_tile *t, size_t from)
{
	const struct nn_attn *a = t->a;
	const float *k = a->k + from * a->ldk;

	t->from = from;
	t->n = least(a->n - from, BLOCK);
	if (a->half)
		pack_columns(t, t->key_columns, k, a->ldk);
	else
		nn_transpose(t->keys, t->turned, k, a->ldk, t->n, a->head_dim, 1);
}

void nn_attn_tile_open(struct nn_attn_tile *t, size_t from)
{
	const struct nn_attn *a = t->a;

	open_keys(t, from);
	if (a->half)
		pack_rows(a->half, t->value_rows, t->most / 2, a->v + from * a->ldv, a->ldv, t->n,
			  a->head_dim);
}

void nn_attn_tile_open_back(struct nn_attn_tile *t, size_t from)
{
	const struct nn_attn *a = t->a;
	const float *v = a->v + from * a->ldv;

	open_keys(t, from);
	if (!a->half) {
		nn_transpose(t->values, t->turned, v, a->ldv, t->n, a->head_dim, 1);
		return;
	}
	pack_columns(t, t->value_columns, v, a->ldv);
	pack_rows(a->half, t->key_rows, t->most / 2, a->k + from * a->ldk, a->ldk, t->n,
		  a->head_dim);
	memset(t->dk, 0, a->head_dim * t->most * sizeof *t->dk);
	memset(t->dv, 0, a->head_dim * t->most * sizeof *t->dv);
}

/* out [n, head_dim] += sums [head_dim][most] turned, in squares that are a cache line wide. */
static void add_turned(const struct nn_attn_tile *t, float *out, size_t ldo, const float *sums)
{
	size_t hd = t->a->head_dim;

	for (size_t i0 = 0; i0 < t->n; i0 += 16)
		for (size_t j0 = 0; j0 < hd; j0 += 16)
			for (size_t i = i0; i < least(t->n, i0 + 16); i++)
				for (size_t j = j0; j < least(hd, j0 + 16); j++)
					out[i * ldo + j] += sums[j * t->most + i];
}

void nn_attn_tile_close_back(const struct nn_attn_tile *t, float *dk, float *dv)
{
	const struct nn_attn *a = t->a;

	if (!a->half)
		return; /* they are there already */
	add_turned(t, dk + t->from * a->ldk, a->ldk, t->dk);
	add_turned(t, dv + t->from * a->ldv, a->ldv, t->dv);
}

/* --- its products --- */

static void against(struct nn_attn_tile *t, const struct nn_attn_strip *s, float *c, const float *x,
		    size_t ldx, const float *turned, const uint32_t *columns)
{
	if (t->a->half)
		half_against(t, s, c, x, ldx, columns);
	else
		nn_thin()->nn(c, t->ld, x, ldx, turned + s->from, t->turned, s->m, s->to - s->from,
			      t->a->head_dim, 0);
}

void nn_attn_tile_scores(struct nn_attn_tile *t, const struct nn_attn_strip *s, const float *x,
			 size_t ldx)
{
	against(t, s, t->p, x, ldx, t->keys, t->key_columns);
}

void nn_attn_tile_dp(struct nn_attn_tile *t, const struct nn_attn_strip *s, const float *x,
		     size_t ldx)
{
	against(t, s, t->dp, x, ldx, t->values, t->value_columns);
}

static void through(struct nn_attn_tile *t, const struct nn_attn_strip *s, float *c, size_t ldc,
		    const float *x, const float *y, size_t ldy, const uint32_t *rows)
{
	if (t->a->half)
		half_through(t, s, c, ldc, x, rows);
	else
		nn_thin()->nn(c, ldc, x, t->ld, y + (t->from + s->from) * ldy, ldy, s->m,
			      t->a->head_dim, s->to - s->from, 1);
}

void nn_attn_tile_mix(struct nn_attn_tile *t, const struct nn_attn_strip *s, float *o, size_t ldo)
{
	through(t, s, o, ldo, t->p, t->a->v, t->a->ldv, t->value_rows);
}

void nn_attn_tile_dq(struct nn_attn_tile *t, const struct nn_attn_strip *s, float *dq, size_t ldq)
{
	through(t, s, dq, ldq, t->dp, t->a->k, t->a->ldk, t->key_rows);
}

static void turned(struct nn_attn_tile *t, const struct nn_attn_strip *s, float *c, size_t ldc,
		   float *sums, const float *y, const float *x, size_t ldx)
{
	if (t->a->half)
		half_turned(t, s, sums, y, x, ldx);
	else
		nn_thin()->tn(c + (t->from + s->from) * ldc, ldc, y, t->ld, x, ldx, s->to - s->from,
			      t->a->head_dim, s->m, 1);
}

void nn_attn_tile_dv(struct nn_attn_tile *t, const struct nn_attn_strip *s, float *dv,
		     const float *x, size_t ldx)
{
	turned(t, s, dv, t->a->ldv, t->dv, t->p, x, ldx);
}

void nn_attn_tile_dk(struct nn_attn_tile *t, const struct nn_attn_strip *s, float *dk,
		     const float *x, size_t ldx)
{
	turned(t, s, dk, t->a->ldk, t->dk, t->dp, x, ldx);
}

/* See delta.h. In a chunk of m rows, with G the running sum of g and D_ij = e^(G_i - G_j):
 *
 *	L_ij = beta_i (k_i k_j) D_ij below the diagonal		(I + L) U = beta (V - e^G K S)
 *	P_ij = (q_i k_j) D_ij / sqrt(k_dim) up to the diagonal	O = e^G Q S / sqrt(k_dim) + P U
 *	S goes on as e^(G_m) S + sum over i of e^(G_m - G_i) k_i u_i
 */
#include "delta.h"
#include <math.h>
#include <string.h>
#include "kern.h"
#include "mat.h"

#define CHUNK NN_DELTA_CHUNK
#define LENGTH_EPS 1e-6f /* q and k are divided by sqrt(their squares' sum + this) */

/* A chunk of one value head; C is CHUNK. */
struct chunk {
	size_t m;	    /* rows */
	float *q, *k;	    /* [C, k_dim], of length 1 */
	float *v, *u, *ks;  /* [C, v_dim]; ks = K S */
	float *l, *p, *kkd; /* [C, C]; kkd = (k_i k_j) D_ij */
	double sum[CHUNK];  /* G */
	float grown[CHUNK]; /* e^G */
	float rest[CHUNK];  /* e^(G_m - G) */
	float beta[CHUNK];
};

static float sigmoid(float x)
{
	return 1 / (1 + expf(-x));
}

static float softplus(float x)
{
	return x > 20 ? x : log1pf(expf(x));
}

/* --- the convolution --- */

/* Before silu. */
static void convolve(float *y, const float *const *x, const float *w, size_t from, size_t n,
		     size_t taps)
{
	memset(y, 0, n * sizeof *y);
	for (size_t t = 0; t < taps; t++)
		for (size_t c = 0; x[t] && c < n; c++)
			y[c] += w[(from + c) * taps + t] * x[t][from + c];
}

void nn_delta_columns(float *y, const float *const *x, const float *w, size_t from, size_t n,
		      size_t taps)
{
	convolve(y, x, w, from, n, taps);
	for (size_t c = 0; c < n; c++)
		y[c] *= sigmoid(y[c]);
}

/* The rows that meet the taps at row i. */
static void meet(const float **x, const struct nn_delta *s, size_t i)
{
	for (size_t t = 0; t < s->taps; t++)
		x[t] = i + t + 1 < s->taps ? NULL : s->x + (i + t + 1 - s->taps) * s->ldx;
}

/* One over the length of x. */
static float inverse_length(const float *x, size_t n)
{
	return 1 / sqrtf((float)nn_kern()->sum_squares(x, n) + LENGTH_EPS);
}

/* The gradient by n columns of x from `from` on, set, from that by silu of their convolution, dy
 * [rows, n]; with unit by that set to length 1. pre and y are scratch, n each. */
static void columns_back(float *dx, float *dw, const float *dy, int unit, size_t from, size_t n,
			 const struct nn_delta *s, float *pre, float *y)
{
	const float *x[NN_DELTA_TAPS_MAX];

	for (size_t i = 0; i < s->n; i++)
		memset(dx + i * s->ldx + from, 0, n * sizeof *dx);
	for (size_t i = 0; i < s->n; i++, dy += n) {
		float r = 1, along = 0;

		meet(x, s, i);
		convolve(pre, x, s->w, from, n, s->taps);
		for (size_t c = 0; c < n; c++)
			y[c] = pre[c] * sigmoid(pre[c]);
		if (unit) {
			r = inverse_length(y, n);
			along = r * r * nn_kern()->dot(y, dy, n);
		}
		for (size_t c = 0; c < n; c++) {
			float by = sigmoid(pre[c]),
			      d = r * (dy[c] - along * y[c]) * by * (1 + pre[c] * (1 - by));

			for (size_t t = s->taps; t-- > 0 && x[t];) {
				size_t back = s->taps - 1 - t;

				dx[(i - back) * s->ldx + from + c] +=
					s->w[(from + c) * s->taps + t] * d;
				if (dw)
					dw[(from + c) * s->taps + t] += x[t][from + c] * d;
			}
		}
	}
}

/* --- one chunk forward --- */

static void *take(float **scratch, size_t n)
{
	float *p = *scratch;

	*scratch += n;
	return p;
}

static void chunk_carve(struct chunk *c, const struct nn_delta *s, float **scratch)
{
	c->q = take(scratch, CHUNK * s->k_dim);
	c->k = take(scratch, CHUNK * s->k_dim);
	c->v = take(scratch, CHUNK * s->v_dim);
	c->u = take(scratch, CHUNK * s->v_dim);
	c->ks = take(scratch, CHUNK * s->v_dim);
	c->l = take(scratch, CHUNK * CHUNK);
	c->p = take(scratch, CHUNK * CHUNK);
	c->kkd = take(scratch, CHUNK * CHUNK);
}

/* Rows i0.. of value head j of the group: q, k, v, beta and the sums of g. */
static void chunk_read(struct chunk *c, const struct nn_delta *s, size_t j, size_t i0)
{
	const float *x[NN_DELTA_TAPS_MAX];
	double sum = 0;

	c->m = s->n - i0 < CHUNK ? s->n - i0 : CHUNK;
	for (size_t i = 0; i < c->m; i++) {
		float *q = c->q + i * s->k_dim, *k = c->k + i * s->k_dim;
		const float *a = s->a + (i0 + i) * s->lda + j, *b = s->b + (i0 + i) * s->lda + j;

		meet(x, s, i0 + i);
		nn_delta_columns(q, x, s->w, s->q, s->k_dim, s->taps);
		nn_delta_columns(k, x, s->w, s->k, s->k_dim, s->taps);
		nn_delta_columns(c->v + i * s->v_dim, x, s->w, s->v + j * s->v_dim, s->v_dim,
				 s->taps);
		nn_kern()->scale(q, inverse_length(q, s->k_dim), s->k_dim);
		nn_kern()->scale(k, inverse_length(k, s->k_dim), s->k_dim);
		c->beta[i] = sigmoid(*b);
		sum -= (double)expf(s->a_log[j]) * softplus(*a + s->dt_bias[j]);
		c->sum[i] = sum;
		c->grown[i] = (float)exp(sum);
	}
	for (size_t i = 0; i < c->m; i++)
		c->rest[i] = (float)exp(sum - c->sum[i]);
}

static float between(const struct chunk *c, size_t i, size_t j)
{
	return (float)exp(c->sum[i] - c->sum[j]);
}

/* U of the chunk that begins with this state. */
static void chunk_solve(struct chunk *c, const struct nn_delta *s, const float *state)
{
	size_t m = c->m, kd = s->k_dim, vd = s->v_dim;

	nn_gemm(0, 0, m, vd, kd, 1, c->k, kd, state, vd, 0, c->ks, vd);
	nn_gemm(0, 1, m, m, kd, 1, c->k, kd, c->k, kd, 0, c->kkd, CHUNK);
	for (size_t i = 0; i < m; i++) {
		float *u = c->u + i * vd;

		for (size_t e = 0; e < vd; e++)
			u[e] = c->beta[i] * (c->v[i * vd + e] - c->grown[i] * c->ks[i * vd + e]);
		for (size_t j = 0; j < i; j++) {
			c->kkd[i * CHUNK + j] *= between(c, i, j);
			c->l[i * CHUNK + j] = c->beta[i] * c->kkd[i * CHUNK + j];
			nn_kern()->axpy(u, -c->l[i * CHUNK + j], c->u + j * vd, vd);
		}
	}
}

/* P, whose upper triangle is 0. */
static void chunk_scores(struct chunk *c, const struct nn_delta *s)
{
	size_t m = c->m;

	nn_gemm(0, 1, m, m, s->k_dim, 1 / sqrtf((float)s->k_dim), c->q, s->k_dim, c->k, s->k_dim, 0,
		c->p, CHUNK);
	for (size_t i = 0; i < m; i++)
		for (size_t j = 0; j < m; j++)
			c->p[i * CHUNK + j] *= j > i ? 0 : between(c, i, j);
}

/* The state behind the chunk; k is overwritten. */
static void chunk_end(struct chunk *c, const struct nn_delta *s, float *state)
{
	for (size_t i = 0; i < c->m; i++)
		nn_kern()->scale(c->k + i * s->k_dim, c->rest[i], s->k_dim);
	nn_gemm(1, 0, s->k_dim, s->v_dim, c->m, 1, c->k, s->k_dim, c->u, s->v_dim,
		c->grown[c->m - 1], state, s->v_dim);
}

static size_t chunk_floats(size_t k_dim, size_t v_dim)
{
	return CHUNK * (2 * k_dim + 3 * v_dim + 3 * CHUNK);
}

size_t nn_delta_scratch(size_t n, size_t k_dim, size_t v_dim, int backward)
{
	size_t state = k_dim * v_dim, forward = chunk_floats(k_dim, v_dim) + state,
	       wide = k_dim > v_dim ? k_dim : v_dim;

	if (!backward)
		return forward;
	return forward + (n / CHUNK + 2) * state + n * (2 * k_dim + v_dim) +
	       CHUNK * (k_dim + v_dim + CHUNK) + 2 * wide;
}

void nn_delta_forward(float *o, size_t ldo, const struct nn_delta *s, float *scratch)
{
	size_t kd = s->k_dim, vd = s->v_dim;
	float scale = 1 / sqrtf((float)kd), *state = take(&scratch, kd * vd);
	struct chunk c;

	chunk_carve(&c, s, &scratch);
	for (size_t j = 0; j < s->group; j++, o += vd) {
		memset(state, 0, kd * vd * sizeof *state);
		for (size_t i0 = 0; i0 < s->n; i0 += CHUNK) {
			float *rows = o + i0 * ldo;

			chunk_read(&c, s, j, i0);
			chunk_solve(&c, s, state);
			chunk_scores(&c, s);
			nn_gemm(0, 0, c.m, vd, kd, scale, c.q, kd, state, vd, 0, rows, ldo);
			for (size_t i = 0; i < c.m; i++)
				nn_kern()->scale(rows + i * ldo, c.grown[i], vd);
			nn_gemm(0, 0, c.m, vd, c.m, 1, c.p, CHUNK, c.u, vd, 1, rows, ldo);
			chunk_end(&c, s, state);
		}
	}
}

/* --- and backward --- */

/* Gradients of a value head in flight. */
struct back {
	float *dq, *dk;	       /* [n, k_dim], added to by the group's heads */
	float *dv;	       /* [n, v_dim] */
	float *states;	       /* [chunks, k_dim, v_dim] that the chunks begin with */
	float *ds;	       /* by the state behind the chunk, and then by that before it */
	float *t, *du, *pairs; /* [C, k_dim], [C, v_dim], [C, C] */
	double dsum[CHUNK];    /* by G */
	float dbeta[CHUNK];
};

/* by D_ij, as far as pair (i, j) of a matrix that has it as a factor is concerned. */
static void pair_back(struct back *b, size_t i, size_t j, float by)
{
	b->dsum[i] += (double)by;
	b->dsum[j] -= (double)by;
}

/* Through O and the state behind the chunk: dq, dk, and du by U; ds is still that behind. */
static void output_back(struct back *b, const struct chunk *c, const struct nn_delta *s,
			const float *state, const float *do_, size_t ldo, size_t i0)
{
	size_t m = c->m, kd = s->k_dim, vd = s->v_dim;
	float scale = 1 / sqrtf((float)kd), *dq = b->dq + i0 * kd, *dk = b->dk + i0 * kd;

	/* the state behind */
	nn_gemm(0, 0, m, vd, kd, 1, c->k, kd, b->ds, vd, 0, b->du, vd);
	nn_gemm(0, 1, m, kd, vd, 1, c->u, vd, b->ds, vd, 0, b->t, kd);
	b->dsum[m - 1] += (double)(c->grown[m - 1] * nn_kern()->dot(state, b->ds, kd * vd));
	for (size_t i = 0; i < m; i++) {
		nn_kern()->scale(b->du + i * vd, c->rest[i], vd);
		nn_kern()->axpy(dk + i * kd, c->rest[i], b->t + i * kd, kd);
		pair_back(b, m - 1, i,
			  c->rest[i] * nn_kern()->dot(c->k + i * kd, b->t + i * kd, kd));
	}
	/* P U */
	nn_gemm(1, 0, m, vd, m, 1, c->p, CHUNK, do_, ldo, 1, b->du, vd);
	nn_gemm(0, 1, m, m, vd, 1, do_, ldo, c->u, vd, 0, b->pairs, CHUNK);
	for (size_t i = 0; i < m; i++)
		for (size_t j = 0; j < m; j++) {
			float *d = &b->pairs[i * CHUNK + j];

			if (j > i) {
				*d = 0;
				continue;
			}
			pair_back(b, i, j, *d * c->p[i * CHUNK + j]);
			*d *= scale * between(c, i, j);
		}
	nn_gemm(0, 0, m, kd, m, 1, b->pairs, CHUNK, c->k, kd, 1, dq, kd);
	nn_gemm(1, 0, m, kd, m, 1, b->pairs, CHUNK, c->q, kd, 1, dk, kd);
	/* e^G Q S */
	nn_gemm(0, 1, m, kd, vd, scale, do_, ldo, state, vd, 0, b->t, kd);
	for (size_t i = 0; i < m; i++) {
		nn_kern()->axpy(dq + i * kd, c->grown[i], b->t + i * kd, kd);
		b->dsum[i] +=
			(double)(c->grown[i] * nn_kern()->dot(c->q + i * kd, b->t + i * kd, kd));
	}
}

/* From du through the equations to dv, dk, dbeta and the state before the chunk. */
static void solve_back(struct back *b, const struct chunk *c, const struct nn_delta *s,
		       const float *state, size_t i0)
{
	size_t m = c->m, kd = s->k_dim, vd = s->v_dim;
	float *dk = b->dk + i0 * kd, *dv = b->dv + i0 * vd;

	for (size_t i = m; i-- > 0;)
		for (size_t j = 0; j < i; j++)
			nn_kern()->axpy(b->du + j * vd, -c->l[i * CHUNK + j], b->du + i * vd, vd);
	nn_gemm(0, 1, m, m, vd, -1, b->du, vd, c->u, vd, 0, b->pairs, CHUNK);
	for (size_t i = 0; i < m; i++) {
		b->dbeta[i] = 0;
		for (size_t j = 0; j < m; j++) {
			float *d = &b->pairs[i * CHUNK + j];

			if (j >= i) {
				*d = 0;
				continue;
			}
			b->dbeta[i] += *d * c->kkd[i * CHUNK + j];
			pair_back(b, i, j, *d * c->l[i * CHUNK + j]);
			*d *= c->beta[i] * between(c, i, j);
		}
	}
	nn_gemm(0, 0, m, kd, m, 1, b->pairs, CHUNK, c->k, kd, 1, dk, kd);
	nn_gemm(1, 0, m, kd, m, 1, b->pairs, CHUNK, c->k, kd, 1, dk, kd);
	for (size_t i = 0; i < m; i++) {
		float *du = b->du + i * vd;
		const float *v = c->v + i * vd, *ks = c->ks + i * vd;
		float along = nn_kern()->dot(du, ks, vd);

		b->dbeta[i] += nn_kern()->dot(du, v, vd) - c->grown[i] * along;
		b->dsum[i] -= (double)(c->grown[i] * c->beta[i] * along);
		memcpy(dv + i * vd, du, vd * sizeof *dv);
		nn_kern()->scale(dv + i * vd, c->beta[i], vd);
		nn_kern()->scale(du, -c->grown[i] * c->beta[i], vd); /* by K S */
	}
	nn_gemm(0, 1, m, kd, vd, 1, b->du, vd, state, vd, 1, dk, kd);
}

/* ds goes from the state behind the chunk to that before it; q is overwritten. */
static void state_back(struct back *b, struct chunk *c, const struct nn_delta *s, const float *do_,
		       size_t ldo)
{
	size_t m = c->m, kd = s->k_dim, vd = s->v_dim;

	for (size_t i = 0; i < m; i++)
		nn_kern()->scale(c->q + i * kd, c->grown[i], kd);
	nn_gemm(1, 0, kd, vd, m, 1 / sqrtf((float)kd), c->q, kd, do_, ldo, c->grown[m - 1], b->ds,
		vd);
	nn_gemm(1, 0, kd, vd, m, 1, c->k, kd, b->du, vd, 1, b->ds, vd);
}

/* From the sums of g, and from beta, to a and b. */
static void gates_back(float *da, float *db, struct nn_delta_weights dw, const struct back *back,
		       const struct chunk *c, const struct nn_delta *s, size_t j, size_t i0)
{
	double dg = 0;
	float rate = expf(s->a_log[j]);

	for (size_t i = c->m; i-- > 0;) {
		size_t at = (i0 + i) * s->lda + j;
		float x = s->a[at] + s->dt_bias[j];

		dg += back->dsum[i];
		da[at] = (float)dg * -rate * sigmoid(x);
		db[at] = back->dbeta[i] * c->beta[i] * (1 - c->beta[i]);
		if (dw.a_log)
			dw.a_log[j] += (float)dg * -rate * softplus(x);
		if (dw.dt_bias)
			dw.dt_bias[j] += da[at];
	}
}

void nn_delta_backward(float *dx, float *da, float *db, struct nn_delta_weights dw,
		       const float *do_, size_t ldo, const struct nn_delta *s, float *scratch)
{
	size_t kd = s->k_dim, vd = s->v_dim, size = kd * vd, wide = kd > vd ? kd : vd,
	       chunks = (s->n + CHUNK - 1) / CHUNK;
	struct back b;
	struct chunk c;
	float *pre, *y;

	chunk_carve(&c, s, &scratch);
	b.ds = take(&scratch, size);
	b.states = take(&scratch, (s->n / CHUNK + 2) * size);
	b.dq = take(&scratch, s->n * kd);
	b.dk = take(&scratch, s->n * kd);
	b.dv = take(&scratch, s->n * vd);
	b.t = take(&scratch, CHUNK * kd);
	b.du = take(&scratch, CHUNK * vd);
	b.pairs = take(&scratch, CHUNK * CHUNK);
	pre = take(&scratch, wide);
	y = take(&scratch, wide);
	memset(b.dq, 0, s->n * kd * sizeof *b.dq);
	memset(b.dk, 0, s->n * kd * sizeof *b.dk);
	for (size_t j = 0; j < s->group; j++, do_ += vd) {
		memset(b.states, 0, size * sizeof *b.states);
		for (size_t i = 0; i < chunks; i++) {
			float *next = b.states + (i + 1) * size;

			memcpy(next, b.states + i * size, size * sizeof *next);
			chunk_read(&c, s, j, i * CHUNK);
			chunk_solve(&c, s, next);
			chunk_end(&c, s, next);
		}
		memset(b.ds, 0, size * sizeof *b.ds);
		for (size_t i = chunks; i-- > 0;) {
			const float *state = b.states + i * size, *rows = do_ + i * CHUNK * ldo;

			memset(b.dsum, 0, sizeof b.dsum);
			chunk_read(&c, s, j, i * CHUNK);
			chunk_solve(&c, s, state);
			chunk_scores(&c, s);
			output_back(&b, &c, s, state, rows, ldo, i * CHUNK);
			solve_back(&b, &c, s, state, i * CHUNK);
			state_back(&b, &c, s, rows, ldo);
			gates_back(da, db, dw, &b, &c, s, j, i * CHUNK);
		}
		columns_back(dx, dw.w, b.dv, 0, s->v + j * vd, vd, s, pre, y);
	}
	columns_back(dx, dw.w, b.dq, 1, s->q, kd, s, pre, y);
	columns_back(dx, dw.w, b.dk, 1, s->k, kd, s, pre, y);
}

/* --- one row --- */

void nn_delta_row(float *o, float *state, float *q, float *k, const float *v, float a, float b,
		  float a_log, float dt_bias, size_t k_dim, size_t v_dim)
{
	const struct nn_kern *kern = nn_kern();
	float kept = expf(-expf(a_log) * softplus(a + dt_bias)), beta = sigmoid(b);

	kern->scale(q, inverse_length(q, k_dim) / sqrtf((float)k_dim), k_dim);
	kern->scale(k, inverse_length(k, k_dim), k_dim);
	/* o holds what is added to the state along k, before it holds the output */
	memset(o, 0, v_dim * sizeof *o);
	for (size_t i = 0; i < k_dim; i++) {
		kern->scale(state + i * v_dim, kept, v_dim);
		kern->axpy(o, k[i], state + i * v_dim, v_dim);
	}
	for (size_t e = 0; e < v_dim; e++)
		o[e] = beta * (v[e] - o[e]);
	for (size_t i = 0; i < k_dim; i++)
		kern->axpy(state + i * v_dim, k[i], o, v_dim);
	memset(o, 0, v_dim * sizeof *o);
	for (size_t i = 0; i < k_dim; i++)
		kern->axpy(o, q[i], state + i * v_dim, v_dim);
}

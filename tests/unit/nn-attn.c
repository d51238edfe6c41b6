/* Attention by tiles against its definition in double precision, forward and backward, on rows that end
 * within, at and behind a block's edge; the same bits in bf16 from every set of one order, and whatever
 * order the tiles of one distance come in. */
#include <stdlib.h>
#include "../../lib/base/mem.h"
#include "../../lib/base/rng.h"
#include "../../lib/nn/attn.h"
#include "../../lib/nn/kern.h"
#include "tap.h"

#define SINKS_MAX 4

static struct rng rng;

/* What goes in, and the gradient of what comes out; rows have columns of others beside them. */
struct problem {
	struct nn_attn a;
	size_t ldo, ldl;
	float *q, *k, *v, *do_, *sinks;
};

/* One result of all, floats as they are or doubles. */
struct result {
	double *o, *lse, *dq, *dk, *dv;
	double dsinks[SINKS_MAX];
};

static float *random_floats(size_t n)
{
	float *x = mem_alloc(n, sizeof *x);

	for (size_t i = 0; i < n; i++)
		x[i] = (float)rng_normal(&rng);
	return x;
}

static struct problem make(size_t n, size_t group, size_t head_dim, size_t window, float softcap,
			   int sinks)
{
	size_t ldq = group * head_dim + 3, ldk = head_dim + 5, ldo = group * head_dim + 1;
	struct problem p = {.ldo = ldo, .ldl = n + 2};

	p.q = random_floats(n * ldq);
	p.k = random_floats(n * ldk);
	p.v = random_floats(n * ldk);
	p.do_ = random_floats(n * ldo);
	p.sinks = random_floats(SINKS_MAX);
	p.a = (struct nn_attn){.n = n,
			       .group = group,
			       .head_dim = head_dim,
			       .window = window,
			       .scale = 1.5f / sqrtf((float)head_dim),
			       .softcap = softcap,
			       .sinks = sinks ? p.sinks : NULL,
			       .q = p.q,
			       .k = p.k,
			       .v = p.v,
			       .ldq = ldq,
			       .ldk = ldk,
			       .ldv = ldk};
	return p;
}

static void drop(struct problem *p)
{
	free(p->q);
	free(p->k);
	free(p->v);
	free(p->do_);
	free(p->sinks);
}

static struct result result_new(const struct problem *p)
{
	return (struct result){.o = mem_alloc(p->a.n * p->ldo, sizeof(double)),
			       .lse = mem_alloc(p->a.group * p->ldl, sizeof(double)),
			       .dq = mem_alloc(p->a.n * p->a.ldq, sizeof(double)),
			       .dk = mem_alloc(p->a.n * p->a.ldk, sizeof(double)),
			       .dv = mem_alloc(p->a.n * p->a.ldk, sizeof(double))};
}

static void result_free(struct result *r)
{
	free(r->o);
	free(r->lse);
	free(r->dq);
	free(r->dk);
	free(r->dv);
}

static double dot(const float *x, const float *y, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (double)x[i] * (double)y[i];
	return sum;
}

static double capped(const struct nn_attn *a, double score)
{
	return a->softcap > 0 ? (double)a->softcap * tanh(score / (double)a->softcap) : score;
}

/* Query i of head j by the definition: p = softmax of its scores and the sink, o = sum of p v, and
 * ds = p (dp - sum of p dp) with the cap's slope. */
static void define_row(struct result *r, const struct problem *p, size_t i, size_t j, double *prob)
{
	const struct nn_attn *a = &p->a;
	size_t hd = a->head_dim, from = a->window && i + 1 > a->window ? i + 1 - a->window : 0;
	const float *q = p->q + i * a->ldq + j * hd, *dout = p->do_ + i * p->ldo + j * hd;
	double sum = a->sinks ? exp((double)p->sinks[j]) : 0, sink = sum, all = 0;

	for (size_t t = from; t <= i; t++) {
		prob[t] = exp(capped(a, (double)a->scale * dot(q, p->k + t * a->ldk, hd)));
		sum += prob[t];
	}
	r->lse[j * p->ldl + i] = log(sum);
	for (size_t t = from; t <= i; t++) {
		prob[t] /= sum;
		all += prob[t] * dot(dout, p->v + t * a->ldk, hd);
	}
	for (size_t t = from; t <= i; t++) {
		const float *k = p->k + t * a->ldk, *v = p->v + t * a->ldk;
		double f = a->softcap > 0
				   ? tanh((double)a->scale * dot(q, k, hd) / (double)a->softcap)
				   : 0,
		       ds = (double)a->scale * prob[t] * (dot(dout, v, hd) - all) * (1 - f * f);

		for (size_t e = 0; e < hd; e++) {
			r->o[i * p->ldo + j * hd + e] += prob[t] * (double)v[e];
			r->dv[t * a->ldk + e] += prob[t] * (double)dout[e];
			r->dq[i * a->ldq + j * hd + e] += ds * (double)k[e];
			r->dk[t * a->ldk + e] += ds * (double)q[e];
		}
	}
	if (a->sinks)
		r->dsinks[j] -= sink / sum * all;
}

static struct result define(const struct problem *p)
{
	struct result r = result_new(p);
	double *prob = mem_alloc(p->a.n, sizeof *prob);

	for (size_t i = 0; i < p->a.n; i++)
		for (size_t j = 0; j < p->a.group; j++)
			define_row(&r, p, i, j, prob);
	free(prob);
	return r;
}

static void widen(double *out, float *x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (double)x[i];
	free(x);
}

/* turned: the blocks, and the tiles of each distance, in the other direction. */
static struct result compute(const struct problem *p, int turned)
{
	const struct nn_attn *a = &p->a;
	size_t n = a->n, blocks = nn_attn_blocks(n);
	struct result r = result_new(p);
	float *o = mem_alloc(n * p->ldo, sizeof *o),
	      *lse = mem_alloc(a->group * p->ldl, sizeof *lse),
	      *dq = mem_alloc(n * a->ldq, sizeof *dq), *dk = mem_alloc(n * a->ldk, sizeof *dk),
	      *dv = mem_alloc(n * a->ldk, sizeof *dv), dsinks[SINKS_MAX] = {0},
	      *scratch = mem_alloc(nn_attn_scratch(n, a->group, a->head_dim), sizeof *scratch);

	for (size_t b = 0; b < blocks; b++)
		nn_attn_forward(o, p->ldo, lse, p->ldl, a, turned ? blocks - 1 - b : b, scratch);
	for (size_t apart = 0; apart < nn_attn_reach(n, a->window); apart++)
		for (size_t b = apart; b < blocks; b++) {
			size_t block = turned ? blocks - 1 - (b - apart) : b;

			nn_attn_backward(dq, dk, dv, p->do_, o, p->ldo, lse, p->ldl, a, block,
					 block - apart, scratch);
		}
	if (a->sinks)
		nn_attn_sinks_back(dsinks, p->do_, o, p->ldo, lse, p->ldl, a);
	for (size_t j = 0; j < SINKS_MAX; j++)
		r.dsinks[j] = (double)dsinks[j];
	widen(r.o, o, n * p->ldo);
	widen(r.lse, lse, a->group * p->ldl);
	widen(r.dq, dq, n * a->ldq);
	widen(r.dk, dk, n * a->ldk);
	widen(r.dv, dv, n * a->ldk);
	free(scratch);
	return r;
}

/* |x - y| / |y|, or / 1 where y is smaller: some gradients are 0. */
static double distance(const double *x, const double *y, size_t n)
{
	double off = 0, all = 0;

	for (size_t i = 0; i < n; i++) {
		off += (x[i] - y[i]) * (x[i] - y[i]);
		all += y[i] * y[i];
	}
	return sqrt(off / fmax(all, 1));
}

/* The worst of all results'. */
static double worst(const struct problem *p, const struct result *x, const struct result *y)
{
	double d[] = {distance(x->o, y->o, p->a.n * p->ldo),
		      distance(x->lse, y->lse, p->a.group * p->ldl),
		      distance(x->dq, y->dq, p->a.n * p->a.ldq),
		      distance(x->dk, y->dk, p->a.n * p->a.ldk),
		      distance(x->dv, y->dv, p->a.n * p->a.ldk),
		      distance(x->dsinks, y->dsinks, SINKS_MAX)},
	       most = 0;

	for (size_t i = 0; i < sizeof d / sizeof *d; i++)
		if (!(d[i] <= most))
			most = d[i];
	return most;
}

/* Against what was defined; returns the result. */
static struct result compare(struct problem *p, const struct nn_bf16 *half,
			     const struct result *want, double tol, const char *what)
{
	struct result got;
	double off;

	p->a.half = half;
	got = compute(p, 0);
	off = worst(p, &got, want);
	ok(off <= tol, "%s, %s: within %.0e (%.1e)", what, half ? half->name : "f32", tol, off);
	return got;
}

static void same(const struct problem *p, struct result *got, const struct result *want,
		 const char *what, const char *which)
{
	ok(worst(p, got, want) == 0, "%s, %s", what, which);
	result_free(got);
}

static void check(size_t n, size_t group, size_t head_dim, size_t window, float softcap, int sinks)
{
	struct problem p = make(n, group, head_dim, window, softcap, sinks);
	struct result want = define(&p), got, plain[2];
	const struct nn_bf16 *units[2];
	size_t n_units = nn_bf16_units(units, 2);
	char what[128];

	snprintf(what, sizeof what, "%zu rows, group %zu of %zu, window %zu%s%s", n, group,
		 head_dim, window, softcap > 0 ? ", capped" : "", sinks ? ", sinks" : "");
	plain[0] = compare(&p, NULL, &want, 2e-6, what);
	got = compute(&p, 1);
	same(&p, &got, &plain[0], what, "f32: the same bits in another order of tiles");
	result_free(&plain[0]);
	for (int order = NN_BF16_PAIRS; order <= NN_BF16_TILES; order++)
		plain[order] =
			compare(&p, nn_bf16_plain((enum nn_bf16_order)order), &want, 1e-2, what);
	p.a.half = nn_bf16_emulated();
	got = compute(&p, 1);
	same(&p, &got, &plain[NN_BF16_PAIRS], what, "emulated: the plain set's bits");
	for (size_t i = 0; i < n_units; i++) {
		p.a.half = units[i];
		got = compute(&p, 1);
		same(&p, &got, &plain[units[i]->order], what, units[i]->name);
	}
	result_free(&plain[0]);
	result_free(&plain[1]);
	result_free(&want);
	drop(&p);
}

/* How many blocks of keys at least one query of a block of whole rows sees, counted. */
static size_t counted(size_t window)
{
	size_t first = 9 * NN_ATTN_BLOCK, from = first + 1 > window ? first + 1 - window : 0;

	return 9 - from / NN_ATTN_BLOCK + 1;
}

int main(void)
{
	const size_t b = NN_ATTN_BLOCK;
	size_t windows[] = {1, 2, b - 1, b, b + 1, b + 2, 2 * b, 2 * b + 1, 2 * b + 2, 3 * b};

	rng_seed(&rng, 3, 0);
	check(1, 1, 8, 0, 0, 0);
	check(33, 2, 7, 0, 0, 1);
	check(100, 3, 64, 9, 0, 0);
	check(b, 1, 16, 0, 5, 0);
	check(b + 1, 2, 33, 0, 0, 0);
	check(2 * b + 101, 3, 16, 0, 0, 1);
	check(3 * b - 5, 1, 24, 40, 0, 1);
	check(3 * b + 77, 2, 16, b + 60, 3, 0);
	for (size_t i = 0; i < sizeof windows / sizeof *windows; i++)
		ok(nn_attn_reach(10 * b, windows[i]) == counted(windows[i]),
		   "a window of %zu reaches %zu blocks of keys", windows[i], counted(windows[i]));
	ok(nn_attn_reach(10 * b, 0) == 10 && nn_attn_reach(10 * b, 20 * b) == 10,
	   "none, or one beyond all rows, reaches all");
	ok(nn_attn_scratch(100 * b, 3, 64) == nn_attn_scratch(2 * b, 3, 64),
	   "scratch does not grow with the rows");
	return tap_done();
}

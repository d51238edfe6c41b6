/* The gated delta rule by chunks and by rows, against the rule itself in double precision, and its
 * gradients against that one's differences. */
#include <stdlib.h>
#include "../../lib/base/mem.h"
#include "../../lib/base/rng.h"
#include "../../lib/nn/delta.h"
#include "../../lib/nn/mat.h"
#include "tap.h"

#define GROUP_MAX 4

static struct rng rng;

/* Everything that goes in, one array after another. */
enum { X, W, A, B, A_LOG, DT_BIAS, INPUTS };
static const char *const names[INPUTS] = {"x", "w", "a", "b", "a_log", "dt_bias"};

struct problem {
	struct nn_delta s;
	double *in[INPUTS];
	size_t size[INPUTS];
	float *as_float[INPUTS];
};

static double sigmoid(double x)
{
	return 1 / (1 + exp(-x));
}

static struct problem make(size_t n, size_t group, size_t k_dim, size_t v_dim, size_t taps)
{
	/* columns of another head before, between and behind these */
	size_t q = 2, k = q + k_dim + 1, v = k + k_dim + 3, ldx = v + group * v_dim + 2,
	       lda = group + 1;
	struct problem p = {.s = {n, group, k_dim, v_dim, taps, NULL, ldx, q, k, v, NULL, NULL,
				  NULL, lda, NULL, NULL},
			    .size = {n * ldx, ldx * taps, n * lda, n * lda, group, group}};

	for (int i = 0; i < INPUTS; i++) {
		p.in[i] = mem_alloc(p.size[i], sizeof **p.in);
		p.as_float[i] = mem_alloc(p.size[i], sizeof **p.as_float);
		for (size_t e = 0; e < p.size[i]; e++) {
			/* a_log from fast forgetting to hardly any */
			double x = i == A_LOG ? 2 - 3 * (double)e : rng_normal(&rng);

			p.as_float[i][e] = (float)x;
			p.in[i][e] = p.as_float[i][e];
		}
	}
	p.s.x = p.as_float[X];
	p.s.w = p.as_float[W];
	p.s.a = p.as_float[A];
	p.s.b = p.as_float[B];
	p.s.a_log = p.as_float[A_LOG];
	p.s.dt_bias = p.as_float[DT_BIAS];
	return p;
}

static void drop(struct problem *p)
{
	for (int i = 0; i < INPUTS; i++) {
		free(p->in[i]);
		free(p->as_float[i]);
	}
}

/* silu of the convolution, at row i and a column. */
static double column(const struct problem *p, size_t i, size_t c)
{
	double y = 0;

	for (size_t t = 0; t < p->s.taps && t <= i; t++)
		y += p->in[W][c * p->s.taps + p->s.taps - 1 - t] * p->in[X][(i - t) * p->s.ldx + c];
	return y * sigmoid(y);
}

/* n columns set to length 1. */
static void unit(const struct problem *p, size_t i, size_t from, size_t n, double *out)
{
	double sum = 1e-6;

	for (size_t c = 0; c < n; c++) {
		out[c] = column(p, i, from + c);
		sum += out[c] * out[c];
	}
	for (size_t c = 0; c < n; c++)
		out[c] /= sqrt(sum);
}

/* The rule as it stands in delta.h: o [n, group v_dim]. */
static void rule(const struct problem *p, double *o)
{
	const struct nn_delta *s = &p->s;
	double *state = mem_alloc(s->k_dim * s->v_dim, sizeof *state), q[64], k[64];

	for (size_t j = 0; j < s->group; j++) {
		memset(state, 0, s->k_dim * s->v_dim * sizeof *state);
		for (size_t i = 0; i < s->n; i++) {
			size_t at = i * s->lda + j;
			double kept = exp(-exp(p->in[A_LOG][j]) *
					  log(1 + exp(p->in[A][at] + p->in[DT_BIAS][j]))),
			       beta = sigmoid(p->in[B][at]);

			unit(p, i, s->q, s->k_dim, q);
			unit(p, i, s->k, s->k_dim, k);
			for (size_t e = 0; e < s->v_dim; e++) {
				double v = column(p, i, s->v + j * s->v_dim + e), along = 0,
				       *out = &o[(i * s->group + j) * s->v_dim + e];

				*out = 0;
				for (size_t d = 0; d < s->k_dim; d++)
					along += k[d] * kept * state[d * s->v_dim + e];
				for (size_t d = 0; d < s->k_dim; d++) {
					double *x = &state[d * s->v_dim + e];

					*x = kept * *x + k[d] * beta * (v - along);
					*out += q[d] * *x / sqrt((double)s->k_dim);
				}
			}
		}
	}
	free(state);
}

static double worst_of(const float *got, const double *want, size_t n)
{
	double worst = 0;

	for (size_t i = 0; i < n; i++) {
		double d = fabs(got[i] - want[i]);

		worst = d > worst || isnan(d) ? (isnan(d) ? INFINITY : d) : worst;
	}
	return worst;
}

static double by_rows(const struct problem *p, const double *want)
{
	const struct nn_delta *s = &p->s;
	size_t wide = s->group * s->v_dim;
	float *o = mem_alloc(s->n * wide, sizeof *o), q[64], k[64], v[64];

	for (size_t j = 0; j < s->group; j++) {
		float *state = mem_alloc(s->k_dim * s->v_dim, sizeof *state);

		for (size_t i = 0; i < s->n; i++) {
			const float *x[NN_DELTA_TAPS_MAX];

			for (size_t t = 0; t < s->taps; t++)
				x[t] = i + t + 1 < s->taps ? NULL
							   : s->x + (i + t + 1 - s->taps) * s->ldx;
			nn_delta_columns(q, x, s->w, s->q, s->k_dim, s->taps);
			nn_delta_columns(k, x, s->w, s->k, s->k_dim, s->taps);
			nn_delta_columns(v, x, s->w, s->v + j * s->v_dim, s->v_dim, s->taps);
			nn_delta_row(o + i * wide + j * s->v_dim, state, q, k, v,
				     s->a[i * s->lda + j], s->b[i * s->lda + j], s->a_log[j],
				     s->dt_bias[j], s->k_dim, s->v_dim);
		}
		free(state);
	}
	double worst = worst_of(o, want, s->n * wide);
	free(o);
	return worst;
}

/* Of the sum of o times weights. */
static double objective(const struct problem *p, const float *weights, double *o)
{
	double sum = 0;

	rule(p, o);
	for (size_t i = 0; i < p->s.n * p->s.group * p->s.v_dim; i++)
		sum += o[i] * weights[i];
	return sum;
}

/* The gradient in a random direction against what the rule says of it: the worst of a few. */
static double gradient_off(struct problem *p, int which, const float *gradient,
			   const float *weights, double *o)
{
	size_t n = p->size[which];
	double *direction = mem_alloc(n, sizeof *direction), worst = 0;

	for (int round = 0; round < 3; round++) {
		double got = 0, length = 0, there, back;

		for (size_t i = 0; i < n; i++) {
			direction[i] = rng_normal(&rng);
			got += direction[i] * gradient[i];
			length += (double)gradient[i] * gradient[i];
			p->in[which][i] += 1e-5 * direction[i];
		}
		there = objective(p, weights, o);
		for (size_t i = 0; i < n; i++)
			p->in[which][i] -= 2e-5 * direction[i];
		back = objective(p, weights, o);
		for (size_t i = 0; i < n; i++)
			p->in[which][i] += 1e-5 * direction[i];
		worst = fmax(worst, fabs(got - (there - back) / 2e-5) / (sqrt(length) + 1e-3));
	}
	free(direction);
	return worst;
}

static void one(size_t n, size_t group, size_t k_dim, size_t v_dim, size_t taps)
{
	struct problem p = make(n, group, k_dim, v_dim, taps);
	size_t wide = group * v_dim, floats = nn_delta_scratch(n, k_dim, v_dim, 1);
	float *o = mem_alloc(n * wide, sizeof *o), *do_ = mem_alloc(n * wide, sizeof *do_),
	      *scratch = mem_alloc(floats, sizeof *scratch), *g[INPUTS];
	double *want = mem_alloc(n * wide, sizeof *want), worst;
	int inside = 1;

	for (int i = 0; i < INPUTS; i++)
		g[i] = mem_alloc(p.size[i], sizeof **g);
	rule(&p, want);
	nn_delta_forward(o, wide, &p.s, scratch);
	worst = worst_of(o, want, n * wide);
	ok(worst < 2e-5, "%zu rows, %zu heads of %zu and %zu, %zu taps: by chunks (%.1e)", n, group,
	   k_dim, v_dim, taps, worst);
	worst = by_rows(&p, want);
	ok(worst < 2e-5, "and by rows (%.1e)", worst);
	for (size_t i = 0; i < n * wide; i++)
		do_[i] = (float)rng_normal(&rng);
	for (size_t i = 0; i < p.size[X]; i++)
		g[X][i] = NAN;
	nn_delta_backward(g[X], g[A], g[B], (struct nn_delta_weights){g[W], g[A_LOG], g[DT_BIAS]},
			  do_, wide, &p.s, scratch);
	for (size_t i = 0; i < p.size[X]; i++) {
		size_t c = i % p.s.ldx;
		int ours = (c >= p.s.q && c < p.s.q + k_dim) || (c >= p.s.k && c < p.s.k + k_dim) ||
			   (c >= p.s.v && c < p.s.v + wide);

		inside = inside && ours == !isnan(g[X][i]);
		if (!ours)
			g[X][i] = 0;
	}
	ok(inside, "its own columns have gradients, and those alone");
	for (int i = 0; i < INPUTS; i++) {
		worst = gradient_off(&p, i, g[i], do_, want);
		ok(worst < 1e-3, "the gradient by %s (%.1e)", names[i], worst);
		free(g[i]);
	}
	free(o), free(do_), free(scratch), free(want);
	drop(&p);
}

int main(void)
{
	ok(!nn_init(NULL), "OpenBLAS is loaded");
	rng_seed(&rng, 3, 0);
	one(1, 1, 4, 6, 4);
	one(3, 2, 5, 3, 4);
	one(64, 1, 8, 8, 1);
	one(65, 3, 4, 7, 2);
	one(130, 2, 16, 5, 4);
	return tap_done();
}

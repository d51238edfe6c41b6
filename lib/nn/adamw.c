/* The optimiser's loop over the flat array, in pieces of fixed size so that sums do not depend on
 * the threads. */
#include <math.h>
#include <stdlib.h>
#include "../base/mem.h"
#include "adamw.h"
#include "kern.h"

#define PIECE ((size_t)1 << 16)

void adamw_init(struct adamw *o, size_t n)
{
	*o = (struct adamw){.n = n, .beta1 = 0.9f, .beta2 = 0.999f, .eps = 1e-8f};
	o->m = mem_aligned(n, sizeof *o->m);
	o->v = mem_aligned(n, sizeof *o->v);
}

void adamw_release(struct adamw *o)
{
	free(o->m);
	free(o->v);
	*o = (struct adamw){0};
}

struct step {
	const struct nn_kern *kern;
	struct adamw *o;
	float *params;
	const float *grads;
	struct adamw_run *pieces;
	float g_scale, lr, wd, c1, c2;
};

static void step_piece(void *arg, size_t i)
{
	struct step *s = arg;
	struct adamw *o = s->o;
	const struct adamw_run *r = &s->pieces[i];

	s->kern->adamw(s->params + r->param, o->m + r->at, o->v + r->at, s->grads + r->at,
		       s->g_scale, s->lr, o->beta1, o->beta2, o->eps, s->wd, s->c1, s->c2, r->n);
}

void adamw_step(struct adamw *o, float *params, const float *grads, const struct adamw_run *runs,
		size_t n, float g_scale, float lr, float wd, struct pool *p)
{
	struct step s = {nn_kern(), o, params, grads, NULL, g_scale, lr, wd, 0, 0};
	size_t pieces = 0;

	o->t++;
	s.c1 = (float)(1 - pow(o->beta1, (double)o->t));
	s.c2 = (float)(1 - pow(o->beta2, (double)o->t));
	s.pieces = mem_alloc(o->n / PIECE + n, sizeof *s.pieces);
	for (size_t i = 0; i < n; i++)
		for (size_t at = 0; at < runs[i].n; at += PIECE)
			s.pieces[pieces++] =
				(struct adamw_run){runs[i].param + at, runs[i].at + at,
						   runs[i].n - at < PIECE ? runs[i].n - at : PIECE};
	pool_run(p, pieces, step_piece, &s);
	free(s.pieces);
}

struct norm {
	const struct nn_kern *kern;
	const float *x;
	size_t n;
	double *sums;
};

static void norm_piece(void *arg, size_t i)
{
	struct norm *s = arg;
	size_t at = i * PIECE, n = s->n - at < PIECE ? s->n - at : PIECE;

	s->sums[i] = s->kern->sum_squares(s->x + at, n);
}

double nn_norm(const float *x, size_t n, struct pool *p)
{
	size_t pieces = (n + PIECE - 1) / PIECE;
	struct norm s = {nn_kern(), x, n, mem_alloc(pieces, sizeof *s.sums)};
	double total = 0;

	pool_run(p, pieces, norm_piece, &s);
	for (size_t i = 0; i < pieces; i++)
		total += s.sums[i];
	free(s.sums);
	return sqrt(total);
}

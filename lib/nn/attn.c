/* Causal attention by strips of queries: a strip's scores against the keys it may see fit the
 * cache, are used and forgotten. */
#include <math.h>
#include <string.h>
#include "attn.h"
#include "kern.h"
#include "thin.h"

#define STRIP NN_ATTN_STRIP

/* Floats from row to row of keys or values turned [head_dim, n]: an odd number of cache lines, so
 * that one column's lines do not fall into the same sets of the cache. */
static size_t turned_ld(size_t n)
{
	return ((n + 15) / 16 | 1) * 16;
}

size_t nn_attn_scratch(size_t n, size_t head_dim)
{
	return 2 * STRIP * n + 2 * head_dim * turned_ld(n);
}

/* First key that query row i may see. */
static size_t first_key(const struct nn_attn *a, size_t i)
{
	return a->window && i + 1 > a->window ? i + 1 - a->window : 0;
}

/* c [m, n] = a b, or += where add; transposed: a is stored [k, m]. */
static void product(const struct nn_attn *at, int transposed, float *c, size_t ldc, const float *a,
		    size_t lda, const float *b, size_t ldb, size_t m, size_t n, size_t k, int add)
{
	if (at->half)
		nn_bf16_gemm(at->half, transposed, 0, m, n, k, a, lda, b, ldb, add, c, ldc);
	else
		(transposed ? nn_thin()->tn : nn_thin()->nn)(c, ldc, a, lda, b, ldb, m, n, k, add);
}

/* s [m, width] = rows i0..i0+m-1 of x (head j) times the turned keys or values lo..i0+m-1. */
static void against(float *s, const struct nn_attn *a, const float *x, size_t ldx,
		    const float *turned, size_t j, size_t i0, size_t m, size_t lo)
{
	size_t width = i0 + m - lo;

	product(a, 0, s, width, x + i0 * ldx + j * a->head_dim, ldx, turned + lo, turned_ld(a->n),
		m, width, a->head_dim, 0);
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

void nn_attn_forward(float *o, size_t ldo, float *lse, size_t ldl, const struct nn_attn *a,
		     float *scratch)
{
	const struct nn_kern *k = nn_kern();
	float *s = scratch, *keys = scratch + 2 * STRIP * a->n;

	nn_transpose(keys, turned_ld(a->n), a->k, a->ldk, a->n, a->head_dim, 1);
	for (size_t i0 = 0; i0 < a->n; i0 += STRIP) {
		size_t m = a->n - i0 < STRIP ? a->n - i0 : STRIP, lo = first_key(a, i0),
		       width = i0 + m - lo;

		for (size_t j = 0; j < a->group; j++) {
			against(s, a, a->q, a->ldq, keys, j, i0, m, lo);
			for (size_t i = 0; i < m; i++) {
				float *row = s + i * width, scale = a->scale, sum;
				size_t from = first_key(a, i0 + i) - lo, to = i0 + i + 1 - lo;

				if (a->softcap > 0) {
					k->scale(row + from, a->scale, to - from);
					k->softcap(row + from, a->softcap, to - from);
					scale = 1;
				}
				sum = k->softmax(row + from, scale, to - from);
				if (a->sinks)
					k->scale(row + from, nn_attn_sink(&sum, a->sinks[j]),
						 to - from);
				memset(row, 0, from * sizeof *row);
				memset(row + to, 0, (width - to) * sizeof *row);
				if (lse)
					lse[j * ldl + i0 + i] = sum;
			}
			product(a, 0, o + i0 * ldo + j * a->head_dim, ldo, s, width,
				a->v + lo * a->ldv, a->ldv, m, a->head_dim, width, 0);
		}
	}
}

void nn_attn_backward(float *dq, float *dk, float *dv, const float *do_, const float *o, size_t ldo,
		      const float *lse, size_t ldl, const struct nn_attn *a, float *scratch)
{
	const struct nn_kern *k = nn_kern();
	float *p = scratch, *dp = scratch + STRIP * a->n, *keys = dp + STRIP * a->n;
	size_t hd = a->head_dim, ld = turned_ld(a->n);
	float *values = keys + hd * ld;

	nn_transpose(keys, ld, a->k, a->ldk, a->n, hd, 1);
	nn_transpose(values, ld, a->v, a->ldv, a->n, hd, 1);
	for (size_t i0 = 0; i0 < a->n; i0 += STRIP) {
		size_t m = a->n - i0 < STRIP ? a->n - i0 : STRIP, lo = first_key(a, i0),
		       width = i0 + m - lo;

		for (size_t j = 0; j < a->group; j++) {
			const float *doj = do_ + i0 * ldo + j * hd, *oj = o + i0 * ldo + j * hd;

			against(p, a, a->q, a->ldq, keys, j, i0, m, lo);
			against(dp, a, do_, ldo, values, j, i0, m, lo);
			for (size_t i = 0; i < m; i++) {
				float *row = p + i * width, *drow = dp + i * width,
				      log_sum = lse[j * ldl + i0 + i];
				size_t from = first_key(a, i0 + i) - lo, to = i0 + i + 1 - lo;
				/* = sum of p dp */
				float dot = k->dot(doj + i * ldo, oj + i * ldo, hd);

				if (a->softcap > 0) {
					/* With c = cap tanh(scale s / cap): ds = scale p (dp - dot)
					 * (1 - (c/cap)^2); p and c are both needed at once, so one
					 * value at a time. */
					for (size_t t = from; t < to; t++) {
						float c = a->softcap *
							  tanhf(row[t] * a->scale / a->softcap);
						float f = c / a->softcap;

						row[t] = expf(c - log_sum);
						drow[t] = a->scale * row[t] * (drow[t] - dot) *
							  (1 - f * f);
					}
				} else {
					k->softmax_again(row + from, a->scale, log_sum, to - from);
					k->softmax_back(drow + from, row + from, dot, a->scale,
							to - from);
				}
				memset(row, 0, from * sizeof *row);
				memset(drow, 0, from * sizeof *drow);
				memset(row + to, 0, (width - to) * sizeof *row);
				memset(drow + to, 0, (width - to) * sizeof *drow);
			}
			product(a, 1, dv + lo * a->ldv, a->ldv, p, width, doj, ldo, width, hd, m,
				1);
			product(a, 0, dq + i0 * a->ldq + j * hd, a->ldq, dp, width,
				a->k + lo * a->ldk, a->ldk, m, hd, width, 1);
			product(a, 1, dk + lo * a->ldk, a->ldk, dp, width,
				a->q + i0 * a->ldq + j * hd, a->ldq, width, hd, m, 1);
		}
	}
}

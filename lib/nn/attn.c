/* Causal attention by strips of queries: a strip's scores against the keys it may see fit the cache, are used and forgotten. */
#include <math.h>
#include <string.h>
#include "attn.h"
#include "kern.h"
#include "mat.h"

#define STRIP NN_ATTN_STRIP

size_t nn_attn_scratch(size_t n, size_t head_dim)
{
	(void)head_dim;
	return 2 * STRIP * n;
}

/* First key that query row i may see. */
static size_t first_key(const struct nn_attn *a, size_t i)
{
	return a->window && i + 1 > a->window ? i + 1 - a->window : 0;
}

/* Scores of queries i0..i0+m-1 (head j) against keys lo..i0+m-1: s [m, width], unscaled. */
static void scores(float *s, const struct nn_attn *a, size_t j, size_t i0, size_t m, size_t lo)
{
	size_t width = i0 + m - lo;

	nn_gemm(0, 1, m, width, a->head_dim, 1, a->q + i0 * a->ldq + j * a->head_dim, a->ldq, a->k + lo * a->ldk,
		a->ldk, 0, s, width);
}

void nn_attn_forward(float *o, size_t ldo, float *lse, size_t ldl, const struct nn_attn *a, float *scratch)
{
	const struct nn_kern *k = nn_kern();
	float *s = scratch;

	for (size_t i0 = 0; i0 < a->n; i0 += STRIP) {
		size_t m = a->n - i0 < STRIP ? a->n - i0 : STRIP, lo = first_key(a, i0), width = i0 + m - lo;

		for (size_t j = 0; j < a->group; j++) {
			scores(s, a, j, i0, m, lo);
			for (size_t i = 0; i < m; i++) {
				float *row = s + i * width, scale = a->scale, sum;
				size_t from = first_key(a, i0 + i) - lo, to = i0 + i + 1 - lo;

				if (a->softcap > 0) {
					k->scale(row + from, a->scale, to - from);
					k->softcap(row + from, a->softcap, to - from);
					scale = 1;
				}
				sum = k->softmax(row + from, scale, to - from);
				memset(row, 0, from * sizeof(*row));
				memset(row + to, 0, (width - to) * sizeof(*row));
				if (lse)
					lse[j * ldl + i0 + i] = sum;
			}
			nn_gemm(0, 0, m, a->head_dim, width, 1, s, width, a->v + lo * a->ldv, a->ldv, 0,
				o + i0 * ldo + j * a->head_dim, ldo);
		}
	}
}

void nn_attn_backward(float *dq, float *dk, float *dv, const float *do_, const float *o, size_t ldo, const float *lse,
		      size_t ldl, const struct nn_attn *a, float *scratch)
{
	const struct nn_kern *k = nn_kern();
	float *p = scratch, *dp = scratch + STRIP * a->n;
	size_t hd = a->head_dim;

	for (size_t i0 = 0; i0 < a->n; i0 += STRIP) {
		size_t m = a->n - i0 < STRIP ? a->n - i0 : STRIP, lo = first_key(a, i0), width = i0 + m - lo;

		for (size_t j = 0; j < a->group; j++) {
			const float *doj = do_ + i0 * ldo + j * hd, *oj = o + i0 * ldo + j * hd;

			scores(p, a, j, i0, m, lo);
			nn_gemm(0, 1, m, width, hd, 1, doj, ldo, a->v + lo * a->ldv, a->ldv, 0, dp, width);
			for (size_t i = 0; i < m; i++) {
				float *row = p + i * width, *drow = dp + i * width, log_sum = lse[j * ldl + i0 + i];
				size_t from = first_key(a, i0 + i) - lo, to = i0 + i + 1 - lo;
				float dot = k->dot(doj + i * ldo, oj + i * ldo, hd); /* = sum of p dp */

				if (a->softcap > 0) {
					/* With c = cap tanh(scale s / cap): ds = scale p (dp - dot) (1 - (c/cap)^2); p and c
					 * are both needed at once, so one value at a time. */
					for (size_t t = from; t < to; t++) {
						float c = a->softcap * tanhf(row[t] * a->scale / a->softcap);
						float f = c / a->softcap;

						row[t] = expf(c - log_sum);
						drow[t] = a->scale * row[t] * (drow[t] - dot) * (1 - f * f);
					}
				} else {
					k->softmax_again(row + from, a->scale, log_sum, to - from);
					k->softmax_back(drow + from, row + from, dot, a->scale, to - from);
				}
				memset(row, 0, from * sizeof(*row));
				memset(drow, 0, from * sizeof(*drow));
				memset(row + to, 0, (width - to) * sizeof(*row));
				memset(drow + to, 0, (width - to) * sizeof(*drow));
			}
			nn_gemm(1, 0, width, hd, m, 1, p, width, doj, ldo, 1, dv + lo * a->ldv, a->ldv);
			nn_gemm(0, 0, m, hd, width, 1, dp, width, a->k + lo * a->ldk, a->ldk, 1,
				dq + i0 * a->ldq + j * hd, a->ldq);
			nn_gemm(1, 0, width, hd, m, 1, dp, width, a->q + i0 * a->ldq + j * hd, a->ldq, 1,
				dk + lo * a->ldk, a->ldk);
		}
	}
}

/* rank: Newton's method on the penalised likelihood. See rank.h. */
#include "rank.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "dist.h"

static const double prior = 0.5; /* wins and losses against an opponent of strength 0 */

/* Inverts the positive definite n x n matrix a in place (Gauss-Jordan); -1 where it is singular. */
static int invert(double *a, size_t n)
{
	for (size_t k = 0; k < n; k++) {
		double pivot = a[k * n + k];

		if (!(pivot > 1e-12))
			return -1;
		a[k * n + k] = 1;
		for (size_t j = 0; j < n; j++)
			a[k * n + j] /= pivot;
		for (size_t i = 0; i < n; i++) {
			double f = a[i * n + k];

			if (i == k)
				continue;
			a[i * n + k] = 0;
			for (size_t j = 0; j < n; j++)
				a[i * n + j] -= f * a[k * n + j];
		}
	}
	return 0;
}

/* Gradient and information of the penalised log-likelihood at s. */
static void derive(const double *wins, size_t n, const double *s, double *gradient,
		   double *information)
{
	memset(information, 0, n * n * sizeof *information);
	for (size_t i = 0; i < n; i++) {
		double p = 1 / (1 + exp(-s[i]));

		gradient[i] = prior - 2 * prior * p;
		information[i * n + i] = 2 * prior * p * (1 - p);
	}
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < n; j++) {
			double games = wins[i * n + j] + wins[j * n + i],
			       p = 1 / (1 + exp(s[j] - s[i]));

			if (i == j || games == 0)
				continue;
			gradient[i] += wins[i * n + j] - games * p;
			information[i * n + i] += games * p * (1 - p);
			information[i * n + j] -= games * p * (1 - p);
		}
}

void rank_bradley_terry(const double *wins, size_t n, double level, struct interval *out)
{
	double *s = mem_alloc(n, sizeof *s), *g = mem_alloc(n, sizeof *g),
	       *info = mem_alloc(n * n, sizeof *info), mean = 0;
	double z = -dist_normal_quantile((1 - level) / 2);
	int failed = 0;

	for (int round = 0; round < 100 && !failed; round++) {
		double moved = 0;

		derive(wins, n, s, g, info);
		failed = invert(info, n) < 0;
		for (size_t i = 0; i < n && !failed; i++) {
			double step = 0;

			for (size_t j = 0; j < n; j++)
				step += info[i * n + j] * g[j];
			/* The likelihood is concave; long first steps are shortened so that exp
			 * stays tame. */
			s[i] += fmax(-2, fmin(2, step));
			moved = fmax(moved, fabs(step));
		}
		if (moved < 1e-12)
			break;
	}
	derive(wins, n, s, g, info);
	failed |= invert(info, n) < 0;
	for (size_t i = 0; i < n; i++)
		mean += s[i] / (double)n;
	for (size_t i = 0; i < n; i++) {
		double games = 0, var = 0;

		for (size_t j = 0; j < n; j++)
			games += j != i ? wins[i * n + j] + wins[j * n + i] : 0;
		/* Of s_i less the mean of all. */
		for (size_t j = 0; j < n; j++)
			for (size_t k = 0; k < n; k++)
				var += ((j == i) - 1 / (double)n) * ((k == i) - 1 / (double)n) *
				       info[j * n + k];
		out[i] = (struct interval){s[i] - mean, s[i] - mean - z * sqrt(var),
					   s[i] - mean + z * sqrt(var)};
		if (failed || games == 0)
			out[i] = (struct interval){NAN, NAN, NAN};
	}
	free(s);
	free(g);
	free(info);
}

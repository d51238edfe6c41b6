/* correlate: Pearson, Spearman and Kendall. See correlate.h. */
#include "correlate.h"

#include <math.h>
#include <stdlib.h>
#include "../base/mem.h"
#include "dist.h"

/* r with the interval that is symmetric on Fisher's z scale. */
static struct interval on_z(double r, double se, double level)
{
	double z = atanh(r), half = -dist_normal_quantile((1 - level) / 2) * se;

	if (isnan(r) || isnan(se) || isinf(se))
		return (struct interval){r, NAN, NAN};
	if (fabs(r) >= 1)
		return (struct interval){r, r > 0 ? NAN : r, r > 0 ? r : NAN};
	return (struct interval){r, tanh(z - half), tanh(z + half)};
}

static double pearson(const double *x, const double *y, size_t n)
{
	double mx = 0, my = 0, xx = 0, yy = 0, xy = 0;

	for (size_t i = 0; i < n; i++) {
		mx += x[i] / (double)n;
		my += y[i] / (double)n;
	}
	for (size_t i = 0; i < n; i++) {
		xx += (x[i] - mx) * (x[i] - mx);
		yy += (y[i] - my) * (y[i] - my);
		xy += (x[i] - mx) * (y[i] - my);
	}
	return n >= 3 && xx > 0 && yy > 0 ? fmax(-1, fmin(1, xy / sqrt(xx * yy))) : NAN;
}

static struct interval pearson_interval(const double *x, const double *y, size_t n, double level)
{
	return on_z(pearson(x, y, n), n > 3 ? 1 / sqrt((double)n - 3) : INFINITY, level);
}

struct ranked {
	double x, y;
	size_t at;
};

static int by_x(const void *a, const void *b)
{
	const struct ranked *p = a, *q = b;

	if (p->x != q->x)
		return p->x < q->x ? -1 : 1;
	return p->y < q->y ? -1 : p->y > q->y;
}

static void ranks_of(const double *x, size_t n, double *ranks)
{
	struct ranked *r = mem_alloc(n, sizeof *r);

	for (size_t i = 0; i < n; i++)
		r[i] = (struct ranked){x[i], 0, i};
	qsort(r, n, sizeof *r, by_x);
	for (size_t i = 0, j; i < n; i = j) {
		for (j = i; j < n && r[j].x == r[i].x; j++)
			;
		for (size_t k = i; k < j; k++)
			ranks[r[k].at] = ((double)i + (double)j + 1) / 2;
	}
	free(r);
}

static struct interval spearman_interval(const double *x, const double *y, size_t n, double level)
{
	double *a = mem_alloc(2 * n, sizeof *a), *b = a + n, rho;

	ranks_of(x, n, a);
	ranks_of(y, n, b);
	rho = pearson(a, b, n);
	free(a);
	return on_z(rho, n > 3 ? sqrt((1 + rho * rho / 2) / ((double)n - 3)) : INFINITY, level);
}

/* Sorts v by merging and counts the swaps that neighbours would need: the discordant pairs. */
static double merge_sort(double *v, double *spare, size_t n)
{
	size_t half = n / 2, i = 0, j = half, k = 0;
	double swaps;

	if (n < 2)
		return 0;
	swaps = merge_sort(v, spare, half) + merge_sort(v + half, spare, n - half);
	while (i < half && j < n) {
		if (v[j] < v[i]) {
			swaps += (double)(half - i);
			spare[k++] = v[j++];
		} else {
			spare[k++] = v[i++];
		}
	}
	while (i < half)
		spare[k++] = v[i++];
	while (j < n)
		spare[k++] = v[j++];
	for (k = 0; k < n; k++)
		v[k] = spare[k];
	return swaps;
}

static double pairs(double n)
{
	return n * (n - 1) / 2;
}

static struct interval kendall_interval(const double *x, const double *y, size_t n, double level)
{
	struct ranked *r = mem_alloc(n, sizeof *r);
	double *v = mem_alloc(2 * n, sizeof *v), ties_x = 0, ties_y = 0, ties_both = 0, swaps,
	       all = pairs((double)n), tau;

	for (size_t i = 0; i < n; i++)
		r[i] = (struct ranked){x[i], y[i], i};
	qsort(r, n, sizeof *r, by_x);
	for (size_t i = 0, j; i < n; i = j) {
		for (j = i; j < n && r[j].x == r[i].x; j++)
			;
		ties_x += pairs((double)(j - i));
	}
	for (size_t i = 0, j; i < n; i = j) {
		for (j = i; j < n && r[j].x == r[i].x && r[j].y == r[i].y; j++)
			;
		ties_both += pairs((double)(j - i));
	}
	for (size_t i = 0; i < n; i++)
		v[i] = r[i].y;
	swaps = merge_sort(v, v + n, n);
	for (size_t i = 0, j; i < n; i = j) {
		for (j = i; j < n && v[j] == v[i]; j++)
			;
		ties_y += pairs((double)(j - i));
	}
	free(r);
	free(v);
	tau = (all - ties_x - ties_y + ties_both - 2 * swaps) /
	      sqrt((all - ties_x) * (all - ties_y));
	tau = n < 3 || !isfinite(tau) ? NAN : fmax(-1, fmin(1, tau));
	return on_z(tau, n > 4 ? sqrt(0.437 / ((double)n - 4)) : INFINITY, level);
}

/* On Fisher's scale 1 lies at infinity, and its interval would have no width. The bound is that of
 * the same rows and one more that contradicts them as far as it can: the least x with the greatest
 * y, or of a fall with the least. */
static struct interval not_proven(struct interval (*interval)(const double *, const double *,
							      size_t, double),
				  const double *x, const double *y, size_t n, double level)
{
	struct interval v = interval(x, y, n, level), w;
	double *more, *of_y;

	/* 1 - 1e-12: rows on a line, but for rounding */
	if (!(fabs(v.value) >= 1 - 1e-12))
		return v;
	more = mem_alloc(2 * (n + 1), sizeof *more);
	of_y = more + n + 1;
	more[n] = x[0];
	of_y[n] = y[0];
	for (size_t i = 0; i < n; i++) {
		more[i] = x[i];
		of_y[i] = y[i];
		more[n] = fmin(more[n], x[i]);
		of_y[n] = v.value > 0 ? fmax(of_y[n], y[i]) : fmin(of_y[n], y[i]);
	}
	w = interval(more, of_y, n + 1, level);
	free(more);
	return v.value > 0 ? (struct interval){v.value, w.lo, 1}
			   : (struct interval){v.value, -1, w.hi};
}

struct interval correlate_pearson(const double *x, const double *y, size_t n, double level)
{
	return not_proven(pearson_interval, x, y, n, level);
}

struct interval correlate_spearman(const double *x, const double *y, size_t n, double level)
{
	return not_proven(spearman_interval, x, y, n, level);
}

struct interval correlate_kendall(const double *x, const double *y, size_t n, double level)
{
	return not_proven(kendall_interval, x, y, n, level);
}

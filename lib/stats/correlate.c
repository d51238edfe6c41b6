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
	mem_sort(r, n, sizeof *r, by_x);
	for (size_t i = 0, j; i < n; i = j) {
		for (j = i; j < n && r[j].x == r[i].x; j++)
			;
		for (size_t k = i; k < j; k++)
			ranks[r[k].at] = ((double)i + (double)j + 1) / 2;
	}
	free(r);
}

/* For each row the mean over all rows of b where x is greater than its own, and half of it where x is the
 * same: how the ranks of the others, each weighted by b, rest on the row. */
static void weigh_above(const double *x, const double *b, size_t n, double *out)
{
	struct ranked *r = mem_alloc(n, sizeof *r);
	double above = 0;

	for (size_t i = 0; i < n; i++)
		r[i] = (struct ranked){x[i], 0, i};
	mem_sort(r, n, sizeof *r, by_x);
	for (size_t j = n, i; j > 0; j = i) {
		double own = 0;

		for (i = j; i > 0 && r[i - 1].x == r[j - 1].x; i--)
			own += b[r[i - 1].at];
		for (size_t k = i; k < j; k++)
			out[r[k].at] = (above + own / 2) / (double)n;
		above += own;
	}
	free(r);
}

/* The standard error of rho, which is the correlation of ranks a and b (from -1/2 to 1/2, their means 0):
 * by what each row adds to their covariance and variances, itself and by the ranks that the others
 * have because of it (delta method). */
static double rho_error(const double *x, const double *y, const double *a, const double *b,
			size_t n, double rho)
{
	double *by[4], aa = 0, bb = 0, mean = 0, squares = 0, m = (double)n;

	for (int k = 0; k < 4; k++)
		by[k] = mem_alloc(n, sizeof *by[k]);
	weigh_above(x, b, n, by[0]);
	weigh_above(y, a, n, by[1]);
	weigh_above(x, a, n, by[2]);
	weigh_above(y, b, n, by[3]);
	for (size_t i = 0; i < n; i++) {
		aa += a[i] * a[i] / m;
		bb += b[i] * b[i] / m;
	}
	for (size_t i = 0; i < n; i++) {
		double both = a[i] * b[i] + by[0][i] + by[1][i], of_a = a[i] * a[i] + 2 * by[2][i],
		       of_b = b[i] * b[i] + 2 * by[3][i];

		by[0][i] = both / sqrt(aa * bb) - rho / 2 * (of_a / aa + of_b / bb);
		mean += by[0][i] / m;
	}
	for (size_t i = 0; i < n; i++)
		squares += (by[0][i] - mean) * (by[0][i] - mean);
	for (int k = 0; k < 4; k++)
		free(by[k]);
	return sqrt(squares / (m - 1) / (m - 2));
}

static struct interval spearman_interval(const double *x, const double *y, size_t n, double level)
{
	double *a = mem_alloc(2 * n, sizeof *a), *b = a + n, rho, se = INFINITY, twice = 0;

	ranks_of(x, n, a);
	ranks_of(y, n, b);
	rho = pearson(a, b, n);
	/* of ranks without ties the squares sum to this */
	for (size_t i = 0; i < n; i++)
		twice += a[i] * a[i] + b[i] * b[i];
	if (n <= 4) {
		se = n > 3 ? sqrt((1 + rho * rho / 2) / ((double)n - 3)) : INFINITY;
	} else if (twice > (double)n * ((double)n + 1) * (2 * (double)n + 1) / 3 - .25) {
		se = sqrt((1 + rho * rho / 2) / ((double)n - 3));
	} else {
		for (size_t i = 0; i < n; i++) {
			a[i] = (a[i] - .5) / (double)n - .5;
			b[i] = (b[i] - .5) / (double)n - .5;
		}
		se = rho_error(x, y, a, b, n, rho) / (1 - rho * rho);
	}
	free(a);
	return on_z(rho, se, level);
}

/* A Fenwick tree (1994) of counts at ranks 1..n. */
static void count_at(long *tree, size_t n, size_t rank, long more)
{
	for (; rank <= n; rank += rank & -rank)
		tree[rank] += more;
}

static long count_to(const long *tree, size_t rank)
{
	long sum = 0;

	for (; rank > 0; rank -= rank & -rank)
		sum += tree[rank];
	return sum;
}

/* Of a row's pairs with the others: how many rise less how many fall, and how many have another x,
 * another y. */
struct row_pairs {
	double rising, other_x, other_y;
};

/* In O(n log n); rows in the order of their x. */
static void pair_rows(const double *x, const double *y, size_t n, struct row_pairs *rows)
{
	struct ranked *r = mem_alloc(n, sizeof *r);
	size_t *rank = mem_alloc(2 * n, sizeof *rank), *alike = rank + n;
	long *smaller = mem_alloc(2 * (n + 1), sizeof *smaller), *greater = smaller + n + 1;

	for (size_t i = 0; i < n; i++)
		r[i] = (struct ranked){y[i], 0, i};
	mem_sort(r, n, sizeof *r, by_x);
	for (size_t i = 0, j, k = 1; i < n; i = j, k++)
		for (j = i; j < n && r[j].x == r[i].x; j++) {
			rank[r[j].at] = k;
			alike[k - 1]++;
			count_at(greater, n, k, 1);
		}
	for (size_t i = 0; i < n; i++)
		r[i] = (struct ranked){x[i], y[i], i};
	mem_sort(r, n, sizeof *r, by_x);
	for (size_t i = 0, j; i < n; i = j) {
		for (j = i; j < n && r[j].x == r[i].x; j++)
			count_at(greater, n, rank[r[j].at], -1);
		for (size_t k = i; k < j; k++) {
			size_t m = rank[r[k].at];
			long below = count_to(smaller, m - 1),
			     above = (long)i - count_to(smaller, m),
			     below_later = count_to(greater, m - 1),
			     above_later = (long)(n - j) - count_to(greater, m);

			rows[k] = (struct row_pairs){
				.rising = (double)(below - above + above_later - below_later),
				.other_x = (double)(n - (j - i)),
				.other_y = (double)(n - alike[m - 1]),
			};
		}
		for (size_t k = i; k < j; k++)
			count_at(smaller, n, rank[r[k].at], 1);
	}
	free(r);
	free(rank);
	free(smaller);
}

/* tau-b is the ratio of three means over pairs of rows; its standard error is the jackknife's, by the
 * share that each row has in them (delta method). Without ties Fieller's needs fewer rows. */
static struct interval kendall_interval(const double *x, const double *y, size_t n, double level)
{
	struct row_pairs *rows = mem_alloc(n, sizeof *rows);
	double rising = 0, other_x = 0, other_y = 0, scale, tau, squares = 0, m = (double)n, se;

	pair_rows(x, y, n, rows);
	for (size_t i = 0; i < n; i++) {
		rising += rows[i].rising;
		other_x += rows[i].other_x;
		other_y += rows[i].other_y;
	}
	scale = sqrt(other_x) * sqrt(other_y);
	tau = rising / scale;
	tau = n < 3 || !isfinite(tau) ? NAN : fabs(tau) > 1 - 1e-12 ? copysign(1, tau) : tau;
	for (size_t i = 0; i < n; i++) {
		double share =
			m * (rows[i].rising / scale -
			     tau / 2 * (rows[i].other_x / other_x + rows[i].other_y / other_y));
		squares += share * share;
	}
	free(rows);
	if (other_x == m * (m - 1) && other_y == m * (m - 1))
		return on_z(tau, n > 4 ? sqrt(0.437 / (m - 4)) : INFINITY, level);
	se = n > 4 ? 2 / (m - 2) * sqrt((m - 1) / m * squares) : INFINITY;
	return on_z(tau, se / (1 - tau * tau), level);
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

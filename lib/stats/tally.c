/* tally: a hash table from value to count, and what is read from it. See tally.h. */
#include "tally.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "dist.h"

void tally_release(struct tally *t)
{
	free(t->bins);
	memset(t, 0, sizeof *t);
}

static uint64_t bits(double x)
{
	uint64_t u;

	memcpy(&u, &x, sizeof u);
	return u;
}

/* To 16 significant bits, halves away from zero: only the bit pattern is touched, so it is the same
 * everywhere. */
static double coarsen(double x)
{
	uint64_t u = bits(x);

	u = (u + ((uint64_t)1 << 36)) & ~(((uint64_t)1 << 37) - 1);
	memcpy(&x, &u, sizeof x);
	return x;
}

static struct tally_bin *slot(struct tally_bin *bins, size_t cap, double x)
{
	uint64_t h = bits(x) * 0x9e3779b97f4a7c15u;
	size_t i = (size_t)(h >> 32) & (cap - 1);

	while (bins[i].n > 0 && bins[i].x != x)
		i = (i + 1) & (cap - 1);
	return bins + i;
}

static void rebuild(struct tally *t, size_t cap)
{
	struct tally_bin *old = t->bins;
	size_t n = t->cap;

	t->bins = mem_alloc(cap, sizeof *t->bins);
	t->cap = cap;
	t->used = 0;
	for (size_t i = 0; i < n; i++) {
		double x = t->coarse ? coarsen(old[i].x) : old[i].x;
		struct tally_bin *b;

		if (old[i].n == 0)
			continue;
		b = slot(t->bins, cap, x);
		t->used += b->n == 0;
		b->x = x;
		b->n += old[i].n;
	}
	free(old);
}

static void count(struct tally *t, double x, uint64_t n)
{
	struct tally_bin *b;

	x += 0.0; /* -0 counts as 0 */
	if (t->coarse)
		x = coarsen(x);
	if (t->cap == 0)
		rebuild(t, 16);
	b = slot(t->bins, t->cap, x);
	if (b->n > 0) {
		b->n += n;
		return;
	}
	*b = (struct tally_bin){x, n};
	t->used++;
	if (!t->coarse && t->used > TALLY_DISTINCT) {
		t->coarse = 1;
		rebuild(t, t->cap);
	}
	if (t->used * 2 > t->cap)
		rebuild(t, t->cap * 2);
}

int tally_put(struct tally *t, double x, uint64_t n)
{
	if (!(fabs(x) <= TALLY_LARGEST) || n == 0 || t->n + n < n)
		return -1;
	count(t, x, n);
	t->n += n;
	return 0;
}

int tally_add(struct tally *t, double x)
{
	if (tally_put(t, x, 1))
		return -1;
	/* ldexp is exact; the cast drops what is below 2^-64. */
	t->sum += (__int128)ldexp(x, 64);
	return 0;
}

void tally_merge(struct tally *into, const struct tally *from)
{
	if (from->coarse && !into->coarse) {
		into->coarse = 1;
		if (into->cap > 0)
			rebuild(into, into->cap);
	}
	for (size_t i = 0; i < from->cap; i++)
		if (from->bins[i].n > 0)
			count(into, from->bins[i].x, from->bins[i].n);
	into->n += from->n;
	into->sum += from->sum;
}

double tally_sum(const struct tally *t)
{
	return ldexp((double)t->sum, -64);
}

double tally_mean(const struct tally *t)
{
	return t->n > 0 ? tally_sum(t) / (double)t->n : NAN;
}

static int by_value(const void *a, const void *b)
{
	const struct tally_bin *x = a, *y = b;

	return x->x < y->x ? -1 : x->x > y->x;
}

struct tally_bin *tally_sorted(const struct tally *t, size_t *n)
{
	struct tally_bin *v = mem_alloc(t->used, sizeof *v);
	size_t m = 0;

	for (size_t i = 0; i < t->cap; i++)
		if (t->bins[i].n > 0)
			v[m++] = t->bins[i];
	mem_sort(v, m, sizeof *v, by_value);
	*n = m;
	return v;
}

double tally_sd(const struct tally *t)
{
	struct tally_bin *v;
	size_t n;
	double mean = 0, sum = 0, total = (double)t->n;

	if (t->n < 2)
		return NAN;
	/* Around the bins' own mean (they may be rounded), in the order of the values, so that the
	 * result does not depend on the table. */
	v = tally_sorted(t, &n);
	for (size_t i = 0; i < n; i++)
		mean += (double)v[i].n * v[i].x / total;
	for (size_t i = 0; i < n; i++)
		sum += (double)v[i].n * (v[i].x - mean) * (v[i].x - mean);
	free(v);
	return sqrt(sum / (total - 1));
}

int tally_is_binary(const struct tally *t)
{
	for (size_t i = 0; i < t->cap; i++)
		if (t->bins[i].n > 0 && t->bins[i].x != 0 && t->bins[i].x != 1)
			return 0;
	return 1;
}

uint64_t tally_count(const struct tally *t, double x)
{
	return t->cap > 0 ? slot(t->bins, t->cap, x)->n : 0;
}

/* The value of rank r (from 0) in sorted bins. */
static double ranked(const struct tally_bin *v, size_t n, double r)
{
	double before = 0;

	for (size_t i = 0; i < n; i++) {
		before += (double)v[i].n;
		if (r < before)
			return v[i].x;
	}
	return v[n - 1].x;
}

double tally_quantile(const struct tally_bin *v, size_t n, uint64_t total, double q)
{
	double h, low, a, b;

	if (n == 0 || !(q >= 0 && q <= 1))
		return NAN;
	h = (double)(total - 1) * q;
	low = floor(h);
	a = ranked(v, n, low);
	b = ranked(v, n, low + 1);
	return a + (h - low) * (b - a);
}

void tally_quantile_interval(const struct tally_bin *v, size_t n, uint64_t total, double q,
			     double level, double *lo, double *hi)
{
	double tail = (1 - level) / 2, m = (double)total, low, high, step;

	*lo = -INFINITY;
	*hi = INFINITY;
	if (n == 0) {
		*lo = *hi = NAN;
		return;
	}
	/* Rank l (from 1) bounds from below when P(fewer than l values lie below the quantile) <=
	 * tail; found by halving. */
	low = 0;
	high = 0;
	for (step = exp2(ceil(log2(m + 1))); step >= 1; step /= 2) {
		if (low + step <= m && dist_binomial_cdf(low + step - 1, m, q) <= tail)
			low += step;
		if (high + step <= m && dist_binomial_sf(m - (high + step), m, q) <= tail)
			high += step;
	}
	if (low >= 1)
		*lo = ranked(v, n, low - 1);
	if (high >= 1)
		*hi = ranked(v, n, m - high);
}

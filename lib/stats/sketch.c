/* sketch: see the header. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "sketch.h"
#include "sort.h"

#define LEAST_ROOM 32 /* of a level: smaller ones would be compacted all the time */

/* --- quantiles --- */

void quantiles_release(struct quantiles *q)
{
	for (size_t h = 0; h < QUANTILES_LEVELS; h++)
		free(q->level[h].v);
	*q = (struct quantiles){0};
}

/* The top level holds K, each below two thirds of the one above. */
static size_t room_of(const struct quantiles *q, size_t h)
{
	double room = QUANTILES_K * pow(2.0 / 3, (double)(q->levels - 1 - h));

	return room < LEAST_ROOM ? LEAST_ROOM : (size_t)room;
}

static void push(struct quantiles *q, size_t h, double x)
{
	struct quantiles_level *l = &q->level[h];

	if (h >= q->levels) {
		q->levels = h + 1;
		q->room = 0;
		for (size_t i = 0; i < q->levels; i++)
			q->room += q->level[i].room = room_of(q, i);
	}
	if (l->n == l->cap)
		l->v = mem_grow(l->v, &l->cap, l->n + 1, sizeof *l->v);
	l->v[l->n++] = x;
	q->held++;
}

/* A coin that falls the same way for the same stream and otherwise apart, in shards of one stream
 * too. */
static uint64_t toss(uint64_t salt, double x)
{
	uint64_t z;

	memcpy(&z, &x, sizeof z);
	z = ((z + salt * 0x9e3779b97f4a7c15u) ^ z >> 32) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 29) * 0x94d049bb133111ebu;
	return z >> 63;
}

/* An even number of values of level h becomes half as many of the next: those at even places or
 * those at odd ones. */
static void compact(struct quantiles *q, size_t h)
{
	struct quantiles_level *l = &q->level[h];
	size_t even = l->n & ~(size_t)1;
	uint64_t coin;

	sort_doubles(l->v, l->n);
	coin = toss(q->n * 64 + h, l->v[even / 2]);
	/* With an odd number one value stays: the least or the largest, by turns. */
	double *from = l->v + (l->n & 1 ? coin ^ (q->n >> 1 & 1) : 0),
	       left = l->n & 1 ? (from == l->v ? l->v[even] : l->v[0]) : 0;
	for (size_t i = coin; i < even; i += 2)
		push(q, h + 1, from[i]);
	l = &q->level[h];
	q->held -= even;
	l->n -= even;
	if (l->n)
		l->v[0] = left;
}

static void compress(struct quantiles *q)
{
	while (q->held > q->room) {
		size_t h = 0;
		while (h + 1 < q->levels && q->level[h].n < q->level[h].room)
			h++;
		if (h + 1 >= QUANTILES_LEVELS || q->level[h].n < 2)
			return;
		compact(q, h);
	}
}

void quantiles_add(struct quantiles *q, double x)
{
	q->n++;
	push(q, 0, x);
	if (q->held > q->room)
		compress(q);
}

int quantiles_put(struct quantiles *q, size_t level, double x)
{
	if (level >= QUANTILES_LEVELS - 1 || q->n > UINT64_MAX >> 2)
		return -1;
	q->n += (uint64_t)1 << level;
	push(q, level, x);
	return 0;
}

void quantiles_merge(struct quantiles *q, const struct quantiles *from)
{
	q->n += from->n;
	for (size_t h = 0; h < from->levels; h++) {
		for (size_t i = 0; i < from->level[h].n; i++)
			push(q, h, from->level[h].v[i]);
	}
	compress(q);
}

struct weighted {
	double x, weight;
};

static int by_value(const void *a, const void *b)
{
	double x = ((const struct weighted *)a)->x, y = ((const struct weighted *)b)->x;

	return x < y ? -1 : x > y;
}

void quantiles_points(const struct quantiles *q, double *x, size_t count)
{
	struct weighted *v = mem_alloc(q->held, sizeof *v);
	size_t n = 0, at = 0;
	double upto = 0;

	for (size_t h = 0; h < q->levels; h++) {
		for (size_t i = 0; i < q->level[h].n; i++)
			v[n++] = (struct weighted){q->level[h].v[i], ldexp(1, (int)h)};
	}
	mem_sort(v, n, sizeof *v, by_value);
	for (size_t i = 0; i < count; i++) {
		double rank = ((double)i + 0.5) / (double)count * (double)q->n;
		while (at + 1 < n && upto + v[at].weight <= rank)
			upto += v[at++].weight;
		x[i] = v[at].x;
	}
	free(v);
}

/* --- distinct --- */

void distinct_release(struct distinct *d)
{
	free(d->hash);
	*d = (struct distinct){0};
}

void distinct_add(struct distinct *d, uint64_t hash)
{
	size_t lo = 0, hi = d->n;

	if (d->n == DISTINCT_K && hash >= d->hash[DISTINCT_K - 1])
		return;
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		if (d->hash[mid] < hash)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo < d->n && d->hash[lo] == hash)
		return;
	if (!d->hash)
		d->hash = mem_alloc(DISTINCT_K, sizeof *d->hash);
	d->n += d->n < DISTINCT_K;
	memmove(d->hash + lo + 1, d->hash + lo, (d->n - 1 - lo) * sizeof *d->hash);
	d->hash[lo] = hash;
}

void distinct_merge(struct distinct *d, const struct distinct *from)
{
	for (size_t i = 0; i < from->n; i++)
		distinct_add(d, from->hash[i]);
}

double distinct_count(const struct distinct *d)
{
	return d->n < DISTINCT_K
		       ? (double)d->n
		       : (double)(DISTINCT_K - 1) / ldexp((double)d->hash[DISTINCT_K - 1], -64);
}

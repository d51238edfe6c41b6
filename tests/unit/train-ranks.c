/* Sums over ranks, in the background and cut anyhow, have the bits of one blocking sum in the order of ranks, which each rank
 * works out by itself here; parts come back whole. Alone this is a run of one; tests/cluster.bats runs it under mpirun. */
#include <stdlib.h>
#include "../../lib/base/mem.h"
#include "../../lib/base/rng.h"
#include "../../lib/train/ranks.h"
#include "tap.h"

static size_t ranks, rank;

/* What rank r has: of all magnitudes, so that another order gives other bits. */
static float *values(size_t r, size_t n)
{
	float *x = mem_alloc(n, sizeof *x);
	struct rng g;

	rng_seed(&g, 11, r);
	for (size_t i = 0; i < n; i++)
		x[i] = (float)ldexp(rng_normal(&g), (int)rng_below(&g, 40) - 20);
	return x;
}

static float *sums(size_t n)
{
	float *s = mem_alloc(n, sizeof *s);

	for (size_t r = 0; r < ranks; r++) {
		float *x = values(r, n);

		for (size_t i = 0; i < n; i++)
			s[i] = r ? s[i] + x[i] : x[i];
		free(x);
	}
	return s;
}

/* Whether it is so on all ranks. */
static int everywhere(int is)
{
	double not = !is;

	ranks_sum_doubles(&not, 1);
	return not == 0;
}

static int same(const float *a, const float *b, size_t n)
{
	return n == 0 || memcmp(a, b, n * sizeof *a) == 0;
}

/* n values in pieces, of which as many are begun as there are before the first is waited for. */
static void scatter(size_t n, size_t piece, int at_once)
{
	float *x = values(rank, n), *want = sums(n), *own = mem_alloc(n, sizeof *own);
	size_t ticket = 0, at = 0;
	int right = 1;

	for (size_t from = 0; from < n; from += piece) {
		size_t m = n - from < piece ? n - from : piece;

		ticket = ranks_scatter(x + from, m, own + at);
		at += ranks_cut(m, rank + 1, ranks) - ranks_cut(m, rank, ranks);
		if (!at_once)
			ranks_wait(ticket);
	}
	ranks_wait(ticket);
	at = 0;
	for (size_t from = 0; from < n; from += piece) {
		size_t m = n - from < piece ? n - from : piece, first = ranks_cut(m, rank, ranks),
		       mine = ranks_cut(m, rank + 1, ranks) - first;

		right = right && same(own + at, want + from + first, mine);
		at += mine;
	}
	ok(everywhere(right),
	   "%zu values in pieces of %zu%s: the bits of one sum in the order of ranks", n, piece,
	   at_once ? ", all on their way" : "");
	free(x);
	free(want);
	free(own);
}

/* Each rank knows its parts of two spans, and then all do; rank 0 also of one by itself. */
static void gather(size_t n)
{
	const struct ranks_span spans[] = {{0, n / 3}, {n / 3, n - n / 3}};
	float *want = values(99, n), *x = mem_alloc(n, sizeof *x),
	      *room = mem_alloc(n, sizeof *room);
	size_t from = ranks_cut(n, rank, ranks);
	const float *all = ranks_collect(want + from, n, room);

	/* a rank alone has its part where it is */
	ok(everywhere(rank ? !all : same(all, want, n)), "%zu values are collected on rank 0", n);
	for (int i = 0; i < 2; i++) {
		size_t at = spans[i].at + ranks_cut(spans[i].n, rank, ranks),
		       end = spans[i].at + ranks_cut(spans[i].n, rank + 1, ranks);

		memcpy(x + at, want + at, (end - at) * sizeof *x);
	}
	ranks_gather(x, spans, 2);
	ok(everywhere(same(x, want, n)), "and gathered everywhere");
	free(want);
	free(x);
	free(room);
}

int main(void)
{
	ranks_begin();
	ranks = (size_t)ranks_size();
	rank = (size_t)ranks_rank();
	if (rank && !freopen("/dev/null", "w", stdout))
		return 2;
	const size_t sizes[] = {1, 2, 5, 1021, 100003};

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		size_t n = sizes[i];

		scatter(n, n, 0);
		scatter(n, n / 7 + 1, 0);
		scatter(n, n / 150 + 1, 1);
		gather(n);
	}
	ok(everywhere(ranks_most(rank) == ranks - 1), "the most that a rank has");
	ok(everywhere((ranks_cost().sent > 0) == (ranks > 1)), "what is sent is counted");
	ranks_end();
	return tap_done();
}

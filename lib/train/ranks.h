/* ranks: the processes of a data-parallel run under MPI; without MPI (FT_MPI not defined) there is
 * one, and all of this is nothing.
 *
 * Every rank holds the same model, takes its share of each batch, adds up with the others and updates
 * its part (shard.h); so every rank makes the same step.
 *
 * Sums of single values are taken in the order of ranks, by the rank that owns them: their bits
 * depend on the number of ranks alone, not on how the values are cut nor on the MPI library.
 */
#ifndef FT_TRAIN_RANKS_H
#define FT_TRAIN_RANKS_H

#include <stddef.h>
#include "../base/err.h"

/* Once, before all others. A process that was not started by mpirun is a run of one. An exit
 * without ranks_end ends the other ranks too, so that none waits for one that has given up. */
void ranks_begin(void);
void ranks_end(void);

int ranks_size(void);
int ranks_rank(void); /* 0 .. size - 1; rank 0 writes */

/* x[i] = the sum over all ranks, the same bits on each. */
void ranks_sum_doubles(double *x, size_t n);

/* The largest that a rank has. */
size_t ranks_most(size_t x);

/* x becomes what it is on rank 0. */
void ranks_share(void *x, size_t bytes);

/* Whether x is the same on all ranks. */
int ranks_agree(const void *x, size_t bytes);

/* Of n values (below 2^31) rank r's part begins here, and ends where the next one's begins. */
static inline size_t ranks_cut(size_t n, size_t rank, size_t ranks)
{
	return n / ranks * rank + n % ranks * rank / ranks;
}

#define RANKS_FLIGHTS 2 /* as many of these are on their way at a time */

/* Begins to add the sum over all ranks of this rank's part of their x [n] to own. That goes on in the
 * background, one after another; x and own are its until ranks_wait of what is returned, or of a
 * later one, has come back. */
size_t ranks_scatter(const float *x, size_t n, float *own);
void ranks_wait(size_t ticket);

/* n values from `at` on, in parts as above. */
struct ranks_span {
	size_t at, n;
};

/* Of each span of x each part becomes what it is on its rank. */
void ranks_gather(float *x, const struct ranks_span *spans, size_t n);

/* n values of which each rank has its part in own: on rank 0 all of them, in own or in room [n];
 * elsewhere NULL. */
const float *ranks_collect(const float *own, size_t n, float *room);

/* What ranks_scatter and ranks_gather have cost this rank so far. */
struct ranks_cost {
	double sent; /* bytes */
	double busy; /* seconds in which something travelled, or waited for another rank to send it */
	double waited; /* of those and of sums, seconds in which the caller waited */
};
struct ranks_cost ranks_cost(void);

#endif

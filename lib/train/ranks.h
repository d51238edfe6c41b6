/* ranks: the processes of a data-parallel run under MPI; without MPI (FT_MPI not defined) there is
 * one, and all of this is nothing.
 *
 * Every rank holds the same model, takes its share of each batch and adds up with the others; so
 * every rank makes the same step.
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
void ranks_sum(float *x, size_t n);
void ranks_sum_doubles(double *x, size_t n);

/* x becomes what it is on rank 0. */
void ranks_share(void *x, size_t bytes);

/* Whether x is the same on all ranks. */
int ranks_agree(const void *x, size_t bytes);

#endif

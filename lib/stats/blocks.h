/* blocks: were two samples drawn from the same distribution, where rows come in blocks (a day, a
 * customer) and those of one block depend on each other?
 *
 * What a block adds to the difference between the samples, less what it would add if its rows were
 * drawn from both samples together, keeps its size and turns its sign at random, again and again:
 * the wild cluster bootstrap with the null hypothesis imposed (Cameron, Gelbach and Miller 2008). It
 * asks nothing of the sizes of blocks, which may differ between the samples. With few blocks it says
 * little, and knows it.
 */
#ifndef FT_STATS_BLOCKS_H
#define FT_STATS_BLOCKS_H

#include <stddef.h>
#include <stdint.h>
#include "../base/rng.h"

/* Borrowed. */
struct blocks {
	size_t rows, first;    /* rows of both samples, those of the first sample first */
	const uint32_t *block; /* of each row, below n; a block has rows of one sample only */
	size_t n;
	uint64_t seed;
	size_t draws; /* at most; 200 where they show no sign of a difference (p > .2) */
};

/* p-values: (1 + hits) / (1 + draws); NaN where a sample is empty. */

/* Of the largest distance between the distribution functions of x, one for each row. */
double blocks_ks(const struct blocks *b, const double *x);
/* Of the larger of chi-square and the largest difference of one level's shares; a level for each
 * row, below levels. */
double blocks_table(const struct blocks *b, const uint32_t *level, size_t levels);

/* What a row counts in the difference: 1 over the rows of the first sample, or -1 over those of the
 * second. */
double blocks_weight(const struct blocks *b, size_t row);
/* A sign for each block, 1 or -1. */
void blocks_signs(const struct blocks *b, struct rng *r, double *sign);
/* What the signs leave of the sum of weights, which the null hypothesis takes from each row alike. */
double blocks_left(const struct blocks *b, const double *sign);

#endif

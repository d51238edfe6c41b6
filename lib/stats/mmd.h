/* mmd: were two sets of vectors drawn from the same distribution? The kernel two-sample test of
 * Gretton et al. (2012).
 *
 * The kernel is exp(-|x - y|^2 / s) with s the median of the squared distances between all vectors.
 * The unbiased estimate of the squared maximum mean discrepancy is judged by permutation. The
 * effect is how well the two can be told apart: the witness function (mean kernel to the second set
 * less that to the first) learnt on one half of the vectors ranks those of the other half, and the
 * effect is the chance that a vector of the second set ranks above one of the first, less the
 * chance of the contrary; both ways, at least 0.
 */
#ifndef FT_STATS_MMD_H
#define FT_STATS_MMD_H

#include <stddef.h>
#include <stdint.h>
#include "blocks.h"

struct mmd_result {
	double p, statistic,
		effect; /* NaN where a set has fewer than 4 vectors or all are the same */
};

/* x: n + m vectors of d numbers, those of the first set first; (n + m)^2 floats are held. draws: of
 * permutations; 200 where they show no sign of a difference (p > .2). */
void mmd_test(const float *x, size_t n, size_t m, size_t d, uint64_t seed, size_t draws,
	      struct mmd_result *r);

/* The p-value where vectors come in blocks: b has a row for each. NaN as above. */
double mmd_blocks_p(const float *x, size_t d, const struct blocks *b);

/* How much nearer y lies to the second set than to the first: the logarithm of the ratio of the
 * mean kernels. s: the kernel's scale, as mmd_scale gives it. */
double mmd_nearer(const float *x, size_t n, size_t m, size_t d, double s, const float *y);
double mmd_scale(const float *x, size_t all, size_t d);

#endif

/* boot: the bootstrap and the permutation test, seeded, over tallies and clusters.
 *
 * A resample of n values is a multinomial draw of how often each different value occurs, made of
 * one binomial draw a value: the same distribution as drawing rows one by one, but the work depends
 * on the number of different values. Resample i has a random stream of its own, so results do not
 * depend on how the work is split.
 */
#ifndef FT_STATS_BOOT_H
#define FT_STATS_BOOT_H

#include <stddef.h>
#include <stdint.h>
#include "../base/rng.h"
#include "interval.h"
#include "tally.h"

enum boot_method { BOOT_PERCENTILE, BOOT_BCA };

struct boot {
	size_t resamples;
	uint64_t seed;
	enum boot_method method; /* BCa: Efron (1987), with the acceleration of the jackknife */
	double level;
};

/* The mean of the values tallied. */
struct interval boot_mean(const struct tally *t, const struct boot *o);

/* The ratio of sums over clusters (a mean over rows), resampling whole clusters: sum[g] over
 * size[g] rows. */
struct interval boot_clusters(const double *sum, const double *size, size_t clusters,
			      const struct boot *o);

/* Two-sided p of the paired permutation test: signs of the differences flipped at random, the
 * observed order counted in. */
double boot_signs(const struct tally *differences, size_t resamples, uint64_t seed);

/* A binomial draw: inversion where n p is small, else Hoermann's BTRS (1993). */
uint64_t boot_binomial(struct rng *r, uint64_t n, double p);

#endif

/* sketch: streams summed up in little memory, so that the sums of parts add up to the sum of the
 * whole.
 *
 * quantiles: the sketch of Karnin, Lang and Liberty ("Optimal quantile approximation in streams",
 * 2016): levels of values, each value of level h standing for 2^h of the stream; a full level is
 * sorted and every other value moves up. With QUANTILES_K = 2048 the distribution function read
 * from it is nowhere off by more than QUANTILES_ERROR in 99 of 100 sketches, merged or not. While
 * it holds no more values than that it is exact. Coins are hashes of the count, so the same stream
 * gives the same sketch.
 *
 * distinct: the DISTINCT_K smallest hashes of what was seen (Bar-Yossef et al., "Counting distinct
 * elements in a data stream", 2002). Exact below that number, else with a standard error of
 * 1/sqrt(DISTINCT_K - 2), 3.1 %. Merging is exact: the sketch of the whole.
 */
#ifndef FT_STATS_SKETCH_H
#define FT_STATS_SKETCH_H

#include <stddef.h>
#include <stdint.h>

#define QUANTILES_K 2048
#define QUANTILES_ERROR 0.002
#define QUANTILES_LEVELS 40

struct quantiles_level {
	double *v; /* in no order */
	size_t n, cap, room;
};

/* Zeroed is empty. */
struct quantiles {
	uint64_t n;		   /* values of the stream */
	size_t levels, held, room; /* levels in use; values held, and how many may be before
				      something is compacted */
	struct quantiles_level level[QUANTILES_LEVELS];
};

void quantiles_release(struct quantiles *q);
void quantiles_add(struct quantiles *q, double x); /* infinite values are fine, NaN is not */
void quantiles_merge(struct quantiles *q, const struct quantiles *from);
/* For sketches read from a file: one value that stands for 2^level. -1 where there is no such
 * level. */
int quantiles_put(struct quantiles *q, size_t level, double x);
/* count values in rising order with the sketch's distribution: the quantiles at (i + 1/2)/count.
 * The stream must not be empty. */
void quantiles_points(const struct quantiles *q, double *x, size_t count);

#define DISTINCT_K 1024

/* Zeroed is empty. */
struct distinct {
	uint64_t *hash; /* rising */
	size_t n;
};

void distinct_release(struct distinct *d);
/* hash: well mixed over 64 bits, equal for equal things. */
void distinct_add(struct distinct *d, uint64_t hash);
void distinct_merge(struct distinct *d, const struct distinct *from);
double distinct_count(const struct distinct *d);

#endif

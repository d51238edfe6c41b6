/* tally: a pile of numbers of which only the distribution is kept, in memory that does not grow
 * with their number.
 *
 * Distinct values are counted. Up to TALLY_DISTINCT of them are kept as they are; beyond that all
 * values are rounded to 16 significant bits (relative error below 1e-5), which bounds the table.
 * The sum is kept apart in fixed point, exact to 2^-64 a value, so the mean never suffers.
 * Everything depends on the values alone, not on their order: tallies of parts, merged, equal the
 * tally of the whole bit for bit. Scores, latencies and costs are tallied; rates, quantiles and
 * bootstrap draws are read from the counts.
 */
#ifndef FT_STATS_TALLY_H
#define FT_STATS_TALLY_H

#include <stddef.h>
#include <stdint.h>

#define TALLY_DISTINCT 65536
#define TALLY_LARGEST 4294967296.0 /* magnitudes beyond this are refused */

struct tally_bin {
	double x;
	uint64_t n; /* 0: an empty slot */
};

/* A zeroed struct is empty and valid. */
struct tally {
	uint64_t n;
	__int128 sum;		/* in units of 2^-64 */
	struct tally_bin *bins; /* hash table */
	size_t cap, used;
	int coarse; /* values were rounded */
};

void tally_release(struct tally *t);
/* -1 where x is NaN, infinite or too large; t is unchanged then. */
int tally_add(struct tally *t, double x);
/* count times x, without touching the sum: for reading a tally back, whose sum is known apart. */
int tally_put(struct tally *t, double x, uint64_t count);
void tally_merge(struct tally *into, const struct tally *from);

double tally_mean(const struct tally *t); /* NaN when empty */
double tally_sum(const struct tally *t);
double tally_sd(const struct tally *t);	    /* divisor n - 1; NaN for n < 2 */
int tally_is_binary(const struct tally *t); /* all values 0 or 1 */
uint64_t tally_count(const struct tally *t, double x);

/* The bins by rising value; *n of them, free() the array. */
struct tally_bin *tally_sorted(const struct tally *t, size_t *n);

/* The q-quantile of sorted bins holding total values, interpolated as R's type 7 (NumPy's
 * default). */
double tally_quantile(const struct tally_bin *sorted, size_t n, uint64_t total, double q);
/* A distribution-free interval for the q-quantile from order statistics (binomial); bounds are
 * infinite where the rows are too few to bound that side. */
void tally_quantile_interval(const struct tally_bin *sorted, size_t n, uint64_t total, double q,
			     double level, double *lo, double *hi);

#endif

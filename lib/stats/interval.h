/* lib/stats: statistics with their sources: intervals, paired tests, agreement, two samples, many
 * tests at once (multiple: Holm, Benjamini-Hochberg), every row at once (betting).
 *
 * The room knows nothing of records; everything is plain arrays of double, borrowed for the call.
 * What cannot be known (no data, an impossible parameter) is NaN, never 0.
 *
 * interval: what is known of a rate or a mean after n rows.
 *
 * level is the confidence, .95 for a 95 % interval. Without data every figure is NaN.
 */
#ifndef FT_STATS_INTERVAL_H
#define FT_STATS_INTERVAL_H

#include <stddef.h>

struct interval {
	double value, lo, hi;
};

/* k of n, k a whole number. Wilson's score interval (1927), without continuity correction: the rule
 * for rates here. */
struct interval interval_wilson(double k, double n, double level);

/* The mean of n values with the given mean and standard deviation (divisor n - 1), by Student's t.
 * n < 2 gives no bounds. */
struct interval interval_t(double mean, double sd, double n, double level);

/* A value with a standard error and degrees of freedom (INFINITY: normal). */
struct interval interval_se(double value, double se, double df, double level);

/* The mean of n values, each from least to most, that were all found equal. No variance was seen, so
 * intervals made of it have no width, as if two rows could prove that nothing else will come. What
 * is known is Wilson's: the share of other values is at most his bound for none of n, and they may
 * lie anywhere from least to most. For values of 0 or 1 this is interval_wilson. */
struct interval interval_constant(double value, double n, double least, double most, double level);
/* The smallest 1 - level at which interval_constant leaves out 0: the p-value that goes with it. 1
 * where value is 0, NaN without data. */
double interval_constant_p(double value, double n, double least, double most);
/* Standard deviations of scores below this are rounding. */
#define INTERVAL_CONSTANT 1e-12

/* Cut to 0..1: no mean of scores lies outside, whatever a symmetric interval says. */
struct interval interval_unit(struct interval v);

#endif

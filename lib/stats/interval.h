/* interval: what is known of a rate or a mean after n rows.
 *
 * level is the confidence, .95 for a 95 % interval. Without data every figure is NaN.
 */
#ifndef FT_INTERVAL_H
#define FT_INTERVAL_H

#include <stddef.h>

struct interval {
	double value, lo, hi;
};

/* k of n, k a whole number. Wilson's score interval (1927), without continuity correction: the rule
 * for rates here. */
struct interval interval_wilson(double k, double n, double level);

/* Clopper and Pearson (1934): exact, never below its level, wider than it need be. */
struct interval interval_exact(double k, double n, double level);

/* The mean of n values with the given mean and standard deviation (divisor n - 1), by Student's t.
 * n < 2 gives no bounds. */
struct interval interval_t(double mean, double sd, double n, double level);

/* A value with a standard error and degrees of freedom (INFINITY: normal). */
struct interval interval_se(double value, double se, double df, double level);

#endif

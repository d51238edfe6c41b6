/* agreement: how far raters agree beyond what chance would give.
 *
 * Ratings of one rater are an array of doubles: codes of categories, or scores. Every figure comes
 * with an interval at the given level; what cannot be known (no rows, a single category throughout)
 * is NaN.
 */
#ifndef FT_STATS_AGREEMENT_H
#define FT_STATS_AGREEMENT_H

#include <stddef.h>
#include <stdint.h>
#include "interval.h"

enum agreement_weights { AGREEMENT_NOMINAL, AGREEMENT_LINEAR, AGREEMENT_QUADRATIC };

/* Cohen's kappa (1960), or weighted (1968) with the values themselves as the scale: x[i] and y[i]
 * are the ratings of row i. The interval is from the standard error of Fleiss, Cohen and Everitt
 * (1969); where all rows agree, that is 0, and the lower bound comes from Wilson's bound for the
 * agreement instead; where it is 0 otherwise, as for a rater who always says the same, the bounds are
 * NaN. */
struct interval agreement_kappa(const double *x, const double *y, size_t n,
				enum agreement_weights w, double level);

/* Two raters against a positive value: counts of a 2 x 2 table. truth[i] and said[i] are 0 or
 * not. */
struct confusion {
	double tp, fp, tn, fn;
};
struct confusion agreement_confusion(const double *truth, const double *said, size_t n);

/* Krippendorff's alpha (2011, "Computing Krippendorff's Alpha-Reliability"): ratings[i * raters +
 * r], NaN where a rater left row i out; rows with fewer than two ratings do not count. The interval is
 * the percentile interval of `resamples` bootstrap samples of rows. Where all these are alike, the
 * bounds are NaN, and of rows that agree entirely they follow from Wilson's for the rows that do
 * not. */
enum agreement_scale { AGREEMENT_CATEGORIES, AGREEMENT_INTERVAL };
struct interval agreement_alpha(const double *ratings, size_t rows, size_t raters,
				enum agreement_scale scale, size_t resamples, uint64_t seed,
				double level);

#endif

/* apart: can a classifier tell two sets of rows apart? The classifier two-sample test of Lopez-Paz
 * and Oquab (2017).
 *
 * A linear classifier (logistic regression by AdaGrad) learns from one half of the rows which set a
 * row is of, and is asked about the other half. Were both sets drawn alike, its answers would be
 * worth nothing, whatever it learned: so the area under the ROC curve on the half held out, which
 * is Mann and Whitney's statistic, has a known distribution around .5.
 */
#ifndef FT_STATS_APART_H
#define FT_STATS_APART_H

#include <stddef.h>
#include <stdint.h>
#include "interval.h"

#define APART_LEAST 20 /* rows of either set that a test takes */

/* A row as a set of features, each any number: 32 bits of a hash. Borrowed. */
struct apart_row {
	const uint32_t *feature;
	size_t n;
	int second; /* which set */
};

struct apart {
	/* 95 %, by Hanley and McNeil (1982); NaN where a set has fewer than APART_LEAST rows */
	struct interval auc;
	double p; /* one-sided */
	size_t held_out;
};

void apart_test(const struct apart_row *row, size_t n, uint64_t seed, struct apart *result);

#endif

/* correct: the true rate behind a judge that errs, from rows that people labelled too.
 *
 * A judge with known error rates says "pass" more or less often than it should; its raw rate is
 * biased however many rows it judges.
 */
#ifndef FT_STATS_CORRECT_H
#define FT_STATS_CORRECT_H

#include <stddef.h>
#include "agreement.h"
#include "interval.h"

/* Rogan and Gladen (1978): (rate + TNR - 1) / (TPR + TNR - 1), rate being passed / judged among
 * unlabelled rows and labelled the confusion of judge against people. Interval of Lang and
 * Reiczigel (2014). Cut to 0..1. NaN where the judge does no better than chance. */
struct interval correct_rogan_gladen(double passed, double judged, struct confusion labelled,
				     double level);

/* Prediction-powered inference with the best weight for the judge (PPI++, Angelopoulos, Duchi and
 * Zrnic 2023), for means of any scores: truth[0..n-1] with judge[0..n-1] on labelled rows,
 * other[0..m-1] on unlabelled ones. Where every truth is 0 or 1, the interval (not the value) is
 * that of the rows and two more, one of either kind, as Agresti and Coull (1998) do for a rate
 * alone. NaN with fewer than two rows on either side. */
struct interval correct_prediction_powered(const double *truth, const double *judge, size_t n,
					   const double *other, size_t m, double level);

#endif

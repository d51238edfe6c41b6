/* logit: a rate given a circumstance, by logistic regression on one variable.
 *
 * Used for win rates at equal length (Dubois et al. 2024, "Length-Controlled AlpacaEval"): win ~
 * intercept + slope * difference in length.
 */
#ifndef FT_STATS_LOGIT_H
#define FT_STATS_LOGIT_H

#include <stddef.h>
#include "interval.h"

/* The rate of y (0 to 1; a tie is 0.5) where x = 0, with its interval (normal on the scale of the
 * logit), and *slope likewise. x is best scaled to a standard deviation near 1. A weak prior
 * (variance 100 on the slope) keeps separated data finite. NaN for fewer than two rows. */
struct interval logit_rate_at_zero(const double *x, const double *y, size_t n, double level,
				   struct interval *slope);

#endif

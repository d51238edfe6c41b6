/* correlate: how far two columns of numbers rise together.
 *
 * Fewer than three rows, or a column without variation, give NaN. Where the rows agree entirely (1 or
 * -1) the other bound is that of the same rows and one more that contradicts them.
 */
#ifndef FT_STATS_CORRELATE_H
#define FT_STATS_CORRELATE_H

#include <stddef.h>
#include "interval.h"

/* Pearson's r with Fisher's z interval. */
struct interval correlate_pearson(const double *x, const double *y, size_t n, double level);
/* Spearman's rho, ties at their mean rank; interval of Bonett and Wright (2000), where values are equal
 * with the standard error that follows from what each row adds (delta method). */
struct interval correlate_spearman(const double *x, const double *y, size_t n, double level);
/* Kendall's tau-b in O(n log n); interval of Fieller, Hartley and Pearson (1957), which supposes that no
 * two values are equal; where some are, with the jackknife's standard error (Long and Cliff 1997
 * compare both). */
struct interval correlate_kendall(const double *x, const double *y, size_t n, double level);

#endif

/* multiple: p-values adjusted for the number of tests, so that one alpha holds for the whole run.
 *
 * p[0..n-1] in, adjusted[0..n-1] out in the same order (the two may be the same array). NaN stands
 * for a test that was not made: it stays NaN and does not count as one of the tests.
 */
#ifndef FT_STATS_MULTIPLE_H
#define FT_STATS_MULTIPLE_H

#include <stddef.h>

/* Holm (1979): the chance of even one false alarm stays below alpha, whatever the dependence. */
void multiple_holm(const double *p, size_t n, double *adjusted);

/* Benjamini and Hochberg (1995): the expected share of false alarms among the alarms stays below
 * alpha (independent or positively dependent tests). */
void multiple_bh(const double *p, size_t n, double *adjusted);

#endif

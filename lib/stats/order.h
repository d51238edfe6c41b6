/* order: numbers in their order, and what is read from it. NaN has no place among them. */
#ifndef FT_STATS_ORDER_H
#define FT_STATS_ORDER_H

#include "interval.h"

/* Of two doubles, for qsort and bsearch. */
int order_ascending(const void *a, const void *b);
void order_sort(double *v, size_t n);
/* Of sorted values, n > 0. */
double order_median(const double *sorted, size_t n);
/* The percentile interval of sorted bootstrap draws, n > 0: the middle share `level`, ends outwards. */
struct interval order_interval(double value, const double *draws, size_t n, double level);

#endif

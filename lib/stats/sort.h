/* sort: doubles in rising order, several times faster than qsort. */
#ifndef FT_STATS_SORT_H
#define FT_STATS_SORT_H

#include <stddef.h>

/* In place; NaN must not occur. Equal values are alike, so there is no question of stability (-0
 * and 0 keep their order). */
void sort_doubles(double *x, size_t n);

#endif

/* values: sampled values of a column as plain arrays, ready for a test. The caller frees them. */
#ifndef FT_DRIFT_VALUES_H
#define FT_DRIFT_VALUES_H

#include "column.h"

#define NO_DAY INT64_MIN

#define VALUES_POINTS 20000

/* Whether a cell holds one of the numbers that follow, and which. */
int values_number(const struct column *c, const struct cell *cell, double *x);

/* Numbers (and numbers in strings, lengths of arrays) in rising order; *n of them. Where the sample
 * does not have them all, VALUES_POINTS quantiles of all rows, whose distribution function is off
 * by at most values_error. */
double *values_numbers(const struct column *c, size_t *n);
double values_error(const struct column *c);
/* Of the sampled rows alone. */
double *values_sampled(const struct column *c, size_t *n);

#define VALUES_VECTORS 500 /* a side */

/* Vectors of two columns with the same dims, one after the other: *n of the first, then *m of the
 * second, evenly spaced ones where there are more than VALUES_VECTORS. */
float *values_vectors(const struct column *a, const struct column *b, size_t *n, size_t *m);

/* The sampled rows that the vectors of one column stand in, *n of them. */
uint32_t *values_vector_rows(const struct column *c, size_t *n);

/* The day that each of `rows` sampled rows names, the first one with a year where it is text;
 * NO_DAY where there is none. day_first: slashed dates that leave it open are day/month. */
int64_t *values_days(const struct column *c, size_t rows, int day_first);

/* Days from the rows' own time (NO_DAY where unknown) to the dates of the column, in rising order;
 * *n of them. */
double *values_lags(const struct column *c, size_t rows, const int64_t *time, int day_first,
		    size_t *n);

/* Whether slashed dates of the two columns (either may be NULL) are day/month: told by those that
 * can be nothing else. */
int values_day_first(const struct column *a, const struct column *b);

#endif

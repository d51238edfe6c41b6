/* decimal: numbers as they are written, digit by digit, where a double would round them.
 *
 * A zeroed struct is zero and valid; release it after a read.
 */
#ifndef FT_JSON_DECIMAL_H
#define FT_JSON_DECIMAL_H

#include "../base/buf.h"

/* digits * 10^exp; digits without zeros at either end, empty for zero. */
struct decimal {
	struct buf digits;
	long long exp;
	int negative;
};

/* A sign perhaps, digits, a point perhaps and digits, an exponent perhaps (of at most 18 digits);
 * zeros may lead. 0, or -1 where text is something else. */
int decimal_read(struct span text, struct decimal *d);
void decimal_release(struct decimal *d);
double decimal_double(const struct decimal *d);

/* Appends the one spelling that all numbers of a value share: 7 for 7.0 and 70e-1; 1e100 and its
 * like keep an exponent. */
void decimal_put(const struct decimal *d, struct buf *b);

/* Written to a zeroed *out. The sum is of two that are not negative. */
void decimal_sum(const struct decimal *a, const struct decimal *b, struct decimal *out);
void decimal_product(const struct decimal *a, const struct decimal *b, struct decimal *out);

/* Below 0 where a is less, 0 where they are equal, above 0 where a is more. */
int decimal_compare(const struct decimal *a, const struct decimal *b);
int decimal_equal(const struct decimal *a, const struct decimal *b);
/* Whether |a - b| is at most `within`, or within * |a| where that is relative; edges included. */
int decimal_near(const struct decimal *a, const struct decimal *b, const struct decimal *within,
		 int relative);

#endif

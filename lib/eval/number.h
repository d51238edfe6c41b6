/* number: amounts as people write them.
 *
 * Signs, thousands in groups of three (`,` `.` `'` or spaces), a decimal point or comma, an
 * exponent, a currency sign or code before or behind, a percent sign (divides by 100). Where `,`
 * and `.` both occur the last of them is the decimal mark; one alone, once, with exactly three
 * digits behind it and one to three before, is a thousands mark when it is a comma, a decimal mark
 * when it is a point.
 */
#ifndef FT_EVAL_NUMBER_H
#define FT_EVAL_NUMBER_H

#include "../base/buf.h"

/* 1 and *x where text is one amount and nothing else. */
int number_parse(struct span text, double *x);
/* 1 and *x of the last amount in running text. */
int number_last(struct span text, double *x);

/* How far two amounts may be apart: `0.01` absolute, `1%` in proportion to the reference. -1 where
 * the text is neither. */
struct tolerance {
	double within;
	int relative;
};
#define TOLERANCE_EXACT ((struct tolerance){1e-9, 1}) /* equal but for the rounding of doubles */
int tolerance_parse(const char *s, struct tolerance *t);
int number_near(double reference, double x, struct tolerance t);

#endif

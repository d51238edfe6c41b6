/* number: amounts as people write them.
 *
 * Signs (also U+2212, dashes, accountants' brackets, and in running text minus and negative),
 * thousands in groups of three or as in India (`,` `.` `'` `_` or spaces), a decimal point or comma,
 * an exponent, a power of ten (3 x 10^8, 10^6), fractions (3/4, 2 1/2), k, M, B, million, lakh, crore,
 * a currency sign or code before or behind, a percent sign (divides by 100), full-width forms, digits
 * of other scripts, and LaTeX's backslashes and fractions. Where `,` and `.` both occur the last of them is the decimal mark; one alone, once,
 * with exactly three digits behind it and one to three before, is a thousands mark when it is a
 * comma, a decimal mark when it is a point. Values are decimal and exact, however long.
 */
#ifndef FT_EVAL_NUMBER_H
#define FT_EVAL_NUMBER_H

#include "../json/decimal.h"

struct number {
	struct decimal x;
	struct decimal over; /* x is divided by it, as in 3/4; zero for none, and never negative */
	char unit[4];	     /* the currency's code, empty for none */
	int zeros_led;	     /* as in 01234, which may be a name rather than a number */
};

void number_release(struct number *x);
/* 1 and *x (a zeroed struct, or one read before) where text is one amount and nothing else. */
int number_parse(struct span text, struct number *x);
/* 1 and *x of the last amount in running text. */
int number_last(struct span text, struct number *x);
/* The length of the amount, no fraction, that plain text (see number_plain) begins with, and *x; 0 for
 * none. */
size_t number_first(struct span plain, struct number *x);
/* text with all signs that are read as a digit, space, dash or currency in their form of ASCII,
 * appended. */
void number_plain(struct span text, struct buf *to);

/* How far two amounts may be apart: `0.01` absolute, `1%` in proportion to the reference. -1 where
 * the text is neither. A zeroed one lets nothing through but what is equal, or
 * what a program printed of it with all digits of a double: 0.30000000000000004 of 0.3. */
struct tolerance {
	char within[40];
	int relative;
};
int tolerance_parse(const char *s, struct tolerance *t);
/* Currencies agree where both are known. */
int number_near(const struct number *reference, const struct number *x, const struct tolerance *t);

#endif

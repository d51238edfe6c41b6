/* number_impl: what number.c (amounts, alone and in running text), number_plain.c (their signs in one
 * form) and number_scale.c (what multiplies, divides and names them) share; nobody else includes this. */
#ifndef FT_EVAL_NUMBER_IMPL_H
#define FT_EVAL_NUMBER_IMPL_H

#include "number.h"

/* In plain text: U+2212 and its like, and the dashes, which part more often than they negate. */
enum { NUMBER_MINUS = 4, NUMBER_DASH = 3 };

int number_is_digit(char c);
int number_is_letter(char c);
int number_is_sign(char c);
struct span number_skip(struct span s, size_t n);
/* In any case. */
int number_starts(struct span s, const char *with);
/* The length of the white space at s. */
size_t number_spaces(struct span s);

/* The text itself where it has no sign of another form, as most have none; else in *to. */
struct span number_in_plain(struct span s, struct buf *to);

/* Length of a currency sign or a three-letter code in capitals, written to unit; 0 for none. */
size_t number_currency(struct span s, char unit[4]);

/* What multiplies the digits before s, of which there are `n` at text: a power of ten (3 x 10^8; 10^8
 * by itself, where the digits are 10), a word or letter (20k, 2 million, 3 lakh) or a percent sign.
 * Its length, with *power of ten; SIZE_MAX where they are the base of another power, which is no
 * amount. money: a currency stands before them, so that m is millions. */
size_t number_scale(struct span digits, struct span s, int money, long long *power);

/* The length of an exponent at s, `^2` or `^{-1}`, of a unit or a name; 0 for none. */
size_t number_exponent(struct span s);

#endif

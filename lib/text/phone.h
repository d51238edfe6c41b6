/* phone: telephone numbers found in running text.
 *
 * What is taken for one, by the numbering rules:
 *	+CC...       a country code of ITU-T E.164 (list of assigned codes) and as many digits as the
 *	             country's national numbers have; so too behind 00 and 011
 *	national     the forms that countries write with a trunk 0 ("06 12 34 56 78", "030/123456"),
 *	             in brackets ("(212) 555-0199") or in groups that nothing else has
 *	any digits   7 to 15 of them where the words before say so ("Tel.:", "call me at")
 * and what is none although it looks like one: dates, times, amounts (a sign or code of a currency,
 * decimals, thousands in threes), numbers that the words before call an order, an account and the
 * like, parts of words, paths and addresses. An unassigned country code is none.
 *
 * Digits may be ASCII, full-width or Arabic-Indic; groups are parted by a space (any width), hyphen,
 * full stop or slash. Time and memory are linear in the text, which may be any bytes.
 */
#ifndef FT_TEXT_PHONE_H
#define FT_TEXT_PHONE_H

#include "../base/buf.h"

/* Whether a run of digits may begin at byte `at`: with a digit, a plus or a bracket. */
int phone_begins(struct span text, size_t at);

/* Reads the run of digits that begins at byte `at` of the text (phone_begins). *found
 * is the first telephone number in it, a part of the text; absent where there is none. Returns where
 * to read on: behind the number, else behind the run; at least at + 1. */
size_t phone_scan(struct span text, size_t at, struct span *found);

/* The value of the decimal digit that text begins with, its bytes in *n; -1 where it is none. */
int phone_digit(struct span text, size_t *n);

/* The bytes of the space or hyphen, of any width, that text begins with, and ' ' or '-' in *kind; 0
 * where it is none. No line ends. */
size_t phone_gap(struct span text, char *kind);

/* Whether the number at `at` to `end` is an amount: a currency, a unit or a percent sign stands
 * directly before it or behind it. */
int phone_money(struct span text, size_t at, size_t end);

#endif

/* words: what notes are made of: dates, amounts of money, names. Shared by the payment notes and by
 * the broader corpus.
 *
 * Everything is drawn from the caller's struct rng and appended to the caller's buf, so a text is a
 * function of the generator's seed alone.
 */
#ifndef EXAMPLE_WORDS_H
#define EXAMPLE_WORDS_H

#include <stddef.h>
#include "../../lib/base/buf.h"
#include "../../lib/base/rng.h"

#define COUNT(a) (sizeof a / sizeof *(a))

/* One of the n strings, each as likely as the others. */
const char *word_pick(struct rng *r, const char *const *list, size_t n);
#define PICK(r, list) word_pick(r, list, COUNT(list))

/* True with probability p. */
int chance(struct rng *r, double p);

/* lo..hi, both included. */
int between(struct rng *r, int lo, int hi);

/* A day of the Gregorian calendar. */
struct day {
	int year, month, day;
};

int day_month_length(int year, int month);
struct day day_after(struct day d, int days);

enum day_form {
	DAY_ISO,	/* 2023-04-02 */
	DAY_DOTS,	/* 02.04.2023 */
	DAY_LONG,	/* 2 April 2023 */
	DAY_SHORT,	/* 2 Apr 2023 */
	DAY_US,		/* April 2, 2023 */
	DAY_DOTS_BARE,	/* 02.04. */
	DAY_LONG_BARE,	/* 2 April */
	DAY_SHORT_BARE, /* 2 Apr */
	DAY_US_BARE,	/* April 2 */
};
#define DAY_FORMS_WITH_YEAR 5 /* the first ones */
#define DAY_FORMS 9

void day_put(struct buf *b, struct day d, enum day_form form);

/* Hundredths of a currency unit, between 20.00 and 9,000.00, evenly on a logarithmic scale; a third
 * are whole. */
long money_draw(struct rng *r);
void money_put(struct buf *b, long cents, int comma); /* 1240.50, or 1,240.50 */
/* The money as a note would write it: code, sign or word, before or after; 450 or 450.00; 1240.50,
 * 1,240.50 or, in euros, 1.240,50. currency is EUR, USD, GBP or CHF. */
void money_note(struct rng *r, struct buf *b, long cents, const char *currency);

/* A word of lo..hi syllables that means nothing, with or without a capital. */
void word_made(struct rng *r, struct buf *b, int lo, int hi, int capital);

void word_lower(char *s); /* A to Z to a to z, in place */

#endif

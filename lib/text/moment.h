/* moment: the dates that stand in records, alone in a string or inside free text.
 *
 * Understood are ISO 8601 (2023-04-05, 2023/04/05, with or without time and offset), RFC 2822 and
 * ctime, English written months (5 April 2023, April 5th, 2023, Apr 5, 5 Apr., April 2023), dots
 * (05.04.2023, 05.04., day first), and slashes (04/05/2023), whose order, US or European, one date
 * alone may leave open. Years are 1000 to 2999; two-digit years mean 1970 to 2069. Days are
 * proleptic Gregorian days since 1970-01-01.
 */
#ifndef FT_TEXT_MOMENT_H
#define FT_TEXT_MOMENT_H

#include <stdint.h>
#include "../base/buf.h"
#include "date.h"

enum moment_form { MOMENT_ISO, MOMENT_WRITTEN, MOMENT_DOTS, MOMENT_SLASH, MOMENT_EPOCH };

struct moment {
	int year;   /* 0: not written */
	int month;  /* 1..12 */
	int day;    /* 1..31; 0: not written */
	int second; /* of the day as written, whatever the offset; -1: no time */
	enum moment_form form;
	/* slashes with both numbers up to 12: read as month/day here, might be day/month */
	int either;
	char order; /* slashes that leave no choice: 'm' month first, 'd' day first; 0 else */
	int brief;  /* the year had two digits */
	int offset; /* of that time from UTC in seconds; 0 where none is written */
};

/* The whole string, white space around it aside, is one date. 1 if so. */
int moment_parse(struct span s, struct moment *d);

/* The same for a date that leaves nothing open: year, month and day, a year of four digits, one
 * reading only (31/01/2024 is one, 03/04/2024 is none). A time after it is taken without its
 * zone. */
int moment_date(struct span text, struct date *d);

/* The first date in text that begins at *at or later: 1, its place in *where, and *at moved behind
 * it; 0 at the end. */
int moment_find(struct span text, size_t *at, struct moment *d, struct span *where);

/* Seconds (or, from 1e11 on, milliseconds) since 1970 that fall into 2000 to 2099 as a date. 1 if
 * so. */
int moment_epoch(double x, struct moment *d);

/* A date that might be day/month, read that way; others stay. */
void moment_swap(struct moment *d);

/* Days since 1970-01-01; a missing day counts as the first. The year must be there. */
int64_t moment_days(const struct moment *d);
/* 0 Monday .. 6 Sunday. */
int moment_weekday(int64_t days);

/* 1..12 where the word is an English month, 0 else; weekdays 1..7. Full names and usual
 * abbreviations, any case. */
int moment_month_word(struct span word);
int moment_weekday_word(struct span word);

#endif

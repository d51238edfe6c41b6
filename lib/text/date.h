/* date: calendar dates as people and programs write them.
 *
 * Understood: 2024-01-31 (with an optional time after T or a space: taken without its zone),
 * 2024/01/31, 20240131 is not (it is a number); 31.01.2024; 31 January 2024, 31st of Jan. 2024,
 * January 31, 2024, Wed 31 Jan 2024; 31/01/2024 and 01/31/2024 where only one reading is a date or
 * both are the same. English month names, in any case. Years have four digits. Proleptic Gregorian
 * calendar.
 */
#ifndef FT_DATE_H
#define FT_DATE_H

#include "../base/buf.h"

struct date {
	int year, month, day; /* month and day from 1 */
};

/* 1 and *d where text, less white space at its ends, is one date and nothing else; otherwise 0. */
int date_parse(struct span text, struct date *d);

/* Days since 1970-01-01, and back (H. Hinnant, "chrono-compatible low-level date algorithms"). */
long date_days(struct date d);
struct date date_of_days(long days);
int date_is_valid(struct date d);

#endif

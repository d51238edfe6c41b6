/* date: days of the proleptic Gregorian calendar. What dates look like in text is moment's
 * business. */
#ifndef FT_TEXT_DATE_H
#define FT_TEXT_DATE_H

struct date {
	int year, month, day; /* month and day from 1 */
};

/* Days since 1970-01-01, and back (H. Hinnant, "chrono-compatible low-level date algorithms"). */
long date_days(struct date d);
struct date date_of_days(long days);
int date_is_valid(struct date d);

#endif

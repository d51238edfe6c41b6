/* date: the calendar. See date.h. What dates look like in text is moment's business. */
#include "date.h"

int date_is_valid(struct date d)
{
	static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int leap = (d.year % 4 == 0 && d.year % 100 != 0) || d.year % 400 == 0;

	return d.year >= 1 && d.year <= 9999 && d.month >= 1 && d.month <= 12 && d.day >= 1 &&
	       d.day <= lengths[d.month - 1] + (d.month == 2 && leap);
}

long date_days(struct date d)
{
	long y = d.year - (d.month <= 2), era = (y >= 0 ? y : y - 399) / 400,
	     in_era = y - era * 400;
	long in_year = (153 * (d.month + (d.month > 2 ? -3 : 9)) + 2) / 5 + d.day - 1;

	return era * 146097 + in_era * 365 + in_era / 4 - in_era / 100 + in_year - 719468;
}

struct date date_of_days(long days)
{
	long z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097, doe = z - era * 146097;
	long yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365,
	     doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	long mp = (5 * doy + 2) / 153;
	struct date d = {.day = (int)(doy - (153 * mp + 2) / 5 + 1),
			 .month = (int)(mp < 10 ? mp + 3 : mp - 9)};

	d.year = (int)(yoe + era * 400) + (d.month <= 2);
	return d;
}

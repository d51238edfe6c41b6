/* lib/text/date: what is read as a date, what is not, and the day count. */
#include "tap.h"
#include "../../lib/text/moment.h"

int main(void)
{
	static const struct {
		const char *text, *want;
	} table[] = {
		{"2024-01-31", "2024-1-31"},
		{" 2024-01-31\n", "2024-1-31"},
		{"2024-01-31T10:20:30Z", "2024-1-31"},
		{"2024-01-31 10:20:30.123+02:00", "2024-1-31"},
		{"2024-01-31 10:20 UTC", "2024-1-31"},
		{"2024/01/31", "2024-1-31"},
		{"31.01.2024", "2024-1-31"},
		{"31 January 2024", "2024-1-31"},
		{"31st of Jan. 2024", "2024-1-31"},
		{"January 31, 2024", "2024-1-31"},
		{"january 31st 2024", "2024-1-31"},
		{"Wed, 31 Jan 2024", "2024-1-31"},
		{"31-Jan-2024", "2024-1-31"},
		{"31. January 2024", "2024-1-31"},
		{"2024 Sept 3", "2024-9-3"},
		{"31/01/2024", "2024-1-31"},
		{"01/31/2024", "2024-1-31"},
		{"03/03/2024", "2024-3-3"},
		{"29 Feb 2024", "2024-2-29"},
		{"03/04/2024", NULL},
		{"29 Feb 2023", NULL},
		{"2023-02-30", NULL},
		{"31/13/2024", NULL},
		{"20240131", NULL},
		{"2024-01-31x", NULL},
		{"2024-01-31T", NULL},
		{"2024-01-31 soon", NULL},
		{"2024-1", NULL},
		{"January 2024", NULL},
		{"31.01.24", NULL},
		{"12.50", NULL},
		{"1,234", NULL},
		{"", NULL},
		{"-", NULL},
		{"2024-01-31 2024-01-31", NULL},
		{"1 Janus 2024", NULL},
		{"99999-01-01", NULL},
	};
	struct date d;

	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		char got[64] = "none";

		if (moment_date(span_of(table[i].text), &d))
			snprintf(got, sizeof got, "%d-%d-%d", d.year, d.month, d.day);
		ok_str(got, table[i].want ? table[i].want : "none", "reads '%s'",
		       table[i].text[0] ? table[i].text : "");
	}
	/* python3 -c "import datetime as d; print((d.date(2024,2,29)-d.date(1970,1,1)).days)" */
	ok(date_days((struct date){2024, 2, 29}) == 19782, "days since 1970");
	ok(date_days((struct date){1600, 1, 1}) == -135140, "days before 1970");
	int same = 1;
	for (long n = -200000; n < 200000; n += 7)
		same &= date_days(date_of_days(n)) == n && date_is_valid(date_of_days(n));
	ok(same, "day counts turn back into their dates");
	return tap_done();
}

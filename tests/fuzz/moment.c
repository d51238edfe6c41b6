/* Fuzz target: dates in hostile text. Every date found lies behind the last one and is a day of the
 * calendar. */
#include <stdlib.h>
#include "../../lib/text/moment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int held)
{
	if (!held)
		abort();
}

static void in_range(const struct moment *d)
{
	must(d->month >= 1 && d->month <= 12);
	must(d->day >= 0 && d->day <= 31);
	must(!d->year || (d->year >= 1000 && d->year <= 2999));
	must(d->second >= -1 && d->second <= 86400);
	if (d->year) {
		int weekday = moment_weekday(moment_days(d));

		must(weekday >= 0 && weekday <= 6);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = {(const char *)data, size}, where;
	struct moment d;
	size_t at = 0, last = 0;

	while (moment_find(text, &at, &d, &where)) {
		must(where.s >= text.s + last && where.n && where.s + where.n <= text.s + size);
		must(at > last && at <= size);
		last = at;
		in_range(&d);
		moment_swap(&d);
		in_range(&d);
	}
	if (moment_parse(text, &d))
		in_range(&d);
	moment_month_word(text);
	moment_weekday_word(text);
	return 0;
}

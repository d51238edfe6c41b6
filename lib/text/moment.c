/* moment: small matchers, each for one way of writing a date, tried where a digit or a capital
 * begins a word.
 *
 * Every matcher takes the text between p and end and returns the position behind what it
 * recognised, or NULL.
 */
#include <math.h>
#include <string.h>
#include <strings.h>
#include "moment.h"
#include "phone.h"

static const char *const months[] = {"january",	  "february", "march",	  "april",
				     "may",	  "june",     "july",	  "august",
				     "september", "october",  "november", "december"};
static const char *const weekdays[] = {"monday", "tuesday",  "wednesday", "thursday",
				       "friday", "saturday", "sunday"};

static int is_digit(int c)
{
	return c >= '0' && c <= '9';
}

static int is_letter(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80;
}

static int at(const char *p, const char *end)
{
	return p < end ? (unsigned char)*p : -1;
}

/* --- the calendar --- */

/* A year that is not written may be a leap year. */
static int valid(int year, int month, int day)
{
	return (year == 0 || (year >= 1000 && year <= 2999)) &&
	       date_is_valid((struct date){year ? year : 2000, month, day});
}

int64_t moment_days(const struct moment *d)
{
	return date_days((struct date){d->year, d->month, d->day ? d->day : 1});
}

static void move_to(struct moment *d, int64_t days)
{
	struct date to = date_of_days((long)days);

	d->year = to.year;
	d->month = to.month;
	d->day = to.day;
}

int moment_weekday(int64_t days)
{
	return (int)(((days + 3) % 7 + 7) % 7);
}

void moment_swap(struct moment *d)
{
	if (!d->either)
		return;
	int t = d->month;
	d->month = d->day;
	d->day = t;
}

int moment_epoch(double x, struct moment *d)
{
	x = floor(x >= 1e11 ? x / 1000 : x);
	if (!(x >= 946684800) || !(x < 4102444800))
		return 0;
	*d = (struct moment){.form = MOMENT_EPOCH};
	move_to(d, (int64_t)x / 86400);
	d->second = (int)((int64_t)x % 86400);
	return 1;
}

/* --- pieces --- */

/* The number of lo..hi digits at p that no further digit follows; -1 else. */
static int digits(const char **p, const char *end, int lo, int hi)
{
	const char *q = *p;
	int x = 0, n = 0;

	while (n <= hi && q < end && is_digit(*q)) {
		x = x * 10 + (*q++ - '0');
		n++;
	}
	if (n < lo || n > hi)
		return -1;
	*p = q;
	return x;
}

/* A word that is one of the names, or its first three letters (`sept`, `tues`, `thur`, `thurs`
 * too): 1.., 0 for none. */
static int name_in(struct span w, const char *const *names, int n)
{
	for (int i = 0; i < n && w.n >= 3; i++) {
		/* Most words are none: their first letter, as a small one or a capital, tells. */
		if ((*w.s | 32) != (*names[i] | 32))
			continue;
		size_t full = strlen(names[i]);
		if (w.n > full || strncasecmp(w.s, names[i], w.n) != 0)
			continue;
		int usual = w.n == full || w.n == 3 || (names == months && i == 8 && w.n == 4) ||
			    (names == weekdays && (i == 1 || i == 3) && w.n <= 5);
		if (usual)
			return i + 1;
	}
	return 0;
}

int moment_month_word(struct span word)
{
	return name_in(word, months, 12);
}

int moment_weekday_word(struct span word)
{
	return name_in(word, weekdays, 7);
}

static struct span word_at(const char *p, const char *end)
{
	const char *q = p;

	while (q < end && is_letter((unsigned char)*q))
		q++;
	return (struct span){p, (size_t)(q - p)};
}

/* A month's name with an optional dot. `may`, `mar`, `march`, `dec` and such in small letters are
 * mostly other words: abbreviations and those need a capital. */
static int month_name(const char **p, const char *end)
{
	struct span w = word_at(*p, end);
	int month = moment_month_word(w);

	if (!month)
		return 0;
	int capital = w.s[0] >= 'A' && w.s[0] <= 'Z';
	if (!capital && (w.n < 4 || month == 3 || month == 5))
		return 0;
	*p += w.n;
	if (at(*p, end) == '.' && w.n < strlen(months[month - 1]))
		++*p;
	return month;
}

static const char *spaces(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	return p;
}

/* Up to two separating characters of those named, then p; the same p where there are none. */
static const char *gap(const char *p, const char *end, const char *of)
{
	for (int i = 0; i < 2 && p < end && *p && strchr(of, *p); i++)
		p++;
	return p;
}

static int year_at(const char **p, const char *end)
{
	const char *q = *p;
	int year = digits(&q, end, 4, 4);

	if (year < 1000 || year > 2999 || is_letter(at(q, end)))
		return 0;
	*p = q;
	return year;
}

/* The same behind a written day or month, where 2040.50 and 2040,50 are amounts. */
static int year_behind(const char **p, const char *end)
{
	const char *q = *p;
	int year = year_at(&q, end);

	if ((at(q, end) == '.' || at(q, end) == ',') && is_digit(at(q + 1, end)) && (*p)[-1] == ' ')
		return 0;
	*p = q;
	return year;
}

static int full_year(int two)
{
	return two < 70 ? 2000 + two : 1900 + two;
}

/* hh:mm, hh:mm:ss, hh:mm:ss.fff, an offset from UTC. NULL where no time stands at
 * p. */
static const char *time_of_day(const char *p, const char *end, struct moment *d)
{
	int hour = digits(&p, end, 1, 2), minute, second = 0;

	if (hour < 0 || hour > 24 || at(p, end) != ':')
		return NULL;
	p++;
	minute = digits(&p, end, 2, 2);
	if (minute < 0 || minute > 59)
		return NULL;
	if (at(p, end) == ':' && is_digit(at(p + 1, end))) {
		p++;
		second = digits(&p, end, 2, 2);
		if (second < 0 || second > 60)
			return NULL;
		if ((at(p, end) == '.' || at(p, end) == ',') && is_digit(at(p + 1, end))) {
			do
				p++;
			while (is_digit(at(p, end)));
		}
	}
	if (hour == 24 && (minute || second))
		return NULL;
	d->second = hour * 3600 + minute * 60 + second;

	const char *q = spaces(p, end);
	if (at(q, end) == 'Z' && !is_letter(at(q + 1, end)))
		return q + 1;
	if (end - q >= 3 && (strncmp(q, "GMT", 3) == 0 || strncmp(q, "UTC", 3) == 0) &&
	    !is_letter(at(q + 3, end)))
		return q + 3;
	if (at(q, end) != '+' && at(q, end) != '-')
		return p;
	/* +02:00, +0200, +02 */
	const char *after = q + 1;
	int hours = digits(&after, end, 2, 2), minutes = 0;
	if (hours >= 0) {
		const char *colon = after + (at(after, end) == ':');
		int more = digits(&colon, end, 2, 2);
		if (more >= 0) {
			minutes = more;
			after = colon;
		}
	} else {
		after = q + 1;
		hours = digits(&after, end, 4, 4);
		minutes = hours % 100;
		hours = hours < 0 ? -1 : hours / 100;
	}
	if (hours < 0 || hours > 14 || minutes > 59)
		return p;
	d->offset = (hours * 60 + minutes) * (*q == '-' ? -60 : 60);
	return after;
}

/* --- one matcher for each way --- */

/* 2023-04-05, 2023/04/05, 2023.04.05, with time. */
static const char *iso(const char *p, const char *end, struct moment *d)
{
	int year = year_at(&p, end), sep = at(p, end);

	if (!year || (sep != '-' && sep != '/' && sep != '.'))
		return NULL;
	p++;
	int month = digits(&p, end, 1, 2);
	if (month < 0 || at(p, end) != sep)
		return NULL;
	p++;
	int day = digits(&p, end, 1, 2);
	if (day < 0 || !valid(year, month, day))
		return NULL;
	*d = (struct moment){.year = year,
			     .month = month,
			     .day = day,
			     .second = -1,
			     .form = MOMENT_ISO};
	const char *q = at(p, end) == 'T' || at(p, end) == 't' ? p + 1 : spaces(p, end);
	const char *after = q > p ? time_of_day(q, end, d) : NULL;
	return after ? after : p;
}

/* 05.04.2023, 05.04.23, 05.04. */
static const char *dots(const char *p, const char *end, struct moment *d)
{
	int day = digits(&p, end, 1, 2);

	if (day < 0 || at(p, end) != '.')
		return NULL;
	p++;
	const char *m = p;
	int month = digits(&p, end, 1, 2);
	if (month < 0 || at(p, end) != '.')
		return NULL;
	int two = p - m == 2;
	p++;
	const char *y = p;
	int year = year_at(&y, end), brief = 0;
	if (!year) {
		y = p;
		year = digits(&y, end, 2, 2);
		year = year < 0 || at(y, end) == '.' || !two ? 0 : full_year(year);
		brief = year != 0;
	}
	/* Without a year both numbers must have two digits, else `1.2.` is the head of a
	 * chapter. */
	if (!year && (!two || is_digit(at(p, end))))
		return NULL;
	if (!valid(year, month, day))
		return NULL;
	*d = (struct moment){.year = year,
			     .month = month,
			     .day = day,
			     .second = -1,
			     .form = MOMENT_DOTS,
			     .brief = brief};
	p = year ? y : p;
	const char *q = gap(p, end, ", "), *after = year && q > p ? time_of_day(q, end, d) : NULL;
	return after ? after : p;
}

/* 04/05/2023, 4/5/23, 04-05-2023: the order is open where both could be months. */
static const char *slashes(const char *p, const char *end, struct moment *d)
{
	int a = digits(&p, end, 1, 2), sep = at(p, end);

	if (a < 0 || (sep != '/' && sep != '-'))
		return NULL;
	p++;
	int b = digits(&p, end, 1, 2);
	if (b < 0 || at(p, end) != sep)
		return NULL;
	p++;
	int year = year_at(&p, end), brief = !year;
	if (!year) {
		if (sep == '-')
			return NULL;
		year = digits(&p, end, 2, 2);
		if (year < 0)
			return NULL;
		year = full_year(year);
	}
	if (at(p, end) == sep)
		return NULL;
	if (valid(year, a, b))
		*d = (struct moment){year,
				     a,
				     b,
				     -1,
				     MOMENT_SLASH,
				     a != b && b <= 12,
				     b > 12 ? 'm' : 0,
				     brief};
	else if (valid(year, b, a))
		*d = (struct moment){year, b, a, -1, MOMENT_SLASH, 0, 'd', brief};
	else
		return NULL;
	const char *q = gap(p, end, ", "), *after = q > p ? time_of_day(q, end, d) : NULL;
	return after ? after : p;
}

static struct moment written(int year, int month, int day)
{
	return (struct moment){.year = year,
			       .month = month,
			       .day = day,
			       .second = -1,
			       .form = MOMENT_WRITTEN};
}

/* What may follow a written day and month: a comma, the year, a time, in ctime's order the time
 * first. */
static const char *written_tail(const char *p, const char *end, struct moment *d)
{
	const char *q = gap(p, end, ", "), *after;
	int year = q > p ? year_behind(&q, end) : 0;

	if (!year) {
		const char *t = q > p ? time_of_day(q, end, d) : NULL;
		const char *y = t ? spaces(t, end) : NULL;
		year = y && y > t ? year_behind(&y, end) : 0;
		if (!year) {
			d->second = -1;
			d->offset = 0;
			return p;
		}
		d->year = year;
		return y;
	}
	d->year = year;
	p = q;
	q = gap(p, end, ", ");
	after = q > p ? time_of_day(q, end, d) : NULL;
	return after ? after : p;
}

static const char *ordinal(const char *p, const char *end)
{
	static const char *const suffix[] = {"st", "nd", "rd", "th"};

	for (int i = 0; i < 4; i++) {
		if (end - p >= 2 && strncasecmp(p, suffix[i], 2) == 0 && !is_letter(at(p + 2, end)))
			return p + 2;
	}
	return p;
}

/* 5 April 2023, 5th of April, 5 Apr; RFC 2822. */
static const char *day_month(const char *p, const char *end, struct moment *d)
{
	int day = digits(&p, end, 1, 2);

	if (day < 0)
		return NULL;
	p = ordinal(p, end);
	const char *q = gap(p, end, " -.");
	if (end - q > 3 && strncmp(q, "of ", 3) == 0)
		q += 3;
	int month = month_name(&q, end);
	if (!month || !valid(0, month, day))
		return NULL;
	*d = written(0, month, day);
	if (at(q, end) == '-') { /* 05-Apr-2023 */
		const char *y = q + 1;
		d->year = year_at(&y, end);
		return d->year && valid(d->year, month, day) ? y : NULL;
	}
	q = written_tail(q, end, d);
	return valid(d->year, d->month, d->day) ? q : NULL;
}

/* April 5, 2023; April 5th; Apr 5 10:00:00 2023; April 2023. */
static const char *month_day(const char *p, const char *end, struct moment *d)
{
	int month = month_name(&p, end);

	if (!month)
		return NULL;
	const char *q = gap(p, end, " ,"), *y = q;
	if (q == p)
		return NULL;
	int year = year_behind(&y, end);
	if (year) {
		*d = written(year, month, 0);
		return y;
	}
	int day = digits(&q, end, 1, 2);
	if (day < 0 || !valid(0, month, day) || at(q, end) == ':')
		return NULL;
	q = ordinal(q, end);
	if (is_letter(at(q, end)))
		return NULL;
	*d = written(0, month, day);
	q = written_tail(q, end, d);
	return valid(d->year, d->month, d->day) ? q : NULL;
}

/* 2023 April 5. */
static const char *year_month_day(const char *p, const char *end, struct moment *d)
{
	int year = year_at(&p, end);

	if (!year)
		return NULL;
	p = gap(p, end, " -,");
	int month = month_name(&p, end);
	if (!month)
		return NULL;
	p = gap(p, end, " -.");
	int day = digits(&p, end, 1, 2);
	if (day < 0 || !valid(year, month, day))
		return NULL;
	*d = written(year, month, day);
	return ordinal(p, end);
}

static const char *any(const char *p, const char *end, struct moment *d)
{
	const char *q = NULL;

	if (is_digit(*p)) {
		if (!(q = iso(p, end, d)) && !(q = day_month(p, end, d)) &&
		    !(q = dots(p, end, d)) && !(q = slashes(p, end, d)))
			q = year_month_day(p, end, d);
	} else {
		q = month_day(p, end, d);
	}
	/* A number or word that goes on was not a date. */
	if (q && (is_letter(at(q, end)) || is_digit(at(q, end))) &&
	    !is_letter((unsigned char)q[-1]))
		return NULL;
	return q;
}

int moment_parse(struct span s, struct moment *d)
{
	const char *p = s.s, *end = s.s + s.n, *q;

	while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
		p++;
	while (end > p && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\n' || end[-1] == '\r'))
		end--;
	if (end - p < 4 || end - p > 64)
		return 0;
	if (is_letter((unsigned char)*p)) {
		struct span w = word_at(p, end);
		if (moment_weekday_word(w))
			p = gap(p + w.n, end, ",. ");
	}
	if (p == end)
		return 0;
	q = any(p, end, d);
	if (q && q < end && *q == '(') /* RFC 2822's comment, (CET) */
		return end[-1] == ')';
	if (!q && end - p == 7 && p[4] == '-') { /* 2023-04 */
		int year = year_at(&p, end), month;
		p++;
		month = digits(&p, end, 2, 2);
		*d = (struct moment){.year = year,
				     .month = month,
				     .day = 0,
				     .second = -1,
				     .form = MOMENT_ISO};
		return year && month >= 1 && month <= 12;
	}
	return q && spaces(q, end) == end;
}

/* Whether what was read as the year of a written date, four digits at `at`, is something else: an
 * amount ("on May 5, 2049 dollars"), or the head of a number with parts ("May 5, 2049-118"), which no
 * range of years is. */
static int no_year(struct span text, size_t at)
{
	size_t p = at + 4, n = 0;

	if (phone_money((struct span){text.s, p}, at, p))
		return 1;
	if (phone_money(text, at, p)) {
		/* "5 May 2023 EUR 40": the next number's currency. */
		p = (size_t)(spaces(text.s + p, text.s + text.n) - text.s);
		while (p < text.n && (text.s[p] == '$' || is_letter((unsigned char)text.s[p])))
			p++;
		p = (size_t)(spaces(text.s + p, text.s + text.n) - text.s);
		return p == text.n || !is_digit(text.s[p]);
	}
	if (p >= text.n || (text.s[p] != '-' && text.s[p] != '/'))
		return 0;
	while (++p < text.n && is_digit(text.s[p]))
		n++;
	return n > 0 && n != 2 && n != 4;
}

/* Takes the year that is none out of a date found in text at p to q. Returns the end of what is left
 * of it, p where nothing is. */
static const char *without_no_year(struct span text, const char *p, const char *q, struct moment *d)
{
	int first = is_digit(p[0]) && is_digit(p[1]) && is_digit(p[2]);

	if (d->form != MOMENT_WRITTEN || !d->year || d->second >= 0 ||
	    !no_year(text, (size_t)((first ? p : q - 4) - text.s)))
		return q;
	if (first || !d->day)
		return p;
	d->year = 0;
	for (q -= 4; !is_digit(q[-1]) && !is_letter((unsigned char)q[-1]);)
		q--;
	return q;
}

int moment_find(struct span text, size_t *from, struct moment *d, struct span *where)
{
	const char *p = text.s + *from, *end = text.s + text.n;

	while (p < end) {
		int c = (unsigned char)*p, before = p > text.s ? (unsigned char)p[-1] : ' ';
		int inside = is_digit(before) || is_letter(before) ||
			     (is_digit(c) && before == '#') ||
			     (is_digit(c) &&
			      (before == '.' || before == '-' || before == '/' || before == ',') &&
			      p - text.s >= 2 &&
			      (is_digit((unsigned char)p[-2]) || is_letter((unsigned char)p[-2])) &&
			      before != ',');
		if (!inside && (is_digit(c) || is_letter(c))) {
			const char *q = any(p, end, d);
			if (q && (q = without_no_year(text, p, q, d)) > p) {
				/* `by 5 May 1240 CHF`: in running text only usual years are taken
				 * for years. */
				if (d->year < 1900 || d->year > 2099)
					d->year = 0;
				*where = (struct span){p, (size_t)(q - p)};
				*from = (size_t)(q - text.s);
				return 1;
			}
		}
		/* On to the next place where a word begins. */
		if (is_digit(c)) {
			while (p < end && is_digit(*p))
				p++;
		} else if (is_letter(c)) {
			while (p < end && is_letter((unsigned char)*p))
				p++;
		} else {
			p++;
		}
	}
	*from = text.n;
	return 0;
}

int moment_date(struct span text, struct date *d)
{
	struct moment m;

	if (!moment_parse(text, &m) || !m.year || !m.day || m.either || m.brief)
		return 0;
	*d = (struct date){m.year, m.month, m.day};
	return 1;
}

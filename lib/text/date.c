/* date: a small scanner over digits and month names. See date.h. */
#include "date.h"

#include <string.h>
#include <strings.h>

int date_is_valid(struct date d)
{
	static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int leap = (d.year % 4 == 0 && d.year % 100 != 0) || d.year % 400 == 0;

	return d.year >= 1 && d.year <= 9999 && d.month >= 1 && d.month <= 12 && d.day >= 1 &&
	       d.day <= lengths[d.month - 1] + (d.month == 2 && leap);
}

long date_days(struct date d)
{
	long y = d.year - (d.month <= 2), era = (y >= 0 ? y : y - 399) / 400, in_era = y - era * 400;
	long in_year = (153 * (d.month + (d.month > 2 ? -3 : 9)) + 2) / 5 + d.day - 1;

	return era * 146097 + in_era * 365 + in_era / 4 - in_era / 100 + in_year - 719468;
}

struct date date_of_days(long days)
{
	long z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097, doe = z - era * 146097;
	long yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365, doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	long mp = (5 * doy + 2) / 153;
	struct date d = {.day = (int)(doy - (153 * mp + 2) / 5 + 1), .month = (int)(mp < 10 ? mp + 3 : mp - 9)};

	d.year = (int)(yoe + era * 400) + (d.month <= 2);
	return d;
}

static int is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* One piece of a written date. */
struct piece {
	char kind; /* n a number, m a month's name, or the separator itself; 0 at the end, ? what is no part of a date */
	int value, digits;
};

/* A name from a list of full names, or its first three letters (Sept too). */
static int named(const char *s, size_t n, const char *const *names, int count)
{
	for (int i = 0; i < count; i++) {
		size_t full = strlen(names[i]);

		if ((n == full || n == 3 || (n == 4 && full == 9)) && strncasecmp(s, names[i], n) == 0)
			return i + 1;
	}
	return 0;
}

static const char *const months[] = {"january", "february", "march",	 "april",   "may",	"june",
				     "july",	"august",   "september", "october", "november", "december"};
static const char *const weekdays[] = {"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"};

static struct piece next_piece(struct span *s)
{
	struct piece p = {0};
	size_t n = 0;

	if (s->n == 0)
		return p;
	if (is_digit(*s->s)) {
		p.kind = 'n';
		while (n < s->n && is_digit(s->s[n]) && n < 5)
			p.value = p.value * 10 + s->s[n++] - '0';
		p.digits = (int)n;
	} else if (is_letter(*s->s)) {
		while (n < s->n && is_letter(s->s[n]))
			n++;
		if ((p.value = named(s->s, n, months, 12)) > 0)
			p.kind = 'm';
		else if (named(s->s, n, weekdays, 7) > 0)
			p.kind = 'w';
		else if (n == 2 && (strncasecmp(s->s, "st", 2) == 0 || strncasecmp(s->s, "nd", 2) == 0 ||
				    strncasecmp(s->s, "rd", 2) == 0 || strncasecmp(s->s, "th", 2) == 0))
			p.kind = 'o';
		else if (n == 2 && strncasecmp(s->s, "of", 2) == 0)
			p.kind = 'f';
		else
			p.kind = n == 1 && *s->s == 'T' ? 'T' : '?';
	} else {
		p.kind = strchr(" -/.,", *s->s) && *s->s ? *s->s : '?';
		n = 1;
		while (p.kind == ' ' && n < s->n && s->s[n] == ' ')
			n++;
	}
	s->s += n;
	s->n -= n;
	return p;
}

/* A time of day, with fraction and zone, to the end. */
static int is_time(struct span s)
{
	size_t i = 0, digits = 0;

	while (i < s.n && (is_digit(s.s[i]) || s.s[i] == ':'))
		digits += is_digit(s.s[i++]);
	if (digits < 4 || digits > 6 || !is_digit(s.s[0]))
		return 0;
	if (i < s.n && s.s[i] == '.')
		for (i++; i < s.n && is_digit(s.s[i]); i++)
			;
	while (i < s.n && s.s[i] == ' ')
		i++;
	if (i < s.n && (s.s[i] == 'Z' || s.s[i] == 'z'))
		i++;
	else if (i < s.n && (s.s[i] == '+' || s.s[i] == '-'))
		for (i++; i < s.n && (is_digit(s.s[i]) || s.s[i] == ':'); i++)
			;
	else if (s.n - i == 3 && strncmp(s.s + i, "UTC", 3) == 0)
		i += 3;
	return i == s.n;
}

static int set(struct date *d, int year, int month, int day)
{
	d->year = year;
	d->month = month;
	d->day = day;
	return date_is_valid(*d);
}

int date_parse(struct span text, struct date *d)
{
	struct span s = text, before_time = {0};
	struct piece number[3];
	struct date other;
	char shape[16];
	size_t n = 0;
	int numbers = 0, month = 0;

	while (s.n > 0 && strchr(" \t\r\n", *s.s) && *s.s)
		s.s++, s.n--;
	while (s.n > 0 && strchr(" \t\r\n", s.s[s.n - 1]) && s.s[s.n - 1])
		s.n--;
	/* The shape of the text in letters, less what stands between without meaning. */
	for (;;) {
		struct piece p;

		before_time = s;
		p = next_piece(&s);
		if (p.kind == 0)
			break;
		if ((p.kind == 'T' || p.kind == ' ') && n == 5 && strncmp(shape, "n-n-n", 5) == 0) {
			before_time = s;
			if (s.n == 0)
				return 0;
			break;
		}
		if (p.kind == '?' || p.kind == 'T' || n + 1 >= sizeof shape)
			return 0;
		if (p.kind == 'n') {
			if (numbers == 3)
				return 0;
			number[numbers++] = p;
		}
		if (p.kind == 'm')
			month = p.value;
		if (p.kind == ' ' || p.kind == 'o' || p.kind == 'f' || p.kind == 'w')
			continue;
		if (p.kind == ',' || (p.kind == '.' && n > 0 && shape[n - 1] == 'm'))
			continue; /* "Wed, 31 Jan. 2024" */
		shape[n++] = p.kind;
	}
	shape[n] = 0;
	if (before_time.n > 0 && !is_time(before_time))
		return 0;
	if (strcmp(shape, "n-n-n") == 0 || strcmp(shape, "n/n/n") == 0) {
		if (number[0].digits == 4 && number[1].digits <= 2 && number[2].digits <= 2)
			return set(d, number[0].value, number[1].value, number[2].value);
		if (number[2].digits != 4 || number[0].digits > 2 || number[1].digits > 2)
			return 0;
		if (!set(d, number[2].value, number[1].value, number[0].value))
			return set(d, number[2].value, number[0].value, number[1].value);
		/* Day first or month first? Only what can be read in one way is a date. */
		return !set(&other, number[2].value, number[0].value, number[1].value) || other.month == d->month;
	}
	if (strcmp(shape, "n.n.n") == 0)
		return number[2].digits == 4 && number[0].digits <= 2 && number[1].digits <= 2 &&
		       set(d, number[2].value, number[1].value, number[0].value);
	if (strcmp(shape, "nmn") == 0 || strcmp(shape, "n-m-n") == 0 || strcmp(shape, "n.mn") == 0 ||
	    strcmp(shape, "mnn") == 0) {
		if (number[1].digits == 4 && number[0].digits <= 2)
			return set(d, number[1].value, month, number[0].value);
		if (shape[0] == 'n' && number[0].digits == 4 && number[1].digits <= 2)
			return set(d, number[0].value, month, number[1].value);
	}
	return 0;
}

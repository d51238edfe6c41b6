/* number: amounts with currency, thousands and percent. See number.h. */
#include "number.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static int is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Whether the mark at i parts thousands: one to three digits before the first such mark, exactly
 * three behind each. */
static int thousands(struct span s, size_t i, size_t end)
{
	size_t before = 0, behind = 0;

	while (before < i && is_digit(s.s[i - before - 1]))
		before++;
	while (i + behind + 1 < end && is_digit(s.s[i + behind + 1]))
		behind++;
	return before >= 1 && before <= 3 && behind == 3;
}

/* The digits of an amount: from the first digit (or a point before one) as far as digits and marks
 * go; returns the length, 0 for none. */
static size_t amount(struct span s, double *x)
{
	char plain[512];
	size_t i = 0, n = 0, commas = 0, points = 0, last_comma = 0, last_point = 0, end,
	       decimal = SIZE_MAX;
	char *stop;

	while (i < s.n && (is_digit(s.s[i]) ||
			   ((s.s[i] == ',' || s.s[i] == '.' || s.s[i] == '\'' || s.s[i] == ' ') &&
			    i + 1 < s.n && is_digit(s.s[i + 1])))) {
		/* A space or apostrophe stands for thousands only before exactly three digits. */
		if ((s.s[i] == ' ' || s.s[i] == '\'') &&
		    !(i > 0 && i + 3 < s.n && is_digit(s.s[i + 2]) && is_digit(s.s[i + 3]) &&
		      !(i + 4 < s.n && is_digit(s.s[i + 4]))))
			break;
		if (s.s[i] == ',') {
			commas++;
			last_comma = i;
		} else if (s.s[i] == '.') {
			points++;
			last_point = i;
		}
		i++;
	}
	end = i;
	if (end == 0 || end >= sizeof plain - 32)
		return 0;
	if (commas > 0 && points > 0)
		decimal = last_comma > last_point ? last_comma : last_point;
	else if (points == 1)
		decimal = last_point;
	else if (commas == 1 && !(end - last_comma == 4 && last_comma >= 1 && last_comma <= 3))
		decimal = last_comma;
	for (i = 0; i < end; i++) {
		if (is_digit(s.s[i]))
			plain[n++] = s.s[i];
		else if (i == decimal)
			plain[n++] = '.';
		else if (i > decimal || !thousands(s, i, end))
			return 0;
	}
	/* An exponent, when it is one: e, a sign perhaps, digits. */
	if (end < s.n && (s.s[end] == 'e' || s.s[end] == 'E')) {
		size_t j = end + 1;

		if (j < s.n && (s.s[j] == '+' || s.s[j] == '-'))
			j++;
		if (j < s.n && is_digit(s.s[j])) {
			while (j < s.n && is_digit(s.s[j]) && n < sizeof plain - 2 && j - end < 20)
				j++;
			memcpy(plain + n, s.s + end, j - end);
			n += j - end;
			end = j;
		}
	}
	plain[n] = 0;
	*x = strtod(plain, &stop);
	return *stop == 0 ? end : 0;
}

static size_t spaces(struct span s)
{
	size_t n = 0;

	while (n < s.n && strchr(" \t\r\n", s.s[n]) && s.s[n])
		n++;
	return n;
}

static struct span skip(struct span s, size_t n)
{
	return (struct span){s.s + n, s.n - n};
}

/* Length of a currency sign or a three-letter code in capitals; 0 for none. */
static size_t currency(struct span s)
{
	static const char *const signs[] = {"$", "€", "£", "¥", "₹", "US$"};

	for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
		size_t n = strlen(signs[i]);

		if (s.n >= n && memcmp(s.s, signs[i], n) == 0)
			return n;
	}
	if (s.n >= 3 && s.s[0] >= 'A' && s.s[0] <= 'Z' && s.s[1] >= 'A' && s.s[1] <= 'Z' &&
	    s.s[2] >= 'A' && s.s[2] <= 'Z' && !(s.n > 3 && is_letter(s.s[3])))
		return 3;
	return 0;
}

int number_parse(struct span s, double *x)
{
	int negative = 0, money = 0;
	size_t n;

	s = skip(s, spaces(s));
	for (int i = 0; i < 3; i++) {
		if (s.n > 0 && !negative && (*s.s == '-' || *s.s == '+')) {
			negative = *s.s == '-' ? -1 : 1;
			s = skip(s, 1);
		} else if (s.n >= 3 && !negative && memcmp(s.s, "\xe2\x88\x92", 3) == 0) {
			/* U+2212 */
			negative = -1;
			s = skip(s, 3);
		} else if (!money && (n = currency(s)) > 0) {
			money = 1;
			s = skip(s, n);
			s = skip(s, spaces(s));
		}
	}
	n = amount(s, x);
	if (n == 0)
		return 0;
	s = skip(s, n);
	if (negative < 0)
		*x = -*x;
	s = skip(s, spaces(s));
	if (s.n > 0 && *s.s == '%') {
		*x /= 100;
		s = skip(s, 1);
	} else if (!money && (n = currency(s)) > 0) {
		s = skip(s, n);
	}
	s = skip(s, spaces(s));
	return s.n == 0;
}

int number_last(struct span s, double *x)
{
	int found = 0;

	while (s.n > 0) {
		double value;
		size_t n = is_digit(*s.s) ? amount(s, &value) : 0;

		if (n > 0) {
			struct span after = skip(s, n);

			after = skip(after, spaces(after));
			found = 1;
			*x = value;
			if (after.n > 0 && *after.s == '%')
				*x /= 100;
			s = skip(s, n);
			continue;
		}
		/* A minus belongs to the number unless it joins it to a word or another number. */
		if (*s.s == '-' && s.n > 1 && is_digit(s.s[1]) &&
		    (n = amount(skip(s, 1), &value)) > 0) {
			struct span after = skip(s, n + 1);

			found = 1;
			*x = -value;
			if (after.n > 0 && *after.s == '%')
				*x /= 100;
			s = after;
			continue;
		}
		if (is_letter(*s.s) || *s.s == '_') {
			while (s.n > 0 &&
			       (is_letter(*s.s) || is_digit(*s.s) || *s.s == '_' || *s.s == '-'))
				s = skip(s, 1);
			continue;
		}
		/* Digits that are no amount ("1.2.3") are passed over whole. */
		if (is_digit(*s.s)) {
			while (s.n > 0 && (is_digit(*s.s) || ((*s.s == '.' || *s.s == ',') &&
							      s.n > 1 && is_digit(s.s[1]))))
				s = skip(s, 1);
			continue;
		}
		s = skip(s, 1);
	}
	return found;
}

int tolerance_parse(const char *s, struct tolerance *t)
{
	char *end;

	t->within = strtod(s, &end);
	t->relative = *end == '%';
	if (end == s || !isfinite(t->within) || t->within < 0 ||
	    strcmp(end, t->relative ? "%" : "") != 0)
		return -1;
	if (t->relative)
		t->within /= 100;
	return 0;
}

int number_near(double reference, double x, struct tolerance t)
{
	return x == reference ||
	       fabs(x - reference) <= (t.relative ? t.within * fabs(reference) : t.within);
}

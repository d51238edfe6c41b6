/* The formats that a schema can ask of a string: RFC 3339 dates and times, and the forms of
 * addresses. */
#include <string.h>
#include "schema.h"

/* Reads exactly n digits; -1 where there are none. */
static int digits(const char **p, const char *end, int n)
{
	int x = 0;

	if (end - *p < n)
		return -1;
	for (; n > 0; n--, (*p)++) {
		if (**p < '0' || **p > '9')
			return -1;
		x = 10 * x + (**p - '0');
	}
	return x;
}

static int eat(const char **p, const char *end, char c)
{
	if (*p == end || **p != c)
		return 0;
	(*p)++;
	return 1;
}

static int date(const char **p, const char *end)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int y = digits(p, end, 4), m, d, leap;

	if (y < 0 || !eat(p, end, '-') || (m = digits(p, end, 2)) < 1 || m > 12 ||
	    !eat(p, end, '-'))
		return 0;
	d = digits(p, end, 2);
	leap = m == 2 && ((y % 4 == 0 && y % 100 != 0) || y % 400 == 0);
	return d >= 1 && d <= days[m - 1] + leap;
}

/* A leap second is one only at 23:59:60 UTC. */
static int time_of_day(const char **p, const char *end)
{
	int h = digits(p, end, 2), m, s, off = 0;

	if (h < 0 || h > 23 || !eat(p, end, ':') || (m = digits(p, end, 2)) < 0 || m > 59 ||
	    !eat(p, end, ':') || (s = digits(p, end, 2)) < 0 || s > 60)
		return 0;
	if (eat(p, end, '.')) {
		if (digits(p, end, 1) < 0)
			return 0;
		while (*p < end && **p >= '0' && **p <= '9')
			(*p)++;
	}
	if (!eat(p, end, 'Z') && !eat(p, end, 'z')) {
		int sign = eat(p, end, '+') ? 1 : eat(p, end, '-') ? -1 : 0, oh, om;

		if (!sign || (oh = digits(p, end, 2)) < 0 || oh > 23 || !eat(p, end, ':') ||
		    (om = digits(p, end, 2)) < 0 || om > 59)
			return 0;
		off = sign * (60 * oh + om);
	}
	return s < 60 || ((60 * h + m - off) % 1440 + 1440) % 1440 == 1439;
}

static int ipv4(const char *p, const char *end)
{
	for (int i = 0; i < 4; i++) {
		const char *start = p;
		int x = 0;

		if (i > 0 && !eat(&p, end, '.'))
			return 0;
		if (i > 0)
			start = p;
		while (p < end && *p >= '0' && *p <= '9' && p - start < 3)
			x = 10 * x + (*p++ - '0');
		if (p == start || x > 255 || (*start == '0' && p - start > 1))
			return 0;
	}
	return p == end;
}

static int is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static int ipv6(const char *p, const char *end)
{
	int groups = 0, gap = 0;

	if (end - p >= 2 && p[0] == ':' && p[1] == ':') {
		gap = 1;
		p += 2;
		if (p == end)
			return 1;
	}
	for (;;) {
		const char *start = p;

		while (p < end && is_hex(*p) && p - start < 4)
			p++;
		if (p < end && *p == '.')
			return ipv4(start, end) && (gap ? groups + 2 < 8 : groups + 2 == 8);
		if (p == start)
			return 0;
		groups++;
		if (p == end)
			break;
		if (!eat(&p, end, ':'))
			return 0;
		if (p < end && *p == ':') {
			if (gap)
				return 0;
			gap = 1;
			p++;
			if (p == end)
				break;
		}
	}
	return gap ? groups < 8 : groups == 8;
}

static int uuid(const char *p, const char *end)
{
	if (end - p != 36)
		return 0;
	for (int i = 0; i < 36; i++)
		if (i == 8 || i == 13 || i == 18 || i == 23 ? p[i] != '-' : !is_hex(p[i]))
			return 0;
	return 1;
}

static int is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int is_alnum(char c)
{
	return is_alpha(c) || (c >= '0' && c <= '9');
}

/* Labels of letters, digits and inner hyphens. */
static int hostname(const char *p, const char *end)
{
	if (p == end || end - p > 253)
		return 0;
	while (p < end) {
		const char *start = p;

		while (p < end && (is_alnum(*p) || *p == '-'))
			p++;
		if (p == start || p - start > 63 || *start == '-' || p[-1] == '-')
			return 0;
		if (p < end && (*p != '.' || ++p == end))
			return 0;
	}
	return 1;
}

/* RFC 5321's mailbox: a dot-string or a quoted string, then a host or an address in brackets. */
static int email(const char *p, const char *end)
{
	static const char marks[] = "!#$%&'*+-/=?^_`{|}~";
	const char *at = end;

	while (at > p && at[-1] != '@')
		at--;
	if (at == p || at - 1 == p || at - 1 - p > 64)
		return 0;
	if (*p == '"') {
		const char *q = p + 1;

		while (q < at - 2) {
			if (*q == '\\')
				q++;
			else if (*q == '"' || (unsigned char)*q < 32 || (unsigned char)*q > 126)
				return 0;
			q++;
		}
		if (q != at - 2 || *q != '"')
			return 0;
	} else {
		for (const char *q = p; q < at - 1; q++)
			if (*q == '.' ? q == p || q == at - 2 || q[1] == '.'
				      : !is_alnum(*q) && !(*q && strchr(marks, *q)))
				return 0;
	}
	if (end - at > 2 && *at == '[' && end[-1] == ']') {
		if (end - at > 7 && strncmp(at + 1, "IPv6:", 5) == 0)
			return ipv6(at + 6, end - 1);
		return ipv4(at + 1, end - 1);
	}
	return hostname(at, end);
}

/* RFC 3986: a scheme, a colon, then the characters of URIs, with a sound authority where there is
 * one. */
static int uri(const char *p, const char *end)
{
	static const char marks[] = "-._~:/?#[]@!$&'()*+,;=";
	const char *start = p, *fragment = NULL, *host, *stop;

	while (p < end && (is_alnum(*p) || *p == '+' || *p == '-' || *p == '.'))
		p++;
	if (p == start || !is_alpha(*start) || !eat(&p, end, ':'))
		return 0;
	start = p;
	for (; p < end; p++) {
		if (*p == '%') {
			if (end - p < 3 || !is_hex(p[1]) || !is_hex(p[2]))
				return 0;
			p += 2;
		} else if (!is_alnum(*p) && !(*p && strchr(marks, *p))) {
			return 0;
		} else if (*p == '#') {
			if (fragment)
				return 0;
			fragment = p;
		}
	}
	if (end - start < 2 || start[0] != '/' || start[1] != '/')
		return !memchr(start, '[', (size_t)(end - start)) &&
		       !memchr(start, ']', (size_t)(end - start));
	host = start + 2;
	for (stop = host; stop < end && *stop != '/' && *stop != '?' && *stop != '#'; stop++)
		if (*stop == '@')
			host = stop + 1;
	if (memchr(stop, '[', (size_t)(end - stop)) || memchr(stop, ']', (size_t)(end - stop)))
		return 0;
	if (host < stop && *host == '[') {
		const char *close = memchr(host, ']', (size_t)(stop - host));

		if (!close || !ipv6(host + 1, close))
			return 0;
		host = close + 1;
	} else {
		while (host < stop && *host != ':')
			if (*host == '[' || *host++ == ']')
				return 0;
	}
	if (host < stop && *host++ != ':')
		return 0;
	for (; host < stop; host++)
		if (*host < '0' || *host > '9')
			return 0;
	return 1;
}

int schema_format_ok(enum schema_format f, struct span t)
{
	const char *p = t.s, *end = t.s + t.n;

	switch (f) {
	case SCHEMA_DATE:
		return date(&p, end) && p == end;
	case SCHEMA_TIME:
		return time_of_day(&p, end) && p == end;
	case SCHEMA_DATE_TIME:
		return date(&p, end) && (eat(&p, end, 'T') || eat(&p, end, 't')) &&
		       time_of_day(&p, end) && p == end;
	case SCHEMA_EMAIL:
		return email(p, end);
	case SCHEMA_URI:
		return uri(p, end);
	case SCHEMA_UUID:
		return uuid(p, end);
	case SCHEMA_IPV4:
		return ipv4(p, end);
	case SCHEMA_IPV6:
		return ipv6(p, end);
	default:
		return 1;
	}
}

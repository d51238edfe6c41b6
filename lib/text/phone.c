/* phone: runs of digits read as groups, less dates, times and amounts. See phone.h. */
#include <string.h>
#include "date.h"
#include "phone_impl.h"

enum { GROUPS = 24, DIGITS = 16, PLAIN = 64 };

struct group {
	size_t start, end; /* bytes of the text, with brackets and plus */
	char digits[DIGITS + 1];
	unsigned n;   /* of digits, also of those that digits has no room for */
	char gap;     /* what parts it from the group before: space, '-', '.', '/', 'w' for " / " */
	char bracket; /* 1 where it stands in brackets */
	char plus;
};

struct run {
	struct group v[GROUPS];
	size_t n;
	size_t end; /* where reading stopped; more groups than fit are read but not kept */
};

static struct span from(struct span text, size_t at)
{
	return at < text.n ? (struct span){text.s + at, text.n - at} : (struct span){"", 0};
}

int phone_digit(struct span text, size_t *n)
{
	/* the bytes before the last of the digits 0: ASCII, full-width, Arabic-Indic, its eastern
	 * form */
	static const struct {
		const char *lead;
		unsigned char zero;
	} scripts[] = {{"", '0'}, {"\xef\xbc", 0x90}, {"\xd9", 0xa0}, {"\xdb", 0xb0}};

	for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
		size_t m = strlen(scripts[i].lead);
		if (text.n <= m || memcmp(text.s, scripts[i].lead, m) != 0)
			continue;
		int value = (unsigned char)text.s[m] - scripts[i].zero;
		if (value >= 0 && value <= 9) {
			*n = m + 1;
			return value;
		}
	}
	return -1;
}

size_t phone_gap(struct span text, char *kind)
{
	static const struct {
		const char *bytes;
		char kind;
	} gaps[] = {
		{" ", ' '},
		{"-", '-'},
		{"\xc2\xa0", ' '},     /* no-break space */
		{"\xe2\x80\x87", ' '}, /* figure space */
		{"\xe2\x80\x89", ' '}, /* thin space */
		{"\xe2\x80\xaf", ' '}, /* narrow no-break space */
		{"\xe3\x80\x80", ' '}, /* ideographic space */
		{"\xe2\x80\x90", '-'}, /* hyphen */
		{"\xe2\x80\x91", '-'}, /* no-break hyphen */
		{"\xe2\x80\x92", '-'}, /* figure dash */
		{"\xe2\x80\x93", '-'}, /* en dash */
		{"\xe2\x88\x92", '-'}, /* minus */
		{"\xef\xbc\x8d", '-'}, /* full-width hyphen */
	};

	for (size_t i = 0; i < sizeof gaps / sizeof *gaps; i++) {
		size_t m = strlen(gaps[i].bytes);
		if (text.n >= m && !memcmp(text.s, gaps[i].bytes, m)) {
			*kind = gaps[i].kind;
			return m;
		}
	}
	return 0;
}

static size_t read_digits(struct span text, size_t at, struct group *g)
{
	size_t m;
	int d;

	while ((d = phone_digit(from(text, at), &m)) >= 0) {
		if (g->n < DIGITS)
			g->digits[g->n] = (char)('0' + d);
		g->n++;
		at += m;
	}
	return at;
}

/* The bytes of a plus sign at `at`, which may be a full-width one; 0 where there is none. */
static size_t plus_at(struct span text, size_t at)
{
	struct span s = from(text, at);
	return s.n && *s.s == '+' ? 1 : s.n >= 3 && !memcmp(s.s, "\xef\xbc\x8b", 3) ? 3 : 0;
}

/* The group at `at`: digits, "+49", "(0)", "(+49)". Returns its end, or at where there is none. */
static size_t read_group(struct span text, size_t at, int first, struct group *g)
{
	size_t p = at, q;

	*g = (struct group){.start = at};
	if (p < text.n && text.s[p] == '(')
		g->bracket = 1, p++;
	if (plus_at(text, p)) {
		if (!first)
			return at;
		g->plus = 1, p += plus_at(text, p);
		if (!g->bracket && p < text.n && text.s[p] == '(')
			g->bracket = 1, p++;
		else if (!g->bracket && p < text.n && text.s[p] == ' ')
			p++;
	}
	q = read_digits(text, p, g);
	if (q == p || (g->bracket && (q >= text.n || text.s[q] != ')' || g->n > 5)))
		return at;
	return g->end = q + (size_t)g->bracket;
}

/* What parts the group that ends at `at` from another: the bytes, and their kind; 0 where the run
 * ends. */
static size_t read_gap(struct span text, size_t at, char *kind)
{
	size_t m = phone_gap(from(text, at), kind), wide = 0;
	char c = 0, space = 0;

	if (m && *kind == ' ') {
		/* " / ", " - " */
		size_t k = phone_gap(from(text, at + m), &c);
		if (!k && at + m < text.n && text.s[at + m] == '/')
			k = 1, c = '/';
		if (k && c != ' ')
			wide = phone_gap(from(text, at + m + k), &space);
		if (wide && space == ' ') {
			*kind = 'w';
			return m + k + wide;
		}
		return m;
	}
	if (m)
		return m;
	if (at < text.n && (text.s[at] == '.' || text.s[at] == '/')) {
		*kind = text.s[at];
		return 1;
	}
	*kind = 0;
	return 0;
}

static void read_run(struct span text, size_t at, struct run *r)
{
	struct group g;
	size_t p = read_group(text, at, 1, &g), next;

	*r = (struct run){.end = p};
	if (p == at)
		return;
	for (;;) {
		if (r->n < GROUPS)
			r->v[r->n] = g;
		r->n++;
		char gap, bracket = g.bracket;
		size_t m = read_gap(text, p, &gap);
		next = read_group(text, p + m, 0, &g);
		if (next == p + m || (!m && !bracket && !g.bracket))
			break;
		g.gap = gap;
		r->end = p = next;
	}
}

static int number(const struct group *g)
{
	int v = 0;
	for (unsigned i = 0; i < g->n && i < 4; i++)
		v = v * 10 + (g->digits[i] - '0');
	return v;
}

static int valid(int year, int month, int day)
{
	return date_is_valid((struct date){year, month, day});
}

/* Whether three groups are a date: written with one separator that is not the one before and behind
 * it, for "06.12.34.56.78" has none. */
static int is_date(const struct run *r, size_t i, size_t from_group)
{
	const struct group *g = r->v + i;
	int a, b, c, year;

	if (i + 3 > r->n || g[1].gap != g[2].gap || g[1].gap == 'w')
		return 0;
	if (g[0].plus || g[0].bracket || g[1].bracket || g[2].bracket)
		return 0;
	a = number(g), b = number(g + 1), c = number(g + 2);
	if (g[0].n == 4 && g[1].n <= 2 && g[2].n <= 2)
		return a >= 1000 && a < 3000 && valid(a, b, c);
	if (g[0].n > 2 || g[1].n > 2)
		return 0;
	year = g[2].n == 4 ? c : g[2].n == 2 ? 2000 + c : 0;
	if (!year || !(valid(year, b, a) || valid(year, a, b)))
		return 0;
	if (g[2].n == 4)
		return year >= 1000 && year < 3000;
	return g[1].gap != ' ' && (i == from_group || g[0].gap != g[1].gap) &&
	       (i + 3 == r->n || g[3].gap != g[1].gap);
}

static int is_word_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* Whether what stands before byte `at` lets a number begin there. */
static int may_begin(struct span text, const struct group *g)
{
	char c = g->start ? text.s[g->start - 1] : ' ',
	     d = g->start > 1 ? text.s[g->start - 2] : ' ';
	int digit = d >= '0' && d <= '9';

	if (is_word_byte(c) || (c >= '0' && c <= '9') || memchr("#$@\\~^", c, 6))
		return 0;
	if (c == ':' && digit)
		return 0; /* the minutes of a time */
	if ((c == '.' || c == ',') && digit)
		return g->plus || g->bracket || (g->digits[0] == '0' && g->n >= 3);
	if (c == '/')
		return !is_word_byte(d) && !digit && d != '/';
	if (c == '-')
		return !is_word_byte(d) && !digit && (g->plus || g->bracket || *g->digits == '0');
	return c != '+' && c != ')';
}

/* Whether what stands at byte `at` lets a number end there. */
static int may_end(struct span text, size_t at)
{
	char c = at < text.n ? text.s[at] : ' ', d = at + 1 < text.n ? text.s[at + 1] : ' ';
	int digit = d >= '0' && d <= '9';

	if (is_word_byte(c) || c == '@' || c == '%')
		return 0;
	if ((c == '-' || c == '/') && is_word_byte(d))
		return 0;
	if (c == ':' && digit)
		return 0;
	if ((c == ',' || c == '.') && digit) {
		/* decimals or thousands, not the next number of a list */
		size_t n = 0;
		while (n < 4 && at + 1 + n < text.n && text.s[at + 1 + n] >= '0' &&
		       text.s[at + 1 + n] <= '9')
			n++;
		return n > 3;
	}
	return 1;
}

/* Thousands in threes: "1 234 567". */
static int in_threes(const struct group *g, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (g[i].n != 3 || g[i].bracket || (g[i].gap != ' ' && g[i].gap != '.') ||
		    g[i].gap != g[1].gap)
			return 0;
	return n > 1 && g->n <= 3 && *g->digits != '0' && !g->bracket;
}

/* The digits of n groups, without "(0)" behind a country code; 0 where they are more than fit. */
static size_t all_digits(const struct group *g, size_t n, int international, char *digits)
{
	size_t len = 0;
	for (size_t i = 0; i < n; i++) {
		if (international && i > 0 && g[i].bracket && strcmp(g[i].digits, "0") == 0)
			continue;
		if (len + g[i].n > DIGITS)
			return 0;
		memcpy(digits + len, g[i].digits, g[i].n);
		len += g[i].n;
	}
	digits[len] = 0;
	return len;
}

static int plain_text(const struct group *g, size_t n, char *plain)
{
	size_t len = 0;
	for (size_t i = 0; i < n; i++) {
		if (len + g[i].n + 4 > PLAIN || g[i].n > DIGITS)
			return 0;
		if (i && g[i].gap)
			plain[len++] = g[i].gap == 'w' ? '/' : g[i].gap;
		if (g[i].bracket)
			plain[len++] = '(';
		memcpy(plain + len, g[i].digits, g[i].n);
		len += g[i].n;
		if (g[i].bracket)
			plain[len++] = ')';
	}
	plain[len] = 0;
	return 1;
}

/* Four numbers below 256 with full stops between: an address of the Internet. */
static int is_address(const struct group *g, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (g[i].n > 3 || number(g + i) > 255 || (i && g[i].gap != '.'))
			return 0;
	return n == 4;
}

static int is_number(struct span text, const struct group *g, size_t n)
{
	char digits[DIGITS + 1], plain[PLAIN];
	size_t end = g[n - 1].end, len;

	if (!may_begin(text, g) || !may_end(text, end) || phone_money(text, g->start, end))
		return 0;
	/* behind the area code alone, which may follow a country code and "(0)" */
	for (size_t i = g->plus ? 4 : 2; i < n; i++)
		if (g[i].gap == 'w' || g[i].gap == '/')
			return 0;
	if (g->plus)
		return all_digits(g, n, 1, digits) && phone_e164(digits, strlen(digits));
	enum phone_said said = phone_said(text, g->start);
	if (said == PHONE_DENIED || !all_digits(g, n, 0, digits) || is_address(g, n))
		return 0;
	len = strlen(digits);
	/* 00 and 011 stand for the plus; in one piece and unsaid they may be an id filled up with
	 * zeros */
	size_t prefix = !strncmp(digits, "00", 2) ? 2 : !strncmp(digits, "011", 3) ? 3 : 0;
	if (prefix && (n > 1 || said == PHONE_SAID || (prefix == 2 && digits[2] != '1'))) {
		len = all_digits(g, n, 1, digits);
		if (len > prefix && phone_e164(digits + prefix, len - prefix))
			return 1;
	}
	if (said == PHONE_SAID && len >= 7 && len <= 15 && g->n <= 15 && (n == 1 || g->n <= 6))
		return 1;
	return !in_threes(g, n) && plain_text(g, n, plain) && phone_national(plain);
}

/* An extension behind a number: "ext. 12", "x12", "#12". Returns where it ends. */
static size_t read_extension(struct span text, size_t at)
{
	static const char *const words[] = {"extension", "ext.",  "ext", "x",
					    "#",	 "poste", "DW",	 "int."};
	size_t p = at;

	while (p < text.n && p < at + 2 && (text.s[p] == ' ' || text.s[p] == ','))
		p++;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		size_t m = strlen(words[i]), q = p + m, n = 0;
		if (p + m > text.n || memcmp(text.s + p, words[i], m) != 0)
			continue;
		if (q < text.n && text.s[q] == ' ')
			q++;
		while (q + n < text.n && text.s[q + n] >= '0' && text.s[q + n] <= '9')
			n++;
		if (n >= 1 && n <= 6)
			return q + n;
	}
	return at;
}

/* Where another number may begin within a run. */
static int begins_anew(const struct group *g)
{
	return g->plus || g->bracket || *g->digits == '0';
}

/* The first number among groups [i, end) of one piece. */
static int find_in(struct span text, const struct group *g, size_t n, struct span *found)
{
	for (size_t i = 0; i < n; i++) {
		if (i && !g[i].bracket &&
		    !(g[i].gap == ' ' && phone_said(text, g->start) == PHONE_SAID))
			continue;
		for (size_t m = n - i; m > 0; m--) {
			size_t end = g[i + m - 1].end, extended = end;
			if (i + m < n && !begins_anew(g + i + m))
				continue;
			if (i + m == n)
				extended = read_extension(text, end);
			struct span known = {text.s, extended > end ? end : text.n};
			if (!is_number(known, g + i, m))
				continue;
			*found = (struct span){text.s + g[i].start, extended - g[i].start};
			return 1;
		}
	}
	return 0;
}

int phone_begins(struct span text, size_t at)
{
	size_t n;

	return at < text.n &&
	       (text.s[at] == '(' || plus_at(text, at) || phone_digit(from(text, at), &n) >= 0);
}

size_t phone_scan(struct span text, size_t at, struct span *found)
{
	struct run r;

	*found = (struct span){0};
	read_run(text, at, &r);
	if (!r.n)
		return at + 1;
	if (r.n > GROUPS)
		return r.end;
	size_t i = 0;
	while (i < r.n) {
		/* a time before the run, or at its end */
		if (is_date(&r, i, i)) {
			i += 3;
			continue;
		}
		if (i == 0 && !may_begin(text, r.v) && r.n > 1) {
			i = r.v[1].gap == ' ' ? 1 : r.n;
			continue;
		}
		size_t end = i + 1;
		while (end < r.n && !is_date(&r, end, i))
			end++;
		size_t last = end;
		if (end == r.n && r.end + 1 < text.n && text.s[r.end] == ':' && last > i + 1)
			last--;
		if (find_in(text, r.v + i, last - i, found))
			return (size_t)(found->s - text.s) + found->n;
		i = end;
	}
	return r.end;
}

/* Regular expressions of a schema as part of an automaton over JSON text. See constrain.h.
 *
 * Characters are those of the string's content; what JSON wants escaped is written in its shortest
 * escape. Only what is regular is covered, and everything else is refused by name.
 */
#include <string.h>
#include "constrain_impl.h"

#define CLASS_MAX 512
#define COPIES_MAX 1000 /* of {m,n} */
#define DEPTH_MAX 100

struct range {
	uint32_t lo, hi;
};

struct set {
	struct range r[CLASS_MAX];
	int n, full;
};

struct regex {
	struct automaton *a;
	const char *p, *end, *text, *where;
	struct err *e;
	int depth;
};

static int refuse(struct regex *x, const char *what)
{
	return err_set(x->e,
		       "%s/pattern: \"%.200s\": %s is not covered where answers are held to the schema",
		       x->where, x->text, what);
}

static void set_add(struct set *s, uint32_t lo, uint32_t hi)
{
	if (s->n == CLASS_MAX)
		s->full = 1;
	else
		s->r[s->n++] = (struct range){lo, hi};
}

/* The characters that are not in s: all of Unicode but surrogates. */
static void set_negate(struct set *s)
{
	struct set out = {.n = 0};
	uint32_t at = 0;

	while (at <= 0x10ffff) {
		uint32_t next = 0x110000, skip = at;

		for (int i = 0; i < s->n; i++) {
			if (s->r[i].lo <= at && at <= s->r[i].hi && s->r[i].hi + 1 > skip)
				skip = s->r[i].hi + 1;
			if (s->r[i].lo > at && s->r[i].lo < next)
				next = s->r[i].lo;
		}
		if (skip == at) {
			set_add(&out, at, next - 1);
			skip = next;
		}
		at = skip;
	}
	out.full |= s->full;
	*s = out;
}

static int put_utf8(uint32_t c, unsigned char *b)
{
	if (c < 0x80) {
		b[0] = (unsigned char)c;
		return 1;
	}
	if (c < 0x800) {
		b[0] = (unsigned char)(0xc0 | c >> 6);
		b[1] = (unsigned char)(0x80 | (c & 63));
		return 2;
	}
	if (c < 0x10000) {
		b[0] = (unsigned char)(0xe0 | c >> 12);
		b[1] = (unsigned char)(0x80 | (c >> 6 & 63));
		b[2] = (unsigned char)(0x80 | (c & 63));
		return 3;
	}
	b[0] = (unsigned char)(0xf0 | c >> 18);
	b[1] = (unsigned char)(0x80 | (c >> 12 & 63));
	b[2] = (unsigned char)(0x80 | (c >> 6 & 63));
	b[3] = (unsigned char)(0x80 | (c & 63));
	return 4;
}

/* Sequences of n bytes from lo to hi, as ranges byte by byte. */
static void sequences(struct automaton *a, uint32_t from, uint32_t to, const unsigned char *lo,
		      const unsigned char *hi, int n)
{
	static const unsigned char lowest[4] = {0x80, 0x80, 0x80, 0x80},
				   highest[4] = {0xbf, 0xbf, 0xbf, 0xbf};
	uint32_t mid;

	if (n == 1) {
		automaton_bytes(a, from, to, lo[0], hi[0]);
		return;
	}
	if (lo[0] == hi[0]) {
		mid = automaton_state(a);
		automaton_bytes(a, from, mid, lo[0], lo[0]);
		sequences(a, mid, to, lo + 1, hi + 1, n - 1);
		return;
	}
	mid = automaton_state(a);
	automaton_bytes(a, from, mid, lo[0], lo[0]);
	sequences(a, mid, to, lo + 1, highest, n - 1);
	mid = automaton_state(a);
	automaton_bytes(a, from, mid, hi[0], hi[0]);
	sequences(a, mid, to, lowest, hi + 1, n - 1);
	if (lo[0] + 1 < hi[0]) {
		mid = automaton_state(a);
		automaton_bytes(a, from, mid, lo[0] + 1u, hi[0] - 1u);
		sequences(a, mid, to, lowest, highest, n - 1);
	}
}

/* Characters lo..hi as they stand in JSON text. */
static void characters(struct automaton *a, uint32_t from, uint32_t to, uint32_t lo, uint32_t hi)
{
	static const uint32_t parts[][2] = {{0x20, 0x21},	{0x23, 0x5b},	 {0x5d, 0x7f},
					    {0x80, 0x7ff},	{0x800, 0xd7ff}, {0xe000, 0xffff},
					    {0x10000, 0x10ffff}};

	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		uint32_t l = lo > parts[i][0] ? lo : parts[i][0],
			 h = hi < parts[i][1] ? hi : parts[i][1];
		unsigned char bl[4], bh[4];
		int n;

		if (l > h)
			continue;
		n = put_utf8(l, bl);
		put_utf8(h, bh);
		sequences(a, from, to, bl, bh, n);
	}
	for (uint32_t c = 0; c <= '\\'; c++) {
		struct buf text = BUF_INIT;
		char raw = (char)c;
		uint32_t at;

		if (c < lo || c > hi || (c >= 0x20 && c != '"' && c != '\\'))
			continue;
		switch (c) {
		case '\b':
			buf_adds(&text, "\\b");
			break;
		case '\f':
			buf_adds(&text, "\\f");
			break;
		case '\n':
			buf_adds(&text, "\\n");
			break;
		case '\r':
			buf_adds(&text, "\\r");
			break;
		case '\t':
			buf_adds(&text, "\\t");
			break;
		case '"':
		case '\\':
			buf_addf(&text, "\\%c", raw);
			break;
		default:
			buf_addf(&text, "\\u%04x", (unsigned)c);
		}
		at = automaton_text(a, from, buf_span(&text));
		automaton_skip(a, at, to);
		buf_release(&text);
	}
}

static void emit(struct regex *x, const struct set *s, uint32_t from, uint32_t to)
{
	for (int i = 0; i < s->n; i++)
		characters(x->a, from, to, s->r[i].lo, s->r[i].hi);
}

/* One code point of the pattern's own text (checked UTF-8). */
static uint32_t read_char(struct regex *x)
{
	unsigned char b = (unsigned char)*x->p++;
	int more = b >= 0xf0 ? 3 : b >= 0xe0 ? 2 : b >= 0xc0 ? 1 : 0;
	uint32_t c = more == 3 ? b & 7u : more == 2 ? b & 15u : more == 1 ? b & 31u : b;

	for (; more > 0 && x->p < x->end; more--)
		c = c << 6 | ((unsigned char)*x->p++ & 63u);
	return c;
}

static int read_hex(struct regex *x, int n, uint32_t *c)
{
	*c = 0;
	for (; n > 0; n--, x->p++) {
		const char *digits = "0123456789abcdef", *at;

		if (x->p == x->end || !(at = strchr(digits, *x->p | (*x->p >= 'A' ? 32 : 0))))
			return refuse(x, "this escape");
		*c = *c * 16 + (uint32_t)(at - digits);
	}
	return 0;
}

/* Behind a backslash: a class, or one character in *c. Returns 1 for a class (added to s), 0 for a
 * character, -1 refused. */
static int escape(struct regex *x, struct set *s, uint32_t *c)
{
	struct set class = {.n = 0};
	char k = x->p < x->end ? *x->p : 0;

	x->p++;
	switch (k) {
	case 'd':
	case 'D':
		set_add(&class, '0', '9');
		break;
	case 'w':
	case 'W':
		set_add(&class, '0', '9');
		set_add(&class, 'A', 'Z');
		set_add(&class, '_', '_');
		set_add(&class, 'a', 'z');
		break;
	case 's':
	case 'S':
		set_add(&class, '\t', '\r');
		set_add(&class, ' ', ' ');
		break;
	case 'n':
		*c = '\n';
		return 0;
	case 't':
		*c = '\t';
		return 0;
	case 'r':
		*c = '\r';
		return 0;
	case 'f':
		*c = '\f';
		return 0;
	case 'v':
		*c = '\v';
		return 0;
	case 'x':
		return read_hex(x, 2, c);
	case 'u':
		return read_hex(x, 4, c);
	default:
		if (k == 0 || (k >= '0' && k <= '9') || (k >= 'a' && k <= 'z') ||
		    (k >= 'A' && k <= 'Z')) {
			char what[] = "\\?";

			what[1] = k ? k : ' ';
			return refuse(x, what);
		}
		x->p--;
		*c = read_char(x);
		return 0;
	}
	if (k >= 'A' && k <= 'Z')
		set_negate(&class);
	for (int i = 0; i < class.n; i++)
		set_add(s, class.r[i].lo, class.r[i].hi);
	return 1;
}

static int class(struct regex *x, struct set *s)
{
	int negate = x->p < x->end && *x->p == '^', first = 1;

	x->p += negate;
	for (; x->p < x->end && (*x->p != ']' || first); first = 0) {
		uint32_t lo, hi;
		int is_class = 0;

		if (*x->p == '[' && x->p + 1 < x->end &&
		    (x->p[1] == ':' || x->p[1] == '.' || x->p[1] == '='))
			return refuse(x, "a POSIX class");
		if (*x->p == '\\') {
			x->p++;
			if (x->p < x->end && *x->p == 'b') {
				x->p++;
				lo = '\b';
			} else {
				is_class = escape(x, s, &lo);
			}
			if (is_class < 0)
				return -1;
		} else {
			lo = read_char(x);
		}
		if (is_class)
			continue;
		hi = lo;
		if (x->p + 1 < x->end && *x->p == '-' && x->p[1] != ']') {
			x->p++;
			if (*x->p == '\\') {
				x->p++;
				if (escape(x, s, &hi))
					return x->e->msg[0]
						       ? -1
						       : refuse(x, "a range that ends in a class");
			} else {
				hi = read_char(x);
			}
		}
		set_add(s, lo, hi);
	}
	x->p++; /* the bracket: the pattern was compiled by PCRE2, so it is there */
	if (negate)
		set_negate(s);
	return s->full ? refuse(x, "a class of so many ranges") : 0;
}

static int alternatives(struct regex *x, uint32_t from, uint32_t to, int outermost);

static int atom(struct regex *x, uint32_t from, uint32_t to)
{
	struct set s = {.n = 0};
	uint32_t c;
	int rc;

	switch (*x->p) {
	case '(':
		x->p++;
		if (x->p + 1 < x->end && x->p[0] == '?') {
			if (x->p[1] != ':')
				return refuse(x, "a group that begins with (? and no colon");
			x->p += 2;
		} else if (x->p < x->end && x->p[0] == '*') {
			return refuse(x, "a verb");
		}
		if (++x->depth > DEPTH_MAX)
			return refuse(x, "nesting so deep");
		if (alternatives(x, from, to, 0))
			return -1;
		x->depth--;
		x->p++; /* the parenthesis */
		return 0;
	case '[':
		x->p++;
		if (class(x, &s))
			return -1;
		emit(x, &s, from, to);
		return 0;
	case '.':
		x->p++;
		set_add(&s, '\n', '\n');
		set_add(&s, '\r', '\r');
		set_negate(&s);
		emit(x, &s, from, to);
		return 0;
	case '^':
	case '$':
		return refuse(x, "an anchor within the pattern");
	case '\\':
		x->p++;
		rc = escape(x, &s, &c);
		if (rc < 0)
			return -1;
		if (rc == 0)
			set_add(&s, c, c);
		emit(x, &s, from, to);
		return 0;
	default:
		c = read_char(x);
		set_add(&s, c, c);
		emit(x, &s, from, to);
		return 0;
	}
}

static int number(const char **p, const char *end)
{
	int n = 0;

	if (*p == end || **p < '0' || **p > '9')
		return -1;
	while (*p < end && **p >= '0' && **p <= '9' && n < 100000)
		n = 10 * n + (*(*p)++ - '0');
	return n;
}

/* {m}, {m,}, {m,n}; anything else is a brace that stands for itself. most -1: no limit. */
static int braces(const char **p, const char *end, int *least, int *most)
{
	const char *q = *p + 1;

	*least = number(&q, end);
	if (*least < 0)
		return 0;
	*most = *least;
	if (q < end && *q == ',') {
		q++;
		*most = number(&q, end);
	}
	if (q == end || *q != '}')
		return 0;
	*p = q + 1;
	return 1;
}

/* An atom with what follows it. Its copies are made by reading it again. */
static int repeat(struct regex *x, uint32_t from, uint32_t to)
{
	const char *start = x->p, *behind;
	uint32_t probe = automaton_state(x->a), at = from;
	int least = 1, most = 1;

	if (atom(x, probe, automaton_state(x->a)))
		return -1;
	behind = x->p;
	if (x->p < x->end && (*x->p == '*' || *x->p == '+' || *x->p == '?')) {
		least = *x->p == '+';
		most = *x->p == '?' ? 1 : -1;
		x->p++;
	} else if (x->p < x->end && *x->p == '{') {
		braces(&x->p, x->end, &least, &most);
	}
	if (x->p > behind && x->p < x->end && *x->p == '?')
		x->p++; /* lazy: the same language */
	else if (x->p > behind && x->p < x->end && *x->p == '+')
		return refuse(x, "a possessive quantifier");
	if (least > COPIES_MAX || most > COPIES_MAX)
		return refuse(x, "so many copies");
	behind = x->p;
	for (int i = 0; i < least || i < most; i++) {
		uint32_t next = automaton_state(x->a);

		x->p = start;
		if (atom(x, at, next))
			return -1;
		if (i >= least)
			automaton_skip(x->a, at, to);
		at = next;
	}
	if (most < 0) {
		uint32_t loop = automaton_state(x->a);

		automaton_skip(x->a, at, loop);
		x->p = start;
		if (atom(x, loop, loop))
			return -1;
		at = loop;
	}
	automaton_skip(x->a, at, to);
	x->p = behind;
	return 0;
}

/* Any text: what may stand before and behind a pattern that is not anchored. */
static void anything(struct regex *x, uint32_t at)
{
	characters(x->a, at, at, 0, 0x10ffff);
}

static int alternatives(struct regex *x, uint32_t from, uint32_t to, int outermost)
{
	for (;;) {
		uint32_t at = automaton_state(x->a);

		automaton_skip(x->a, from, at);
		if (outermost && x->p < x->end && *x->p == '^')
			x->p++;
		else if (outermost)
			anything(x, at);
		while (x->p < x->end && *x->p != '|' && *x->p != ')') {
			uint32_t next;

			if (outermost && *x->p == '$' && (x->p + 1 == x->end || x->p[1] == '|'))
				break;
			next = automaton_state(x->a);
			if (repeat(x, at, next))
				return -1;
			at = next;
		}
		if (outermost && x->p < x->end && *x->p == '$') {
			x->p++;
		} else if (outermost) {
			uint32_t loop = automaton_state(x->a);

			automaton_skip(x->a, at, loop);
			anything(x, loop);
			at = loop;
		}
		automaton_skip(x->a, at, to);
		if (x->p == x->end || *x->p != '|')
			return 0;
		x->p++;
	}
}

int constrain_pattern(struct automaton *a, uint32_t from, uint32_t to, const char *pattern,
		      const char *where, struct err *e)
{
	struct regex x = {a, pattern, pattern + strlen(pattern), pattern, where, e, 0};
	uint32_t in = automaton_text(a, from, span_of("\"")), out = automaton_state(a);

	e->msg[0] = 0;
	if (alternatives(&x, in, out, 1))
		return -1;
	automaton_bytes(a, out, to, '"', '"');
	return 0;
}

/* number_plain: the signs that amounts are written with, in one form. See number.h. */
#include <string.h>
#include <utf8proc.h>
#include "../text/fold.h"
#include "number_impl.h"

/* A decimal digit of another script (Unicode keeps the ten together, from a multiple of 16 on or from
 * the sixth behind one): its length, 0 for none. */
static size_t other_digit(struct span s, struct buf *to)
{
	struct span rest = s;
	int c = fold_next(&rest), zero = c & ~15;

	if (c < 0x80 || utf8proc_category(c) != UTF8PROC_CATEGORY_ND)
		return 0;
	if (c >= 0x1d7ce && c <= 0x1d7ff)
		zero = c - (c - 0x1d7ce) % 10;
	else if (utf8proc_category(zero) != UTF8PROC_CATEGORY_ND)
		zero += 6;
	if (c < zero || c > zero + 9)
		return 0;
	buf_addc(to, '0' + c - zero);
	return s.n - rest.n;
}

/* The digits in braces at s: the length of all, 0 for none. */
static size_t braced(struct span s, struct span *digits)
{
	size_t n = 1;

	while (n < s.n && (number_is_digit(s.s[n]) || s.s[n] == '.'))
		n++;
	if (s.n < 3 || *s.s != '{' || n == 1 || n == s.n || s.s[n] != '}')
		return 0;
	*digits = (struct span){s.s + 1, n - 1};
	return n + 1;
}

/* What is behind a whole number is added to it: 2 1/2. */
static void add_fraction(struct span over, struct span under, struct buf *to)
{
	if (to->len > 0 && number_is_digit(to->data[to->len - 1]))
		buf_addc(to, ' ');
	buf_addspan(to, over);
	buf_addc(to, '/');
	buf_addspan(to, under);
}

/* TeX's \frac{3}{4}: its length, 0 for none. */
static size_t tex_fraction(struct span s, struct buf *to)
{
	static const char *const names[] = {"\\frac", "\\dfrac", "\\tfrac"};
	struct span over = {0}, under = {0};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		size_t n = strlen(names[i]), more;

		if (!number_starts(s, names[i]) || !(more = braced(number_skip(s, n), &over)))
			continue;
		n += more;
		if (!(more = braced(number_skip(s, n), &under)))
			return 0;
		add_fraction(over, under, to);
		return n + more;
	}
	return 0;
}

/* The dash for cents that are none, `12,-`: its length with the comma, 0 for none. */
static size_t no_cents(struct span s, struct buf *to)
{
	size_t n = 1;

	while (n < s.n && s.s[n] == '-')
		n++;
	if (n == 1 || *s.s != ',' || (n < s.n && number_is_digit(s.s[n])) || to->len == 0 ||
	    !number_is_digit(to->data[to->len - 1]))
		return 0;
	buf_adds(to, ",00");
	return n;
}

static int begins_cents(struct span s)
{
	return s.n > 1 && *s.s == ',' && s.s[1] == '-';
}

/* Text in ASCII where that has a form for it; NUMBER_MINUS and NUMBER_DASH for theirs. */
static void plain_text(struct span s, struct buf *to)
{
	static const struct {
		const char *sign, *plain;
	} signs[] = {
		{"\\%", "%"},
		{"\\$", "$"},
		{"\\,", " "},
		{"{,}", ","},
		{"\xc2\xa0", " "},
		{"\xe2\x80\xaf", " "},
		{"\xe2\x81\x9f", " "},
		{"\xe3\x80\x80", " "},
		{"\xe2\x80\x99", "'"},
		{"\xe2\x88\x92", "\4"},
		{"\xef\xb9\xa3", "\4"},
		{"\xef\xbc\x8d", "\4"},
		{"\xe2\x80\x90", "-"},
		{"\xe2\x80\x91", "-"},
		{"\xe2\x80\x92", "\3"},
		{"\xe2\x80\x93", "\3"},
		{"\xe2\x80\x94", "\3"},
		{"\xe2\x80\x95", "\3"},
		{"\xef\xbf\xa5", "\xc2\xa5"},
		{"\xef\xbf\xa1", "\xc2\xa3"},
		{"\xe2\x80\xb2", "'"},
		{"\xe2\x80\xb3", "\""},
		{"\xd9\xab", "."},
		{"\xd9\xac", ","},
		{"\xe2\x81\x84", "/"},
		{"\xe2\x88\x95", "/"},
		{"\xc2\xbd", "1/2"},
		{"\xc2\xbc", "1/4"},
		{"\xc2\xbe", "3/4"},
		{"\xe2\x85\x93", "1/3"},
		{"\xe2\x85\x94", "2/3"},
		{"\xe2\x85\x95", "1/5"},
		{"\xe2\x85\x96", "2/5"},
		{"\xe2\x85\x97", "3/5"},
		{"\xe2\x85\x98", "4/5"},
		{"\xe2\x85\x99", "1/6"},
		{"\xe2\x85\x9a", "5/6"},
		{"\xe2\x85\x9b", "1/8"},
		{"\xe2\x85\x9c", "3/8"},
		{"\xe2\x85\x9d", "5/8"},
		{"\xe2\x85\x9e", "7/8"},
	};

	while (s.n > 0) {
		size_t i = 0, n = 0;

		while (n < s.n && (unsigned char)s.s[n] < 0x80 && s.s[n] != '\\' && s.s[n] != '{' &&
		       !begins_cents(number_skip(s, n)))
			n++;
		buf_add(to, s.s, n);
		s = number_skip(s, n);
		if (s.n == 0)
			return;
		n = 1;
		while (i < sizeof signs / sizeof *signs &&
		       (*s.s != *signs[i].sign || !number_starts(s, signs[i].sign)))
			i++;
		if (i < sizeof signs / sizeof *signs) {
			struct span plain = span_of(signs[i].plain);

			n = strlen(signs[i].sign);
			if (plain.n == 3 && plain.s[1] == '/')
				add_fraction((struct span){plain.s, 1},
					     (struct span){plain.s + 2, 1}, to);
			else
				buf_addspan(to, plain);
		} else if (s.n >= 3 && memcmp(s.s, "\xe2\x80", 2) == 0 &&
			   (unsigned char)s.s[2] <= 0x8a) {
			/* U+2000 to U+200A, spaces of all widths. */
			n = 3;
			buf_addc(to, ' ');
		} else if (s.n >= 3 && *s.s == '\xef' && (s.s[1] == '\xbc' || s.s[1] == '\xbd') &&
			   (s.s[1] == '\xbc' || s.s[2] <= '\x9e')) {
			n = 3;
			buf_addc(to, (char)(((s.s[1] & 3) << 6 | (s.s[2] & 0x3f)) + 0x20));
		} else if (!(n = tex_fraction(s, to)) && !(n = no_cents(s, to)) &&
			   !(n = other_digit(s, to))) {
			n = 1;
			buf_addc(to, *s.s);
		}
		s = number_skip(s, n);
	}
}

struct span number_in_plain(struct span s, struct buf *to)
{
	unsigned char other = 0;

	for (size_t i = 0; i < s.n; i++)
		other |= (unsigned char)(s.s[i] & 0x80) | (unsigned char)(s.s[i] == '\\');
	if (!other && !memmem(s.s, s.n, "{,}", 3) && !memmem(s.s, s.n, ",-", 2))
		return s;
	plain_text(s, to);
	return buf_span(to);
}

void number_plain(struct span text, struct buf *to)
{
	size_t from = to->len;

	plain_text(text, to);
	for (size_t i = from; i < to->len; i++)
		if (to->data[i] == NUMBER_MINUS || to->data[i] == NUMBER_DASH)
			to->data[i] = '-';
}

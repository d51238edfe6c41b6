/* number: amounts with currency, thousands and percent. See number.h. */
#include "number.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* In plain text: U+2212 and its like, and the dashes, which part more often than they negate. */
enum { MINUS = 4, DASH = 3 };

static int is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int is_sign(char c)
{
	return c == '-' || c == MINUS || c == DASH;
}

static struct span skip(struct span s, size_t n)
{
	return (struct span){s.s + n, s.n - n};
}

static int starts(struct span s, const char *with)
{
	size_t n = strlen(with);

	return s.n >= n && strncasecmp(s.s, with, n) == 0;
}

/* Text in ASCII where that has a form for it; MINUS and DASH for theirs. */
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
	};

	while (s.n > 0) {
		size_t i = 0, n = 0;

		while (n < s.n && (unsigned char)s.s[n] < 0x80 && s.s[n] != '\\' && s.s[n] != '{')
			n++;
		buf_add(to, s.s, n);
		s = skip(s, n);
		if (s.n == 0)
			return;
		n = 1;
		while (i < sizeof signs / sizeof *signs &&
		       (*s.s != *signs[i].sign || !starts(s, signs[i].sign)))
			i++;
		if (i < sizeof signs / sizeof *signs) {
			n = strlen(signs[i].sign);
			buf_adds(to, signs[i].plain);
		} else if (s.n >= 3 && memcmp(s.s, "\xe2\x80", 2) == 0 &&
			   (unsigned char)s.s[2] <= 0x8a) {
			/* U+2000 to U+200A, spaces of all widths. */
			n = 3;
			buf_addc(to, ' ');
		} else if (s.n >= 3 && *s.s == '\xef' && (s.s[1] == '\xbc' || s.s[1] == '\xbd') &&
			   (s.s[1] == '\xbc' || s.s[2] <= '\x9e')) {
			n = 3;
			buf_addc(to, (char)(((s.s[1] & 3) << 6 | (s.s[2] & 0x3f)) + 0x20));
		} else {
			buf_addc(to, *s.s);
		}
		s = skip(s, n);
	}
}

/* The text itself where it has no sign of another form, as most have none; else in *to. */
static struct span in_plain(struct span s, struct buf *to)
{
	unsigned char other = 0;

	for (size_t i = 0; i < s.n; i++)
		other |= (unsigned char)(s.s[i] & 0x80) | (unsigned char)(s.s[i] == '\\');
	if (!other && !memmem(s.s, s.n, "{,}", 3))
		return s;
	plain_text(s, to);
	return buf_span(to);
}

void number_plain(struct span text, struct buf *to)
{
	size_t from = to->len;

	plain_text(text, to);
	for (size_t i = from; i < to->len; i++)
		if (to->data[i] == MINUS || to->data[i] == DASH)
			to->data[i] = '-';
}

/* Whether the marks ahead of `whole` part groups of three, or, all commas, of two and a last one of
 * three as in 12,34,567. */
static int is_grouped(const char *s, size_t whole)
{
	size_t sizes[2] = {0}, groups = 0, size = 0, twos = 0, threes = 0;
	int commas = 1;

	for (size_t i = 0; i <= whole; i++) {
		if (i < whole && is_digit(s[i])) {
			size++;
			continue;
		}
		commas &= i == whole || s[i] == ',';
		sizes[groups > 0] = size;
		twos += groups > 0 && size == 2;
		threes += groups > 0 && size == 3;
		groups++;
		size = 0;
	}
	if (groups <= 1)
		return 1;
	if (sizes[0] >= 1 && sizes[0] <= 3 && threes == groups - 1)
		return 1;
	return commas && groups > 2 && sizes[0] >= 1 && sizes[0] <= 2 && sizes[1] == 3 &&
	       twos == groups - 2;
}

/* Whether a space, apostrophe or underscore at i parts thousands: exactly three digits behind it, and before it
 * as many, or at most as many in the first group. */
static int parts_thousands(struct span s, size_t i, size_t groups)
{
	size_t before = 0, behind = 0;

	while (before < i && is_digit(s.s[i - 1 - before]))
		before++;
	while (i + 1 + behind < s.n && is_digit(s.s[i + 1 + behind]))
		behind++;
	return behind == 3 && before >= 1 && (groups > 0 ? before == 3 : before <= 3);
}

/* The digits of an amount: from the first digit (or a point before one) as far as digits and marks
 * go, with an exponent; returns the length, 0 for none. */
static size_t digits(struct span s, struct number *x)
{
	size_t commas = 0, points = 0, wide = 0, last_comma = 0, last_point = 0, end = 0,
	       decimal = SIZE_MAX;
	struct buf plain = BUF_INIT;
	struct span text;
	size_t behind;
	int rc;

	for (; end < s.n; end++) {
		char c = s.s[end];

		if (is_digit(c))
			continue;
		if (end + 1 == s.n || !is_digit(s.s[end + 1]) || !strchr(",.' _", c) || !c)
			break;
		if (c == ' ' || c == '\'' || c == '_') {
			if (points > 0 || commas > 0 || !parts_thousands(s, end, wide))
				break;
			wide++;
		} else if (c == ',') {
			commas++;
			last_comma = end;
		} else {
			points++;
			last_point = end;
		}
	}
	if (end == 0)
		return 0;
	if (commas > 0 && points > 0)
		decimal = last_comma > last_point ? last_comma : last_point;
	else if (points == 1)
		decimal = last_point;
	else if (commas == 1 &&
		 (wide > 0 || !(end - last_comma == 4 && last_comma >= 1 && last_comma <= 3)))
		decimal = last_comma;
	if (!is_grouped(s.s, decimal < end ? decimal : end))
		return 0;
	for (size_t i = 0; i < end; i++)
		if (!is_digit(s.s[i]) && decimal != SIZE_MAX && i > decimal)
			return 0;
	/* An exponent, when it is one: e, a sign perhaps, digits. */
	behind = end;
	if (end < s.n && (s.s[end] == 'e' || s.s[end] == 'E')) {
		size_t j = end + 1;

		if (j < s.n && (s.s[j] == '+' || s.s[j] == '-'))
			j++;
		if (j < s.n && is_digit(s.s[j])) {
			while (j < s.n && is_digit(s.s[j]))
				j++;
			behind = j;
		}
	}
	text = (struct span){s.s, behind};
	/* Most stand as they are read. */
	if (commas > 0 || wide > 0 || points > (decimal != SIZE_MAX)) {
		for (size_t i = 0; i < end; i++)
			if (is_digit(s.s[i]) || i == decimal)
				buf_addc(&plain, i == decimal ? '.' : s.s[i]);
		buf_add(&plain, s.s + end, behind - end);
		text = buf_span(&plain);
	}
	x->zeros_led = text.n > 1 && text.s[0] == '0' && is_digit(text.s[1]);
	rc = decimal_read(text, &x->x);
	buf_release(&plain);
	return rc ? 0 : behind;
}

static size_t spaces(struct span s)
{
	size_t n = 0;

	while (n < s.n && (s.s[n] == ' ' || s.s[n] == '\t' || s.s[n] == '\r' || s.s[n] == '\n'))
		n++;
	return n;
}

/* The digit that stands at s, also raised: its length, 0 for none. */
static size_t raised(struct span s, char *digit)
{
	static const char *const forms[] = {"\xe2\x81\xb0", "\xc2\xb9",	    "\xc2\xb2",
					    "\xc2\xb3",	    "\xe2\x81\xb4", "\xe2\x81\xb5",
					    "\xe2\x81\xb6", "\xe2\x81\xb7", "\xe2\x81\xb8",
					    "\xe2\x81\xb9", "\xe2\x81\xbb"};

	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
		if (starts(s, forms[i])) {
			*digit = i < 10 ? (char)('0' + i) : '-';
			return strlen(forms[i]);
		}
	return 0;
}

/* What multiplies by a power of ten, as in 3 \times 10^{8} or with raised digits: its length, 0 for
 * none. */
static size_t power_of_ten(struct span s, long long *power)
{
	static const char *const times[] = {"\xc3\x97", "x", "*", "\xc2\xb7", "\\times", "\\cdot"};
	size_t n = spaces(s), i = 0, len;
	char text[8] = "", c = 0;
	int caret, brace, used = 0;

	if (n == s.n || !s.s[n] || !strchr("xX*\\\xc3\xc2", s.s[n]))
		return 0;
	while (i < sizeof times / sizeof *times && !starts(skip(s, n), times[i]))
		i++;
	if (i == sizeof times / sizeof *times)
		return 0;
	n += strlen(times[i]);
	n += spaces(skip(s, n));
	if (!starts(skip(s, n), "10"))
		return 0;
	n += 2;
	caret = n < s.n && s.s[n] == '^';
	n += (size_t)caret;
	brace = caret && n < s.n && s.s[n] == '{';
	n += (size_t)brace;
	for (; n < s.n && used < 6; n += len) {
		len = caret ? 1 : raised(skip(s, n), &c);
		if (caret)
			c = used == 0 && is_sign(s.s[n]) ? '-' : s.s[n];
		if (len == 0 || !(is_digit(c) || (c == '-' && used == 0)))
			break;
		text[used++] = c;
	}
	if (used == 0 || !is_digit(text[used - 1]) || (brace && (n == s.n || s.s[n] != '}')))
		return 0;
	*power = atoll(text);
	return n + (size_t)brace;
}

/* digits with what multiplies them: 20k, 1.5M, 2 million, 45 %. */
static size_t amount(struct span s, struct number *x)
{
	static const struct {
		const char *word;
		int exact, power;
	} scales[] = {{"k", 0, 3},	  {"M", 1, 6},	       {"mn", 0, 6},
		      {"bn", 0, 9},	  {"thousand", 0, 3},  {"million", 0, 6},
		      {"billion", 0, 9},  {"trillion", 0, 12}, {"%", 0, -2},
		      {"percent", 0, -2}, {"per cent", 0, -2}};
	size_t n = digits(s, x), word;
	long long power = 0;

	if (n > 0) {
		n += power_of_ten(skip(s, n), &power);
		if (x->x.digits.len > 0)
			x->x.exp += power;
	}
	word = n + spaces(skip(s, n));
	if (word == s.n || !(is_letter(s.s[word]) || s.s[word] == '%'))
		return n;
	for (size_t i = 0; i < sizeof scales / sizeof *scales && n > 0; i++) {
		size_t len = strlen(scales[i].word),
		       gap = len > 2 || i > 3 ? spaces(skip(s, n)) : 0;
		struct span rest = skip(s, n + gap);

		if (!starts(rest, scales[i].word) ||
		    (scales[i].exact && *rest.s != *scales[i].word) ||
		    (rest.n > len && is_letter(*scales[i].word) &&
		     (is_letter(rest.s[len]) || is_digit(rest.s[len]))))
			continue;
		if (x->x.digits.len > 0)
			x->x.exp += scales[i].power;
		n += gap + len;
	}
	return n;
}

/* Length of a currency sign or a three-letter code in capitals; 0 for none. */
static size_t currency(struct span s, struct number *x)
{
	static const struct {
		const char *sign, *code;
	} signs[] = {{"$", "USD"}, {"€", "EUR"}, {"£", "GBP"},
		     {"¥", "JPY"}, {"₹", "INR"}, {"US$", "USD"}};

	if (s.n == 0 || is_digit(*s.s))
		return 0;
	for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
		size_t n = strlen(signs[i].sign);

		if (s.n >= n && memcmp(s.s, signs[i].sign, n) == 0) {
			memcpy(x->unit, signs[i].code, 4);
			return n;
		}
	}
	if (s.n >= 3 && s.s[0] >= 'A' && s.s[0] <= 'Z' && s.s[1] >= 'A' && s.s[1] <= 'Z' &&
	    s.s[2] >= 'A' && s.s[2] <= 'Z' && !(s.n > 3 && is_letter(s.s[3]))) {
		memcpy(x->unit, s.s, 3);
		x->unit[3] = 0;
		return 3;
	}
	return 0;
}

static void negate(struct number *x)
{
	x->x.negative = x->x.digits.len > 0 && !x->x.negative;
}

void number_release(struct number *x)
{
	decimal_release(&x->x);
}

/* Of plain text. */
static int whole(struct span s, struct number *x)
{
	int sign = 0, negative = 0;
	size_t n;

	x->unit[0] = 0;
	s = skip(s, spaces(s));
	while (s.n > 0 && spaces(skip(s, s.n - 1)))
		s.n--;
	/* As accountants write what is owed. */
	if (s.n > 2 && *s.s == '(' && s.s[s.n - 1] == ')') {
		s = (struct span){s.s + 1, s.n - 2};
		sign = negative = 1;
	}
	for (int i = 0; i < 3 && s.n > 0; i++) {
		if (!sign && (is_sign(*s.s) || *s.s == '+')) {
			sign = 1;
			negative = *s.s != '+';
			s = skip(s, 1);
		} else if (!*x->unit && (n = currency(s, x)) > 0) {
			s = skip(s, n);
			s = skip(s, spaces(s));
		}
	}
	n = amount(s, x);
	if (n == 0)
		return 0;
	s = skip(s, n);
	if (negative)
		negate(x);
	s = skip(s, spaces(s));
	if (!*x->unit && (n = currency(s, x)) > 0)
		s = skip(s, n);
	return s.n == 0;
}

int number_parse(struct span s, struct number *x)
{
	struct buf text = BUF_INIT;
	int rc;

	rc = whole(in_plain(s, &text), x);
	buf_release(&text);
	return rc;
}

/* Whether a sign at `at` is the number's behind it: it does not join that to a digit (with a currency
 * perhaps, as in 5€-10€), a letter or a closing sign. gap: a space stands behind the sign. */
static int may_negate(const char *text, size_t at, int gap)
{
	size_t i = at, j;

	while (i > 0 && text[i - 1] == ' ')
		i--;
	if (gap)
		return i > 0 && strchr("=:(", text[i - 1]) && text[i - 1];
	for (j = i; j > 0 && ((unsigned char)text[j - 1] >= 0x80 || strchr(" $", text[j - 1]));)
		j--;
	if (j > 0 && is_digit(text[j - 1]) && (i == at || text[at] == DASH))
		return 0;
	return i == 0 || i < at || !(is_letter(text[i - 1]) || strchr("_%)].", text[i - 1]));
}

/* The number whose brackets (`($5)`) or sign opens at s: its length, 0 for none. */
static size_t signed_amount(const char *text, size_t at, struct span s, struct number *x)
{
	size_t n = 1, len, gap;
	struct number ignored = {0};
	int brackets = *s.s == '(';

	if (brackets) {
		/* Else somebody only says in passing how much it is. */
		size_t i = at;

		while (i > 0 && strchr(" *", text[i - 1]) && text[i - 1])
			i--;
		if (i == 0 || !strchr(":=", text[i - 1]) || !(len = currency(skip(s, 1), &ignored)))
			return 0;
		n += len;
	} else {
		gap = spaces(skip(s, 1));
		if (!may_negate(text, at, gap > 0))
			return 0;
		n += gap;
		len = currency(skip(s, n), &ignored);
		n += len + (len > 0 ? spaces(skip(s, n + len)) : 0);
	}
	if (n >= s.n ||
	    !(is_digit(s.s[n]) || (s.s[n] == '.' && n + 1 < s.n && is_digit(s.s[n + 1]))))
		return 0;
	len = amount(skip(s, n), x);
	if (len == 0 || (brackets && !(n + len < s.n && s.s[n + len] == ')')))
		return 0;
	negate(x);
	return n + len;
}

/* minus 7, negative $7: the length of the word and the amount, 0 where it is none. What is taken from
 * something before is not negative. */
static size_t negative_in_words(const char *text, size_t at, struct span s, struct number *x)
{
	size_t n = starts(s, "minus ") ? 6 : starts(s, "negative ") ? 9 : 0, len;
	struct number ignored = {0};

	while (at > 0 && text[at - 1] == ' ')
		at--;
	if (n == 0 || (at > 0 && (is_digit(text[at - 1]) || text[at - 1] == ')')))
		return 0;
	n += spaces(skip(s, n));
	n += currency(skip(s, n), &ignored);
	n += spaces(skip(s, n));
	len = n < s.n && is_digit(s.s[n]) ? amount(skip(s, n), x) : 0;
	if (len == 0)
		return 0;
	negate(x);
	return n + len;
}

static int last(struct span s, struct number *x)
{
	const char *text = s.s;
	struct number value = {0};
	size_t unit = SIZE_MAX; /* where one may stand, behind the last amount */
	int found = 0;

	while (s.n > 0) {
		size_t at = (size_t)(s.s - text), n = 0;

		if (is_digit(*s.s) ||
		    (*s.s == '.' && s.n > 1 && is_digit(s.s[1]) &&
		     (at == 0 || !(is_digit(text[at - 1]) || is_letter(text[at - 1])))))
			n = amount(s, &value);
		else if (is_sign(*s.s) || *s.s == '(')
			n = signed_amount(text, at, s, &value);
		else if ((*s.s | 32) == 'm' || (*s.s | 32) == 'n')
			n = negative_in_words(text, at, s, &value);
		if (n > 0) {
			struct decimal swap = x->x;

			found = 1;
			x->x = value.x;
			value.x = swap;
			s = skip(s, n);
			unit = (size_t)(s.s - text) + (s.n > 0 && *s.s == ' ');
			continue;
		}
		if (is_letter(*s.s) || *s.s == '_') {
			/* A unit ends at a dash (10 kg-20 kg), where a name goes on (GPT-2). */
			while (s.n > 0 && (is_letter(*s.s) || is_digit(*s.s) || *s.s == '_' ||
					   (*s.s == '-' && at != unit)))
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
	number_release(&value);
	return found;
}

int number_last(struct span s, struct number *x)
{
	struct buf text = BUF_INIT;
	int found;

	x->unit[0] = 0;
	s = in_plain(s, &text);
	/* ($5) is owed; (5) may be no more than a number in brackets. */
	found = (s.n > 0 && memchr(s.s, '(', s.n) && whole(s, x) && *x->unit) || last(s, x);
	x->unit[0] = 0;
	buf_release(&text);
	return found;
}

int tolerance_parse(const char *s, struct tolerance *t)
{
	struct decimal d = {0};
	size_t n = strlen(s);
	int rc;

	*t = (struct tolerance){.relative = n > 0 && s[n - 1] == '%'};
	n -= (size_t)t->relative;
	rc = decimal_read((struct span){s, n}, &d) || d.negative || n >= sizeof t->within ? -1 : 0;
	if (!rc)
		memcpy(t->within, s, n);
	decimal_release(&d);
	return rc;
}

/* Whether printed has all the digits that a double has, and x is what they were meant to say: 0.3 of
 * 0.30000000000000004. What has nearly as many digits itself is another number. */
static int is_printed(const struct decimal *printed, const struct decimal *x)
{
	return printed->exp < 0 && (printed->digits.len == 16 || printed->digits.len == 17) &&
	       x->digits.len <= 14;
}

int number_near(const struct number *reference, const struct number *x, const struct tolerance *t)
{
	struct decimal within = {0};
	int relative = t->relative, near = decimal_equal(&reference->x, &x->x);

	if (*reference->unit && *x->unit && strcmp(reference->unit, x->unit) != 0)
		return 0;
	if (near)
		return 1;
	if (*t->within) {
		decimal_read(span_of(t->within), &within);
		within.exp -= within.digits.len > 0 && relative ? 2 : 0;
	} else if (is_printed(&reference->x, &x->x) || is_printed(&x->x, &reference->x)) {
		decimal_read(span_of("1e-15"), &within);
		relative = 1;
	}
	near = within.digits.len > 0 && decimal_near(&reference->x, &x->x, &within, relative);
	decimal_release(&within);
	return near;
}

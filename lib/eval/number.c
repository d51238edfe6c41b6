/* number: amounts with currency, thousands and percent. See number.h. */
#include <stdint.h>
#include <string.h>
#include "number_impl.h"

/* Whether the marks ahead of `whole` part groups of three, or, all commas, of two and a last one of
 * three as in 12,34,567. */
static int is_grouped(const char *s, size_t whole)
{
	size_t sizes[2] = {0}, groups = 0, size = 0, twos = 0, threes = 0;
	int commas = 1;

	for (size_t i = 0; i <= whole; i++) {
		if (i < whole && number_is_digit(s[i])) {
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

	while (before < i && number_is_digit(s.s[i - 1 - before]))
		before++;
	while (i + 1 + behind < s.n && number_is_digit(s.s[i + 1 + behind]))
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

		if (number_is_digit(c))
			continue;
		if (end + 1 == s.n || !number_is_digit(s.s[end + 1]) || !strchr(",.' _", c) || !c)
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
		if (!number_is_digit(s.s[i]) && decimal != SIZE_MAX && i > decimal)
			return 0;
	/* An exponent, when it is one: e, a sign perhaps, digits. */
	behind = end;
	if (end < s.n && (s.s[end] == 'e' || s.s[end] == 'E')) {
		size_t j = end + 1;

		if (j < s.n && (s.s[j] == '+' || s.s[j] == '-'))
			j++;
		if (j < s.n && number_is_digit(s.s[j])) {
			while (j < s.n && number_is_digit(s.s[j]))
				j++;
			behind = j;
		}
	}
	text = (struct span){s.s, behind};
	/* Most stand as they are read. */
	if (commas > 0 || wide > 0 || points > (decimal != SIZE_MAX)) {
		for (size_t i = 0; i < end; i++)
			if (number_is_digit(s.s[i]) || i == decimal)
				buf_addc(&plain, i == decimal ? '.' : s.s[i]);
		buf_add(&plain, s.s + end, behind - end);
		text = buf_span(&plain);
	}
	x->zeros_led = text.n > 1 && text.s[0] == '0' && number_is_digit(text.s[1]);
	rc = decimal_read(text, &x->x);
	buf_release(&plain);
	return rc ? 0 : behind;
}

/* What may only stand apart from the digits of a fraction: a third number divides again (3/4/2024), a
 * letter or sign names something else. */
static int ends_fraction(struct span s)
{
	return s.n == 0 || !(number_is_digit(*s.s) || *s.s == '/' ||
			     ((*s.s == '.' || *s.s == ',') && s.n > 1 && number_is_digit(s.s[1])));
}

/* The digits that x, of `len` digits, is divided by, behind a stroke: their length with it, 0 for none.
 * 2024/25 is a season. */
static size_t divisor(struct span s, size_t len, struct number *x)
{
	struct number under = {0};
	size_t n = s.n > 1 && *s.s == '/' ? digits(number_skip(s, 1), &under) : 0;

	if (n > 0 && !(len == 4 && n == 2) && under.x.digits.len > 0 &&
	    ends_fraction(number_skip(s, n + 1))) {
		decimal_release(&x->over);
		x->over = under.x;
		return n + 1;
	}
	number_release(&under);
	return 0;
}

/* The fraction that is added to the whole number x, as in 2 1/2: its length, 0 for none. */
static size_t added_fraction(struct span s, struct number *x)
{
	struct number part = {0};
	struct decimal sum = {0}, whole = {0};
	size_t n = s.n > 1 && *s.s == ' ' && x->x.exp >= 0 ? digits(number_skip(s, 1), &part) : 0,
	       more = n > 0 ? divisor(number_skip(s, n + 1), n, &part) : 0;

	if (more > 0 && decimal_compare(&part.x, &part.over) < 0) {
		decimal_product(&x->x, &part.over, &whole);
		decimal_sum(&whole, &part.x, &sum);
		decimal_release(&x->x);
		decimal_release(&x->over);
		x->x = sum;
		x->over = part.over;
		part.over = (struct decimal){0};
		n += more + 1;
	} else {
		n = 0;
	}
	decimal_release(&whole);
	number_release(&part);
	return n;
}

/* What stands ahead of an amount. */
enum { MONEY = 1, STROKE = 2 };

/* digits with what multiplies or divides them: 20k, 1.5M, 2 million, 45 %, 3/4, 2 1/2, 10^6. */
static size_t amount(struct span s, int ahead, struct number *x)
{
	size_t n, more;
	long long power = 0;

	decimal_release(&x->over);
	n = digits(s, x);
	if (n == 0)
		return 0;
	more = ahead & STROKE ? 0 : divisor(number_skip(s, n), n, x);
	more += more == 0 ? added_fraction(number_skip(s, n), x) : 0;
	n += more;
	more = number_scale((struct span){s.s, n}, number_skip(s, n), ahead & MONEY, &power);
	if (more == SIZE_MAX)
		return 0;
	if (x->x.digits.len > 0)
		x->x.exp += power;
	return n + more;
}

static void negate(struct number *x)
{
	x->x.negative = x->x.digits.len > 0 && !x->x.negative;
}

void number_release(struct number *x)
{
	decimal_release(&x->x);
	decimal_release(&x->over);
}

/* Of plain text. */
static int whole(struct span s, struct number *x)
{
	int sign = 0, negative = 0;
	size_t n;

	x->unit[0] = 0;
	s = number_skip(s, number_spaces(s));
	while (s.n > 0 && number_spaces(number_skip(s, s.n - 1)))
		s.n--;
	/* As accountants write what is owed. */
	if (s.n > 2 && *s.s == '(' && s.s[s.n - 1] == ')') {
		s = (struct span){s.s + 1, s.n - 2};
		sign = negative = 1;
	}
	for (int i = 0; i < 3 && s.n > 0; i++) {
		if (!sign && (number_is_sign(*s.s) || *s.s == '+')) {
			sign = 1;
			negative = *s.s != '+';
			s = number_skip(s, 1);
		} else if (!*x->unit && (n = number_currency(s, x->unit)) > 0) {
			s = number_skip(s, n);
			s = number_skip(s, number_spaces(s));
		}
	}
	n = amount(s, *x->unit ? MONEY : 0, x);
	if (n == 0)
		return 0;
	s = number_skip(s, n);
	if (negative)
		negate(x);
	s = number_skip(s, number_spaces(s));
	if (!*x->unit && (n = number_currency(s, x->unit)) > 0)
		s = number_skip(s, n);
	return s.n == 0;
}

int number_parse(struct span s, struct number *x)
{
	struct buf text = BUF_INIT;
	int rc;

	rc = whole(number_in_plain(s, &text), x);
	buf_release(&text);
	return rc;
}

size_t number_first(struct span s, struct number *x)
{
	size_t sign = s.n > 0 && number_is_sign(*s.s),
	       n = s.n > sign ? amount(number_skip(s, sign), STROKE, x) : 0;

	x->unit[0] = 0;
	if (n > 0 && sign)
		negate(x);
	return n > 0 && x->over.digits.len == 0 ? n + sign : 0;
}

/* Whether the mark at `at` opens Markdown's emphasis. */
static int opens_emphasis(const char *text, size_t at)
{
	return text[at] == '_' &&
	       (at == 0 || !(number_is_digit(text[at - 1]) || number_is_letter(text[at - 1]) ||
			     text[at - 1] == '_'));
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
	if (j > 0 && number_is_digit(text[j - 1]) && (i == at || text[at] == NUMBER_DASH))
		return 0;
	return i == 0 || i < at || opens_emphasis(text, i - 1) ||
	       !(number_is_letter(text[i - 1]) || strchr("_%)]./", text[i - 1]));
}

/* The number whose brackets (`($5)`) or sign opens at s: its length, 0 for none. */
static size_t signed_amount(const char *text, size_t at, struct span s, struct number *x)
{
	size_t n = 1, len, gap;
	char unit[4];
	int brackets = *s.s == '(';

	if (brackets) {
		/* Else somebody only says in passing how much it is. */
		size_t i = at;

		while (i > 0 && strchr(" *", text[i - 1]) && text[i - 1])
			i--;
		if (i == 0 || !strchr(":=", text[i - 1]) ||
		    !(len = number_currency(number_skip(s, 1), unit)))
			return 0;
		n += len;
	} else {
		gap = number_spaces(number_skip(s, 1));
		if (!may_negate(text, at, gap > 0))
			return 0;
		n += gap;
		len = number_currency(number_skip(s, n), unit);
		n += len + (len > 0 ? number_spaces(number_skip(s, n + len)) : 0);
	}
	if (n >= s.n || !(number_is_digit(s.s[n]) ||
			  (s.s[n] == '.' && n + 1 < s.n && number_is_digit(s.s[n + 1]))))
		return 0;
	len = amount(number_skip(s, n), len > 0 ? MONEY : 0, x);
	if (len == 0 || (brackets && !(n + len < s.n && s.s[n + len] == ')')))
		return 0;
	negate(x);
	return n + len;
}

/* minus 7, negative $7: the length of the word and the amount, 0 where it is none. What is taken from
 * something before is not negative. */
static size_t negative_in_words(const char *text, size_t at, struct span s, struct number *x)
{
	size_t n = number_starts(s, "minus ")	   ? 6
		   : number_starts(s, "negative ") ? 9
						   : 0,
	       len, money;
	char unit[4];

	while (at > 0 && text[at - 1] == ' ')
		at--;
	if (n == 0 || (at > 0 && (number_is_digit(text[at - 1]) || text[at - 1] == ')')))
		return 0;
	n += number_spaces(number_skip(s, n));
	money = number_currency(number_skip(s, n), unit);
	n += money;
	n += number_spaces(number_skip(s, n));
	len = n < s.n && number_is_digit(s.s[n])
		      ? amount(number_skip(s, n), money > 0 ? MONEY : 0, x)
		      : 0;
	if (len == 0)
		return 0;
	negate(x);
	return n + len;
}

static int stands_behind(const char *text, size_t at)
{
	static const char *const signs[] = {"$", "€", "£", "¥", "₹"};

	for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
		size_t n = strlen(signs[i]);

		if (at >= n && memcmp(text + at - n, signs[i], n) == 0)
			return MONEY;
	}
	return at > 0 && text[at - 1] == '/' ? STROKE : 0;
}

static int last(struct span s, struct number *x)
{
	const char *text = s.s;
	struct number value = {0};
	size_t unit = SIZE_MAX; /* where one may stand, behind the last amount */
	int found = 0;

	while (s.n > 0) {
		size_t at = (size_t)(s.s - text), n = 0;

		if (number_is_digit(*s.s) || (*s.s == '.' && s.n > 1 && number_is_digit(s.s[1]) &&
					      (at == 0 || !(number_is_digit(text[at - 1]) ||
							    number_is_letter(text[at - 1])))))
			n = amount(s, stands_behind(text, at), &value);
		else if (number_is_sign(*s.s) || *s.s == '(')
			n = signed_amount(text, at, s, &value);
		else if ((*s.s | 32) == 'm' || (*s.s | 32) == 'n')
			n = negative_in_words(text, at, s, &value);
		if (n > 0) {
			struct number swap = *x;

			found = 1;
			*x = value;
			value = swap;
			s = number_skip(s, n);
			unit = (size_t)(s.s - text) + (s.n > 0 && *s.s == ' ');
			continue;
		}
		/* Of a unit, as in cm^2; or of a number that is a power's base. */
		if (number_exponent(s) > 0) {
			s = number_skip(s, number_exponent(s));
			continue;
		}
		if (number_is_letter(*s.s) || (*s.s == '_' && !opens_emphasis(text, at))) {
			/* A unit ends at a dash (10 kg-20 kg), where a name goes on (GPT-2). */
			while (s.n > 0 && (number_is_letter(*s.s) || number_is_digit(*s.s) ||
					   *s.s == '_' || (*s.s == '-' && at != unit)))
				s = number_skip(s, 1);
			continue;
		}
		/* Digits that are no amount ("1.2.3") are passed over whole. */
		if (number_is_digit(*s.s)) {
			while (s.n > 0 &&
			       (number_is_digit(*s.s) || ((*s.s == '.' || *s.s == ',') && s.n > 1 &&
							  number_is_digit(s.s[1]))))
				s = number_skip(s, 1);
			continue;
		}
		s = number_skip(s, 1);
	}
	number_release(&value);
	return found;
}

int number_last(struct span s, struct number *x)
{
	struct buf text = BUF_INIT;
	int found;

	x->unit[0] = 0;
	s = number_in_plain(s, &text);
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

/* What x is divided by; *one where nothing else. */
static const struct decimal *over(const struct number *x, const struct decimal *one)
{
	return x->over.digits.len > 0 ? &x->over : one;
}

/* Fractions are compared with one divisor: a/b and c/d as ad and cb, at most `within` times bd apart. */
static int fractions_near(const struct number *a, const struct number *b,
			  const struct decimal *within, int relative)
{
	struct decimal one = {0}, x = {0}, y = {0}, both = {0}, most = {0};
	int near;

	decimal_read(span_of("1"), &one);
	decimal_product(&a->x, over(b, &one), &x);
	decimal_product(&b->x, over(a, &one), &y);
	decimal_product(over(a, &one), over(b, &one), &both);
	decimal_product(within, relative ? &one : &both, &most);
	near = decimal_near(&x, &y, &most, relative);
	decimal_release(&one);
	decimal_release(&x);
	decimal_release(&y);
	decimal_release(&both);
	decimal_release(&most);
	return near;
}

int number_near(const struct number *reference, const struct number *x, const struct tolerance *t)
{
	struct decimal within = {0};
	int relative = t->relative, near,
	    fractions = reference->over.digits.len > 0 || x->over.digits.len > 0;

	if (*reference->unit && *x->unit && strcmp(reference->unit, x->unit) != 0)
		return 0;
	if (!fractions && decimal_equal(&reference->x, &x->x))
		return 1;
	if (*t->within) {
		decimal_read(span_of(t->within), &within);
		within.exp -= within.digits.len > 0 && relative ? 2 : 0;
	} else if (!fractions &&
		   (is_printed(&reference->x, &x->x) || is_printed(&x->x, &reference->x))) {
		decimal_read(span_of("1e-15"), &within);
		relative = 1;
	}
	if (fractions)
		near = fractions_near(reference, x, &within, relative);
	else
		near = within.digits.len > 0 &&
		       decimal_near(&reference->x, &x->x, &within, relative);
	decimal_release(&within);
	return near;
}

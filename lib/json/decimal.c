/* decimal: see decimal.h. */
#include "decimal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"

static int is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Zeros at both ends go. */
static void normalise(struct decimal *d)
{
	size_t lead = 0, n = d->digits.len;

	while (n > 0 && d->digits.data[n - 1] == '0')
		n--, d->exp++;
	while (lead < n && d->digits.data[lead] == '0')
		lead++;
	if (lead > 0)
		memmove(d->digits.data, d->digits.data + lead, n - lead);
	d->digits.len = n - lead;
	if (d->digits.len == 0)
		d->exp = d->negative = 0;
}

int decimal_read(struct span s, struct decimal *d)
{
	size_t i = 0, seen = 0;
	int point = 0;

	buf_clear(&d->digits);
	d->exp = 0;
	d->negative = s.n > 0 && *s.s == '-';
	if (s.n > 0 && (*s.s == '-' || *s.s == '+'))
		i = 1;
	while (i < s.n && (is_digit(s.s[i]) || (s.s[i] == '.' && !point))) {
		size_t n = 0;

		if (s.s[i] == '.') {
			point = 1;
			i++;
			continue;
		}
		while (i + n < s.n && is_digit(s.s[i + n]))
			n++;
		buf_add(&d->digits, s.s + i, n);
		d->exp -= point ? (long long)n : 0;
		seen += n;
		i += n;
	}
	if (seen == 0)
		return -1;
	if (i < s.n && (s.s[i] == 'e' || s.s[i] == 'E')) {
		long long exp = 0;
		int down = 0;
		size_t from;

		if (++i < s.n && (s.s[i] == '+' || s.s[i] == '-'))
			down = s.s[i++] == '-';
		for (from = i; i < s.n && is_digit(s.s[i]) && i - from < 18; i++)
			exp = exp * 10 + s.s[i] - '0';
		if (i == from)
			return -1;
		d->exp += down ? -exp : exp;
	}
	normalise(d);
	return i == s.n ? 0 : -1;
}

void decimal_release(struct decimal *d)
{
	buf_release(&d->digits);
	*d = (struct decimal){0};
}

double decimal_double(const struct decimal *d)
{
	struct buf text = BUF_INIT;
	double x;

	if (d->digits.len == 0)
		return 0;
	buf_addf(&text, "%s%.*se%lld", d->negative ? "-" : "", (int)d->digits.len, d->digits.data,
		 d->exp);
	x = strtod(text.data, NULL);
	buf_release(&text);
	return x;
}

/* More zeros than these before the digits or behind them are an exponent. */
enum { ZEROS_BEFORE = 6, DIGITS_PLAIN = 40 };

void decimal_put(const struct decimal *d, struct buf *b)
{
	struct span digits = buf_span(&d->digits);
	long long before = d->exp + (long long)digits.n; /* digits before the point */

	if (digits.n == 0) {
		buf_addc(b, '0');
		return;
	}
	if (d->negative)
		buf_addc(b, '-');
	if (d->exp >= 0 && before <= DIGITS_PLAIN) {
		buf_addspan(b, digits);
		for (long long i = 0; i < d->exp; i++)
			buf_addc(b, '0');
	} else if (d->exp < 0 && before > 0) {
		buf_add(b, digits.s, (size_t)before);
		buf_addc(b, '.');
		buf_add(b, digits.s + before, digits.n - (size_t)before);
	} else if (d->exp < 0 && before >= -ZEROS_BEFORE) {
		buf_adds(b, "0.");
		for (; before < 0; before++)
			buf_addc(b, '0');
		buf_addspan(b, digits);
	} else {
		buf_addspan(b, digits);
		buf_addf(b, "e%lld", d->exp);
	}
}

int decimal_equal(const struct decimal *a, const struct decimal *b)
{
	return a->negative == b->negative && a->exp == b->exp &&
	       span_eq(buf_span(&a->digits), buf_span(&b->digits));
}

/* The exponent of the first digit, and of one behind the last. */
static long long top(const struct decimal *d)
{
	return d->exp + (long long)d->digits.len;
}

/* The digit of 10^at. */
static int digit_at(const struct decimal *d, long long at)
{
	long long i = top(d) - 1 - at;

	return i < 0 || i >= (long long)d->digits.len ? 0 : d->digits.data[i] - '0';
}

/* Neither is negative. */
static int compare(const struct decimal *a, const struct decimal *b)
{
	size_t n = a->digits.len > b->digits.len ? a->digits.len : b->digits.len;

	if (a->digits.len == 0 || b->digits.len == 0)
		return (a->digits.len > 0) - (b->digits.len > 0);
	if (top(a) != top(b))
		return top(a) < top(b) ? -1 : 1;
	for (size_t i = 0; i < n; i++) {
		int x = digit_at(a, top(a) - 1 - (long long)i),
		    y = digit_at(b, top(b) - 1 - (long long)i);

		if (x != y)
			return x < y ? -1 : 1;
	}
	return 0;
}

int decimal_compare(const struct decimal *a, const struct decimal *b)
{
	if (a->negative != b->negative)
		return a->negative ? -1 : 1;
	return a->negative ? compare(b, a) : compare(a, b);
}

/* Numbers further apart than this many digits are not lined up: the smaller one is nothing beside
 * the other. */
enum { APART = 10000 };

/* |a - b|. */
static void distance(const struct decimal *a, const struct decimal *b, struct decimal *out)
{
	static const struct decimal zero;
	const struct decimal *large = compare(a, b) >= 0 ? a : b, *small = large == a ? b : a;
	long long lo = a->exp < b->exp ? a->exp : b->exp, hi = top(large);
	int sign = a->negative == b->negative ? -1 : 1, carry = 0;

	if (small->digits.len == 0 || top(large) - top(small) > APART)
		small = &zero, lo = large->exp;
	for (long long at = lo; at <= hi; at++) {
		int x = digit_at(large, at) + sign * digit_at(small, at) + carry;

		carry = x < 0 ? -1 : x / 10;
		buf_addc(&out->digits, (char)('0' + (x + 10) % 10));
	}
	for (size_t i = 0, n = out->digits.len; i < n / 2; i++) {
		char c = out->digits.data[i];

		out->digits.data[i] = out->digits.data[n - 1 - i];
		out->digits.data[n - 1 - i] = c;
	}
	out->exp = lo;
	normalise(out);
}

void decimal_sum(const struct decimal *a, const struct decimal *b, struct decimal *out)
{
	struct decimal less = *b;

	less.negative = 1;
	distance(a, &less, out);
}

/* By school's rule. */
void decimal_product(const struct decimal *a, const struct decimal *b, struct decimal *out)
{
	size_t n = a->digits.len, m = b->digits.len;
	unsigned *sum = mem_alloc(n + m, sizeof *sum), carry = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < m; j++)
			sum[i + j + 1] += (unsigned)(a->digits.data[i] - '0') *
					  (unsigned)(b->digits.data[j] - '0');
	for (size_t i = n + m; i-- > 0;) {
		carry += sum[i];
		sum[i] = carry % 10;
		carry /= 10;
	}
	for (size_t i = 0; i < n + m; i++)
		buf_addc(&out->digits, (char)('0' + sum[i]));
	out->exp = a->exp + b->exp;
	free(sum);
	out->negative = a->negative != b->negative;
	normalise(out);
}

int decimal_near(const struct decimal *a, const struct decimal *b, const struct decimal *within,
		 int relative)
{
	struct decimal apart = {0}, most = {0};
	int near;

	distance(a, b, &apart);
	if (relative)
		decimal_product(a, within, &most);
	near = compare(&apart, relative ? &most : within) <= 0;
	decimal_release(&apart);
	decimal_release(&most);
	return near;
}

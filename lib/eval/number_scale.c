/* number_scale: what stands behind the digits of an amount, and its currency. See number.h. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "number_impl.h"

int number_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

int number_is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

int number_is_sign(char c)
{
	return c == '-' || c == NUMBER_MINUS || c == NUMBER_DASH;
}

struct span number_skip(struct span s, size_t n)
{
	return (struct span){s.s + n, s.n - n};
}

int number_starts(struct span s, const char *with)
{
	size_t n = strlen(with);

	return s.n >= n && strncasecmp(s.s, with, n) == 0;
}

size_t number_spaces(struct span s)
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
		if (number_starts(s, forms[i])) {
			*digit = i < 10 ? (char)('0' + i) : '-';
			return strlen(forms[i]);
		}
	return 0;
}

/* The exponent at s: raised digits, or behind a caret, in braces perhaps. Its length, 0 for none. */
static size_t exponent(struct span s, long long *power)
{
	size_t n = 0, len;
	char text[8] = "", c = 0;
	int caret = s.n > 0 && *s.s == '^', brace = caret && s.n > 1 && s.s[1] == '{', used = 0;

	n = (size_t)(caret + brace);
	for (; n < s.n && used < 6; n += len) {
		len = caret ? 1 : raised(number_skip(s, n), &c);
		if (caret)
			c = used == 0 && number_is_sign(s.s[n]) ? '-' : s.s[n];
		if (len == 0 || !(number_is_digit(c) || (c == '-' && used == 0)))
			break;
		text[used++] = c;
	}
	if (used == 0 || !number_is_digit(text[used - 1]) || (brace && (n == s.n || s.s[n] != '}')))
		return 0;
	*power = atoll(text);
	return n + (size_t)brace;
}

size_t number_exponent(struct span s)
{
	long long power;

	return s.n > 0 && *s.s == '^' ? exponent(s, &power) : 0;
}

/* What multiplies by a power of ten, as in 3 \times 10^{8} or with raised digits: its length, 0 for
 * none. */
static size_t power_of_ten(struct span s, long long *power)
{
	static const char *const times[] = {"\xc3\x97", "x", "*", "\xc2\xb7", "\\times", "\\cdot"};
	size_t n = number_spaces(s), i = 0, len;

	if (n == s.n || !s.s[n] || !strchr("xX*\\\xc3\xc2", s.s[n]))
		return 0;
	while (i < sizeof times / sizeof *times && !number_starts(number_skip(s, n), times[i]))
		i++;
	if (i == sizeof times / sizeof *times)
		return 0;
	n += strlen(times[i]);
	n += number_spaces(number_skip(s, n));
	if (!number_starts(number_skip(s, n), "10"))
		return 0;
	n += 2;
	len = exponent(number_skip(s, n), power);
	return len > 0 ? n + len : 0;
}

/* 20k, 1.5M, 2 million, 3 lakh, 45 %: the length of what names the power, 0 for none. */
static size_t power_in_words(struct span s, int money, long long *power)
{
	enum { CLOSE = 1, EXACT = 2, PLURAL = 4, MONEY = 8 };
	static const struct {
		const char *word;
		int how, power;
	} scales[] = {{"k", CLOSE, 3},
		      {"M", CLOSE | EXACT, 6},
		      {"m", CLOSE | EXACT | MONEY, 6},
		      {"B", CLOSE | EXACT, 9},
		      {"b", CLOSE | EXACT | MONEY, 9},
		      {"mn", CLOSE, 6},
		      {"bn", CLOSE, 9},
		      {"tn", CLOSE, 12},
		      {"mio", 0, 6},
		      {"mrd", 0, 9},
		      {"thousand", PLURAL, 3},
		      {"million", PLURAL, 6},
		      {"billion", PLURAL, 9},
		      {"trillion", PLURAL, 12},
		      {"lakh", PLURAL, 5},
		      {"crore", PLURAL, 7},
		      {"\xe5\x8d\x83", 0, 3},
		      {"\xe4\xb8\x87", 0, 4},
		      {"\xe8\x90\xac", 0, 4},
		      {"\xe4\xba\xbf", 0, 8},
		      {"\xe5\x84\x84", 0, 8},
		      {"%", 0, -2},
		      {"\xe2\x80\xb0", 0, -3},
		      {"percent", 0, -2},
		      {"per cent", 0, -2}};
	size_t gap = number_spaces(s);

	if (gap == s.n || !(number_is_letter(s.s[gap]) || s.s[gap] == '%' || (s.s[gap] & 0x80)))
		return 0;
	for (size_t i = 0; i < sizeof scales / sizeof *scales; i++) {
		size_t len = strlen(scales[i].word), ahead = scales[i].how & CLOSE ? 0 : gap;
		struct span rest = number_skip(s, ahead);

		if (!number_starts(rest, scales[i].word) ||
		    ((scales[i].how & EXACT) && *rest.s != *scales[i].word) ||
		    ((scales[i].how & MONEY) && !money))
			continue;
		len += (scales[i].how & PLURAL) && rest.n > len && (rest.s[len] | 32) == 's';
		if (rest.n > len && number_is_letter(*scales[i].word) &&
		    (number_is_letter(rest.s[len]) || number_is_digit(rest.s[len])))
			continue;
		*power = scales[i].power;
		return ahead + len;
	}
	return 0;
}

size_t number_scale(struct span digits, struct span s, int money, long long *power)
{
	long long by_words = 0;
	size_t n = exponent(s, power);

	if (n > 0 && !(digits.n == 2 && memcmp(digits.s, "10", 2) == 0))
		return SIZE_MAX;
	/* Ten itself is the first of the digits. */
	*power -= n > 0;
	if (n == 0)
		n = power_of_ten(s, power);
	n += power_in_words(number_skip(s, n), money, &by_words);
	*power += by_words;
	return n;
}

size_t number_currency(struct span s, char unit[4])
{
	static const struct {
		const char *sign, *code;
	} signs[] = {{"$", "USD"}, {"€", "EUR"}, {"£", "GBP"},
		     {"¥", "JPY"}, {"₹", "INR"}, {"US$", "USD"}};

	if (s.n == 0 || number_is_digit(*s.s))
		return 0;
	for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
		size_t n = strlen(signs[i].sign);

		if (s.n >= n && memcmp(s.s, signs[i].sign, n) == 0) {
			memcpy(unit, signs[i].code, 4);
			return n;
		}
	}
	if (s.n >= 3 && s.s[0] >= 'A' && s.s[0] <= 'Z' && s.s[1] >= 'A' && s.s[1] <= 'Z' &&
	    s.s[2] >= 'A' && s.s[2] <= 'Z' && !(s.n > 3 && number_is_letter(s.s[3]))) {
		memcpy(unit, s.s, 3);
		unit[3] = 0;
		return 3;
	}
	return 0;
}

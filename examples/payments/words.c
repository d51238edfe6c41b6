/* Dates, amounts and made-up words. */
#include <string.h>
#include "words.h"

const char *word_pick(struct rng *r, const char *const *list, size_t n)
{
	return list[rng_below(r, n)];
}

int chance(struct rng *r, double p)
{
	return rng_uniform(r) < p;
}

int between(struct rng *r, int lo, int hi)
{
	return lo + (int)rng_below(r, (uint64_t)(hi - lo + 1));
}

int day_month_length(int year, int month)
{
	static const int length[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return length[month - 1] + (month == 2 && leap);
}

struct day day_after(struct day d, int days)
{
	d.day += days;
	while (d.day > day_month_length(d.year, d.month)) {
		d.day -= day_month_length(d.year, d.month);
		if (++d.month > 12) {
			d.month = 1;
			d.year++;
		}
	}
	return d;
}

void day_put(struct buf *b, struct day d, enum day_form form)
{
	static const char *const months[] = {"January",	  "February", "March",	  "April",
					     "May",	  "June",     "July",	  "August",
					     "September", "October",  "November", "December"};
	const char *month = months[d.month - 1];

	switch (form) {
	case DAY_ISO:
		buf_addf(b, "%04d-%02d-%02d", d.year, d.month, d.day);
		break;
	case DAY_DOTS:
		buf_addf(b, "%02d.%02d.%04d", d.day, d.month, d.year);
		break;
	case DAY_LONG:
		buf_addf(b, "%d %s %04d", d.day, month, d.year);
		break;
	case DAY_SHORT:
		buf_addf(b, "%d %.3s %04d", d.day, month, d.year);
		break;
	case DAY_US:
		buf_addf(b, "%s %d, %04d", month, d.day, d.year);
		break;
	case DAY_DOTS_BARE:
		buf_addf(b, "%02d.%02d.", d.day, d.month);
		break;
	case DAY_LONG_BARE:
		buf_addf(b, "%d %s", d.day, month);
		break;
	case DAY_SHORT_BARE:
		buf_addf(b, "%d %.3s", d.day, month);
		break;
	case DAY_US_BARE:
		buf_addf(b, "%s %d", month, d.day);
		break;
	}
}

long money_draw(struct rng *r)
{
	/* Doubling by drawn steps instead of exp(): the same cents whatever the C library
	 * rounds. */
	double x = 2000;
	int octaves = between(r, 0, 8);

	while (octaves-- > 0)
		x *= 2;
	x *= 1 + rng_uniform(r);
	if (x > 900000)
		x = 900000;
	long cents = (long)x;
	return chance(r, 1.0 / 3) ? cents - cents % 100 : cents;
}

void money_put(struct buf *b, long cents, int comma)
{
	if (comma && cents >= 100000)
		buf_addf(b, "%ld,%03ld.%02ld", cents / 100000, cents / 100 % 1000, cents % 100);
	else
		buf_addf(b, "%ld.%02ld", cents / 100, cents % 100);
}

void money_note(struct rng *r, struct buf *b, long cents, const char *currency)
{
	static const struct {
		const char *code, *sign, *word;
	} kinds[] = {{"EUR", "€", "euros"},
		     {"USD", "$", "dollars"},
		     {"GBP", "£", "pounds"},
		     {"CHF", "CHF ", "francs"}};
	size_t k = 0;
	int form = between(r, 0, 7);

	while (k + 1 < COUNT(kinds) && strcmp(kinds[k].code, currency) != 0)
		k++;
	if (form < 2)
		buf_adds(b, kinds[k].sign);
	else if (form < 4)
		buf_addf(b, "%s ", currency);
	if (cents % 100 == 0 && chance(r, 0.5))
		buf_addf(b, "%ld", cents / 100);
	else if (k == 0 && cents >= 100000 && chance(r, 0.4))
		buf_addf(b, "%ld.%03ld,%02ld", cents / 100000, cents / 100 % 1000, cents % 100);
	else
		money_put(b, cents, chance(r, 0.5));
	if (form >= 4)
		buf_addf(b, " %s", form < 6 ? currency : kinds[k].word);
}

void word_made(struct rng *r, struct buf *b, int lo, int hi, int capital)
{
	static const char *const onset[] = {"b",  "br", "c",  "ch", "d", "dr", "f",  "fl",
					    "g",  "gr", "h",  "j",  "k", "kl", "l",  "m",
					    "n",  "p",	"pr", "qu", "r", "s",  "sh", "sk",
					    "st", "t",	"tr", "th", "v", "w",  "z",  "y"};
	static const char *const vowel[] = {"a", "e",  "i",  "o",  "u",	 "a",  "e",
					    "o", "ai", "ea", "ie", "oo", "ou", "y"};
	static const char *const coda[] = {"",	"",  "",   "l",	 "n",  "r", "s",
					   "t", "m", "ck", "nd", "rt", "x", "ng"};
	size_t at = b->len;
	int syllables = between(r, lo, hi);

	while (syllables-- > 0) {
		buf_adds(b, PICK(r, onset));
		buf_adds(b, PICK(r, vowel));
		if (chance(r, 0.6))
			buf_adds(b, PICK(r, coda));
	}
	if (capital)
		b->data[at] = (char)(b->data[at] - 'a' + 'A');
}

void word_lower(char *s)
{
	for (; *s; s++)
		if (*s >= 'A' && *s <= 'Z')
			*s = (char)(*s - 'A' + 'a');
}

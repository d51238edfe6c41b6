/* moment: dates alone and inside text, what is left open, what is none; tokens with the calendar
 * masked. */
#include "tap.h"
#include "../../lib/text/date.h"
#include "../../lib/text/features.h"
#include "../../lib/text/moment.h"

static void show(const struct moment *m, char *to, size_t size)
{
	snprintf(to, size, "%d-%d-%d%s", m->year, m->month, m->day,
		 m->either	   ? "?"
		 : m->order == 'm' ? " us"
		 : m->order == 'd' ? " eu"
				   : "");
}

static void whole_strings(void)
{
	static const struct {
		const char *text, *want;
	} table[] = {
		{"2023-04-05", "2023-4-5"},
		{"2023-04", "2023-4-0"},
		{"Tue, 05 Apr 2022 14:03:09 +0200", "2022-4-5"},
		{"Mon, 02 Jan 2006 15:04:05 GMT", "2006-1-2"},
		{"Sun Nov  6 08:49:37 1994", "1994-11-6"},
		{"05.04.23", "2023-4-5"},
		{"05.04.", "0-4-5"},
		{"5 April", "0-4-5"},
		{"April 5th", "0-4-5"},
		{"Apr. 5", "0-4-5"},
		{"April 2023", "2023-4-0"},
		{"04/05/2023", "2023-4-5?"},
		{"04/25/2023", "2023-4-25 us"},
		{"25/04/2023", "2023-4-25 eu"},
		{"4/5/99", "1999-4-5?"},
		{"29 Feb", "0-2-29"},
		{"30 Feb", "none"},
		{"1.2.", "none"},
		{"1.2.3.4", "none"},
		{"192.168.10.20", "none"},
		{"12:30", "none"},
		{"3/4", "none"},
		{"May", "none"},
		{"may 5", "none"},
		{"5 apples", "none"},
		{"2023", "none"},
		{"9999-01-01", "none"},
		{"2023-04-05 and more", "none"},
		{"2023-04-05T24:00:00Z", "2023-4-5"},
		{"2023-04-05T24:30:00Z", "none"},
	};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct moment m;
		char got[64] = "none";
		if (moment_parse(span_of(table[i].text), &m))
			show(&m, got, sizeof got);
		ok_str(got, table[i].want, "the string %s", table[i].text);
	}
}

static void free_text(void)
{
	static const struct {
		const char *text, *want;
	} table[] = {
		{"Received 2 April 2023.\nPlease pay EUR 12.50 by 16 April.", "2023-4-2 0-4-16 "},
		{"[02.04.2023] Bill INV-2041: 1,240.50, due 05.05.", "2023-4-2 0-5-5 "},
		{"due on April 2, 2023 or May 3", "2023-4-2 0-5-3 "},
		{"May's cleaning, the March trip, 3 dec places, version 1.2.3", ""},
		{"INV-2023-04-05 and 12023-04-05 and x5 April", ""},
		{"due 2024-02-29T10:00:00Z; 2023-02-29 is none", "2024-2-29 "},
		{"from 2023-01-01/2023-02-02", "2023-1-1 "},
		{"on the 3rd of June 2021, at 10:30", "2021-6-3 "},
		{"5 May\n2023 things", "0-5-5 "},
		{"Sent on 12 Mar 2024 10:15:00 +0100 (CET)", "2024-3-12 "},
		{"by 5 May 1240 CHF, by 6 May 2040.50", "0-5-5 0-5-6 "},
		{"2023.04.05 and then 2023.05.06, but 2040.50 and May 2040,50",
		 "2023-4-5 2023-5-6 "},
		{"delivered (R-80910) on May 5, 2049 dollars by 31 May", "0-5-5 0-5-31 "},
		{"on 8 May, 2030 EUR; on 9th of May 2031 pounds", "0-5-8 0-5-9 "},
		{"paid EUR 2049 May 5, and the \xe2\x82\xac 2050 April 6", "0-5-5 0-4-6 "},
		{"in March 2049 kg; by May 2023, 40 kg", "2023-5-0 "},
		{"#2049-01-02, order #5 May, INV-2049, no. 2049-118, A2049/7", ""},
		{"May 5, 2049-118 and 5 May 2049/7 and Apr 6, 2023-2024", "0-5-5 0-5-5 2023-4-6 "},
		{"due May 5, 2023 (EUR 40), May 6, 2023, EUR 2040", "2023-5-5 2023-5-6 "},
		{"paid on 5 May 2023 EUR 40 and May 7, 2024 \xc2\xa3"
		 "99.50",
		 "2023-5-5 2024-5-7 "},
		{"INV-2049-05-06, on 2023-05-06 EUR 12", "2023-5-6 "},
		{"", ""},
	};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct moment m;
		struct span where;
		size_t at = 0;
		char got[256] = "", one[64];
		while (moment_find(span_of(table[i].text), &at, &m, &where)) {
			show(&m, one, sizeof one);
			strcat(strcat(got, one), " ");
		}
		ok_str(got, table[i].want, "in text: %.40s",
		       i == 8 ? "5 May, then a number on the next line"
		       : i    ? table[i].text
			      : "a payment note");
	}
}

/* words(TEXT) - the tokens with a bar behind each. */
static const char *words(const char *text)
{
	static char got[512];
	struct tokens t;
	struct token token;

	got[0] = 0;
	tokens_init(&t, span_of(text), 0);
	while (tokens_next(&t, &token)) {
		strncat(got, token.text.s, token.text.n);
		strcat(got, "|");
	}
	return got;
}

static uint64_t first_hash(const char *text)
{
	struct tokens t;
	struct token token;

	tokens_init(&t, span_of(text), 0);
	return tokens_next(&t, &token) ? token.hash : 0;
}

static void masked(void)
{
	struct tokens t;
	struct token token, again;
	char got[256] = "";

	tokens_init(&t, span_of("Pay 12.50 by 5 April 2023 or in May, Monday 07"), TOKEN_CALENDAR);
	while (tokens_next(&t, &token)) {
		strncat(got, token.text.s, token.text.n);
		strcat(got, " ");
	}
	ok_str(got, "Pay 12 50 by <date> or in <month> <weekday> 07 ",
	       "dates, months and weekdays are masked");
	tokens_init(&t, span_of("PAY"), 0);
	tokens_next(&t, &token);
	tokens_init(&t, span_of("pay"), 0);
	tokens_next(&t, &again);
	ok(token.hash == again.hash, "case does not matter");
	ok(first_hash("\xc3\x89T\xc3\x89") == first_hash("\xc3\xa9t\xc3\xa9"),
	   "nor does the case of other letters than English ones");
	ok(first_hash("\xff\xfe") != first_hash("\xff"),
	   "what is no UTF-8 is told apart by its bytes");
	ok_str(words("\xe2\x80\x9c"
		     "Card\xe2\x80\x99s\xe2\x80\x9d \xe2\x82\xac"
		     "1\xe2\x80\xa6 caf\xc3\xa9\xc2\xa0na\xc3\xafve"),
	       "Card|s|1|caf\xc3\xa9|na\xc3\xafve|",
	       "quotes, currencies and spaces of any script part words");
	ok_str(words("\xe4\xbd\xa0\xe5\xa5\xbd\xef\xbc\x8cok"), "\xe4\xbd\xa0|\xe5\xa5\xbd|ok|",
	       "a script without spaces gives a token a character");
	tokens_init(&t, span_of(""), TOKEN_CALENDAR);
	ok(!tokens_next(&t, &token), "no text, no token");
}

int main(void)
{
	struct moment m;

	whole_strings();
	free_text();
	masked();
	ok(moment_epoch(1680652800, &m) && m.year == 2023 && m.month == 4 && m.day == 5,
	   "epoch seconds");
	ok(moment_epoch(1680652800.5, &m) && m.year == 2023 && m.day == 5 && m.second == 0,
	   "epoch seconds with a fraction");
	ok(moment_epoch(1680652800123, &m) && m.year == 2023 && m.day == 5, "epoch milliseconds");
	ok(!moment_epoch(12, &m) && !moment_epoch(NAN, &m) && !moment_epoch(0.5, &m),
	   "other numbers are no times");
	ok(moment_weekday(0) == 3 && moment_weekday(-1) == 2 && moment_weekday(4) == 0,
	   "1970-01-01 was a Thursday");
	return tap_done();
}

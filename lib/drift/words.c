/* words: see the header. */
#include "words.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void words_percent(struct buf *b, double share)
{
	double percent = 100 * share;

	if (percent > 0 && percent < 0.1)
		buf_adds(b, "under 0.1 %");
	else if (percent < 10 && fabs(percent - round(percent)) >= 0.05)
		buf_addf(b, "%.1f %%", percent);
	else
		buf_addf(b, "%.0f %%", percent == 100 || percent < 99.5 ? percent : 99);
}

void words_figure(struct buf *b, double x)
{
	if (fabs(x) >= 1000 && fabs(x) < 1e9)
		buf_addf(b, "%.0f", x);
	else
		buf_addf(b, "%.4g", x);
}

static void percent_of(struct buf *b, double share, int digits)
{
	if (digits)
		buf_addf(b, "%.*f %%", digits, 100 * share);
	else
		words_percent(b, share);
}

static void figure_of(struct buf *b, double x, int digits)
{
	if (digits)
		buf_addf(b, "%.*g", 4 + digits, x);
	else
		words_figure(b, x);
}

/* With more and more digits, until the two are written differently. */
static void put_two(struct buf *b, double x, const char *between, double y,
		    void (*put)(struct buf *b, double x, int digits))
{
	struct buf one = BUF_INIT, other = BUF_INIT;

	for (int digits = 0; digits <= 13; digits++) {
		buf_clear(&one);
		buf_clear(&other);
		put(&one, x, digits);
		put(&other, y, digits);
		if (x == y || !span_eq(buf_span(&one), buf_span(&other)))
			break;
	}
	buf_addspan(b, buf_span(&one));
	buf_adds(b, between);
	buf_addspan(b, buf_span(&other));
	buf_release(&one);
	buf_release(&other);
}

void words_percents(struct buf *b, double x, const char *between, double y)
{
	put_two(b, x, between, y, percent_of);
}

void words_figures(struct buf *b, double x, const char *between, double y)
{
	put_two(b, x, between, y, figure_of);
}

void words_moved(struct buf *b, double was, double is)
{
	if (was == is) {
		buf_adds(b, "unchanged at ");
		words_percent(b, is);
		return;
	}
	buf_adds(b, is > was ? "up from " : "down from ");
	words_percents(b, was, " to ", is);
}

void words_quoted(struct buf *b, struct span s, size_t most)
{
	size_t n = s.n < most ? s.n : most;

	while (n < s.n && n > 0 && ((unsigned char)s.s[n] & 0xc0) == 0x80)
		n--;
	buf_addc(b, '"');
	for (size_t i = 0; i < n; i++)
		buf_addc(b, (unsigned char)s.s[i] < 32 ? ' ' : s.s[i]);
	buf_adds(b, n < s.n ? "...\"" : "\"");
}

void words_number(struct buf *b, struct span s, size_t most)
{
	const char *point = s.n ? memchr(s.s, '.', s.n) : NULL;
	char number[64];

	if (s.n <= most && (!point || s.s + s.n - point <= 7)) {
		buf_addspan(b, s);
		return;
	}
	snprintf(number, sizeof number, "%.*s",
		 (int)(s.n < sizeof number ? s.n : sizeof number - 1), s.s);
	buf_addf(b, "%.6g", strtod(number, NULL));
}

/* words: see the header. */
#include "words.h"

#include <math.h>

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

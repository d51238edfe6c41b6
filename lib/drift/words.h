/* words: figures and values as the sentences of findings give them. */
#ifndef FT_DRIFT_WORDS_H
#define FT_DRIFT_WORDS_H

#include "../base/buf.h"

/* "12 %", "0.4 %", "under 0.1 %". */
void words_percent(struct buf *b, double share);
/* A number in at most 4 significant digits. */
void words_figure(struct buf *b, double x);
/* Two of them with what stands between, in as many digits as it takes to tell them apart. */
void words_percents(struct buf *b, double x, const char *between, double y);
void words_figures(struct buf *b, double x, const char *between, double y);
/* "up from 12 % to 20 %", "down from 20 % to 12 %", "unchanged at 12 %". */
void words_moved(struct buf *b, double was, double is);
/* Text in quotes, at most `most` bytes of it, control characters as blanks. */
void words_quoted(struct buf *b, struct span s, size_t most);
/* A number that is written as s, without quotes: where that takes more than `most` bytes or more than
 * six decimals, in six significant digits. */
void words_number(struct buf *b, struct span s, size_t most);

#endif

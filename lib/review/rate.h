/* rate: how many rows of the set are wrong, from a journal's uniform sample alone.
 *
 * Rows are looked at in two orders at once, the most suspicious first and at random, so a plain
 * share of errors would be far too high. All rows with a draw up to the largest one shown at random
 * are a uniform sample (journal.h); their share of `fix` and `bad` with Wilson's interval (1927) is
 * the answer. Later passes correct the verdicts on rows of the sample and never add rows to it.
 * Skipped rows are unknown: not counted, but told. Verdicts on pairs are no part of it.
 *
 * Where every row of the set is judged (decision.of) that is a census, and its share no estimate: exact,
 * its bounds are itself. Of rows that were skipped all or none may be wrong, and only that is open.
 */
#ifndef FT_REVIEW_RATE_H
#define FT_REVIEW_RATE_H

#include "../json/jw.h"
#include "journal.h"

struct rate {
	size_t n, errors, skipped;
	int all, exact;	      /* all rows were judged; and none skipped */
	double value, lo, hi; /* 95 %; NaN where n is 0 */
};

/* The largest draw of the sample, -1 where there is none. who: as for rate_of. */
double rate_reach(const struct journal *j, size_t who);

/* who: a reviewer's index, or (size_t)-1 for the standing decision of anybody (an adjudication
 * wins). */
struct rate rate_of(const struct journal *j, size_t who);

/* Of counts over all rows of a set: the rest of the figures. n is not 0. */
void rate_settle(struct rate *r);

/* In words, appended; without the counts behind them. n is not 0. */
void rate_say(struct rate r, struct buf *b);

/* As the value {"n", "errors", "skipped", "all", "exact", "value", "lo", "hi"}. */
void rate_write(struct rate r, struct jw *w);

#endif

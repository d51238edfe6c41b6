/* rate: how many rows of the set are wrong, from a journal's uniform sample alone.
 *
 * Rows are looked at in two orders at once, the most suspicious first and at random, so a plain
 * share of errors would be far too high. All rows with a draw up to the largest one shown at random
 * are a uniform sample (journal.h); their share of `fix` and `bad` with Wilson's interval (1927) is
 * the answer. Later passes correct the verdicts on rows of the sample and never add rows to it.
 * Skipped rows are unknown: not counted, but told.
 *
 * Where every row of the set is judged (decision.of) and none skipped, the share is no estimate: it is
 * exact, and its bounds are itself.
 */
#ifndef FT_REVIEW_RATE_H
#define FT_REVIEW_RATE_H

#include "../json/jw.h"
#include "journal.h"

struct rate {
	size_t n, errors, skipped;
	int exact;	      /* all rows were judged */
	double value, lo, hi; /* 95 %; NaN where n is 0 */
};

/* The largest draw of the sample, -1 where there is none. who: as for rate_of. */
double rate_reach(const struct journal *j, size_t who);

/* who: a reviewer's index, or (size_t)-1 for the standing decision of anybody (an adjudication
 * wins). */
struct rate rate_of(const struct journal *j, size_t who);

/* As the value {"n", "errors", "skipped", "exact", "value", "lo", "hi"}. */
void rate_write(struct rate r, struct jw *w);

#endif

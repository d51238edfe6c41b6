/* verdicts: what people said of rows, as pass or fail, for those who compare a judge with them.
 *
 *	"review": {"pass": true, "verdict": "good", "who": "anna", "at": "...", "why": "..."}
 *
 * good is a pass; fix and bad are none, for what was judged was not good, whether the fix stands in
 * the row by now or not. Of several people `pass` is what a decision that settled it says, else the
 * majority's, null where they are split evenly, and `passes` holds each one's own, in the order in
 * which they first appear in the journal, null where one said nothing; `verdict`, `who`, `at` and
 * `why` are the latest that agrees. Of a pair row stand `winner` (a, b or tie, which both bad is too) and
 * `winners` in place of the two.
 */
#ifndef FT_REVIEW_VERDICTS_H
#define FT_REVIEW_VERDICTS_H

#include "../base/map.h"
#include "journal.h"

enum says { SAYS_NOTHING = -1, SAYS_FAIL = 0, SAYS_PASS, SAYS_A = 0, SAYS_B, SAYS_TIE, SAYS };

/* What people say of a row (fail or pass) or of a pair (both bad is a tie) together. */
struct said {
	size_t votes[SAYS];
	enum says says;		   /* what settled it, else what most say, else nothing */
	int split;		   /* most say nothing together: they are split evenly */
	const struct decision *by; /* the latest that says so; NULL where nobody does */
};
/* row: the hash of the row that they judged. */
struct said verdicts_said(const struct journal *j, const char *key, const char *row);

/* A struct with its journal set is ready. */
struct verdicts {
	struct journal *journal; /* borrowed */
	struct map seen;	 /* how often a key came already */
	struct map met;		 /* keys of judged rows that came */
	size_t passed, failed, compared, split, skipped, unjudged, changed;
};

void verdicts_release(struct verdicts *v);

/* Appends the row with `review` to line and returns 1; 0 where nobody judged it; -1 where it changed
 * since, or on trouble (*trouble), with the reason in e. */
int verdicts_row(struct verdicts *v, const struct record *r, struct buf *line, int *trouble,
		 struct err *e);

/* Judged rows of the journal that did not come, as those that --apply left out. */
size_t verdicts_absent(const struct verdicts *v);

#endif

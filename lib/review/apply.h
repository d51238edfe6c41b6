/* apply: a journal's standing decisions put into the data.
 *
 *	good   the row as it is, with `review` {"verdict", "who", "at"}
 *	fix    the reference replaced: the content of the final assistant message, or `ideal`, or
 *	       `completion`, whichever it was
 *	bad    left out
 *	skip   the row as it is
 *
 * A fix that stands in the row already stays as it is: the journal may be applied twice. A row that
 * changed otherwise since it was judged is refused, and so is one whose reviewers differ and nobody
 * settled it: both stay as they are and are counted.
 */
#ifndef FT_REVIEW_APPLY_H
#define FT_REVIEW_APPLY_H

#include "../base/map.h"
#include "journal.h"

struct apply {
	struct journal *journal; /* borrowed */
	struct map seen;	 /* how often a key came already */
	size_t good, fixed, left_out, skipped, untouched, changed, disputed, unasked;
};

enum applied { APPLY_KEEP, APPLY_LEAVE_OUT, APPLY_REFUSED };

void apply_init(struct apply *a, struct journal *j);
void apply_release(struct apply *a);

/* The key and hash of a row, and how often the key came already, counted in `seen`. -1 on trouble. */
int apply_row_key(struct journal *j, struct map *seen, const struct record *r, char key[KEY_TEXT],
		  char hash[33], struct err *e);

/* Appends the row as it should be to line (nothing for APPLY_LEAVE_OUT; as it is for APPLY_REFUSED,
 * with the reason in e); -1 on trouble. */
int apply_row(struct apply *a, const struct record *r, struct buf *line, struct err *e);

/* Appends an OpenAI preference line (input, preferred_output: the fix or the better answer of a pair,
 * non_preferred_output: what stood there or the other) and returns 1, or 0 where nothing is preferred,
 * there is no conversation to give as input (`unasked`), or the row was refused as for apply_row. */
int apply_pair(struct apply *a, const struct record *r, int *refused, struct buf *line,
	       struct err *e);

/* Whether two decisions on a row come to the same: the verdict, and of fixes what they leave. */
int apply_same(const struct decision *a, const struct decision *b);

/* Whether two reviewers' standing decisions on a row differ and nobody settled it. */
int apply_disputed(const struct journal *j, const char *key);

#endif

/* select: the current rows that show what is new, for people to look at first.
 *
 * A row's score adds up, over the paths that drifted, how much more usual its value is now than in
 * the reference: for categories, kinds and years the logarithm of the ratio of shares (with half a
 * row added to each), for numbers and lags that of their tenth of the current values, for texts the
 * same for their most telling word. So the rows listed stand for the new region and not for its
 * oddest corner; and for all of it: values and words take turns, of what the same one gives the k-th
 * row has a k-th where rows are put in order. Equal rows come in the order of a hash.
 */
#ifndef FT_DRIFT_SELECT_H
#define FT_DRIFT_SELECT_H

#include "../json/reader.h"
#include "compare.h"

struct selected {
	uint64_t number; /* of the record's line, from 0; empty ones do not count */
	double score;
	char *path; /* that speaks most for it */
};

/* At most `most` sampled rows of the current frame with a score above 0, best first; *n of them. */
struct selected *select_rows(const struct comparison *c, const struct frame *reference,
			     const struct frame *current, size_t most, size_t *n);
/* Reads the rows again and makes of each row chosen a line with a member "drift" (score and path);
 * line: n empty buffers, in the order of the rows chosen. The reader skips bad lines. */
int select_lines(const struct selected *chosen, size_t n, struct reader *reader, struct buf *line,
		 struct err *e);
void select_free(struct selected *s, size_t n);

#endif

/* decide: every requirement in every group. */
#ifndef FT_EVAL_DECIDE_H
#define FT_EVAL_DECIDE_H

#include "board.h"
#include "require.h"

/* A requirement as it was decided for one group. */
struct decided {
	const struct requirement *r; /* borrowed, as the group is */
	const struct group *g;
	size_t metric; /* the check that it rests on, or n_metrics */
	struct interval value;
	/* Inputs that were left out, as they have fewer samples than the figure (pass@k) needs:
	 * with any the requirement is not decided. */
	uint64_t too_few;
	enum verdict verdict;
	/* Rows in all that are likely to decide it, as of board_rows, and how many these are more. */
	double rows_needed, more;
};

/* Decides r[0..n-1] in all groups but those of the side `except` (NULL: none). *all is the caller's
 * to free(). -1 where a figure does not exist, or rests on rows that could not be scored and
 * nothing was said about them. */
int decide_all(const struct board *b, const struct requirement *r, size_t n, int by_point,
	       const char *except, struct decided **all, size_t *decided, struct err *e);

/* "go on" for what a sequential board has not decided yet. */
const char *decide_word(const struct board *b, enum verdict v);

#endif

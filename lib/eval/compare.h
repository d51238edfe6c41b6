/* compare: groups of answers to the same questions, pair by pair.
 *
 * Within each combination of the other --by values, every group is compared with the baseline on
 * every metric. Rows are paired by id and sample; groups that do not hold the same rows are
 * refused, for the rows that one of them lacks are seldom like the others; only the later run of a
 * sequential board may not have come to all rows yet. Differences are group
 * less baseline.
 */
#ifndef FT_EVAL_COMPARE_H
#define FT_EVAL_COMPARE_H

#include "board.h"
#include "require.h"

struct comparison {
	size_t metric;
	const struct group *a, *b; /* baseline, other */
	uint64_t n;		   /* pairs in which both were scored */
	struct interval diff;	   /* b - a */
	/* p_adj: Holm over the groups compared with this baseline on this metric; of two runs
	 * (board.run) over all comparisons */
	double p, p_adj;
	/* Of two runs: missed where b is worse, p_adj at most 1 - level, else met. Of a sequential
	 * board worse is by more than the margin, of which p is too, and met is not before that is
	 * beyond doubt. */
	enum verdict verdict;
	const char *
		test; /* "mcnemar" (exact), "paired-t", "permutation" or "clustered-t", "betting" */
	/* smallest difference that n pairs show with 80 % power; pairs that diff would need */
	double detectable, rows_needed;
	uint64_t wins, losses, ties; /* pairs in which b scored more, less, the same */
};

struct comparisons {
	struct comparison *v;
	size_t n, cap;
};

void comparisons_release(struct comparisons *c);

/* Pairs more that are likely to decide; INFINITY where none would. Of a sequential board. */
double compare_more(const struct comparison *c);

/* baseline: the compared value of the baseline group, or NULL for the first group. The board must
 * keep rows. -1 where groups do not match, a baseline is missing, or rows are unscored and nothing
 * was said about them. */
int compare_groups(const struct board *b, const char *baseline, struct comparisons *c,
		   struct err *e);

#endif

/* advice: what the figures mean for the decision at hand: which group to take, whether to
 * fine-tune, when training is repaid.
 *
 * The thresholds are stated here and in ft-eval(1), for a rule that nobody can look up is no rule.
 */
#ifndef FT_EVAL_ADVICE_H
#define FT_EVAL_ADVICE_H

#include "board.h"
#include "decide.h"

/* Dollars a row, and median seconds; NaN where they are not known. */
double advice_cost(const struct group *g);
double advice_latency(const struct group *g);

/* The group with the lowest known cost per 1,000 rows among those for which requirements were decided
 * and all are met, or NULL. At equal cost the faster (median), then the earlier. Where no group's cost is known
 * *unknown is set. */
const struct group *advice_cheapest(const struct board *b, const struct decided *d, size_t n,
				    int *unknown);

/* Whether no other group is at least as good on the first check, cost and median latency and better
 * on one (as far as they are known). */
int advice_is_pareto(const struct board *b, const struct group *g);

/* Calls after which a training cost is repaid by the difference in cost a call; NaN where b is not
 * cheaper or a cost is unknown. */
double advice_break_even(const struct group *a, const struct group *b, double train_cost);

enum advice {
	ADVICE_NONE,
	ADVICE_ENOUGH,
	ADVICE_UNDECIDED,
	ADVICE_FINE_TUNE,
	ADVICE_SMALLER,
	ADVICE_NOT_YET
};

/* Of the group that comes closest. ENOUGH: some group meets every requirement. UNDECIDED: none
 * misses one, but intervals straddle. SMALLER: all requirements of quality (a check, at least or
 * above) are met by some group, but not those of latency, cost or tokens at once. FINE_TUNE:
 * quality is missed, but the best value reaches at least half of each bound. NOT_YET: it does
 * not. */
#define ADVICE_HALF 0.5
enum advice advice_of(const struct board *b, const struct decided *d, size_t n,
		      const struct group **of);
/* One sentence, appended: the group where it has a name, and what follows. Nothing is said of how
 * the answers came about, which the figures don't know: a tuned model's are judged as a prompt's.
 * Where `exact` is missed by answers that equal their references as JSON, that is said too. */
void advice_write(const struct board *b, const struct decided *d, size_t n, struct buf *text);

#endif

/* contest: which of two models' answers people prefer, from a journal's verdicts on pairs.
 *
 * A pair counts once, with what most of its reviewers say, or what settled it; a tie, an even split and
 * both bad are no preference, half a win for each. Win rates and their intervals are those of eval/duels,
 * by which ft-judge's verdicts on pairs are counted too. Pairs are shown in random order, so that those
 * judged so far are a fair sample of the set.
 */
#ifndef FT_REVIEW_CONTEST_H
#define FT_REVIEW_CONTEST_H

#include "../eval/duels.h"
#include "accord.h"

struct contest {
	size_t judged, ties, bad, split, skipped; /* pairs; of them, the rest was decided */
	struct duels duels;
	struct interval first; /* verdicts for the answer that was shown first; NaN without any */
	size_t named;	       /* verdicts that name one */
	struct accord accord;
	/* what people say against a judge, where one had judged: a, b or tie */
	size_t judged_too;
	struct interval judge_agreement, judge_kappa;
};

/* -1 where there are too many models. */
int contest_of(const struct journal *j, struct contest *c, struct err *e);
void contest_release(struct contest *c);

/* As the value {"judged", "ties", "both_bad", "split", "skip", "models": [{"model", "n", "wins", "losses",
 * "ties", "win_rate", "strength"}], "p", "first", "agreement", "judge": {"n", "agreement", "kappa"} |
 * null}, null where there are no pairs; and in sentences. */
void contest_write(const struct contest *c, struct jw *w);
void contest_say(const struct contest *c, struct buf *b);

#endif

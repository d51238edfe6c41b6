/* score: how likely a model finds answers that are given to it.
 *
 * One answer: the sum of log p of its tokens behind the prompt. A choice among many (the labels of
 * a classification): the model is held to the answers given, as constrained decoding would, so that
 * their probabilities sum to 1: the answers stand in a tree by their tokens, and at each node only
 * its children share the probability. A branch is left as soon as its probability is below a floor,
 * for what grows from it can only be less likely, and where a single answer is left nothing need be
 * computed.
 *
 * Where longer texts have other angles (longrope), those of a prompt are what it has with the longest
 * of its answers.
 *
 * Prompts are given many at a time so that a step of the decoder has enough rows; results do not
 * depend on how many.
 */
#ifndef FT_INFER_SCORE_H
#define FT_INFER_SCORE_H

#include <stddef.h>
#include <stdint.h>
#include "../base/err.h"
#include "decoder.h"

/* Answers to choose among. A zeroed struct is empty and valid. */
struct score_choices {
	struct score_choice_node *nodes;
	size_t nodes_n, cap;
	size_t n;	/* choices */
	size_t longest; /* in tokens */
};

/* Adds the next choice; no answer may be empty or the beginning of another (ending all in the
 * end-of-turn token, they are not). */
void score_choices_add(struct score_choices *c, const int32_t *answer, size_t n);
void score_choices_release(struct score_choices *c);

struct scorer;

/* All are borrowed. state_bytes bounds the memory of states, where the model has such (kvcache.h), but
 * that a few there must be: one prompt's, and one for each token of the longest choice. */
#define SCORE_STATE_BYTES ((size_t)1 << 30)
struct scorer *scorer_new(struct decoder *d, const struct model *m, size_t state_bytes);
/* States there were at most so far. */
size_t scorer_states(const struct scorer *s);
void scorer_free(struct scorer *s);

struct score_job {
	/* at least one token each; the answer may be NULL where there are choices */
	const int32_t *prompt, *answer;
	size_t n, m;
	/* out, natural, summed over the answer; NaN where it does not fit into the model's
	 * context */
	double logp;
	int own; /* answer is one of the choices: its probability is told even below the floor */
	/* out [choices->n]: the probability of each, 0 where it is certainly below the floor; NULL:
	 * not wanted */
	double *choices;
};

/* Enough for one call: more jobs, or more tokens in all of them, only take more memory. */
#define SCORE_JOBS 32
#define SCORE_TOKENS 2048

/* choices may be NULL where no job wants any. floor: a probability. */
void score_run(struct scorer *s, struct score_job *jobs, size_t n,
	       const struct score_choices *choices, double floor);

#endif

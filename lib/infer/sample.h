/* sample: the next token from a row of logits.
 *
 * In this order: what is not allowed is struck out, tokens seen before are made less likely (Keskar
 * et al. 2019), temperature, the top_k best, the fewest whose probabilities sum to top_p (Holtzman
 * et al. 2020), those with at least min_p times the best one's probability. Temperature 0 takes the
 * best, the lowest id where two are equal.
 */
#ifndef FT_INFER_SAMPLE_H
#define FT_INFER_SAMPLE_H

#include <stddef.h>
#include <stdint.h>
#include "../base/rng.h"

struct sample_how {
	double temperature; /* 0: greedy */
	double top_p;	    /* 1: all */
	size_t top_k;	    /* 0: all */
	double min_p;	    /* 0: all */
	/* divides positive logits, multiplies negative ones of tokens seen; 1: off */
	double repeat;
};

struct sample_alternative {
	int32_t id;
	float logprob;
};

/* Scratch of one caller; zeroed is valid. */
struct sample_scratch {
	float *p;
	int32_t *index;
	size_t cap;
};
void sample_scratch_release(struct sample_scratch *s);

/* The token, or -1 where no logit is a number or nothing is allowed. logits [vocab] are changed.
 * allowed is a bit for each id, or NULL. seen are the ids before (for repeat). One number is drawn
 * from r for each token that is not greedy. */
int32_t sample_draw(float *logits, size_t vocab, const struct sample_how *how,
		    const uint32_t *allowed, const int32_t *seen, size_t n_seen, struct rng *r,
		    struct sample_scratch *scratch);

/* Log-probability of id under the model's own distribution, and of the n most likely tokens (top
 * [n], best first; fewer than n where the vocabulary is smaller). Call it before sample_draw changes
 * the logits. */
float sample_logprob(const float *logits, size_t vocab, int32_t id, double log_sum);
double sample_log_sum(const float *logits, size_t vocab);
void sample_top(const float *logits, size_t vocab, double log_sum, struct sample_alternative *top,
		size_t n);

#endif

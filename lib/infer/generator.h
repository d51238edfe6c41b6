/* generator: answers to many prompts at once.
 *
 * Sequences join and leave the running batch at every step (continuous batching, Yu et al. 2022): a
 * step reads a piece of the newcomers' prompts and adds one token to everyone else's answer.
 * Beginnings that prompts share are computed once (kvcache.h). Where the cache runs out of pages
 * the youngest sequence gives way and is taken up again later; its answer stays the same. Of those
 * that wait the longest prompt comes first, so that long ones are not left for the end, where
 * nothing runs beside them; but none is passed by more than `sequences` others.
 *
 * An answer depends on its own request alone: not on the order of arrival, on what runs beside it,
 * or on the number of threads.
 *
 * A request may be submitted between any two steps, its text watched as it grows, and it may be
 * dropped again.
 *
 * Nothing here knows the program that asks: several generators may stand side by side, each used
 * from one thread at a time.
 */
#ifndef FT_INFER_GENERATOR_H
#define FT_INFER_GENERATOR_H

#include <stddef.h>
#include <stdint.h>
#include "../base/buf.h"
#include "../base/err.h"
#include "../base/pool.h"
#include "../grammar/grammar.h"
#include "../token/tokenizer.h"
#include "decoder.h"
#include "sample.h"

struct generator;

struct generator_spec {
	size_t sequences;     /* most that run at once */
	size_t cache_bytes;   /* for keys and values */
	const int32_t *stops; /* ids that end an answer; copied */
	size_t n_stops;
};

/* All three are borrowed. */
int generator_new(struct generator **g, struct decoder *d, const struct model *m,
		  const struct tokenizer *t, struct pool *pool, const struct generator_spec *spec,
		  struct err *e);
void generator_free(struct generator *g);

struct generator_request {
	const int32_t *ids; /* the prompt; copied */
	size_t n;
	struct sample_how sampling;
	uint64_t seed, stream; /* of the random numbers */
	size_t max_tokens;     /* 0: to the end of the context */
	/* texts that end the answer and do not belong to it; borrowed until the answer */
	const char *const *stop;
	size_t stops;
	int logprobs; /* alternatives to each token; -1: not wanted */
	/* what the answer is held to, or NULL; borrowed until the answer */
	struct grammar *grammar;
	/* the answer goes on in the prompt's text: a space that it begins with is kept */
	int keep_start;
};

struct generator_token {
	int32_t id;
	float logprob;
};

/* Valid during the call it is passed to. */
struct generator_answer {
	const char *error_type; /* NULL where it was answered */
	const char *error;
	struct span text;
	const char *finish;	/* "stop" or "length" */
	const char *stopped_by; /* the one of the request's stop texts that ended it, or NULL */
	size_t prompt_tokens, tokens; /* tokens generated, the one that ended the answer included */
	size_t cached;		      /* of the prompt, what was known already */
	/* [tokens], with logprobs >= 0; also the alternatives [tokens][logprobs] */
	const struct generator_token *token;
	const struct sample_alternative *top;
	/* seconds that its computing took, or would have taken, alone, and until its first text; that it
	 * took in its batch; and of the machine's, its share by its rows of each step */
	double latency, ttft, latency_batch, machine;
};
typedef void generator_answered(void *arg, uint64_t ticket, const struct generator_answer *a);

void generator_submit(struct generator *g, uint64_t ticket, const struct generator_request *q);

/* Once a step for each answer that a step has added a token to and not ended: how far it is. text is
 * what is certain of it, from its beginning on; what a stop text could still take away is held back,
 * so each text begins with the one before, and the answer with the last. With logprobs, of the
 * tokens so far. Valid during the call, from which nothing may be asked of the generator. */
typedef void generator_grown(void *arg, uint64_t ticket, const struct generator_answer *a);
void generator_watch(struct generator *g, generator_grown *grown, void *arg);

/* Forgets a request, wherever it stands; it is not delivered. Nothing where the ticket is not in
 * hand. */
void generator_drop(struct generator *g, uint64_t ticket);

/* One step; delivers what is complete. Returns the number of requests still in hand. submit may be
 * called from done. */
size_t generator_step(struct generator *g, generator_answered *done, void *arg);

/* Delivers all in hand as errors of this type. */
void generator_cancel(struct generator *g, const char *type, const char *why,
		      generator_answered *done, void *arg);

size_t generator_in_hand(const struct generator *g);

#endif

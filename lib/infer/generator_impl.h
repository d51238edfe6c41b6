/* generator_impl: what generator.c (the batch) and generator_token.c (one token of an answer) share;
 * nobody else includes this. */
#ifndef FT_INFER_GENERATOR_IMPL_H
#define FT_INFER_GENERATOR_IMPL_H

#include "generator.h"
#include "pace.h"

/* A copy of a state is kept where two prompts that were seen depart, where this one departs from the
 * next in the queue, and at the end of the prompt. */
#define GENERATOR_KEEPS 3

struct sequence {
	uint64_t ticket;
	struct generator_request q; /* ids is not used: see ids below */
	struct sequence *next;	    /* in the queue */
	size_t passed;		    /* there, by so many that came later */
	int32_t *ids;		    /* prompt and answer */
	size_t n, cap, prompt;
	/* positions whose keys and values are, or will be after this step, in the cache */
	size_t computed;
	int reading;	   /* its prompt (after giving way: all so far) is being computed */
	uint64_t admitted; /* order of admission */
	uint32_t *pages;
	size_t n_pages;
	int is_long; /* its keys have the angles of long sequences (config_is_long) */
	/* Where the model has states: its own; of how many positions, computed again for its sake, keys
	 * and values are in the cache already; and before which positions, in order, a step ends so that
	 * a copy is kept for others (0: none). */
	uint32_t state;
	size_t filed;
	size_t keep[GENERATOR_KEEPS];
	size_t cached;
	struct rng rng;
	struct tokenizer_stream stream;
	struct buf text;
	struct generator_token *token;
	struct sample_alternative *top;
	size_t top_cap;
	double begun;	       /* when its computing began; NaN: it did not */
	double own, first_own; /* seconds of its steps as if alone; up to the first text, or NaN */
	size_t shared, first_shared; /* steps not yet in them, in which it had one row of several */
	double machine;		     /* its share of the steps' seconds */
	uint32_t at;		     /* in the grammar */
	const uint32_t *allowed;     /* by it, in this step; NULL: all */
	const char *stopped_by;	     /* the stop text that its end was */
	int32_t chosen;		     /* by the step just done */
	size_t rows;		     /* it has in this step */
	int logits;		     /* its row of them, or -1 */
};

struct generator {
	struct decoder *d;
	const struct model *m;
	const struct tokenizer *t;
	struct pool *pool;
	struct kvcache kv;
	struct sequence **running; /* those that share pages side by side */
	size_t n_running, most;
	struct sequence *waiting;
	size_t n_waiting;
	int32_t *stops;
	size_t n_stops;
	uint64_t admissions;
	struct decoder_row *rows;
	size_t max_rows;
	float *logits;
	struct pace pace;
	double step_begun;
	size_t together;		/* steps since one went alone */
	struct sample_scratch *scratch; /* one for each sequence that may run */
	generator_grown *grown;		/* NULL: nobody watches */
	void *grown_arg;
};

/* Chooses the next token of running sequence i, where it has logits in this step: a piece of work for
 * the pool. */
void generator_choose(void *g, size_t i);
/* Adds the chosen token; returns why the answer ends, or NULL. */
const char *generator_take(struct generator *g, struct sequence *s);
/* How much of the text no stop text can take away any more: all but an end that one begins with. */
size_t generator_certain(const struct sequence *s);

#endif

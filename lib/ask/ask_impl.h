/* ask_impl: the one struct behind ask.h, shared by ask_options.c, which opens it, and ask.c, which
 * runs it. */
#ifndef FT_ASK_ASK_IMPL_H
#define FT_ASK_ASK_IMPL_H

#include "../api/api.h"
#include "../json/schema.h"
#include "ask.h"
#include "cache.h"

struct ask_sent; /* a request in hand */

struct ask {
	const struct ask_options *o;
	int dry, default_url;
	struct backend_params params;
	struct backend_local local;
	struct api_options api;
	struct backend backend;
	struct buf key, identity;
	char **headers;	       /* of every request to an API */
	struct schema *schema; /* of --schema, or NULL */
	struct buf strict;     /* the same as strict structured output wants it, or empty */
	struct buf warning;
	struct prices *prices;
	double second; /* dollars for a second of this machine, where the model is local; or NaN */
	struct cache *cache;
	int unkept;	 /* it takes no more answers: what came of that was said */
	struct buf told; /* sentences for give_notice, each with a NUL behind */

	/* of the pipeline */
	const struct ask_program *program;
	struct ask_row *first, *last; /* of the window, in the order of the input */
	size_t rows, bytes, read;
	/* answered without the backend: from the cache, or not to be sent */
	struct ask_sent *ready, *ready_last;
	/* with a cache: what the backend has in hand, by its key (ASKED_BUCKETS lists) */
	struct ask_sent **asked;
	long in_hand; /* by the backend */
	int stopped;
	struct buf body, json;
	struct backend_answer answer;
	struct ask_totals totals;
	struct err trouble;
	int failed; /* the run is to end with trouble */
};

/* Where the cache keeps what was found out about the models (backend->learned). */
struct cache_key ask_learned_key(const struct ask *a);
void ask_pipeline_release(struct ask *a);
/* What stands behind a progress bar: errors, cached answers and cost as far as there are any. */
void ask_note(const struct ask *a, char *note, size_t size);

#endif

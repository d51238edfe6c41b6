/* backend: what a program that asks models sees of one, be it behind an API or here on the CPU.
 *
 * The interface stands below both rooms that implement it (lib/api for APIs, lib/infer for local
 * models), so that neither knows the other. A program hands over requests while backend->wants says
 * that more are welcome and calls run, which makes progress and gives answers back in whatever
 * order they come; lib/ask/ask.h puts them in order again.
 *
 *	backend->build(self, &request, &body, e)	the request as it will be asked, for
 *							--dry-run and the cache
 *	backend->submit(self, ticket, &request, body, e)
 *	backend->run(self, wait, done, arg, e)
 *
 * A request that fails is an answer with `error`; only trouble that ends the whole run is -1.
 */
#ifndef FT_PROMPT_BACKEND_H
#define FT_PROMPT_BACKEND_H

#include <stdint.h>
#include "../base/buf.h"
#include "../base/err.h"
#include "../base/opt.h"

/* How to answer; the same for all requests of a run. Whoever opens a backend keeps this alive as
 * long as the backend. */
struct backend_params {
	/* NaN where not set: the API's own default; locally 0 and 1 (greedy) */
	double temperature, top_p;
	long long top_k;       /* of local models only: 0 all */
	double min_p;	       /* 0: all */
	double repeat_penalty; /* 1: none */
	long long max_tokens;  /* 0 where not set */
	int seeded;
	long long seed; /* sample s of a request uses seed + s */
	const char **stop;
	size_t stops;
	int logprobs;	    /* alternatives for each token; -1 where not wanted */
	const char *effort; /* how long to reason, in the API's words; NULL: as it likes */
	/* JSON Schema of the answer, or absent; a local model decodes under it */
	struct span schema;
	int loose; /* it is none that strict structured output takes */
};

void backend_params_init(struct backend_params *p);

/* One question. All spans are borrowed for the call they are passed to. Either messages or prompt
 * is there. */
struct backend_request {
	struct span model;    /* another model of the same API, or absent: the backend's own */
	struct span messages; /* JSON array; the final assistant turn was left out already */
	/* raw text (decoded), no template: only what the tokenizer itself adds */
	struct span prompt;
	struct span tools, tool_choice, response_format; /* JSON, or absent */
	/* JSON object of variables for a chat template (chat_template_kwargs), or absent */
	struct span template_vars;
	struct span schema; /* JSON Schema for this answer, or absent: the params' */
	int sample;	    /* 0, 1, ... where one input is answered several times */
	int attempt;	    /* 0, 1, ... where an answer was of no use and is asked for again */
};

/* One answer. The buffers belong to whoever made the struct; backend_answer_clear keeps their
 * memory. A zeroed struct that went through backend_answer_clear is an empty answer. */
struct backend_answer {
	int has_output;	   /* 0: content was null (tool calls, a refusal) or there is an error */
	struct buf output; /* text */
	struct buf tool_calls; /* JSON array as the model gave it, or empty */
	struct buf refusal;    /* text, or empty */
	struct buf reasoning;  /* text, or empty */
	/* JSON object {"prompt_tokens", "completion_tokens", "total_tokens", ...}, or empty */
	struct buf usage;
	/* JSON array, one element for each token: {"token", "logprob", "top_logprobs"}, or empty */
	struct buf logprobs;
	/* names, with commas between, of what came with it and is kept nowhere; or empty */
	struct buf left_out;
	char model[128];	/* who answered */
	char finish_reason[32]; /* stop, length, tool_calls, content_filter ...; "" unknown */
	char request_id[128];
	double latency, ttft; /* seconds; NaN unknown; of a local model, alone */
	double latency_batch; /* of a local model, in its batch */
	double machine;	      /* of a local model: its share of the machine's seconds */
	double cost;	      /* US dollars; NaN unknown */
	struct buf asked;     /* the body that it answers, where that is not what was submitted */
	int attempts;
	int cached;

	char error_type[32]; /* "" where it was answered */
	int error_status;    /* of HTTP, 0 where there was none */
	struct buf error_message;
};

void backend_answer_clear(struct backend_answer *a);
void backend_answer_release(struct backend_answer *a);
/* Makes a an error; what it held of an answer stays. */
void backend_answer_fail(struct backend_answer *a, const char *type, int status, const char *fmt,
			 ...) __attribute__((format(printf, 4, 5)));

/* Called for each answer. a belongs to the backend and is valid during the call. submit may be
 * called from here. */
typedef void backend_done(void *arg, uint64_t ticket, struct backend_answer *a);

struct backend {
	void *self;
	const char *model; /* name for the `model` member, borrowed from self */
	int local;	   /* no money, no network */

	/* How many more requests could be put to use now; 0: none (they would only wait inside;
	 * submit takes them nevertheless). */
	size_t (*wants)(void *self);

	/* Appends the request as one JSON object: an API's body; locally {"prompt": rendered text,
	 * "ids": [token ids]} and what else of the request decides its answer. */
	int (*build)(void *self, const struct backend_request *q, struct buf *body, struct err *e);

	/* Appends what, beside the body, decides the answer: an API's address; locally a hash of
	 * weights, adapter and tokenizer, the quantisation and the params. Asked only where a cache
	 * is used, for hashing weights takes time. */
	int (*identity)(void *self, struct buf *text, struct err *e);

	/* Takes the request on; everything needed is copied. body is what build gave. ticket comes
	 * back with the answer. */
	int (*submit)(void *self, uint64_t ticket, const struct backend_request *q,
		      struct span body, struct err *e);

	/* Makes progress and delivers what is complete. With nothing to compute it waits for at
	 * most `wait` seconds; a local model returns at the latest after some decoding steps, so
	 * that signals and progress are seen. Returns the number of requests still in hand. */
	long (*run)(void *self, double wait, backend_done *done, void *arg, struct err *e);

	/* Delivers every request in hand as an error of type "interrupted". */
	void (*cancel)(void *self, backend_done *done, void *arg);

	void (*free)(void *self);

	const char *warning; /* what the user should be told once, or NULL; borrowed from self */

	/* Appends what the user should be told when the run is over, each sentence behind a newline;
	 * or NULL. */
	void (*remark)(void *self, struct buf *text);

	/* Appends what the user should be told now, each sentence with a NUL behind it; or NULL. */
	void (*notice)(void *self, struct buf *text);

	/* What was found out in this run that a later one may begin with, as a JSON object, and that
	 * of an earlier one; or NULL. */
	void (*learned)(void *self, struct buf *json);
	void (*recall)(void *self, struct span json);

	/* Whether a model (absent: the backend's own) is told nothing of what a system turn says, for its
	 * chat template has no place for one; or NULL: all have one. */
	int (*without_system)(void *self, struct span model);
};

/* What a local model is opened with; lib/infer implements a backend_open_local, and a program that may
 * ask local models passes it to ask_open (lib/ask/ask.h). params and the strings are borrowed for
 * the backend's life. */
struct backend_local {
	const char *model;    /* a directory, or "hf:org/name" */
	const char *adapter;  /* PEFT directory, or NULL */
	const char *quantize; /* "q8_0", "q4_0", "bf16", "none", or NULL */
	/* variables (NAME=JSON) and date of the chat template, as the options have them */
	const struct opt_list *template_vars;
	const char *template_date;
	int unmerged; /* the adapter stays beside the weights, in f32 */
	int threads;  /* 0: all */
	int jobs;     /* most sequences at once */
	const struct backend_params *params;
};
typedef int backend_open_local(struct backend *b, const struct backend_local *how, struct err *e);

#endif

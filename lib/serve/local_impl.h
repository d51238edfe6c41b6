/* local_impl: what the files of local share; nobody else includes this.
 *
 *	local.c			the target: its threads, and a call's way through them
 *	local_want.c		what a request asks for, and what can't be honoured
 *	local_fields.c		the members of requests, one by one
 *	local_chat.c		answers as OpenAI's chat completions and completions
 *	local_messages.c	as Anthropic's messages
 *	local_responses.c	as OpenAI's responses
 */
#ifndef FT_SERVE_LOCAL_IMPL_H
#define FT_SERVE_LOCAL_IMPL_H

#include <stdint.h>
#include "../infer/loaded.h"
#include "../json/jw.h"
#include "../json/record.h"
#include "local.h"

#define LOCAL_CHOICES 128 /* answers to one request, at most */

enum {
	LOCAL_CHAT = 1,
	LOCAL_COMPLETIONS = 2,
	LOCAL_MESSAGES = 4,
	LOCAL_RESPONSES = 8,
	LOCAL_ALL = 15,
};

/* Why there is no answer. */
struct local_refusal {
	int status;	  /* of HTTP; 0: there is nothing to refuse */
	const char *code; /* static, or NULL */
	char param[160];  /* the member that is meant; "": none */
	struct err why;
};

/* Fills r in (400) and returns -1. param may be NULL. */
int local_refuse(struct local_refusal *r, const char *param, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* What a request asks for. Zeroed is valid; spans point into body and said. */
struct local_want {
	int dialect;
	struct buf body; /* the request */
	struct record record;
	struct buf said; /* its conversation in the words of a record, where they are not its own */
	struct record normal;
	struct buf tools_text;
	struct span messages, tools, tool_choice, response_format, vars;
	struct buf *prompts; /* of completions */
	size_t n_prompts;
	size_t n; /* answers to each prompt */
	int stream, include_usage;
	int logprobs; /* alternatives to each token; -1: not wanted */
	int wants_logprobs, top_logprobs;
	int may_call;
	size_t most_calls; /* 0: any number */
	struct sample_how sampling;
	int seeded;
	int64_t seed, best_of;
	size_t max_tokens; /* 0: to the end of the context */
	int limited;	   /* max_tokens was said */
	char **stop;
	size_t stops;
};
void local_want_release(struct local_want *w);
/* Reads the request in w->body as one of w->dialect. */
int local_want_read(struct local_want *w, const struct loaded *m, struct local_refusal *r);
/* Its members one by one; those of the conversation are left for local_want_read. */
int local_fields_read(struct local_want *w, struct local_refusal *r);

/* One answer to a request. */
struct local_choice {
	struct local_call *call;
	size_t index;
	struct buf content, calls; /* calls: JSON array, or empty; both whole at the end */
	struct buf logprobs;	   /* JSON array of all tokens, where wanted */
	const char *finish;	   /* stop, length or tool_calls; NULL: not yet */
	const char *stopped_by;	   /* the stop text, or NULL */
	size_t prompt_tokens, tokens, cached;
	size_t sent, sent_tokens; /* of the text and its tokens, streamed so far */
	int begun;		  /* a dialect's own: something of it was streamed */
	size_t offset;		  /* a dialect's own: characters of text behind it */
	/* for the generator */
	uint64_t calls_id;
	int in_hand;
};

enum local_stage { LOCAL_QUEUED, LOCAL_PREPARING, LOCAL_READY, LOCAL_RUNNING, LOCAL_OVER };

struct local_call {
	struct local_target *t;
	struct local_call *next; /* in the list of its stage */
	enum local_stage stage;
	const struct local_dialect *dialect;
	struct local_want want;
	char *model; /* as it calls itself */
	char id[32];
	int64_t created;
	struct grammar *grammar;
	struct tokens *prompts; /* [n_prompts], while it is not running */
	size_t n_prompts;
	uint64_t seed;
	struct local_choice *choices;
	size_t n_choices, n_ended;
	int begun;	  /* a stream whose first event was written */
	struct buf fresh; /* written by the thread that has it, not yet in out */
	int64_t number;	  /* a dialect's own: events so far */
	int fresh_over;	  /* fresh is all that will come */
	int touched;	  /* in the runner's list of those with something fresh */
	struct local_call *touched_next;
	struct local_head given; /* of fresh; status 0: none yet */

	/* under the target's lock */
	struct buf out;
	struct local_head head;
	int over, gone;
	struct local_call *gone_next;
};

/* How an answer is written. All append to c->fresh. */
struct local_dialect {
	int dialect;
	const char *path, *id; /* id: what its ids begin with */
	void (*whole)(struct local_call *c);
	/* Streamed: before anything else; a piece of one answer's text with the log-probabilities
	 * of its tokens (a JSON array, or absent); one answer's end; the end of all. */
	void (*first)(struct local_call *c);
	void (*piece)(struct local_call *c, struct local_choice *a, struct span text,
		      struct span logprobs);
	void (*last)(struct local_call *c, struct local_choice *a);
	void (*close)(struct local_call *c);
	/* An error in place of an answer, or within a stream. */
	void (*error)(struct local_call *c, const struct local_refusal *r, int streaming);
};
extern const struct local_dialect local_dialect_chat;
extern const struct local_dialect local_dialect_completions;
extern const struct local_dialect local_dialect_messages;
extern const struct local_dialect local_dialect_responses;

/* The id of a part of an answer: its prefix and what tells calls apart. */
void local_id(char id[static 32], const char *prefix);
/* Tokens of all answers; prompts count once each, and in cached (may be NULL) what of them was known
 * already. */
void local_tokens(const struct local_call *c, size_t *prompt, size_t *completion, size_t *cached);
/* OpenAI's error object as a member of the open object. */
void local_put_error(struct jw *w, const struct local_refusal *r);

#endif

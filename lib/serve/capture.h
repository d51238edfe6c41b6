/* capture: a call as a record of ft-jsonl(5): what was asked, read from the request's body, and what was
 * answered, put together from the bytes as they pass.
 *
 * Both are read by the dialect of the path that was asked (lib/api/dialect.h). What is no JSON is
 * passed on all the same and leaves a record with an error and no messages.
 */
#ifndef FT_SERVE_CAPTURE_H
#define FT_SERVE_CAPTURE_H

#include <time.h>
#include "../api/dialect.h"
#include "../api/prices.h"
#include "../json/record.h"
#include "../net/secret.h"
#include "redact.h"

enum capture_kind {
	CAPTURE_NONE, /* passed on and not written down */
	CAPTURE_CHAT,
	CAPTURE_COMPLETIONS,
	CAPTURE_MESSAGES, /* Anthropic's */
	CAPTURE_RESPONSES,
};

/* What a request to this path (raw, perhaps with a query) is. */
enum capture_kind capture_kind(const char *method, const char *path);

/* A request's body, which it borrows. A zeroed struct is valid. */
struct capture_request {
	enum capture_kind kind;
	struct record record; /* of the body, where is_json */
	int is_json;	      /* an object */
	struct err why;	      /* else */
	struct buf model;     /* that it names; empty where none */
	int stream;
	int kept_out; /* "store": false */
	int choices;  /* answers: n, to each prompt */
	int each;     /* n */
};
void capture_request_read(struct capture_request *q, enum capture_kind kind, struct span body);
void capture_request_release(struct capture_request *q);

/* The input key of ft-jsonl(5), or absent. */
int capture_request_key(const struct capture_request *q, char key[33]);

/* An answer while it passes. A zeroed struct is valid. */
struct capture_answer {
	enum capture_kind kind;
	int events; /* a stream of them */
	size_t max; /* bytes that are kept; past it the record says that the answer was too long */
	struct buf body;
	struct dialect_stream *streams; /* of each choice */
	int n;
	struct buf line; /* of a stream with several choices, incomplete */
	size_t bytes;
	int too_long;
};
void capture_answer_init(struct capture_answer *a, const struct capture_request *q, int events,
			 size_t max);
void capture_answer_release(struct capture_answer *a);
/* now: seconds on the monotonic clock. */
void capture_answer_add(struct capture_answer *a, const char *p, size_t n, double now);
/* Whether all of it came: a stream says so itself. */
int capture_answer_done(const struct capture_answer *a);
/* Whether a stream is understood and has not come to its end. */
int capture_answer_lacks_end(const struct capture_answer *a);
/* When the first piece of a text came, 0 where not known. */
double capture_answer_first(const struct capture_answer *a);
/* Bytes held. */
size_t capture_answer_held(const struct capture_answer *a);

/* What is known of a call beside its request and its answer; NULL and 0 where nothing. */
struct capture_call {
	const char *id;
	struct timespec time;
	const char *route, *target, *client, *fallback, *routes_hash;
	const char *model; /* what `model` says; NULL: what the answer does */
	struct span session;
	int shadow;
	double latency, ttft; /* seconds, NaN unknown */
	const char *request_id;
	int status; /* HTTP; 0: no answer */
	/* where the call did not end well: a type of its own and why */
	const char *error_type;
	const char *error;
	const struct secrets *secrets; /* that stand in no record */
};

/* Sums for the metrics, of all choices. */
struct capture_sums {
	double prompt_tokens, completion_tokens, cost; /* NaN unknown */
	int error;
};

/* Appends the record, a line for each choice, each with its newline. sums may be NULL. */
void capture_write(const struct capture_request *q, const struct capture_call *c,
		   struct capture_answer *a, struct prices *prices, const struct redact *redact,
		   struct buf *lines, struct capture_sums *sums);

/* Appends an id: 26 digits of Crockford's base 32 that sort by time (github.com/ulid/spec). */
void capture_id(char id[27], const struct timespec *time);

/* Appends a time as RFC 3339, to the millisecond, in UTC. */
void capture_time(char text[32], const struct timespec *time);

#endif

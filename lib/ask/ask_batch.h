/* ask_batch: the requests of a run written down in place of being sent, and the answers that a batch
 * API gave to them put beside the records.
 */
#ifndef FT_ASK_ASK_BATCH_H
#define FT_ASK_ASK_BATCH_H

#include "../json/reader.h"
#include "../prompt/prompt.h"
#include "ask.h"

/* Everything is borrowed; lines go to standard output. */
struct ask_batch {
	struct ask *ask;
	struct prompt *prompt;
	struct reader *reader;
	int samples;
	/* of ask_batch_run */
	const char *state; /* the file that remembers how far it got */
	double poll;	   /* seconds between looks */
	int (*stopping)(void);
	void (*progress)(void *arg, const char *what, double done, double total);
	void (*notice)(void *arg, const char *text); /* what the user should be told; may be NULL */
	void *arg;
	size_t skipped; /* (out) bad lines of the input, which the reader has left for a copy then */
};

/* A request as --dry-run prints it, appended without a newline: {"id", "body"} for an API, {"id",
 * "prompt", "ids"} for a local model. */
void ask_request_line(struct ask *a, struct span id, struct span body, struct buf *line);

/* One request a line, {"id", "body"} for an API, {"id", "prompt", "ids"} for a local model. A
 * record that gives no request ends it. */
int ask_batch_show(struct ask_batch *b, struct err *e);
/* The lines that a batch API takes. */
int ask_batch_write(struct ask_batch *b, struct err *e);
/* Each record with its answers from n result files. */
int ask_batch_join(struct ask_batch *b, const char *const *results, size_t n, struct err *e);
/* Uploads, waits, fetches and joins. 1 where it was stopped: the same takes it up again. */
int ask_batch_run(struct ask_batch *b, struct err *e);

#endif

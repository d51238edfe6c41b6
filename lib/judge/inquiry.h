/* lib/judge: what a model says of answers, and how far that can be trusted: prompts, the verdict's
 * reader, agreement.
 *
 * inquiry: asks a judge, or a jury, about record after record, over the pipeline of lib/ask.
 *
 * Each record (or pair of them) is one row of the pipeline, with a request for each opinion of the
 * panel. A reply that holds no verdict is sent back with the reason, at most twice; after that the
 * opinion is an error. What follows from the opinions is panel's.
 */
#ifndef FT_JUDGE_INQUIRY_H
#define FT_JUDGE_INQUIRY_H

#include "../ask/ask.h"
#include "../json/reader.h"
#include "pairing.h"
#include "panel.h"
#include "question.h"

#define INQUIRY_JURORS 16

struct inquiry {
	/* borrowed; set before the run */
	struct ask *ask;
	struct reader *reader;
	struct panel panel; /* with its rubric */
	const struct question_options *question;
	const char *model;   /* as judge.model names it where there are several */
	char *const *jurors; /* names, one a juror of the panel; NULL: the backend's own model */
	int with_schema;
	int pairs;
	struct pairing pairing; /* a zeroed one with its options; released by inquiry_release */
	int (*stopping)(void);
	void (*notice)(void *arg, const char *text); /* as in struct ask_program */
	struct progress *progress;
	/* private */
	struct record record;
	struct buf schema;
	char hash[17];
	int folded[INQUIRY_JURORS]; /* by juror: see question_options */
};

void inquiry_release(struct inquiry *q);

/* A comma-separated list into names, to be freed one by one; their number, or -1 where a name is
 * empty or there are too many. */
int inquiry_jurors(const char *list, char *names[INQUIRY_JURORS]);

/* Asks about all records and writes them with `judge` to standard output. -1 with the reason. */
int inquiry_run(struct inquiry *q, struct err *e);

/* Gives each request as it would be sent to `line` instead, as ft-prompt's --dry-run prints it. */
int inquiry_dry(struct inquiry *q, void (*line)(const void *text, size_t n), struct err *e);

#endif

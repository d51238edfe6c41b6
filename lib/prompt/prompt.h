/* lib/prompt: what a model is asked and what it answers: prompt templates, few-shot and retrieved
 * examples (examples, retrieve), the backend interface (backend), an answer's members (answer).
 *
 * prompt: from a record to the request that asks for its answer.
 *
 * Without a template the record's own messages are sent, less the final assistant turn; with one, a
 * user turn is made from the record. A system text replaces the system turn or is put first.
 * Examples from a pool go between the system turn and the question; documents from another go where
 * the template says {{context}}. Messages that are not changed are sent as they were written.
 */
#ifndef FT_PROMPT_PROMPT_H
#define FT_PROMPT_PROMPT_H

#include "answer.h"
#include "backend.h"
#include "examples.h"

struct prompt_options {
	const char *system;		  /* text, or NULL */
	const char *template;		  /* text, or NULL */
	struct examples_options examples; /* file NULL: none; its template is set here */
	const char *documents;		  /* records with `text`, or NULL */
	size_t documents_k;		  /* how many go into {{context}} */
	const char *label;		  /* what the user calls it, or NULL */
};

struct prompt;

/* o is borrowed for the life of the prompt. NULL with the reason. */
struct prompt *prompt_open(struct prompt_options *o, struct err *e);
void prompt_close(struct prompt *p);

/* Fills q, whose spans point into the record and into memory of p that lasts until the next call.
 * -1 where the record gives no request (a path of the template is missing, there is nothing to
 * send). */
int prompt_make(struct prompt *p, const struct record *r, struct backend_request *q, struct err *e);

/* Its label, and 16 hex digits that follow from all that makes a request out of a record: system
 * text, template, the pools of examples and documents (their bytes) and how they are chosen. null
 * where a pool comes from a pipe, whose bytes are gone. Lives as long as p. */
const struct answer_prompt *prompt_tags(const struct prompt *p);

#endif

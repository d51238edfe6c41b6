/* answer: an answer as members of a record (MEMBER_ANSWER in json/members): what ft-prompt adds to a
 * line and what the cache keeps. */
#ifndef FT_PROMPT_ANSWER_H
#define FT_PROMPT_ANSWER_H

#include "../json/record.h"
#include "backend.h"

/* Appends the members as one JSON object. `output` is "" beside tool calls or a refusal; `cost` is
 * null where unknown; `error` stands instead of `output` where there is no answer. */
void answer_write(const struct backend_answer *a, struct buf *json);

/* The reverse, for a checked object; a is cleared first. -1 where it is none that answer_write
 * wrote. */
int answer_read(struct span json, struct backend_answer *a);

/* Appends r's line once for each of n samples' answers, as answer_write wrote them, with `sample` where
 * there are several; one that is empty is passed over. */
int answer_splice(const struct record *r, const struct buf *answers, int n, struct buf *out,
		  struct err *e);

/* Keeps the reasoning that stands in the output as such too, where there is none yet; with strip takes
 * it out. An answer that is nothing else then is the error `empty`. Once more changes nothing. */
void answer_reasoning(struct backend_answer *a, int strip);

#endif

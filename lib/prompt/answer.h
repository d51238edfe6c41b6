/* answer: an answer as members of a record (MEMBER_ANSWER in json/members): what ft-prompt adds to a
 * line and what the cache keeps. */
#ifndef FT_PROMPT_ANSWER_H
#define FT_PROMPT_ANSWER_H

#include "../json/json.h"
#include "backend.h"

/* Appends the members as one JSON object. `output` is "" beside tool calls or a refusal; `cost` is
 * null where unknown; `error` stands instead of `output` where there is no answer. */
void answer_write(const struct backend_answer *a, struct buf *json);

/* The reverse, for a checked object; a is cleared first. -1 where it is none that answer_write
 * wrote. */
int answer_read(struct span json, struct backend_answer *a);

#endif

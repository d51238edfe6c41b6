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

/* What tells the prompt of an answer from others, as JSON strings; absent where there is none. */
struct answer_prompt {
	struct span label, hash;
};

/* Appends r's line once for each of n samples' answers, as answer_write wrote them, with prompt_label
 * and prompt_hash, and `sample` where there are several; one that is empty is passed over. */
int answer_splice(const struct record *r, const struct buf *answers, int n,
		  const struct answer_prompt *prompt, struct buf *out, struct err *e);

/* Keeps the reasoning that stands in the output as such too, where there is none yet; with strip takes
 * it out. An answer that is nothing else then is the error `empty`. Once more changes nothing. */
void answer_reasoning(struct backend_answer *a, int strip);

#endif

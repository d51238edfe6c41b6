/* responses: OpenAI's Responses API as stub-chat speaks it, after its reference
 * (platform.openai.com/docs/api-reference/responses and .../responses-streaming): what it refuses, the
 * texts of a request, and an answer whole or as its events. */
#ifndef FT_STUB_RESPONSES_H
#define FT_STUB_RESPONSES_H

#include "../../lib/base/buf.h"

struct responses_answer {
	struct span body;  /* of the request, checked */
	struct span text;  /* what is answered, decoded */
	struct span model; /* JSON, to be named in place of the request's; or absent */
	const char *kind;  /* plain, null, tool, refusal, length, failed, reasoning, empty */
	double in, cached, out, reasoning; /* tokens; out without reasoning */
	size_t number;			   /* of the request */
};

/* Why the body would be refused, appended to message, and the parameter's name to param; 0 where it is
 * taken. */
int responses_refuses(struct span body, struct buf *message, struct buf *param);

/* The texts of all input, and of the last turn of a user. */
void responses_texts(struct span body, struct buf *all, struct buf *last);

/* The JSON Schema that the answer is asked in, or absent. */
struct span responses_schema(struct span body);

/* Appends the response as JSON. */
void responses_put(const struct responses_answer *a, struct buf *json);

/* Gives each event of the stream: its name and its data, JSON. */
void responses_stream(const struct responses_answer *a,
		      void (*event)(void *arg, const char *name, struct span data), void *arg);

#endif

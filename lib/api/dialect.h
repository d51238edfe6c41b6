/* dialect: the dialects of chat APIs: what a request's body looks like, and what an answer means.
 *
 * OpenAI's chat completions as spoken by OpenAI, vLLM, llama.cpp, Ollama, OpenRouter, Together,
 * Groq and many others; Azure's, which differs in address and key; and Anthropic's Messages API,
 * translated both ways so that records look the same whoever answers. Parts of a record (messages,
 * tools, response_format) go into an OpenAI body as they were written, byte for byte; only
 * `weight`, which belongs to training, is left out of messages.
 * Sources: platform.openai.com/docs/api-reference/chat, docs.anthropic.com/en/api/messages,
 * learn.microsoft.com/azure/ai-services/openai/reference.
 */
#ifndef FT_API_DIALECT_H
#define FT_API_DIALECT_H

#include "../json/json.h"
#include "../json/jw.h"
#include "../prompt/backend.h"

enum dialect_kind { DIALECT_AUTO, DIALECT_OPENAI, DIALECT_AZURE, DIALECT_ANTHROPIC };

struct dialect {
	enum dialect_kind dialect;
	const char *model;
	const struct backend_params *params;
	struct span extra; /* JSON object whose members replace those of the body, or absent */
	int stream;
	/* the limit is called max_completion_tokens, as OpenAI's own API wants it */
	int completion_limit;
};

/* What the host of url speaks, where nobody said. */
enum dialect_kind dialect_of(const char *url);

/* The address that requests go to, from a base URL as users write it: with or without a closing
 * slash or the endpoint itself; a query stays at the end. api_version is Azure's. */
int dialect_url(enum dialect_kind d, const char *base, const char *model, const char *api_version,
		struct buf *url);

/* The address of another service of the same API ("/files", "/batches/ID"), from the same base
 * URL. */
int dialect_side_url(enum dialect_kind d, const char *base, const char *side,
		     const char *api_version, struct buf *url);

/* The header that carries the key. */
void dialect_secret(enum dialect_kind d, const char *key, struct buf *header);

/* Appends the body. -1 where the record cannot be said in this dialect. */
int dialect_body(const struct dialect *c, const struct backend_request *q, struct buf *body,
		 struct err *e);

/* The model that a body, or the members that extra puts into one, names; else `otherwise`. The
 * caller frees it. */
char *dialect_asked(struct span body, const char *otherwise);

/* Reads a whole answer (a checked JSON object) into a. An answer that is an error in itself is
 * written as one. forced_schema: the answer was asked for as the input of a tool (Anthropic). */
void dialect_answer(enum dialect_kind d, struct span body, int forced_schema,
		    struct backend_answer *a);

/* The reason inside an error body, appended. Returns the HTTP status that its code or type stands
 * for (OpenRouter sends 200 with a code, streams break off with a type), 0 where none. */
int dialect_error(struct span body, struct buf *message);

/* Tokens of a `usage` object of either family; -1 where unknown. Anthropic counts cached input
 * apart from input_tokens; here prompt includes it. */
struct dialect_usage {
	long long prompt, completion, cached, cache_written, reasoning;
};
void dialect_usage(struct span usage, struct dialect_usage *u);

/* Puts a streamed answer (server-sent events) together again as the body of a whole one. Zeroed to
 * begin with. */
struct dialect_block { /* text, or one tool call */
	int tool;
	struct buf id, name, text;
};

struct dialect_stream {
	struct buf line; /* of the event stream, incomplete */
	struct dialect_block *blocks;
	size_t n, cap;
	struct buf refusal, logprobs;
	/* raw JSON; usage_end: what Anthropic reports at the end */
	struct buf usage, usage_end, model, error;
	struct buf finish;
	int ended;
	double first; /* when the first piece of an answer came; 0: none yet */
};

void dialect_stream_release(struct dialect_stream *s);
/* now: seconds on the monotonic clock. */
void dialect_stream_add(enum dialect_kind d, struct dialect_stream *s, const char *p, size_t n,
			double now);
/* Appends the whole answer, as dialect_answer reads it. -1 where the stream broke off before its
 * end. */
int dialect_stream_body(enum dialect_kind d, const struct dialect_stream *s, struct buf *body);

#endif

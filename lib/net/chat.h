/* chat: the dialects of chat APIs: what a request's body looks like, and what an answer means.
 *
 * OpenAI's chat completions as spoken by OpenAI, vLLM, llama.cpp, Ollama, OpenRouter, Together,
 * Groq and many others; Azure's, which differs in address and key; and Anthropic's Messages API,
 * translated both ways so that records look the same whoever answers. Parts of a record (messages,
 * tools, response_format) go into an OpenAI body as they were written, byte for byte; only
 * `weight`, which belongs to training, is left out of messages.
 * Sources: platform.openai.com/docs/api-reference/chat, docs.anthropic.com/en/api/messages,
 * learn.microsoft.com/azure/ai-services/openai/reference.
 */
#ifndef FT_CHAT_H
#define FT_CHAT_H

#include "../json/json.h"
#include "../json/jw.h"
#include "../text/backend.h"

enum chat_dialect { CHAT_AUTO, CHAT_OPENAI, CHAT_AZURE, CHAT_ANTHROPIC };

struct chat {
	enum chat_dialect dialect;
	const char *model;
	const struct backend_params *params;
	struct span extra; /* JSON object whose members replace those of the body, or absent */
	int stream;
	/* the limit is called max_completion_tokens, as OpenAI's own API wants it */
	int completion_limit;
};

/* "openai", "azure", "anthropic"; NULL: told from the host of url. -1 for another name. */
int chat_dialect(const char *name, const char *url, enum chat_dialect *d, struct err *e);

/* The address that requests go to, from a base URL as users write it: with or without a closing
 * slash or the endpoint itself; a query stays at the end. api_version is Azure's. */
int chat_url(enum chat_dialect d, const char *base, const char *model, const char *api_version,
	     struct buf *url);

/* The address of another service of the same API ("/files", "/batches/ID"), from the same base
 * URL. */
int chat_side_url(enum chat_dialect d, const char *base, const char *side, const char *api_version,
		  struct buf *url);

/* The header that carries the key. */
void chat_secret(enum chat_dialect d, const char *key, struct buf *header);

/* Appends the body. -1 where the record cannot be said in this dialect. */
int chat_body(const struct chat *c, const struct backend_request *q, struct buf *body,
	      struct err *e);

/* The model that a body, or the members that extra puts into one, names; else `otherwise`. The
 * caller frees it. */
char *chat_asked(struct span body, const char *otherwise);

/* Reads a whole answer (a checked JSON object) into a. An answer that is an error in itself is
 * written as one. forced_schema: the answer was asked for as the input of a tool (Anthropic). */
void chat_answer(enum chat_dialect d, struct span body, int forced_schema,
		 struct backend_answer *a);

/* The reason inside an error body, appended. Returns the HTTP status that its code or type stands
 * for (OpenRouter sends 200 with a code, streams break off with a type), 0 where none. */
int chat_error(struct span body, struct buf *message);

/* Tokens of a `usage` object of either family; -1 where unknown. Anthropic counts cached input
 * apart from input_tokens; here prompt includes it. */
struct chat_usage {
	long long prompt, completion, cached, cache_written, reasoning;
};
void chat_usage(struct span usage, struct chat_usage *u);

/* Puts a streamed answer (server-sent events) together again as the body of a whole one. Zeroed to
 * begin with. */
struct chat_block { /* text, or one tool call */
	int tool;
	struct buf id, name, text;
};

struct chat_stream {
	struct buf line; /* of the event stream, incomplete */
	struct chat_block *blocks;
	size_t n, cap;
	struct buf refusal, logprobs;
	/* raw JSON; usage_end: what Anthropic reports at the end */
	struct buf usage, usage_end, model, error;
	struct buf finish;
	int ended;
	double first; /* when the first piece of an answer came; 0: none yet */
};

void chat_stream_release(struct chat_stream *s);
/* now: seconds on the monotonic clock. */
void chat_stream_add(enum chat_dialect d, struct chat_stream *s, const char *p, size_t n,
		     double now);
/* Appends the whole answer, as chat_answer reads it. -1 where the stream broke off before its
 * end. */
int chat_stream_body(enum chat_dialect d, const struct chat_stream *s, struct buf *body);

/* What Anthropic's dialect puts into a body (all but model and extra) and finds in an answer; for
 * chat.c. */
int anthropic_members(const struct chat *c, const struct backend_request *q, struct jw *w,
		      struct err *e);
void anthropic_answer(struct span body, int forced_schema, struct backend_answer *a);
#define ANTHROPIC_SCHEMA_TOOL "answer"

/* Whether extra has (so overrides) a member of the body; for the dialects. */
int chat_overridden(const struct chat *c, const char *name);

#endif

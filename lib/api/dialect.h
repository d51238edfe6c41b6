/* dialect: the dialects of chat APIs: what a request's body looks like, and what an answer means.
 *
 * OpenAI's chat completions as spoken by OpenAI, vLLM, llama.cpp, Ollama, OpenRouter, Together,
 * Groq and many others; Azure's, which differs in address and key; Anthropic's Messages API and
 * OpenAI's Responses API, translated both ways so that records look the same whoever answers. Parts of a record (messages,
 * tools, response_format) go into an OpenAI body as they were written, byte for byte; only
 * `weight`, which belongs to training, is left out of messages.
 * Sources: platform.openai.com/docs/api-reference/chat, .../responses and .../responses-streaming,
 * docs.anthropic.com/en/api/messages,
 * learn.microsoft.com/azure/ai-services/openai/reference.
 */
#ifndef FT_API_DIALECT_H
#define FT_API_DIALECT_H

#include "../json/json.h"
#include "../json/jw.h"
#include "../prompt/backend.h"

enum dialect_kind {
	DIALECT_AUTO,
	DIALECT_OPENAI,
	DIALECT_AZURE,
	DIALECT_ANTHROPIC,
	DIALECT_RESPONSES
};

struct dialect {
	enum dialect_kind dialect;
	const char *model;
	const struct backend_params *params;
	struct span extra; /* JSON object whose members replace those of the body, or absent */
	int stream;
	/* the limit is called max_completion_tokens, as OpenAI's own API wants it */
	int completion_limit;
};

/* What the host of url speaks, or the endpoint at its end, where nobody said. */
enum dialect_kind dialect_of(const char *url);

/* The address that requests go to, from a base URL as users write it: with or without a closing
 * slash or the endpoint itself; a query stays at the end. api_version is Azure's. */
int dialect_url(enum dialect_kind d, const char *base, const char *model, const char *api_version,
		struct buf *url);

/* The address of another service of the same API ("/files", "/batches/ID"), from the same base
 * URL. */
int dialect_side_url(enum dialect_kind d, const char *base, const char *side,
		     const char *api_version, struct buf *url);

/* Whether the host of url is one of Azure's: it has keys of its own. */
int dialect_at_azure(const char *url);

/* The header that carries the key to a base URL. */
void dialect_secret(enum dialect_kind d, const char *base, const char *key, struct buf *header);

/* Appends the body. -1 where the record cannot be said in this dialect. */
int dialect_body(const struct dialect *c, const struct backend_request *q, struct buf *body,
		 struct err *e);

/* The model that a body, or the members that extra puts into one, names; else `otherwise`. The
 * caller frees it. */
char *dialect_asked(struct span body, const char *otherwise);

/* Reads a whole answer (a checked JSON value) into a. An answer that is an error in itself is
 * written as one. forced_schema: the answer was asked for as the input of a tool (Anthropic). */
void dialect_answer(enum dialect_kind d, struct span body, int forced_schema,
		    struct backend_answer *a);

/* The reason inside an error body, appended. Returns the HTTP status that its code or type stands
 * for (OpenRouter sends 200 with a code, streams break off with a type), 0 where none. */
int dialect_error(struct span body, struct buf *message);

/* Whether an error body says that what was paid for is used up, which no waiting mends: 2; 1 where the
 * same words are said of a limit that passes (Azure). */
int dialect_quota(struct span body);

/* What a `usage` object says, whatever the provider's way to count; -1 where a count is not known.
 * prompt holds all input, what was read from a cache and written there included; completion all that
 * was written, reasoning included, also where only total_tokens tells it. */
struct dialect_usage {
	long long prompt, completion, cached, cache_written, reasoning;
	long long written_1h; /* of cache_written, to be kept for an hour (Anthropic) */
	double cost;	      /* dollars, as the server states it; NaN where it does not */
	int odd;	      /* the counts contradict each other: what they cost is not known */
};
/* An absent usage is all unknown. */
void dialect_usage(struct span usage, struct dialect_usage *u);

/* An answer as it is gathered, from the events of a stream (server-sent events) or from a whole body
 * at once: whatever a server's habits, what is known of an answer stands here once. Zeroed to begin
 * with. Texts are kept as JSON strings have them, escapes and all, without the quotes: an escape may
 * be cut over two events. */
struct dialect_piece {
	enum dialect_block {
		DIALECT_CALL,
		DIALECT_CUSTOM,
		DIALECT_ASIDE, /* no part of the answer */
		/* of the Responses API only; elsewhere texts stand in struct dialect_stream */
		DIALECT_TEXT,
		DIALECT_COMMENTARY, /* what is said on the way to an answer */
		DIALECT_REFUSAL,
		DIALECT_REASONING,
		DIALECT_SUMMARY /* of reasoning */
	} kind;
	int64_t index; /* -1 where there was none */
	int given;     /* its arguments came whole, as JSON */
	struct buf id, name, text;
	struct buf more; /* members that ft does not know, as "key":value with commas between */
	/* of the Responses API: the item's id, the part's number within it (-1), whether the end of
	 * the part and of the item were told */
	struct buf item;
	int64_t part;
	int closed, settled;
};

/* Whether the pieces of a text hold each what came before, as some servers send them. */
struct dialect_growth {
	size_t last; /* where the latest piece begins */
	int longer;  /* pieces that begin with the one before and go on */
	int some, broken;
};

struct dialect_stream {
	struct buf line, data, event; /* of the event stream, incomplete */
	struct dialect_piece *pieces;
	size_t n, cap;
	struct buf text, reasoning, refusal, logprobs;
	struct dialect_growth text_growth, reasoning_growth;
	/* raw JSON; usage_end: what Anthropic reports at the end; error: the body of one */
	struct buf usage, usage_end, model, error, finish;
	struct buf bad;	     /* why it is no answer, or empty */
	struct buf left_out; /* names of what an answer holds and a record has no place for */
	struct buf
		odd; /* an event of the Responses API that is not known: its end tells what it was */
	int garbled;   /* bad because what came is no JSON */
	int lines, cr; /* some were read; the last byte was a CR */
	int any, has_text, grown;
	int ended, done; /* done: by [DONE] or the like */
	double first;	 /* when the first piece of an answer came; 0: none yet */
};

/* Appends a name (a JSON string) to a list with commas between, unless it stands there. */
void dialect_leave_out(struct buf *list, struct span name);

void dialect_stream_release(struct dialect_stream *s);
/* now: seconds on the monotonic clock. */
void dialect_stream_add(enum dialect_kind d, struct dialect_stream *s, const char *p, size_t n,
			double now);
/* Reads the answer that was streamed into a, as dialect_answer does a whole one. Returns whether
 * another attempt may mend it: the stream broke off before its end, or was garbled. */
int dialect_stream_answer(enum dialect_kind d, struct dialect_stream *s, int forced_schema,
			  struct backend_answer *a);

#endif

/* dialect_impl: what the files of dialect share; nobody else includes this. */
#ifndef FT_API_DIALECT_IMPL_H
#define FT_API_DIALECT_IMPL_H

#include "dialect.h"

/* What Anthropic's dialect puts into a body (all but model and extra); for dialect.c. */
int dialect_anthropic_members(const struct dialect *c, const struct backend_request *q,
			      struct jw *w, struct err *e);
/* What the Responses API's puts into one, `text` and `reasoning` of extra included, which it adds to. */
int dialect_responses_members(const struct dialect *c, const struct backend_request *q,
			      struct jw *w, struct err *e);
/* Why it stopped, in OpenAI's words, or NULL. */
const char *dialect_anthropic_finish(struct span stop);
#define DIALECT_SCHEMA_TOOL "answer"

/* Whether extra has (so overrides) a member of the body; for the dialects. */
int dialect_overridden(const struct dialect *c, const char *name);

/* --- one event of a stream into what is gathered of an answer, by dialect --- */

/* whole: v is no event but the answer. */
void dialect_openai_event(struct dialect_stream *s, struct span v, int whole);
/* Takes pieces that hold each what came before for what they are; once, when nothing else comes. */
void dialect_openai_gather(struct dialect_stream *s);
void dialect_anthropic_event(struct dialect_stream *s, struct span v);
/* A whole answer, or what a stream begins with. */
void dialect_anthropic_content(struct dialect_stream *s, struct span message);
void dialect_responses_event(struct dialect_stream *s, struct span v);
/* A whole answer. */
void dialect_responses_whole(struct dialect_stream *s, struct span response);
/* The response that ends a stream. status: what its event says of it. */
void dialect_responses_end(struct dialect_stream *s, struct span response, const char *status);
/* One of the items of a response, the index-th. */
void dialect_responses_item(struct dialect_stream *s, struct span item, int64_t index);
/* Puts the pieces of texts where the other dialects put theirs; once, when nothing else comes. */
void dialect_responses_gather(struct dialect_stream *s);

/* --- pieces (dialect_gather.c) --- */

/* Members of an object by n names, in one pass; each as json_member gives it. */
void dialect_members(struct span v, const char *const *names, size_t n, struct span *found);
/* Not there, or null. */
int dialect_absent(struct span v);
/* Neither that nor empty or false, as members are that servers send with nothing to say. */
int dialect_says(struct span v);
/* The inside of a JSON string, escapes and all; empty where v is none. */
struct span dialect_inside(struct span v);
/* Appends the text that such an inside stands for. */
int dialect_decode(const struct buf *inside, struct buf *to);

/* It is no answer, and why; the first reason stays. */
void dialect_bad(struct dialect_stream *s, const char *what, struct span v);
/* Appends the inside of a JSON string to one of the texts of s. */
void dialect_add(struct dialect_stream *s, struct buf *to, struct span v);
/* Replaces b by the raw value, where there is one that says something. */
void dialect_keep(struct buf *b, struct span v);
/* Appends text, or parts of it: some servers return what they were about to say, and what they
 * thought. */
void dialect_content(struct dialect_stream *s, struct buf *to, struct span v);

#define DIALECT_BIT(kind) (1u << (kind))
#define DIALECT_CALLS (DIALECT_BIT(DIALECT_CALL) | DIALECT_BIT(DIALECT_CUSTOM))
#define DIALECT_SAID (DIALECT_BIT(DIALECT_TEXT) | DIALECT_BIT(DIALECT_COMMENTARY))
#define DIALECT_THOUGHT (DIALECT_BIT(DIALECT_REASONING) | DIALECT_BIT(DIALECT_SUMMARY))

int dialect_piece_is(const struct dialect_piece *p, unsigned kinds);
void dialect_release_piece(struct dialect_piece *p);
/* The text that the pieces of these kinds make together, as the inside of a JSON string; appended. */
void dialect_join(const struct dialect_stream *s, unsigned kinds, struct buf *text);
/* Whether two such insides stand for the same text, or, of a call, for the same JSON value. */
int dialect_same(const struct buf *a, const struct buf *b, int call);

struct dialect_piece *dialect_new_piece(struct dialect_stream *s, enum dialect_block kind,
					int64_t index);
/* The latest with that index, or simply the latest where it is negative. */
struct dialect_piece *dialect_find_piece(struct dialect_stream *s, int64_t index);
/* The arguments of a call that came as a value, not as text. */
void dialect_give_arguments(struct dialect_stream *s, struct dialect_piece *b, struct span v);

/* What was gathered as an answer, and then the error that it is, if it is one. */
void dialect_give(enum dialect_kind d, const struct dialect_stream *s, int forced_schema,
		  struct backend_answer *a);
void dialect_fail(const struct dialect_stream *s, struct backend_answer *a);

#endif

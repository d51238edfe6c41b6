/* dialect_impl: what the files of dialect share; nobody else includes this. */
#ifndef FT_API_DIALECT_IMPL_H
#define FT_API_DIALECT_IMPL_H

#include "dialect.h"

/* What Anthropic's dialect puts into a body (all but model and extra); for dialect.c. */
int dialect_anthropic_members(const struct dialect *c, const struct backend_request *q,
			      struct jw *w, struct err *e);
/* Why it stopped, in OpenAI's words, or NULL. */
const char *dialect_anthropic_finish(struct span stop);
#define DIALECT_SCHEMA_TOOL "answer"

/* Whether extra has (so overrides) a member of the body; for the dialects. */
int dialect_overridden(const struct dialect *c, const char *name);

/* --- one event of a stream into what is gathered of an answer, by dialect --- */

/* whole: v is no event but the answer. */
void dialect_openai_event(struct dialect_stream *s, struct span v, int whole);
void dialect_anthropic_event(struct dialect_stream *s, struct span v);
/* A whole answer, or what a stream begins with. */
void dialect_anthropic_content(struct dialect_stream *s, struct span message);

/* --- pieces (dialect_gather.c) --- */

/* Not there, or null. */
int dialect_absent(struct span v);
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

struct dialect_call *dialect_new_call(struct dialect_stream *s, enum dialect_block kind,
				      int64_t index);
/* The latest with that index, or simply the latest where it is negative. */
struct dialect_call *dialect_find_call(struct dialect_stream *s, int64_t index);
/* The arguments of a call that came as a value, not as text. */
void dialect_give_arguments(struct dialect_stream *s, struct dialect_call *b, struct span v);

/* What was gathered as an answer, and then the error that it is, if it is one. */
void dialect_give(enum dialect_kind d, const struct dialect_stream *s, int forced_schema,
		  struct backend_answer *a);
void dialect_fail(const struct dialect_stream *s, struct backend_answer *a);

#endif

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

#endif

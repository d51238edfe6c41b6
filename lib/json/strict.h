/* strict: a JSON Schema as strict structured output wants it, and its answers as the schema meant them.
 *
 * OpenAI's (platform.openai.com/docs/guides/structured-outputs, "Supported schemas") knows neither
 * members that may be left out nor objects that may hold others: what may be missing is made required
 * and nullable, and every object is closed. The nulls that stand for missing members are taken out of
 * the answer again.
 */
#ifndef FT_JSON_STRICT_H
#define FT_JSON_STRICT_H

#include "schema.h"

/* Appends the schema made strict. 1 where it had to be changed, 0 where it was strict as it stands; e
 * says what was changed first ("#/properties/b may be left out"). -1 with the reason where it cannot
 * be made strict (an object of any members, allOf). */
int strict_make(struct span schema, struct buf *to, struct err *e);

/* Appends the answer (checked JSON) less the nulls that only the strict form of s has. */
void strict_undo(const struct schema *s, struct span answer, struct buf *to);

#endif

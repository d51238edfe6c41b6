/* doubt: whether a fix looks like a slip, so that a person is asked before it is decided. */
#ifndef FT_REVIEW_DOUBT_H
#define FT_REVIEW_DOUBT_H

#include "../base/err.h"
#include "../json/record.h"
#include "../json/schema.h"

/* 1 with the reason in e where the reference of r was JSON or new_text begins like it, and it is none; or
 * where it breaks the schema (NULL: there is none) or the row's own response_format. Else 0. */
int doubt_of(const struct record *r, const struct schema *schema, const char *new_text,
	     struct err *e);

#endif

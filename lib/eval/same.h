/* same: answers that are the same in another spelling: calls of tools, and JSON but for white space. */
#ifndef FT_EVAL_SAME_H
#define FT_EVAL_SAME_H

#include "row.h"

/* 1 where the answer calls the same tools as the final assistant message, in any order, with arguments
 * that are equal as JSON; else 0, NaN with *why where there is no such message. */
double same_calls(const struct row *a, const char **why);

/* Whether both are JSON, an object or array, and differ in white space alone. Cheap where they differ
 * in more. */
int same_json(struct span out, struct span ref);

#endif

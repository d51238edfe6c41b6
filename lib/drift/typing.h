/* typing: what the values of a path are, seen over both sets. */
#ifndef FT_TYPING_H
#define FT_TYPING_H

#include "column.h"

enum type {
	TYPE_NONE,
	TYPE_NUMBER,
	TYPE_CATEGORY,
	TYPE_BOOLEAN,
	TYPE_DATE,
	TYPE_TEXT,
	TYPE_ID,
	TYPE_VECTOR,
	TYPE_OBJECT,
	TYPES
};

const char *type_name(enum type t);
/* TYPE_NONE for a name that is none. */
enum type type_named(const char *name);

/* The type of the values in both columns (either may be NULL). */
enum type type_of(const struct column *reference, const struct column *current);

/* Whether enough rows of free text hold dates to look at those on their own. */
int type_has_dates(const struct column *reference, const struct column *current);

#endif

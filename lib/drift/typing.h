/* typing: what the values of a path are, seen over both sets. */
#ifndef FT_DRIFT_TYPING_H
#define FT_DRIFT_TYPING_H

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

/* What a user says of a path. */
struct drift_type {
	const char *path; /* as shown, with the leading dot */
	enum type type;	  /* TYPE_NONE: found out */
};

const char *type_name(enum type t);
/* TYPE_NONE for a name that is none. */
enum type type_named(const char *name);

/* The type of the values in both columns (either may be NULL). */
enum type type_of(const struct column *reference, const struct column *current);

/* Whether the values of a column are numbers, as such or spelt in strings. */
int type_is_counted(const struct column *c);

/* What is asked of exactly that path: base and behind, one after the other. TYPE_NONE: nothing. */
enum type type_asked(const struct drift_type *types, size_t n, const char *base,
		     const char *behind);

/* Before the first value: has the column count what a type takes that is not found out. */
void type_expect(struct column *c, enum type asked);

/* Values that the tests of a type can take; all but nulls where it has none. */
uint64_t type_values(const struct column *c, enum type t);

/* Whether enough rows of free text hold dates to look at those on their own. */
int type_has_dates(const struct column *reference, const struct column *current);

#endif

/* reference: the part of a record that a reviewer judges and may replace. */
#ifndef FT_REVIEW_REFERENCE_H
#define FT_REVIEW_REFERENCE_H

#include "../json/record.h"

enum reference_kind {
	REFERENCE_NONE,
	/* the first of `ideal`, the content of the final assistant message, or `completion` */
	REFERENCE_TEXT,
	REFERENCE_CALLS, /* a final turn that only calls tools: its `tool_calls`, as JSON */
};

/* Appends the reference as text (no NUL in it: what stands behind one is cut off). */
enum reference_kind reference_read(const struct record *r, struct buf *text);

/* Appends the record's line with another reference; a record without one gets the member that fits
 * it. `review` replaces that member too where it is not absent. -1 where the text cannot stand
 * there (tool calls have to be a JSON array). */
int reference_replace(const struct record *r, const char *text, struct span review,
		      struct buf *line, struct err *e);

#endif

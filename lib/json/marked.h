/* marked: what json.h offers, of text with marks (or NULL). Private to lib/json. */
#ifndef FT_JSON_MARKED_H
#define FT_JSON_MARKED_H

#include "marks.h"

struct span json_member_marked(const struct marks *m, struct span v, const char *name);
struct span json_element_marked(const struct marks *m, struct span v, long long index);

/* The last element of an array, and where its canonical form begins in what was written: at the comma
 * before it, if there is one. */
struct json_last {
	struct span value;
	size_t at;
};
/* *last is set where v is an array that is not empty; last may be NULL. */
int json_canonical_marked(const struct marks *m, struct span v, struct json_last *last,
			  struct buf *b);

#endif

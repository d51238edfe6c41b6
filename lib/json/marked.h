/* marked: what json.h offers, of text with marks (or NULL). Private to lib/json. */
#ifndef FT_JSON_MARKED_H
#define FT_JSON_MARKED_H

#include "marks.h"

struct span json_member_marked(const struct marks *m, struct span v, const char *name);
struct span json_element_marked(const struct marks *m, struct span v, long long index);
int json_canonical_marked(const struct marks *m, struct span v, struct buf *b);

#endif

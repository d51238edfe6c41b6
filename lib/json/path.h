/* path: dotted paths into a record: `.usage.total_tokens`, `.messages[-1].content`,
 * `.output|.amount` (on into a string that holds JSON). The leading dot may be left out. A member
 * whose name is no plain word is written `.["odd name"]`.
 */
#ifndef FT_JSON_PATH_H
#define FT_JSON_PATH_H

#include "record.h"

struct path;

struct path *path_compile(const char *text, struct err *e);
void path_free(struct path *p);
const char *path_text(const struct path *p); /* as given, with the leading dot */

/* The value at p, or an absent span where nothing stands there (a `|` through a string that is no
 * JSON included). scratch holds strings decoded for `|`; the span may point into it until scratch
 * changes. */
struct span path_find(const struct path *p, struct span value, struct buf *scratch);

/* path_find of a record's body, with less looking. */
struct span path_get(const struct path *p, const struct record *r, struct buf *scratch);

#endif

/* scan: the strict reader of JSON text that json_check and record_parse share. Private to
 * lib/json. */
#ifndef FT_JSON_SCAN_H
#define FT_JSON_SCAN_H

#include "../base/err.h"
#include "marks.h"

/* Where a scan stands. start is the text's first byte, for offsets in reasons. With marks of the text
 * (or NULL) strings are passed by these. */
struct scan {
	const char *start, *end;
	struct err *e;
	const struct marks *marks;
};

/* Each takes the position of the first byte and returns the one behind the last, or NULL with the
 * reason set. depth: how many levels of nesting may still be opened. */
const char *scan_space(const struct scan *s, const char *p);
const char *scan_string(const struct scan *s, const char *p); /* p at the opening quote */
const char *scan_value(const struct scan *s, const char *p, int depth);

/* Sets "at byte N: reason" and returns NULL. */
const char *scan_fail(const struct scan *s, const char *p, const char *reason);

/* The first byte from p that needs a look in a string: a quote, a backslash, a control character or
 * a byte over 0x7f; or end. */
const char *scan_plain(const char *p, const char *end);

/* Behind a value of text that was checked before, without checking it again. */
const char *scan_skip(const struct marks *m, const char *p, const char *end);

#endif

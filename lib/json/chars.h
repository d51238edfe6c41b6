/* chars: what may stand in a JSON string. Private to lib/json. */
#ifndef FT_JSON_CHARS_H
#define FT_JSON_CHARS_H

#include <stddef.h>

/* Length of the UTF-8 sequence at p, of which `left` bytes are there: 0 where it is invalid (RFC
 * 3629: no overlong forms, no surrogates, nothing over U+10FFFF). */
size_t chars_utf8(const char *p, size_t left);

/* What stands behind a backslash: 0 what may not, 1 what may, 2 what may and is not canonical, 3 a
 * `u`, which four hex digits must follow. */
extern const unsigned char chars_escape[256];
/* Whether four hex digits stand there. */
int chars_hex4(const char *p, size_t left);

#endif

/* key: input keys as two numbers, and the text that a journal writes for them: the same input again
 * is #2, #3 ... */
#ifndef FT_REVIEW_KEY_H
#define FT_REVIEW_KEY_H

#include <stdint.h>
#include "../base/buf.h"
#include "../base/err.h"

#define KEY_TEXT 48 /* room for the text of a key and its repeat */

/* Of 32 hex digits; what is no lower-case hex digit gives whatever. */
void key_halves(const char *hex, uint64_t half[2]);
/* repeat: 1 for the first row with its key, 2 ... */
void key_text(const uint64_t half[2], uint32_t repeat, char text[KEY_TEXT]);

/* A key or hash made of these bytes: 32 hex digits of XXH3-128 and a NUL. -1 where b is full. */
int key_digest(const struct buf *b, char hash[33], struct err *e);

#endif

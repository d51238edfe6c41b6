/* base64: text of RFC 4648 back to bytes. */
#ifndef FT_BASE_BASE64_H
#define FT_BASE_BASE64_H

#include "buf.h"

/* Appends the bytes that the text stands for; line breaks and blanks in it count for nothing. -1 where
 * it is no whole base64 (then nothing is appended). */
int base64_decode(struct span text, struct buf *to);

#endif

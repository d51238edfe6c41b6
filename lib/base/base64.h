/* base64: bytes as text (RFC 4648), and back. */
#ifndef FT_BASE_BASE64_H
#define FT_BASE_BASE64_H

#include "buf.h"

/* Appends the text, with padding. */
void base64_encode(struct span bytes, struct buf *to);
/* Appends the bytes that the text stands for; line breaks and blanks in it count for nothing. -1 where
 * it is no whole base64 (then nothing is appended). */
int base64_decode(struct span text, struct buf *to);

#endif

/* visible: text from elsewhere on its way to people's eyes.
 *
 * A record, a name or a server's message may hold what a terminal obeys (C0 and C1 controls, DEL),
 * what turns the direction of text or is not seen at all, and what breaks a line so that the rest
 * looks like a message of ours. Such characters are shown by their number: \x1b, \u202e, \U000e0041; so are bytes that are no
 * UTF-8. Joiners and soft hyphens, which scripts and emoji need, stay.
 */
#ifndef FT_BASE_VISIBLE_H
#define FT_BASE_VISIBLE_H

#include <stdint.h>
#include "buf.h"

/* Whether a code point is shown by its number; newline and tab are among them. */
int visible_is_odd(int32_t c);
/* How an odd one is shown. */
void visible_number(int32_t c, char to[12]);

/* Appends the text with what is odd made visible, but for the characters of keep ("\n\t", say). */
void visible_put(struct buf *b, struct span text, const char *keep);

#endif

/* fold: text brought into one form before it is compared.
 *
 * All take UTF-8 and append to b; invalid UTF-8 is -1 with b unchanged.
 */
#ifndef FT_TEXT_FOLD_H
#define FT_TEXT_FOLD_H

#include "../base/buf.h"

/* Unicode case folding after NFC: equal for texts that differ in case alone. */
int fold_case(struct span text, struct buf *b);

/* NFKC, case folded, punctuation (Unicode category P) dropped, runs of white space one space, none
 * at the ends. */
int fold_text(struct span text, struct buf *b);

/* As the SQuAD evaluation script v1.1 normalises answers (Rajpurkar et al. 2016): lower case
 * (Python's str.lower), ASCII punctuation dropped, the words a, an, the dropped, words joined by
 * single spaces. */
int fold_squad(struct span text, struct buf *b);

/* White space in the sense of Unicode (Python's str.split); c is a code point. */
int fold_is_space(int c);

/* The next code point of *s (advanced), or -1 at the end or where the bytes are no UTF-8. */
int fold_next(struct span *s);

#endif

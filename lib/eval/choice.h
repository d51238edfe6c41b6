/* choice: which of several choices a text names.
 *
 * A text that is one of them, apart from case, width and punctuation, names it. So does one in which
 * a single choice stands as a word and is neither denied nor asked about: words in any case, single
 * letters as they are given or as capitals ("a dog" names no A). What is not certain names none.
 */
#ifndef FT_EVAL_CHOICE_H
#define FT_EVAL_CHOICE_H

#include <stddef.h>
#include "../base/buf.h"

/* Its number, -1 for none, several, or one that is denied. */
int choice_find(char *const *choices, size_t n, struct span text);

#endif

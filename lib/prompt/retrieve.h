/* retrieve: the texts nearest to a question, by bm25 (Robertson and Zaragoza 2009, as SQLite's FTS5
 * computes it).
 *
 * The index is in memory; words are those of FTS5's unicode61 tokenizer without diacritics. A text
 * is named by the number under which it was added. Equal ranks come in the order of these numbers,
 * so results do not depend on anything else.
 */
#ifndef FT_PROMPT_RETRIEVE_H
#define FT_PROMPT_RETRIEVE_H

#include <stddef.h>
#include "../base/buf.h"
#include "../base/err.h"

struct retrieve;

/* NULL with the reason. */
struct retrieve *retrieve_new(struct err *e);
void retrieve_free(struct retrieve *r);

int retrieve_add(struct retrieve *r, size_t number, struct span text, struct err *e);

/* Numbers of at most `most` texts that share a word with the question, nearest first. Returns how
 * many, or -1. Only the first 256 different words of the question are looked for. */
long retrieve_find(struct retrieve *r, struct span question, size_t most, size_t *numbers,
		   struct err *e);

#endif

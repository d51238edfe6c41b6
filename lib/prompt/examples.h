/* examples: a pool of answered records, from which the few that go before a question are chosen.
 *
 * The pool is held in memory. A record is never its own example: one with the same id or the same
 * input key is passed over, as is, where asked for, one whose text is nearly the same (Jaccard
 * similarity of its sets of three words in a row, of single words in short texts).
 */
#ifndef FT_PROMPT_EXAMPLES_H
#define FT_PROMPT_EXAMPLES_H

#include "../json/record.h"
#include "template.h"

enum examples_select { EXAMPLES_FIRST, EXAMPLES_RANDOM, EXAMPLES_BM25 };

struct examples_options {
	const char *file;
	size_t k;
	enum examples_select select;
	/* for EXAMPLES_RANDOM: the choice follows from it and the record's input alone */
	uint64_t seed;
	double near; /* leave out examples this similar; 0 or less: only equal ones */
	const struct template *template; /* makes the user turn, or NULL: the example's own turns */
};

struct examples;

/* Reads the pool. NULL with the reason, which names file and line: a record without reference, a
 * path of the template that is missing. */
struct examples *examples_open(const struct examples_options *o, struct err *e);
void examples_close(struct examples *x);

/* Appends the turns of the chosen examples to turns as JSON messages with a comma behind each; the
 * nearest come last. r is the record that is asked, text what it asks. Fewer than k where the pool
 * has no more. */
int examples_put(struct examples *x, const struct record *r, struct span text, struct buf *turns,
		 struct err *e);

/* Text of the user turns of a record, for retrieval; appended, a newline between them. */
void examples_text(const struct record *r, struct buf *text);

#endif

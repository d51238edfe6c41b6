/* batch: records as reader_next gives them, parsed in advance by several threads.
 *
 * Taken in hand at a time are the lines that stand whole in what was read: nobody waits for one that
 * is still being written, and memory is what the reader holds already. Order, reasons and their
 * places are those of reader_next, whatever the number of threads.
 */
#ifndef FT_JSON_BATCH_H
#define FT_JSON_BATCH_H

#include "../base/pool.h"
#include "reader.h"

#define BATCH_LINES 512

struct batch {
	/* set by the caller; all else zero */
	struct reader *reader; /* borrowed, as the pool is, which may be NULL */
	struct pool *pool;
	/* What else the threads make of a record, in no order, each for itself: to be kept under i,
	 * which is below BATCH_LINES and comes again with the record. May be NULL. */
	void (*work)(void *arg, size_t i, const struct record *rec);
	void *arg;
	/* the file's line that was given last */
	size_t number;
	/* private */
	struct batch_line *line;
	size_t n, next;
};

void batch_release(struct batch *b);

/* As reader_next: *rec is valid until the next call. i may be NULL. */
int batch_next(struct batch *b, size_t *i, const struct record **rec, struct err *e);

/* As reader_at, of the record that batch_next gave last. */
int batch_at(const struct batch *b, struct err *e);

#endif

/* pairing: records of several models become pair rows: {..., "a": {"model", "output"}, "b": {...}}.
 *
 * A record that holds `a` and `b` is a pair row already. Others wait for one of the same id (or input key) and sample from another model: each new
 * one is paired with every earlier one, the earlier being a. Waiting records are kept, so memory grows with the ids of the first
 * model at least.
 */
#ifndef FT_PAIRING_H
#define FT_PAIRING_H

#include <stddef.h>
#include "../base/err.h"
#include "../base/map.h"
#include "../json/record.h"

struct waiting {
	char *line;
	size_t len, next; /* next of the same id + 1, 0 for none */
	int paired;
};

/* A zeroed struct is empty and valid. */
struct pairing {
	struct waiting *v;
	size_t n, cap;
	struct map first; /* by id and sample: number of the latest + 1 */
	struct buf queue; /* pair rows, each with a newline, from `at` on */
	size_t at;
	/* private */
	struct buf id, side, json, text;
	struct record other;
};

void pairing_release(struct pairing *p);

/* Takes in a record; pair rows that it makes are queued. -1 for two records of one model with the same id and sample. */
int pairing_add(struct pairing *p, const struct record *rec, struct err *e);

/* The next pair row (without its newline); 0 where the queue is empty. Valid until the next pairing_add. */
int pairing_next(struct pairing *p, struct span *line);

/* Records that found no partner. */
size_t pairing_lonely(const struct pairing *p);

/* The candidate's text of side "a" or "b" of a pair row, appended; -1 where it holds no answer. */
int pairing_text(const struct record *pair, const char *side, struct buf *text);

#endif

/* pairing: records of several models become pair rows: {..., "a": {"model", "output"}, "b": {...}}.
 *
 * A record that holds `a` and `b` is a pair row already. Others wait for one of the same id (or
 * input key) and sample from another model: each new one is paired with every earlier one, the
 * earlier being a. With `rounds`, for many models, all records wait until the input ends, and each
 * answer then meets only so many others of its id: rounds of a tournament by the circle method, of an
 * odd number those at some distances in a circle (one meets one more where rounds is odd as well).
 * They are other ones from id to id, so that over the ids every two models meet about as often.
 * Waiting records are kept, so memory grows with the ids of the first model at least.
 */
#ifndef FT_JUDGE_PAIRING_H
#define FT_JUDGE_PAIRING_H

#include <stddef.h>
#include "../base/err.h"
#include "../base/map.h"
#include "../json/record.h"

struct waiting {
	char *line;
	size_t len, next; /* the one before it of the same id + 1, 0 for none */
	uint64_t key;	  /* of id and sample */
	int paired;
};

/* A zeroed struct is empty and valid. */
struct pairing {
	size_t rounds; /* 0: each answer meets all others of its id */
	struct waiting *v;
	size_t n, cap;
	struct map first; /* by id and sample: number of the latest + 1 */
	struct buf queue; /* pair rows, each with a newline, from `at` on */
	size_t at;
	/* private */
	/* waiting records that were looked at after the end, ids among them that had a pair to
	 * make */
	size_t ended, ids;
	struct buf id, side, json, text;
	struct record other, later;
};

void pairing_release(struct pairing *p);

/* Takes in a record; pair rows that it makes are queued. -1 for two records of one model with the
 * same id and sample. */
int pairing_add(struct pairing *p, const struct record *rec, struct err *e);

/* At the end of the input: queues the pairs of one more id. 1, 0 where there are no more, -1. */
int pairing_end(struct pairing *p, struct err *e);

/* The next pair row (without its newline); 0 where the queue is empty. Valid until the next
 * pairing_add. */
int pairing_next(struct pairing *p, struct span *line);

/* Records that found no partner. */
size_t pairing_lonely(const struct pairing *p);

/* The candidate's text of side "a" or "b" of a pair row, appended; -1 where it holds no answer. */
int pairing_text(const struct record *pair, const char *side, struct buf *text);

#endif

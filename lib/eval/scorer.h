/* scorer: records in, scored rows out, in the same order.
 *
 * Rows are scored in batches: checks that need nothing but the row by several threads, jq's by one
 * jq process for the whole run, commands a few at a time. Rows come out one by one in the order of
 * the input, so nothing that follows depends on the threads.
 */
#ifndef FT_EVAL_SCORER_H
#define FT_EVAL_SCORER_H

#include "../base/pool.h"
#include "check.h"
#include "row.h"

struct scorer_options {
	const struct check *checks;
	size_t n_checks;
	int threads;					      /* 0: one a processor */
	int jobs;					      /* commands at a time */
	double timeout;					      /* seconds a command */
	int one_by_one;					      /* rows come out as they go in */
	int (*stopping)(void);				      /* may be NULL */
	int (*done)(void *arg, struct row *r, struct err *e); /* each scored row; -1 ends the run */
	void *arg;
	int reasoning; /* counts as part of the output */
};

struct scorer;

/* Everything in o is copied but what it points to. NULL with the reason. */
struct scorer *scorer_open(const struct scorer_options *o, struct err *e);
/* Takes a copy of the record's line. file is borrowed until the row came out. */
int scorer_add(struct scorer *s, struct span text, const char *file, size_t line, struct err *e);
/* Scores and gives out what is still in hand. */
int scorer_flush(struct scorer *s, struct err *e);
void scorer_close(struct scorer *s);

/* The threads that score, for other work meanwhile. */
struct pool *scorer_pool(struct scorer *s);

#endif

/* check_impl: what check.c gathers from rows, and check_leaks.c and check_represent.c draw answers
 * from. */
#ifndef FT_SPLIT_CHECK_IMPL_H
#define FT_SPLIT_CHECK_IMPL_H

#include "../base/map.h"
#include "../base/rng.h"
#include "check.h"

#define ANSWERS 16
#define DEALT 2000 /* rows a side that the classifier sees */

/* One row of either side. 0 stands for "none" in the hashes. */
struct row {
	uint64_t input, reference, group, label;
	uint64_t own;		   /* its id as given, with its sample */
	double time;		   /* seconds; NaN unknown */
	size_t id;		   /* in ids */
	unsigned char near, exact; /* of a test row: found in train */
};

/* A uniform draw of rows, each as its words. */
struct deal {
	uint32_t *word[DEALT];
	size_t words[DEALT], n;
	struct rng rng;
};

struct side_rows {
	struct row *row;
	size_t n, cap;
	struct frame frame;
	struct deal deal;
};

/* Runs of words in test, and how many training rows have each. */
struct grams {
	struct map in_train; /* training rows that have the run << 32 | the last of them, from 1 */
	uint64_t *gram;	     /* of test row i: from begin[i] to begin[i + 1] */
	size_t *begin;
	size_t n, cap, rows, begin_cap;
};

enum { TRAIN, TEST };
enum { GRAMS_INPUT, GRAMS_REFERENCE };

struct split_check {
	struct split_check_options o;
	struct side_rows side[2]; /* TRAIN, TEST */
	struct near *near;
	struct grams grams[2];
	struct map labels; /* hash: where its name begins in names */
	struct buf ids, names, text, scratch;
	struct answer answer[ANSWERS];
	size_t answers;
	struct comparison compared; /* where both sides have rows */
};

/* Begins the next answer; rows are added with answer_count, and the verdict is given with
 * answer_end. */
struct answer *answer_begin(struct split_check *c, const char *name);
/* A row of a side, and a training row that it is like. */
void answer_count(struct answer *a, int test, size_t row);
void answer_pair(struct answer *a, size_t test, size_t train);
/* A row that is at odds with an earlier one. */
void answer_against(struct answer *a, int test, size_t row, struct check_row earlier);
/* `none` is the reason where nothing was counted. */
void answer_end(struct answer *a, enum split_check_verdict bad, const char *none);
/* ", such as A, like B of train" of the first example. */
void answer_such_as(const struct split_check *c, struct answer *a);

void check_leaks(struct split_check *c, struct pool *pool);
void check_represent(struct split_check *c);

#endif

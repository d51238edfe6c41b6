/* check: can a test set be trusted? Leaks from train to test, conflicting references, classes
 * absent on a side, how representative the test rows are, what a result on so few rows is worth,
 * and whether the training rows are in a random order.
 */
#ifndef FT_CHECK_H
#define FT_CHECK_H

#include "../base/buf.h"
#include "../base/pool.h"
#include "../drift/compare.h"
#include "../text/near.h"

#define CHECK_EXAMPLES 5
#define CHECK_GRAM 13 /* words, as in Brown et al. 2020, appendix C */
#define CHECK_NONE SIZE_MAX

enum check_verdict { CHECK_OK, CHECK_WARNING, CHECK_LEAK };

struct check_options {
	struct path *group, *time, *label; /* NULL where not given. Borrowed */
	double near;			   /* threshold of near-duplicates */
	/* how often a clean random division gets any warning from a test: order, classifier,
	 * representative */
	double alpha;
	uint64_t seed;
};

/* One question and its answer. */
struct answer {
	const char *check;
	enum check_verdict verdict;
	size_t count;
	struct { /* row numbers from 0; CHECK_NONE where only the other side is asked about */
		size_t test, train;
	} example[CHECK_EXAMPLES];
	size_t examples;
	struct buf why;
};

struct check;

struct check *check_new(const struct check_options *o);
void check_free(struct check *c);

/* All rows of test first, then all of train: of train's runs of words only those that test has are
 * kept. */
int check_test(struct check *c, const struct record *r, struct err *e);
int check_train(struct check *c, const struct record *r, struct err *e);

/* The answers, in a fixed order; they belong to c. */
void check_finish(struct check *c, struct pool *pool);
const struct answer *check_answers(const struct check *c, size_t *n);
size_t check_rows(const struct check *c, int test);
const char *check_id(const struct check *c, int test, size_t row);
/* The two sides path by path; NULL where a side is empty. */
const struct comparison *check_comparison(const struct check *c);

#endif

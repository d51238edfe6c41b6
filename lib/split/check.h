/* check: can a test set be trusted? Leaks from train to test, conflicting references, ids that
 * stand twice, classes absent on a side, how representative the test rows are, what a result on so few rows is worth,
 * and whether the training rows are in a random order.
 */
#ifndef FT_SPLIT_CHECK_H
#define FT_SPLIT_CHECK_H

#include "../base/buf.h"
#include "../base/pool.h"
#include "../drift/compare.h"
#include "../text/near.h"

#define CHECK_EXAMPLES 5
#define CHECK_GRAM 13	    /* words, as in Brown et al. 2020, appendix C */
#define CHECK_NONE SIZE_MAX /* rows are numbered from 0 */

enum split_check_verdict { CHECK_OK, CHECK_WARNING, CHECK_LEAK };

struct split_check_options {
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
	enum split_check_verdict verdict;
	size_t count;
	struct check_pair {
		struct check_row {
			int test; /* whether it stands in test */
			size_t row;
		} row, like; /* what it is like, or at odds with; its row is CHECK_NONE where the row stands alone */
	} example[CHECK_EXAMPLES];
	int earlier; /* the rows that others are at odds with are earlier ones, of either side */
	size_t examples;
	struct buf why;
};

struct split_check;

struct split_check *split_check_new(const struct split_check_options *o);
void split_check_free(struct split_check *c);

/* All rows of test first, then all of train: of train's runs of words only those that test has are
 * kept. */
int split_check_test(struct split_check *c, const struct record *r, struct err *e);
int split_check_train(struct split_check *c, const struct record *r, struct err *e);

/* The answers, in a fixed order; they belong to c. */
void split_check_finish(struct split_check *c, struct pool *pool);
const struct answer *split_check_answers(const struct split_check *c, size_t *n);
size_t split_check_rows(const struct split_check *c, int test);
const char *split_check_id(const struct split_check *c, int test, size_t row);
/* The two sides path by path; NULL where a side is empty. */
const struct comparison *split_check_comparison(const struct split_check *c);

#endif

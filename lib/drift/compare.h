/* compare: two frames, path by path, and the answer.
 *
 * Each path gets one or more hypotheses of "no change", each with a p-value that is valid on its
 * own. Holm's correction (weighted) over all of them keeps one false-alarm level for the run; a
 * floor on the effect keeps large samples from crying wolf.
 */
#ifndef FT_DRIFT_COMPARE_H
#define FT_DRIFT_COMPARE_H

#include "frame.h"
#include "typing.h"

#define COMPARE_TESTS 6

enum verdict { VERDICT_STABLE, VERDICT_DRIFT, VERDICT_INSUFFICIENT };

struct drift_options {
	double alpha;	   /* false-alarm level of the whole run */
	double min_effect; /* smaller effects are no drift */
	int fdr;	   /* Benjamini and Hochberg in place of Holm */
	int calendar;	   /* compare months and weekdays too */
	int any_shape;	   /* records that share no path are drift, not refused */
	size_t draws;	   /* of permutation tests; 0: enough for alpha over the number of tests */
	uint64_t seed;
	const struct drift_type *paths; /* only these and what stands below them; none: all */
	size_t paths_n;
	const char **exclude; /* not these nor what stands below them */
	size_t exclude_n;
};

/* clang-format off */
#define DRIFT_OPTIONS_INIT {.alpha = 0.05, .min_effect = 0.05}
/* clang-format on */
#define DRIFT_ROWS 30	/* rows a side that a verdict of "stable" takes */
#define DRIFT_VALUES 10 /* values a side that a test takes */

/* One hypothesis tested. */
struct finding {
	/* "kinds", "ks", "chi2", "fisher", "permutation", "unseen-year", "lag", "new-words", ... */
	const char *test;
	double statistic, p, p_adj, effect;
	double unseen; /* share of current values that the reference never had the like of */
	int drift;
	struct buf why; /* a sentence */
};

/* One path and type. */
struct line {
	char *path; /* as the user would write it */
	enum type type;
	int asked;	/* the type is the user's */
	int untyped;	/* asked, and a side has values but none that the type takes */
	int within;	/* dates found within text */
	enum root root; /* where it stands in the current records */
	const struct column *reference, *current; /* either may be NULL */
	enum verdict verdict;
	struct finding finding[COMPARE_TESTS];
	size_t findings;
	const struct finding *best; /* what decides; NULL where there was nothing to test */
	struct buf warning;	    /* what does not decide but should be known; may be empty */
};

struct comparison {
	struct line *lines; /* the answer's order: drift first, the plainest reason foremost */
	size_t n, cap;
	size_t tests, drifted;
	enum verdict verdict;
	uint64_t reference_rows, current_rows;
	const struct frame *reference, *current;
	/* the records' own time; NULL where there is none */
	const struct column *reference_times, *current_times;
	char *time_path; /* where the records' own time was taken from; NULL where there is none */
};

/* Both frames must be finished; they are borrowed as long as the comparison is used. -1 where
 * nothing stands at a path asked for, or where they share no path. */
int compare(const struct frame *reference, const struct frame *current,
	    const struct drift_options *o, struct comparison *c, struct err *e);
void comparison_release(struct comparison *c);

/* For the tests: begins a finding, whose sentence the caller writes. NULL where p is no number. */
struct finding *compare_found(struct line *l, const char *test, double statistic, double p,
			      double effect);

#endif

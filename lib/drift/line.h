/* line: one path of a comparison, what was found there, and why it has its verdict. */
#ifndef FT_DRIFT_LINE_H
#define FT_DRIFT_LINE_H

#include "frame.h"
#include "typing.h"

#define LINE_FINDINGS 10
#define FINDING_NAMED 8

enum verdict { VERDICT_STABLE, VERDICT_DRIFT, VERDICT_INSUFFICIENT };

const char *drift_verdict_name(enum verdict v);

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
	/* its part of the level against other hypotheses of the run, 1 where nothing else is said */
	double weight;
	int always; /* counts whatever its effect: something by name that came, went or lies far off */
	int sure; /* p_adj is at most alpha */
	int drift;
	struct buf why; /* a sentence */
	/* what it is about, by name, with its share of either side: words, values, kinds */
	struct finding_named {
		char *name;
		double was, is;
	} named[FINDING_NAMED];
	size_t named_n;
};

/* One path and type. */
struct line {
	char *path; /* as the user would write it */
	enum type type;
	int asked;    /* the type is the user's */
	int untyped;  /* asked, and a side has values but none that the type takes */
	int within;   /* dates found within text */
	int counting; /* an id, of whole numbers */
	int clock;    /* the records' own time, as the user named it: it runs on whatever happens */
	enum root root;				  /* where it stands in the current records */
	const struct column *reference, *current; /* either may be NULL */
	enum verdict verdict;
	struct finding finding[LINE_FINDINGS];
	size_t findings;
	/* hypotheses held besides those of its type and its kinds, and their weight */
	size_t more;
	double more_weight;
	const struct finding *best; /* what decides; NULL where there was nothing to test */
	struct buf warning;	    /* what does not decide but should be known; may be empty */
};

/* Begins a finding, whose sentence the caller writes. NULL where p is no number. */
struct finding *line_found(struct line *l, const char *test, double statistic, double p,
			   double effect);
/* The same for a hypothesis besides those that every line of its type holds, with its weight. It
 * counts as held also where p is NaN. */
struct finding *line_found_more(struct line *l, const char *test, double weight, double statistic,
				double p, double effect);
/* Names what a finding is about; more than FINDING_NAMED are left out. */
void finding_name(struct finding *f, struct span name, double was, double is);
/* Whether a finding is large enough to be one. */
int finding_counts(const struct finding *f, const struct drift_options *o);
/* Why a line has its verdict, in words. */
void line_reason(const struct line *l, struct buf *b);
void line_release(struct line *l);

#endif

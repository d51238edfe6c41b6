/* agree: how far a judge's verdicts agree with people's, and what the judge's verdicts elsewhere
 * are then worth.
 *
 * Verdicts are read from records as they come: true/false, pass/fail, yes/no, 1/0, a score, a
 * category as text, or an object with `pass`, `score` or `winner`. All values of a run must be of
 * one kind. White space around a word is no part of it; a text without anything else is no verdict, and
 * counted.
 */
#ifndef FT_JUDGE_AGREE_H
#define FT_JUDGE_AGREE_H

#include <stddef.h>
#include <stdint.h>
#include "../base/err.h"
#include "../json/path.h"
#include "../json/record.h"
#include "../stats/interval.h"

#define AGREE_RATERS 64

enum agree_kind { AGREE_UNKNOWN, AGREE_PASS, AGREE_SCORE, AGREE_CATEGORY };

struct agree {
	struct path *human, *pred;
	double level;
	uint64_t seed;
	/* what was read */
	enum agree_kind kind;
	/* numbers were met, ones that are neither 0 nor 1, truth values, words for pass or fail, and
	 * other words */
	int numbers, other_numbers, truths, pass_words, other_words;
	char **categories;
	size_t n_categories, categories_cap;
	double *judge; /* a row: NaN without a verdict */
	/* rows x raters once reading is done; while reading, one after the other with their ends */
	double *raters;
	size_t *ends;
	size_t n, rater_values, max_raters, judge_cap, raters_cap, ends_cap;
	size_t empty; /* labels of nothing but white space: no verdict */
	struct buf scratch, text;
};

/* pred NULL is `judge`. */
int agree_init(struct agree *a, const char *human, const char *pred, double level, uint64_t seed,
	       struct err *e);
void agree_release(struct agree *a);

/* Takes in a record. -1 for a verdict of another kind than those before, or none at all. A record
 * without either is counted. */
int agree_add(struct agree *a, const struct record *rec, struct err *e);

/* Every figure, once all records are read. What does not apply is NaN. */
struct agree_figures {
	size_t rows, n;		     /* records; rows with both verdicts */
	size_t unlabelled, unjudged; /* judged alone; labelled alone */
	size_t empty;		     /* texts without a word, people's and the judge's */
	size_t tied; /* rows whose raters were split evenly: no human verdict to compare with */
	size_t raters;
	struct interval agreement, kappa, tpr, tnr, precision, recall, pearson, spearman, kendall,
		alpha;
	struct interval human_agreement, human_kappa, human_alpha; /* between people: the ceiling */
	/* rate or mean of the unlabelled rows */
	struct interval raw, rogan_gladen, prediction_powered;
};
void agree_finish(struct agree *a, struct agree_figures *f);

/* A figure by its name in the output ("kappa", "human.kappa", "corrected.rogan_gladen"); -1 where
 * there is none. */
int agree_figure(const struct agree_figures *f, const char *name, struct interval *v);

/* The one line of ft-judge --agree, without newline; and the table. */
void agree_write(const struct agree *a, const struct agree_figures *f, struct buf *json);
void agree_table(const struct agree *a, const struct agree_figures *f, struct buf *text);

#endif

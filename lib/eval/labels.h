/* labels: answers as classes: the confusion matrix and what is read from it.
 *
 * The classes are the references that occur; every answer that is none of them counts as one class
 * more, "(other)", which has no reference of its own. Averages over classes leave it out.
 */
#ifndef FT_EVAL_LABELS_H
#define FT_EVAL_LABELS_H

#include <stddef.h>
#include <stdint.h>
#include "../base/map.h"
#include "../stats/interval.h"
#include "row.h"

#define LABELS_MAX 1000

/* A zeroed struct is empty and valid. */
struct labels {
	char **names;
	size_t n, cap;
	struct map by_name;
	uint64_t *pairs; /* expected << 32 | said, a row each: classes are only known at the end */
	size_t n_pairs, pairs_cap;
	char **said_names; /* every different answer */
	size_t n_said, said_cap;
	struct map by_said;
	size_t too_many; /* rows beyond LABELS_MAX different references */
};

void labels_release(struct labels *l);
/* Takes in a row with a reference (of several the first); others are passed over, and so are those
 * without an answer unless these are wrong: then they count as (other). */
void labels_add(struct labels *l, const struct row *r, int unanswered_is_wrong);

struct label_figures {
	size_t n;	    /* classes, without (other) */
	const char **names; /* n, sorted; borrowed from the labels */
	double *matrix;	    /* n rows (expected) x n + 1 columns (said, the last is other) */
	double *precision, *recall, *f1, *support; /* n */
	/* seeded bootstrap over rows, accuracy by Wilson */
	struct interval accuracy, macro_f1, weighted_f1, mcc;
};

void labels_figures(const struct labels *l, double level, uint64_t seed, struct label_figures *f);
void label_figures_release(struct label_figures *f);

#endif

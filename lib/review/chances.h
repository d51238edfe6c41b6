/* chances: the class probabilities of a row, in the forms in which programs write them.
 *
 *	{"billing": 0.9, "delivery": 0.1}
 *	[{"label": "billing", "score": 0.9}, ...]      or class, name; p, prob, probability, confidence
 *	[["billing", 0.9], ["delivery", 0.1]]
 *	{"labels": ["billing", "delivery"], "scores": [0.9, 0.1]}
 *
 * and a list of one of these. A number that is no probability is left out. What cannot be read is a
 * fault that the caller names.
 */
#ifndef FT_REVIEW_CHANCES_H
#define FT_REVIEW_CHANCES_H

#include "../base/buf.h"

enum chances_fault {
	CHANCES_FINE,
	CHANCES_PERCENT,    /* they add up to 100, are written with %, or are all beyond 1 */
	CHANCES_UNLABELLED, /* numbers without labels */
	CHANCES_NO_FORM,    /* something else than the above */
	CHANCES_NO_NUMBERS, /* none of them is a probability */
	CHANCES_FAULTS
};

struct chance {
	size_t name, name_n; /* within names */
	double p;	     /* 0 to 1 */
};

/* A zeroed struct is empty and valid, and may be read into again. */
struct chances {
	struct chance *v;
	size_t n, cap;
	struct buf names;
	struct buf scratch; /* private */
};

void chances_release(struct chances *c);
enum chances_fault chances_read(struct chances *c, struct span value);

struct span chances_name(const struct chances *c, size_t i);

/* The label in one form for all ways of writing it: case folded, without white space at its ends. */
void chances_fold(struct span label, struct buf *to);

/* The probability of the label, else of the one name that differs from it in case and white space
 * alone; NaN where there is none. */
double chances_of(const struct chances *c, struct span label);

#endif

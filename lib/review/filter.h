/* filter: what --apply, --pairs and --verdicts make of a row, as one. */
#ifndef FT_REVIEW_FILTER_H
#define FT_REVIEW_FILTER_H

#include "apply.h"
#include "verdicts.h"

enum filter_kind { FILTER_APPLY, FILTER_PAIRS, FILTER_VERDICTS };

struct filter {
	enum filter_kind kind;
	struct apply apply;
	struct verdicts verdicts;
	size_t written, refused;
};

/* j is borrowed. */
void filter_init(struct filter *f, enum filter_kind kind, struct journal *j);
void filter_release(struct filter *f);

/* Whether the row is written (line holds it then), 0 or 1, and *refused with the reason in e where it
 * could not be dealt with; -1 on trouble. */
int filter_row(struct filter *f, const struct record *r, struct buf *line, int *refused,
	       struct err *e);

/* What was done with so many rows, in words. */
void filter_summary(const struct filter *f, size_t rows, struct buf *text);

#endif

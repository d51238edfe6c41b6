/* report: the figures of a run as JSON Lines (ft-eval(1), OUTPUT) and as tables for people. All append to b. */
#ifndef FT_REPORT_H
#define FT_REPORT_H

#include "../base/table.h"
#include "board.h"
#include "compare.h"
#include "require.h"

/* A requirement as it was decided for one group. */
struct decided {
	const struct requirement *r;
	const struct group *g;
	struct interval value;
	enum verdict verdict;
};

/* One line each, with its newline. */
void report_group(const struct board *b, const struct group *g, struct buf *out);
void report_comparison(const struct board *b, const struct comparison *c, struct buf *out);
void report_decided(const struct board *b, const struct decided *d, struct buf *out);
/* One line for each pair on which the two differ: {"diff": "fixed"|"broken", "metric", "id", "sample", "a", "b", "scores": [x, y]}; fixed is what b
 * scores higher. */
void report_diff(const struct board *b, const struct comparison *c, struct buf *out);

/* The names of the by-values alone, {"model":"a","lang":"de"} as `a, de`; without groups `all`. */
void report_label(const struct group *g, struct buf *text);

/* Everything as tables, in that order. */
void report_tables(const struct board *b, const struct comparisons *c, const struct decided *d, size_t n_decided,
		   enum table_style style, struct buf *out);

#endif

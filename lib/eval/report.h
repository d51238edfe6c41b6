/* report: the figures of a run as JSON Lines (ft-eval(1), OUTPUT). All append to out. */
#ifndef FT_EVAL_REPORT_H
#define FT_EVAL_REPORT_H

#include "figures.h"

/* A line for each group, comparison and requirement. */
void eval_report(const struct figures *f, struct buf *out);
/* One line for each pair on which the two differ: {"diff": "fixed"|"broken", "metric", "id",
 * "sample", "a", "b", "scores": [x, y]}; fixed is what b scores higher. */
void report_diff(const struct board *b, const struct comparison *c, struct buf *out);

/* {"choose": "cheapest", "group"} where one is to be chosen, group null and a reason said where none
 * can be; and for each comparison on the first check {"break_even", "a", "b", "train_cost"}, unless
 * train_cost is NaN. */
void report_choice(const struct figures *f, double train_cost, struct buf *out,
		   void (*say)(const char *fmt, ...) __attribute__((format(printf, 1, 2))));

/* Says each thing that the figures alone do not say: answers cut off, rows that could not be
 * scored, fields that occur nowhere. several: groups are named. */
void report_remarks(const struct board *b, int several,
		    void (*say)(const char *fmt, ...) __attribute__((format(printf, 1, 2))));

#endif

/* report: a comparison as JSON Lines or as a table for people. */
#ifndef FT_DRIFT_REPORT_H
#define FT_DRIFT_REPORT_H

#include "../base/table.h"
#include "compare.h"
#include "estimate.h"

/* One window of a stream: its number from 1, rows first..last of the stream, the p that decided and
 * the p that alarms. */
struct window_report {
	uint64_t number, first, last;
	double p, threshold;
	int alarm;
	const struct line *line; /* that decided; NULL where nothing differed */
};
/* As a JSON object or a sentence, with its newline. */
void report_window(const struct window_report *r, const struct comparison *c, struct buf *b);
void report_window_text(const struct window_report *r, struct buf *b);

/* The paths, a row each: all with the reasons, or those of which there is more to say than that they
 * stand on one side only. Returns how many were left out. */
size_t report_paths(const struct comparison *c, int all, struct table *t);

/* The whole as JSON Lines: the paths, the estimate (NULL: none) and the summary. Or as text: a
 * table, then the reasons of what drifted, then the verdict and the estimate. */
void report_lines(const struct comparison *c, const struct drift_options *o,
		  const struct estimate *x, struct buf *b);
void report_table(const struct comparison *c, const struct drift_options *o,
		  const struct estimate *x, struct buf *b);

#endif

/* report: a comparison as JSON Lines or as a table for people. */
#ifndef FT_DRIFT_REPORT_H
#define FT_DRIFT_REPORT_H

#include "compare.h"

const char *verdict_name(enum verdict v);

/* Why a line has its verdict, in words. */
void report_reason(const struct line *l, struct buf *b);

/* One line's JSON object, appended without a newline. */
void report_line(const struct line *l, const struct comparison *c, struct buf *b);
/* The summary's. */
void report_summary(const struct comparison *c, const struct drift_options *o, struct buf *b);

/* One window of a stream: its number from 1, rows first..last of the stream, the p that decided and the p that alarms. */
struct window_report {
	uint64_t number, first, last;
	double p, threshold;
	int alarm;
	const struct line *line; /* that decided; NULL where nothing differed */
};
/* As a JSON object or a sentence, with its newline. */
void report_window(const struct window_report *r, const struct comparison *c, struct buf *b);
void report_window_text(const struct window_report *r, struct buf *b);

/* The whole as text: a table, then the reasons of what drifted, then the verdict. */
void report_table(const struct comparison *c, const struct drift_options *o, struct buf *b);

#endif

/* report: a comparison as JSON Lines or as a table for people. */
#ifndef FT_DRIFT_REPORT_H
#define FT_DRIFT_REPORT_H

#include "compare.h"

const char *verdict_name(enum verdict v);

/* One line's JSON object, appended without a newline. */
void report_line(const struct line *l, const struct comparison *c, struct buf *b);
/* The summary's. */
void report_summary(const struct comparison *c, const struct drift_options *o, struct buf *b);

/* The whole as text: a table, then the reasons of what drifted, then the verdict. */
void report_table(const struct comparison *c, const struct drift_options *o, struct buf *b);

#endif

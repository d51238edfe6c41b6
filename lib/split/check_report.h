/* check_report: the answers of a check as JSON Lines or as a table. Each returns the number of leaks
 * found. */
#ifndef FT_SPLIT_CHECK_REPORT_H
#define FT_SPLIT_CHECK_REPORT_H

#include "../base/table.h"
#include "check.h"

/* files: the names of train and test. */
int split_check_lines(const struct split_check *c, const struct split_check_options *o,
		      char **files, struct buf *b);
int split_check_table(const struct split_check *c, const struct split_check_options *o,
		      struct buf *b);

/* The answers, a row each, those that are not ok with their examples where wanted. */
void split_check_answers_table(const struct split_check *c, int examples, struct table *t);

/* How many answers are leaks, and how many warnings. */
int split_check_leaks(const struct split_check *c, int *warnings);
const char *split_check_verdict_name(const struct answer *a);

#endif

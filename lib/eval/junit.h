/* junit: verdicts as JUnit XML, which continuous integration reads. */
#ifndef FT_EVAL_JUNIT_H
#define FT_EVAL_JUNIT_H

#include "board.h"
#include "compare.h"
#include "report.h"

/* A suite of requirements (missed: a failure; inconclusive: an error), and for each comparison a
 * suite with the comparison itself (a failure where b is worse beyond doubt: the whole interval
 * below 0) and a failed case for each row that b broke. Appended. */
void eval_junit(const struct board *b, const struct comparisons *c, const struct decided *d,
		size_t n, struct buf *out);

#endif

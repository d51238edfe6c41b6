/* junit: verdicts as JUnit XML, which continuous integration reads. */
#ifndef FT_EVAL_JUNIT_H
#define FT_EVAL_JUNIT_H

#include "figures.h"

/* A suite of requirements (missed: a failure; inconclusive: an error), and for each comparison a
 * suite with the comparison itself (a failure where b is worse beyond doubt: the whole interval
 * below 0) and a failed case for each row that b broke. Appended. */
void eval_junit(const struct figures *f, struct buf *out);

#endif

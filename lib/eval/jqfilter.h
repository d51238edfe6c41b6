/* jqfilter: jq expressions over records, all of them decided by one jq process that lives as long
 * as the run.
 *
 * jq gets each record's line and answers with one line of values. `input`, `inputs`, `halt` and
 * `halt_error` are replaced by errors, for they would put answers out of step. jq 1.6 rounds
 * integers beyond 2^53 and reads at most 256 levels of nesting: a record that it cannot read, or
 * that it does not get through in time and in 2 GiB of address space, is unscored with the reason,
 * and jq is begun anew for the others.
 */
#ifndef FT_EVAL_JQFILTER_H
#define FT_EVAL_JQFILTER_H

#include <stddef.h>
#include "../base/buf.h"
#include "../base/err.h"

struct jqfilter;

/* Starts jq ($FT_JQ, else jq on PATH) with n expressions. timeout: seconds in which it must get on
 * with a record. stopping (may be NULL) is asked when a signal arrives. A faulty expression shows here or at the first jqfilter_score. */
struct jqfilter *jqfilter_start(const char *const *expressions, size_t n, double timeout,
				int (*stopping)(void), struct err *e);

/* Each line ends in a newline. values[i * n + j] for line i and expression j: true is 1; false,
 * null and no result are 0; a number from 0 to 1 stands for itself; anything else is NaN and why
 * says so (static text, or the text of jq's error, which lives until the next call). Of several
 * results the first counts. */
int jqfilter_score(struct jqfilter *q, const struct span *lines, size_t n_lines, double *values,
		   const char **why, struct err *e);

/* Ends jq and frees q (may be NULL). */
void jqfilter_free(struct jqfilter *q);

#endif

/* command: a shell command that decides about each record, several at a time.
 *
 * The command gets the record on its standard input. Status 0 is a pass, 1 to 125 a fail; a command
 * that could not run (126, 127), was ended by a signal or did not end in time says nothing. What it
 * writes to standard output is discarded.
 */
#ifndef FT_EVAL_COMMAND_H
#define FT_EVAL_COMMAND_H

#include <stddef.h>
#include "../base/buf.h"
#include "../base/err.h"

struct command_options {
	int jobs;	       /* at a time, >= 1 */
	double timeout;	       /* seconds each */
	int (*stopping)(void); /* may be NULL */
};

/* values[i] for lines[i]: 1, 0, or NaN with why[i] (static text). -1 where no process can be made
 * or the run was stopped. */
int command_score(const char *command, const struct span *lines, size_t n,
		  const struct command_options *o, double *values, const char **why, struct err *e);

#endif

/* outside: an evaluation by other programs (ft-prompt | ft-eval) inside the training loop.
 */
#ifndef FT_TRAIN_OUTSIDE_H
#define FT_TRAIN_OUTSIDE_H

#include <stdint.h>
#include "../base/buf.h"
#include "../base/err.h"
#include "../json/path.h"

struct outside {
	const char *command;	 /* of the shell */
	const struct path *best; /* where in its output the deciding number stands; NULL: none */
};

/* The path in PATH or PATH:min; *least says whether it was the latter. NULL after an error. */
struct path *outside_best(const char *text, int *least, struct err *e);

/* Runs the command with FT_MODEL, FT_ADAPTER (empty: none) and FT_STEP in the environment, which
 * stays so. Its output's JSON objects, one a line, are appended to json as an array; other lines
 * are passed over. *score gets the first number at best, or NaN. Exit statuses 0, 1, 3 and 4 are
 * answers; any other one is an error, as is an output without the number that decides. */
int outside_run(const struct outside *o, const char *model, const char *adapter, uint64_t step,
		struct buf *json, double *score, struct err *e);

#endif

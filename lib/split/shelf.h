/* shelf: DIR/train.jsonl, valid.jsonl and test.jsonl, written all or none: temporaries beside them,
 * all synced before the first takes its name.
 */
#ifndef FT_SPLIT_SHELF_H
#define FT_SPLIT_SHELF_H

#include "../base/file.h"
#include "sides.h"

struct shelf {
	const char *dir; /* borrowed */
	struct file_new file[SIDES];
	int open[SIDES];
	size_t rows[SIDES];
};

/* Begins a file for each side that `wanted` marks. Where another side's file stands in dir from an
 * earlier run, that is an error: left there, its rows could be in train now. */
int shelf_open(struct shelf *s, const char *dir, const int wanted[SIDES], struct err *e);
/* The line and a newline. A side that was not wanted is begun now. */
int shelf_put(struct shelf *s, enum side side, struct span line, struct err *e);
int shelf_commit(struct shelf *s, struct err *e);
void shelf_abort(struct shelf *s); /* harmless after commit */

#endif

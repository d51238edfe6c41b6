/* shelf: DIR/train.jsonl, valid.jsonl and test.jsonl, written all or none, by one process at a time.
 *
 * The files are complete and synced before anything changes in DIR. Where it can be, DIR is then
 * exchanged for a directory that holds them (dirswap): after a kill at any moment it holds the old
 * set or the new one. Elsewhere each takes its name in turn; a note of what stood there before, and
 * the old files under names of their own, are left until all have, so that a rename that fails is
 * undone at once, and a kill by the next run in DIR.
 */
#ifndef FT_SPLIT_SHELF_H
#define FT_SPLIT_SHELF_H

#include "../base/dirswap.h"
#include "../base/file.h"
#include "sides.h"

struct shelf {
	const char *dir; /* borrowed */
	int lock;
	struct dirswap swap;
	int swaps; /* the files are made in swap.next */
	struct file_new file[SIDES];
	int open[SIDES];
	size_t rows[SIDES];
};

/* Makes and locks the directory, undoes what a killed run left half done, and begins a file for each
 * side that `wanted` marks. Where another side's file stands in dir from an earlier run, commit
 * fails: left there, its rows could be in train now. */
int shelf_open(struct shelf *s, const char *dir, const int wanted[SIDES], struct err *e);
/* The line and a newline. A side that was not wanted is begun now. */
int shelf_put(struct shelf *s, enum side side, struct span line, struct err *e);
int shelf_commit(struct shelf *s, struct err *e);
void shelf_abort(struct shelf *s); /* harmless after commit, and on a zeroed one */

#endif

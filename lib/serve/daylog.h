/* daylog: records into a file a day, DIR/YYYY-MM-DD.jsonl (UTC, mode 0600), or onto one stream.
 *
 * A line is written with one write(2) at once and is whole or absent: what a full disk cut is taken
 * back, and what a kill -9 cut is taken away when the file is opened next. Files that went away are
 * made again. Several processes may write to one directory. The stream (standard output) is never
 * waited for: lines go through a queue, and are lost, and counted, once that is full.
 */
#ifndef FT_SERVE_DAYLOG_H
#define FT_SERVE_DAYLOG_H

#include <stddef.h>
#include <time.h>
#include "../base/buf.h"
#include "../base/err.h"

struct daylog;

/* dir: made where it is missing; NULL: the descriptor fd is the stream. keep: days after which files
 * are removed, 0: never. NULL with the reason. */
struct daylog *daylog_open(const char *dir, int fd, long keep, struct err *e);
void daylog_free(struct daylog *l);

/* Writes the line, a newline added, into the file of the day `now`. -1 with the reason where it could
 * not be (or, on a stream, will not be). */
int daylog_write(struct daylog *l, struct span line, time_t now, struct err *e);

/* A descriptor to wait for until it can be written to, or -1 where nothing waits; then daylog_flush
 * goes on. It returns how many bytes still wait. */
int daylog_waits(const struct daylog *l);
size_t daylog_flush(struct daylog *l);

/* Lines that were taken and then lost after all (a reader that went away), since the last time it was
 * asked. */
size_t daylog_lost(struct daylog *l);

/* Removes files that are too old; to be called now and then. */
void daylog_sweep(struct daylog *l, time_t now);

#endif

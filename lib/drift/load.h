/* load: files of records into a frame, in threads.
 *
 * Lines are dealt to LOAD_PARTS frames by their number, in runs of LOAD_RUN, whatever the number of
 * threads; the parts are merged in order. So the frame is the same with any number of threads. A
 * row's number counts lines that are not empty, bad ones too.
 */
#ifndef FT_DRIFT_LOAD_H
#define FT_DRIFT_LOAD_H

#include "../base/pool.h"
#include "../json/reader.h"
#include "frame.h"

#define LOAD_PARTS 8
#define LOAD_RUN 256

struct load {
	struct reader *reader; /* of the files, nothing read yet; counts the lines skipped */
	struct pool *pool;     /* may be NULL */
	void *arg; /* of all that follow; each may be NULL, and is called from the caller's thread
		      only, in the order of the lines */
	/* sets what a frame is told before its first record */
	void (*prepare)(void *arg, struct frame *f);
	void (*line)(void *arg, struct span line); /* each record's line */
	void (*progress)(void *arg, uint64_t rows);
};

/* Fills and finishes f, which need not be initialised. On failure, the caller still releases f. */
int load_frame(struct frame *f, const struct load *how, struct err *e);
/* The same; where the files are profiles, the sum of them. A mixture is refused. */
int load_any(struct frame *f, const struct load *how, struct err *e);

#endif

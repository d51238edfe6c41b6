/* watch: windows over a stream, one after the other: the reference's rows teach what chance does,
 * then each full window is judged and told of.
 *
 *	watch_reference() for each of the reference's lines; watch_open(); watch_add() for each line
 *	of the stream and, where that says so, watch_judge(); watch_release()
 */
#ifndef FT_DRIFT_WATCH_H
#define FT_DRIFT_WATCH_H

#include "../base/opt.h"
#include "window.h"

/* Set what is marked (in), which is borrowed; the rest is zeroed. */
struct watch {
	/* (in) rows of a window, in .n; .options.draws is set to what its threshold needs */
	struct window_calibration how;
	const struct opt *given;       /* (in) a state of other options than these is refused */
	const struct frame *reference; /* (in) */
	double ert;		       /* (in) */
	struct window_pool rows;       /* of the reference */
	struct window_state state;     /* (in) its path, and -1 for what is not open */
	double threshold;	       /* p that alarms */
};

void watch_reference(struct watch *w, struct span line);
/* Takes up the state that was kept, or learns from the reference, which takes its time: learning is
 * called first, unless it is NULL. */
int watch_open(struct watch *w, void (*learning)(const struct watch *w), struct err *e);
/* 1 where the open window is full: it has to be judged before the next is added. */
int watch_full(const struct watch *w);
int watch_add(struct watch *w, struct span line, struct err *e);
/* Appends the verdict on the full window, as a sentence or as JSON. */
int watch_judge(struct watch *w, int sentence, struct buf *out, int *alarm, struct err *e);
/* The verdict was read: begins the next window. */
int watch_next(struct watch *w, int alarm, struct err *e);
void watch_release(struct watch *w);

#endif

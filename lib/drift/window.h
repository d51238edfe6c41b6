/* window: a stream of current records, judged in windows of a fixed number of rows, with alarms as
 * rare as asked for.
 *
 * The smallest p-value of a window's tests decides. How it behaves without drift is measured, not
 * assumed: the reference is split again and again, windows drawn from a part that is held out are
 * compared with the rest (nearly all of it where it is small, so that they meet what the stream's
 * windows will), and from their smallest p-values the number of independent tests is estimated that would
 * give the same lower half (their -log(1 - p) are exponential with that rate; a censored
 * maximum-likelihood fit). The threshold is then the p at which an alarm comes once in `ert` rows
 * on average. The p-values are measured whatever their effects are; that a window alarms only where
 * the effect reaches the floor makes alarms of large windows rarer still.
 */
#ifndef FT_DRIFT_WINDOW_H
#define FT_DRIFT_WINDOW_H

#include "../base/pool.h"
#include "compare.h"

#define WINDOW_CALIBRATION 200 /* windows drawn */
#define WINDOW_ROWS 6000       /* reference rows kept for it */

/* Whole records of the reference, a uniform sample of at most WINDOW_ROWS; zeroed is empty. */
struct window_pool {
	char **line;
	uint64_t *priority;
	size_t n, cap, seen;
};

void window_pool_add(struct window_pool *p, struct span line, uint64_t seed);
void window_pool_release(struct window_pool *p);

/* Prepares a frame that is zeroed otherwise (paths, time, seed). */
typedef void window_prepare(void *arg, struct frame *f);

/* How windows are drawn from the reference. */
struct window_calibration {
	const struct window_pool *rows;
	size_t n; /* rows of a window */
	struct drift_options *options;
	window_prepare *prepare;
	void *arg;	       /* of prepare, which threads call */
	struct pool *pool;     /* of threads; may be NULL */
	int (*stopping)(void); /* gives up where it returns non-zero; may be NULL */
};

/* *tests: the effective number of independent tests of a window, whatever the number of threads. -1
 * where there are fewer than 3 * n rows. */
int window_calibrate(const struct window_calibration *how, double *tests, struct err *e);

/* The p at or below which a window of `rows` rows alarms, so that it happens once in ert rows. */
double window_threshold(double tests, size_t rows, double ert);

/* The smallest p of a comparison among effects that count, and its line; 1 and NULL where there is
 * none. */
double window_least_p(const struct comparison *c, const struct drift_options *o,
		      const struct line **line);

/* --- the state between runs --- */

/* What a restart needs: how far the stream is, the calibration, and the rows of the window that is
 * not full yet. The file is a header object, then those rows as they came: rows are appended as
 * they are read, and the file is written anew, atomically, when a window closes. A kill at any
 * moment loses at most the row being written. */
struct window_state {
	const char *path;     /* NULL: nothing is kept between runs */
	uint64_t fingerprint; /* of reference and options; a state of others is refused */
	uint64_t windows, rows, alarms;
	double tests;	    /* effective; 0 before calibration */
	struct buf pending; /* lines of the open window, each with its newline */
	size_t pending_n;
	int fd;	  /* -1 until opened */
	int lock; /* of `path`.lock; -1 where there is none */
};

/* Locks the state before it is read: one that another process has open is refused. */
int window_state_load(struct window_state *s, struct err *e);
int window_state_add(struct window_state *s, struct span line, struct err *e);
/* Writes the file anew: after a change of `tests`. */
int window_state_save(struct window_state *s, struct err *e);
/* Compares the rows of the open window with the reference; the caller releases *c. The
 * columns of the window are gone then: the lines' `current` only tells whether there was one. */
int window_compare(const struct window_state *s, const struct frame *reference,
		   const struct drift_options *o, window_prepare *prepare, void *arg,
		   struct comparison *c, struct err *e);
/* The window is judged: begins the next. */
int window_state_close(struct window_state *s, struct err *e);
void window_state_release(struct window_state *s);

#endif

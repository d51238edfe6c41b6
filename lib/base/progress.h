/* progress: one line on standard error, rewritten in place, only when that is a terminal and the
 * work takes longer than half a second. */
#ifndef FT_BASE_PROGRESS_H
#define FT_BASE_PROGRESS_H

struct progress {
	const char *what; /* "rows", borrowed */
	double total;	  /* 0 where unknown; may be set anew before each progress_set */
	int about;	  /* total is an estimate */
	double done;
	double started, last; /* seconds, monotonic */
	int on;
};

/* quiet hides it, as does a standard error that is no terminal. */
void progress_begin(struct progress *p, const char *what, double total, int quiet);
/* Draws at most ten times a second: bar, share, rate, time left, then note (may be NULL). */
void progress_set(struct progress *p, double done, const char *note);
/* Clears the line until the next progress_set, so that something else can be written where both go
 * to one terminal. */
void progress_clear(struct progress *p);
/* Clears the line for good. */
void progress_end(struct progress *p);

/* Seconds on the monotonic clock. */
double progress_clock(void);
/* Seconds to the millisecond, as durations of work are told; NaN stays. */
double progress_milli(double seconds);

#endif

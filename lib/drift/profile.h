/* profile: a frame as a file, and two frames made one.
 *
 * A profile is JSON Lines: a header, one object for each column, and a last line that tells that nothing is missing. Rows, kinds,
 * years and strings are counted exactly, and add up exactly, up to COLUMN_LEVELS distinct strings a path; beyond that strings
 * that came late count as others. Values of numbers and texts, and what hangs on them (KS, lags, words), come from a uniform
 * sample of sample_max rows: a distribution function read from n of them is off by more than sqrt(log(200)/2/n) in one case of 100
 * (Dvoretzky, Kiefer and Wolfowitz): 0.012 for 20,000. The sample of a merger is a uniform sample of all rows.
 */
#ifndef FT_PROFILE_H
#define FT_PROFILE_H

#include "frame.h"

#define PROFILE_VERSION 1
#define PROFILE_MAX ((size_t)4 << 30) /* bytes read */

/* Appends the profile of a finished frame, line by line, through put. */
void profile_write(const struct frame *f, void (*put)(void *arg, const char *line, size_t n), void *arg);

/* 1 where a regular file begins like a profile, 0 where it does not or cannot be read. */
int profile_is(const char *file);

/* Reads a profile into f, which was initialised and nothing else. */
int profile_read(const char *file, struct frame *f, struct err *e);

/* Adds from to into. Both were taken with the same sample size and seed, or it is an error. */
int profile_merge(struct frame *into, const struct frame *from, struct err *e);

#endif

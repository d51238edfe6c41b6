/* profile: a frame as a file, and two frames made one.
 *
 * A profile is JSON Lines: a header, one object for each column, and a last line that tells that
 * nothing is missing. What merges exactly: rows, kinds, years, months, numbers of distinct strings,
 * and counts of strings up to COLUMN_LEVELS of them a path. With a stated error: counts of strings
 * beyond that, too low by at most the number of strings over COLUMN_LEVELS + 1 (the profile says by
 * how much); the distribution of numbers, off by at most QUANTILES_ERROR. What texts and lags are
 * tested on is a uniform sample of sample_max rows, and the sample of a merger is one of all rows:
 * a distribution function read from n of them is off by more than sqrt(log(200)/2/n) in one case of
 * 100 (Dvoretzky, Kiefer and Wolfowitz): 0.012 for 20,000.
 */
#ifndef FT_DRIFT_PROFILE_H
#define FT_DRIFT_PROFILE_H

#include "frame.h"

#define PROFILE_VERSION 2
#define PROFILE_MAX ((size_t)4 << 30) /* bytes read */

/* Appends the profile of a finished frame, line by line, through put. */
void drift_profile_write(const struct frame *f, void (*put)(void *arg, const char *line, size_t n),
			 void *arg);

/* 1 where a regular file begins like a profile, 0 where it does not or cannot be read. */
int drift_profile_is(const char *file);

int drift_profile_begins(struct span line);

/* Reads a profile into f, which was initialised and nothing else. */
int drift_profile_read(const char *file, struct frame *f, struct err *e);

/* Adds from to into. Both were taken with the same sample size and seed, or it is an error. */
int drift_profile_merge(struct frame *into, const struct frame *from, struct err *e);

#endif

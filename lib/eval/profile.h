/* profile: a group's distributions as one JSON line, so that shards of the data can be summarised apart and put together.
 *
 * Merging profiles of shards gives the board of the whole bit for bit, in whatever order they are merged, but for which unscored row is named.
 */
#ifndef FT_PROFILE_H
#define FT_PROFILE_H

#include "../json/record.h"
#include "board.h"

/* The line of a group, with its newline. Nothing that needs rows (pairs, clusters, classes) is in it. */
void profile_write(const struct board *b, const struct group *g, struct buf *out);

/* The checks that a profile was made with: names, and whether they have fields. The caller releases each and frees the array. */
int profile_checks(const struct record *r, struct check **checks, size_t *n, struct err *e);

/* Adds a profile to the board, whose checks must be those of the profile. */
int profile_read(struct board *b, const struct record *r, struct err *e);

#endif

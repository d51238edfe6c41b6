/* profile: a group's distributions as one JSON line, so that shards of the data can be summarised
 * apart and put together.
 *
 * Merging profiles of shards gives the board of the whole bit for bit, in whatever order they are
 * merged, but for which unscored row is named.
 */
#ifndef FT_EVAL_PROFILE_H
#define FT_EVAL_PROFILE_H

#include "../json/reader.h"
#include "board.h"

/* The line of a group, with its newline. Nothing that needs rows (pairs, clusters, classes) is in
 * it. */
void eval_profile_write(const struct board *b, const struct group *g, struct buf *out);

/* -1 where the rows, or this many pair rows beside them, are such that a profile cannot hold them: it
 * would be merged into other figures than those of the whole. */
int eval_profile_may(const struct board *b, size_t pairs, struct err *e);

/* Reads profiles to the end of the input into a board without groups, whose checks become those of
 * the profiles: *checks, for check_release_all. */
int eval_profile_read_all(struct board *b, struct reader *r, struct check **checks, struct err *e);

#endif

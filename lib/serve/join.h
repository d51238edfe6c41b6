/* join: feedback put beside the calls that it is about.
 *
 * Feedback is a record of its own, with the id of its call (ft-serve(1)). Where there is more than
 * one, the latest that has a member counts for that member. What was said of an answer goes to the
 * answer that the client got, not to its shadow's; the ideal goes to both, which were asked the same.
 */
#ifndef FT_SERVE_JOIN_H
#define FT_SERVE_JOIN_H

#include "../base/map.h"
#include "../json/record.h"

struct join_said;

/* A zeroed struct is valid. */
struct join {
	struct join_said *said;
	size_t n, cap;
	struct map by_id;
};

void join_release(struct join *j);

/* Whether r is feedback. */
int join_is_feedback(const struct record *r);

/* Takes feedback in. -1 where it has no id. */
int join_take(struct join *j, const struct record *r, struct err *e);

/* Appends a call's line with what was said of it; without a newline. */
int join_put(struct join *j, const struct record *r, struct buf *out, struct err *e);

/* Of those that were taken in, how many are about no call that was put. */
size_t join_left(const struct join *j);

#endif

/* sides: train, valid and test, their shares, and the side that a hash falls on.
 *
 * lib/split decides which record belongs to which side and finds out whether a division can be
 * trusted; what it shares with other programs (near-duplicates, hashes) stands in lib/text.
 *
 * The unit interval is laid out test, valid, train. So a row in test stays there when the test
 * share grows, and only rows next to a moved boundary change sides when the shares change.
 */
#ifndef FT_SPLIT_SIDES_H
#define FT_SPLIT_SIDES_H

#include <stdint.h>
#include "../base/buf.h"
#include "../base/err.h"
#include "../json/side.h"

struct sides {
	double share[SIDES]; /* each >= 0, sum 1 */
	char text[64];	     /* as given */
};

/* "80:10:10" is train, valid, test; "80:20" is train and test. Any weights that are not negative,
 * train's above 0. */
int sides_parse(struct sides *s, const char *text, struct err *e);

/* How many sides have a share. */
int sides_count(const struct sides *s);

/* The side for a hash that is uniform over 64 bits. */
enum side sides_of(const struct sides *s, uint64_t hash);

#endif

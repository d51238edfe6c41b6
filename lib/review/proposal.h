/* proposal: references that stand elsewhere already, each to be taken by its number: another reviewer's
 * (in an adjudication), a model's answer, likely labels, those of rows nearly the same.
 */
#ifndef FT_REVIEW_PROPOSAL_H
#define FT_REVIEW_PROPOSAL_H

#include "desk.h"

#define PROPOSALS 9	    /* as many as there are digits */
#define PROPOSAL_LONG 20000 /* bytes; longer ones are not proposed */

struct proposal {
	char *text, *from; /* the reference; whose it is, in words */
};

struct proposals {
	struct proposal v[PROPOSALS];
	size_t n;
};

void proposals_find(struct desk *d, size_t row, struct proposals *p);
void proposals_release(struct proposals *p);

#endif

/* summary: what a split has to say of itself, one line for each thing. */
#ifndef FT_SPLIT_SUMMARY_H
#define FT_SPLIT_SUMMARY_H

#include "plan.h"

struct tally_up {
	struct plan *plan; /* settled, or streamed */
	size_t rows, count[SIDES];
	size_t already;	 /* rows that came with a side */
	size_t left_out; /* rows in the gap before `after` */
	const char *after;
};

/* Appends lines, each with its newline. Quiet leaves only what the user must know. */
void summary_text(const struct tally_up *t, int quiet, struct buf *b);

#endif

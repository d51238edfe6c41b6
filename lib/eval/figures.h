/* figures: what a run found, as every form of the report takes it: JSON Lines (report), tables for
 * terminals and Markdown (tables), the page (page) and JUnit (junit). */
#ifndef FT_EVAL_FIGURES_H
#define FT_EVAL_FIGURES_H

#include "board.h"
#include "compare.h"
#include "decide.h"
#include "duels.h"

struct figures {
	const struct board *board; /* borrowed, as duels and advice are */
	struct comparisons comparisons;
	struct decided *decided;
	size_t decided_n;
	const struct duels *duels;
	const char *advice; /* may be NULL */
	int choose; /* one group is to be chosen among those that meet all that is required */
};

#endif

/* page: an evaluation as one HTML file: figures with plots, comparisons, confusion matrices, and
 * the rows themselves side by side. */
#ifndef FT_EVAL_PAGE_H
#define FT_EVAL_PAGE_H

#include "board.h"
#include "compare.h"
#include "duels.h"
#include "report.h"

/* The board must have kept its rows and their lines. At most rows_most rows are shown, the worst
 * first. advice may be NULL. Appended. */
void page_write(const struct board *b, const struct comparisons *c, const struct decided *d,
		size_t n_decided, const struct duels *duels, const char *advice, size_t rows_most,
		struct buf *out);

#endif

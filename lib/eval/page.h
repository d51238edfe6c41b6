/* page: an evaluation as one HTML file: figures with plots, comparisons, confusion matrices, and
 * the rows themselves side by side. */
#ifndef FT_EVAL_PAGE_H
#define FT_EVAL_PAGE_H

#include "figures.h"

/* What the page is of; files end with NULL, and baseline is NULL where no run is compared with. */
struct page_of {
	const char *command;
	char *const *files;
	const char *baseline;
	size_t rows_most; /* that are shown, the worst first */
};

/* The board must have kept its rows and their lines. Appended. */
void page_write(const struct figures *f, const struct page_of *of, struct buf *out);

#endif

/* page: an evaluation as one HTML file: figures with plots, comparisons, confusion matrices, and
 * the rows themselves side by side. */
#ifndef FT_EVAL_PAGE_H
#define FT_EVAL_PAGE_H

#include "figures.h"

/* The board must have kept its rows and their lines. At most rows_most rows are shown, the worst
 * first. Appended. */
void page_write(const struct figures *f, size_t rows_most, struct buf *out);

#endif

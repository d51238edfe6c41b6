/* table: a table for people, aligned by what characters take up on a terminal, or as Markdown.
 *
 *	struct table t = {0};
 *	table_cell(&t, "model"); table_right(&t, "exact"); table_row(&t);	heads say how a column is aligned
 *	table_cell(&t, "a");     table_cell(&t, "0.91");   table_row(&t);
 *	table_write(&t, TABLE_PLAIN, &buf); table_release(&t);
 *
 * The first row is the head. Short rows are filled with empty cells. Control characters in cells
 * become spaces.
 */
#ifndef FT_BASE_TABLE_H
#define FT_BASE_TABLE_H

#include <stddef.h>
#include "buf.h"

enum table_style { TABLE_PLAIN, TABLE_MARKDOWN };

struct table {
	char **cells; /* row after row */
	size_t n, cap;
	size_t *ends; /* where each row ends in cells */
	size_t rows, rows_cap;
	unsigned long long right; /* bit i: column i is aligned to the right (first 64 columns) */
};

void table_cell(struct table *t, const char *text);
void table_cellf(struct table *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* a head whose column is aligned to the right */
void table_right(struct table *t, const char *text);
void table_row(struct table *t);						/* ends the row */
void table_write(const struct table *t, enum table_style style, struct buf *b); /* appended */
void table_release(struct table *t);

#endif

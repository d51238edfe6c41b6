/* table: a table for people, described once: aligned by what characters take up on a terminal and
 * fitted to its width, or as Markdown; web/html writes the same as HTML.
 *
 *	struct table t = {0};
 *	table_head(&t, "model|>exact|%g%% interval", 95.0);
 *	table_cell(&t, "a"); table_figure(&t, "%.2f", 0.91, 0.85, 0.96);	row after row
 *	table_write(&t, TABLE_PLAIN, out_columns(), &buf); table_release(&t);
 *
 * Control characters in cells become spaces. What is not known (NaN) is `-`.
 */
#ifndef FT_BASE_TABLE_H
#define FT_BASE_TABLE_H

#include <stddef.h>
#include <stdint.h>
#include "buf.h"

enum table_style { TABLE_PLAIN, TABLE_MARKDOWN };

#define TABLE_COLUMNS 16
#define TABLE_NAME 100

struct table_cell {
	char *text;	   /* its lines, with newlines between */
	const char *class; /* of the page's element; NULL: none */
};

struct table {
	struct table_cell *cells; /* row after row, the head first */
	size_t n, cap, columns;
	int right[TABLE_COLUMNS]; /* aligned to the right */
};

/* Heads with bars between, at most TABLE_COLUMNS; one that begins with `>` has its column aligned to
 * the right. */
void table_head(struct table *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void table_cell(struct table *t, const char *text);
void table_name(struct table *t, const char *text); /* at most TABLE_NAME columns of it */
void table_cellf(struct table *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void table_count(struct table *t, uint64_t n);
void table_real(struct table *t, const char *fmt, double x);
/* A p-value to four places, or as below .0001. */
void table_p(struct table *t, double p);
/* Two cells: the value, and `lo .. hi`. */
void table_figure(struct table *t, const char *fmt, double value, double lo, double hi);
/* For the last cell: a line more, and its class, which is borrowed. */
void table_line(struct table *t, const char *text);
void table_class(struct table *t, const char *class);
/* A cell with a verdict, which begins with its word: its class is the word's. */
void table_verdict(struct table *t, const char *text);
/* "good", "warn" or "bad" for the verdicts of all programs; NULL for other words. */
const char *table_verdict_class(const char *text);
size_t table_rows(const struct table *t); /* without the head */
/* Appended. A plain table that is wider than width (0: no limit) has its texts wrapped at words, or
 * else its rows folded between columns. */
void table_write(const struct table *t, enum table_style style, size_t width, struct buf *b);
void table_release(struct table *t);

#endif

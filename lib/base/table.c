/* table: cells kept until all widths are known. See table.h. */
#include "table.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "mem.h"
#include "out.h"

void table_cell(struct table *t, const char *text)
{
	char *copy = mem_strdup(text);

	for (char *p = copy; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 127)
			*p = ' ';
	t->cells = mem_grow(t->cells, &t->cap, t->n + 1, sizeof *t->cells);
	t->cells[t->n++] = copy;
}

void table_cellf(struct table *t, const char *fmt, ...)
{
	struct buf b = BUF_INIT;
	va_list ap;
	char small[512];

	va_start(ap, fmt);
	vsnprintf(small, sizeof small, fmt, ap);
	va_end(ap);
	buf_adds(&b, small);
	table_cell(t, b.data);
	buf_release(&b);
}

void table_right(struct table *t, const char *text)
{
	size_t column = t->n - (t->rows > 0 ? t->ends[t->rows - 1] : 0);

	if (column < 64)
		t->right |= 1ull << column;
	table_cell(t, text);
}

void table_row(struct table *t)
{
	t->ends = mem_grow(t->ends, &t->rows_cap, t->rows + 1, sizeof *t->ends);
	t->ends[t->rows++] = t->n;
}

static size_t row_start(const struct table *t, size_t r)
{
	return r > 0 ? t->ends[r - 1] : 0;
}

static void pad(struct buf *b, size_t n, char c)
{
	while (n-- > 0)
		buf_addc(b, c);
}

/* In Markdown a bar would end the cell. */
static void put(struct buf *b, const char *s, enum table_style style)
{
	for (; *s; s++) {
		if (style == TABLE_MARKDOWN && *s == '|')
			buf_addc(b, '\\');
		buf_addc(b, *s);
	}
}

static size_t width_of(const char *s, enum table_style style)
{
	size_t w = out_width(s, strlen(s));

	for (; style == TABLE_MARKDOWN && *s; s++)
		w += *s == '|';
	return w;
}

void table_write(const struct table *t, enum table_style style, struct buf *b)
{
	size_t columns = 0, *width;

	for (size_t r = 0; r < t->rows; r++)
		if (t->ends[r] - row_start(t, r) > columns)
			columns = t->ends[r] - row_start(t, r);
	width = mem_alloc(columns, sizeof *width);
	for (size_t r = 0; r < t->rows; r++)
		for (size_t i = row_start(t, r), c = 0; i < t->ends[r]; i++, c++) {
			size_t w = width_of(t->cells[i], style);

			if (w > width[c])
				width[c] = w;
		}
	for (size_t r = 0; r < t->rows; r++) {
		size_t start = row_start(t, r);

		for (size_t c = 0; c < columns; c++) {
			const char *s = start + c < t->ends[r] ? t->cells[start + c] : "";
			size_t gap = width[c] - width_of(s, style);
			int right = c < 64 && (t->right >> c & 1);

			buf_adds(b, style == TABLE_MARKDOWN ? (c > 0 ? " | " : "| ")
				    : c > 0		    ? "  "
							    : "");
			if (right)
				pad(b, gap, ' ');
			put(b, s, style);
			if (!right && (style == TABLE_MARKDOWN || c + 1 < columns))
				pad(b, gap, ' ');
		}
		buf_adds(b, style == TABLE_MARKDOWN ? " |\n" : "\n");
		if (style == TABLE_MARKDOWN && r == 0) {
			for (size_t c = 0; c < columns; c++) {
				int right = c < 64 && (t->right >> c & 1);

				buf_addc(b, '|');
				pad(b, width[c] + (right ? 1 : 2), '-');
				if (right)
					buf_addc(b, ':');
			}
			buf_adds(b, "|\n");
		}
	}
	free(width);
}

void table_release(struct table *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->cells[i]);
	free(t->cells);
	free(t->ends);
	memset(t, 0, sizeof *t);
}

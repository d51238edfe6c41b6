/* table: cells kept until all widths are known. See table.h. */
#include "table.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "mem.h"
#include "out.h"
#include "visible.h"

enum {
	GAP = 2,
	INDENT = 4,	/* of what is folded below */
	TEXT_LEAST = 20 /* texts are not wrapped narrower to save a row from being folded */
};

/* A copy on one line, whatever it quotes. */
static char *one_line(const char *text)
{
	struct buf b = BUF_INIT;

	visible_put(&b, span_of(text), "\n\t");
	for (char *s = b.data; s && *s; s++)
		if (*s == '\n' || *s == '\t')
			*s = ' ';
	return b.data ? buf_detach(&b, NULL) : mem_strdup("");
}

void table_cell(struct table *t, const char *text)
{
	t->cells = mem_grow(t->cells, &t->cap, t->n + 1, sizeof *t->cells);
	t->cells[t->n++] = (struct table_cell){.text = one_line(text)};
}

void table_name(struct table *t, const char *text)
{
	size_t n = 0, w = 0;

	for (size_t k; text[n]; n += k) {
		for (k = 1; ((unsigned char)text[n + k] & 0xc0) == 0x80;)
			k++;
		if ((w += out_width(text + n, k)) > TABLE_NAME)
			break;
	}
	table_cellf(t, "%.*s", (int)n, text);
}

void table_cellf(struct table *t, const char *fmt, ...)
{
	va_list ap;
	char small[512];

	va_start(ap, fmt);
	vsnprintf(small, sizeof small, fmt, ap);
	va_end(ap);
	table_cell(t, small);
}

void table_head(struct table *t, const char *fmt, ...)
{
	va_list ap;
	char heads[512], *head = heads;

	va_start(ap, fmt);
	vsnprintf(heads, sizeof heads, fmt, ap);
	va_end(ap);
	for (int more = 1; more && t->columns < TABLE_COLUMNS; t->columns++) {
		size_t n = strcspn(head, "|");

		more = head[n] == '|';
		head[n] = 0;
		t->right[t->columns] = *head == '>';
		table_cell(t, head + t->right[t->columns]);
		head += n + (size_t)more;
	}
}

void table_count(struct table *t, uint64_t n)
{
	table_cellf(t, "%" PRIu64, n);
}

void table_real(struct table *t, const char *fmt, double x)
{
	if (isnan(x))
		table_cell(t, "-");
	else
		table_cellf(t, fmt, x);
}

void table_p(struct table *t, double p)
{
	if (p < 1e-4)
		table_cell(t, "< .0001");
	else
		table_real(t, "%.4f", p);
}

void table_figure(struct table *t, const char *fmt, double value, double lo, double hi)
{
	char both[64];

	table_real(t, fmt, value);
	snprintf(both, sizeof both, "%s .. %s", fmt, fmt);
	if (isnan(lo) || isnan(hi))
		table_cell(t, "-");
	else
		table_cellf(t, both, lo, hi);
}

void table_line(struct table *t, const char *text)
{
	char **cell = &t->cells[t->n - 1].text;
	size_t n = strlen(*cell);

	char *line = one_line(text);
	*cell = mem_realloc(*cell, n + strlen(line) + 2, 1);
	(*cell)[n] = '\n';
	strcpy(*cell + n + 1, line);
	free(line);
}

void table_class(struct table *t, const char *class)
{
	t->cells[t->n - 1].class = class;
}

const char *table_verdict_class(const char *text)
{
	static const struct {
		const char *word, *class;
	} known[] = {{"ok", "good"},	       {"met", "good"},	    {"stable", "good"},
		     {"clean", "good"},	       {"warning", "warn"}, {"inconclusive", "warn"},
		     {"insufficient", "warn"}, {"go", "warn"},	    {"leak", "bad"},
		     {"missed", "bad"},	       {"drift", "bad"}};
	size_t n = strcspn(text, " (:,");

	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (strlen(known[i].word) == n && strncasecmp(text, known[i].word, n) == 0)
			return known[i].class;
	return NULL;
}

void table_verdict(struct table *t, const char *text)
{
	table_cell(t, text);
	table_class(t, table_verdict_class(text));
}

size_t table_rows(const struct table *t)
{
	return t->columns > 0 ? t->n / t->columns - 1 : 0;
}

static void pad(struct buf *b, size_t n, char c)
{
	while (n-- > 0)
		buf_addc(b, c);
}

/* The width of the widest line, and of the widest word. */
static void measure(const char *s, size_t *line, size_t *word)
{
	for (const char *next; *s; s = *next ? next + 1 : next) {
		size_t w;

		next = s + strcspn(s, "\n");
		w = out_width(s, (size_t)(next - s));
		*line = w > *line ? w : *line;
		while (s < next) {
			size_t n = strcspn(s, " \n");

			w = out_width(s, n);
			*word = w > *word ? w : *word;
			s += n + (s[n] == ' ');
		}
	}
}

/* How a plain table is laid out: the columns' widths, and which of them begin a line. */
struct layout {
	size_t width[TABLE_COLUMNS];
	int begins[TABLE_COLUMNS + 1], folded;
};

/* The widest column of texts that may be narrower; -1 where there is none. */
static int widest(const struct table *t, const size_t *width, const size_t *word)
{
	int at = -1;

	for (size_t c = 0; c < t->columns; c++)
		if (!t->right[c] && width[c] > TEXT_LEAST && width[c] > word[c] &&
		    (at < 0 || width[c] > width[at]))
			at = (int)c;
	return at;
}

static void fit(const struct table *t, size_t most, struct layout *l)
{
	size_t word[TABLE_COLUMNS] = {0}, narrow[TABLE_COLUMNS], all = 0, used = 0;
	int c;

	for (size_t i = 0; i < t->n; i++)
		measure(t->cells[i].text, &l->width[i % t->columns], &word[i % t->columns]);
	for (size_t i = 0; i < t->columns; i++)
		all += l->width[i] + (i > 0 ? GAP : 0);
	l->begins[t->columns] = 1;
	if (most == 0 || all <= most)
		return;
	memcpy(narrow, l->width, sizeof narrow);
	for (; all > most && (c = widest(t, narrow, word)) >= 0; all--)
		narrow[c]--;
	if (all <= most) {
		memcpy(l->width, narrow, sizeof narrow);
		return;
	}
	l->folded = 1;
	most = most > 2 * INDENT ? most : 2 * INDENT;
	for (size_t i = 0; i < t->columns; i++) {
		size_t *w = &l->width[i];

		*w = *w > most - INDENT ? most - INDENT : *w;
		l->begins[i] = i > 0 && used + GAP + *w > most;
		used = i == 0 ? *w : l->begins[i] ? INDENT + *w : used + GAP + *w;
	}
}

/* The columns from..to of a row, on as many lines as its cells take. */
static void put_cells(const struct table *t, const struct layout *l, size_t row, size_t from,
		      size_t to, struct buf *b)
{
	const char *rest[TABLE_COLUMNS];
	int more = 1;

	for (size_t c = from; c < to; c++)
		rest[c] = t->cells[row * t->columns + c].text;
	while (more) {
		more = 0;
		pad(b, from > 0 ? INDENT : 0, ' ');
		for (size_t c = from; c < to; c++) {
			struct span s = out_wrap(&rest[c], l->width[c]);
			size_t gap = l->width[c] - out_width(s.s, s.n);

			pad(b, (c > from ? GAP : 0) + (t->right[c] ? gap : 0), ' ');
			buf_addspan(b, s);
			pad(b, !t->right[c] && c + 1 < t->columns ? gap : 0, ' ');
			more |= *rest[c] != 0;
		}
		buf_addc(b, '\n');
	}
}

static void write_plain(const struct table *t, size_t width, struct buf *b)
{
	struct layout l = {0};

	fit(t, width, &l);
	for (size_t r = 0; r * t->columns < t->n; r++) {
		for (size_t c = 0, from = 0; c < t->columns; c++)
			if (l.begins[c + 1]) {
				put_cells(t, &l, r, from, c + 1, b);
				from = c + 1;
			}
		if (l.folded && (r + 1) * t->columns < t->n)
			buf_addc(b, '\n');
	}
}

/* A bar would end the cell, a newline the table. */
static void put_markdown(const char *s, struct buf *b)
{
	for (; *s; s++)
		if (*s == '\n')
			buf_adds(b, "<br>");
		else
			buf_addf(b, *s == '|' ? "\\%c" : "%c", *s);
}

static void write_markdown(const struct table *t, struct buf *b)
{
	size_t width[TABLE_COLUMNS] = {0}, word = 0, *at;
	struct buf *text = mem_alloc(t->n, sizeof *text);

	for (size_t i = 0; i < t->n; i++) {
		put_markdown(t->cells[i].text, &text[i]);
		if (text[i].len > 0)
			measure(text[i].data, &width[i % t->columns], &word);
	}
	for (size_t i = 0; i < t->n; i++) {
		size_t c = i % t->columns, gap = width[c] - out_width(text[i].data, text[i].len);

		pad(b, 1, '|');
		pad(b, t->right[c] ? gap + 1 : 1, ' ');
		buf_addspan(b, buf_span(&text[i]));
		pad(b, t->right[c] ? 1 : gap + 1, ' ');
		buf_adds(b, c + 1 == t->columns ? "|\n" : "");
		for (at = width; i + 1 == t->columns && at < width + t->columns; at++) {
			pad(b, 1, '|');
			pad(b, *at + 1, '-');
			buf_adds(b, t->right[at - width] ? ":" : "-");
			buf_adds(b, at + 1 == width + t->columns ? "|\n" : "");
		}
		buf_release(&text[i]);
	}
	free(text);
}

void table_write(const struct table *t, enum table_style style, size_t width, struct buf *b)
{
	if (style == TABLE_MARKDOWN)
		write_markdown(t, b);
	else
		write_plain(t, width, b);
}

void table_release(struct table *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->cells[i].text);
	free(t->cells);
	memset(t, 0, sizeof *t);
}

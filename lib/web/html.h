/* lib/web: what people look at: pages, plots, XML, the small server.
 *
 * html: self-contained pages for people: one file, no request to anywhere, readable in light and
 * dark and on a telephone, printable.
 *
 * Everything is appended to a buf. Text from records goes through xml_text, which is what keeps a
 * page from being taken over by its data. Besides, a Content-Security-Policy in the head forbids all
 * fetching, and all styles and scripts but the page's own, which it names by their hashes: a page
 * has no style attributes.
 */
#ifndef FT_WEB_HTML_H
#define FT_WEB_HTML_H

#include <stdint.h>
#include "../base/buf.h"
#include "../base/table.h"

/* What a page was made of, so that who finds it in half a year can make it again. All borrowed. */
struct html_about {
	const char *command; /* as it was typed; NULL: not known */
	struct html_source {
		const char *what;   /* of the rows: "test", "reference"; NULL: no such source */
		char *const *files; /* ends with NULL; none or "-": standard input */
		uint64_t rows;
	} source[2];
};

/* Borrowed, until html_end. */
struct html_page {
	const char *title;
	const char *css, *script;	/* of the page's own; NULL: none */
	const struct html_about *about; /* NULL: nothing is told */
};

/* Head, styles, the page's heading and what it was made of, with version and date (now, or
 * SOURCE_DATE_EPOCH). */
void html_begin(const struct html_page *p, struct buf *b);
void html_end(const struct html_page *p, struct buf *b);

/* <h2>, <p> with escaped text. */
void html_heading(const char *text, struct buf *b);
void html_paragraph(const char *text, struct buf *b);

/* A table of lib/base/table: columns aligned to the right have the class `r`, cells their own. Where
 * the screen is too narrow for it each row becomes a list of its cells under their heads. */
void html_table(const struct table *t, struct buf *b);
/* The frame of a table whose cells are more than text: between begin and body stand the heads,
 * between body and end the rows. class may be NULL; with `stack` among its words rows become lists
 * as above, of cells that name their heads in data-h. */
void html_table_begin(const char *class, struct buf *b);
void html_table_body(struct buf *b);
void html_table_end(struct buf *b);

#endif

/* lib/web: what people look at: pages, plots, XML, the small server.
 *
 * html: self-contained pages for people: one file, no request to anywhere, readable in light and
 * dark, printable.
 *
 * Everything is appended to a buf. Text from records goes through xml_text, which is what keeps a
 * page from being taken over by its data; a Content-Security-Policy in the head forbids all
 * fetching besides.
 */
#ifndef FT_WEB_HTML_H
#define FT_WEB_HTML_H

#include "../base/buf.h"
#include "../base/table.h"

/* Head, styles and the page's heading. extra_css may be NULL. */
void html_begin(const char *title, const char *extra_css, struct buf *b);
void html_end(struct buf *b);

/* <h2>, <p> with escaped text. */
void html_heading(const char *text, struct buf *b);
void html_paragraph(const char *text, struct buf *b);

/* A table of lib/base/table: columns aligned to the right have the class `r`, cells their own. */
void html_table(const struct table *t, struct buf *b);
/* The frame of a table whose cells are more than text: between begin and body stand the heads,
 * between body and end the rows. class may be NULL. */
void html_table_begin(const char *class, struct buf *b);
void html_table_body(struct buf *b);
void html_table_end(struct buf *b);

#endif

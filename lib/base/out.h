/* out: standard output, where only data goes.
 *
 * Block-buffered unless out_line_buffered(1). A closed reader (EPIPE) ends the program by SIGPIPE,
 * as other filters end; any other write error is kept and reported once by out_close, and by
 * out_failed before that so that long runs can stop early.
 */
#ifndef FT_BASE_OUT_H
#define FT_BASE_OUT_H

#include <stddef.h>
#include "buf.h"
#include "err.h"

void out_line_buffered(int on);
void out_write(const void *p, size_t n);
void out_span(struct span s);
void out_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The bytes and a newline; flushes when line-buffered. */
void out_line(const void *p, size_t n);
void out_flush(void);
int out_failed(void);
int out_close(struct err *e);
int out_is_tty(void);
/* Whether colour may be written there: a terminal that knows more than text, of a user who wants it
 * (no-color.org; CLICOLOR=0). */
int out_is_coloured(void);
/* Whether the terminal of this process (TERM) knows text alone: no colour, no line written anew. */
int out_is_dumb(void);

/* Width of s on a terminal in columns (UTF-8; control characters count 0). For tables. */
size_t out_width(const char *s, size_t n);
/* Columns of the terminal that standard output is: $COLUMNS, else what the terminal says; 0 where it
 * is none or nobody knows. */
size_t out_columns(void);
/* The next line of *rest that takes up at most width columns: up to a newline, or else a blank where
 * there is one, which are passed over. */
struct span out_wrap(const char **rest, size_t width);
/* What was appended to b; of text for people, what is odd in it is made visible (visible.h) and
 * lines that are wider than the terminal are broken at blanks. */
void out_report(const struct buf *b, int text);

#endif

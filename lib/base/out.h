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

/* Width of s on a terminal in columns (UTF-8; control characters count 0). For tables. */
size_t out_width(const char *s, size_t n);

#endif

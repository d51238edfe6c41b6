/* out: standard output. See out.h. The one stream of a process, hence the file-local state. */
#include "out.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <utf8proc.h>
#include "visible.h"

static struct {
	char data[65536];
	size_t len;
	int line_buffered;
	int error; /* errno of the first failed write */
} out;

void out_line_buffered(int on)
{
	out.line_buffered = on;
}

static void write_all(const char *p, size_t n)
{
	while (n && !out.error) {
		ssize_t k = write(STDOUT_FILENO, p, n);
		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0 && errno == EPIPE) {
			/* SIGPIPE was ignored (network libraries do): end as if it had not been. */
			signal(SIGPIPE, SIG_DFL);
			raise(SIGPIPE);
		}
		if (k < 0) {
			out.error = errno;
			return;
		}
		p += k;
		n -= (size_t)k;
	}
}

void out_flush(void)
{
	write_all(out.data, out.len);
	out.len = 0;
}

void out_write(const void *p, size_t n)
{
	if (n > sizeof out.data - out.len)
		out_flush();
	if (n > sizeof out.data) {
		write_all(p, n);
		return;
	}
	if (n)
		memcpy(out.data + out.len, p, n);
	out.len += n;
}

void out_span(struct span s)
{
	out_write(s.s, s.n);
}

void out_printf(const char *fmt, ...)
{
	struct buf b = BUF_INIT;
	char small[512];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(small, sizeof small, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	if ((size_t)n < sizeof small) {
		out_write(small, (size_t)n);
		return;
	}
	if (buf_reserve(&b, (size_t)n) == 0) {
		va_start(ap, fmt);
		vsnprintf(b.data, (size_t)n + 1, fmt, ap);
		va_end(ap);
		out_write(b.data, (size_t)n);
	}
	buf_release(&b);
}

void out_line(const void *p, size_t n)
{
	out_write(p, n);
	out_write("\n", 1);
	if (out.line_buffered)
		out_flush();
}

int out_failed(void)
{
	return out.error != 0;
}

int out_close(struct err *e)
{
	out_flush();
	if (!out.error && close(STDOUT_FILENO) && errno != EBADF)
		out.error = errno;
	if (out.error) {
		errno = out.error;
		return err_errno(e, "standard output");
	}
	return 0;
}

int out_is_tty(void)
{
	return isatty(STDOUT_FILENO);
}

int out_is_dumb(void)
{
	const char *term = getenv("TERM");

	return term && strcmp(term, "dumb") == 0;
}

int out_is_coloured(void)
{
	const char *none = getenv("NO_COLOR"), *cli = getenv("CLICOLOR");

	return out_is_tty() && !out_is_dumb() && !(none && *none) &&
	       !(cli && strcmp(cli, "0") == 0);
}

size_t out_width(const char *s, size_t n)
{
	size_t w = 0;
	const utf8proc_uint8_t *p = (const utf8proc_uint8_t *)s;
	while (n > 0) {
		utf8proc_int32_t c;
		utf8proc_ssize_t k = utf8proc_iterate(p, (utf8proc_ssize_t)n, &c);
		if (k <= 0) {
			k = 1;
			w++;
		} else {
			int cw = utf8proc_charwidth(c);
			w += cw > 0 ? (size_t)cw : 0;
		}
		p += k;
		n -= (size_t)k;
	}
	return w;
}

size_t out_columns(void)
{
	const char *asked = getenv("COLUMNS");
	long n = asked ? strtol(asked, NULL, 10) : 0;
	struct winsize w;

	if (!out_is_tty())
		return 0;
	if (n > 0 && n <= 10000)
		return (size_t)n;
	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 ? w.ws_col : 0;
}

struct span out_wrap(const char **rest, size_t width)
{
	const char *s = *rest, *blank = NULL;
	size_t used = 0;

	while (*s && *s != '\n') {
		size_t n = 1;

		while (((unsigned char)s[n] & 0xc0) == 0x80)
			n++;
		used += out_width(s, n);
		if (used > width && s > *rest)
			break;
		if (*s == ' ')
			blank = s;
		s += n;
	}
	if (*s && *s != '\n' && *s != ' ' && blank && blank > *rest)
		s = blank;

	struct span line = {*rest, (size_t)(s - *rest)};
	if (*s == '\n')
		s++;
	else
		s += strspn(s, " ");
	*rest = s;
	return line;
}

void out_report(const struct buf *b, int text)
{
	struct buf shown = BUF_INIT;
	const char *rest;
	size_t width = out_columns();

	if (text)
		visible_put(&shown, buf_span(b), "\n\t");
	rest = shown.data ? shown.data : "";
	if (!text || width == 0)
		out_span(text ? buf_span(&shown) : buf_span(b));
	else
		while (*rest) {
			struct span line = out_wrap(&rest, width);

			out_line(line.s, line.n);
		}
	buf_release(&shown);
}

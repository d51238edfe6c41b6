/* screen: wrapping, paging, keys. See screen.h. */
#include "screen.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <utf8proc.h>
#include "../base/mem.h"
#include "../base/out.h"
#include "../base/visible.h"

static void write_all(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t k = write(fd, p, n);
		if (k < 0 && errno != EINTR)
			return;
		p += k > 0 ? k : 0;
		n -= k > 0 ? (size_t)k : 0;
	}
}

static void measure(struct screen *s)
{
	struct winsize w = {0};
	ioctl(s->fd, TIOCGWINSZ, &w);
	s->width = w.ws_col >= 20 ? w.ws_col : 80;
	s->height = w.ws_row >= 5 ? w.ws_row : 24;
}

void screen_take_back(struct screen *s)
{
	struct termios raw = s->before;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	tcsetattr(s->fd, TCSADRAIN, &raw);
}

void screen_lend(struct screen *s)
{
	tcsetattr(s->fd, TCSADRAIN, &s->before);
}

int screen_open(struct screen *s, int fd, struct err *e)
{
	*s = (struct screen){.fd = fd};
	if (tcgetattr(fd, &s->before))
		return err_errno(e, "the terminal");
	measure(s);
	screen_take_back(s);
	return 0;
}

void screen_close(struct screen *s)
{
	screen_lend(s);
	buf_release(&s->text);
}

void screen_clear(struct screen *s)
{
	buf_clear(&s->text);
	s->lines = s->shown = 0;
	measure(s);
}

static void end_line(struct screen *s, int bold)
{
	if (bold)
		buf_adds(&s->text, "\033[0m");
	buf_addc(&s->text, '\n');
	s->lines++;
}

static void begin_line(struct screen *s, const char *indent, int bold)
{
	buf_adds(&s->text, indent);
	if (bold)
		buf_adds(&s->text, "\033[1m");
}

/* Ends a line that is full, behind its last space where it has one (word: the place in the text
 * behind it, else 0). Returns the column reached. */
static size_t wrap(struct screen *s, const char *indent, int bold, size_t word)
{
	struct buf rest = BUF_INIT;
	if (word) {
		buf_add(&rest, s->text.data + word, s->text.len - word);
		s->text.len = word;
	}
	end_line(s, bold);
	begin_line(s, indent, bold);
	size_t column = strlen(indent) + out_width(rest.data ? rest.data : "", rest.len);
	buf_addspan(&s->text, buf_span(&rest));
	buf_release(&rest);
	return column;
}

void screen_add(struct screen *s, const char *indent, struct span t, int bold)
{
	size_t at = 0, column = strlen(indent), word = 0;
	begin_line(s, indent, bold);
	while (at < t.n) {
		utf8proc_int32_t c;
		utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)t.s + at,
						      (utf8proc_ssize_t)(t.n - at), &c);
		char shown[16];
		if (n < 1) {
			n = 1;
			c = 0xfffd;
		}
		if (c == '\n') {
			end_line(s, bold);
			begin_line(s, indent, bold);
			column = strlen(indent);
			word = 0;
			at += (size_t)n;
			continue;
		}
		if (c == '\t')
			snprintf(shown, sizeof shown, "    ");
		else if (visible_is_odd(c))
			visible_number(c, shown);
		else
			shown[utf8proc_encode_char(c, (utf8proc_uint8_t *)shown)] = 0;
		size_t width = out_width(shown, strlen(shown));
		if (column + width > s->width && column > strlen(indent)) {
			column = wrap(s, indent, bold, word);
			word = 0;
		}
		buf_adds(&s->text, shown);
		column += width;
		if (c == ' ')
			word = s->text.len;
		at += (size_t)n;
	}
	end_line(s, bold);
}

void screen_addf(struct screen *s, const char *indent, int bold, const char *fmt, ...)
{
	char line[1024];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	screen_add(s, indent, span_of(line), bold);
}

/* The next line of a text that screen_add laid out. */
static struct span next_line(struct span *rest)
{
	const char *nl = rest->n ? memchr(rest->s, '\n', rest->n) : NULL;
	struct span line = {rest->s, nl ? (size_t)(nl - rest->s) : rest->n};
	size_t taken = line.n + (nl != NULL);
	rest->s += taken;
	rest->n -= taken;
	return line;
}

#define BESIDE_LEAST 50 /* columns, for two texts to stand beside each other */
#define BESIDE_GAP 3

void screen_beside(struct screen *s, const char *left_head, struct span left,
		   const char *right_head, struct span right)
{
	size_t half = (s->width - BESIDE_GAP) / 2;
	if (s->width < BESIDE_LEAST) {
		screen_add(s, "", span_of(left_head), 1);
		screen_add(s, "    ", left, 0);
		screen_add(s, "", span_of(right_head), 1);
		screen_add(s, "    ", right, 0);
		return;
	}
	struct screen column[2] = {{.width = half}, {.width = half}};
	screen_addf(s, "", 1, "%-*s%s", (int)(half + BESIDE_GAP), left_head, right_head);
	screen_add(&column[0], "", left, 0);
	screen_add(&column[1], "", right, 0);
	struct span rest[2] = {buf_span(&column[0].text), buf_span(&column[1].text)};
	while (rest[0].n || rest[1].n) {
		struct span l = next_line(&rest[0]), r = next_line(&rest[1]);
		size_t width = l.n ? out_width(l.s, l.n) : 0;
		buf_addspan(&s->text, l);
		for (size_t i = width; r.n && i < half + BESIDE_GAP; i++)
			buf_addc(&s->text, ' ');
		buf_addspan(&s->text, r);
		buf_addc(&s->text, '\n');
		s->lines++;
	}
	buf_release(&column[0].text);
	buf_release(&column[1].text);
}

int screen_page(struct screen *s, const char *under)
{
	struct buf b = BUF_INIT;
	size_t room = s->height - 2, line = 0;
	if (s->shown >= s->lines)
		s->shown = 0;
	buf_adds(&b, "\033[H\033[2J");
	for (const char *p = s->text.data, *end = p + s->text.len;
	     p < end && line < s->shown + room; line++) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		if (line >= s->shown)
			buf_add(&b, p, (size_t)(nl - p) + 1);
		p = nl + 1;
	}
	s->shown += room;
	int more = s->shown < s->lines;
	buf_addf(&b, "\033[7m%s%s\033[0m", more ? "[space: more] " : "", under);
	write_all(s->fd, b.data, b.len);
	buf_release(&b);
	return more;
}

int screen_key(struct screen *s)
{
	unsigned char c;
	if (read(s->fd, &c, 1) != 1)
		return -1;
	if (c != 27)
		return c;
	for (struct pollfd p = {s->fd, POLLIN, 0}; poll(&p, 1, 20) > 0 && read(s->fd, &c, 1) == 1 &&
						   !(c >= '@' && c <= '~' && c != '[' && c != 'O');)
		;
	return 0;
}

char *screen_line(struct screen *s, const char *prompt)
{
	struct buf b = BUF_INIT;
	char c;
	screen_lend(s);
	buf_addf(&b, "\r\033[K%s", prompt);
	write_all(s->fd, b.data, b.len);
	buf_clear(&b);
	while (read(s->fd, &c, 1) == 1 && c != '\n')
		buf_addc(&b, c);
	screen_take_back(s);
	if (b.len)
		return buf_detach(&b, NULL);
	buf_release(&b);
	return NULL;
}

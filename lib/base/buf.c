/* buf: growing bytes. See buf.h. */
#include "buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "mem.h"

void buf_release(struct buf *b)
{
	size_t max = b->max;
	free(b->data);
	*b = (struct buf){.max = max};
}

void buf_clear(struct buf *b)
{
	b->len = 0;
	b->full = 0;
	if (b->data)
		b->data[0] = 0;
}

char *buf_detach(struct buf *b, size_t *len)
{
	char *p = b->data ? b->data : mem_strndup("", 0);
	if (len)
		*len = b->len;
	*b = (struct buf){.max = b->max};
	return p;
}

int buf_reserve(struct buf *b, size_t more)
{
	size_t max = b->max ? b->max : BUF_MAX;
	if (b->full || more > max || b->len > max - more) {
		b->full = 1;
		return -1;
	}
	if (b->len + more >= b->cap)
		b->data = mem_grow(b->data, &b->cap, b->len + more + 1, 1);
	return 0;
}

int buf_add(struct buf *b, const void *p, size_t n)
{
	if (buf_reserve(b, n))
		return -1;
	if (n)
		memcpy(b->data + b->len, p, n);
	b->len += n;
	b->data[b->len] = 0;
	return 0;
}

int buf_addc(struct buf *b, int c)
{
	size_t max = b->max ? b->max : BUF_MAX;
	if ((b->full || b->len >= max || b->len + 1 >= b->cap) && buf_reserve(b, 1))
		return -1;
	b->data[b->len++] = (char)c;
	b->data[b->len] = 0;
	return 0;
}

int buf_adds(struct buf *b, const char *s)
{
	return buf_add(b, s, strlen(s));
}

int buf_addspan(struct buf *b, struct span s)
{
	return buf_add(b, s.s, s.n);
}

int buf_addf(struct buf *b, const char *fmt, ...)
{
	char small[256];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(small, sizeof small, fmt, ap);
	va_end(ap);
	if (n < 0)
		return -1;
	if ((size_t)n < sizeof small)
		return buf_add(b, small, (size_t)n);
	if (buf_reserve(b, (size_t)n))
		return -1;
	va_start(ap, fmt);
	vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
	return 0;
}

struct span buf_span(const struct buf *b)
{
	return (struct span){b->data ? b->data : "", b->len};
}

struct span span_of(const char *s)
{
	return s ? (struct span){s, strlen(s)} : (struct span){0};
}

int span_is(struct span a, const char *s)
{
	return a.s && (!a.n || *a.s == *s) && strlen(s) == a.n && memcmp(a.s, s, a.n) == 0;
}

int span_eq(struct span a, struct span b)
{
	if (!a.s || !b.s)
		return !a.s && !b.s;
	return a.n == b.n && memcmp(a.s, b.s, a.n) == 0;
}

int span_cmp(struct span a, struct span b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n ? memcmp(a.s, b.s, n) : 0;
	return c ? c : (a.n > b.n) - (a.n < b.n);
}

char *span_dup(struct span a)
{
	return mem_strndup(a.s ? a.s : "", a.n);
}

/* jw: writing JSON. See jw.h. */
#include "jw.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

void json_put_string(struct buf *b, const char *s, size_t n)
{
	static const char hex[] = "0123456789abcdef";
	buf_addc(b, '"');
	size_t from = 0, i = 0;
	while (i < n) {
		unsigned char c = (unsigned char)s[i];
		char esc[7] = {'\\', 0};
		size_t step = 1;
		if (c == '"' || c == '\\')
			esc[1] = (char)c;
		else if (c == '\n')
			esc[1] = 'n';
		else if (c == '\r')
			esc[1] = 'r';
		else if (c == '\t')
			esc[1] = 't';
		else if (c == '\b')
			esc[1] = 'b';
		else if (c == '\f')
			esc[1] = 'f';
		else if (c < 0x20) {
			memcpy(esc + 1, "u00", 3);
			esc[4] = hex[c >> 4];
			esc[5] = hex[c & 15];
		} else if (c >= 0x80) {
			utf8proc_int32_t cp;
			utf8proc_ssize_t k = utf8proc_iterate((const utf8proc_uint8_t *)s + i, (utf8proc_ssize_t)(n - i), &cp);
			if (k > 0) {
				i += (size_t)k;
				continue;
			}
			memcpy(esc, "\xef\xbf\xbd", 4); /* U+FFFD */
		} else {
			i++;
			continue;
		}
		buf_add(b, s + from, i - from);
		buf_adds(b, esc);
		i += step;
		from = i;
	}
	buf_add(b, s + from, n - from);
	buf_addc(b, '"');
}

void json_put_number(struct buf *b, double x)
{
	char text[40];
	if (!isfinite(x)) {
		buf_adds(b, "null");
		return;
	}
	if (x == floor(x) && fabs(x) < 1e15) {
		buf_addf(b, "%.0f", x == 0 ? 0.0 : x);
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof text, "%.*g", digits, x);
		if (strtod(text, NULL) == x)
			break;
	}
	buf_adds(b, text);
}

void jw_init(struct jw *w, struct buf *b)
{
	memset(w, 0, sizeof *w);
	w->b = b;
}

/* The comma before an element, where one is due. */
static void before(struct jw *w)
{
	if (w->after_key) {
		w->after_key = 0;
		return;
	}
	if (w->depth > 0 && w->comma[w->depth - 1])
		buf_addc(w->b, ',');
	if (w->depth > 0)
		w->comma[w->depth - 1] = 1;
}

static void begin(struct jw *w, char open, char close)
{
	before(w);
	buf_addc(w->b, open);
	if (w->depth >= JW_DEPTH)
		abort(); /* depth is fixed by our own code, never by input */
	w->close[w->depth] = close;
	w->comma[w->depth++] = 0;
}

void jw_object(struct jw *w)
{
	begin(w, '{', '}');
}

void jw_array(struct jw *w)
{
	begin(w, '[', ']');
}

void jw_end(struct jw *w)
{
	if (w->depth > 0)
		buf_addc(w->b, w->close[--w->depth]);
}

void jw_keyn(struct jw *w, const char *name, size_t n)
{
	before(w);
	json_put_string(w->b, name, n);
	buf_addc(w->b, ':');
	w->after_key = 1;
}

void jw_key(struct jw *w, const char *name)
{
	jw_keyn(w, name, strlen(name));
}

void jw_strn(struct jw *w, const char *s, size_t n)
{
	before(w);
	json_put_string(w->b, s, n);
}

void jw_str(struct jw *w, const char *s)
{
	if (s)
		jw_strn(w, s, strlen(s));
	else
		jw_null(w);
}

void jw_num(struct jw *w, double x)
{
	before(w);
	json_put_number(w->b, x);
}

void jw_int(struct jw *w, int64_t x)
{
	before(w);
	buf_addf(w->b, "%lld", (long long)x);
}

void jw_bool(struct jw *w, int x)
{
	before(w);
	buf_adds(w->b, x ? "true" : "false");
}

void jw_null(struct jw *w)
{
	before(w);
	buf_adds(w->b, "null");
}

void jw_raw(struct jw *w, struct span json)
{
	before(w);
	buf_addspan(w->b, json);
}

/* jw: writing JSON. See jw.h. */
#include "jw.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>
#include "scan.h"

/* The escape of a quote, a backslash or a control character. */
static void put_escape(struct buf *b, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	static const char from[] = "\"\\\n\r\t\b\f", to[] = "\"\\nrtbf";
	const char *known = c ? strchr(from, c) : NULL;
	buf_addc(b, '\\');
	if (known) {
		buf_addc(b, to[known - from]);
		return;
	}
	buf_adds(b, "u00");
	buf_addc(b, hex[c >> 4]);
	buf_addc(b, hex[c & 15]);
}

void json_put_string(struct buf *b, const char *s, size_t n)
{
	const char *from = s, *p = s, *end = n ? s + n : s;
	buf_addc(b, '"');
	while ((p = scan_plain(p, end)) < end) {
		utf8proc_int32_t cp;
		utf8proc_ssize_t k = 0;
		if ((unsigned char)*p >= 0x80)
			k = utf8proc_iterate((const utf8proc_uint8_t *)p, end - p, &cp);
		if (k > 0) {
			p += k;
			continue;
		}
		buf_add(b, from, (size_t)(p - from));
		if ((unsigned char)*p >= 0x80)
			buf_adds(b, "\xef\xbf\xbd"); /* U+FFFD */
		else
			put_escape(b, (unsigned char)*p);
		from = ++p;
	}
	buf_add(b, from, (size_t)(end - from));
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
	if (!json.n) {
		jw_null(w);
		return;
	}
	before(w);
	/* Between values only: within strings JSON has no line breaks as such. */
	for (size_t i = 0, n; i < json.n; i += n + 1) {
		const char *s = json.s + i;
		for (n = 0; i + n < json.n && s[n] != '\n' && s[n] != '\r'; n++)
			;
		buf_add(w->b, s, n);
		if (i + n < json.n)
			buf_addc(w->b, ' ');
	}
}

void jw_put_object(struct jw *w, const char *name)
{
	jw_key(w, name);
	jw_object(w);
}

void jw_put_array(struct jw *w, const char *name)
{
	jw_key(w, name);
	jw_array(w);
}

void jw_put_str(struct jw *w, const char *name, const char *s)
{
	jw_key(w, name);
	jw_str(w, s);
}

void jw_put_text(struct jw *w, const char *name, struct span text)
{
	jw_key(w, name);
	jw_strn(w, text.s, text.n);
}

void jw_put_num(struct jw *w, const char *name, double x)
{
	jw_key(w, name);
	jw_num(w, x);
}

void jw_put_known(struct jw *w, const char *name, double x)
{
	if (!isnan(x))
		jw_put_num(w, name, x);
}

void jw_put_int(struct jw *w, const char *name, int64_t x)
{
	jw_key(w, name);
	jw_int(w, x);
}

void jw_put_bool(struct jw *w, const char *name, int x)
{
	jw_key(w, name);
	jw_bool(w, x);
}

void jw_put_null(struct jw *w, const char *name)
{
	jw_key(w, name);
	jw_null(w);
}

void jw_put_raw(struct jw *w, const char *name, struct span json)
{
	jw_key(w, name);
	jw_raw(w, json);
}

void jw_put_bounds(struct jw *w, const char *name, double value, double lo, double hi)
{
	jw_put_num(w, name, value);
	jw_put_num(w, "lo", lo);
	jw_put_num(w, "hi", hi);
}

void jw_put_figure(struct jw *w, const char *name, double value, double lo, double hi)
{
	jw_key(w, name);
	if (isnan(value)) {
		jw_null(w);
		return;
	}
	jw_object(w);
	jw_put_bounds(w, "value", value, lo, hi);
	jw_end(w);
}

static void put_option(struct jw *w, const struct opt *o)
{
	const struct opt_list *list = o->to;
	struct span name;
	switch (o->kind) {
	case OPT_STR:
	case OPT_TEXT:
		jw_put_str(w, o->name, *(char **)o->to);
		break;
	case OPT_REAL:
		jw_put_num(w, o->name, *(double *)o->to);
		break;
	case OPT_INT:
		jw_put_int(w, o->name, *(long long *)o->to);
		break;
	case OPT_FLAG:
		jw_put_bool(w, o->name, *(int *)o->to);
		break;
	case OPT_SIZE:
		jw_put_int(w, o->name, (int64_t) * (size_t *)o->to);
		break;
	case OPT_LIST:
		jw_put_array(w, o->name);
		for (size_t i = 0; i < list->n; i++)
			jw_str(w, list->v[i]);
		jw_end(w);
		break;
	case OPT_CHOICE:
		name = opt_chosen(o);
		jw_key(w, o->name);
		name.s ? jw_strn(w, name.s, name.n) : jw_null(w);
		break;
	case OPT_GROUP:
		break;
	}
}

void jw_options(struct jw *w, const struct opt *options)
{
	for (const struct opt *o = options; o->name; o++)
		if (!o->aside)
			put_option(w, o);
}

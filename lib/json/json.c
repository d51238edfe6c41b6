/* json: walking and decoding checked JSON text. See json.h. */
#include "json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "../base/file.h"
#include "../base/mem.h"
#include "foreign.h"
#include "marked.h"
#include "jw.h"
#include "scan.h"

int json_check(struct span text, struct span *value, struct err *e)
{
	struct scan s = {text.s, text.s + text.n, e, NULL};
	if (!text.s)
		return err_set(e, "invalid JSON: no text");
	const char *p = scan_space(&s, text.s), *q = scan_value(&s, p, JSON_DEPTH);
	if (!q)
		return -1;
	*value = (struct span){p, (size_t)(q - p)};
	q = scan_space(&s, q);
	if (q != s.end) {
		scan_fail(&s, q, "something behind the value");
		return -1;
	}
	return 0;
}

int json_first(struct span text, struct span *value)
{
	struct err ignored = ERR_INIT;
	struct scan s = {text.s, text.s + text.n, &ignored, NULL};
	const char *p, *q;

	if (!text.s)
		return -1;
	p = scan_space(&s, text.s);
	if (!(q = scan_value(&s, p, JSON_DEPTH)))
		return -1;
	*value = (struct span){p, (size_t)(q - p)};
	return 0;
}

enum json_kind json_kind(struct span v)
{
	if (!v.s || !v.n)
		return JSON_NONE;
	switch (*v.s) {
	case '{':
		return JSON_OBJECT;
	case '[':
		return JSON_ARRAY;
	case '"':
		return JSON_STRING;
	case 't':
		return JSON_TRUE;
	case 'f':
		return JSON_FALSE;
	case 'n':
		return JSON_NULL;
	default:
		return JSON_NUMBER;
	}
}

static unsigned hex4(const char *p)
{
	unsigned x = 0;
	for (int i = 0; i < 4; i++) {
		char c = p[i];
		x = x * 16 + (unsigned)(c <= '9' ? c - '0' : (c & ~0x20) - 'A' + 10);
	}
	return x;
}

static int add_utf8(struct buf *b, unsigned c)
{
	char u[4];
	size_t n;
	if (c < 0x80) {
		u[0] = (char)c;
		n = 1;
	} else if (c < 0x800) {
		u[0] = (char)(0xc0 | c >> 6);
		u[1] = (char)(0x80 | (c & 0x3f));
		n = 2;
	} else if (c < 0x10000) {
		u[0] = (char)(0xe0 | c >> 12);
		u[1] = (char)(0x80 | (c >> 6 & 0x3f));
		u[2] = (char)(0x80 | (c & 0x3f));
		n = 3;
	} else {
		u[0] = (char)(0xf0 | c >> 18);
		u[1] = (char)(0x80 | (c >> 12 & 0x3f));
		u[2] = (char)(0x80 | (c >> 6 & 0x3f));
		u[3] = (char)(0x80 | (c & 0x3f));
		n = 4;
	}
	return buf_add(b, u, n);
}

/* Decodes the escape at p (a backslash) and returns the position behind it. */
static const char *decode_escape(const char *p, const char *end, struct buf *b)
{
	static const char letters[] = "bfnrt", means[] = "\b\f\n\r\t";
	const char *letter = strchr(letters, p[1]);
	if (p[1] != 'u') {
		buf_addc(b, letter ? means[letter - letters] : p[1]);
		return p + 2;
	}
	unsigned c = hex4(p + 2);
	p += 6;
	if (c >= 0xd800 && c < 0xdc00 && end - p >= 6 && p[0] == '\\' && p[1] == 'u') {
		unsigned low = hex4(p + 2);
		if (low >= 0xdc00 && low < 0xe000) {
			add_utf8(b, 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00));
			return p + 6;
		}
	}
	add_utf8(b, c >= 0xd800 && c < 0xe000 ? 0xfffd : c);
	return p;
}

int json_string(struct span v, struct buf *b)
{
	if (json_kind(v) != JSON_STRING)
		return -1;
	const char *p = v.s + 1, *end = v.s + v.n - 1;
	while (p < end) {
		const char *q = memchr(p, '\\', (size_t)(end - p));
		if (!q)
			q = end;
		buf_add(b, p, (size_t)(q - p));
		p = q < end ? decode_escape(q, end, b) : end;
	}
	return buf_add(b, "", 0);
}

int json_is(struct span v, const char *s)
{
	if (json_kind(v) != JSON_STRING)
		return 0;
	const char *p = v.s + 1, *end = v.s + v.n - 1, *rest = s;
	while (p < end && *p == *rest && *p != '\\') {
		p++;
		rest++;
	}
	if (p == end || *p != '\\')
		return p == end && !*rest;
	struct buf b = BUF_INIT;
	int same = json_string(v, &b) == 0 && span_is(buf_span(&b), s);
	buf_release(&b);
	return same;
}

/* Clinger's fast path (1990): up to 2^53 over a power of ten up to 10^22 are both exact, so one
 * division rounds correctly. 0 where the number is longer than that or has an exponent. */
static int short_number(struct span v, double *x)
{
	static const double tens[] = {1e0,  1e1,  1e2,	1e3,  1e4,  1e5,  1e6,	1e7,  1e8,  1e9,
				      1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19};
	uint64_t digits = 0;
	size_t i = *v.s == '-', point = v.n;

	if (v.n > 19)
		return 0;
	for (; i < v.n; i++) {
		unsigned d = (unsigned char)v.s[i] - '0';
		if (d < 10)
			digits = digits * 10 + d;
		else if (v.s[i] == '.')
			point = i + 1;
		else
			return 0;
	}
	if (digits > (uint64_t)1 << 53)
		return 0;
	*x = (*v.s == '-' ? -(double)digits : (double)digits) / tens[v.n - point];
	return 1;
}

int json_number(struct span v, double *x)
{
	if (json_kind(v) != JSON_NUMBER)
		return -1;
	if (short_number(v, x))
		return 0;
	char small[64], *text = v.n < sizeof small ? small : mem_alloc(v.n + 1, 1);
	memcpy(text, v.s, v.n);
	text[v.n] = 0;
	*x = strtod(text, NULL);
	if (text != small)
		free(text);
	return 0;
}

int json_int(struct span v, int64_t *x)
{
	if (json_kind(v) != JSON_NUMBER || v.n > 20)
		return -1;
	char text[24], *end;
	memcpy(text, v.s, v.n);
	text[v.n] = 0;
	errno = 0;
	long long n = strtoll(text, &end, 10);
	if (*end || errno == ERANGE)
		return -1;
	*x = n;
	return 0;
}

static const char *skip_space(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
		p++;
	return p;
}

int json_next(struct json_iter *it, struct span container, struct span *key, struct span *value)
{
	enum json_kind kind = json_kind(container);
	if (kind != JSON_OBJECT && kind != JSON_ARRAY)
		return 0;
	if (!it->started) {
		it->started = 1;
		it->p = container.s + 1;
		it->end = container.s + container.n - 1;
	}
	const char *p = skip_space(it->p, it->end);
	if (p < it->end && *p == ',')
		p = skip_space(p + 1, it->end);
	if (p >= it->end)
		return 0;
	*key = (struct span){0};
	if (kind == JSON_OBJECT) {
		const char *q = scan_skip(it->marks, p, it->end);
		*key = (struct span){p, (size_t)(q - p)};
		p = skip_space(skip_space(q, it->end) + 1, it->end);
	}
	const char *q = scan_skip(it->marks, p, it->end);
	*value = (struct span){p, (size_t)(q - p)};
	it->p = q;
	return 1;
}

struct span json_member_marked(const struct marks *m, struct span v, const char *name)
{
	struct json_iter it = {.marks = m};
	struct span key, value, found = {0};
	if (json_kind(v) != JSON_OBJECT)
		return found;
	while (json_next(&it, v, &key, &value))
		if (json_is(key, name))
			found = value;
	return found;
}

struct span json_member(struct span v, const char *name)
{
	return json_member_marked(NULL, v, name);
}

size_t json_count(struct span v)
{
	struct json_iter it = {0};
	struct span key, value;
	size_t n = 0;
	while (json_next(&it, v, &key, &value))
		n++;
	return n;
}

struct span json_element_marked(const struct marks *m, struct span v, long long index)
{
	struct json_iter it = {.marks = m};
	struct span key, value;
	if (json_kind(v) != JSON_ARRAY)
		return (struct span){0};
	if (index == -1) { /* the usual one from the end, in one pass */
		struct span last = {0};
		while (json_next(&it, v, &key, &value))
			last = value;
		return last;
	}
	if (index < 0)
		index += (long long)json_count(v);
	while (index >= 0 && json_next(&it, v, &key, &value))
		if (index-- == 0)
			return value;
	return (struct span){0};
}

struct span json_element(struct span v, long long index)
{
	return json_element_marked(NULL, v, index);
}

/* --- trees --- */

/* Whether a string of the text holds an escaped NUL; "\\u0000" (an escaped backslash) is none. */
static int has_nul(struct span text)
{
	const char *p = text.s, *end = p + text.n;
	while ((p = memchr(p, '\\', (size_t)(end - p)))) {
		if (end - p >= 6 && memcmp(p, "\\u0000", 6) == 0)
			return 1;
		p += 2;
		if (p >= end)
			break;
	}
	return 0;
}

cJSON *json_tree(struct span text, struct err *e)
{
	struct span v = {0};
	if (json_check(text, &v, e))
		return NULL;
	if (has_nul(v)) {
		err_set(e, "a string holds \\u0000, which is not supported here");
		return NULL;
	}
	cJSON *t = cJSON_ParseWithLength(v.s, v.n);
	if (!t)
		err_set(e, "invalid JSON");
	return t;
}

int json_file(const char *path, size_t max, struct buf *b, struct span *value, struct err *e)
{
	if (file_read(path, max, b, e) || foreign_file(path, buf_span(b), e))
		return -1;
	return json_check(buf_span(b), value, e) ? err_prefix(e, "%s", path) : 0;
}

cJSON *json_tree_file(const char *path, size_t max, struct err *e)
{
	struct buf b = {.max = max + 65536 + 1};
	struct span v;
	cJSON *t = NULL;
	if (!json_file(path, max, &b, &v, e) && !(t = json_tree(v, e)))
		err_prefix(e, "%s", path);
	buf_release(&b);
	return t;
}

cJSON *json_get(const cJSON *o, const char *name)
{
	return cJSON_IsObject(o) ? cJSON_GetObjectItemCaseSensitive(o, name) : NULL;
}

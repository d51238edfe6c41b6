/* Values: making and comparing them, printing them as Python does, JSON in and out. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../json/json.h"
#include "../json/jw.h"
#include "jinja_impl.h"

static void *get(struct jrun *r, size_t n)
{
	void *p = arena_get(&r->arena, n);

	if (!p)
		jfail(r, "the template needs more than %zu MB of memory", r->limits.memory >> 20);
	return p;
}

/* --- making --- */

struct jv jv_undefined(struct span name)
{
	return (struct jv){.kind = J_UNDEFINED, .s = name};
}

struct jv jv_none(void)
{
	return (struct jv){.kind = J_NONE};
}

struct jv jv_bool(int b)
{
	return (struct jv){.kind = J_BOOL, .b = !!b};
}

struct jv jv_int(int64_t i)
{
	return (struct jv){.kind = J_INT, .i = i};
}

struct jv jv_float(double f)
{
	return (struct jv){.kind = J_FLOAT, .f = f, .raw = NULL};
}

struct jv jv_string(struct span s)
{
	return (struct jv){.kind = J_STRING, .s = {s.s ? s.s : "", s.n}};
}

int jv_text(struct jrun *r, const char *s, size_t n, struct jv *out)
{
	char *p = get(r, n + 1);

	if (!p || jcharge(r, n / 64))
		return -1;
	if (n)
		memcpy(p, s, n);
	*out = jv_string((struct span){p, n});
	return 0;
}

int jv_buf(struct jrun *r, struct buf *b, struct jv *out)
{
	int rc = b->full ? jfail(r, "a text grows too long") : jv_text(r, b->data, b->len, out);

	buf_release(b);
	return rc;
}

int jv_list(struct jrun *r, struct jv *out)
{
	*out = (struct jv){.kind = J_LIST};
	return (out->list = get(r, sizeof *out->list)) ? 0 : -1;
}

int jv_push(struct jrun *r, struct jlist *l, struct jv v)
{
	if (l->n == l->cap) {
		size_t cap = l->cap ? 2 * l->cap : 8;
		struct jv *p = get(r, cap * sizeof *p);

		if (!p || jcharge(r, l->n))
			return -1;
		if (l->n)
			memcpy(p, l->v, l->n * sizeof *p);
		l->v = p;
		l->cap = cap;
	}
	l->v[l->n++] = v;
	return jcharge(r, 1);
}

int jv_dict(struct jrun *r, struct jv *out)
{
	*out = (struct jv){.kind = J_DICT};
	return (out->dict = get(r, sizeof *out->dict)) ? 0 : -1;
}

struct jv *jv_get(struct jrun *r, struct jdict *d, struct jv key)
{
	size_t i;

	r->steps += d->n / 8;
	for (i = 0; i < d->n; i++)
		if (key.kind == J_STRING
			    ? d->v[i].key.kind == J_STRING && span_eq(d->v[i].key.s, key.s)
			    : jv_equal(r, &d->v[i].key, &key))
			return &d->v[i].value;
	return NULL;
}

int jv_put(struct jrun *r, struct jdict *d, struct jv key, struct jv value)
{
	struct jv *old = jv_get(r, d, key);

	if (old) {
		*old = value;
		return 0;
	}
	if (key.kind >= J_LIST && !(key.kind == J_LIST && key.tuple))
		return jfail(r, "a %s cannot be a key", jv_type(&key));
	if (d->n == d->cap) {
		size_t cap = d->cap ? 2 * d->cap : 8;
		struct jentry *p = get(r, cap * sizeof *p);

		if (!p)
			return -1;
		if (d->n)
			memcpy(p, d->v, d->n * sizeof *p);
		d->v = p;
		d->cap = cap;
	}
	d->v[d->n++] = (struct jentry){key, value};
	return jcharge(r, 1);
}

const char *jv_type(const struct jv *v)
{
	static const char *const names[] = {"undefined value", "None", "bool",	"int",
					    "float",	       "str",  "list",	"dict",
					    "namespace",       "loop", "macro", "function"};

	return v->kind == J_LIST && v->tuple ? "tuple" : names[v->kind];
}

int jv_true(const struct jv *v)
{
	switch (v->kind) {
	case J_UNDEFINED:
	case J_NONE:
		return 0;
	case J_BOOL:
		return v->b;
	case J_INT:
		return v->i != 0;
	case J_FLOAT:
		return v->f != 0;
	case J_STRING:
		return v->s.n != 0;
	case J_LIST:
		return v->list->n != 0;
	case J_DICT:
		return v->dict->n != 0;
	default:
		return 1;
	}
}

/* --- comparing --- */

int jv_number(const struct jv *v, double *x)
{
	if (v->kind == J_BOOL)
		*x = v->b;
	else if (v->kind == J_INT)
		*x = (double)v->i;
	else if (v->kind == J_FLOAT)
		*x = v->f;
	else
		return 0;
	return 1;
}

static int whole(const struct jv *v, int64_t *i)
{
	if (v->kind != J_INT && v->kind != J_BOOL)
		return 0;
	*i = v->kind == J_INT ? v->i : v->b;
	return 1;
}

int jv_equal(struct jrun *r, const struct jv *a, const struct jv *b)
{
	int64_t i, j;
	double x, y;
	size_t k;

	r->steps++;
	if (whole(a, &i) && whole(b, &j))
		return i == j;
	if (jv_number(a, &x) && jv_number(b, &y))
		return x == y && !(a->kind == J_FLOAT && b->kind == J_FLOAT && a->raw && b->raw &&
				   strcmp(a->raw, b->raw));
	if (a->kind != b->kind || r->depth > JINJA_DEPTH_MAX || r->steps > r->limits.steps)
		return 0; /* beyond its steps the rendering fails at the next charge */
	switch (a->kind) {
	case J_UNDEFINED:
	case J_NONE:
		return 1;
	case J_STRING:
		return span_eq(a->s, b->s);
	case J_LIST:
		if (a->list->n != b->list->n || a->tuple != b->tuple)
			return 0;
		r->depth++;
		for (k = 0; k < a->list->n && jv_equal(r, &a->list->v[k], &b->list->v[k]); k++)
			;
		r->depth--;
		return k == a->list->n;
	case J_DICT:
		if (a->dict->n != b->dict->n)
			return 0;
		r->depth++;
		for (k = 0; k < a->dict->n; k++) {
			const struct jv *other = jv_get(r, b->dict, a->dict->v[k].key);

			if (!other || !jv_equal(r, &a->dict->v[k].value, other))
				break;
		}
		r->depth--;
		return k == a->dict->n;
	case J_NAMESPACE:
		return a->dict == b->dict;
	case J_LOOP:
		return a->loop == b->loop;
	case J_MACRO:
		return a->macro == b->macro;
	default:
		return a->function == b->function;
	}
}

int jv_compare(struct jrun *r, const struct jv *a, const struct jv *b, int *sign)
{
	int64_t i, j;
	double x, y;
	size_t k;

	if (jcharge(r, 1))
		return -1;
	if (whole(a, &i) && whole(b, &j)) {
		*sign = i < j ? -1 : i > j;
		return 0;
	}
	if (jv_number(a, &x) && jv_number(b, &y)) {
		*sign = x < y ? -1 : x > y;
		return 0;
	}
	if (a->kind == J_STRING && b->kind == J_STRING) {
		*sign = span_cmp(a->s, b->s); /* UTF-8 orders as its code points do */
		*sign = (*sign > 0) - (*sign < 0);
		return 0;
	}
	if (a->kind == J_LIST && b->kind == J_LIST) {
		int rc = 0;

		if (++r->depth > JINJA_DEPTH_MAX)
			return jfail(r, "values are nested too deep");
		*sign = 0;
		for (k = 0; k < a->list->n && k < b->list->n && !rc && !*sign; k++)
			rc = jv_compare(r, &a->list->v[k], &b->list->v[k], sign);
		if (!rc && !*sign)
			*sign = a->list->n < b->list->n ? -1 : a->list->n > b->list->n;
		r->depth--;
		return rc;
	}
	return jfail(r, "a %s and a %s have no order", jv_type(a), jv_type(b));
}

int jv_contains(struct jrun *r, const struct jv *item, const struct jv *in, int *yes)
{
	size_t k;

	*yes = 0;
	switch (in->kind) {
	case J_STRING:
		if (item->kind != J_STRING)
			return jfail(r, "`in` a str needs a str, not %s", jv_type(item));
		*yes = !item->s.n || jfind(r, in->s, item->s) != NULL;
		return jcharge(r, 0);
	case J_LIST:
		for (k = 0; k < in->list->n && !*yes; k++)
			*yes = jv_equal(r, &in->list->v[k], item);
		return jcharge(r, 1);
	case J_DICT:
		*yes = jv_get(r, in->dict, *item) != NULL;
		return jcharge(r, 1);
	case J_UNDEFINED:
		return 0;
	default:
		return jfail(r, "a %s holds nothing that `in` could find", jv_type(in));
	}
}

/* --- text --- */

size_t jv_chars(struct span s)
{
	size_t i, n = 0;

	for (i = 0; i < s.n; i++)
		n += ((unsigned char)s.s[i] & 0xc0) != 0x80;
	return n;
}

/* Where the k-th character begins (the end where there are fewer). */
static size_t byte_of(struct span s, size_t k)
{
	size_t i = 0;

	for (; i < s.n && k; k--)
		for (i++; i < s.n && ((unsigned char)s.s[i] & 0xc0) == 0x80; i++)
			;
	return i;
}

struct span jv_substring(struct span s, size_t from, size_t to)
{
	size_t begin = byte_of(s, from);
	struct span rest = {s.s + begin, s.n - begin};

	return (struct span){rest.s, to > from ? byte_of(rest, to - from) : 0};
}

/* Python's repr(float): the shortest digits that read back, in exponent form outside 1e-4 <= |x| <
 * 1e16. */
static void put_float(struct buf *b, double x)
{
	char s[40], digits[40], *p;
	int precision, exponent, n, i;

	if (isnan(x) || isinf(x)) {
		buf_adds(b, isnan(x) ? "nan" : x < 0 ? "-inf" : "inf");
		return;
	}
	for (precision = 1; precision <= 17; precision++) {
		snprintf(s, sizeof s, "%.*e", precision - 1, x);
		if (strtod(s, NULL) == x)
			break;
	}
	p = s;
	if (*p == '-') {
		buf_addc(b, '-');
		p++;
	}
	for (n = 0; *p != 'e'; p++)
		if (*p != '.')
			digits[n++] = *p;
	exponent = atoi(p + 1);
	if (exponent < -4 || exponent >= 16) {
		buf_addc(b, digits[0]);
		if (n > 1) {
			buf_addc(b, '.');
			buf_add(b, digits + 1, (size_t)n - 1);
		}
		buf_addf(b, "e%c%02d", exponent < 0 ? '-' : '+', abs(exponent));
		return;
	}
	if (exponent < 0) {
		buf_adds(b, "0.");
		for (i = -1; i > exponent; i--)
			buf_addc(b, '0');
		buf_add(b, digits, (size_t)n);
		return;
	}
	for (i = 0; i <= exponent; i++)
		buf_addc(b, i < n ? digits[i] : '0');
	buf_addc(b, '.');
	if (i < n)
		buf_add(b, digits + i, (size_t)(n - i));
	else
		buf_addc(b, '0');
}

static void put_number(struct buf *b, const struct jv *v)
{
	if (v->kind == J_INT)
		buf_addf(b, "%lld", (long long)v->i);
	else if (v->raw)
		buf_adds(b, v->raw);
	else
		put_float(b, v->f);
}

/* Python's repr(str): single quotes unless only those stand inside. */
static void put_repr_string(struct buf *b, struct span s)
{
	char quote = memchr(s.s, '\'', s.n) && !memchr(s.s, '"', s.n) ? '"' : '\'';
	size_t i;

	buf_addc(b, quote);
	for (i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.s[i];

		if (c == '\\' || c == (unsigned char)quote)
			buf_addf(b, "\\%c", c);
		else if (c == '\n' || c == '\t' || c == '\r')
			buf_adds(b, c == '\n' ? "\\n" : c == '\t' ? "\\t" : "\\r");
		else if (c < 32 || c == 127)
			buf_addf(b, "\\x%02x", c);
		else
			buf_addc(b, c);
	}
	buf_addc(b, quote);
}

int jv_repr(struct jrun *r, const struct jv *v, struct buf *b, int depth)
{
	size_t i;

	if (depth > JINJA_NEST_MAX * 6)
		return jfail(r, "values are nested too deep to be printed");
	if (jcharge(r, 1))
		return -1;
	switch (v->kind) {
	case J_UNDEFINED:
		buf_adds(b, "Undefined");
		break;
	case J_NONE:
		buf_adds(b, "None");
		break;
	case J_BOOL:
		buf_adds(b, v->b ? "True" : "False");
		break;
	case J_INT:
	case J_FLOAT:
		put_number(b, v);
		break;
	case J_STRING:
		put_repr_string(b, v->s);
		break;
	case J_LIST:
		buf_addc(b, v->tuple ? '(' : '[');
		for (i = 0; i < v->list->n; i++) {
			if (i)
				buf_adds(b, ", ");
			if (jv_repr(r, &v->list->v[i], b, depth + 1))
				return -1;
		}
		if (v->tuple && v->list->n == 1)
			buf_addc(b, ',');
		buf_addc(b, v->tuple ? ')' : ']');
		break;
	case J_DICT:
		buf_addc(b, '{');
		for (i = 0; i < v->dict->n; i++) {
			if (i)
				buf_adds(b, ", ");
			if (jv_repr(r, &v->dict->v[i].key, b, depth + 1))
				return -1;
			buf_adds(b, ": ");
			if (jv_repr(r, &v->dict->v[i].value, b, depth + 1))
				return -1;
		}
		buf_addc(b, '}');
		break;
	default:
		return jfail(r, "a %s cannot be printed", jv_type(v));
	}
	return 0;
}

int jv_print(struct jrun *r, const struct jv *v, struct buf *b)
{
	if (v->kind == J_UNDEFINED)
		return 0;
	if (v->kind != J_STRING)
		return jv_repr(r, v, b, 0);
	if (jcharge(r, 1 + v->s.n / 64))
		return -1;
	buf_addspan(b, v->s);
	return 0;
}

/* --- JSON --- */

/* As Python's json.dumps writes strings. */
static void put_json_string(struct buf *b, struct span s, int ascii)
{
	size_t i;

	buf_addc(b, '"');
	for (i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.s[i];
		const char *at;

		if (c && (at = strchr("\"\\\n\r\t\f\b", c))) {
			buf_addc(b, '\\');
			buf_addc(b, "\"\\nrtfb"[at - "\"\\\n\r\t\f\b"]);
		} else if (c < 32) {
			buf_addf(b, "\\u%04x", c);
		} else if (ascii && c >= 0x80) {
			int n = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2, k;
			unsigned long code = c & (0x7fu >> n);

			for (k = 1; k < n && i + 1 < s.n; k++)
				code = code << 6 | ((unsigned char)s.s[++i] & 0x3f);
			if (code > 0xffff) {
				code -= 0x10000;
				buf_addf(b, "\\u%04lx\\u%04lx", 0xd800 + (code >> 10),
					 0xdc00 + (code & 0x3ff));
			} else {
				buf_addf(b, "\\u%04lx", code);
			}
		} else {
			buf_addc(b, c);
		}
	}
	buf_addc(b, '"');
}

static void new_line(struct buf *b, int indent, int level)
{
	int i;

	if (indent < 0)
		return;
	buf_addc(b, '\n');
	for (i = 0; i < indent * level; i++)
		buf_addc(b, ' ');
}

static int by_key(const void *a, const void *b)
{
	return span_cmp(((const struct jentry *)a)->key.s, ((const struct jentry *)b)->key.s);
}

static int put_dict(struct jrun *r, const struct jv *v, struct buf *b, int indent, int level,
		    int sort, int ascii, const char *comma, const char *colon)
{
	struct jentry *entries = v->dict->v;
	size_t i, n = v->dict->n;

	for (i = 0; i < n; i++)
		if (entries[i].key.kind == J_LIST || (sort && entries[i].key.kind != J_STRING))
			return jfail(r, "tojson: a %s as a key is not supported",
				     jv_type(&entries[i].key));
	if (sort && n > 1) {
		struct jentry *sorted = get(r, n * sizeof *sorted);

		if (!sorted)
			return -1;
		memcpy(sorted, entries, n * sizeof *sorted);
		mem_sort(sorted, n, sizeof *sorted, by_key);
		entries = sorted;
	}
	buf_addc(b, '{');
	for (i = 0; i < n; i++) {
		const struct jv *key = &entries[i].key;

		if (i)
			buf_adds(b, comma);
		new_line(b, indent, level + 1);
		if (key->kind == J_STRING) {
			put_json_string(b, key->s, ascii);
		} else {
			buf_addc(b, '"');
			if (jv_json(r, key, b, -1, level + 1, sort, ascii, comma, colon))
				return -1;
			buf_addc(b, '"');
		}
		buf_adds(b, colon);
		if (jv_json(r, &entries[i].value, b, indent, level + 1, sort, ascii, comma, colon))
			return -1;
	}
	if (n)
		new_line(b, indent, level);
	buf_addc(b, '}');
	return 0;
}

int jv_json(struct jrun *r, const struct jv *v, struct buf *b, int indent, int level, int sort,
	    int ascii, const char *comma, const char *colon)
{
	size_t i;

	if (level > JINJA_NEST_MAX * 6)
		return jfail(r, "values are nested too deep to be printed");
	if (jcharge(r, 1 + (v->kind == J_STRING ? v->s.n / 64 : 0)))
		return -1;
	switch (v->kind) {
	case J_NONE:
		buf_adds(b, "null");
		break;
	case J_BOOL:
		buf_adds(b, v->b ? "true" : "false");
		break;
	case J_INT:
	case J_FLOAT:
		if (v->kind == J_FLOAT && !v->raw && !isfinite(v->f))
			buf_adds(b, isnan(v->f) ? "NaN" : v->f < 0 ? "-Infinity" : "Infinity");
		else
			put_number(b, v);
		break;
	case J_STRING:
		put_json_string(b, v->s, ascii);
		break;
	case J_LIST:
		buf_addc(b, '[');
		for (i = 0; i < v->list->n; i++) {
			if (i)
				buf_adds(b, comma);
			new_line(b, indent, level + 1);
			if (jv_json(r, &v->list->v[i], b, indent, level + 1, sort, ascii, comma,
				    colon))
				return -1;
		}
		if (v->list->n)
			new_line(b, indent, level);
		buf_addc(b, ']');
		break;
	case J_DICT:
		return put_dict(r, v, b, indent, level, sort, ascii, comma, colon);
	case J_UNDEFINED:
		return jfail(r, "'%.*s' is undefined and has no JSON", (int)v->s.n,
			     v->s.s ? v->s.s : "");
	default:
		return jfail(r, "a %s has no JSON", jv_type(v));
	}
	return 0;
}

static int from_string(struct jrun *r, struct span json, struct jv *out)
{
	struct buf b = BUF_INIT;

	/* Most strings have no escapes and are borrowed as they stand. */
	if (!memchr(json.s, '\\', json.n)) {
		*out = jv_string((struct span){json.s + 1, json.n - 2});
		return 0;
	}
	json_string(json, &b);
	return jv_buf(r, &b, out);
}

int jv_from_json(struct jrun *r, struct span json, int depth, struct jv *out)
{
	struct json_iter it = {0};
	struct span key, value;
	struct jv k, v;
	double x;
	int64_t i;

	if (depth > JINJA_NEST_MAX * 6)
		return jfail(r, "the record is nested too deep for a template");
	switch (json_kind(json)) {
	case JSON_TRUE:
	case JSON_FALSE:
		*out = jv_bool(json_kind(json) == JSON_TRUE);
		return 0;
	case JSON_NUMBER:
		if (!json_int(json, &i)) {
			*out = jv_int(i);
			return 0;
		}
		json_number(json, &x);
		*out = jv_float(x);
		/* An integer beyond 64 bits keeps its digits, as in Python. */
		if (!memchr(json.s, '.', json.n) && !memchr(json.s, 'e', json.n) &&
		    !memchr(json.s, 'E', json.n)) {
			char *raw = get(r, json.n + 1);

			if (!raw)
				return -1;
			memcpy(raw, json.s, json.n);
			out->raw = raw;
		}
		return 0;
	case JSON_STRING:
		return from_string(r, json, out);
	case JSON_ARRAY:
		if (jv_list(r, out))
			return -1;
		while (json_next(&it, json, &key, &value))
			if (jv_from_json(r, value, depth + 1, &v) || jv_push(r, out->list, v))
				return -1;
		return 0;
	case JSON_OBJECT:
		if (jv_dict(r, out))
			return -1;
		while (json_next(&it, json, &key, &value))
			if (from_string(r, key, &k) || jv_from_json(r, value, depth + 1, &v) ||
			    jv_put(r, out->dict, k, v))
				return -1;
		return 0;
	default:
		*out = jv_none();
		return 0;
	}
}

int jv_items(struct jrun *r, const struct jv *v, struct jlist **out)
{
	struct jv list;
	size_t i, n;

	if (v->kind == J_LIST) {
		*out = v->list;
		return 0;
	}
	if (jv_list(r, &list))
		return -1;
	*out = list.list;
	switch (v->kind) {
	case J_UNDEFINED:
		return 0;
	case J_DICT:
		for (i = 0; i < v->dict->n; i++)
			if (jv_push(r, *out, v->dict->v[i].key))
				return -1;
		return 0;
	case J_STRING:
		for (i = 0; i < v->s.n; i += n) {
			for (n = 1; i + n < v->s.n && ((unsigned char)v->s.s[i + n] & 0xc0) == 0x80;
			     n++)
				;
			if (jv_push(r, *out, jv_string((struct span){v->s.s + i, n})))
				return -1;
		}
		return 0;
	default:
		return jfail(r, "a %s cannot be gone through", jv_type(v));
	}
}

/* A JSON value as text that is the same for all its spellings: canonical form, and json_value_text.
 * See json.h.
 *
 * The value is walked once and written as it is met. Members that turn out to stand in another order
 * than that of their keys are put in order when their object ends. But for numbers by value, nothing
 * grows longer than it was, so there is room for all from the beginning.
 */
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "chars.h"
#include "decimal.h"
#include "json.h"
#include "jw.h"
#include "marked.h"
#include "scan.h"

#define FEW 16 /* members of objects that are open at one time: need no allocation */

/* A member that was written. */
struct made {
	struct span key; /* decoded: points into the text or into keys */
	size_t at, end;	 /* in what was written */
};

struct writer {
	const struct marks *marks;
	struct span text;
	int by_value; /* numbers in the one spelling of their value */
	struct buf *out;
	struct made few[FEW], *made; /* of all objects that are open */
	size_t n, cap;
	struct buf keys;
};

/* There is room, as long as out is not full. */
static inline void put(struct writer *w, const char *s, size_t n)
{
	if (w->out->full)
		return;
	memcpy(w->out->data + w->out->len, s, n);
	w->out->len += n;
}

static inline void put_byte(struct writer *w, char c)
{
	if (!w->out->full)
		w->out->data[w->out->len++] = c;
}

static int by_key(const void *a, const void *b)
{
	const struct made *x = a, *y = b;
	int c = span_cmp(x->key, y->key);
	return c ? c : (x->at > y->at) - (x->at < y->at);
}

static void sort(struct made *v, size_t n)
{
	if (n > FEW) {
		mem_sort(v, n, sizeof *v, by_key);
		return;
	}
	for (size_t i = 1; i < n; i++) {
		struct made x = v[i];
		size_t k = i;
		for (; k > 0 && by_key(&v[k - 1], &x) > 0; k--)
			v[k] = v[k - 1];
		v[k] = x;
	}
}

static const char *past_space(const char *p)
{
	while (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r')
		p++;
	return p;
}

/* Whether one of a string's escapes is written in another way in canonical form. */
static int has_odd_escape(struct span v)
{
	const char *p = v.s, *end = v.s + v.n;
	while ((p = memchr(p, '\\', (size_t)(end - p)))) {
		if (chars_escape[(unsigned char)p[1]] > 1)
			return 1;
		p += 2;
	}
	return 0;
}

static void put_string(struct writer *w, struct span v)
{
	struct buf text = BUF_INIT;

	if (w->marks ? !w->marks->odd : !has_odd_escape(v)) {
		put(w, v.s, v.n);
		return;
	}
	buf_reserve(&text, v.n);
	json_string(v, &text);
	json_put_string(w->out, text.data, text.len);
	buf_release(&text);
}

static void put_number(struct span v, int by_value, struct buf *b)
{
	struct decimal d = {0};

	if (by_value && decimal_read(v, &d) == 0)
		decimal_put(&d, b);
	else
		buf_addspan(b, v);
	decimal_release(&d);
}

static struct span decoded_key(struct writer *w, struct span key)
{
	if (!memchr(key.s, '\\', key.n))
		return (struct span){key.s + 1, key.n - 2};
	/* Decoded keys are no longer than the text, so they never move. */
	if (!w->keys.data)
		buf_reserve(&w->keys, w->text.n);
	size_t at = w->keys.len;
	json_string(key, &w->keys);
	return (struct span){w->keys.data + at, w->keys.len - at};
}

static void add_made(struct writer *w, struct span key)
{
	if (w->n == FEW && w->made == w->few) {
		w->made = mem_alloc(2 * FEW, sizeof *w->made);
		w->cap = 2 * FEW;
		memcpy(w->made, w->few, sizeof w->few);
	} else if (w->n == w->cap) {
		w->made = mem_grow(w->made, &w->cap, w->n + 1, sizeof *w->made);
	}
	w->made[w->n++] = (struct made){decoded_key(w, key), w->out->len, 0};
}

/* Puts the members from the one of that number on in order. */
static void reorder(struct writer *w, size_t first)
{
	struct made *v = w->made + first;
	size_t n = w->n - first, all = w->out->len - v->at;
	char small[1024], *copy = all <= sizeof small ? small : mem_alloc(all, 1),
			  *to = w->out->data + v->at, *from = copy - v->at;

	memcpy(copy, to, all);
	sort(v, n);
	for (size_t i = 0; i < n; i++) {
		if (i)
			*to++ = ',';
		memcpy(to, from + v[i].at, v[i].end - v[i].at);
		to += v[i].end - v[i].at;
	}
	if (copy != small)
		free(copy);
}

static const char *put_value(struct writer *w, const char *p);

static const char *put_object(struct writer *w, const char *p)
{
	const char *end = w->text.s + w->text.n;
	size_t first = w->n;
	int sorted = 1;

	put_byte(w, '{');
	for (p = past_space(p + 1); *p != '}'; p = past_space(p)) {
		if (*p == ',') {
			put_byte(w, ',');
			p = past_space(p + 1);
		}
		const char *q = scan_skip(w->marks, p, end);
		struct span key = {p, (size_t)(q - p)};
		size_t i = w->n;
		add_made(w, key);
		if (i > first && span_cmp(w->made[i - 1].key, w->made[i].key) > 0)
			sorted = 0;
		put_string(w, key);
		put_byte(w, ':');
		p = put_value(w, past_space(past_space(q) + 1));
		w->made[i].end = w->out->len;
	}
	if (!sorted && !w->out->full)
		reorder(w, first);
	w->n = first;
	put_byte(w, '}');
	return p + 1;
}

static const char *put_array(struct writer *w, const char *p, struct json_last *last)
{
	put_byte(w, '[');
	for (p = past_space(p + 1); *p != ']'; p = past_space(p)) {
		size_t at = w->out->len;
		if (*p == ',') {
			put_byte(w, ',');
			p = past_space(p + 1);
		}
		const char *q = put_value(w, p);
		if (last)
			*last = (struct json_last){{p, (size_t)(q - p)}, at};
		p = q;
	}
	put_byte(w, ']');
	return p + 1;
}

static const char *put_value(struct writer *w, const char *p)
{
	if (*p == '{')
		return put_object(w, p);
	if (*p == '[')
		return put_array(w, p, NULL);

	const char *q = scan_skip(w->marks, p, w->text.s + w->text.n);
	struct span v = {p, (size_t)(q - p)};
	if (*p == '"') {
		put_string(w, v);
	} else if (w->by_value && json_kind(v) == JSON_NUMBER) {
		put_number(v, 1, w->out);
		buf_reserve(w->out, (size_t)(w->text.s + w->text.n - q));
	} else {
		put(w, v.s, v.n);
	}
	return q;
}

static int canonical(const struct marks *m, struct span v, int by_value, struct json_last *last,
		     struct buf *b)
{
	struct buf own = {.max = BUF_MAX};
	struct writer w;
	size_t max = b->max ? b->max : BUF_MAX;

	if (json_kind(v) == JSON_NONE || b->full)
		return -1;
	w.marks = m;
	w.text = v;
	w.by_value = by_value;
	/* Text that may get shorter is not too long yet. */
	w.out = v.n <= max - b->len ? b : &own;
	w.made = w.few;
	w.n = 0;
	w.cap = FEW;
	w.keys = (struct buf)BUF_INIT;
	buf_reserve(w.out, v.n);
	if (*v.s == '[')
		put_array(&w, v.s, last);
	else
		put_value(&w, v.s);
	if (w.made != w.few)
		free(w.made);
	buf_release(&w.keys);
	if (w.out == b && !b->full)
		b->data[b->len] = 0;
	if (w.out == &own) {
		b->full |= own.full;
		buf_addspan(b, (struct span){own.data, own.len});
		buf_release(&own);
	}
	return b->full ? -1 : 0;
}

int json_canonical(struct span v, struct buf *b)
{
	return canonical(NULL, v, 0, NULL, b);
}

int json_canonical_marked(const struct marks *m, struct span v, struct json_last *last,
			  struct buf *b)
{
	return canonical(m, v, 0, last, b);
}

/* Whether text is a number as JSON writes them. */
static int spells_number(struct span s)
{
	struct span v;

	for (size_t i = 0; i < s.n; i++) {
		if (!memchr("0123456789+-.eE", s.s[i], 15))
			return 0;
	}
	return s.n > 0 && json_check(s, &v, NULL) == 0;
}

int json_value_text(struct span v, struct buf *b)
{
	size_t from = b->len;

	if (json_kind(v) != JSON_STRING)
		return canonical(NULL, v, 1, NULL, b);
	json_string(v, b);
	if (b->full)
		return -1;
	if (b->len == from || !spells_number((struct span){b->data + from, b->len - from}))
		return 0;
	char *text = mem_strndup(b->data + from, b->len - from);
	b->len = from;
	put_number(span_of(text), 1, b);
	free(text);
	return b->full ? -1 : 0;
}

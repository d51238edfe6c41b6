/* What a JSON value is, whatever its spelling: members by name, equality, hash. See
 * json.h. */
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "decimal.h"
#include "json.h"

static int by_key(const void *a, const void *b)
{
	const struct json_named *x = a, *y = b;
	int c = span_cmp(x->key, y->key);
	return c ? c : (x->order > y->order) - (x->order < y->order);
}

static void sort_few(struct json_named *v, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct json_named x = v[i];
		size_t k = i;
		for (; k > 0 && by_key(&v[k - 1], &x) > 0; k--)
			v[k] = v[k - 1];
		v[k] = x;
	}
}

static struct span member_key(struct json_members *m, struct span key, size_t most)
{
	if (!memchr(key.s, '\\', key.n))
		return (struct span){key.s + 1, key.n - 2};
	/* Decoded keys are no longer than the object, so keys never moves. */
	if (!m->keys.data)
		buf_reserve(&m->keys, most);
	size_t at = m->keys.len;
	json_string(key, &m->keys);
	return (struct span){m->keys.data + at, m->keys.len - at};
}

void json_members_sort(struct span object, struct json_members *m)
{
	struct json_iter it = {0};
	struct span key, value;
	m->v = m->few;
	m->n = 0;
	m->cap = JSON_MEMBERS_FEW;
	m->keys = (struct buf)BUF_INIT;
	while (json_kind(object) == JSON_OBJECT && json_next(&it, object, &key, &value)) {
		if (m->n == JSON_MEMBERS_FEW && m->v == m->few) {
			m->v = mem_alloc(2 * JSON_MEMBERS_FEW, sizeof *m->v);
			m->cap = 2 * JSON_MEMBERS_FEW;
			memcpy(m->v, m->few, sizeof m->few);
		}
		m->v = m->n < m->cap ? m->v : mem_grow(m->v, &m->cap, m->n + 1, sizeof *m->v);
		m->v[m->n] = (struct json_named){member_key(m, key, object.n), value, m->n};
		m->n++;
	}
	if (m->v == m->few)
		sort_few(m->v, m->n);
	else
		mem_sort(m->v, m->n, sizeof *m->v, by_key);
}

void json_members_release(struct json_members *m)
{
	if (m->v != m->few)
		free(m->v);
	buf_release(&m->keys);
}

struct span json_members_find(const struct json_members *m, struct span name)
{
	size_t from = 0, to = m->n;
	while (from < to) { /* the first key that is greater stands at `from` in the end */
		size_t mid = from + (to - from) / 2;
		if (span_cmp(m->v[mid].key, name) > 0)
			to = mid;
		else
			from = mid + 1;
	}
	return from && span_eq(m->v[from - 1].key, name) ? m->v[from - 1].value : (struct span){0};
}

static int equal_strings(struct span a, struct span b)
{
	if (!memchr(a.s, '\\', a.n) && !memchr(b.s, '\\', b.n))
		return span_eq(a, b);
	struct buf x = BUF_INIT, y = BUF_INIT;
	json_string(a, &x);
	json_string(b, &y);
	int same = span_eq(buf_span(&x), buf_span(&y));
	buf_release(&x);
	buf_release(&y);
	return same;
}

int json_equal(struct span a, struct span b)
{
	enum json_kind kind = json_kind(a);
	if (kind != json_kind(b))
		return 0;
	if (kind == JSON_STRING)
		return equal_strings(a, b);
	if (kind == JSON_NUMBER) {
		struct decimal x = {0}, y = {0};
		int same = span_eq(a, b) || (decimal_read(a, &x) == 0 && decimal_read(b, &y) == 0 &&
					     decimal_equal(&x, &y));
		decimal_release(&x);
		decimal_release(&y);
		return same;
	}
	if (kind == JSON_ARRAY) {
		struct json_iter ia = {0}, ib = {0};
		struct span k, va = {0}, vb = {0};
		for (;;) {
			int more = json_next(&ia, a, &k, &va);
			if (more != json_next(&ib, b, &k, &vb))
				return 0;
			if (!more)
				return 1;
			if (!json_equal(va, vb))
				return 0;
		}
	}
	if (kind == JSON_OBJECT) {
		struct json_members ma, mb;
		json_members_sort(a, &ma);
		json_members_sort(b, &mb);
		int same = ma.n == mb.n;
		for (size_t i = 0; same && i < ma.n; i++)
			same = span_eq(ma.v[i].key, mb.v[i].key) &&
			       json_equal(ma.v[i].value, mb.v[i].value);
		json_members_release(&ma);
		json_members_release(&mb);
		return same;
	}
	return 1;
}

static uint64_t mix(uint64_t h, uint64_t x)
{
	h = (h ^ x) * 0x9e3779b97f4a7c15u;
	return h ^ h >> 29;
}

static uint64_t hash_bytes(uint64_t h, struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		h = mix(h, (unsigned char)s.s[i]);
	return h;
}

static uint64_t hash_string(uint64_t h, struct span v)
{
	struct buf text = BUF_INIT;
	if (!memchr(v.s, '\\', v.n))
		return hash_bytes(h, (struct span){v.s + 1, v.n - 2});
	json_string(v, &text);
	h = hash_bytes(h, buf_span(&text));
	buf_release(&text);
	return h;
}

uint64_t json_hash(struct span v)
{
	struct json_iter it = {0};
	struct span key, item;
	uint64_t h = (uint64_t)json_kind(v) + 1, sum = 0;
	double x;

	switch (json_kind(v)) {
	case JSON_NUMBER:
		json_number(v, &x);
		x += 0.0; /* -0 is 0 */
		memcpy(&sum, &x, sizeof sum);
		return mix(h, sum);
	case JSON_STRING:
		return hash_string(h, v);
	case JSON_ARRAY:
		while (json_next(&it, v, &key, &item))
			h = mix(h, json_hash(item));
		return h;
	case JSON_OBJECT:
		while (json_next(&it, v, &key, &item))
			sum += mix(json_hash(key), json_hash(item));
		return mix(h, sum);
	default:
		return h;
	}
}

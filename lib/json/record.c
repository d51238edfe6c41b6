/* record: members of a line in place, and splicing. See record.h. */
#include "record.h"

#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "jw.h"
#include "scan.h"

void record_release(struct record *r)
{
	free(r->members);
	buf_release(&r->keys);
	marks_release(&r->marks);
	*r = (struct record){0};
}

static int by_member_key(const void *a, const void *b)
{
	const struct member *x = a, *y = b;
	return span_cmp(x->key, y->key);
}

/* A bit for a name, from its length and its ends: equal names share it, and different ones mostly
 * do not. */
static uint64_t name_bit(struct span key)
{
	unsigned mixed = key.n ? (unsigned char)key.s[0] * 29u +
					 (unsigned char)key.s[key.n - 1] * 3u +
					 (unsigned)key.n * 11u
			       : 0;
	return (uint64_t)1 << mixed % 64;
}

static int name_repeats(const struct record *r, struct err *e)
{
	struct span twice = {0};
	if (r->n <= 32) {
		uint64_t seen = 0;
		for (size_t i = 0; i < r->n && !twice.s; i++) {
			uint64_t bit = name_bit(r->members[i].key);
			for (size_t j = 0; j < i && seen & bit && !twice.s; j++)
				if (span_eq(r->members[i].key, r->members[j].key))
					twice = r->members[i].key;
			seen |= bit;
		}
	} else {
		struct member *sorted = mem_alloc(r->n, sizeof *sorted);
		memcpy(sorted, r->members, r->n * sizeof *sorted);
		mem_sort(sorted, r->n, sizeof *sorted, by_member_key);
		for (size_t i = 1; i < r->n && !twice.s; i++)
			if (span_eq(sorted[i].key, sorted[i - 1].key))
				twice = sorted[i].key;
		free(sorted);
	}
	if (!twice.s)
		return 0;
	err_set(e, "member \"%.*s\" stands twice in the record",
		(int)(twice.n < 100 ? twice.n : 100), twice.s);
	return 1;
}

/* One `"name": value` at p. Returns the position behind it or NULL. */
static const char *parse_member(struct record *r, const struct scan *s, const char *p)
{
	if (p >= s->end || *p != '"')
		return scan_fail(s, p, "a member without a name in quotes");
	const char *q = scan_string(s, p);
	if (!q)
		return NULL;
	struct span name = {p, (size_t)(q - p)}, key = {p + 1, name.n - 2};
	if (memchr(name.s, '\\', name.n)) {
		/* Decoded keys are no longer than the line: reserved once, so that they stay put. */
		if (!r->keys.len)
			buf_reserve(&r->keys, r->line.n);
		size_t at = r->keys.len;
		json_string(name, &r->keys);
		key = (struct span){r->keys.data + at, r->keys.len - at};
	}
	q = scan_space(s, q);
	if (q >= s->end || *q != ':')
		return scan_fail(s, q, "a missing colon");
	p = scan_space(s, q + 1);
	q = scan_value(s, p, JSON_DEPTH - 1);
	if (!q)
		return NULL;
	r->members = mem_grow(r->members, &r->cap, r->n + 1, sizeof *r->members);
	r->members[r->n++] = (struct member){key, {p, (size_t)(q - p)}};
	return q;
}

int record_parse(struct record *r, struct span line, struct err *e)
{
	struct scan s = {line.s, line.s + line.n, e, NULL};
	r->line = line;
	r->n = 0;
	buf_clear(&r->keys);
	if (line.n > BUF_MAX)
		return err_set(e, "the line is too long");
	if (marks_set(&r->marks, line) == 0)
		s.marks = &r->marks;
	const char *p = scan_space(&s, line.s);
	if (p >= s.end || *p != '{') {
		if (!scan_value(&s, p, JSON_DEPTH))
			return -1;
		return err_set(e, "not a JSON object");
	}
	const char *open = p;
	p = scan_space(&s, p + 1);
	if (p < s.end && *p == '}') {
		p++;
	} else {
		for (;;) {
			p = parse_member(r, &s, p);
			if (!p)
				return -1;
			p = scan_space(&s, p);
			if (p < s.end && *p == '}') {
				p++;
				break;
			}
			if (p >= s.end || *p != ',') {
				scan_fail(&s, p, "a missing comma or brace");
				return -1;
			}
			p = scan_space(&s, p + 1);
		}
	}
	r->body = (struct span){open, (size_t)(p - open)};
	p = scan_space(&s, p);
	if (p != s.end) {
		scan_fail(&s, p, "something behind the record");
		return -1;
	}
	return name_repeats(r, e) ? -1 : 0;
}

/* Names are short and mostly differ at once: no call and no count of theirs beforehand. */
static inline int is_named(struct span key, const char *name)
{
	size_t i = 0;
	while (i < key.n && name[i] && key.s[i] == name[i])
		i++;
	return i == key.n && !name[i];
}

struct span record_get(const struct record *r, const char *name)
{
	for (size_t i = 0; i < r->n; i++)
		if (is_named(r->members[i].key, name))
			return r->members[i].value;
	return (struct span){0};
}

/* --- splicing --- */

static const struct edit *edit_of(const struct edit *edits, size_t n, struct span key)
{
	for (size_t i = n; i-- > 0;)
		if (is_named(key, edits[i].name))
			return &edits[i];
	return NULL;
}

static int has_member(const struct record *r, const char *name)
{
	return record_get(r, name).s != NULL;
}

/* Where member i begins: its opening quote. Keys with escapes stand elsewhere, so it is found from
 * the member before. */
static const char *member_start(const struct record *r, size_t i)
{
	const char *p = i ? r->members[i - 1].value.s + r->members[i - 1].value.n : r->body.s + 1;
	while (*p != '"')
		p++;
	return p;
}

/* Whether a blank stands before the values, as some write them. */
static int is_spaced(const struct record *r)
{
	return r->n > 0 && r->members[0].value.s[-1] == ' ';
}

static void put_name(const char *name, int comma, int spaced, struct buf *out)
{
	if (comma)
		buf_adds(out, spaced ? ", " : ",");
	json_put_string(out, name, strlen(name));
	buf_adds(out, spaced ? ": " : ":");
}

int record_splice(const struct record *r, const struct edit *edits, size_t n, struct buf *out)
{
	const char *from = r->line.s, *end = r->line.s + r->line.n;
	int kept = 0; /* a member stands before the next one in what was written */
	for (size_t i = 0; i < r->n; i++) {
		const struct member *m = &r->members[i];
		const struct edit *ed = edit_of(edits, n, m->key);
		const char *behind = m->value.s + m->value.n;
		if (!ed) {
			kept = 1;
			continue;
		}
		if (ed->value.s) {
			buf_add(out, from, (size_t)(m->value.s - from));
			buf_addspan(out, ed->value);
			from = behind;
			kept = 1;
			continue;
		}
		/* Removed with the comma that parted it: the one before, or for the first one the
		 * one behind. */
		const char *start = member_start(r, i);
		if (kept) {
			start = r->members[i - 1].value.s + r->members[i - 1].value.n;
			if (start < from)
				start = from;
			buf_add(out, from, (size_t)(start - from));
			from = behind;
		} else {
			buf_add(out, from, (size_t)(start - from));
			from = i + 1 < r->n ? member_start(r, i + 1) : behind;
		}
	}
	const char *close = r->body.s + r->body.n - 1;
	const char *last =
		r->n ? r->members[r->n - 1].value.s + r->members[r->n - 1].value.n : r->body.s + 1;
	if (last < from)
		last = from;
	int adding = 0;
	for (size_t i = 0; i < n; i++)
		adding |= edits[i].value.s && !has_member(r, edits[i].name);
	if (!adding)
		return buf_add(out, from, (size_t)(end - from));
	buf_add(out, from, (size_t)(last - from));
	for (size_t i = 0; i < n; i++) {
		if (!edits[i].value.s || has_member(r, edits[i].name))
			continue;
		put_name(edits[i].name, kept, is_spaced(r), out);
		buf_addspan(out, edits[i].value);
		kept = 1;
	}
	if (last > close)
		last = close;
	return buf_add(out, last, (size_t)(end - last));
}

int record_seam(const struct record *r, const char *name, struct seam *s)
{
	const uint32_t most = INT32_MAX;
	struct span value = record_get(r, name);
	const char *last =
		r->n ? r->members[r->n - 1].value.s + r->members[r->n - 1].value.n : r->body.s + 1;

	*s = (struct seam){0};
	if (r->line.n > most)
		return -1;
	s->at = (uint32_t)((value.s ? value.s : last) - r->line.s) & most;
	s->cut = (uint32_t)value.n & most;
	s->comma = r->n > 0;
	s->spaced = is_spaced(r) & 1;
	return 0;
}

void seam_put(struct seam s, const char *name, struct span value, struct buf *out)
{
	if (!s.cut)
		put_name(name, s.comma, s.spaced, out);
	buf_addspan(out, value);
}

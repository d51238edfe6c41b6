/* identity: what a record is known by (input key, id) and what it is measured against (references).
 * See record.h. */
#include "record.h"

#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>
#include "marked.h"
#include "jw.h"
#include "members.h"

static int is_answer(struct span side)
{
	return json_member(side, "model").s && json_member(side, "output").s;
}

int record_is_input(const struct record *r, struct span key)
{
	unsigned what = members_what(key);

	/* `a` and `b` are common names: ft's own only where they hold what ft-judge puts there. */
	if (what & MEMBER_PAIR)
		return !is_answer(record_get(r, "a")) || !is_answer(record_get(r, "b"));
	return !(what & ~(unsigned)MEMBER_ASKED);
}

static const struct marks *marks_of(const struct record *r)
{
	return r->marks.s ? &r->marks : NULL;
}

static int is_assistant(const struct record *r, struct span turn)
{
	return json_is(json_member_marked(marks_of(r), turn, "role"), "assistant");
}

struct span record_final_assistant(const struct record *r)
{
	struct span last = json_element_marked(marks_of(r), record_get(r, "messages"), -1);
	return is_assistant(r, last) ? last : (struct span){0};
}

/* Appends `,"name":canonical value` where the member is there. */
static void add_member(const struct record *r, const char *name, struct buf *b)
{
	struct span v = record_get(r, name);
	if (!v.s)
		return;
	if (b->len > 1)
		buf_addc(b, ',');
	json_put_string(b, name, strlen(name));
	buf_addc(b, ':');
	json_canonical_marked(marks_of(r), v, NULL, b);
}

/* All turns but a final one of the assistant. */
static void add_messages(const struct record *r, struct span messages, struct buf *b)
{
	struct json_last last = {0};

	buf_adds(b, "\"messages\":");
	json_canonical_marked(marks_of(r), messages, &last, b);
	if (b->full || !is_assistant(r, last.value))
		return;
	b->len = last.at;
	buf_addc(b, ']');
}

int record_rest(const struct record *r, struct buf *b)
{
	struct buf rest = BUF_INIT;
	buf_addc(&rest, '{');
	for (size_t i = 0; i < r->n; i++) {
		const struct member *m = &r->members[i];
		if (!record_is_input(r, m->key))
			continue;
		if (rest.len > 1)
			buf_addc(&rest, ',');
		json_put_string(&rest, m->key.s, m->key.n);
		buf_addc(&rest, ':');
		buf_addspan(&rest, m->value);
	}
	buf_addc(&rest, '}');
	int full = rest.full || json_canonical(buf_span(&rest), b);
	buf_release(&rest);
	return full ? -1 : 0;
}

int record_key(const struct record *r, char key[33], struct err *e)
{
	struct buf b = BUF_INIT;
	struct span messages = record_get(r, "messages");
	buf_reserve(&b, r->body.n);
	if (json_kind(messages) == JSON_ARRAY) {
		buf_addc(&b, '{');
		add_messages(r, messages, &b);
		add_member(r, "response_format", &b);
		add_member(r, "tools", &b);
		buf_addc(&b, '}');
	} else if (record_get(r, "prompt").s) {
		buf_addc(&b, '{');
		add_member(r, "prompt", &b);
		buf_addc(&b, '}');
	} else {
		b.full |= record_rest(r, &b) < 0;
	}
	int full = b.full;
	XXH128_hash_t h = XXH3_128bits(b.data, b.len);
	buf_release(&b);
	if (full)
		return err_set(e, "the record is too large");
	for (int i = 0; i < 16; i++) {
		key[i] = "0123456789abcdef"[h.high64 >> (60 - 4 * i) & 15];
		key[16 + i] = "0123456789abcdef"[h.low64 >> (60 - 4 * i) & 15];
	}
	key[32] = 0;
	return 0;
}

int record_id(const struct record *r, struct buf *b, struct err *e)
{
	struct span id = record_get(r, "id");
	if (json_kind(id) == JSON_STRING)
		return json_string(id, b);
	if (id.s && json_kind(id) != JSON_NULL)
		return buf_addspan(b, id);
	char key[33];
	if (record_key(r, key, e))
		return -1;
	return buf_adds(b, key);
}

int record_message_text(struct span content, struct buf *b)
{
	struct json_iter it = {0};
	struct span key, part;
	if (json_kind(content) == JSON_STRING)
		return json_string(content, b);
	if (json_kind(content) != JSON_ARRAY)
		return -1;
	while (json_next(&it, content, &key, &part)) {
		if (json_kind(part) == JSON_STRING)
			json_string(part, b);
		else if (json_string(json_member(part, "text"), b))
			return -1;
	}
	return b->full ? -1 : 0;
}

/* Appends a reference and the NUL that ends it. One that holds a NUL itself could not be told from
 * two. */
static int add_reference(struct buf *b, size_t from, struct err *e)
{
	if (b->len > from && memchr(b->data + from, 0, b->len - from))
		return err_set(e, "a reference holds \\u0000, which is not supported here");
	buf_addc(b, 0);
	return 1;
}

static int ideal_references(struct span ideal, struct buf *b, struct err *e)
{
	struct json_iter it = {0};
	struct span v, key;
	int n = 0;
	while (json_next(&it, ideal, &key, &v)) {
		size_t from = b->len;
		if (json_string(v, b))
			return err_set(e, "`ideal` holds something that is no string");
		if (add_reference(b, from, e) < 0)
			return -1;
		n++;
	}
	return n;
}

int record_references(const struct record *r, struct buf *b, struct err *e)
{
	struct span ideal = record_get(r, "ideal");
	size_t from = b->len;
	switch (json_kind(ideal)) {
	case JSON_STRING:
		json_string(ideal, b);
		return add_reference(b, from, e);
	case JSON_ARRAY:
		return ideal_references(ideal, b, e);
	case JSON_NONE:
	case JSON_NULL:
		break;
	default:
		return err_set(e, "`ideal` must be a string or an array of strings");
	}
	struct span content = json_member(record_final_assistant(r), "content");
	if (content.s && json_kind(content) != JSON_NULL) {
		if (record_message_text(content, b))
			return err_set(e,
				       "the final assistant message has a content that is no text");
		return add_reference(b, from, e);
	}
	struct span completion = record_get(r, "completion");
	if (completion.s && json_kind(completion) != JSON_NULL) {
		if (json_string(completion, b))
			return err_set(e, "`completion` is no string");
		return add_reference(b, from, e);
	}
	return 0;
}

/* pair: see pair.h. */
#include "pair.h"

#include <string.h>
#include "../json/jw.h"
#include "../json/members.h"
#include "../judge/pairing.h"
#include "../judge/question.h"
#include "../text/hash.h"
#include "key.h"

int pair_is(const struct record *r)
{
	return json_kind(json_member(record_get(r, "a"), "output")) == JSON_STRING &&
	       json_kind(json_member(record_get(r, "b"), "output")) == JSON_STRING;
}

void pair_text(const struct record *r, const char *side, struct buf *text)
{
	pairing_text(r, side, text);
}

void pair_model(const struct record *r, const char *side, struct buf *name)
{
	size_t before = name->len;
	/* a NUL would cut the name short where it is written */
	if (json_string(json_member(record_get(r, side), "model"), name) || name->len == before ||
	    memchr(name->data + before, 0, name->len - before)) {
		name->len = before;
		buf_adds(name, side);
	}
}

/* Appends both, by the order of x and y. */
static void add_both(struct buf *b, const struct buf *x, const struct buf *y, int swapped)
{
	const struct buf *both[] = {x, y};
	for (int i = 0; i < 2; i++) {
		const struct buf *side = both[i ^ swapped];
		buf_addf(b, "%zu:", side->len);
		buf_addspan(b, buf_span(side));
	}
}

static int identify(const struct record *r, int answers, char hash[33], struct err *e)
{
	struct buf all = BUF_INIT, a = BUF_INIT, b = BUF_INIT;
	char input[33];
	if (record_key(r, input, e))
		return -1;
	pair_model(r, "a", &a);
	pair_model(r, "b", &b);
	int order = strcmp(a.data, b.data);
	buf_adds(&all, input);
	add_both(&all, &a, &b, order > 0);
	if (answers) {
		buf_clear(&a);
		buf_clear(&b);
		pair_text(r, "a", &a);
		pair_text(r, "b", &b);
		add_both(&all, &a, &b, order > 0);
	}
	int rc = key_digest(&all, hash, e);
	buf_release(&all);
	buf_release(&a);
	buf_release(&b);
	return rc;
}

int pair_key(const struct record *r, char key[33], struct err *e)
{
	return identify(r, 0, key, e);
}

int pair_hash(const struct record *r, char hash[33], struct err *e)
{
	return identify(r, 1, hash, e);
}

int pair_swapped(const char *key, const char *who, uint64_t seed)
{
	return hash_mix(hash64(span_of(key), seed), hash64(span_of(who), seed)) >> 63;
}

int pair_shown(const struct record *r, struct buf *json)
{
	int asked = record_get(r, "messages").s || record_get(r, "prompt").s;
	struct jw w;
	jw_init(&w, json);
	jw_object(&w);
	for (size_t i = 0; i < r->n; i++) {
		const struct member *m = &r->members[i];
		unsigned what = members_what(m->key);
		/* members that ft does not know are what was asked only where nothing else is */
		if (span_is(m->key, "id") || what & (MEMBER_ASKED | MEMBER_REFERENCE) ||
		    (!what && !asked)) {
			jw_keyn(&w, m->key.s, m->key.n);
			jw_raw(&w, m->value);
		}
	}
	jw_end(&w);
	return json->full ? -1 : 0;
}

void pair_turn(const struct record *r, const char *side, struct buf *json)
{
	struct span calls = json_member(record_get(r, side), "tool_calls");
	struct buf text = BUF_INIT;
	struct jw w;
	pair_text(r, side, &text);
	if (calls.s) /* they stand at the end of what was judged, too */
		question_less_calls(&text, calls);
	jw_init(&w, json);
	jw_array(&w);
	jw_object(&w);
	jw_put_str(&w, "role", "assistant");
	if (calls.s && !text.len)
		jw_put_null(&w, "content");
	else
		jw_put_text(&w, "content", buf_span(&text));
	if (calls.s)
		jw_put_raw(&w, "tool_calls", calls);
	jw_end(&w);
	jw_end(&w);
	buf_release(&text);
}

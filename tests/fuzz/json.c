/* Fuzz target: hostile text as JSON and as a record. What is accepted must be walked to its end,
 * survive its canonical form, and come back byte for byte after a member was added and taken away
 * again; and a record is accepted where its text is, with the same canonical form. */
#include <stdlib.h>
#include <string.h>
#include "../../lib/json/marked.h"
#include "../../lib/json/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int held)
{
	if (!held)
		abort();
}

static size_t walk(struct span v, struct buf *text)
{
	struct json_iter it = {0};
	struct span key, value;
	size_t n = 0, below = 1;
	int64_t i;
	double x;

	buf_clear(text);
	must(json_kind(v) != JSON_NONE);
	must((json_string(v, text) == 0) == (json_kind(v) == JSON_STRING));
	must((json_number(v, &x) == 0) == (json_kind(v) == JSON_NUMBER));
	must(json_int(v, &i) != 0 || json_kind(v) == JSON_NUMBER);
	while (json_next(&it, v, &key, &value)) {
		below += walk(value, text);
		n++;
	}
	must(n == json_count(v));
	return below;
}

static void canonical(struct span v)
{
	struct buf once = BUF_INIT, twice = BUF_INIT;
	struct err e = ERR_INIT;
	struct span again;

	if (!json_canonical(v, &once)) {
		must(!json_check(buf_span(&once), &again, &e));
		must(json_equal(v, again));
		must(!json_canonical(again, &twice) && span_eq(buf_span(&once), buf_span(&twice)));
	}
	buf_release(&once);
	buf_release(&twice);
}

/* Read with marks as without them. */
static void marked(const struct record *r)
{
	struct buf with = BUF_INIT, without = BUF_INIT;
	struct err e = ERR_INIT;
	struct span v = {0};

	must(r->marks.s && !json_check(r->line, &v, &e) && span_eq(v, r->body));
	must(json_canonical_marked(&r->marks, v, NULL, &with) == json_canonical(v, &without));
	must(span_eq(buf_span(&with), buf_span(&without)));
	buf_release(&with);
	buf_release(&without);
}

static void splice(const struct record *r)
{
	const struct edit add = {"\x01 nobody has this", span_of("[1,\"two\"]")},
			  drop = {"\x01 nobody has this", {NULL, 0}};
	struct buf with = BUF_INIT, without = BUF_INIT, key = BUF_INIT;
	struct record changed = {0};
	struct err e = ERR_INIT;
	char hash[33];

	if (!json_kind(record_get(r, add.name))) {
		must(!record_splice(r, &add, 1, &with));
		must(!record_parse(&changed, buf_span(&with), &e));
		must(span_eq(record_get(&changed, add.name), add.value));
		must(!record_splice(&changed, &drop, 1, &without));
		must(span_eq(buf_span(&without), r->line));
	}
	record_key(r, hash, &e);
	record_id(r, &key, &e);
	record_references(r, &key, &e);
	record_rest(r, &key);
	record_final_assistant(r);
	buf_release(&with);
	buf_release(&without);
	buf_release(&key);
	record_release(&changed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = {(const char *)data, size}, v;
	struct buf scratch = BUF_INIT;
	struct err e = ERR_INIT;
	struct record r = {0};
	cJSON *tree;

	if (size && !json_check(text, &v, &e)) {
		walk(v, &scratch);
		canonical(v);
		tree = json_tree(v, &e);
		cJSON_Delete(tree);
	}
	if (size && !record_parse(&r, text, &e)) {
		marked(&r);
		splice(&r);
	} else if (size && !strstr(e.msg, "stands twice")) {
		must(json_check(text, &v, &e) || *v.s != '{');
	}
	buf_release(&scratch);
	record_release(&r);
	return 0;
}

/* frame: from records to columns; see the header. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../json/jw.h"
#include "../text/hash.h"
#include "frame.h"

/* How a value was reached from the one that holds it. */
enum step_kind { STEP_MEMBER, STEP_INDEX, STEP_ELEMENT, STEP_DECODED, STEP_NAMED };

struct step {
	const struct step *up;
	enum step_kind kind;
	struct span key; /* raw, quoted (STEP_MEMBER); text (STEP_NAMED) */
	size_t index;
};

/* A value's place while walking. */
struct place {
	enum root root;
	const struct step *step; /* NULL at the root */
	uint64_t path_hash;	 /* of the steps, whatever the root */
	struct column *parent;
	int depth, decoded;
	int64_t sampled;
	uint64_t draw; /* the row's own hash: picks elements of arrays */
};

void frame_init(struct frame *f)
{
	*f = (struct frame){.threshold = UINT64_MAX};
}

void frame_release(struct frame *f)
{
	for (size_t i = 0; i < f->columns_n; i++)
		column_free(f->columns[i]);
	free(f->columns);
	map_release(&f->by_hash);
	free(f->sample);
	for (size_t i = 0; i < sizeof f->decoded / sizeof *f->decoded; i++)
		buf_release(&f->decoded[i]);
	buf_release(&f->text);
	buf_release(&f->key);
	frame_init(f);
}

/* --- paths as text --- */

static void put_member(struct buf *b, struct span raw)
{
	struct buf name = BUF_INIT;

	json_string(raw, &name);
	int plain = name.len > 0 && !memchr(name.data, 0, name.len) && !strpbrk(name.data, ".[]|\"\\\n\t");
	if (plain) {
		buf_addc(b, '.');
		buf_addspan(b, buf_span(&name));
	} else {
		buf_adds(b, ".[");
		buf_addspan(b, raw);
		buf_addc(b, ']');
	}
	buf_release(&name);
}

static void put_path(struct buf *b, const struct step *s)
{
	if (!s)
		return;
	put_path(b, s->up);
	switch (s->kind) {
	case STEP_MEMBER:
		put_member(b, s->key);
		break;
	case STEP_INDEX:
		buf_addf(b, "[%zu]", s->index);
		break;
	case STEP_ELEMENT:
		buf_adds(b, "[]");
		break;
	case STEP_DECODED:
		buf_addc(b, '|');
		break;
	case STEP_NAMED:
		buf_addspan(b, s->key);
		break;
	}
}

static uint64_t column_key(enum root root, uint64_t path_hash)
{
	return hash_mix(path_hash, (uint64_t)root);
}

struct column *frame_add_column(struct frame *f, enum root root, struct span path, uint64_t hash, struct column *parent)
{
	uint64_t key = column_key(root, hash);

	if (f->columns_n == FRAME_COLUMNS || map_get(&f->by_hash, key))
		return NULL;
	f->columns = mem_grow(f->columns, &f->columns_cap, f->columns_n + 1, sizeof *f->columns);
	map_put(&f->by_hash, key, f->columns_n, NULL);
	f->columns[f->columns_n] = column_new(root, path, hash, parent);
	return f->columns[f->columns_n++];
}

static struct column *column_at(struct frame *f, const struct place *at)
{
	struct column *known = frame_column_at(f, at->root, at->path_hash);

	if (known || f->columns_n == FRAME_COLUMNS)
		return known;
	struct buf path = BUF_INIT;
	put_path(&path, at->step);
	struct column *c = frame_add_column(f, at->root, buf_span(&path), at->path_hash, at->parent);
	buf_release(&path);
	return c;
}

struct column *frame_column_at(const struct frame *f, enum root root, uint64_t hash)
{
	uint64_t *known = map_get(&f->by_hash, column_key(root, hash));

	return known ? f->columns[*known] : NULL;
}

struct column *frame_column(const struct frame *f, enum root root, const struct column *c)
{
	return frame_column_at(f, root, c->hash);
}

struct column *frame_root(const struct frame *f, enum root root)
{
	return frame_column_at(f, root, 0);
}

uint64_t frame_possible(const struct frame *f, const struct column *c)
{
	return c->parent ? c->parent->count[KIND_OBJECT] : f->rows;
}

/* --- walking --- */

static void visit(struct frame *f, struct span v, const struct place *at);

static void visit_child(struct frame *f, struct span v, const struct place *at, struct column *parent, const struct step *step,
			uint64_t step_hash)
{
	struct place below = *at;

	below.step = step;
	below.parent = parent;
	below.path_hash = hash_mix(at->path_hash, step_hash);
	below.depth++;
	visit(f, v, &below);
}

static void visit_members(struct frame *f, struct span object, const struct place *at, struct column *here)
{
	struct json_iter it = {0};
	struct span key, value;

	while (json_next(&it, object, &key, &value)) {
		struct step step = {at->step, STEP_MEMBER, key, 0};
		visit_child(f, value, at, here, &step, hash64(key, 1));
	}
}

/* One element, drawn by the row's hash, stands for all of them. */
static void visit_some_element(struct frame *f, struct span array, size_t n, const struct place *at, struct column *here)
{
	struct json_iter it = {0};
	struct step step = {at->step, STEP_ELEMENT, {0}, 0};
	struct span key, value;
	size_t want = (size_t)(hash_mix(at->draw, at->path_hash) % n), i = 0;

	while (json_next(&it, array, &key, &value)) {
		if (i++ == want)
			visit_child(f, value, at, here, &step, 2);
	}
}

static void visit_text(struct frame *f, struct span s, const struct place *at, struct column *here)
{
	struct span inner;
	size_t i = 0;

	while (i < s.n && (s.s[i] == ' ' || s.s[i] == '\n' || s.s[i] == '\t' || s.s[i] == '\r'))
		i++;
	if (i == s.n || (s.s[i] != '{' && s.s[i] != '[') || at->decoded == FRAME_DECODE || json_check(s, &inner, NULL)) {
		column_add_string(here, s, at->sampled);
		return;
	}
	struct step step = {at->step, STEP_DECODED, {0}, 0};
	struct place below = *at;
	below.step = &step;
	below.path_hash = hash_mix(at->path_hash, 3);
	below.depth++;
	below.decoded++;
	if (json_kind(inner) == JSON_OBJECT) {
		column_add_object(here);
		visit_members(f, inner, &below, here);
	} else {
		size_t n = json_count(inner);
		column_add_array(here, n, at->sampled);
		if (n)
			visit_some_element(f, inner, n, &below, here);
	}
}

static void visit_string(struct frame *f, struct span v, const struct place *at, struct column *here)
{
	struct span s = {v.s + 1, v.n - 2};

	if (memchr(v.s, '\\', v.n)) {
		struct buf *b = &f->decoded[at->decoded];
		buf_clear(b);
		if (json_string(v, b)) {
			f->lost++;
			return;
		}
		s = buf_span(b);
	}
	visit_text(f, s, at, here);
}

static void visit(struct frame *f, struct span v, const struct place *at)
{
	struct column *here = at->depth <= FRAME_DEPTH ? column_at(f, at) : NULL;
	double x;
	size_t n;

	if (!here) {
		f->lost++;
		return;
	}
	switch (json_kind(v)) {
	case JSON_NONE:
		break;
	case JSON_NULL:
		column_add_null(here);
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		column_add_bool(here, json_kind(v) == JSON_TRUE, at->sampled);
		break;
	case JSON_NUMBER:
		if (!json_number(v, &x))
			column_add_number(here, x, at->sampled);
		break;
	case JSON_STRING:
		visit_string(f, v, at, here);
		break;
	case JSON_ARRAY:
		n = json_count(v);
		column_add_array(here, n, at->sampled);
		if (n)
			visit_some_element(f, v, n, at, here);
		break;
	case JSON_OBJECT:
		column_add_object(here);
		visit_members(f, v, at, here);
		break;
	}
}

/* The turns that a model is shown: each its own column, the content as text whichever way it is written. */
static void visit_messages(struct frame *f, struct span messages, struct span final, const struct place *root, const struct step *step,
			   uint64_t step_hash)
{
	struct place at = *root;
	struct json_iter it = {0};
	struct span key, turn;
	size_t n = json_count(messages) - (final.s != NULL), i = 0;

	at.step = step;
	at.path_hash = hash_mix(root->path_hash, step_hash);
	at.depth++;
	struct column *here = column_at(f, &at);
	if (!here) {
		f->lost++;
		return;
	}
	column_add_array(here, n, at.sampled);
	while (json_next(&it, messages, &key, &turn) && i < n) {
		struct step index = {step, STEP_INDEX, {0}, i};
		struct place turn_at = at;
		turn_at.step = &index;
		turn_at.parent = here;
		turn_at.path_hash = hash_mix(at.path_hash, 16 + i++);
		turn_at.depth++;
		struct column *turn_column = column_at(f, &turn_at);
		if (!turn_column || json_kind(turn) != JSON_OBJECT) {
			f->lost++;
			continue;
		}
		column_add_object(turn_column);
		struct json_iter members = {0};
		struct span name, value;
		while (json_next(&members, turn, &name, &value)) {
			struct step member = {&index, STEP_MEMBER, name, 0};
			if (json_is(name, "content") && json_kind(value) == JSON_ARRAY) {
				struct place content = turn_at;
				content.step = &member;
				content.parent = turn_column;
				content.path_hash = hash_mix(turn_at.path_hash, hash64(name, 1));
				content.depth++;
				struct column *c = column_at(f, &content);
				buf_clear(&f->text);
				if (c && !message_text(value, &f->text))
					visit_text(f, buf_span(&f->text), &content, c);
				else
					f->lost++;
				continue;
			}
			visit_child(f, value, &turn_at, turn_column, &member, hash64(name, 1));
		}
	}
}

/* Book-keeping that says nothing of the world, and what is looked at as output or reference. */
static int passed_over(struct span key)
{
#define NAME(text) {text, sizeof text - 1}
	static const struct span names[] = {NAME("id"), NAME("sample"), NAME("split"), NAME("weight"), NAME("request_id"),
		NAME("attempts"), NAME("cached"), NAME("review"), NAME("logprobs"), NAME("output"), NAME("ideal")};
#undef NAME

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (names[i].n == key.n && memcmp(names[i].s, key.s, key.n) == 0)
			return 1;
	}
	return 0;
}

static void visit_input(struct frame *f, const struct record *rec, struct span final, const struct place *root)
{
	int completes = record_get(rec, "prompt").s && !record_get(rec, "messages").s;

	for (size_t i = 0; i < rec->n; i++) {
		struct buf *quoted = &f->key;
		struct span key = rec->members[i].key, value = rec->members[i].value;
		if (passed_over(key) || (completes && span_is(key, "completion")))
			continue;
		buf_clear(quoted);
		json_put_string(quoted, key.s, key.n);
		struct step step = {NULL, STEP_MEMBER, buf_span(quoted), 0};
		if (span_is(key, "messages") && json_kind(value) == JSON_ARRAY)
			visit_messages(f, value, final, root, &step, hash64(step.key, 1));
		else
			visit_child(f, value, root, NULL, &step, hash64(step.key, 1));
	}
}

static void visit_named(struct frame *f, const struct record *rec, const struct place *root)
{
	struct buf scratch = BUF_INIT;

	for (size_t i = 0; i < f->paths_n; i++) {
		struct span v = path_find(f->paths[i], rec->body, &scratch);
		struct step step = {NULL, STEP_NAMED, span_of(path_text(f->paths[i])), 0};
		if (v.s)
			visit_child(f, v, root, NULL, &step, hash64(step.key, 4));
	}
	buf_release(&scratch);
}

/* The time is a column of its own, whatever else is looked at. */
static void visit_time(struct frame *f, const struct record *rec, struct place *root)
{
	struct buf scratch = BUF_INIT;
	struct span v = path_find(f->time, rec->body, &scratch);

	root->root = ROOT_TIME;
	if (v.s && json_kind(v) != JSON_OBJECT && json_kind(v) != JSON_ARRAY) {
		struct column *c = column_at(f, root);
		if (c)
			c->timely = 1;
		visit(f, v, root);
	}
	buf_release(&scratch);
}

static int visit_reference(struct frame *f, const struct record *rec, struct span final, struct place *root, struct err *e)
{
	struct buf texts = BUF_INIT;
	int n = record_references(rec, &texts, e);

	if (n > 0) {
		if (!f->reference_name[0])
			strcpy(f->reference_name, record_get(rec, "ideal").s ? ".ideal"
						  : final.s		      ? ".messages[-1].content"
									      : ".completion");
		struct column *c = column_at(f, root);
		if (c)
			visit_text(f, (struct span){texts.data, strlen(texts.data)}, root, c);
	}
	buf_release(&texts);
	return n < 0 ? -1 : 0;
}

/* --- the sample --- */

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Drops the sampled rows above the threshold. */
static void drop_rows(struct frame *f)
{
	uint32_t *to = mem_alloc(f->sample_n, sizeof *to);
	size_t kept = 0;

	for (size_t i = 0; i < f->sample_n; i++) {
		to[i] = UINT32_MAX;
		if (f->sample[i].priority > f->threshold)
			continue;
		to[i] = (uint32_t)kept;
		f->sample[kept++] = f->sample[i];
	}
	if (kept < f->sample_n) {
		for (size_t i = 0; i < f->columns_n; i++)
			column_renumber(f->columns[i], to);
	}
	f->sample_n = kept;
	free(to);
}

static void shrink_sample(struct frame *f)
{
	drop_rows(f);
	if (f->sample_n <= f->sample_max)
		return;
	uint64_t *order = mem_alloc(f->sample_n, sizeof *order);
	for (size_t i = 0; i < f->sample_n; i++)
		order[i] = f->sample[i].priority;
	qsort(order, f->sample_n, sizeof *order, by_size);
	f->threshold = order[f->sample_max - 1];
	free(order);
	drop_rows(f);
}

static int64_t sample_row(struct frame *f, uint64_t priority)
{
	if (priority > f->threshold)
		return -1;
	if (f->sample_n >= 2 * f->sample_max) {
		shrink_sample(f);
		if (priority > f->threshold)
			return -1;
	}
	f->sample = mem_grow(f->sample, &f->sample_cap, f->sample_n + 1, sizeof *f->sample);
	f->sample[f->sample_n] = (struct sampled_row){priority, f->rows};
	return (int64_t)f->sample_n++;
}

int frame_add(struct frame *f, const struct record *rec, struct err *e)
{
	if (f->rows == 0) {
		f->salt = hash64(rec->line, f->seed);
		f->sample_max = f->sample_max ? f->sample_max : FRAME_SAMPLE;
	}
	uint64_t draw = hash_mix(f->salt, f->rows);
	struct place root = {.root = ROOT_INPUT, .sampled = sample_row(f, draw), .draw = draw};
	struct span final = record_final_assistant(rec), output = record_get(rec, "output");

	visit_input(f, rec, final, &root);
	visit_named(f, rec, &root);
	if (output.s && json_kind(output) != JSON_NULL) {
		root.root = ROOT_OUTPUT;
		visit(f, output, &root);
	}
	if (f->time)
		visit_time(f, rec, &root);
	root.root = ROOT_REFERENCE;
	if (visit_reference(f, rec, final, &root, e))
		return -1;
	f->rows++;
	return 0;
}

void frame_finish(struct frame *f)
{
	f->sample_max = f->sample_max ? f->sample_max : FRAME_SAMPLE;
	shrink_sample(f);
}

/* walk: from records to columns; see frame.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../json/jw.h"
#include "../json/members.h"
#include "../text/hash.h"
#include "frame.h"

#define SHAPE_MEMBERS 256 /* remembered of an object */
#define SHAPE_AHEAD 16	  /* looked at for the next one */

/* How a value was reached from the one that holds it. */
enum step_kind { STEP_TOP, STEP_MEMBER, STEP_INDEX, STEP_ELEMENT, STEP_DECODED, STEP_NAMED };

struct step {
	const struct step *up;
	enum step_kind kind;
	struct span key; /* raw, quoted (STEP_MEMBER); decoded (STEP_TOP); text (STEP_NAMED) */
	size_t index;
};

/* A value's place while walking. */
struct place {
	enum root root;
	struct column *here;	 /* the value's own, where it is known already */
	const struct step *step; /* NULL at the root */
	uint64_t path_hash;	 /* of the steps, whatever the root */
	struct column *parent;
	int depth, decoded;
	int64_t sampled;
	struct span line; /* the record's: its hash picks elements of arrays, wherever it stands */
};

/* --- paths as text --- */

void frame_put_name(struct buf *b, struct span name)
{
	if (name.n > 0 && name.n < 1000 && !memchr(name.s, 0, name.n)) {
		char text[1000];
		memcpy(text, name.s, name.n);
		text[name.n] = 0;
		if (!strpbrk(text, ".[]|\"\\\n\t")) {
			buf_addc(b, '.');
			buf_addspan(b, name);
			return;
		}
	}
	buf_adds(b, ".[");
	json_put_string(b, name.s, name.n);
	buf_addc(b, ']');
}

static void put_raw_name(struct buf *b, struct span raw)
{
	struct buf name = BUF_INIT;

	json_string(raw, &name);
	frame_put_name(b, buf_span(&name));
	buf_release(&name);
}

static void put_path(struct buf *b, const struct step *s)
{
	if (!s)
		return;
	put_path(b, s->up);
	switch (s->kind) {
	case STEP_TOP:
		frame_put_name(b, s->key);
		break;
	case STEP_MEMBER:
		put_raw_name(b, s->key);
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

static struct column *column_at(struct frame *f, const struct place *at)
{
	struct column *known = frame_column_at(f, at->root, at->path_hash);

	if (known || f->columns_n == FRAME_COLUMNS)
		return known;
	struct buf path = BUF_INIT;
	put_path(&path, at->step);
	struct column *c =
		frame_add_column(f, at->root, buf_span(&path), at->path_hash, at->parent);
	buf_release(&path);
	return c;
}

/* --- walking --- */

static void visit(struct frame *f, struct span v, const struct place *at);

static void visit_child(struct frame *f, struct span v, const struct place *at,
			struct column *parent, const struct step *step, uint64_t step_hash)
{
	struct place below = *at;

	below.step = step;
	below.parent = parent;
	below.here = NULL;
	below.path_hash = hash_mix(at->path_hash, step_hash);
	below.depth++;
	visit(f, v, &below);
}

/* The member of a name, which mostly is the one behind the last (*next); NULL where it is not
 * remembered. */
static struct shape_member *shape_find(const struct shape *s, size_t *next, struct span name)
{
	size_t ahead = s->n < SHAPE_AHEAD ? s->n : SHAPE_AHEAD;

	for (size_t k = 0; k < ahead; k++) {
		size_t i = *next + k < s->n ? *next + k : *next + k - s->n;
		struct shape_member *m = &s->member[i];
		if (m->len == name.n && memcmp(m->name, name.s, name.n) == 0) {
			*next = i + 1 < s->n ? i + 1 : 0;
			return m;
		}
	}
	return NULL;
}

static struct shape_member *shape_add(struct shape *s, struct span name)
{
	if (s->n == SHAPE_MEMBERS)
		return NULL;
	s->member = mem_grow(s->member, &s->cap, s->n + 1, sizeof *s->member);
	s->member[s->n] = (struct shape_member){.name = span_dup(name), .len = name.n};
	return &s->member[s->n++];
}

/* The hash of a member's name, which is one however the name is spelt: most are written as ft
 * itself writes them, and only escapes leave a choice. */
static uint64_t name_hash(struct span raw)
{
	struct buf name = BUF_INIT, quoted = BUF_INIT;
	uint64_t hash;

	if (!memchr(raw.s, '\\', raw.n))
		return hash64(raw, 1);
	json_string(raw, &name);
	json_put_string(&quoted, name.data ? name.data : "", name.len);
	hash = hash64(buf_span(&quoted), 1);
	buf_release(&name);
	buf_release(&quoted);
	return hash;
}

/* A member of an object: its column comes from the shape, and goes into it. */
static void visit_member(struct frame *f, struct span key, struct span value,
			 const struct place *at, struct column *here, struct shape *shape,
			 size_t *next)
{
	struct step step = {at->step, STEP_MEMBER, key, 0};
	struct shape_member *m = shape_find(shape, next, key);
	struct place below = *at;

	below.step = &step;
	below.parent = here;
	below.depth++;
	if (m) {
		below.path_hash = m->hash;
		below.here = m->column;
		visit(f, value, &below);
		return;
	}
	below.path_hash = hash_mix(at->path_hash, name_hash(key));
	size_t known = f->columns_n;
	below.here = below.depth <= FRAME_DEPTH ? column_at(f, &below) : NULL;
	if (f->columns_n > known && (m = shape_add(shape, key))) {
		m->hash = below.path_hash;
		m->column = below.here;
	}
	visit(f, value, &below);
}

static void visit_members(struct frame *f, struct span object, const struct place *at,
			  struct column *here, struct shape *shape)
{
	struct json_iter it = {0};
	struct span key, value;
	size_t next = 0;

	while (json_next(&it, object, &key, &value))
		visit_member(f, key, value, at, here, shape, &next);
}

/* The elements as floats, in f->vector, where they are numbers and neither few nor very many. */
static struct span vector_of(struct frame *f, struct span array, size_t n)
{
	struct json_iter it = {0};
	struct span key, value;
	double x;

	buf_clear(&f->vector);
	if (n < VECTOR_LEAST || n > VECTOR_MOST)
		return (struct span){0};
	while (json_next(&it, array, &key, &value)) {
		if (json_number(value, &x) || !isfinite((float)x))
			return (struct span){0};
		float rounded = (float)x;
		buf_add(&f->vector, &rounded, sizeof rounded);
	}
	return buf_span(&f->vector);
}

/* One element, drawn by the record's hash, stands for all of them: the same in whichever shard the
 * record stands. */
static void visit_some_element(struct frame *f, struct span array, size_t n, const struct place *at,
			       struct column *here)
{
	struct json_iter it = {0};
	struct step step = {at->step, STEP_ELEMENT, {0}, 0};
	struct span key, value;
	size_t want = (size_t)(hash_mix(hash64(at->line, f->seed), at->path_hash) % n), i = 0;

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
	if (i == s.n || (s.s[i] != '{' && s.s[i] != '[') || at->decoded == FRAME_DECODE ||
	    json_check(s, &inner, NULL)) {
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
		visit_members(f, inner, &below, here, &here->decoded);
	} else {
		size_t n = json_count(inner);
		column_add_array(here, n, vector_of(f, inner, n), at->sampled);
		if (n)
			visit_some_element(f, inner, n, &below, here);
	}
}

static void visit_string(struct frame *f, struct span v, const struct place *at,
			 struct column *here)
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
	struct column *here = at->here			 ? at->here
			      : at->depth <= FRAME_DEPTH ? column_at(f, at)
							 : NULL;
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
			column_add_number(here, x, v, at->sampled);
		break;
	case JSON_STRING:
		visit_string(f, v, at, here);
		break;
	case JSON_ARRAY:
		n = json_count(v);
		column_add_array(here, n, vector_of(f, v, n), at->sampled);
		if (n)
			visit_some_element(f, v, n, at, here);
		break;
	case JSON_OBJECT:
		column_add_object(here);
		visit_members(f, v, at, here, &here->members);
		break;
	}
}

/* The turns that a model is shown: each its own column, the content as text whichever way it is
 * written. */
static void visit_messages(struct frame *f, struct span messages, struct span final,
			   const struct place *place)
{
	struct place at = *place;
	struct json_iter it = {0};
	struct span key, turn;
	size_t n = json_count(messages) - (final.s != NULL), i = 0;

	struct column *here = column_at(f, &at);
	if (!here) {
		f->lost++;
		return;
	}
	column_add_array(here, n, (struct span){0}, at.sampled);
	while (json_next(&it, messages, &key, &turn) && i < n) {
		struct step index = {at.step, STEP_INDEX, {0}, i};
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
		size_t next = 0;
		while (json_next(&members, turn, &name, &value)) {
			struct step member = {&index, STEP_MEMBER, name, 0};
			if (json_is(name, "content") && json_kind(value) == JSON_ARRAY) {
				struct place content = turn_at;
				content.step = &member;
				content.parent = turn_column;
				content.path_hash = hash_mix(turn_at.path_hash, name_hash(name));
				content.depth++;
				struct column *c = column_at(f, &content);
				buf_clear(&f->text);
				if (c && !record_message_text(value, &f->text))
					visit_text(f, buf_span(&f->text), &content, c);
				else
					f->lost++;
				continue;
			}
			visit_member(f, name, value, &turn_at, turn_column, &turn_column->members,
				     &next);
		}
	}
}

enum role { ROLE_MEMBER, ROLE_PASSED, ROLE_COMPLETION, ROLE_MESSAGES };

/* A member of the record itself: what is done with it, and its path's hash. */
static void describe(struct shape_member *m, struct span key)
{
	struct buf quoted = BUF_INIT;

	json_put_string(&quoted, key.s, key.n);
	m->hash = hash_mix(0, hash64(buf_span(&quoted), 1));
	m->role = members_what(key) & MEMBER_PASSED ? ROLE_PASSED
		  : span_is(key, "completion")	    ? ROLE_COMPLETION
		  : span_is(key, "messages")	    ? ROLE_MESSAGES
						    : ROLE_MEMBER;
	buf_release(&quoted);
}

static void visit_input(struct frame *f, const struct record *rec, struct span final,
			const struct place *root)
{
	int completes = record_get(rec, "prompt").s && !record_get(rec, "messages").s;
	size_t next = 0;

	for (size_t i = 0; i < rec->n; i++) {
		struct span key = rec->members[i].key, value = rec->members[i].value;
		struct shape_member *m = shape_find(&f->top, &next, key), other = {0};
		if (!m) {
			m = shape_add(&f->top, key);
			m = m ? m : &other;
			describe(m, key);
		}
		if (m->role == ROLE_PASSED || (m->role == ROLE_COMPLETION && completes))
			continue;
		struct step step = {NULL, STEP_TOP, key, 0};
		struct place at = *root;
		at.step = &step;
		at.path_hash = m->hash;
		at.here = m->column;
		at.depth++;
		if (m->role == ROLE_MESSAGES && json_kind(value) == JSON_ARRAY) {
			visit_messages(f, value, final, &at);
			continue;
		}
		visit(f, value, &at);
		if (!m->column)
			m->column = frame_column_at(f, root->root, m->hash);
	}
}

static void visit_named(struct frame *f, const struct record *rec, const struct place *root)
{
	struct buf scratch = BUF_INIT;

	for (size_t i = 0; i < f->paths_n; i++) {
		struct span v = path_get(f->paths[i], rec, &scratch);
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
	struct span v = path_get(f->time, rec, &scratch);

	root->root = ROOT_TIME;
	if (v.s && json_kind(v) != JSON_OBJECT && json_kind(v) != JSON_ARRAY) {
		struct column *c = column_at(f, root);
		if (c)
			c->timely = 1;
		visit(f, v, root);
	}
	buf_release(&scratch);
}

/* What a value ties its row to: itself, or the day of a date with a time. -1 where it is none. */
static int cluster_text(struct span v, int timely, struct buf *text)
{
	struct moment m;
	double x;

	buf_clear(text);
	if (!v.s || json_kind(v) == JSON_NULL || json_value_text(v, text))
		return -1;
	int dated = json_kind(v) == JSON_STRING
			    ? moment_parse(buf_span(text), &m) && m.year && m.day && m.second >= 0
			    : timely && !json_number(v, &x) && moment_epoch(x, &m);
	if (dated) {
		buf_clear(text);
		buf_addf(text, "day %lld", (long long)moment_days(&m));
	}
	return 0;
}

static void visit_cluster(struct frame *f, const struct record *rec, const struct place *root)
{
	struct buf scratch = BUF_INIT, text = BUF_INIT;
	struct span v = path_get(f->cluster, rec, &scratch);
	struct column *c = frame_column_at(f, ROOT_CLUSTER, 0);

	if (!c)
		c = frame_add_column(f, ROOT_CLUSTER, span_of(path_text(f->cluster)), 0, NULL);
	if (c && !cluster_text(v, c->timely, &text)) {
		c->count[KIND_STRING]++;
		column_keep(c, root->sampled, KIND_STRING, NAN, buf_span(&text));
	}
	buf_release(&scratch);
	buf_release(&text);
}

static int visit_reference(struct frame *f, const struct record *rec, struct span final,
			   struct place *root, struct err *e)
{
	struct buf texts = BUF_INIT;
	int n = record_references(rec, &texts, e);

	if (n > 0) {
		if (!f->reference_name[0])
			strcpy(f->reference_name, record_get(rec, "ideal").s ? ".ideal"
						  : final.s ? ".messages[-1].content"
							    : ".completion");
		struct column *c = column_at(f, root);
		if (c)
			visit_text(f, (struct span){texts.data, strlen(texts.data)}, root, c);
	}
	buf_release(&texts);
	return n < 0 ? -1 : 0;
}

int frame_add_numbered(struct frame *f, const struct record *rec, uint64_t number, struct err *e)
{
	uint64_t draw = hash_mix(f->salt, number);
	struct place root = {.root = ROOT_INPUT,
			     .sampled = frame_sample_row(f, draw, number),
			     .line = rec->line};
	struct span final = record_final_assistant(rec), output = record_get(rec, "output");

	visit_input(f, rec, final, &root);
	visit_named(f, rec, &root);
	if (output.s && json_kind(output) != JSON_NULL) {
		root.root = ROOT_OUTPUT;
		visit(f, output, &root);
	}
	if (f->time)
		visit_time(f, rec, &root);
	if (f->cluster)
		visit_cluster(f, rec, &root);
	root.root = ROOT_REFERENCE;
	if (visit_reference(f, rec, final, &root, e))
		return -1;
	f->rows++;
	return 0;
}

int frame_add(struct frame *f, const struct record *rec, struct err *e)
{
	if (f->rows == 0)
		frame_salt(f, rec->line);
	return frame_add_numbered(f, rec, f->rows, e);
}

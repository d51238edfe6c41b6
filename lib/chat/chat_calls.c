/* Calls of tools read back. See chat_calls.h; how they are written is learned in
 * chat_calls_learn.c. */
#include <stdlib.h>
#include <string.h>
#include "../json/json.h"
#include "../json/jw.h"
#include "../text/hash.h"
#include "../text/thought.h"
#include "chat_impl.h"

#define NAME_MAX_BYTES 256

void chat_calls_free(struct chat_calls *k)
{
	if (!k)
		return;
	buf_release(&k->open);
	buf_release(&k->mark);
	buf_release(&k->middle);
	buf_release(&k->between);
	buf_release(&k->close);
	buf_release(&k->wrap_key);
	buf_release(&k->name_key);
	buf_release(&k->args_key);
	buf_release(&k->param_open);
	buf_release(&k->param_middle);
	buf_release(&k->param_close);
	free(k);
}

/* --- pieces of text --- */

static int is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static int is_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '-' || c == '.';
}

static struct span trim_end(struct span s)
{
	while (s.n && is_space(s.s[s.n - 1]))
		s.n--;
	return s;
}

/* What is still to be read. */
struct rest {
	const char *p, *end;
};

static void skip_space(struct rest *r)
{
	while (r->p < r->end && is_space(*r->p))
		r->p++;
}

/* Goes past a pattern, which has no white space, whatever stands between its characters. 0 where it is
 * not there: then r stands where it stood. */
static int skip(struct rest *r, const struct buf *pattern)
{
	struct rest at = *r;

	for (size_t i = 0; i < pattern->len; i++) {
		skip_space(&at);
		if (at.p == at.end || *at.p != pattern->data[i])
			return 0;
		at.p++;
	}
	*r = at;
	return 1;
}

/* The text up to a pattern, past which r then stands; -1 where there is none. */
static int upto(struct rest *r, const struct buf *pattern, struct span *text)
{
	struct rest at = *r;

	for (const char *p = r->p; p < r->end; p++) {
		if (*p != pattern->data[0])
			continue;
		at.p = p;
		if (skip(&at, pattern)) {
			*text = (struct span){r->p, (size_t)(p - r->p)};
			*r = at;
			return 0;
		}
	}
	return -1;
}

static struct span name_at(struct rest *r)
{
	struct span name = {r->p, 0};

	while (r->p < r->end && is_name(*r->p) && name.n < NAME_MAX_BYTES)
		r->p++, name.n++;
	return name;
}

/* --- one call --- */

/* The schema of a tool's parameters; *known: there is a tool of that name. */
static struct span parameters_of(struct span tools, struct span name, int *known)
{
	struct json_iter it = {0};
	struct span key, tool, found = {NULL, 0};
	struct buf text = BUF_INIT;

	*known = 0;
	while (!*known && json_next(&it, tools, &key, &tool)) {
		struct span f = json_member(tool, "function");

		if (!f.s)
			f = tool; /* some write the function alone */
		buf_clear(&text);
		if (!json_string(json_member(f, "name"), &text) && span_eq(buf_span(&text), name)) {
			*known = 1;
			found = json_member(f, "parameters");
		}
	}
	buf_release(&text);
	return found;
}

struct call {
	struct buf name, arguments, id; /* decoded; arguments: JSON */
};

/* Arguments are an object, or a string that holds one; or there are none. */
static int read_arguments(struct span v, struct buf *to)
{
	struct span inner;

	buf_clear(to);
	if (!v.s)
		return buf_adds(to, "{}");
	if (json_kind(v) == JSON_OBJECT)
		return buf_addspan(to, v);
	return json_string(v, to) || json_check(buf_span(to), &inner, NULL) ||
			       json_kind(inner) != JSON_OBJECT
		       ? -1
		       : 0;
}

static int read_object(const struct chat_calls *k, struct rest *r, struct call *c)
{
	struct span v, f;

	if (json_first((struct span){r->p, (size_t)(r->end - r->p)}, &v) ||
	    json_kind(v) != JSON_OBJECT)
		return -1;
	f = k->wrap_key.len ? json_member(v, k->wrap_key.data) : v;
	if (json_string(json_member(f, k->name_key.data), &c->name) ||
	    read_arguments(json_member(f, k->args_key.data), &c->arguments))
		return -1;
	json_string(json_member(v, "id"), &c->id);
	r->p = v.s + v.n;
	return 0;
}

static int read_named(const struct chat_calls *k, struct rest *r, struct call *c)
{
	struct span v;

	skip_space(r);
	buf_addspan(&c->name, name_at(r));
	if (!skip(r, &k->middle) || json_first((struct span){r->p, (size_t)(r->end - r->p)}, &v) ||
	    json_kind(v) != JSON_OBJECT)
		return -1;
	buf_addspan(&c->arguments, v);
	r->p = v.s + v.n;
	return 0;
}

/* One newline at each side of a value is the form's. */
static struct span value_within(struct span v)
{
	if (v.n && *v.s == '\n')
		v.s++, v.n--;
	if (v.n && v.s[v.n - 1] == '\n')
		v.n--;
	return v;
}

static int is_text(struct span parameters, struct span key)
{
	struct buf name = BUF_INIT;
	struct span type;

	buf_addspan(&name, key);
	type = json_member(json_member(json_member(parameters, "properties"),
				       name.data ? name.data : ""),
			   "type");
	buf_release(&name);
	return json_is(type, "string");
}

/* Tags for each argument. What its schema calls a string is one; anything else is JSON where it can
 * be. */
static int read_tags(const struct chat_calls *k, struct rest *r, struct span tools, struct call *c)
{
	struct span key, value, json, parameters;
	struct jw w;
	int known;

	skip_space(r);
	buf_addspan(&c->name, name_at(r));
	if (!skip(r, &k->middle))
		return -1;
	parameters = parameters_of(tools, buf_span(&c->name), &known);
	jw_init(&w, &c->arguments);
	jw_object(&w);
	while (skip(r, &k->param_open)) {
		if (upto(r, &k->param_middle, &key) || upto(r, &k->param_close, &value))
			return -1;
		while (key.n && is_space(*key.s))
			key.s++, key.n--;
		key = trim_end(key);
		value = value_within(value);
		jw_keyn(&w, key.s, key.n);
		if (!is_text(parameters, key) && !json_check(value, &json, NULL))
			jw_raw(&w, json);
		else
			jw_strn(&w, value.s, value.n);
	}
	jw_end(&w);
	return 0;
}

/* Behind what begins a call; -1 where none follows. */
static int read_call(const struct chat_calls *k, struct rest *r, struct span tools, struct call *c)
{
	int known, rc;

	buf_clear(&c->name);
	buf_clear(&c->arguments);
	buf_clear(&c->id);
	rc = k->form == CHAT_CALLS_OBJECT  ? read_object(k, r, c)
	     : k->form == CHAT_CALLS_NAMED ? read_named(k, r, c)
					   : read_tags(k, r, tools, c);
	if (rc || !c->name.len || json_kind(buf_span(&c->arguments)) != JSON_OBJECT)
		return -1;
	parameters_of(tools, buf_span(&c->name), &known);
	return k->bare && !known ? -1 : 0;
}

/* --- an answer --- */

/* Where calls may begin: behind the reasoning. Absent where all is reasoning so far. */
static struct span behind_reasoning(struct span text)
{
	struct span thought, rest = thought_apart(text, &thought);

	if (!thought.s)
		return text;
	return rest.n ? rest : (struct span){NULL, 0};
}

/* Nine letters and digits, which the strictest templates ask for. */
static void put_id(struct jw *w, uint64_t id, size_t number)
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	uint64_t h = hash_mix(id, number);
	char text[10] = "";

	for (size_t i = 0; i < 9; i++, h /= 36)
		text[i] = digits[h % 36];
	jw_put_str(w, "id", text);
}

static void put_call(struct jw *w, const struct call *c, uint64_t id, size_t number)
{
	jw_object(w);
	if (c->id.len)
		jw_put_text(w, "id", buf_span(&c->id));
	else
		put_id(w, id, number);
	jw_put_str(w, "type", "function");
	jw_put_object(w, "function");
	jw_put_text(w, "name", buf_span(&c->name));
	jw_put_text(w, "arguments", buf_span(&c->arguments));
	jw_end(w);
	jw_end(w);
}

/* The calls one behind the other from r on, past the last of which it then stands. */
static size_t read_run(const struct chat_calls *k, struct rest *r, struct span tools, size_t most,
		       uint64_t id, struct jw *w)
{
	struct call c = {0};
	struct rest at = *r;
	size_t n = 0;

	while ((!most || n < most) && (n ? 1 : skip(&at, &k->open)) &&
	       !read_call(k, &at, tools, &c)) {
		put_call(w, &c, id, n++);
		*r = at;
		if (k->between.len && skip(&at, &k->between))
			continue;
		if (skip(&at, &k->close))
			*r = at;
		if (k->bare || !skip(&at, &k->open))
			break;
	}
	/* The closing mark of a run of which the rest cannot be read. */
	if (n && skip(r, &k->close))
		skip_space(r);
	buf_release(&c.name);
	buf_release(&c.arguments);
	buf_release(&c.id);
	return n;
}

size_t chat_calls_read(const struct chat_calls *k, struct span text, struct span tools, size_t most,
		       uint64_t id, struct buf *content, struct buf *calls)
{
	struct span where = k && json_count(tools) ? behind_reasoning(text) : (struct span){0};
	struct buf read = BUF_INIT;
	const char *begin = NULL;
	struct jw w;
	size_t n = 0;

	if (!where.s) {
		buf_addspan(content, text);
		return 0;
	}
	struct rest r = {where.s, where.s + where.n};
	if (k->bare) {
		skip_space(&r);
		begin = r.p;
		jw_init(&w, &read);
		jw_array(&w);
		n = read_run(k, &r, tools, most, id, &w);
	}
	while (!k->bare && !n &&
	       (begin = memmem(r.p, (size_t)(r.end - r.p), k->mark.data, k->mark.len))) {
		r.p = begin;
		buf_clear(&read);
		jw_init(&w, &read);
		jw_array(&w);
		if (!(n = read_run(k, &r, tools, most, id, &w)))
			r.p = begin + k->mark.len;
	}
	if (n) {
		jw_end(&w);
		buf_addspan(calls, buf_span(&read));
		buf_addspan(content, trim_end((struct span){text.s, (size_t)(begin - text.s)}));
		text = most && n >= most ? (struct span){"", 0}
					 : (struct span){r.p, (size_t)(r.end - r.p)};
		if (!trim_end(text).n)
			text.n = 0;
	}
	buf_release(&read);
	buf_addspan(content, text);
	return n;
}

/* A bare call can still become of what the answer begins with. */
static int may_be_bare(const struct chat_calls *k, struct span where)
{
	struct rest r = {where.s, where.s + where.n};

	skip_space(&r);
	if (k->form == CHAT_CALLS_OBJECT)
		return r.p == r.end || *r.p == (k->open.len ? k->open.data[0] : '{');
	if (!skip(&r, &k->open))
		return r.p == r.end || *r.p == k->open.data[0];
	name_at(&r);
	return r.p == r.end || *r.p == (k->middle.len ? k->middle.data[0] : '{') || is_space(*r.p);
}

size_t chat_calls_certain(const struct chat_calls *k, struct span text)
{
	struct span where = k ? behind_reasoning(text) : (struct span){0}, sure = text;
	const char *begin = NULL;

	if (where.s && k->bare) {
		if (may_be_bare(k, where))
			sure.n = (size_t)(where.s - text.s);
	} else if (where.s) {
		size_t part = k->mark.len - 1;

		begin = memmem(where.s, where.n, k->mark.data, k->mark.len);
		if (begin)
			sure.n = (size_t)(begin - text.s);
		/* the beginning of a mark at the end */
		for (part = part < where.n ? part : where.n; !begin && part > 0; part--)
			if (memcmp(where.s + where.n - part, k->mark.data, part) == 0) {
				sure.n = text.n - part;
				break;
			}
	}
	return k ? trim_end(sure).n : text.n;
}

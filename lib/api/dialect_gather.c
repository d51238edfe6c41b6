/* dialect_gather: the pieces of an answer, whoever sent them, and the answer that they make. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "dialect_impl.h"

#define PIECES_MAX 4096
#define LEFT_OUT_MOST 4096 /* bytes of names */
#define BROKEN 502	   /* what a provider that broke off would have said */

void dialect_release_piece(struct dialect_piece *p)
{
	buf_release(&p->id);
	buf_release(&p->name);
	buf_release(&p->text);
	buf_release(&p->more);
	buf_release(&p->item);
}

void dialect_stream_release(struct dialect_stream *s)
{
	struct buf *const bufs[] = {&s->line,	   &s->data,	&s->event,   &s->text,
				    &s->reasoning, &s->refusal, &s->usage,   &s->usage_end,
				    &s->logprobs,  &s->model,	&s->error,   &s->finish,
				    &s->bad,	   &s->odd,	&s->left_out};

	for (size_t i = 0; i < s->n; i++)
		dialect_release_piece(&s->pieces[i]);
	free(s->pieces);
	for (size_t i = 0; i < sizeof bufs / sizeof *bufs; i++)
		buf_release(bufs[i]);
	memset(s, 0, sizeof *s);
}

static int is_listed(struct span list, struct span name)
{
	while (list.n) {
		const char *comma = memchr(list.s, ',', list.n);
		size_t n = comma ? (size_t)(comma - list.s) : list.n;

		if (span_eq((struct span){list.s, n}, name))
			return 1;
		list.s += n + (comma != NULL);
		list.n -= n + (comma != NULL);
	}
	return 0;
}

void dialect_leave_out(struct buf *list, struct span what)
{
	struct buf name = BUF_INIT;

	if (json_string(what, &name) || !name.len)
		buf_adds(&name, "unknown");
	if (list->len < LEFT_OUT_MOST && !is_listed(buf_span(list), buf_span(&name))) {
		buf_adds(list, list->len ? "," : "");
		buf_addspan(list, buf_span(&name));
	}
	buf_release(&name);
}

void dialect_bad(struct dialect_stream *s, const char *what, struct span v)
{
	if (!s->bad.len)
		buf_addf(&s->bad, "%s: %.*s", what, (int)(v.n < 120 ? v.n : 120), v.s ? v.s : "");
}

void dialect_add(struct dialect_stream *s, struct buf *to, struct span v)
{
	if (json_kind(v) != JSON_STRING || v.n <= 2)
		return;
	buf_add(to, v.s + 1, v.n - 2);
	s->grown |= to != &s->reasoning;
}

int dialect_decode(const struct buf *inside, struct buf *to)
{
	struct buf quoted = BUF_INIT;
	int rc;

	buf_addc(&quoted, '"');
	buf_addspan(&quoted, buf_span(inside));
	buf_addc(&quoted, '"');
	rc = json_string(buf_span(&quoted), to);
	buf_release(&quoted);
	return rc;
}

int dialect_says(struct span v)
{
	switch (json_kind(v)) {
	case JSON_NONE:
	case JSON_NULL:
	case JSON_FALSE:
		return 0;
	case JSON_STRING:
		return v.n > 2;
	case JSON_ARRAY:
	case JSON_OBJECT:
		return json_count(v) != 0;
	default:
		return 1;
	}
}

void dialect_keep(struct buf *b, struct span v)
{
	if (!dialect_says(v))
		return;
	buf_clear(b);
	buf_addspan(b, v);
}

void dialect_members(struct span v, const char *const *names, size_t n, struct span *found)
{
	struct json_iter it = {0};
	struct span key, value;

	memset(found, 0, n * sizeof *found);
	while (json_kind(v) == JSON_OBJECT && json_next(&it, v, &key, &value))
		for (size_t i = 0; i < n; i++)
			if (json_is(key, names[i])) {
				found[i] = value;
				break;
			}
}

int dialect_absent(struct span v)
{
	return json_kind(v) <= JSON_NULL;
}

struct span dialect_inside(struct span string)
{
	return json_kind(string) == JSON_STRING ? (struct span){string.s + 1, string.n - 2}
						: (struct span){"", 0};
}

struct dialect_piece *dialect_new_piece(struct dialect_stream *s, enum dialect_block kind,
					int64_t index)
{
	struct dialect_piece *b;

	if (s->n == PIECES_MAX) {
		dialect_bad(s, "the answer comes in too many parts", (struct span){"", 0});
		return &s->pieces[s->n - 1];
	}
	s->pieces = mem_grow(s->pieces, &s->cap, s->n + 1, sizeof *s->pieces);
	b = &s->pieces[s->n++];
	memset(b, 0, sizeof *b);
	b->kind = kind;
	b->index = index;
	return b;
}

struct dialect_piece *dialect_find_piece(struct dialect_stream *s, int64_t index)
{
	for (size_t i = s->n; i-- > 0;)
		if (index < 0 || s->pieces[i].index == index)
			return &s->pieces[i];
	return NULL;
}

void dialect_give_arguments(struct dialect_stream *s, struct dialect_piece *b, struct span v)
{
	struct buf quoted = BUF_INIT;

	buf_clear(&b->text);
	json_put_string(&quoted, v.s, v.n);
	dialect_add(s, &b->text, buf_span(&quoted));
	b->given = 1;
	buf_release(&quoted);
}

void dialect_content(struct dialect_stream *s, struct buf *to, struct span v)
{
	struct json_iter it = {0};
	struct span key, part, type = json_member(v, "type"), text = json_member(v, "text"),
			       thought = json_member(v, "thinking");

	switch (json_kind(v)) {
	case JSON_NONE:
	case JSON_NULL:
		return;
	case JSON_STRING:
		s->has_text |= to == &s->text;
		dialect_add(s, to, v);
		return;
	case JSON_ARRAY:
		while (json_next(&it, v, &key, &part))
			dialect_content(s, to, part);
		return;
	case JSON_OBJECT:
		if (json_is(type, "thinking") || json_is(type, "reasoning"))
			dialect_content(s, &s->reasoning,
					!dialect_absent(thought) ? thought
					: !dialect_absent(text)	 ? text
								 : json_member(v, "summary"));
		else if (json_is(type, "refusal"))
			dialect_add(s, &s->refusal, json_member(v, "refusal"));
		else if (json_kind(text) == JSON_STRING)
			dialect_content(s, to, text);
		else if (!json_is(type, "reference"))
			dialect_bad(s, "a part of the content is not understood", v);
		return;
	default:
		dialect_bad(s, "the content is not understood", v);
	}
}

int dialect_piece_is(const struct dialect_piece *p, unsigned kinds)
{
	return (DIALECT_BIT(p->kind) & kinds) != 0;
}

void dialect_join(const struct dialect_stream *s, unsigned kinds, struct buf *text)
{
	for (size_t i = 0; i < s->n; i++)
		if (dialect_piece_is(&s->pieces[i], kinds))
			buf_addspan(text, buf_span(&s->pieces[i].text));
}

int dialect_same(const struct buf *a, const struct buf *b, int call)
{
	struct buf x = BUF_INIT, y = BUF_INIT, p = BUF_INIT, q = BUF_INIT;
	struct span v, u;
	int equal;

	dialect_decode(a, &x);
	dialect_decode(b, &y);
	equal = span_eq(buf_span(&x), buf_span(&y));
	if (!equal && call && !json_check(buf_span(&x), &v, NULL) &&
	    !json_check(buf_span(&y), &u, NULL)) {
		json_canonical(v, &p);
		json_canonical(u, &q);
		equal = span_eq(buf_span(&p), buf_span(&q));
	}
	buf_release(&x);
	buf_release(&y);
	buf_release(&p);
	buf_release(&q);
	return equal;
}

/* --- what came of it --- */

static void copy_text(char *to, size_t size, struct span v)
{
	struct buf b = BUF_INIT;

	if (json_string(v, &b) == 0 && b.data)
		snprintf(to, size, "%s", b.data);
	buf_release(&b);
}

/* The members of both; those of the end replace those of the beginning where they say something. */
static void put_usage(const struct dialect_stream *s, struct buf *to)
{
	struct json_iter it = {0};
	struct span key, value, end = buf_span(&s->usage_end);
	struct buf name = BUF_INIT;
	struct jw w;

	if (!s->usage_end.len) {
		if (json_kind(buf_span(&s->usage)) == JSON_OBJECT)
			buf_addspan(to, buf_span(&s->usage));
		return;
	}
	jw_init(&w, to);
	jw_object(&w);
	for (int at_end = !s->usage.len; at_end < 2; at_end++) {
		memset(&it, 0, sizeof it);
		while (json_next(&it, at_end ? end : buf_span(&s->usage), &key, &value)) {
			buf_clear(&name);
			json_string(key, &name);
			if (!at_end && !dialect_absent(json_member(end, name.data)))
				continue;
			if (at_end && dialect_absent(value) &&
			    json_kind(json_member(buf_span(&s->usage), name.data)) != JSON_NONE)
				continue;
			jw_keyn(&w, name.data, name.len);
			jw_raw(&w, value);
		}
	}
	jw_end(&w);
	buf_release(&name);
}

/* -1 with the reason where it is no call. */
static int put_call(enum dialect_kind d, const struct dialect_piece *c, struct jw *w,
		    struct backend_answer *a)
{
	int custom = c->kind == DIALECT_CUSTOM;
	struct buf text = BUF_INIT, name = BUF_INIT, id = BUF_INIT, more = BUF_INIT;
	struct json_iter it = {0};
	struct span key, value;

	dialect_decode(&c->id, &id);
	dialect_decode(&c->name, &name);
	dialect_decode(&c->text, &text);
	if (!name.len || (d == DIALECT_ANTHROPIC && json_check(buf_span(&text), &value, NULL)))
		backend_answer_fail(a, "bad_answer", 200,
				    name.len ? "the input of a tool call is no JSON: %.*s"
					     : "a tool call names no function: %.*s",
				    (int)(text.len < 120 ? text.len : 120),
				    text.data ? text.data : "");
	jw_object(w);
	if (id.len)
		jw_put_text(w, "id", buf_span(&id));
	jw_put_str(w, "type", custom ? "custom" : "function");
	jw_put_object(w, custom ? "custom" : "function");
	jw_put_text(w, "name", buf_span(&name));
	jw_put_text(w, custom ? "input" : "arguments", buf_span(&text));
	jw_end(w);
	if (c->more.len)
		buf_addf(&more, "{%s}", c->more.data);
	while (more.len && json_next(&it, buf_span(&more), &key, &value)) {
		buf_clear(&name);
		json_string(key, &name);
		jw_keyn(w, name.data, name.len);
		jw_raw(w, value);
	}
	jw_end(w);
	buf_release(&text);
	buf_release(&name);
	buf_release(&id);
	buf_release(&more);
	return a->error_type[0] ? -1 : 0;
}

static void put_calls(enum dialect_kind d, const struct dialect_stream *s, int forced_schema,
		      struct backend_answer *a)
{
	struct jw w;
	int some = 0;

	for (size_t i = 0; i < s->n && !a->error_type[0]; i++) {
		if (!dialect_piece_is(&s->pieces[i], DIALECT_CALLS))
			continue;
		if (d == DIALECT_ANTHROPIC && forced_schema) {
			dialect_decode(&s->pieces[i].text, &a->output);
			a->has_output = 1;
			snprintf(a->finish_reason, sizeof a->finish_reason, "stop");
			continue;
		}
		if (!some++) {
			jw_init(&w, &a->tool_calls);
			jw_array(&w);
		}
		if (put_call(d, &s->pieces[i], &w, a))
			buf_clear(&a->tool_calls);
	}
	if (!some || a->error_type[0])
		return;
	jw_end(&w);
	/* Some servers say so when they stream only, or when they do not. */
	if (strcmp(a->finish_reason, "stop") == 0)
		snprintf(a->finish_reason, sizeof a->finish_reason, "tool_calls");
}

void dialect_give(enum dialect_kind d, const struct dialect_stream *s, int forced_schema,
		  struct backend_answer *a)
{
	struct span stop = s->finish.len ? buf_span(&s->finish) : (struct span){0};
	const char *finish = d == DIALECT_ANTHROPIC	      ? dialect_anthropic_finish(stop)
			     : json_is(stop, "function_call") ? "tool_calls"
							      : NULL;

	if (s->model.len)
		copy_text(a->model, sizeof a->model, buf_span(&s->model));
	put_usage(s, &a->usage);
	if (finish)
		snprintf(a->finish_reason, sizeof a->finish_reason, "%s", finish);
	else
		copy_text(a->finish_reason, sizeof a->finish_reason, stop);
	dialect_decode(&s->text, &a->output);
	a->has_output = s->has_text;
	dialect_decode(&s->refusal, &a->refusal);
	dialect_decode(&s->reasoning, &a->reasoning);
	buf_addspan(&a->left_out, buf_span(&s->left_out));
	put_calls(d, s, forced_schema, a);
	if (d == DIALECT_ANTHROPIC && json_is(stop, "refusal"))
		buf_adds(&a->refusal, "the API refused to answer");
	if (s->logprobs.len)
		buf_addf(&a->logprobs, "[%s]", s->logprobs.data);
}

void dialect_fail(const struct dialect_stream *s, struct backend_answer *a)
{
	struct buf message = BUF_INIT;
	int code, quota;

	if (s->error.len) {
		code = dialect_error(buf_span(&s->error), &message);
		quota = dialect_quota(buf_span(&s->error));
		backend_answer_fail(a, quota ? "quota" : "api",
				    code			     ? code
				    : a->has_output && a->output.len ? BROKEN
								     : 200,
				    "%s", message.data);
	} else if (a->error_type[0]) {
		;
	} else if (s->bad.len) {
		backend_answer_fail(a, "bad_answer", 200, "%s", s->bad.data);
	} else if (!s->any) {
		backend_answer_fail(a, "bad_answer", 200, "the answer holds no message");
	} else if (strcmp(a->finish_reason, "error") == 0) {
		backend_answer_fail(a, "api", BROKEN,
				    "the provider broke off (finish_reason error)");
	} else if (a->reasoning.len && !a->output.len && !a->tool_calls.len && !a->refusal.len) {
		backend_answer_fail(a, "empty", 200,
				    "the answer holds reasoning and nothing else (finish_reason %s)",
				    a->finish_reason[0] ? a->finish_reason : "unknown");
	} else if (!a->has_output && !a->tool_calls.len && !a->refusal.len) {
		backend_answer_fail(a, "empty", 200,
				    "the answer's content is null (finish_reason %s)",
				    a->finish_reason[0] ? a->finish_reason : "unknown");
	}
	if (a->error_type[0] && !a->output.len)
		a->has_output = 0;
	buf_release(&message);
}

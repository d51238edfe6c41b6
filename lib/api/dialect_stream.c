/* dialect_stream: what answers of both API families mean, whole or streamed as server-sent events
 * (html.spec.whatwg.org, "event stream"). A whole answer is gathered as an event that holds
 * everything, so that both give the same record. What is not understood and is no comment makes it
 * no answer: nothing is skipped. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "../base/mem.h"
#include "dialect_impl.h"

#define LINE_MAX_BYTES ((size_t)64 << 20)
#define CALLS_MAX 4096
#define BROKEN 502 /* what a provider that broke off would have said */

void dialect_stream_release(struct dialect_stream *s)
{
	struct buf *const bufs[] = {&s->line,	   &s->data,	&s->event, &s->text,
				    &s->reasoning, &s->refusal, &s->usage, &s->usage_end,
				    &s->logprobs,  &s->model,	&s->error, &s->finish,
				    &s->bad};

	for (size_t i = 0; i < s->n; i++) {
		buf_release(&s->calls[i].id);
		buf_release(&s->calls[i].name);
		buf_release(&s->calls[i].text);
		buf_release(&s->calls[i].more);
	}
	free(s->calls);
	for (size_t i = 0; i < sizeof bufs / sizeof *bufs; i++)
		buf_release(bufs[i]);
	memset(s, 0, sizeof *s);
}

/* The first reason stays. */
static void bad(struct dialect_stream *s, const char *what, struct span v)
{
	if (!s->bad.len)
		buf_addf(&s->bad, "%s: %.*s", what, (int)(v.n < 120 ? v.n : 120), v.s ? v.s : "");
}

/* Appends the inside of a JSON string. */
static void add(struct dialect_stream *s, struct buf *to, struct span v)
{
	if (json_kind(v) != JSON_STRING || v.n <= 2)
		return;
	buf_add(to, v.s + 1, v.n - 2);
	s->grown |= to != &s->reasoning;
}

static int decode(const struct buf *inside, struct buf *to)
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

/* Replaces b by the raw value, where there is one that says something. */
static void keep(struct buf *b, struct span v)
{
	if (json_kind(v) <= JSON_NULL || span_is(v, "\"\"") ||
	    (json_kind(v) == JSON_OBJECT && !json_count(v)))
		return;
	buf_clear(b);
	buf_addspan(b, v);
}

static int absent(struct span v)
{
	return json_kind(v) <= JSON_NULL;
}

/* --- tool calls --- */

static struct dialect_call *new_call(struct dialect_stream *s, enum dialect_block kind,
				     int64_t index)
{
	struct dialect_call *b;

	if (s->n == CALLS_MAX)
		return &s->calls[s->n - 1];
	s->calls = mem_grow(s->calls, &s->cap, s->n + 1, sizeof *s->calls);
	b = &s->calls[s->n++];
	memset(b, 0, sizeof *b);
	b->kind = kind;
	b->index = index;
	return b;
}

/* The latest with that index, or simply the latest where there is none. */
static struct dialect_call *find_call(struct dialect_stream *s, int64_t index)
{
	for (size_t i = s->n; i-- > 0;)
		if (index < 0 || s->calls[i].index == index)
			return &s->calls[i];
	return NULL;
}

static int whole_arguments(const struct dialect_call *b)
{
	struct buf text = BUF_INIT;
	struct span v;
	int whole =
		b->text.len && !decode(&b->text, &text) && !json_check(buf_span(&text), &v, NULL);

	buf_release(&text);
	return whole;
}

static struct span inside(struct span string)
{
	return json_kind(string) == JSON_STRING ? (struct span){string.s + 1, string.n - 2}
						: (struct span){"", 0};
}

/* Whether a piece belongs to the call b, which has the same index or is the latest. Not every server
 * counts calls: what begins one is a new id, or another name once the arguments are whole. Some give
 * each piece an id of its own. */
static int continues(const struct dialect_call *b, struct span id, struct span name,
		     struct span arguments)
{
	int same = span_eq(name, buf_span(&b->name));

	if (!name.n && !arguments.n)
		return 1;
	if (id.n && b->id.len) {
		if (span_eq(id, buf_span(&b->id)))
			return 1;
		return !whole_arguments(b) && (!name.n || (same && b->text.len));
	}
	if (!name.n || !b->name.len)
		return 1;
	if (!b->text.len)
		return same || !arguments.n;
	return whole_arguments(b) ? same && !arguments.n : same;
}

/* In pieces, again with every piece, or longer with every piece. */
static void add_name(struct dialect_stream *s, struct dialect_call *b, struct span v)
{
	struct span name = inside(v);

	if (span_eq(name, buf_span(&b->name)))
		return;
	if (b->name.len && name.n > b->name.len && memcmp(name.s, b->name.data, b->name.len) == 0)
		buf_clear(&b->name);
	add(s, &b->name, v);
}

static void give_arguments(struct dialect_stream *s, struct dialect_call *b, struct span v)
{
	struct buf quoted = BUF_INIT;

	buf_clear(&b->text);
	json_put_string(&quoted, v.s, v.n);
	add(s, &b->text, buf_span(&quoted));
	b->given = 1;
	buf_release(&quoted);
}

static void add_more(struct dialect_call *b, struct span call)
{
	static const char *const known[] = {"id", "index", "type", "function", "custom"};
	struct json_iter it = {0};
	struct span key, v;

	while (json_next(&it, call, &key, &v)) {
		int skip = absent(v) ||
			   (b->more.len && memmem(b->more.data, b->more.len, key.s, key.n) != NULL);

		for (size_t i = 0; i < sizeof known / sizeof *known; i++)
			skip |= json_is(key, known[i]);
		if (skip)
			continue;
		buf_adds(&b->more, b->more.len ? "," : "");
		buf_addspan(&b->more, key);
		buf_addc(&b->more, ':');
		buf_addspan(&b->more, v);
	}
}

static void add_function(struct dialect_stream *s, struct dialect_call *b, struct span function)
{
	struct span v = json_member(function, b->kind == DIALECT_CUSTOM ? "input" : "arguments");

	add_name(s, b, json_member(function, "name"));
	if (json_kind(v) == JSON_STRING)
		add(s, &b->text, v);
	else if (!absent(v))
		give_arguments(s, b, v);
}

static void openai_call(struct dialect_stream *s, struct span t, int whole)
{
	struct span function = json_member(t, "function"), custom = json_member(t, "custom"),
		    id = json_member(t, "id");
	struct dialect_call *b = NULL;
	int64_t index = -1;

	if (json_kind(function) != JSON_OBJECT && json_kind(custom) == JSON_OBJECT)
		function = custom;
	if (json_kind(function) != JSON_OBJECT && absent(id)) {
		bad(s, "a tool call is not understood", t);
		return;
	}
	if (json_int(json_member(t, "index"), &index) || index < 0)
		index = -1;
	for (size_t i = 0; !whole && inside(id).n && i < s->n && !b; i++)
		if (span_eq(inside(id), buf_span(&s->calls[i].id)))
			b = &s->calls[i];
	if (!whole && !b)
		b = find_call(s, index);
	if (!b || whole ||
	    !continues(b, inside(id), inside(json_member(function, "name")),
		       inside(json_member(function, "arguments"))))
		b = new_call(s, function.s == custom.s && custom.s ? DIALECT_CUSTOM : DIALECT_CALL,
			     index);
	if (!b->id.len)
		add(s, &b->id, id);
	add_function(s, b, function);
	add_more(b, t);
}

/* --- OpenAI --- */

/* Text, or parts of it: some servers return what they were about to say, and what they thought. */
static void content(struct dialect_stream *s, struct buf *to, struct span v)
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
		add(s, to, v);
		return;
	case JSON_ARRAY:
		while (json_next(&it, v, &key, &part))
			content(s, to, part);
		return;
	case JSON_OBJECT:
		if (json_is(type, "thinking") || json_is(type, "reasoning"))
			content(s, &s->reasoning, absent(thought) ? text : thought);
		else if (json_is(type, "refusal"))
			add(s, &s->refusal, json_member(v, "refusal"));
		else if (json_kind(text) == JSON_STRING)
			content(s, to, text);
		else if (!json_is(type, "reference"))
			bad(s, "a part of the content is not understood", v);
		return;
	default:
		bad(s, "the content is not understood", v);
	}
}

static void openai_message(struct dialect_stream *s, struct span m, int whole)
{
	static const char *const names[] = {"reasoning_content", "reasoning", "thinking"};
	struct json_iter it = {0};
	struct span key, t, calls = json_member(m, "tool_calls"),
			    function = json_member(m, "function_call");
	size_t before = s->reasoning.len;

	s->any = 1;
	content(s, &s->text, json_member(m, "content"));
	/* Some servers say it under two names. */
	for (size_t i = 0; i < 3 && s->reasoning.len == before; i++)
		add(s, &s->reasoning, json_member(m, names[i]));
	add(s, &s->refusal, json_member(m, "refusal"));
	if (!absent(calls) && json_kind(calls) != JSON_ARRAY)
		bad(s, "the tool calls are not understood", calls);
	while (json_next(&it, calls, &key, &t))
		openai_call(s, t, whole);
	if (json_kind(function) == JSON_OBJECT && !json_count(calls))
		add_function(s, s->n ? &s->calls[0] : new_call(s, DIALECT_CALL, 0), function);
}

static void openai_choice(struct dialect_stream *s, struct span choice, int whole)
{
	struct span delta = json_member(choice, "delta"), message = json_member(choice, "message"),
		    text = json_member(choice, "text"),
		    finish = json_member(choice, "finish_reason"), key, p;
	struct json_iter probs = {0};

	if (!absent(json_member(choice, "error")))
		keep(&s->error, choice);
	if (json_kind(finish) == JSON_STRING && finish.n > 2) {
		keep(&s->finish, finish);
		s->ended = 1;
	}
	keep(&s->usage, json_member(choice, "usage"));
	if (json_kind(delta) == JSON_OBJECT) {
		openai_message(s, delta, whole);
	} else if (!absent(delta)) {
		bad(s, "a delta is not understood", delta);
	} else if (json_kind(message) == JSON_OBJECT) {
		openai_message(s, message, whole);
	} else if (json_kind(text) == JSON_STRING) {
		s->any = 1;
		content(s, &s->text, text);
	} else if (!absent(message)) {
		bad(s, "a message is not understood", message);
	}
	while (json_next(&probs, json_member(json_member(choice, "logprobs"), "content"), &key,
			 &p)) {
		if (s->logprobs.len)
			buf_addc(&s->logprobs, ',');
		buf_addspan(&s->logprobs, p);
	}
}

/* Whether an event is the whole answer once more, as the last one of some servers is. */
static int repeats(const struct dialect_stream *s, struct span v)
{
	struct span choice = json_element(json_member(v, "choices"), 0),
		    message = json_member(choice, "message"),
		    text = inside(json_member(message, "content"));

	return json_is(json_member(v, "object"), "chat.completion") &&
	       json_kind(message) == JSON_OBJECT && absent(json_member(choice, "delta")) &&
	       !absent(json_member(choice, "finish_reason")) && text.n >= s->text.len &&
	       (text.n || json_count(json_member(message, "tool_calls"))) &&
	       (!s->text.len || memcmp(text.s, s->text.data, s->text.len) == 0);
}

static void forget_pieces(struct dialect_stream *s)
{
	struct buf *const bufs[] = {&s->text, &s->reasoning, &s->refusal, &s->logprobs};

	for (size_t i = 0; i < sizeof bufs / sizeof *bufs; i++)
		buf_clear(bufs[i]);
	for (size_t i = 0; i < s->n; i++)
		s->calls[i].kind = DIALECT_ASIDE;
}

static void openai_event(struct dialect_stream *s, struct span v, int whole)
{
	struct span choices = json_member(v, "choices"), key, choice;
	struct json_iter it = {0};
	int64_t index;

	if (!whole && json_kind(choices) == JSON_NONE && absent(json_member(v, "usage")) &&
	    !json_is(json_member(v, "type"), "ping"))
		bad(s, "an event is not understood", v);
	if (!absent(choices) && json_kind(choices) != JSON_ARRAY)
		bad(s, "the choices are not understood", choices);
	if (s->done && json_count(choices))
		bad(s, "a second answer stands behind the end of the first", v);
	keep(&s->model, json_member(v, "model"));
	keep(&s->usage, json_member(json_member(v, "x_groq"), "usage"));
	keep(&s->usage, json_member(v, "usage"));
	if (!whole && repeats(s, v)) {
		forget_pieces(s);
		whole = 1;
	}
	while (json_next(&it, choices, &key, &choice))
		if (json_int(json_member(choice, "index"), &index) || index == 0) {
			openai_choice(s, choice, whole);
			break; /* where none of them has an index, the first counts */
		}
}

/* --- Anthropic --- */

static int ends_with(struct span type, const char *end)
{
	size_t n = strlen(end);
	struct span t = inside(type);

	return t.n >= n && memcmp(t.s + t.n - n, end, n) == 0;
}

static void anthropic_block(struct dialect_stream *s, struct span b, int64_t index)
{
	struct span type = json_member(b, "type"), input = json_member(b, "input");

	if (json_is(type, "text")) {
		content(s, &s->text, json_member(b, "text"));
	} else if (json_is(type, "thinking")) {
		add(s, &s->reasoning, json_member(b, "thinking"));
	} else if (json_is(type, "tool_use")) {
		struct dialect_call *c = new_call(s, DIALECT_CALL, index);

		add(s, &c->id, json_member(b, "id"));
		add(s, &c->name, json_member(b, "name"));
		give_arguments(s, c, absent(input) ? span_of("{}") : input);
	} else if (json_is(type, "redacted_thinking") || json_is(type, "server_tool_use") ||
		   ends_with(type, "_tool_result")) {
		/* The server's own work; the text tells what came of it. */
		new_call(s, DIALECT_ASIDE, index);
	} else {
		bad(s, "a content block is not understood", b);
	}
}

static void anthropic_content(struct dialect_stream *s, struct span message)
{
	struct span blocks = json_member(message, "content"), key, b;
	struct json_iter it = {0};

	keep(&s->model, json_member(message, "model"));
	keep(&s->usage, json_member(message, "usage"));
	keep(&s->finish, json_member(message, "stop_reason"));
	s->any |= json_kind(blocks) == JSON_ARRAY;
	for (int64_t i = 0; json_next(&it, blocks, &key, &b); i++)
		anthropic_block(s, b, i);
}

static void anthropic_delta(struct dialect_stream *s, struct span delta, int64_t index)
{
	struct span type = json_member(delta, "type"), json = json_member(delta, "partial_json");
	struct dialect_call *c;

	if (json_is(type, "input_json_delta")) {
		if (!(c = index < 0 ? NULL : find_call(s, index))) {
			bad(s, "the input of no tool", delta);
			return;
		}
		/* What the block began with was a place holder. */
		if (c->given && inside(json).n) {
			buf_clear(&c->text);
			c->given = 0;
		}
		add(s, &c->text, json);
	} else if (json_is(type, "thinking_delta")) {
		add(s, &s->reasoning, json_member(delta, "thinking"));
	} else if (json_kind(json_member(delta, "text")) == JSON_STRING) {
		content(s, &s->text, json_member(delta, "text"));
	} else if (!json_is(type, "signature_delta") && !json_is(type, "citations_delta")) {
		bad(s, "a delta is not understood", delta);
	}
}

static void anthropic_event(struct dialect_stream *s, struct span v)
{
	struct span type = json_member(v, "type"), delta = json_member(v, "delta");
	int64_t index = -1;

	json_int(json_member(v, "index"), &index);
	if (json_is(type, "message_start")) {
		if (s->any)
			bad(s, "a second answer stands behind the first", v);
		s->any = 1;
		anthropic_content(s, json_member(v, "message"));
	} else if (json_is(type, "content_block_start")) {
		anthropic_block(s, json_member(v, "content_block"), index);
	} else if (json_is(type, "content_block_delta")) {
		anthropic_delta(s, delta, index);
	} else if (json_is(type, "message_delta")) {
		keep(&s->finish, json_member(delta, "stop_reason"));
		keep(&s->usage_end, json_member(v, "usage"));
	} else if (json_is(type, "message_stop")) {
		s->ended = 1;
	} else if (!json_is(type, "ping") && !json_is(type, "content_block_stop")) {
		bad(s, "an event is not understood", v);
	}
}

/* --- events --- */

/* Whether v is an error in one of its forms; then it is kept. */
static int take_error(struct dialect_stream *s, struct span v)
{
	struct span first = json_kind(v) == JSON_ARRAY ? json_element(v, 0) : v;

	if (absent(json_member(first, "error")) &&
	    !(absent(json_member(first, "choices")) &&
	      (json_is(json_member(first, "type"), "error") ||
	       json_is(json_member(first, "object"), "error") ||
	       span_is(buf_span(&s->event), "error"))))
		return 0;
	if (!s->error.len)
		buf_addspan(&s->error, first);
	return 1;
}

static void take_event(enum dialect_kind d, struct dialect_stream *s, struct span v, double now)
{
	s->grown = 0;
	if (take_error(s, v)) {
		s->ended = 1;
		return;
	}
	if (json_kind(v) != JSON_OBJECT)
		bad(s, "an event is no JSON object", v);
	else if (d == DIALECT_ANTHROPIC)
		anthropic_event(s, v);
	else
		openai_event(s, v, 0);
	if (s->grown && s->first <= 0)
		s->first = now;
}

static void no_json(struct dialect_stream *s, struct span text)
{
	struct span v;
	struct err e = ERR_INIT;

	if (s->bad.len)
		return;
	json_check(text, &v, &e);
	buf_addf(&s->bad, "an event is no JSON: %s", e.msg);
	s->garbled = 1;
}

static int is_end(struct span text)
{
	static const char *const ends[] = {"[DONE]", "\"[DONE]\"", "DONE"};

	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
		if (text.n == strlen(ends[i]) && strncasecmp(text.s, ends[i], text.n) == 0)
			return 1;
	return 0;
}

/* A line of data. An event may come over several of them; and it need not be followed by an empty
 * line, for not every server sends one. */
static void take_data(enum dialect_kind d, struct dialect_stream *s, struct span value, double now)
{
	struct span text, v;

	s->data.max = LINE_MAX_BYTES;
	if (s->data.len)
		buf_addc(&s->data, '\n');
	buf_addspan(&s->data, value);
	text = buf_span(&s->data);
	while (text.n && (unsigned char)*text.s <= ' ')
		text.s++, text.n--;
	while (text.n && (unsigned char)text.s[text.n - 1] <= ' ')
		text.n--;
	if (is_end(text))
		s->ended = s->done = 1;
	else if (!json_check(text, &v, NULL))
		take_event(d, s, v, now);
	else if (text.n && *text.s != ':') /* a comment that some gateway wrapped */
		return;
	buf_clear(&s->data);
}

static void take_line(enum dialect_kind d, struct dialect_stream *s, double now)
{
	struct span line = buf_span(&s->line), name = line, value = {"", 0};
	const char *colon;

	if (!s->lines++ && line.n >= 3 && memcmp(line.s, "\xef\xbb\xbf", 3) == 0) /* a BOM */
		line.s += 3, line.n -= 3;
	while (line.n && (line.s[line.n - 1] == ' ' || line.s[line.n - 1] == '\t'))
		line.n--;
	if (!line.n) {
		if (s->data.len)
			no_json(s, buf_span(&s->data));
		buf_clear(&s->data);
		buf_clear(&s->event);
		return;
	}
	if (*line.s == '{' || is_end(line)) { /* JSON lines */
		take_data(d, s, line, now);
		return;
	}
	colon = memchr(line.s, ':', line.n);
	name = (struct span){line.s, colon ? (size_t)(colon - line.s) : line.n};
	if (colon) {
		value = (struct span){colon + 1, line.n - name.n - 1};
		if (value.n && *value.s == ' ')
			value.s++, value.n--;
	}
	if (span_is(name, "data")) {
		take_data(d, s, value, now);
	} else if (span_is(name, "event") || span_is(name, "error")) {
		buf_clear(&s->event);
		buf_addspan(&s->event, span_is(name, "event") ? value : name);
		if (span_is(name, "error")) /* llama.cpp, once */
			take_data(d, s, value, now);
	} else if (name.n && !span_is(name, "id") && !span_is(name, "retry")) {
		bad(s, "a line of the stream is not understood", line);
		s->garbled = 1;
	}
}

/* A line ends with LF, CR LF or CR. */
void dialect_stream_add(enum dialect_kind d, struct dialect_stream *s, const char *p, size_t n,
			double now)
{
	s->line.max = LINE_MAX_BYTES;
	while (n) {
		size_t k = 0;

		if (s->cr && *p == '\n') {
			s->cr = 0;
			p++, n--;
			continue;
		}
		s->cr = 0;
		while (k < n && p[k] != '\n' && p[k] != '\r')
			k++;
		buf_add(&s->line, p, k);
		if (k == n)
			return;
		s->cr = p[k] == '\r';
		take_line(d, s, now);
		buf_clear(&s->line);
		p += k + 1;
		n -= k + 1;
	}
}

/* --- what came of it --- */

static void copy_text(char *to, size_t size, struct span v)
{
	struct buf b = BUF_INIT;

	if (json_string(v, &b) == 0 && b.data)
		snprintf(to, size, "%s", b.data);
	buf_release(&b);
}

/* The members of both; those of the end replace those of the beginning. */
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
			if (!at_end && json_kind(json_member(end, name.data)) != JSON_NONE)
				continue;
			jw_keyn(&w, name.data, name.len);
			jw_raw(&w, value);
		}
	}
	jw_end(&w);
	buf_release(&name);
}

/* -1 with the reason where it is no call. */
static int put_call(enum dialect_kind d, const struct dialect_call *c, struct jw *w,
		    struct backend_answer *a)
{
	int custom = c->kind == DIALECT_CUSTOM;
	struct buf text = BUF_INIT, name = BUF_INIT, id = BUF_INIT, more = BUF_INIT;
	struct json_iter it = {0};
	struct span key, value;

	decode(&c->id, &id);
	decode(&c->name, &name);
	decode(&c->text, &text);
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
		if (s->calls[i].kind == DIALECT_ASIDE)
			continue;
		if (d == DIALECT_ANTHROPIC && forced_schema) {
			decode(&s->calls[i].text, &a->output);
			a->has_output = 1;
			snprintf(a->finish_reason, sizeof a->finish_reason, "stop");
			continue;
		}
		if (!some++) {
			jw_init(&w, &a->tool_calls);
			jw_array(&w);
		}
		if (put_call(d, &s->calls[i], &w, a))
			buf_clear(&a->tool_calls);
	}
	if (!some || a->error_type[0])
		return;
	jw_end(&w);
	/* Some servers say so when they stream only, or when they do not. */
	if (strcmp(a->finish_reason, "stop") == 0)
		snprintf(a->finish_reason, sizeof a->finish_reason, "tool_calls");
}

static void give_answer(enum dialect_kind d, const struct dialect_stream *s, int forced_schema,
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
	decode(&s->text, &a->output);
	a->has_output = s->has_text;
	decode(&s->refusal, &a->refusal);
	decode(&s->reasoning, &a->reasoning);
	put_calls(d, s, forced_schema, a);
	if (d == DIALECT_ANTHROPIC && json_is(stop, "refusal"))
		buf_adds(&a->refusal, "the API refused to answer");
	if (s->logprobs.len)
		buf_addf(&a->logprobs, "[%s]", s->logprobs.data);
}

static void fail(const struct dialect_stream *s, struct backend_answer *a)
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

int dialect_stream_answer(enum dialect_kind d, struct dialect_stream *s, int forced_schema,
			  struct backend_answer *a)
{
	int understood = !s->bad.len;

	/* The last line may lack its end; if it is cut, so is the answer. */
	if (s->line.len)
		take_line(d, s, 0);
	buf_clear(&s->line);
	if (s->data.len && s->ended)
		no_json(s, buf_span(&s->data));
	if (understood && !s->ended) {
		backend_answer_fail(a, "dropped", 200, "the stream broke off before its end");
		return 1;
	}
	give_answer(d, s, forced_schema, a);
	fail(s, a);
	return s->garbled && strcmp(a->error_type, "bad_answer") == 0;
}

void dialect_answer(enum dialect_kind d, struct span body, int forced_schema,
		    struct backend_answer *a)
{
	struct dialect_stream s = {0};

	if (!take_error(&s, body)) {
		if (json_kind(body) != JSON_OBJECT)
			bad(&s, "the answer is not a JSON object", body);
		else if (d == DIALECT_ANTHROPIC)
			anthropic_content(&s, body);
		else
			openai_event(&s, body, 1);
	}
	give_answer(d, &s, forced_schema, a);
	fail(&s, a);
	dialect_stream_release(&s);
}

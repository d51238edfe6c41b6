/* dialect_stream: server-sent events (html.spec.whatwg.org, "event stream") of both API families, folded
 * back into the body that the same answer has when it is not streamed, so that only dialect_answer
 * knows what answers mean. */
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "dialect_impl.h"

#define LINE_MAX_BYTES ((size_t)64 << 20)

void dialect_stream_release(struct dialect_stream *s)
{
	for (size_t i = 0; i < s->n; i++) {
		buf_release(&s->blocks[i].id);
		buf_release(&s->blocks[i].name);
		buf_release(&s->blocks[i].text);
	}
	free(s->blocks);
	buf_release(&s->line);
	buf_release(&s->refusal);
	buf_release(&s->logprobs);
	buf_release(&s->usage);
	buf_release(&s->usage_end);
	buf_release(&s->model);
	buf_release(&s->error);
	buf_release(&s->finish);
	memset(s, 0, sizeof *s);
}

static struct dialect_block *block(struct dialect_stream *s, int64_t i)
{
	/* An index out of order or absurd comes from a broken server; its text is kept in the last
	 * block. */
	if (i < 0 || i > (int64_t)s->n)
		i = (int64_t)s->n;
	if (i > 4096)
		i = 4096;
	if (i == (int64_t)s->n) {
		s->blocks = mem_grow(s->blocks, &s->cap, s->n + 1, sizeof *s->blocks);
		memset(&s->blocks[s->n++], 0, sizeof *s->blocks);
	}
	return &s->blocks[i];
}

/* Replaces b by the raw value, where there is one. */
static void keep(struct buf *b, struct span v)
{
	if (json_kind(v) <= JSON_NULL)
		return;
	buf_clear(b);
	buf_addspan(b, v);
}

static int add_text(struct buf *b, struct span v)
{
	size_t before = b->len;

	json_string(v, b);
	return b->len > before;
}

/* Block 0 is the text, the tool call with index i block i + 1. */
static int openai_event(struct dialect_stream *s, struct span v)
{
	struct span choice = json_element(json_member(v, "choices"), 0),
		    delta = json_member(choice, "delta"), key, t, p;
	struct json_iter calls = {0}, probs = {0};
	int text;

	keep(&s->model, json_member(v, "model"));
	keep(&s->usage, json_member(v, "usage"));
	keep(&s->finish, json_member(choice, "finish_reason"));
	if (s->finish.len)
		s->ended = 1;
	text = add_text(&block(s, 0)->text, json_member(delta, "content"));
	text |= add_text(&s->refusal, json_member(delta, "refusal"));
	while (json_next(&calls, json_member(delta, "tool_calls"), &key, &t)) {
		struct span function = json_member(t, "function");
		struct dialect_block *b;
		int64_t i = 0;

		json_int(json_member(t, "index"), &i);
		b = block(s, i < 0 ? 1 : i + 1);
		b->tool = 1;
		if (!b->id.len)
			add_text(&b->id, json_member(t, "id"));
		text |= add_text(&b->name, json_member(function, "name"));
		text |= add_text(&b->text, json_member(function, "arguments"));
	}
	while (json_next(&probs, json_member(json_member(choice, "logprobs"), "content"), &key,
			 &p)) {
		if (s->logprobs.len)
			buf_addc(&s->logprobs, ',');
		buf_addspan(&s->logprobs, p);
	}
	return text;
}

static int anthropic_event(struct dialect_stream *s, struct span v)
{
	struct span type = json_member(v, "type"), delta = json_member(v, "delta"), b;
	int64_t i = 0;

	json_int(json_member(v, "index"), &i);
	if (json_is(type, "message_start")) {
		keep(&s->model, json_member(json_member(v, "message"), "model"));
		keep(&s->usage, json_member(json_member(v, "message"), "usage"));
	} else if (json_is(type, "content_block_start")) {
		struct dialect_block *to = block(s, i);

		b = json_member(v, "content_block");
		to->tool = json_is(json_member(b, "type"), "tool_use");
		add_text(&to->id, json_member(b, "id"));
		add_text(&to->name, json_member(b, "name"));
		return add_text(&to->text, json_member(b, "text")) || to->tool;
	} else if (json_is(type, "content_block_delta")) {
		return add_text(&block(s, i)->text, json_member(delta, "text")) |
		       add_text(&block(s, i)->text, json_member(delta, "partial_json"));
	} else if (json_is(type, "message_delta")) {
		keep(&s->finish, json_member(delta, "stop_reason"));
		keep(&s->usage_end, json_member(v, "usage"));
	} else if (json_is(type, "message_stop")) {
		s->ended = 1;
	}
	return 0;
}

static void take_line(enum dialect_kind d, struct dialect_stream *s, double now)
{
	struct span line = buf_span(&s->line), v;
	int text;

	if (line.n && line.s[line.n - 1] == '\r')
		line.n--;
	if (line.n < 5 || memcmp(line.s, "data:", 5) != 0)
		return;
	line.s += 5;
	line.n -= 5;
	if (line.n && *line.s == ' ')
		line.s++, line.n--;
	if (span_is(line, "[DONE]")) {
		s->ended = 1;
		return;
	}
	if (json_check(line, &v, NULL) || json_kind(v) != JSON_OBJECT)
		return;
	if (json_kind(json_member(v, "error")) > JSON_NULL) {
		buf_clear(&s->error);
		buf_addspan(&s->error, v);
		s->ended = 1;
		return;
	}
	text = d == DIALECT_ANTHROPIC ? anthropic_event(s, v) : openai_event(s, v);
	if (text && s->first <= 0)
		s->first = now;
}

void dialect_stream_add(enum dialect_kind d, struct dialect_stream *s, const char *p, size_t n,
			double now)
{
	s->line.max = LINE_MAX_BYTES;
	while (n) {
		const char *nl = memchr(p, '\n', n);
		size_t k = nl ? (size_t)(nl - p) : n;

		buf_add(&s->line, p, k);
		if (!nl)
			return;
		take_line(d, s, now);
		buf_clear(&s->line);
		p += k + 1;
		n -= k + 1;
	}
}

static void openai_body(const struct dialect_stream *s, struct jw *w)
{
	int tools = 0;

	jw_put_array(w, "choices");
	jw_object(w);
	jw_put_object(w, "message");
	for (size_t i = 1; i < s->n; i++)
		tools += s->blocks[i].tool;
	if (s->n && (s->blocks[0].text.len || (!tools && !s->refusal.len)))
		jw_put_text(w, "content", buf_span(&s->blocks[0].text));
	if (s->refusal.len)
		jw_put_text(w, "refusal", buf_span(&s->refusal));
	if (tools) {
		jw_put_array(w, "tool_calls");
		for (size_t i = 1; i < s->n; i++) {
			jw_object(w);
			jw_put_text(w, "id", buf_span(&s->blocks[i].id));
			jw_put_str(w, "type", "function");
			jw_put_object(w, "function");
			jw_put_text(w, "name", buf_span(&s->blocks[i].name));
			jw_put_text(w, "arguments", buf_span(&s->blocks[i].text));
			jw_end(w);
			jw_end(w);
		}
		jw_end(w);
	}
	jw_end(w);
	if (s->finish.len)
		jw_put_raw(w, "finish_reason", buf_span(&s->finish));
	if (s->logprobs.len) {
		jw_put_object(w, "logprobs");
		jw_put_array(w, "content");
		jw_raw(w, buf_span(&s->logprobs));
		jw_end(w);
		jw_end(w);
	}
	jw_end(w);
	jw_end(w);
	if (s->usage.len)
		jw_put_raw(w, "usage", buf_span(&s->usage));
}

/* -1 where a tool's input, which came in pieces, is no JSON. */
static int anthropic_body(const struct dialect_stream *s, struct jw *w)
{
	struct json_iter it = {0};
	struct span key, value, input;

	jw_put_array(w, "content");
	for (size_t i = 0; i < s->n; i++) {
		const struct dialect_block *b = &s->blocks[i];

		jw_object(w);
		jw_put_str(w, "type", b->tool ? "tool_use" : "text");
		if (b->tool) {
			jw_put_text(w, "id", buf_span(&b->id));
			jw_put_text(w, "name", buf_span(&b->name));
			jw_key(w, "input");
			if (json_check(b->text.len ? buf_span(&b->text) : span_of("{}"), &input,
				       NULL))
				return -1;
			jw_raw(w, input);
		} else {
			jw_put_text(w, "text", buf_span(&b->text));
		}
		jw_end(w);
	}
	jw_end(w);
	if (s->finish.len)
		jw_put_raw(w, "stop_reason", buf_span(&s->finish));
	/* The counts of the end replace those of the beginning. */
	jw_put_object(w, "usage");
	while (s->usage.len && json_next(&it, buf_span(&s->usage), &key, &value)) {
		struct buf name = BUF_INIT;

		json_string(key, &name);
		if (!s->usage_end.len ||
		    json_kind(json_member(buf_span(&s->usage_end), name.data)) == JSON_NONE) {
			jw_keyn(w, name.data, name.len);
			jw_raw(w, value);
		}
		buf_release(&name);
	}
	memset(&it, 0, sizeof it);
	while (s->usage_end.len && json_next(&it, buf_span(&s->usage_end), &key, &value)) {
		struct buf name = BUF_INIT;

		json_string(key, &name);
		jw_keyn(w, name.data, name.len);
		jw_raw(w, value);
		buf_release(&name);
	}
	jw_end(w);
	return 0;
}

int dialect_stream_body(enum dialect_kind d, const struct dialect_stream *s, struct buf *body)
{
	struct jw w;
	int rc = 0;

	if (!s->ended)
		return -1;
	if (s->error.len)
		return buf_addspan(body, buf_span(&s->error));
	jw_init(&w, body);
	jw_object(&w);
	if (s->model.len)
		jw_put_raw(&w, "model", buf_span(&s->model));
	if (d == DIALECT_ANTHROPIC)
		rc = anthropic_body(s, &w);
	else
		openai_body(s, &w);
	jw_end(&w);
	return rc;
}

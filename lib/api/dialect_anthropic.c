/* dialect_anthropic: Anthropic's Messages API, asked in the records' OpenAI shape. System
 * turns become the `system` member, tool calls and their results become content blocks, a schema
 * becomes the input of a tool that must be called. What cannot be said is refused. Then what
 * its answers mean. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "../json/record.h"
#include "dialect_impl.h"

#define MAX_TOKENS 4096 /* the API demands a limit */

/* "data:image/png;base64,AAAA" or an address. */
static int put_image(struct jw *w, struct span url, struct err *e)
{
	struct buf text = BUF_INIT;
	const char *comma;

	if (json_string(url, &text) || !text.data) {
		buf_release(&text);
		return err_set(e, "an image_url part has no url");
	}
	jw_object(w);
	jw_put_str(w, "type", "image");
	jw_put_object(w, "source");
	comma = strstr(text.data, ";base64,");
	if (strncmp(text.data, "data:", 5) == 0 && comma) {
		jw_put_str(w, "type", "base64");
		jw_put_text(w, "media_type",
			    (struct span){text.data + 5, (size_t)(comma - text.data - 5)});
		jw_put_str(w, "data", comma + 8);
	} else {
		jw_put_str(w, "type", "url");
		jw_put_str(w, "url", text.data);
	}
	jw_end(w);
	jw_end(w);
	buf_release(&text);
	return 0;
}

static int put_parts(struct jw *w, struct span content, struct err *e)
{
	struct json_iter it = {0};
	struct span key, part;

	if (json_kind(content) == JSON_STRING) {
		if (span_is(content, "\"\""))
			return 0;
		jw_object(w);
		jw_put_str(w, "type", "text");
		jw_put_raw(w, "text", content);
		jw_end(w);
		return 0;
	}
	while (json_next(&it, content, &key, &part)) {
		struct span type = json_member(part, "type");

		if (json_is(type, "text")) {
			jw_object(w);
			jw_put_str(w, "type", "text");
			jw_put_raw(w, "text", json_member(part, "text"));
			jw_end(w);
		} else if (json_is(type, "image_url")) {
			if (put_image(w, json_member(json_member(part, "image_url"), "url"), e))
				return -1;
		} else {
			return err_set(e,
				       "a content part of type %.*s has no counterpart in Anthropic's API",
				       (int)(type.n > 40 ? 40 : type.n), type.s ? type.s : "none");
		}
	}
	return 0;
}

static int put_calls(struct jw *w, struct span calls, struct err *e)
{
	struct json_iter it = {0};
	struct span key, call;

	while (json_next(&it, calls, &key, &call)) {
		struct span function = json_member(call, "function"), input;
		struct buf arguments = BUF_INIT;

		json_string(json_member(function, "arguments"), &arguments);
		if (json_check(arguments.len ? buf_span(&arguments) : span_of("{}"), &input,
			       NULL) ||
		    json_kind(input) != JSON_OBJECT) {
			buf_release(&arguments);
			return err_set(e, "the arguments of a tool call are not a JSON object");
		}
		jw_object(w);
		jw_put_str(w, "type", "tool_use");
		jw_put_raw(w, "id", json_member(call, "id"));
		jw_put_raw(w, "name", json_member(function, "name"));
		jw_put_raw(w, "input", input);
		jw_end(w);
		buf_release(&arguments);
	}
	return 0;
}

static int put_messages(struct jw *w, struct span messages, struct err *e)
{
	struct json_iter it = {0};
	struct span key, m;
	/* inside a user turn that collects tool results, which must stand together */
	int results = 0;

	jw_put_array(w, "messages");
	while (json_next(&it, messages, &key, &m)) {
		struct span role = json_member(m, "role"), content = json_member(m, "content");
		int tool = json_is(role, "tool");

		if (results && !tool) {
			jw_end(w);
			jw_end(w);
			results = 0;
		}
		if (json_is(role, "system") || json_is(role, "developer"))
			continue;
		if (!results) {
			jw_object(w);
			jw_put_str(w, "role", json_is(role, "assistant") ? "assistant" : "user");
			jw_key(w, "content");
			if (!tool && json_kind(content) == JSON_STRING &&
			    !json_count(json_member(m, "tool_calls"))) {
				jw_raw(w, content);
				jw_end(w);
				continue;
			}
			jw_array(w);
		}
		if (tool) {
			jw_object(w);
			jw_put_str(w, "type", "tool_result");
			jw_put_raw(w, "tool_use_id", json_member(m, "tool_call_id"));
			jw_put_raw(w, "content", content);
			jw_end(w);
			results = 1;
			continue;
		}
		if (put_parts(w, content, e) || put_calls(w, json_member(m, "tool_calls"), e))
			return -1;
		jw_end(w);
		jw_end(w);
	}
	if (results) {
		jw_end(w);
		jw_end(w);
	}
	jw_end(w);
	return 0;
}

static void put_system(struct jw *w, struct span messages)
{
	struct json_iter it = {0};
	struct span key, m;
	struct buf text = BUF_INIT;

	while (json_next(&it, messages, &key, &m)) {
		struct span role = json_member(m, "role");

		if (!json_is(role, "system") && !json_is(role, "developer"))
			continue;
		if (text.len)
			buf_adds(&text, "\n\n");
		record_message_text(json_member(m, "content"), &text);
	}
	if (text.len)
		jw_put_text(w, "system", buf_span(&text));
	buf_release(&text);
}

static void put_tools(const struct dialect *c, const struct backend_request *q, struct jw *w)
{
	struct json_iter it = {0};
	struct span key, tool, name;

	jw_put_array(w, "tools");
	while (json_next(&it, q->tools, &key, &tool)) {
		struct span f = json_member(tool, "function");
		struct span parameters = json_member(f, "parameters"),
			    about = json_member(f, "description");

		jw_object(w);
		jw_put_raw(w, "name", json_member(f, "name"));
		if (about.s)
			jw_put_raw(w, "description", about);
		jw_put_raw(w, "input_schema",
			   parameters.s ? parameters : span_of("{\"type\":\"object\"}"));
		jw_end(w);
	}
	jw_end(w);
	if (!q->tool_choice.s || dialect_overridden(c, "tool_choice"))
		return;
	name = json_member(json_member(q->tool_choice, "function"), "name");
	jw_put_object(w, "tool_choice");
	jw_put_str(w, "type",
		   name.s				 ? "tool"
		   : json_is(q->tool_choice, "required") ? "any"
		   : json_is(q->tool_choice, "none")	 ? "none"
							 : "auto");
	if (name.s)
		jw_put_raw(w, "name", name);
	jw_end(w);
}

static void put_schema(const struct dialect *c, struct span schema, struct jw *w)
{
	jw_put_array(w, "tools");
	jw_object(w);
	jw_put_str(w, "name", DIALECT_SCHEMA_TOOL);
	jw_put_str(w, "description", "Gives the answer.");
	jw_put_raw(w, "input_schema", schema);
	jw_end(w);
	jw_end(w);
	if (dialect_overridden(c, "tool_choice"))
		return;
	jw_put_object(w, "tool_choice");
	jw_put_str(w, "type", "tool");
	jw_put_str(w, "name", DIALECT_SCHEMA_TOOL);
	jw_end(w);
}

/* platform.claude.com/docs/en/build-with-claude/effort */
static void put_effort(const struct dialect *c, struct jw *w)
{
	const char *effort = c->params->effort;
	int none = effort && strcmp(effort, "none") == 0;

	if (!effort || dialect_overridden(c, none ? "thinking" : "output_config"))
		return;
	jw_put_object(w, none ? "thinking" : "output_config");
	jw_put_str(w, none ? "type" : "effort", none ? "disabled" : effort);
	jw_end(w);
}

int dialect_anthropic_members(const struct dialect *c, const struct backend_request *q,
			      struct jw *w, struct err *e)
{
	const struct backend_params *p = c->params;
	struct span schema = q->schema.s ? q->schema : p->schema;

	if (!dialect_overridden(c, "max_tokens"))
		jw_put_int(w, "max_tokens", p->max_tokens ? p->max_tokens : MAX_TOKENS);
	if (!dialect_overridden(c, "system"))
		put_system(w, q->messages);
	if (!dialect_overridden(c, "messages") && put_messages(w, q->messages, e))
		return -1;
	put_effort(c, w);
	if (!isnan(p->temperature) && !dialect_overridden(c, "temperature"))
		jw_put_num(w, "temperature", p->temperature);
	if (!isnan(p->top_p) && !dialect_overridden(c, "top_p")) {
		jw_put_num(w, "top_p", p->top_p);
	}
	if (p->stops && !dialect_overridden(c, "stop_sequences")) {
		jw_put_array(w, "stop_sequences");
		for (size_t i = 0; i < p->stops; i++)
			jw_str(w, p->stop[i]);
		jw_end(w);
	}
	if (c->stream && !dialect_overridden(c, "stream"))
		jw_put_bool(w, "stream", 1);
	if (schema.s && q->tools.s)
		return err_set(e, "a schema and tools cannot be asked of Anthropic's API together");
	if (dialect_overridden(c, "tools"))
		return 0;
	if (schema.s)
		put_schema(c, schema, w);
	else if (q->tools.s)
		put_tools(c, q, w);
	return 0;
}

const char *dialect_anthropic_finish(struct span stop)
{
	static const char *const table[][2] = {
		{"end_turn", "stop"},	       {"stop_sequence", "stop"},
		{"max_tokens", "length"},      {"tool_use", "tool_calls"},
		{"refusal", "content_filter"}, {"model_context_window_exceeded", "length"},
	};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (json_is(stop, table[i][0]))
			return table[i][1];
	return NULL;
}

/* --- answers --- */

static int ends_with(struct span type, const char *end)
{
	size_t n = strlen(end);
	struct span t = dialect_inside(type);

	return t.n >= n && memcmp(t.s + t.n - n, end, n) == 0;
}

/* The server's own work; the text tells what came of it. */
static int is_aside(struct span type)
{
	static const char *const kinds[] = {"redacted_thinking", "server_tool_use", "mcp_tool_use",
					    "container_upload", "compaction"};

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (json_is(type, kinds[i]))
			return 1;
	return ends_with(type, "_tool_result");
}

static void anthropic_block(struct dialect_stream *s, struct span b, int64_t index)
{
	struct span type = json_member(b, "type"), input = json_member(b, "input");

	if (json_is(type, "text")) {
		dialect_content(s, &s->text, json_member(b, "text"));
	} else if (json_is(type, "thinking")) {
		dialect_add(s, &s->reasoning, json_member(b, "thinking"));
	} else if (json_is(type, "tool_use")) {
		struct dialect_piece *c = dialect_new_piece(s, DIALECT_CALL, index);

		dialect_add(s, &c->id, json_member(b, "id"));
		dialect_add(s, &c->name, json_member(b, "name"));
		dialect_give_arguments(s, c, dialect_absent(input) ? span_of("{}") : input);
	} else if (is_aside(type)) {
		dialect_leave_out(&s->left_out, type);
		dialect_new_piece(s, DIALECT_ASIDE, index);
	} else {
		dialect_bad(s, "a content block is not understood", b);
	}
}

void dialect_anthropic_content(struct dialect_stream *s, struct span message)
{
	struct span blocks = json_member(message, "content"), key, b;
	struct json_iter it = {0};

	dialect_keep(&s->model, json_member(message, "model"));
	dialect_keep(&s->usage, json_member(message, "usage"));
	dialect_keep(&s->finish, json_member(message, "stop_reason"));
	s->any |= json_kind(blocks) == JSON_ARRAY;
	for (int64_t i = 0; json_next(&it, blocks, &key, &b); i++)
		anthropic_block(s, b, i);
}

static void anthropic_delta(struct dialect_stream *s, struct span delta, int64_t index)
{
	struct span type = json_member(delta, "type"), json = json_member(delta, "partial_json");
	struct dialect_piece *c;

	if (json_is(type, "input_json_delta")) {
		/* Some servers count otherwise in the middle of a block: the latest is meant. */
		if (!(c = dialect_find_piece(s, index)) && !(c = dialect_find_piece(s, -1))) {
			dialect_bad(s, "the input of no tool", delta);
			return;
		}
		/* What the block began with was a place holder. */
		if (c->given && dialect_inside(json).n) {
			buf_clear(&c->text);
			c->given = 0;
		}
		dialect_add(s, &c->text, json);
	} else if (json_is(type, "thinking_delta")) {
		dialect_add(s, &s->reasoning, json_member(delta, "thinking"));
	} else if (json_kind(json_member(delta, "text")) == JSON_STRING) {
		dialect_content(s, &s->text, json_member(delta, "text"));
	} else if (!json_is(type, "signature_delta") && !json_is(type, "citations_delta") &&
		   !json_is(type, "compaction_delta")) {
		dialect_bad(s, "a delta is not understood", delta);
	}
}

void dialect_anthropic_event(struct dialect_stream *s, struct span v)
{
	struct span type = json_member(v, "type"), delta = json_member(v, "delta");
	int64_t index = -1;

	json_int(json_member(v, "index"), &index);
	if (json_is(type, "message_start")) {
		if (s->any)
			dialect_bad(s, "a second answer stands behind the first", v);
		s->any = 1;
		dialect_anthropic_content(s, json_member(v, "message"));
	} else if (json_is(type, "content_block_start")) {
		anthropic_block(s, json_member(v, "content_block"), index);
	} else if (json_is(type, "content_block_delta")) {
		anthropic_delta(s, delta, index);
	} else if (json_is(type, "message_delta")) {
		dialect_keep(&s->finish, json_member(delta, "stop_reason"));
		dialect_keep(&s->usage_end, json_member(v, "usage"));
	} else if (json_is(type, "message_stop")) {
		s->ended = 1;
	} else if (json_kind(type) != JSON_STRING) {
		/* Of types that are added later the API says to leave them alone. */
		dialect_bad(s, "an event is not understood", v);
	}
}

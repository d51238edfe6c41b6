/* asked: see asked.h. A turn is put together from its blocks: what it says, as one text where it is
 * nothing else, and the calls of tools in it. */
#include "asked.h"

#include <string.h>
#include "../api/dialect.h"

/* --- a turn while it is gathered --- */

struct turn {
	struct buf text;  /* of text blocks, decoded and joined */
	struct buf parts; /* elements of an array, with commas between */
	int n, plain;	  /* parts; those that are text */
	struct buf calls; /* elements of tool_calls */
};

static void turn_release(struct turn *t)
{
	buf_release(&t->text);
	buf_release(&t->parts);
	buf_release(&t->calls);
	memset(t, 0, sizeof *t);
}

static void add_text(struct turn *t, struct span text)
{
	struct buf decoded = BUF_INIT;

	json_string(text, &decoded);
	buf_addspan(&t->text, buf_span(&decoded));
	buf_adds(&t->parts, t->n++ ? "," : "");
	buf_adds(&t->parts, "{\"type\":\"text\",\"text\":");
	json_put_string(&t->parts, decoded.data ? decoded.data : "", decoded.len);
	buf_addc(&t->parts, '}');
	t->plain++;
	buf_release(&decoded);
}

/* An image by its address: a JSON string. detail: how closely it is looked at, or absent. */
static void add_image(struct turn *t, struct span url, struct span detail)
{
	buf_adds(&t->parts, t->n++ ? "," : "");
	buf_adds(&t->parts, "{\"type\":\"image_url\",\"image_url\":{\"url\":");
	buf_addspan(&t->parts, url);
	if (json_kind(detail) == JSON_STRING)
		buf_addf(&t->parts, ",\"detail\":%.*s", (int)detail.n, detail.s);
	buf_adds(&t->parts, "}}");
}

static void add_part(struct turn *t, struct span raw)
{
	buf_adds(&t->parts, t->n++ ? "," : "");
	buf_addspan(&t->parts, raw);
}

/* arguments: a JSON string, or a value that becomes one. */
static void add_call(struct turn *t, struct span id, struct span name, struct span arguments)
{
	struct jw w;

	buf_adds(&t->calls, t->calls.len ? "," : "");
	jw_init(&w, &t->calls);
	jw_object(&w);
	if (json_kind(id) == JSON_STRING)
		jw_put_raw(&w, "id", id);
	jw_put_str(&w, "type", "function");
	jw_put_object(&w, "function");
	if (json_kind(name) == JSON_STRING)
		jw_put_raw(&w, "name", name);
	if (json_kind(arguments) == JSON_STRING)
		jw_put_raw(&w, "arguments", arguments);
	else
		jw_put_text(&w, "arguments", arguments.s ? arguments : span_of("{}"));
	jw_end(&w);
	jw_end(&w);
}

static void put_content(const struct turn *t, struct jw *w)
{
	struct buf list = BUF_INIT;

	if (!t->n && t->calls.len) {
		jw_put_null(w, "content");
	} else if (t->plain == t->n) {
		jw_put_text(w, "content", t->text.len ? buf_span(&t->text) : span_of(""));
	} else {
		buf_addf(&list, "[%s]", t->parts.data);
		jw_put_raw(w, "content", buf_span(&list));
		buf_release(&list);
	}
}

/* role: a JSON string, or absent, which is the user's. */
static void put_turn(const struct turn *t, struct span role, struct jw *w)
{
	struct buf list = BUF_INIT;

	jw_object(w);
	jw_put_raw(w, "role", json_kind(role) == JSON_STRING ? role : span_of("\"user\""));
	put_content(t, w);
	if (t->calls.len) {
		buf_addf(&list, "[%s]", t->calls.data);
		jw_put_raw(w, "tool_calls", buf_span(&list));
		buf_release(&list);
	}
	jw_end(w);
}

static void put_result(const struct turn *t, struct span id, struct jw *w)
{
	jw_object(w);
	jw_put_str(w, "role", "tool");
	if (json_kind(id) == JSON_STRING)
		jw_put_raw(w, "tool_call_id", id);
	put_content(t, w);
	jw_end(w);
}

static void put_format(struct span format, struct span name, struct jw *w)
{
	struct span strict = json_member(format, "strict");

	if (!json_is(json_member(format, "type"), "json_schema")) {
		if (json_is(json_member(format, "type"), "json_object"))
			jw_put_raw(w, "response_format", format);
		return;
	}
	jw_put_object(w, "response_format");
	jw_put_str(w, "type", "json_schema");
	jw_put_object(w, "json_schema");
	if (json_kind(name) == JSON_STRING)
		jw_put_raw(w, "name", name);
	else
		jw_put_str(w, "name", "answer");
	if (json_kind(strict) > JSON_NULL)
		jw_put_raw(w, "strict", strict);
	jw_put_raw(w, "schema", json_member(format, "schema"));
	jw_end(w);
	jw_end(w);
}

static void put_function(struct span tool, const char *parameters, struct jw *w,
			 struct buf *left_out)
{
	static const char *const names[] = {"name", "description", "strict"};
	struct json_iter it = {0};
	struct span key, v;

	while (json_next(&it, tool, &key, &v)) {
		/* What is kept for later calls changes no answer. */
		int known = json_is(key, "type") || json_is(key, parameters) ||
			    json_is(key, "cache_control");

		for (size_t i = 0; i < sizeof names / sizeof *names; i++)
			known |= json_is(key, names[i]);
		if (!known && json_kind(v) > JSON_FALSE)
			dialect_leave_out(left_out, key);
	}
	jw_object(w);
	jw_put_str(w, "type", "function");
	jw_put_object(w, "function");
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (json_kind(json_member(tool, names[i])) > JSON_NULL)
			jw_put_raw(w, names[i], json_member(tool, names[i]));
	if (json_kind(json_member(tool, parameters)) > JSON_NULL)
		jw_put_raw(w, "parameters", json_member(tool, parameters));
	jw_end(w);
	jw_end(w);
}

/* Tools that are functions; `type` is what those are called, where they are called anything. */
static void put_tools(struct span tools, const char *type, const char *parameters, struct jw *w,
		      struct buf *left_out)
{
	struct json_iter it = {0};
	struct span key, tool;

	if (json_kind(tools) != JSON_ARRAY || !json_count(tools))
		return;
	jw_put_array(w, "tools");
	while (json_next(&it, tools, &key, &tool)) {
		struct span is = json_member(tool, "type");

		if (json_kind(is) <= JSON_NULL || json_is(is, type))
			put_function(tool, parameters, w, left_out);
		else
			dialect_leave_out(left_out, is);
	}
	jw_end(w);
}

static void put_named_choice(struct span name, struct jw *w)
{
	jw_put_object(w, "tool_choice");
	jw_put_str(w, "type", "function");
	jw_put_object(w, "function");
	jw_put_raw(w, "name", name);
	jw_end(w);
	jw_end(w);
}

/* --- Anthropic's messages --- */

static void anthropic_image(struct turn *t, struct span block, struct buf *left_out)
{
	struct span source = json_member(block, "source"), data = json_member(source, "data"),
		    url = json_member(source, "url");
	struct buf text = BUF_INIT, quoted = BUF_INIT;

	if (json_kind(url) == JSON_STRING) {
		add_image(t, url, (struct span){0});
	} else if (json_kind(data) == JSON_STRING) {
		buf_adds(&text, "data:");
		json_string(json_member(source, "media_type"), &text);
		buf_adds(&text, ";base64,");
		json_string(data, &text);
		json_put_string(&quoted, text.data, text.len);
		add_image(t, buf_span(&quoted), (struct span){0});
	} else {
		dialect_leave_out(left_out, json_member(block, "type"));
	}
	buf_release(&text);
	buf_release(&quoted);
}

static void anthropic_blocks(struct span content, struct turn *t, struct jw *w,
			     struct buf *left_out)
{
	struct json_iter it = {0};
	struct span key, b;

	if (json_kind(content) == JSON_STRING) {
		add_text(t, content);
		return;
	}
	while (json_next(&it, content, &key, &b)) {
		struct span type = json_member(b, "type");

		if (json_is(type, "text")) {
			add_text(t, json_member(b, "text"));
		} else if (json_is(type, "image")) {
			anthropic_image(t, b, left_out);
		} else if (json_is(type, "tool_use")) {
			add_call(t, json_member(b, "id"), json_member(b, "name"),
				 json_member(b, "input"));
		} else if (json_is(type, "tool_result") && w) {
			struct turn result = {0};

			/* Results are turns of their own, and come before what else is said. */
			anthropic_blocks(json_member(b, "content"), &result, NULL, left_out);
			put_result(&result, json_member(b, "tool_use_id"), w);
			turn_release(&result);
			if (json_kind(json_member(b, "is_error")) == JSON_TRUE)
				dialect_leave_out(left_out, span_of("\"is_error\""));
		} else if (json_is(type, "document") || json_is(type, "search_result")) {
			add_part(t, b);
		} else {
			dialect_leave_out(left_out, type);
		}
	}
}

void asked_put_messages(const struct record *body, struct jw *w, struct buf *left_out)
{
	struct span system = record_get(body, "system"), messages = record_get(body, "messages"),
		    choice = record_get(body, "tool_choice"), type = json_member(choice, "type"),
		    format = record_get(body, "output_format"), key, m;
	struct json_iter it = {0};
	struct turn t = {0};

	if (json_kind(format) <= JSON_NULL)
		format = json_member(record_get(body, "output_config"), "format");
	if (json_kind(messages) != JSON_ARRAY)
		dialect_leave_out(left_out, span_of("\"messages\""));
	jw_put_array(w, "messages");
	if (json_kind(system) > JSON_NULL) {
		anthropic_blocks(system, &t, NULL, left_out);
		put_turn(&t, span_of("\"system\""), w);
		turn_release(&t);
	}
	while (json_next(&it, messages, &key, &m)) {
		anthropic_blocks(json_member(m, "content"), &t, w, left_out);
		if (t.n || t.calls.len || json_kind(json_member(m, "content")) == JSON_STRING)
			put_turn(&t, json_member(m, "role"), w);
		turn_release(&t);
	}
	jw_end(w);
	put_tools(record_get(body, "tools"), "custom", "input_schema", w, left_out);
	if (json_is(type, "tool"))
		put_named_choice(json_member(choice, "name"), w);
	else if (json_kind(type) == JSON_STRING)
		jw_put_str(w, "tool_choice",
			   json_is(type, "any")	   ? "required"
			   : json_is(type, "none") ? "none"
						   : "auto");
	put_format(format, (struct span){0}, w);
}

/* --- OpenAI's responses --- */

static void response_parts(struct span content, struct turn *t, struct buf *left_out)
{
	struct json_iter it = {0};
	struct span key, p;

	if (json_kind(content) == JSON_STRING) {
		add_text(t, content);
		return;
	}
	while (json_next(&it, content, &key, &p)) {
		struct span type = json_member(p, "type"), url = json_member(p, "image_url");

		if (json_kind(json_member(p, "text")) == JSON_STRING)
			add_text(t, json_member(p, "text"));
		else if (json_is(type, "refusal"))
			add_text(t, json_member(p, "refusal"));
		else if (json_is(type, "input_image") && json_kind(url) == JSON_STRING)
			add_image(t, url, json_member(p, "detail"));
		else if (json_is(type, "input_file") || json_is(type, "input_audio"))
			add_part(t, p);
		else
			dialect_leave_out(left_out, type);
	}
}

/* Calls stand beside each other as items, and are one turn with what was said before them. */
static void end_turn(struct turn *t, struct jw *w)
{
	if (t->n || t->calls.len)
		put_turn(t, span_of("\"assistant\""), w);
	turn_release(t);
}

static void response_item(struct span item, struct turn *said, struct jw *w, struct buf *left_out)
{
	struct span type = json_member(item, "type"), role = json_member(item, "role");
	struct turn t = {0};

	if (json_is(type, "function_call")) {
		add_call(said, json_member(item, "call_id"), json_member(item, "name"),
			 json_member(item, "arguments"));
		return;
	}
	if (json_kind(role) == JSON_STRING && json_is(role, "assistant")) {
		end_turn(said, w);
		response_parts(json_member(item, "content"), said, left_out);
		return;
	}
	if (json_is(type, "function_call_output")) {
		end_turn(said, w);
		response_parts(json_member(item, "output"), &t, left_out);
		put_result(&t, json_member(item, "call_id"), w);
	} else if (json_kind(role) == JSON_STRING) {
		end_turn(said, w);
		response_parts(json_member(item, "content"), &t, left_out);
		put_turn(&t, role, w);
	} else {
		dialect_leave_out(left_out, type);
	}
	turn_release(&t);
}

void asked_put_responses(const struct record *body, struct jw *w, struct buf *left_out)
{
	struct span instructions = record_get(body, "instructions"),
		    input = record_get(body, "input"), choice = record_get(body, "tool_choice"),
		    format = json_member(record_get(body, "text"), "format"), key, item;
	struct json_iter it = {0};
	struct turn t = {0};

	if (json_kind(input) != JSON_STRING && json_kind(input) != JSON_ARRAY)
		dialect_leave_out(left_out, span_of("\"input\""));
	jw_put_array(w, "messages");
	if (json_kind(instructions) == JSON_STRING) {
		add_text(&t, instructions);
		put_turn(&t, span_of("\"system\""), w);
		turn_release(&t);
	}
	if (json_kind(input) == JSON_STRING) {
		add_text(&t, input);
		put_turn(&t, (struct span){0}, w);
		turn_release(&t);
	} else if (json_kind(input) == JSON_ARRAY) {
		while (json_next(&it, input, &key, &item))
			response_item(item, &t, w, left_out);
		end_turn(&t, w);
	}
	jw_end(w);
	put_tools(record_get(body, "tools"), "function", "parameters", w, left_out);
	if (json_kind(choice) == JSON_STRING)
		jw_put_raw(w, "tool_choice", choice);
	else if (json_is(json_member(choice, "type"), "function"))
		put_named_choice(json_member(choice, "name"), w);
	else if (json_kind(choice) > JSON_NULL)
		dialect_leave_out(left_out, span_of("\"tool_choice\""));
	put_format(format, json_member(format, "name"), w);
}

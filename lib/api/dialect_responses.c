/* dialect_responses: OpenAI's Responses API, asked in the records' shape of chat completions. Turns
 * become input items, tool calls and their results items of their own, what a schema says the
 * `text.format`. Nothing is stored at the provider unless asked for. What cannot be said is refused;
 * `name` and reasoning of a turn have no counterpart and stay out. What its answers mean is in
 * dialect_responses_answer.c. */
#include <math.h>
#include <string.h>
#include "dialect_impl.h"

/* --- what stands in a turn --- */

/* The members of an object, without braces; those that skip names stay out. */
static void put_members(struct jw *w, struct span object, const char *skip)
{
	struct json_iter it = {0};
	struct span key, value;

	while (json_next(&it, object, &key, &value)) {
		struct buf name = BUF_INIT;

		json_string(key, &name);
		if (!skip || !name.data || strcmp(name.data, skip) != 0) {
			jw_keyn(w, name.data ? name.data : "", name.len);
			jw_raw(w, value);
		}
		buf_release(&name);
	}
}

static int put_image(struct jw *w, struct span image, struct err *e)
{
	struct span url = json_kind(image) == JSON_STRING ? image : json_member(image, "url"),
		    detail = json_member(image, "detail");

	if (json_kind(url) != JSON_STRING)
		return err_set(e, "an image_url part has no url");
	jw_object(w);
	jw_put_str(w, "type", "input_image");
	jw_put_raw(w, "image_url", url);
	if (!dialect_absent(detail))
		jw_put_raw(w, "detail", detail);
	jw_end(w);
	return 0;
}

static int put_part(struct jw *w, struct span part, int assistant, struct err *e)
{
	/* Those that are what the API takes already. */
	static const char *const own[] = {"input_text",	 "output_text", "input_image",
					  "input_audio", "input_file",	"refusal"};
	struct span type = json_member(part, "type");

	for (size_t i = 0; i < sizeof own / sizeof *own; i++)
		if (json_is(type, own[i])) {
			jw_raw(w, part);
			return 0;
		}
	if (json_is(type, "image_url"))
		return put_image(w, json_member(part, "image_url"), e);
	if (!json_is(type, "text") && !json_is(type, "file"))
		return err_set(e,
			       "a content part of type %.*s has no counterpart in the Responses API",
			       (int)(type.n > 40 ? 40 : type.n), type.s ? type.s : "none");
	jw_object(w);
	if (json_is(type, "text")) {
		jw_put_str(w, "type", assistant ? "output_text" : "input_text");
		jw_put_raw(w, "text", json_member(part, "text"));
	} else {
		jw_put_str(w, "type", "input_file");
		put_members(w, json_member(part, "file"), NULL);
	}
	jw_end(w);
	return 0;
}

/* The value of a `content` or an `output`. */
static int put_content(struct jw *w, struct span content, int assistant, struct err *e)
{
	struct json_iter it = {0};
	struct span key, part;

	if (json_kind(content) == JSON_STRING) {
		jw_raw(w, content);
		return 0;
	}
	if (dialect_absent(content)) {
		jw_str(w, "");
		return 0;
	}
	if (json_kind(content) != JSON_ARRAY)
		return err_set(e, "the content of a turn is neither text nor a list of parts");
	jw_array(w);
	while (json_next(&it, content, &key, &part))
		if (put_part(w, part, assistant, e))
			return -1;
	jw_end(w);
	return 0;
}

/* --- turns --- */

static int put_calls(struct jw *w, struct span calls, struct err *e)
{
	struct json_iter it = {0};
	struct span key, call;

	while (json_next(&it, calls, &key, &call)) {
		struct span custom = json_member(call, "custom"),
			    function = json_member(call, "function"), text;
		int is_custom = json_kind(custom) == JSON_OBJECT;

		if (is_custom)
			function = custom;
		if (json_kind(json_member(call, "id")) != JSON_STRING)
			return err_set(e,
				       "a tool call has no id, by which the Responses API knows its result");
		if (json_kind(json_member(function, "name")) != JSON_STRING)
			return err_set(e, "a tool call names no function");
		text = json_member(function, is_custom ? "input" : "arguments");
		jw_object(w);
		jw_put_str(w, "type", is_custom ? "custom_tool_call" : "function_call");
		jw_put_raw(w, "call_id", json_member(call, "id"));
		jw_put_raw(w, "name", json_member(function, "name"));
		jw_key(w, is_custom ? "input" : "arguments");
		if (json_kind(text) == JSON_STRING)
			jw_raw(w, text);
		else if (dialect_absent(text))
			jw_str(w, is_custom ? "" : "{}");
		else
			jw_strn(w, text.s, text.n);
		jw_end(w);
	}
	return 0;
}

/* Whether the call with that id, which stands in an earlier turn, is of a custom tool. */
static int is_custom(struct span messages, struct span id)
{
	struct json_iter turns = {0};
	struct span key, m, call;

	while (json_next(&turns, messages, &key, &m)) {
		struct json_iter calls = {0};

		struct span called = json_member(m, "tool_calls");
		while (json_next(&calls, called, &key, &call))
			if (span_eq(json_member(call, "id"), id))
				return json_kind(json_member(call, "custom")) == JSON_OBJECT;
	}
	return 0;
}

static int put_result(struct jw *w, struct span messages, struct span m, struct err *e)
{
	struct span id = json_member(m, "tool_call_id");

	if (json_kind(id) != JSON_STRING)
		return err_set(e, "a turn of role tool has no tool_call_id");
	jw_object(w);
	jw_put_str(w, "type",
		   is_custom(messages, id) ? "custom_tool_call_output" : "function_call_output");
	jw_put_raw(w, "call_id", id);
	jw_key(w, "output");
	if (put_content(w, json_member(m, "content"), 0, e))
		return -1;
	jw_end(w);
	return 0;
}

static int put_turn(struct jw *w, struct span m, struct err *e)
{
	static const char *const roles[] = {"system", "developer", "user", "assistant"};
	struct span role = json_member(m, "role"), content = json_member(m, "content"),
		    refusal = json_member(m, "refusal"), calls = json_member(m, "tool_calls");
	int assistant = json_is(role, "assistant"), known = 0;

	for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
		known |= json_is(role, roles[i]);
	if (!known || json_kind(json_member(m, "function_call")) == JSON_OBJECT)
		return err_set(e,
			       "a turn %s%.*s has no counterpart in the Responses API; calls stand in tool_calls, results in turns of role tool",
			       known ? "with a function_call" : "of role ",
			       known	     ? 0
			       : role.n > 40 ? 40
					     : (int)role.n,
			       role.s ? role.s : "none");
	if (json_kind(refusal) == JSON_STRING && dialect_inside(refusal).n) {
		jw_object(w);
		jw_put_raw(w, "role", role);
		jw_put_array(w, "content");
		jw_object(w);
		jw_put_str(w, "type", "refusal");
		jw_put_raw(w, "refusal", refusal);
		jw_end(w);
		jw_end(w);
		jw_end(w);
	} else if (!json_count(calls) || dialect_inside(content).n || json_count(content)) {
		jw_object(w);
		jw_put_raw(w, "role", role);
		jw_key(w, "content");
		if (put_content(w, content, assistant, e))
			return -1;
		jw_end(w);
	}
	return put_calls(w, calls, e);
}

static int put_input(struct jw *w, struct span messages, struct err *e)
{
	struct json_iter it = {0};
	struct span key, m;

	jw_put_array(w, "input");
	while (json_next(&it, messages, &key, &m)) {
		struct span role = json_member(m, "role");

		if (dialect_absent(role) && json_kind(json_member(m, "type")) == JSON_STRING)
			jw_raw(w, m); /* an item already, such as reasoning that goes round */
		else if (json_is(role, "tool") ? put_result(w, messages, m, e) : put_turn(w, m, e))
			return -1;
	}
	jw_end(w);
	return 0;
}

/* --- tools and formats --- */

static void put_function(struct jw *w, struct span function)
{
	jw_object(w);
	jw_put_str(w, "type", "function");
	put_members(w, function, NULL);
	/* What chat completions take for granted: no parameters, and a schema that is a hint. */
	if (dialect_absent(json_member(function, "parameters")))
		jw_put_raw(w, "parameters", span_of("{\"type\":\"object\",\"properties\":{}}"));
	if (json_kind(json_member(function, "strict")) == JSON_NONE)
		jw_put_bool(w, "strict", 0);
	jw_end(w);
}

static void put_custom(struct jw *w, struct span custom)
{
	struct span format = json_member(custom, "format"),
		    grammar = json_member(format, "grammar");

	jw_object(w);
	jw_put_str(w, "type", "custom");
	put_members(w, custom, "format");
	if (json_kind(grammar) == JSON_OBJECT) {
		jw_put_object(w, "format");
		jw_put_str(w, "type", "grammar");
		put_members(w, grammar, NULL);
		jw_end(w);
	} else if (!dialect_absent(format)) {
		jw_put_raw(w, "format", format);
	}
	jw_end(w);
}

/* {"type":"function","function":{"name"}} and its like, as names of tools have it here; anything else
 * as it is. */
static void put_named(struct jw *w, struct span tool)
{
	struct span type = json_member(tool, "type"), inner = json_member(tool, "function");

	if (json_kind(inner) != JSON_OBJECT)
		inner = json_member(tool, "custom");
	if (json_kind(inner) != JSON_OBJECT) {
		jw_raw(w, tool);
		return;
	}
	jw_object(w);
	jw_put_raw(w, "type", type);
	jw_put_raw(w, "name", json_member(inner, "name"));
	jw_end(w);
}

static void put_choice(struct jw *w, struct span choice)
{
	struct span allowed = json_member(choice, "allowed_tools"), key, tool;
	struct json_iter it = {0};

	jw_key(w, "tool_choice");
	if (json_kind(allowed) != JSON_OBJECT) {
		put_named(w, choice);
		return;
	}
	jw_object(w);
	jw_put_str(w, "type", "allowed_tools");
	put_members(w, allowed, "tools");
	jw_put_array(w, "tools");
	struct span tools = json_member(allowed, "tools");
	while (json_next(&it, tools, &key, &tool))
		put_named(w, tool);
	jw_end(w);
	jw_end(w);
}

static void put_tools(const struct dialect *c, const struct backend_request *q, struct jw *w)
{
	struct json_iter it = {0};
	struct span key, tool;

	if (q->tools.s && !dialect_overridden(c, "tools")) {
		jw_put_array(w, "tools");
		while (json_next(&it, q->tools, &key, &tool)) {
			struct span function = json_member(tool, "function"),
				    custom = json_member(tool, "custom");

			if (json_kind(function) == JSON_OBJECT)
				put_function(w, function);
			else if (json_kind(custom) == JSON_OBJECT)
				put_custom(w, custom);
			else
				jw_raw(w, tool);
		}
		jw_end(w);
	}
	if (q->tool_choice.s && !dialect_overridden(c, "tool_choice"))
		put_choice(w, q->tool_choice);
}

/* The format of the answer and what extra says of `text` beside it. */
static void put_text(const struct dialect *c, const struct backend_request *q, struct jw *w)
{
	struct span schema = q->schema.s ? q->schema : c->params->schema,
		    extra = json_member(c->extra, "text"),
		    inner = json_member(q->response_format, "json_schema");
	int wanted = (schema.s || q->response_format.s) &&
		     json_kind(json_member(extra, "format")) == JSON_NONE;

	if (dialect_overridden(c, "text") && json_kind(extra) != JSON_OBJECT)
		return;
	if (!wanted && !extra.s)
		return;
	jw_put_object(w, "text");
	if (wanted && schema.s) {
		jw_put_object(w, "format");
		jw_put_str(w, "type", "json_schema");
		jw_put_str(w, "name", "answer");
		jw_put_bool(w, "strict", q->schema.s || !c->params->loose);
		jw_put_raw(w, "schema", schema);
		jw_end(w);
	} else if (wanted && json_kind(inner) == JSON_OBJECT) {
		jw_put_object(w, "format");
		jw_put_str(w, "type", "json_schema");
		put_members(w, inner, NULL);
		jw_end(w);
	} else if (wanted) {
		jw_put_raw(w, "format", q->response_format);
	}
	put_members(w, extra, NULL);
	jw_end(w);
}

static void put_reasoning(const struct dialect *c, struct jw *w)
{
	struct span extra = json_member(c->extra, "reasoning");
	const char *effort = json_member(extra, "effort").s ? NULL : c->params->effort;

	if (json_kind(extra) != JSON_OBJECT && (extra.s || !effort))
		return;
	jw_put_object(w, "reasoning");
	if (effort)
		jw_put_str(w, "effort", effort);
	put_members(w, extra, NULL);
	jw_end(w);
}

int dialect_responses_members(const struct dialect *c, const struct backend_request *q,
			      struct jw *w, struct err *e)
{
	const struct backend_params *p = c->params;

	if (!dialect_overridden(c, "input") && put_input(w, q->messages, e))
		return -1;
	if (p->max_tokens && !dialect_overridden(c, "max_output_tokens"))
		jw_put_int(w, "max_output_tokens", p->max_tokens);
	if (!isnan(p->temperature) && !dialect_overridden(c, "temperature"))
		jw_put_num(w, "temperature", p->temperature);
	if (!isnan(p->top_p) && !dialect_overridden(c, "top_p"))
		jw_put_num(w, "top_p", p->top_p);
	if (p->logprobs >= 0 && !dialect_overridden(c, "include"))
		jw_put_raw(w, "include", span_of("[\"message.output_text.logprobs\"]"));
	if (p->logprobs > 0 && !dialect_overridden(c, "top_logprobs"))
		jw_put_int(w, "top_logprobs", p->logprobs);
	put_tools(c, q, w);
	put_text(c, q, w);
	put_reasoning(c, w);
	if (!dialect_overridden(c, "store"))
		jw_put_bool(w, "store", 0);
	if (c->stream && !dialect_overridden(c, "stream"))
		jw_put_bool(w, "stream", 1);
	return 0;
}

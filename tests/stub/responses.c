/* responses: see the header. */
#include "responses.h"

#include <stdio.h>
#include <string.h>
#include "../../lib/json/json.h"
#include "../../lib/json/jw.h"
#include "../../lib/json/record.h"

#define PIECE 5 /* bytes of a delta, about */

/* --- what is refused --- */

static int refuse(struct buf *message, struct buf *param, const char *text, const char *name)
{
	buf_adds(message, text);
	buf_adds(param, name);
	return 1;
}

static int known_parameter(struct span key)
{
	static const char *const names[] = {
		"background",
		"conversation",
		"include",
		"input",
		"instructions",
		"max_output_tokens",
		"max_tool_calls",
		"metadata",
		"model",
		"parallel_tool_calls",
		"previous_response_id",
		"prompt",
		"prompt_cache_key",
		"prompt_cache_retention",
		"reasoning",
		"safety_identifier",
		"service_tier",
		"store",
		"stream",
		"stream_options",
		"temperature",
		"text",
		"tool_choice",
		"tools",
		"top_logprobs",
		"top_p",
		"truncation",
		"user",
	};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (json_is(key, names[i]))
			return 1;
	return 0;
}

/* Of a message: the roles take parts of different types. */
static int refuse_parts(struct span item, struct buf *message, struct buf *param)
{
	struct json_iter it = {0};
	struct span content = json_member(item, "content"), key, part;
	int assistant = json_is(json_member(item, "role"), "assistant");

	if (json_kind(content) != JSON_STRING && json_kind(content) != JSON_ARRAY)
		return refuse(message, param, "Invalid type for 'input[].content'.", "input");
	while (json_next(&it, content, &key, &part)) {
		struct span type = json_member(part, "type");

		if (assistant ? !json_is(type, "output_text") && !json_is(type, "refusal")
			      : !json_is(type, "input_text") && !json_is(type, "input_image") &&
					!json_is(type, "input_file") &&
					!json_is(type, "input_audio")) {
			buf_addf(message, "Invalid value: %.*s. Supported values are: %s.",
				 (int)type.n, type.s ? type.s : "",
				 assistant ? "'output_text' and 'refusal'"
					   : "'input_text', 'input_image', 'input_file'");
			buf_adds(param, "input");
			return 1;
		}
	}
	return 0;
}

static int called(struct span input, struct span id, const char *type)
{
	struct json_iter it = {0};
	struct span key, item;

	while (json_next(&it, input, &key, &item))
		if (json_is(json_member(item, "type"), type) &&
		    span_eq(json_member(item, "call_id"), id))
			return 1;
	return 0;
}

static int refuse_item(struct span input, struct span item, struct buf *message, struct buf *param)
{
	struct span type = json_member(item, "type"), role = json_member(item, "role"),
		    id = json_member(item, "call_id");

	if (json_is(type, "reasoning"))
		return json_kind(json_member(item, "summary")) == JSON_ARRAY
			       ? 0
			       : refuse(message, param, "Missing required parameter: 'summary'.",
					"input");
	if (json_is(type, "function_call") || json_is(type, "custom_tool_call"))
		return json_kind(id) == JSON_STRING &&
				       json_kind(json_member(item, "name")) == JSON_STRING
			       ? 0
			       : refuse(message, param, "Missing required parameter: 'call_id'.",
					"input");
	if (json_is(type, "function_call_output") || json_is(type, "custom_tool_call_output")) {
		if (called(input, id,
			   json_is(type, "function_call_output") ? "function_call"
								 : "custom_tool_call"))
			return 0;
		buf_addf(message, "No tool call found for function call output with call_id %.*s.",
			 (int)id.n, id.s ? id.s : "");
		buf_adds(param, "input");
		return 1;
	}
	if (json_is(type, "item_reference") || json_is(type, "web_search_call") ||
	    json_is(type, "file_search_call") || json_is(type, "compaction"))
		return 0;
	if (json_kind(type) != JSON_NONE && !json_is(type, "message"))
		return refuse(message, param, "Invalid value of 'input[].type'.", "input");
	if (!json_is(role, "user") && !json_is(role, "assistant") && !json_is(role, "system") &&
	    !json_is(role, "developer"))
		return refuse(message, param,
			      "Invalid value. Supported values are: 'assistant', 'system', "
			      "'developer', and 'user'.",
			      "input");
	if (json_kind(json_member(item, "tool_calls")) != JSON_NONE ||
	    json_kind(json_member(item, "name")) != JSON_NONE)
		return refuse(message, param, "Unknown parameter: 'input[].tool_calls'.", "input");
	return refuse_parts(item, message, param);
}

int responses_refuses(struct span body, struct buf *message, struct buf *param)
{
	struct json_iter it = {0}, tools = {0};
	struct span key, v, input = json_member(body, "input"),
			    format = json_member(json_member(body, "text"), "format");

	while (json_next(&it, body, &key, &v))
		if (!known_parameter(key)) {
			buf_addf(message, "Unknown parameter: '%.*s'.", (int)key.n - 2, key.s + 1);
			buf_add(param, key.s + 1, key.n - 2);
			return 1;
		}
	if (json_kind(input) != JSON_STRING && json_kind(input) != JSON_ARRAY)
		return refuse(message, param, "Missing required parameter: 'input'.", "input");
	memset(&it, 0, sizeof it);
	while (json_kind(input) == JSON_ARRAY && json_next(&it, input, &key, &v))
		if (refuse_item(input, v, message, param))
			return 1;
	while (json_next(&tools, json_member(body, "tools"), &key, &v))
		if ((json_is(json_member(v, "type"), "function") ||
		     json_is(json_member(v, "type"), "custom")) &&
		    json_kind(json_member(v, "name")) != JSON_STRING)
			return refuse(message, param,
				      "Missing required parameter: 'tools[0].name'.", "tools");
	if (json_is(json_member(format, "type"), "json_schema") &&
	    (json_kind(json_member(format, "name")) != JSON_STRING ||
	     json_kind(json_member(format, "schema")) != JSON_OBJECT))
		return refuse(message, param, "Missing required parameter: 'text.format.name'.",
			      "text.format.name");
	return 0;
}

/* --- what is asked --- */

void responses_texts(struct span body, struct buf *all, struct buf *last)
{
	struct json_iter it = {0};
	struct span key, item, input = json_member(body, "input");

	record_message_text(json_member(body, "instructions"), all);
	if (json_kind(input) == JSON_STRING) {
		record_message_text(input, all);
		record_message_text(input, last);
	}
	while (json_kind(input) == JSON_ARRAY && json_next(&it, input, &key, &item)) {
		struct json_iter parts = {0};
		struct span content = json_member(item, "content"), k, part;
		int user = json_is(json_member(item, "role"), "user");

		if (json_kind(json_member(item, "output")) == JSON_STRING)
			record_message_text(json_member(item, "output"), all);
		if (user)
			buf_clear(last);
		if (json_kind(content) == JSON_STRING) {
			record_message_text(content, all);
			if (user)
				record_message_text(content, last);
		}
		while (json_kind(content) == JSON_ARRAY && json_next(&parts, content, &k, &part)) {
			record_message_text(json_member(part, "text"), all);
			if (user)
				record_message_text(json_member(part, "text"), last);
		}
	}
}

struct span responses_schema(struct span body)
{
	return json_member(json_member(json_member(body, "text"), "format"), "schema");
}

/* --- items --- */

enum item { ITEM_REASONING, ITEM_MESSAGE, ITEM_CALL, ITEMS };

static int is(const struct responses_answer *a, const char *kind)
{
	return strcmp(a->kind, kind) == 0;
}

static int thinks(const struct responses_answer *a)
{
	return is(a, "reasoning") || json_kind(json_member(a->body, "reasoning")) == JSON_OBJECT;
}

static int holds(const struct responses_answer *a, enum item item)
{
	if (is(a, "empty") || is(a, "failed"))
		return 0;
	return item == ITEM_REASONING ? thinks(a)
	       : item == ITEM_CALL    ? is(a, "tool")
				      : !is(a, "tool") && !is(a, "null");
}

static int asks_for(const struct responses_answer *a, const char *what)
{
	struct json_iter it = {0};
	struct span key, v;

	while (json_next(&it, json_member(a->body, "include"), &key, &v))
		if (json_is(v, what))
			return 1;
	return 0;
}

static void put_logprobs(struct jw *w, const struct responses_answer *a)
{
	int64_t top = 0;

	jw_put_array(w, "logprobs");
	if (asks_for(a, "message.output_text.logprobs")) {
		json_int(json_member(a->body, "top_logprobs"), &top);
		jw_object(w);
		jw_put_text(w, "token", a->text);
		jw_put_num(w, "logprob", -0.25);
		jw_put_array(w, "bytes");
		jw_end(w);
		jw_put_array(w, "top_logprobs");
		for (int64_t i = 0; i < top; i++) {
			jw_object(w);
			jw_put_str(w, "token", "other");
			jw_put_num(w, "logprob", -0.25 - (double)i);
			jw_put_array(w, "bytes");
			jw_end(w);
			jw_end(w);
		}
		jw_end(w);
		jw_end(w);
	}
	jw_end(w);
}

static const char *const refusal = "I will not.", *const summary = "It wants to be answered.",
			 *const arguments = "{\"q\": 12345678901234567890}";

static void put_part(struct jw *w, const struct responses_answer *a, struct span text)
{
	jw_object(w);
	if (is(a, "refusal")) {
		jw_put_str(w, "type", "refusal");
		jw_put_text(w, "refusal", text);
	} else {
		jw_put_str(w, "type", "output_text");
		jw_put_text(w, "text", text);
		jw_put_array(w, "annotations");
		jw_end(w);
		put_logprobs(w, a);
	}
	jw_end(w);
}

static struct span said(const struct responses_answer *a)
{
	return is(a, "refusal") ? span_of(refusal) : a->text;
}

static void put_id(struct jw *w, const char *name, const struct responses_answer *a, enum item item)
{
	static const char *const prefixes[] = {"rs", "msg", "fc"};
	char id[40];

	snprintf(id, sizeof id, "%s_%zu", prefixes[item], a->number);
	jw_put_str(w, name, id);
}

/* over: as it is at its end; else as it begins. */
static void put_item(struct jw *w, const struct responses_answer *a, enum item item, int over)
{
	jw_object(w);
	put_id(w, "id", a, item);
	if (item == ITEM_REASONING) {
		jw_put_str(w, "type", "reasoning");
		jw_put_array(w, "summary");
		if (over) {
			jw_object(w);
			jw_put_str(w, "type", "summary_text");
			jw_put_str(w, "text", summary);
			jw_end(w);
		}
		jw_end(w);
		if (asks_for(a, "reasoning.encrypted_content"))
			jw_put_str(w, "encrypted_content", over ? "gAAAAABsdHVi" : "");
		jw_end(w);
		return;
	}
	jw_put_str(w, "type", item == ITEM_CALL ? "function_call" : "message");
	jw_put_str(w, "status",
		   !over	     ? "in_progress"
		   : is(a, "length") ? "incomplete"
				     : "completed");
	if (item == ITEM_CALL) {
		jw_put_str(w, "call_id", "call_1");
		jw_put_str(w, "name", "look_up");
		jw_put_str(w, "arguments", over ? arguments : "");
	} else {
		jw_put_str(w, "role", "assistant");
		jw_put_array(w, "content");
		if (over)
			put_part(w, a, said(a));
		jw_end(w);
	}
	jw_end(w);
}

/* --- the response --- */

static void put_usage(struct jw *w, const struct responses_answer *a)
{
	jw_put_object(w, "usage");
	jw_put_num(w, "input_tokens", a->in);
	jw_put_object(w, "input_tokens_details");
	jw_put_num(w, "cached_tokens", a->cached);
	jw_end(w);
	jw_put_num(w, "output_tokens", a->out + a->reasoning);
	jw_put_object(w, "output_tokens_details");
	jw_put_num(w, "reasoning_tokens", a->reasoning);
	jw_end(w);
	jw_put_num(w, "total_tokens", a->in + a->out + a->reasoning);
	jw_end(w);
}

static void put_response(struct jw *w, const struct responses_answer *a, int over)
{
	struct span store = json_member(a->body, "store"), text = json_member(a->body, "text"),
		    tools = json_member(a->body, "tools");
	char id[40];

	snprintf(id, sizeof id, "resp_%zu", a->number);
	jw_object(w);
	jw_put_str(w, "id", id);
	jw_put_str(w, "object", "response");
	jw_put_num(w, "created_at", 1700000000);
	jw_put_str(w, "status",
		   !over	     ? "in_progress"
		   : is(a, "failed") ? "failed"
		   : is(a, "length") ? "incomplete"
				     : "completed");
	jw_key(w, "error");
	if (over && is(a, "failed"))
		jw_raw(w, span_of("{\"code\":\"server_error\",\"message\":\"the stub was told to "
				  "fail\"}"));
	else
		jw_null(w);
	jw_key(w, "incomplete_details");
	if (over && is(a, "length"))
		jw_raw(w, span_of("{\"reason\":\"max_output_tokens\"}"));
	else
		jw_null(w);
	jw_put_str(w, "instructions", NULL);
	jw_put_raw(w, "model",
		   a->model.s			     ? a->model
		   : json_member(a->body, "model").s ? json_member(a->body, "model")
						     : span_of("null"));
	jw_put_array(w, "output");
	for (int i = 0; over && i < ITEMS; i++)
		if (holds(a, (enum item)i))
			put_item(w, a, (enum item)i, 1);
	jw_end(w);
	jw_put_bool(w, "parallel_tool_calls", 1);
	jw_put_raw(w, "store", store.s ? store : span_of("true"));
	jw_put_raw(w, "text", text.s ? text : span_of("{\"format\":{\"type\":\"text\"}}"));
	jw_put_str(w, "tool_choice", "auto");
	jw_put_raw(w, "tools", tools.s ? tools : span_of("[]"));
	if (over)
		put_usage(w, a);
	else
		jw_put_raw(w, "usage", span_of("null"));
	jw_end(w);
}

void responses_put(const struct responses_answer *a, struct buf *json)
{
	struct jw w;

	jw_init(&w, json);
	put_response(&w, a, 1);
}

/* --- events --- */

struct stream {
	const struct responses_answer *a;
	void (*event)(void *arg, const char *name, struct span data);
	void *arg;
	int number, index;
	struct buf data;
	struct jw w;
};

static struct jw *begin(struct stream *s, const char *type)
{
	buf_clear(&s->data);
	jw_init(&s->w, &s->data);
	jw_object(&s->w);
	jw_put_str(&s->w, "type", type);
	jw_put_int(&s->w, "sequence_number", s->number++);
	return &s->w;
}

static void end(struct stream *s, const char *type)
{
	jw_end(&s->w);
	s->event(s->arg, type, buf_span(&s->data));
}

static struct jw *begin_at(struct stream *s, const char *type, enum item item, const char *part)
{
	struct jw *w = begin(s, type);

	put_id(w, "item_id", s->a, item);
	jw_put_int(w, "output_index", s->index);
	if (part)
		jw_put_int(w, part, 0);
	return w;
}

static void give_response(struct stream *s, const char *type, int over)
{
	jw_key(begin(s, type), "response");
	put_response(&s->w, s->a, over);
	end(s, type);
}

static void give_item(struct stream *s, const char *type, enum item item, int over)
{
	struct jw *w = begin(s, type);

	jw_put_int(w, "output_index", s->index);
	jw_key(w, "item");
	put_item(w, s->a, item, over);
	end(s, type);
}

/* A text in deltas, then whole under the name `member`. */
static void give_text(struct stream *s, enum item item, const char *name, const char *part,
		      const char *member, struct span text)
{
	char delta[80], done[80];
	int logged = strcmp(name, "output_text") == 0;
	struct jw *w;

	snprintf(delta, sizeof delta, "response.%s.delta", name);
	snprintf(done, sizeof done, "response.%s.done", name);
	for (size_t n, at = 0; at < text.n; at += n) {
		n = text.n - at < PIECE ? text.n - at : PIECE;
		while (at + n < text.n && ((unsigned char)text.s[at + n] & 0xc0) == 0x80)
			n++;
		w = begin_at(s, delta, item, part);
		jw_put_text(w, "delta", (struct span){text.s + at, n});
		if (logged)
			jw_put_raw(w, "logprobs", span_of("[]"));
		end(s, delta);
	}
	w = begin_at(s, done, item, part);
	jw_put_text(w, member, text);
	if (logged)
		put_logprobs(w, s->a);
	if (item == ITEM_CALL)
		jw_put_str(w, "name", "look_up");
	end(s, done);
}

static void give_message(struct stream *s)
{
	int no = is(s->a, "refusal");
	struct jw *w = begin_at(s, "response.content_part.added", ITEM_MESSAGE, "content_index");

	jw_key(w, "part");
	put_part(w, s->a, span_of(""));
	end(s, "response.content_part.added");
	give_text(s, ITEM_MESSAGE, no ? "refusal" : "output_text", "content_index",
		  no ? "refusal" : "text", said(s->a));
	w = begin_at(s, "response.content_part.done", ITEM_MESSAGE, "content_index");
	jw_key(w, "part");
	put_part(w, s->a, said(s->a));
	end(s, "response.content_part.done");
}

static void give_summary_part(struct stream *s, const char *type, const char *text)
{
	struct jw *w = begin_at(s, type, ITEM_REASONING, "summary_index");

	jw_put_object(w, "part");
	jw_put_str(w, "type", "summary_text");
	jw_put_str(w, "text", text);
	jw_end(w);
	end(s, type);
}

void responses_stream(const struct responses_answer *a,
		      void (*event)(void *arg, const char *name, struct span data), void *arg)
{
	struct stream s = {.a = a, .event = event, .arg = arg};

	give_response(&s, "response.created", 0);
	give_response(&s, "response.in_progress", 0);
	for (int i = 0; i < ITEMS; i++) {
		enum item item = (enum item)i;

		if (!holds(a, item))
			continue;
		give_item(&s, "response.output_item.added", item, 0);
		if (item == ITEM_REASONING) {
			give_summary_part(&s, "response.reasoning_summary_part.added", "");
			give_text(&s, item, "reasoning_summary_text", "summary_index", "text",
				  span_of(summary));
			give_summary_part(&s, "response.reasoning_summary_part.done", summary);
		} else if (item == ITEM_MESSAGE) {
			give_message(&s);
		} else {
			give_text(&s, item, "function_call_arguments", NULL, "arguments",
				  span_of(arguments));
		}
		give_item(&s, "response.output_item.done", item, 1);
		s.index++;
	}
	give_response(&s,
		      is(a, "failed")	? "response.failed"
		      : is(a, "length") ? "response.incomplete"
					: "response.completed",
		      1);
	buf_release(&s.data);
}

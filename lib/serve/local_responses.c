/* Answers as OpenAI's Responses API writes them, whole and streamed. Nothing is kept: an answer can't be
 * asked for again, and says so (`store` false).
 *
 * Sources: platform.openai.com/docs/api-reference/responses, .../responses-streaming. */
#include <stdio.h>
#include <string.h>
#include "local_impl.h"

static int cut_off(const struct local_choice *a)
{
	return a->finish && strcmp(a->finish, "length") == 0;
}

/* The id of an item: that of the response with another beginning. */
static void item_id(const struct local_call *c, const char *prefix, size_t i, char id[static 48])
{
	snprintf(id, 48, "%s%s%zu", prefix, c->id + strlen(c->dialect->id), i);
}

static void put_part(struct jw *w, struct span text)
{
	jw_object(w);
	jw_put_str(w, "type", "output_text");
	jw_put_array(w, "annotations");
	jw_end(w);
	jw_put_array(w, "logprobs");
	jw_end(w);
	jw_put_text(w, "text", text);
	jw_end(w);
}

/* ended: with its text. */
static void put_message(const struct local_call *c, struct jw *w, int ended)
{
	const struct local_choice *a = &c->choices[0];
	char id[48];

	item_id(c, "msg_", 0, id);
	jw_object(w);
	jw_put_str(w, "id", id);
	jw_put_str(w, "type", "message");
	jw_put_str(w, "status", !ended ? "in_progress" : cut_off(a) ? "incomplete" : "completed");
	jw_put_str(w, "role", "assistant");
	jw_put_array(w, "content");
	if (ended)
		put_part(w, buf_span(&a->content));
	jw_end(w);
	jw_end(w);
}

static void put_call(const struct local_call *c, struct jw *w, struct span call, size_t i,
		     int ended)
{
	struct span f = json_member(call, "function");
	char id[48];

	item_id(c, "fc_", i, id);
	jw_object(w);
	jw_put_str(w, "id", id);
	jw_put_str(w, "type", "function_call");
	jw_put_str(w, "status", ended ? "completed" : "in_progress");
	jw_put_raw(w, "call_id", json_member(call, "id"));
	jw_put_raw(w, "name", json_member(f, "name"));
	jw_put_raw(w, "arguments", ended ? json_member(f, "arguments") : span_of("\"\""));
	jw_end(w);
}

static int has_message(const struct local_choice *a)
{
	return a->content.len || !a->calls.len;
}

static void put_usage(const struct local_call *c, struct jw *w)
{
	size_t prompt, completion, cached;

	local_tokens(c, &prompt, &completion, &cached);
	jw_put_object(w, "usage");
	jw_put_int(w, "input_tokens", (int64_t)prompt);
	jw_put_object(w, "input_tokens_details");
	jw_put_int(w, "cached_tokens", (int64_t)cached);
	jw_end(w);
	jw_put_int(w, "output_tokens", (int64_t)completion);
	jw_put_object(w, "output_tokens_details");
	jw_put_int(w, "reasoning_tokens", 0);
	jw_end(w);
	jw_put_int(w, "total_tokens", (int64_t)(prompt + completion));
	jw_end(w);
}

/* A member of the request, or what stands for it. */
static void put_echo(const struct local_call *c, struct jw *w, const char *name,
		     const char *otherwise)
{
	struct span v = record_get(&c->want.record, name);

	jw_put_raw(w, name, v.s && json_kind(v) != JSON_NULL ? v : span_of(otherwise));
}

/* status: in_progress, completed, incomplete or failed. */
static void put_response(const struct local_call *c, struct jw *w, const char *status,
			 const struct local_refusal *failure)
{
	const struct local_choice *a = &c->choices[0];
	struct json_iter it = {0};
	struct span key, call;
	int ended = a->finish != NULL;

	jw_object(w);
	jw_put_str(w, "id", c->id);
	jw_put_str(w, "object", "response");
	jw_put_int(w, "created_at", c->created);
	jw_put_str(w, "status", status);
	jw_put_bool(w, "background", 0);
	if (failure) {
		jw_put_object(w, "error");
		jw_put_str(w, "code", failure->code ? failure->code : "server_error");
		jw_put_str(w, "message", failure->why.msg);
		jw_end(w);
	} else {
		jw_put_null(w, "error");
	}
	if (ended && cut_off(a)) {
		jw_put_object(w, "incomplete_details");
		jw_put_str(w, "reason", "max_output_tokens");
		jw_end(w);
	} else {
		jw_put_null(w, "incomplete_details");
	}
	put_echo(c, w, "instructions", "null");
	put_echo(c, w, "max_output_tokens", "null");
	jw_put_str(w, "model", c->model);
	jw_put_array(w, "output");
	if (ended && has_message(a))
		put_message(c, w, 1);
	for (size_t i = 0;
	     ended && a->calls.len && json_next(&it, buf_span(&a->calls), &key, &call); i++)
		put_call(c, w, call, i, 1);
	jw_end(w);
	put_echo(c, w, "parallel_tool_calls", "true");
	jw_put_null(w, "previous_response_id");
	jw_put_raw(w, "reasoning", span_of("{\"effort\":null,\"summary\":null}"));
	jw_put_bool(w, "store", 0);
	jw_put_num(w, "temperature", c->want.sampling.temperature);
	put_echo(c, w, "text", "{\"format\":{\"type\":\"text\"}}");
	put_echo(c, w, "tool_choice", "\"auto\"");
	put_echo(c, w, "tools", "[]");
	jw_put_num(w, "top_p", c->want.sampling.top_p);
	jw_put_str(w, "truncation", "disabled");
	if (ended)
		put_usage(c, w);
	else
		jw_put_null(w, "usage");
	put_echo(c, w, "user", "null");
	put_echo(c, w, "metadata", "{}");
	jw_end(w);
}

static const char *status_of(const struct local_call *c)
{
	return cut_off(&c->choices[0]) ? "incomplete" : "completed";
}

static void whole(struct local_call *c)
{
	struct jw w;

	jw_init(&w, &c->fresh);
	put_response(c, &w, status_of(c), NULL);
}

/* --- streamed --- */

static void begin_event(struct local_call *c, struct jw *w, const char *type)
{
	buf_addf(&c->fresh, "event: %s\ndata: ", type);
	jw_init(w, &c->fresh);
	jw_object(w);
	jw_put_str(w, "type", type);
	jw_put_int(w, "sequence_number", c->number++);
}

static void end_event(struct local_call *c, struct jw *w)
{
	jw_end(w);
	buf_adds(&c->fresh, "\n\n");
}

static void response_event(struct local_call *c, const char *type, const char *status,
			   const struct local_refusal *failure)
{
	struct jw w;

	begin_event(c, &w, type);
	jw_key(&w, "response");
	put_response(c, &w, status, failure);
	end_event(c, &w);
}

static void first(struct local_call *c)
{
	response_event(c, "response.created", "in_progress", NULL);
	response_event(c, "response.in_progress", "in_progress", NULL);
}

/* An event about the message's text: where it stands, and one member of its own. */
static void begin_text_event(struct local_call *c, struct jw *w, const char *type)
{
	char id[48];

	item_id(c, "msg_", 0, id);
	begin_event(c, w, type);
	jw_put_str(w, "item_id", id);
	jw_put_int(w, "output_index", 0);
	jw_put_int(w, "content_index", 0);
}

static void begin_text(struct local_call *c, struct local_choice *a)
{
	struct jw w;

	if (a->begun)
		return;
	a->begun = 1;
	begin_event(c, &w, "response.output_item.added");
	jw_put_int(&w, "output_index", 0);
	jw_key(&w, "item");
	put_message(c, &w, 0);
	end_event(c, &w);
	begin_text_event(c, &w, "response.content_part.added");
	jw_key(&w, "part");
	put_part(&w, span_of(""));
	end_event(c, &w);
}

static void piece(struct local_call *c, struct local_choice *a, struct span text,
		  struct span logprobs)
{
	struct jw w;

	(void)logprobs; /* refused in this dialect */
	begin_text(c, a);
	begin_text_event(c, &w, "response.output_text.delta");
	jw_put_text(&w, "delta", text);
	jw_put_array(&w, "logprobs");
	jw_end(&w);
	end_event(c, &w);
}

static void end_text(struct local_call *c, struct local_choice *a)
{
	struct span text = buf_span(&a->content);
	struct jw w;

	begin_text_event(c, &w, "response.output_text.done");
	jw_put_text(&w, "text", text);
	jw_put_array(&w, "logprobs");
	jw_end(&w);
	end_event(c, &w);
	begin_text_event(c, &w, "response.content_part.done");
	jw_key(&w, "part");
	put_part(&w, text);
	end_event(c, &w);
	begin_event(c, &w, "response.output_item.done");
	jw_put_int(&w, "output_index", 0);
	jw_key(&w, "item");
	put_message(c, &w, 1);
	end_event(c, &w);
}

static void stream_call(struct local_call *c, struct span call, size_t i, int64_t index)
{
	struct span arguments = json_member(json_member(call, "function"), "arguments");
	char id[48];
	struct jw w;

	item_id(c, "fc_", i, id);
	begin_event(c, &w, "response.output_item.added");
	jw_put_int(&w, "output_index", index);
	jw_key(&w, "item");
	put_call(c, &w, call, i, 0);
	end_event(c, &w);
	begin_event(c, &w, "response.function_call_arguments.delta");
	jw_put_str(&w, "item_id", id);
	jw_put_int(&w, "output_index", index);
	jw_put_raw(&w, "delta", arguments);
	end_event(c, &w);
	begin_event(c, &w, "response.function_call_arguments.done");
	jw_put_str(&w, "item_id", id);
	jw_put_int(&w, "output_index", index);
	jw_put_raw(&w, "name", json_member(json_member(call, "function"), "name"));
	jw_put_raw(&w, "arguments", arguments);
	end_event(c, &w);
	begin_event(c, &w, "response.output_item.done");
	jw_put_int(&w, "output_index", index);
	jw_key(&w, "item");
	put_call(c, &w, call, i, 1);
	end_event(c, &w);
}

static void last(struct local_call *c, struct local_choice *a)
{
	struct json_iter it = {0};
	struct span key, call;
	int64_t index = 0;

	if (has_message(a)) {
		begin_text(c, a);
		end_text(c, a);
		index = 1;
	}
	for (size_t i = 0; a->calls.len && json_next(&it, buf_span(&a->calls), &key, &call); i++)
		stream_call(c, call, i, index++);
}

static void close_stream(struct local_call *c)
{
	int cut = cut_off(&c->choices[0]);

	response_event(c, cut ? "response.incomplete" : "response.completed", status_of(c), NULL);
}

static void error(struct local_call *c, const struct local_refusal *r, int streaming)
{
	struct jw w;

	if (streaming) {
		response_event(c, "response.failed", "failed", r);
		return;
	}
	jw_init(&w, &c->fresh);
	jw_object(&w);
	local_put_error(&w, r);
	jw_end(&w);
}

const struct local_dialect local_dialect_responses = {
	LOCAL_RESPONSES, "/v1/responses", "resp_", whole, first, piece, last, close_stream, error,
};

/* Answers as Anthropic's Messages API writes them, whole and streamed.
 *
 * Sources: docs.anthropic.com/en/api/messages, .../messages-streaming, .../errors. */
#include <string.h>
#include "local_impl.h"

static const char *stop_reason(const struct local_choice *a)
{
	if (strcmp(a->finish, "tool_calls") == 0)
		return "tool_use";
	if (strcmp(a->finish, "length") == 0)
		return "max_tokens";
	return a->stopped_by ? "stop_sequence" : "end_turn";
}

static void put_usage(const struct local_call *c, struct jw *w, int output)
{
	size_t prompt, completion;

	local_tokens(c, &prompt, &completion, NULL);
	jw_put_object(w, "usage");
	jw_put_int(w, "input_tokens", (int64_t)prompt);
	jw_put_int(w, "output_tokens", output ? (int64_t)completion : 0);
	jw_end(w);
}

/* A call's input, as the object that it is. */
static void call_input(struct span call, struct buf *input)
{
	json_string(json_member(json_member(call, "function"), "arguments"), input);
}

static void put_tool_use(struct jw *w, struct span call, struct span input)
{
	jw_object(w);
	jw_put_str(w, "type", "tool_use");
	jw_put_raw(w, "id", json_member(call, "id"));
	jw_put_raw(w, "name", json_member(json_member(call, "function"), "name"));
	jw_put_raw(w, "input", input);
	jw_end(w);
}

static void whole(struct local_call *c)
{
	const struct local_choice *a = &c->choices[0];
	struct json_iter it = {0};
	struct span key, call;
	struct jw w;

	jw_init(&w, &c->fresh);
	jw_object(&w);
	jw_put_str(&w, "id", c->id);
	jw_put_str(&w, "type", "message");
	jw_put_str(&w, "role", "assistant");
	jw_put_str(&w, "model", c->model);
	jw_put_array(&w, "content");
	if (a->content.len || !a->calls.len) {
		jw_object(&w);
		jw_put_str(&w, "type", "text");
		jw_put_text(&w, "text", buf_span(&a->content));
		jw_end(&w);
	}
	while (a->calls.len && json_next(&it, buf_span(&a->calls), &key, &call)) {
		struct buf input = BUF_INIT;

		call_input(call, &input);
		put_tool_use(&w, call, buf_span(&input));
		buf_release(&input);
	}
	jw_end(&w);
	jw_put_str(&w, "stop_reason", stop_reason(a));
	jw_put_str(&w, "stop_sequence", a->stopped_by);
	put_usage(c, &w, 1);
	jw_end(&w);
}

/* --- streamed --- */

static void begin_event(struct local_call *c, struct jw *w, const char *type)
{
	buf_addf(&c->fresh, "event: %s\ndata: ", type);
	jw_init(w, &c->fresh);
	jw_object(w);
	jw_put_str(w, "type", type);
}

static void end_event(struct local_call *c, struct jw *w)
{
	jw_end(w);
	buf_adds(&c->fresh, "\n\n");
}

static void first(struct local_call *c)
{
	struct jw w;

	begin_event(c, &w, "message_start");
	jw_put_object(&w, "message");
	jw_put_str(&w, "id", c->id);
	jw_put_str(&w, "type", "message");
	jw_put_str(&w, "role", "assistant");
	jw_put_str(&w, "model", c->model);
	jw_put_array(&w, "content");
	jw_end(&w);
	jw_put_null(&w, "stop_reason");
	jw_put_null(&w, "stop_sequence");
	put_usage(c, &w, 0);
	jw_end(&w);
	end_event(c, &w);
}

static void begin_text(struct local_call *c, struct local_choice *a)
{
	struct jw w;

	if (a->begun)
		return;
	a->begun = 1;
	begin_event(c, &w, "content_block_start");
	jw_put_int(&w, "index", 0);
	jw_put_object(&w, "content_block");
	jw_put_str(&w, "type", "text");
	jw_put_str(&w, "text", "");
	jw_end(&w);
	end_event(c, &w);
}

static void piece(struct local_call *c, struct local_choice *a, struct span text,
		  struct span logprobs)
{
	struct jw w;

	(void)logprobs; /* there are none in this dialect */
	begin_text(c, a);
	begin_event(c, &w, "content_block_delta");
	jw_put_int(&w, "index", 0);
	jw_put_object(&w, "delta");
	jw_put_str(&w, "type", "text_delta");
	jw_put_text(&w, "text", text);
	jw_end(&w);
	end_event(c, &w);
}

static void end_block(struct local_call *c, int64_t index)
{
	struct jw w;

	begin_event(c, &w, "content_block_stop");
	jw_put_int(&w, "index", index);
	end_event(c, &w);
}

static void stream_call(struct local_call *c, struct span call, int64_t index)
{
	struct buf input = BUF_INIT;
	struct jw w;

	call_input(call, &input);
	begin_event(c, &w, "content_block_start");
	jw_put_int(&w, "index", index);
	jw_key(&w, "content_block");
	put_tool_use(&w, call, span_of("{}"));
	end_event(c, &w);
	begin_event(c, &w, "content_block_delta");
	jw_put_int(&w, "index", index);
	jw_put_object(&w, "delta");
	jw_put_str(&w, "type", "input_json_delta");
	jw_put_text(&w, "partial_json", buf_span(&input));
	jw_end(&w);
	end_event(c, &w);
	end_block(c, index);
	buf_release(&input);
}

static void last(struct local_call *c, struct local_choice *a)
{
	struct json_iter it = {0};
	struct span key, call;
	int64_t index = 0;
	struct jw w;

	if (!a->calls.len)
		begin_text(c, a);
	if (a->begun)
		end_block(c, index++);
	while (a->calls.len && json_next(&it, buf_span(&a->calls), &key, &call))
		stream_call(c, call, index++);
	begin_event(c, &w, "message_delta");
	jw_put_object(&w, "delta");
	jw_put_str(&w, "stop_reason", stop_reason(a));
	jw_put_str(&w, "stop_sequence", a->stopped_by);
	jw_end(&w);
	put_usage(c, &w, 1);
	end_event(c, &w);
}

static void close_stream(struct local_call *c)
{
	struct jw w;

	begin_event(c, &w, "message_stop");
	end_event(c, &w);
}

static void put_error(struct jw *w, const struct local_refusal *r)
{
	jw_put_object(w, "error");
	jw_put_str(w, "type",
		   r->status < 500    ? "invalid_request_error"
		   : r->status == 503 ? "overloaded_error"
				      : "api_error");
	jw_put_str(w, "message", r->why.msg);
	/* No member of the dialect's own, but what tools look for all the same. */
	if (r->param[0])
		jw_put_str(w, "param", r->param);
	jw_end(w);
}

static void error(struct local_call *c, const struct local_refusal *r, int streaming)
{
	struct jw w;

	if (streaming) {
		begin_event(c, &w, "error");
		put_error(&w, r);
		end_event(c, &w);
		return;
	}
	jw_init(&w, &c->fresh);
	jw_object(&w);
	jw_put_str(&w, "type", "error");
	put_error(&w, r);
	jw_end(&w);
}

const struct local_dialect local_dialect_messages = {
	LOCAL_MESSAGES, "/v1/messages", "msg_", whole, first, piece, last, close_stream, error,
};

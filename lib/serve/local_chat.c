/* Answers as OpenAI's chat completions and completions write them, whole and streamed.
 *
 * Sources: platform.openai.com/docs/api-reference/chat, .../chat-streaming, .../completions. */
#include <string.h>
#include "local_impl.h"

static int is_chat(const struct local_call *c)
{
	return c->dialect->dialect == LOCAL_CHAT;
}

static void put_head(struct local_call *c, struct jw *w, const char *object)
{
	jw_object(w);
	jw_put_str(w, "id", c->id);
	jw_put_str(w, "object", object);
	jw_put_int(w, "created", c->created);
	jw_put_str(w, "model", c->model);
}

static void put_usage(const struct local_call *c, struct jw *w)
{
	size_t prompt, completion;

	local_tokens(c, &prompt, &completion, NULL);
	jw_put_object(w, "usage");
	jw_put_int(w, "prompt_tokens", (int64_t)prompt);
	jw_put_int(w, "completion_tokens", (int64_t)completion);
	jw_put_int(w, "total_tokens", (int64_t)(prompt + completion));
	jw_end(w);
}

/* The log-probabilities of chat completions as those of completions: lists side by side. */
static void put_old_logprobs(struct local_choice *a, struct jw *w, struct span logprobs)
{
	static const char *const lists[] = {"tokens", "token_logprobs", "top_logprobs",
					    "text_offset"};

	jw_put_object(w, "logprobs");
	for (size_t k = 0; k < 4; k++) {
		struct json_iter it = {0}, inner;
		struct span key, t, x;
		size_t offset = a->offset;

		jw_put_array(w, lists[k]);
		while (json_next(&it, logprobs, &key, &t)) {
			struct buf text = BUF_INIT;

			json_string(json_member(t, "token"), &text);
			if (k == 0) {
				jw_raw(w, json_member(t, "token"));
			} else if (k == 1) {
				jw_raw(w, json_member(t, "logprob"));
			} else if (k == 2) {
				inner = (struct json_iter){0};
				jw_object(w);
				struct span top = json_member(t, "top_logprobs");
				while (json_next(&inner, top, &key, &x)) {
					struct buf name = BUF_INIT;

					json_string(json_member(x, "token"), &name);
					jw_keyn(w, name.data ? name.data : "", name.len);
					jw_raw(w, json_member(x, "logprob"));
					buf_release(&name);
				}
				jw_end(w);
			} else {
				jw_int(w, (int64_t)offset);
			}
			offset += text.len;
			buf_release(&text);
		}
		jw_end(w);
		if (k == 3)
			a->offset = offset;
	}
	jw_end(w);
}

static void put_logprobs(struct local_call *c, struct local_choice *a, struct jw *w,
			 struct span logprobs)
{
	if (!logprobs.s) {
		jw_put_null(w, "logprobs");
	} else if (is_chat(c)) {
		jw_put_object(w, "logprobs");
		jw_put_raw(w, "content", logprobs);
		jw_put_null(w, "refusal");
		jw_end(w);
	} else {
		put_old_logprobs(a, w, logprobs);
	}
}

/* --- whole --- */

static void put_choice(struct local_call *c, struct local_choice *a, struct jw *w)
{
	struct span logprobs =
		c->want.logprobs >= 0 ? buf_span(&a->logprobs) : (struct span){NULL, 0};

	jw_object(w);
	jw_put_int(w, "index", (int64_t)a->index);
	if (is_chat(c)) {
		jw_put_object(w, "message");
		jw_put_str(w, "role", "assistant");
		if (a->content.len || !a->calls.len)
			jw_put_text(w, "content", buf_span(&a->content));
		else
			jw_put_null(w, "content");
		jw_put_null(w, "refusal");
		if (a->calls.len)
			jw_put_raw(w, "tool_calls", buf_span(&a->calls));
		jw_end(w);
	} else {
		jw_put_text(w, "text", buf_span(&a->content));
	}
	put_logprobs(c, a, w, logprobs);
	jw_put_str(w, "finish_reason", a->finish);
	jw_end(w);
}

static void whole(struct local_call *c)
{
	struct jw w;

	jw_init(&w, &c->fresh);
	put_head(c, &w, is_chat(c) ? "chat.completion" : "text_completion");
	jw_put_array(&w, "choices");
	for (size_t i = 0; i < c->n_choices; i++)
		put_choice(c, &c->choices[i], &w);
	jw_end(&w);
	put_usage(c, &w);
	jw_end(&w);
}

/* --- streamed --- */

static void begin_chunk(struct local_call *c, struct jw *w)
{
	buf_adds(&c->fresh, "data: ");
	jw_init(w, &c->fresh);
	put_head(c, w, is_chat(c) ? "chat.completion.chunk" : "text_completion");
	jw_put_array(w, "choices");
}

static void end_chunk(struct local_call *c, struct jw *w)
{
	jw_end(w);
	if (c->want.include_usage)
		jw_put_null(w, "usage");
	jw_end(w);
	buf_adds(&c->fresh, "\n\n");
}

static void first(struct local_call *c)
{
	(void)c; /* each answer begins by itself */
}

/* The chunk that an answer of a chat begins with. */
static void begin_answer(struct local_call *c, struct local_choice *a)
{
	struct jw w;

	if (a->begun || !is_chat(c))
		return;
	a->begun = 1;
	begin_chunk(c, &w);
	jw_object(&w);
	jw_put_int(&w, "index", (int64_t)a->index);
	jw_put_object(&w, "delta");
	jw_put_str(&w, "role", "assistant");
	jw_put_str(&w, "content", "");
	jw_end(&w);
	jw_put_null(&w, "logprobs");
	jw_put_null(&w, "finish_reason");
	jw_end(&w);
	end_chunk(c, &w);
}

static void piece(struct local_call *c, struct local_choice *a, struct span text,
		  struct span logprobs)
{
	struct jw w;

	begin_answer(c, a);
	begin_chunk(c, &w);
	jw_object(&w);
	jw_put_int(&w, "index", (int64_t)a->index);
	if (is_chat(c)) {
		jw_put_object(&w, "delta");
		jw_put_text(&w, "content", text);
		jw_end(&w);
	} else {
		jw_put_text(&w, "text", text);
	}
	put_logprobs(c, a, &w, logprobs);
	jw_put_null(&w, "finish_reason");
	jw_end(&w);
	end_chunk(c, &w);
}

static void put_call_delta(struct jw *w, struct span call, size_t i)
{
	struct json_iter it = {0};
	struct span key, v;

	jw_object(w);
	jw_put_int(w, "index", (int64_t)i);
	while (json_next(&it, call, &key, &v)) {
		jw_keyn(w, key.s + 1, key.n - 2);
		jw_raw(w, v);
	}
	jw_end(w);
}

static void last(struct local_call *c, struct local_choice *a)
{
	struct json_iter it = {0};
	struct span key, call;
	struct jw w;

	begin_answer(c, a);
	for (size_t i = 0; a->calls.len && json_next(&it, buf_span(&a->calls), &key, &call); i++) {
		begin_chunk(c, &w);
		jw_object(&w);
		jw_put_int(&w, "index", (int64_t)a->index);
		jw_put_object(&w, "delta");
		jw_put_array(&w, "tool_calls");
		put_call_delta(&w, call, i);
		jw_end(&w);
		jw_end(&w);
		jw_put_null(&w, "logprobs");
		jw_put_null(&w, "finish_reason");
		jw_end(&w);
		end_chunk(c, &w);
	}
	begin_chunk(c, &w);
	jw_object(&w);
	jw_put_int(&w, "index", (int64_t)a->index);
	if (is_chat(c)) {
		jw_put_object(&w, "delta");
		jw_end(&w);
	} else {
		jw_put_str(&w, "text", "");
	}
	jw_put_null(&w, "logprobs");
	jw_put_str(&w, "finish_reason", a->finish);
	jw_end(&w);
	end_chunk(c, &w);
}

static void close_stream(struct local_call *c)
{
	struct jw w;

	if (c->want.include_usage) {
		begin_chunk(c, &w);
		jw_end(&w);
		put_usage(c, &w);
		jw_end(&w);
		buf_adds(&c->fresh, "\n\n");
	}
	buf_adds(&c->fresh, "data: [DONE]\n\n");
}

void local_put_error(struct jw *w, const struct local_refusal *r)
{
	jw_put_object(w, "error");
	jw_put_str(w, "message", r->why.msg);
	jw_put_str(w, "type", r->status < 500 ? "invalid_request_error" : "server_error");
	jw_put_str(w, "param", r->param[0] ? r->param : NULL);
	jw_put_str(w, "code", r->code);
	jw_end(w);
}

static void error(struct local_call *c, const struct local_refusal *r, int streaming)
{
	struct jw w;

	if (streaming)
		buf_adds(&c->fresh, "data: ");
	jw_init(&w, &c->fresh);
	jw_object(&w);
	local_put_error(&w, r);
	jw_end(&w);
	if (streaming)
		buf_adds(&c->fresh, "\n\n");
}

const struct local_dialect local_dialect_chat = {
	LOCAL_CHAT, "/v1/chat/completions", "chatcmpl-", whole, first, piece,
	last,	    close_stream,	    error,
};

const struct local_dialect local_dialect_completions = {
	LOCAL_COMPLETIONS,
	"/v1/completions",
	"cmpl-",
	whole,
	first,
	piece,
	last,
	close_stream,
	error,
};

/* Messages made normal: whatever form people's files and the dumps of SDKs have them in, a template
 * is given one.
 *
 * Members that say nothing (null, an empty list of calls) are dropped, for templates ask whether a
 * member is there and then print it; content that says nothing beside calls is "" or null, as the
 * template asks. A call under the old name `function_call` becomes a tool call
 * and a `function` message the tool's answer to it; a refusal is the assistant's text; reasoning
 * has the name that the template reads; instructions of the role `developer` are the system's where
 * the template has no other place for them. What cannot be said in that form is an error, never
 * left out.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../json/json.h"
#include "../json/jw.h"
#include "chat_impl.h"

void chat_messages_release(struct chat_messages *m)
{
	free(m->at);
	buf_release(&m->json);
	memset(m, 0, sizeof *m);
}

struct span chat_message(const struct chat_messages *m, size_t i)
{
	return (struct span){m->json.data + m->at[i], m->at[i + 1] - m->at[i]};
}

int chat_is_assistant(const struct chat_messages *m, size_t i)
{
	return json_is(json_member(chat_message(m, i), "role"), "assistant");
}

static int is_absent(struct span v)
{
	return json_kind(v) == JSON_NONE || json_kind(v) == JSON_NULL;
}

/* The JSON of arguments: {} where they say nothing (null, an empty text), what a text holds, also
 * where it was written as JSON twice; absent where a text is no JSON. scratch holds it. */
static struct span arguments_of(struct span args, struct buf *scratch)
{
	struct span v = args;
	struct buf text = BUF_INIT;

	if (is_absent(args))
		return span_of("{}");
	for (int i = 0; i < 2 && json_kind(v) == JSON_STRING; i++) {
		buf_clear(&text);
		json_string(v, &text);
		buf_clear(scratch);
		buf_addspan(scratch, buf_span(&text));
		if (strspn(scratch->data ? scratch->data : "", " \t\r\n") == scratch->len)
			v = span_of("{}");
		else if (json_check(buf_span(scratch), &v, NULL))
			v = (struct span){NULL, 0};
	}
	buf_release(&text);
	return v;
}

int chat_calls_whole(struct span message, struct err *e)
{
	struct json_iter it = {0};
	struct span none, call;
	struct buf scratch = BUF_INIT;
	size_t n = 0;
	int whole = 1;

	struct span called = json_member(message, "tool_calls");
	while (whole && json_next(&it, called, &none, &call)) {
		struct span args = json_member(json_member(call, "function"), "arguments");

		whole = arguments_of(args, &scratch).s != NULL;
		n++;
	}
	buf_release(&scratch);
	return whole ? 0
		     : err_set(e,
			       "the arguments of call %zu of its `tool_calls` are no JSON, so half a call would be learned; mend them, or give "
			       "the message \"weight\": 0",
			       n);
}

/* {"function": {"arguments": "{...}"}}: the arguments as the template wants them, an object where
 * they are one, or text; else as they stand. */
static void put_tool_call(const struct chat *c, struct buf *b, struct span call)
{
	struct span args = json_member(json_member(call, "function"), "arguments"), inner, direct;
	struct buf scratch = BUF_INIT, text = BUF_INIT;
	size_t behind = (size_t)(call.s + call.n - args.s) - args.n;
	int is_text = json_kind(args) == JSON_STRING;

	inner = arguments_of(args, &scratch);
	buf_add(b, call.s, (size_t)(args.s - call.s));
	if (!inner.s || json_kind(inner) != JSON_OBJECT)
		buf_addspan(b, args);
	else if (!c->arguments_as_text)
		buf_addspan(b, inner);
	/* A text that is an object's keeps its spacing. */
	else if (is_text && !json_string(args, &text) &&
		 !json_check(buf_span(&text), &direct, NULL) && json_kind(direct) == JSON_OBJECT)
		buf_addspan(b, args);
	else
		json_put_string(b, inner.s, inner.n);
	buf_add(b, args.s + args.n, behind);
	buf_release(&scratch);
	buf_release(&text);
}

static int put_tool_calls(const struct chat *c, struct jw *w, struct span calls, struct err *e)
{
	struct json_iter it = {0};
	struct span none, call;
	struct buf one = BUF_INIT;
	size_t n = 0;

	if (json_kind(calls) != JSON_ARRAY)
		return err_set(e, "its `tool_calls` is no array");
	jw_put_array(w, "tool_calls");
	while (json_next(&it, calls, &none, &call)) {
		n++;
		if (json_kind(json_member(json_member(call, "function"), "name")) != JSON_STRING) {
			buf_release(&one);
			return err_set(e, "call %zu of its `tool_calls` has no function.name", n);
		}
		if (!json_member(json_member(call, "function"), "arguments").s) {
			buf_release(&one);
			return err_set(e,
				       "call %zu of its `tool_calls` has no function.arguments ({} where there are none)",
				       n);
		}
		buf_clear(&one);
		put_tool_call(c, &one, call);
		jw_raw(w, buf_span(&one));
	}
	jw_end(w);
	buf_release(&one);
	return 0;
}

/* The id of a call that had none: nine letters and digits, as the strictest templates ask. */
static void call_id(char id[static 16], size_t message)
{
	snprintf(id, 16, "call%05zu", message % 100000);
}

/* {"name", "arguments"} of old as a list of one tool call. */
static int put_function_call(const struct chat *c, struct jw *w, struct span call, size_t message,
			     struct err *e)
{
	struct buf calls = BUF_INIT;
	struct jw v;
	char id[16];
	int rc;

	if (json_kind(json_member(call, "name")) != JSON_STRING)
		return err_set(e, "its `function_call` has no name");
	call_id(id, message);
	jw_init(&v, &calls);
	jw_array(&v);
	jw_object(&v);
	jw_put_str(&v, "id", id);
	jw_put_str(&v, "type", "function");
	jw_put_raw(&v, "function", call);
	jw_end(&v);
	jw_end(&v);
	rc = put_tool_calls(c, w, buf_span(&calls), e);
	buf_release(&calls);
	return rc;
}

static const char *const reasoning_names[] = {"reasoning_content", "reasoning", "thinking"};

static int is_reasoning(struct span key)
{
	for (size_t i = 0; i < sizeof reasoning_names / sizeof *reasoning_names; i++)
		if (json_is(key, reasoning_names[i]))
			return 1;
	return 0;
}

/* The one reasoning of a message, whatever it is called: a JSON string, or absent. */
static int reasoning_of(struct span message, struct span *found, struct err *e)
{
	*found = (struct span){NULL, 0};
	for (size_t i = 0; i < sizeof reasoning_names / sizeof *reasoning_names; i++) {
		struct span v = json_member(message, reasoning_names[i]);

		if (is_absent(v) || json_is(v, ""))
			continue;
		if (json_kind(v) != JSON_STRING)
			return err_set(e, "its `%s` is no text", reasoning_names[i]);
		if (found->s && !json_equal(*found, v))
			return err_set(e, "it has two reasonings that differ; leave one in");
		*found = v;
	}
	return 0;
}

struct span chat_reasoning(struct span message)
{
	struct span v;
	struct err ignored = ERR_INIT;

	return reasoning_of(message, &v, &ignored) ? (struct span){NULL, 0} : v;
}

/* The text of a message: its content, or the refusal that stands in its place; beside calls "", or
 * null where the template asks for that. */
static int put_content(const struct chat *c, struct jw *w, struct span message, int calls,
		       struct err *e)
{
	struct span content = json_member(message, "content"),
		    refusal = json_member(message, "refusal");
	int refuses = json_kind(refusal) == JSON_STRING && !json_is(refusal, "");
	struct buf text = BUF_INIT;
	int rc = 0;

	if (!is_absent(refusal) && json_kind(refusal) != JSON_STRING)
		return err_set(e, "its `refusal` is no text");
	if (is_absent(content) || ((refuses || calls) && json_is(content, ""))) {
		if (refuses)
			jw_put_raw(w, "content", refusal);
		else if (calls && c->null_beside_calls)
			jw_put_null(w, "content");
		else if (calls)
			jw_put_str(w, "content", "");
		else
			return err_set(e, "it has no `content`, and calls no tool either");
		return 0;
	}
	if (refuses)
		return err_set(e, "it has a `content` and a `refusal`; leave in what is meant");
	if (json_kind(content) == JSON_ARRAY) {
		if (record_message_text(content, &text))
			rc = err_set(e,
				     "its content has parts that are not text, and only text can be given to this model");
		else
			jw_put_text(w, "content", buf_span(&text));
		buf_release(&text);
		return rc;
	}
	if (json_kind(content) != JSON_STRING)
		return err_set(e, "its `content` is neither text nor a list of parts");
	jw_put_raw(w, "content", content);
	return 0;
}

/* The members that are not passed on as they are; what each bit stands for has been written. */
enum { ROLE = 1, CONTENT = 2, REASONING = 4, CALLS = 8, NONE = 16 };
static int member_of(struct span key)
{
	static const struct {
		const char *name;
		int is;
	} table[] = {
		{"role", ROLE},	       {"content", CONTENT},	 {"refusal", CONTENT},
		{"tool_calls", CALLS}, {"function_call", CALLS}, {"weight", NONE},
		{"train", NONE},
	};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (json_is(key, table[i].name))
			return table[i].is;
	return is_reasoning(key) ? REASONING : 0;
}

static int has_elements(struct span v)
{
	return !is_absent(v) && !(json_kind(v) == JSON_ARRAY && !json_count(v));
}

static void put_other(struct jw *w, struct span key, struct span value)
{
	struct buf name = BUF_INIT;

	json_string(key, &name);
	jw_keyn(w, name.data ? name.data : "", name.len);
	jw_raw(w, value);
	buf_release(&name);
}

/* n: its number, from 1; *called: that of the last one with a call of the old form, 0: none. */
static int put_message(const struct chat *c, struct jw *w, struct span message, size_t n,
		       size_t *called, struct err *e)
{
	struct span role = json_member(message, "role"), key, value, reasoning,
		    calls = json_member(message, "tool_calls"),
		    old = json_member(message, "function_call");
	struct json_iter it = {0};
	int answers = json_is(role, "function"), has_calls = has_elements(calls),
	    has_old = !is_absent(old), done = NONE, is;
	char id[16];

	if (json_kind(role) != JSON_STRING)
		return err_set(e, "it has no `role`");
	if (has_calls && has_old)
		return err_set(e, "it has `tool_calls` and a `function_call`; leave one in");
	if (reasoning_of(message, &reasoning, e))
		return -1;
	jw_object(w);
	while (json_next(&it, message, &key, &value)) {
		is = member_of(key);
		if (is ? done & is : json_kind(value) == JSON_NULL)
			continue;
		done |= is;
		if (is == ROLE && answers)
			jw_put_str(w, "role", "tool");
		else if (is == ROLE && json_is(role, "developer") && !c->knows_developer)
			jw_put_str(w, "role", "system");
		else if (is == ROLE)
			jw_put_raw(w, "role", role);
		else if (is == CONTENT && put_content(c, w, message, has_calls || has_old, e))
			return -1;
		else if (is == REASONING && reasoning.s)
			jw_put_raw(w, c->reasoning ? c->reasoning : reasoning_names[0], reasoning);
		else if (is == CALLS && (has_calls ? put_tool_calls(c, w, calls, e)
						   : has_old && put_function_call(c, w, old, n, e)))
			return -1;
		if (is)
			continue;
		put_other(w, key, value);
	}
	if (!(done & CONTENT) && put_content(c, w, message, has_calls || has_old, e))
		return -1;
	if (has_old)
		*called = n;
	if (answers && is_absent(json_member(message, "tool_call_id")) && *called) {
		call_id(id, *called);
		jw_put_str(w, "tool_call_id", id);
	}
	jw_end(w);
	return 0;
}

int chat_messages_of(const struct chat *c, struct span messages, struct chat_messages *m,
		     struct err *e)
{
	struct json_iter it = {0};
	struct span key, value;
	size_t cap = 0, called = 0;
	struct jw w;

	memset(m, 0, sizeof *m);
	if (json_kind(messages) != JSON_ARRAY)
		return err_set(e, "`messages` is no array");
	m->at = mem_grow(NULL, &cap, 1, sizeof *m->at);
	m->at[0] = 0;
	while (json_next(&it, messages, &key, &value)) {
		jw_init(&w, &m->json);
		if (put_message(c, &w, value, m->n + 1, &called, e)) {
			size_t n = m->n + 1;

			chat_messages_release(m);
			return err_prefix(e, "message %zu", n);
		}
		m->n++;
		m->at = mem_grow(m->at, &cap, m->n + 1, sizeof *m->at);
		m->at[m->n] = m->json.len;
	}
	return 0;
}

void chat_message_with(struct span message, struct span old, const char *json, struct buf *b)
{
	if (!old.s)
		return;
	buf_add(b, message.s, (size_t)(old.s - message.s));
	buf_adds(b, json);
	buf_add(b, old.s + old.n, (size_t)(message.s + message.n - old.s) - old.n);
}

void chat_messages_set(const struct chat_messages *m, size_t i, struct span message,
		       struct chat_messages *out)
{
	memset(out, 0, sizeof *out);
	out->n = m->n;
	out->at = mem_alloc(m->n + 1, sizeof *out->at);
	out->at[0] = 0;
	for (size_t k = 0; k < m->n; k++) {
		buf_addspan(&out->json, k == i ? message : chat_message(m, k));
		out->at[k + 1] = out->json.len;
	}
}

/* --- the input of a record --- */

static int are_objects(struct span list)
{
	struct json_iter it = {0};
	struct span none, v;

	while (json_next(&it, list, &none, &v))
		if (json_kind(v) != JSON_OBJECT)
			return 0;
	return 1;
}

int chat_tools_of(struct span tools, struct buf *b, struct err *e)
{
	struct span inner;
	struct buf text = BUF_INIT;
	size_t from = b->len;
	int rc = 0;

	if (json_kind(tools) == JSON_ARRAY) {
		buf_addspan(b, tools);
	} else if (json_kind(tools) == JSON_STRING && !json_is(tools, "")) {
		json_string(tools, &text);
		if (json_check(buf_span(&text), &inner, NULL) ||
		    (json_kind(inner) != JSON_ARRAY && json_kind(inner) != JSON_NULL))
			rc = err_set(e, "`tools` is a string that holds no JSON array");
		else if (json_kind(inner) == JSON_ARRAY)
			buf_addspan(b, inner);
		buf_release(&text);
	} else if (json_kind(tools) != JSON_STRING && !is_absent(tools)) {
		rc = err_set(e, "`tools` is no array");
	}
	if (!rc && b->len > from && !are_objects((struct span){b->data + from, b->len - from}))
		rc = err_set(e, "`tools` holds something that is no object");
	return rc;
}

/* The `functions` of old as tools. */
static void put_functions(struct span old, struct buf *b)
{
	struct json_iter it = {0};
	struct span key, f;
	struct jw w;

	if (json_kind(old) != JSON_ARRAY || !json_count(old))
		return;
	jw_init(&w, b);
	jw_array(&w);
	while (json_next(&it, old, &key, &f)) {
		jw_object(&w);
		jw_put_str(&w, "type", "function");
		jw_put_raw(&w, "function", f);
		jw_end(&w);
	}
	jw_end(&w);
}

static void put_without(struct span messages, struct span last, struct buf *b)
{
	struct json_iter it = {0};
	struct span key, value;
	int n = 0;

	buf_addc(b, '[');
	while (json_next(&it, messages, &key, &value) && value.s != last.s) {
		if (n++)
			buf_addc(b, ',');
		buf_addspan(b, value);
	}
	buf_addc(b, ']');
}

int chat_input_of(const struct record *r, int flags, struct buf *scratch, struct chat_input *in,
		  struct err *e)
{
	struct span prompt = record_get(r, "prompt"), completion = record_get(r, "completion"),
		    kwargs = record_get(r, "chat_template_kwargs"), last;
	size_t tools, middle;

	memset(in, 0, sizeof *in);
	buf_clear(scratch);
	if (!is_absent(kwargs) && json_kind(kwargs) != JSON_OBJECT)
		return err_set(e, "`chat_template_kwargs` is no object");
	if (!is_absent(kwargs))
		in->vars = kwargs;
	if (chat_tools_of(record_get(r, "tools"), scratch, e))
		return -1;
	if (!scratch->len)
		put_functions(record_get(r, "functions"), scratch);
	tools = scratch->len;
	in->messages = record_get(r, "messages");
	if (is_absent(in->messages))
		in->messages = (struct span){NULL, 0};
	if (in->messages.s) {
		if (json_kind(in->messages) != JSON_ARRAY)
			return err_set(e, "`messages` is no array");
		last = record_final_assistant(r);
		if (flags & CHAT_NO_REFERENCE && last.s) {
			put_without(in->messages, last, scratch);
			in->messages = (struct span){scratch->data + tools, scratch->len - tools};
		}
	} else {
		/* Messages under these names are a form of training rows alone. */
		if (json_kind(prompt) == JSON_ARRAY)
			prompt = completion = (struct span){NULL, 0};
		if (!is_absent(prompt) && json_string(prompt, scratch))
			return err_set(e, "`prompt` is neither a string nor messages");
		middle = scratch->len;
		if (!is_absent(completion) && !(flags & CHAT_NO_REFERENCE) &&
		    json_string(completion, scratch))
			return err_set(e, "`completion` is no string");
		if (!scratch->data)
			buf_adds(scratch, "");
		if (!is_absent(prompt))
			in->prompt = (struct span){scratch->data + tools, middle - tools};
		if (!is_absent(completion) && !(flags & CHAT_NO_REFERENCE))
			in->completion =
				(struct span){scratch->data + middle, scratch->len - middle};
	}
	if (tools)
		in->tools = (struct span){scratch->data, tools};
	return 0;
}

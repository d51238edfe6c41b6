/* What a request asks for: its conversation, in whatever dialect, in the words of a record, and what
 * of it a local model can't honour. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "asked.h"
#include "local_impl.h"

void local_want_release(struct local_want *w)
{
	for (size_t i = 0; i < w->n_prompts; i++)
		buf_release(&w->prompts[i]);
	for (size_t i = 0; i < w->stops; i++)
		free(w->stop[i]);
	free(w->prompts);
	free(w->stop);
	record_release(&w->record);
	record_release(&w->normal);
	buf_release(&w->body);
	buf_release(&w->said);
	buf_release(&w->tools_text);
}

static struct span present(struct span v)
{
	return json_kind(v) == JSON_NULL ? (struct span){NULL, 0} : v;
}

/* --- the conversation --- */

static int known_role(struct span role, int dialect)
{
	static const char *const names[] = {"user",	 "assistant", "system",
					    "developer", "tool",      "function"};
	size_t n = dialect == LOCAL_MESSAGES ? 2 : sizeof names / sizeof *names;

	for (size_t i = 0; i < n; i++)
		if (json_is(role, names[i]))
			return 1;
	return 0;
}

static int check_messages(struct span messages, int dialect, struct local_refusal *r)
{
	struct json_iter it = {0};
	struct span key, m;
	char param[64];

	if (json_kind(messages) != JSON_ARRAY || !json_count(messages))
		return local_refuse(r, "messages", "`messages` must be a list of at least one");
	for (size_t i = 0; json_next(&it, messages, &key, &m); i++) {
		snprintf(param, sizeof param, "messages[%zu].role", i);
		if (json_kind(m) != JSON_OBJECT || !known_role(json_member(m, "role"), dialect))
			return local_refuse(r, param, "`%s` is none that is known", param);
	}
	return 0;
}

/* OpenAI's own members as they stand. */
static void take_chat(struct local_want *w)
{
	w->messages = present(record_get(&w->record, "messages"));
	w->tools = present(record_get(&w->record, "tools"));
	w->tool_choice = present(record_get(&w->record, "tool_choice"));
	w->response_format = present(record_get(&w->record, "response_format"));
}

/* Those of another dialect, put in OpenAI's words. */
static int take_other(struct local_want *w, struct local_refusal *r)
{
	const char *where = w->dialect == LOCAL_MESSAGES ? "messages" : "input";
	struct buf left_out = BUF_INIT;
	struct span messages = record_get(&w->record, "messages"), input;
	struct jw jw;
	int rc = 0;

	if (w->dialect == LOCAL_MESSAGES && check_messages(messages, w->dialect, r))
		return -1;
	input = record_get(&w->record, "input");
	if (w->dialect == LOCAL_RESPONSES && json_kind(input) != JSON_STRING && !json_count(input))
		return local_refuse(r, "input", "`input` must be a text or a list of items");
	jw_init(&jw, &w->said);
	jw_object(&jw);
	(w->dialect == LOCAL_MESSAGES ? asked_put_messages : asked_put_responses)(&w->record, &jw,
										  &left_out);
	jw_end(&jw);
	if (left_out.len)
		rc = local_refuse(r, where, "what can't be given to a local model: %s",
				  left_out.data);
	else if (record_parse(&w->normal, buf_span(&w->said), &r->why))
		rc = local_refuse(r, where, "%s", "the conversation can't be read");
	buf_release(&left_out);
	if (rc)
		return -1;
	w->messages = record_get(&w->normal, "messages");
	w->tools = record_get(&w->normal, "tools");
	w->tool_choice = record_get(&w->normal, "tool_choice");
	w->response_format = record_get(&w->normal, "response_format");
	if (w->dialect == LOCAL_MESSAGES &&
	    json_is(json_member(json_element(messages, -1), "role"), "assistant"))
		return local_refuse(
			r, "messages",
			"the last turn is the assistant's: an answer that goes on from a given beginning can't be honoured by a local model");
	return 0;
}

/* --- tools --- */

static int check_tool(struct span tool, size_t i, struct local_refusal *r)
{
	struct span f = json_member(tool, "function");
	char param[64];

	snprintf(param, sizeof param, "tools[%zu].type", i);
	if (!json_is(json_member(tool, "type"), "function"))
		return local_refuse(r, param, "`%s`: only functions can be given to a local model",
				    param);
	snprintf(param, sizeof param, "tools[%zu].function.name", i);
	if (json_kind(json_member(f, "name")) != JSON_STRING || json_is(json_member(f, "name"), ""))
		return local_refuse(r, param, "`%s` is required", param);
	snprintf(param, sizeof param, "tools[%zu].function.strict", i);
	if (json_kind(json_member(f, "strict")) == JSON_TRUE)
		return local_refuse(r, param,
				    "`%s` can't be honoured by a local model: arguments are not held to the schema",
				    param);
	return 0;
}

static int check_tools(struct local_want *w, const struct loaded *m, struct local_refusal *r)
{
	struct span choice = record_get(&w->record, "tool_choice"), key, tool;
	struct json_iter it = {0};
	struct err why = ERR_INIT;

	if (json_kind(json_member(choice, "disable_parallel_tool_use")) == JSON_TRUE)
		w->most_calls = 1;
	if (chat_tools_of(w->tools, &w->tools_text, &why))
		return local_refuse(r, "tools", "%s", why.msg);
	w->tools = w->tools_text.len ? buf_span(&w->tools_text) : (struct span){NULL, 0};
	if (!json_count(w->tools))
		return 0;
	for (size_t i = 0; json_next(&it, w->tools, &key, &tool); i++)
		if (check_tool(tool, i, r))
			return -1;
	w->may_call = loaded_may_call(w->tool_choice);
	if (w->may_call < 0)
		return local_refuse(r, "tool_choice",
				    "`tool_choice` can't be honoured by a local model but as auto or none");
	if (w->may_call && !m->calls)
		return local_refuse(
			r, "tools",
			"`tools` can't be honoured by this model: its chat template writes calls in no form that can be read back");
	return 0;
}

int local_want_read(struct local_want *w, const struct loaded *m, struct local_refusal *r)
{
	struct err why = ERR_INIT;

	if (record_parse(&w->record, buf_span(&w->body), &why))
		return local_refuse(r, NULL, "the body is no JSON object: %s", why.msg);
	if (local_fields_read(w, r))
		return -1;
	if (w->dialect == LOCAL_COMPLETIONS)
		return 0;
	if (w->dialect != LOCAL_CHAT ? take_other(w, r)
				     : (take_chat(w), check_messages(w->messages, w->dialect, r)))
		return -1;
	return check_tools(w, m, r);
}

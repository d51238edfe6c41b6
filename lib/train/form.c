/* The forms of training rows; see form.h. */
#include "form.h"

#include <string.h>
#include "../json/json.h"
#include "../json/jw.h"

static const struct {
	const char *name;
	int pair;
} forms[] = {
	[FORM_CHAT] = {"messages", 0},
	[FORM_COMPLETION] = {"prompt and completion", 0},
	[FORM_TEXT] = {"text", 0},
	[FORM_PREFERENCE] = {"preferred_output and non_preferred_output", 1},
	[FORM_CHOSEN] = {"chosen and rejected", 1},
};

const char *form_name(enum form f)
{
	return forms[f].name;
}

int form_is_pair(enum form f)
{
	return forms[f].pair;
}

static int has(const struct record *r, const char *name)
{
	enum json_kind k = json_kind(record_get(r, name));

	return k != JSON_NONE && k != JSON_NULL;
}

int form_of(const struct record *r, enum form *f, struct err *e)
{
	static const struct {
		const char *first, *second, *what, *filter;
	} others[] = {
		{"conversations", NULL, "ShareGPT", "from_sharegpt"},
		{"instruction", "output", "Alpaca", "from_alpaca"},
		{"startTime", "observations", "Langfuse", "from_langfuse"},
		{"traceId", "input", "Langfuse", "from_langfuse"},
		{"request_tags", "response", "LiteLLM", "from_litellm"},
		{"litellm_call_id", NULL, "LiteLLM", "from_litellm"},
		{"request_body", "response_body", "Helicone", "from_helicone"},
		{"reqPayload", "respPayload", "OpenPipe", "from_openpipe"},
		{"choices", "request_id", "OpenAI", "from_openai_logs"},
	};

	if (has(r, "messages"))
		*f = FORM_CHAT;
	else if (has(r, "preferred_output") || has(r, "non_preferred_output"))
		*f = FORM_PREFERENCE;
	else if (has(r, "chosen") || has(r, "rejected"))
		*f = FORM_CHOSEN;
	else if (has(r, "prompt") || has(r, "completion"))
		*f = FORM_COMPLETION;
	else if (has(r, "text"))
		*f = FORM_TEXT;
	else {
		for (size_t i = 0; i < sizeof others / sizeof *others; i++)
			if (has(r, others[i].first) &&
			    (!others[i].second || has(r, others[i].second)))
				return err_set(e,
					       "a row in %s's form: jq -L /usr/local/share/ft -nc 'include \"ft\"; inputs | %s' converts such rows (ft.jq(5))",
					       others[i].what, others[i].filter);
		return err_set(e,
			       "no messages, no prompt and no text: there is nothing to train on");
	}
	return 0;
}

static int as_messages(struct span v)
{
	return json_kind(v) == JSON_ARRAY;
}

/* Appends one message, with weight 0 where it is an assistant's and only asked. */
static void put_message(struct jw *w, struct span m, int asked)
{
	struct json_iter it = {0};
	struct span key, value;
	struct buf name = BUF_INIT;

	if (!asked || !json_is(json_member(m, "role"), "assistant")) {
		jw_raw(w, m);
		return;
	}
	jw_object(w);
	while (json_next(&it, m, &key, &value)) {
		buf_clear(&name);
		json_string(key, &name);
		if (json_is(key, "weight"))
			continue;
		jw_keyn(w, name.data ? name.data : "", name.len);
		jw_raw(w, value);
	}
	jw_put_int(w, "weight", 0);
	jw_end(w);
	buf_release(&name);
}

/* Messages [from, to) of an array; a text is the content of one turn of this role. */
static void put_turns(struct jw *w, struct span v, size_t from, size_t to, const char *role,
		      int asked)
{
	struct json_iter it = {0};
	struct span key, value;

	if (!as_messages(v)) {
		jw_object(w);
		jw_put_str(w, "role", role);
		jw_put_raw(w, "content", v);
		jw_end(w);
		return;
	}
	for (size_t i = 0; i < to && json_next(&it, v, &key, &value); i++)
		if (i >= from)
			put_message(w, value, asked);
}

/* How many messages two conversations begin with alike; at least the last of each is left. */
static size_t shared_turns(struct span a, struct span b)
{
	size_t n = 0, most = json_count(a) < json_count(b) ? json_count(a) : json_count(b);
	struct json_iter of_a = {0}, of_b = {0};
	struct span none, x, y;

	while (n + 1 < most && json_next(&of_a, a, &none, &x) && json_next(&of_b, b, &none, &y) &&
	       json_equal(x, y))
		n++;
	return n;
}

/* The text with which both begin, up to the end of a word. */
static size_t shared_text(const struct buf *a, const struct buf *b)
{
	size_t n = 0;

	while (n < a->len && n < b->len && a->data[n] == b->data[n])
		n++;
	while (n && !strchr(" \n\t", a->data[n - 1]))
		n--;
	return n;
}

static int is_answer(struct span v)
{
	if (json_kind(v) == JSON_STRING)
		return 1;
	return as_messages(v) && json_is(json_member(json_element(v, -1), "role"), "assistant");
}

/* Question and answer as messages, into scratch. */
static void join(struct span asked, struct span answer, size_t from, struct buf *scratch,
		 struct chat_input *in)
{
	size_t at = scratch->len;
	struct jw w;

	jw_init(&w, scratch);
	jw_array(&w);
	if (asked.s)
		put_turns(&w, asked, 0, SIZE_MAX, "user", 1);
	else if (from) /* the answer begins with what is asked */
		put_turns(&w, answer, 0, from, "user", 1);
	put_turns(&w, answer, from, SIZE_MAX, "assistant", 0);
	jw_end(&w);
	in->messages = (struct span){scratch->data + at, scratch->len - at};
}

static int chosen_input(const struct record *r, int other, struct buf *scratch,
			struct chat_input *in, struct err *e)
{
	const char *name = other ? "rejected" : "chosen";
	struct span prompt = record_get(r, "prompt"), answer = record_get(r, name),
		    beside = record_get(r, other ? "chosen" : "rejected");
	struct buf a = BUF_INIT, b = BUF_INIT;
	size_t at = scratch->len, asked, n;

	if (json_kind(prompt) == JSON_NULL)
		prompt = (struct span){NULL, 0};
	if (!is_answer(answer))
		return err_set(e,
			       "%s is neither text nor an array that ends with an assistant's message",
			       name);
	if (as_messages(answer) || as_messages(prompt)) {
		n = !prompt.s && as_messages(beside) ? shared_turns(answer, beside) : 0;
		join(prompt, answer, n, scratch, in);
		return 0;
	}
	json_string(answer, &a);
	if (prompt.s && json_string(prompt, scratch)) {
		buf_release(&a);
		return err_set(e, "prompt is neither text nor messages");
	}
	n = 0;
	if (!prompt.s && !json_string(beside, &b)) {
		n = shared_text(&a, &b);
		buf_add(scratch, a.data, n);
	}
	asked = scratch->len - at;
	buf_add(scratch, a.data ? a.data + n : "", a.len - n);
	buf_adds(scratch, ""); /* so that there is one */
	in->prompt = (struct span){scratch->data + at, asked};
	in->completion = (struct span){scratch->data + at + asked, scratch->len - at - asked};
	buf_release(&a);
	buf_release(&b);
	return 0;
}

static int preference_input(const struct record *r, int other, struct buf *scratch,
			    struct chat_input *in, struct err *e)
{
	const char *name = other ? "non_preferred_output" : "preferred_output";
	struct span input = record_get(r, "input"), context = json_member(input, "messages"),
		    answer = record_get(r, name);

	if (json_kind(context) != JSON_ARRAY)
		return err_set(e, "no preference line: no input.messages");
	if (!as_messages(answer) || !is_answer(answer))
		return err_set(e, "%s is no array that ends with an assistant's message", name);
	join(context, answer, 0, scratch, in);
	in->tools = json_member(input, "tools");
	return 0;
}

static int completion_input(const struct record *r, struct buf *scratch, struct chat_input *in,
			    struct err *e)
{
	struct span prompt = record_get(r, "prompt"), completion = record_get(r, "completion");

	if (!has(r, "prompt"))
		return err_set(e, "no messages and no prompt");
	if (!has(r, "completion"))
		return err_set(e, "no reference: a prompt without completion");
	if (!as_messages(prompt) && !as_messages(completion))
		return 0;
	if (!is_answer(completion))
		return err_set(e,
			       "completion is neither text nor an array that ends with an assistant's message");
	join(prompt, completion, 0, scratch, in);
	return 0;
}

int form_input(enum form f, const struct record *r, int other, struct buf *scratch,
	       struct chat_input *in, struct err *e)
{
	size_t tools, at;

	if (chat_input_of(r, 0, scratch, in, e))
		return -1;
	tools = in->tools.n;
	switch (f) {
	case FORM_CHAT:
		if (json_kind(record_final_assistant(r)) == JSON_NONE)
			return err_set(e,
				       "no reference: the last of its messages is not from the assistant%s",
				       has(r, "ideal")
					       ? " (jq -c '.messages += [{role: \"assistant\", content: .ideal}]' makes one of ideal)"
					       : "");
		break;
	case FORM_COMPLETION:
		if (completion_input(r, scratch, in, e))
			return -1;
		break;
	case FORM_TEXT:
		if (json_kind(record_get(r, "text")) != JSON_STRING)
			return err_set(e, "text is no string");
		at = scratch->len;
		json_string(record_get(r, "text"), scratch);
		in->completion = (struct span){scratch->data + at, scratch->len - at};
		break;
	case FORM_PREFERENCE:
		if (preference_input(r, other, scratch, in, e))
			return -1;
		break;
	case FORM_CHOSEN:
		if (chosen_input(r, other, scratch, in, e))
			return -1;
		break;
	}
	if (tools && in->tools.n == tools && f != FORM_PREFERENCE)
		in->tools = (struct span){scratch->data, tools}; /* scratch may have moved */
	return 0;
}

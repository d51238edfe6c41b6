/* dialect_openai: what answers of OpenAI's chat completions mean, and of the many servers that speak
 * them with habits of their own. */
#include <string.h>
#include "dialect_impl.h"

/* --- tool calls --- */

static int whole_arguments(const struct dialect_piece *b)
{
	struct buf text = BUF_INIT;
	struct span v;
	int whole = b->text.len && !dialect_decode(&b->text, &text) &&
		    !json_check(buf_span(&text), &v, NULL);

	buf_release(&text);
	return whole;
}

/* Whether a piece belongs to the call b, which has the same index or is the latest. Not every server
 * counts calls: what begins one is a new id, or another name once the arguments are whole. Some give
 * each piece an id of its own. */
static int continues(const struct dialect_piece *b, struct span id, struct span name,
		     struct span arguments)
{
	int same = span_eq(name, buf_span(&b->name));

	if (!name.n && !arguments.n)
		return 1;
	if (id.n && b->id.len) {
		if (span_eq(id, buf_span(&b->id)))
			return 1;
		return !whole_arguments(b) && (!name.n || (same && b->text.len));
	}
	if (!name.n || !b->name.len)
		return 1;
	if (!b->text.len)
		return same || !arguments.n;
	return whole_arguments(b) ? same && !arguments.n : same;
}

/* In pieces, again with every piece, or longer with every piece. */
static void add_name(struct dialect_stream *s, struct dialect_piece *b, struct span v)
{
	struct span name = dialect_inside(v);

	if (span_eq(name, buf_span(&b->name)))
		return;
	if (b->name.len && name.n > b->name.len && memcmp(name.s, b->name.data, b->name.len) == 0)
		buf_clear(&b->name);
	dialect_add(s, &b->name, v);
}

static void add_more(struct dialect_piece *b, struct span call)
{
	static const char *const known[] = {"id", "index", "type", "function", "custom"};
	struct json_iter it = {0};
	struct span key, v;

	while (json_next(&it, call, &key, &v)) {
		int skip = dialect_absent(v) ||
			   (b->more.len && memmem(b->more.data, b->more.len, key.s, key.n) != NULL);

		for (size_t i = 0; i < sizeof known / sizeof *known; i++)
			skip |= json_is(key, known[i]);
		if (skip)
			continue;
		buf_adds(&b->more, b->more.len ? "," : "");
		buf_addspan(&b->more, key);
		buf_addc(&b->more, ':');
		buf_addspan(&b->more, v);
	}
}

/* Whether a piece is all of the arguments once more, as the last one of some servers is. */
static int again(const struct dialect_piece *b, struct span piece)
{
	return piece.n && *piece.s == '{' && span_eq(piece, buf_span(&b->text)) &&
	       whole_arguments(b);
}

static void add_function(struct dialect_stream *s, struct dialect_piece *b, struct span function)
{
	struct span v = json_member(function, b->kind == DIALECT_CUSTOM ? "input" : "arguments");

	add_name(s, b, json_member(function, "name"));
	if (json_kind(v) == JSON_STRING && !again(b, dialect_inside(v)))
		dialect_add(s, &b->text, v);
	else if (!dialect_absent(v) && json_kind(v) != JSON_STRING)
		dialect_give_arguments(s, b, v);
}

static void openai_call(struct dialect_stream *s, struct span t, int whole)
{
	struct span function = json_member(t, "function"), custom = json_member(t, "custom"),
		    id = json_member(t, "id");
	struct dialect_piece *b = NULL;
	int64_t index = -1;

	if (json_kind(function) != JSON_OBJECT && json_kind(custom) == JSON_OBJECT)
		function = custom;
	if (json_int(json_member(t, "index"), &index) || index < 0)
		index = -1;
	if (json_kind(function) != JSON_OBJECT && dialect_absent(id)) {
		/* Gemini tells what else belongs to a call in a piece of its own. */
		if (!whole && json_kind(json_member(t, "extra_content")) == JSON_OBJECT)
			b = dialect_find_piece(s, index);
		if (b)
			add_more(b, t);
		else
			dialect_bad(s, "a tool call is not understood", t);
		return;
	}
	for (size_t i = 0; !whole && dialect_inside(id).n && i < s->n && !b; i++)
		if (span_eq(dialect_inside(id), buf_span(&s->pieces[i].id)))
			b = &s->pieces[i];
	if (!whole && !b)
		b = dialect_find_piece(s, index);
	if (!b || whole ||
	    !continues(b, dialect_inside(id), dialect_inside(json_member(function, "name")),
		       dialect_inside(json_member(function, "arguments"))))
		b = dialect_new_piece(s,
				      function.s == custom.s && custom.s ? DIALECT_CUSTOM
									 : DIALECT_CALL,
				      index);
	if (!b->id.len)
		dialect_add(s, &b->id, id);
	add_function(s, b, function);
	add_more(b, t);
}

/* --- events --- */

/* What was thought: a text, or parts with texts. What is encrypted has none. */
static void add_thought(struct dialect_stream *s, struct span v, int depth)
{
	static const char *const texts[] = {"text", "thinking", "reasoning", "summary", "content"};
	struct json_iter it = {0};
	struct span key, part;

	if (json_kind(v) == JSON_STRING)
		dialect_add(s, &s->reasoning, v);
	else if (json_kind(v) == JSON_OBJECT && depth < 4)
		for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
			add_thought(s, json_member(v, texts[i]), depth + 1);
	while (json_kind(v) == JSON_ARRAY && depth < 4 && json_next(&it, v, &key, &part))
		add_thought(s, part, depth + 1);
}

/* What has no text in a place that is known is kept as it is. */
static void add_reasoning(struct dialect_stream *s, struct span v)
{
	size_t before = s->reasoning.len;
	struct buf quoted = BUF_INIT;

	add_thought(s, v, 0);
	if (s->reasoning.len > before || json_kind(v) == JSON_STRING || !dialect_says(v))
		return;
	json_put_string(&quoted, v.s, v.n);
	dialect_add(s, &s->reasoning, buf_span(&quoted));
	buf_release(&quoted);
}

/* Looks at the latest piece of a text, which begins at `from`. */
static void grow(struct dialect_growth *g, const struct buf *text, size_t from)
{
	size_t n = text->len - from, before = from - g->last;

	if (!n)
		return;
	if (g->some &&
	    (n < before || memcmp(text->data + from, text->data + g->last, before) != 0 ||
	     (n == before && g->longer < 2)))
		g->broken = 1;
	g->longer += g->some && n > before;
	g->some = 1;
	g->last = from;
}

/* Two that go on and none that does not: once may be chance. */
static void take_last(const struct dialect_growth *g, struct buf *text)
{
	if (g->broken || g->longer < 2)
		return;
	memmove(text->data, text->data + g->last, text->len - g->last);
	text->len -= g->last;
	text->data[text->len] = 0;
}

/* In the order of their numbers, where each has one: they may come in another. */
static void sort_calls(struct dialect_stream *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->pieces[i].index < 0)
			return;
	for (size_t i = 1; i < s->n; i++)
		for (size_t k = i; k > 0 && s->pieces[k - 1].index > s->pieces[k].index; k--) {
			struct dialect_piece swap = s->pieces[k];

			s->pieces[k] = s->pieces[k - 1];
			s->pieces[k - 1] = swap;
		}
}

void dialect_openai_gather(struct dialect_stream *s)
{
	sort_calls(s);
	take_last(&s->text_growth, &s->text);
	take_last(&s->reasoning_growth, &s->reasoning);
}

/* Whether there is anything in it, at whatever depth: servers send objects whose members are all null. */
static int says_something(struct span v)
{
	struct json_iter it = {0};
	struct span key, inside;

	if (json_kind(v) != JSON_ARRAY && json_kind(v) != JSON_OBJECT)
		return dialect_says(v);
	while (json_next(&it, v, &key, &inside))
		if (says_something(inside))
			return 1;
	return 0;
}

/* What of a message has no place in a record: pictures, sound, citations and what servers add. */
static void leave_out_others(struct dialect_stream *s, struct span m, const char *const *known,
			     size_t n)
{
	struct json_iter it = {0};
	struct span key, v;

	while (json_next(&it, m, &key, &v)) {
		size_t i = 0;

		while (i < n && !json_is(key, known[i]))
			i++;
		if (i == n ? says_something(v)
			   : json_is(key, "audio") && dialect_says(json_member(v, "data")))
			dialect_leave_out(&s->left_out, key);
	}
}

static void openai_message(struct dialect_stream *s, struct span m, int whole)
{
	enum {
		CONTENT,
		AUDIO,
		REASONING,
		DETAILS = REASONING + 3,
		REFUSAL,
		TOOLS,
		FUNCTION,
		MEMBERS
	};
	/* Beside those that are read, others that say nothing more. */
	static const char *const names[] = {"content",	 "audio",	    "reasoning_content",
					    "reasoning", "thinking",	    "reasoning_details",
					    "refusal",	 "tool_calls",	    "function_call",
					    "role",	 "thinking_blocks", "name",
					    "parsed"};
	struct span v[MEMBERS], key, t, calls, function;
	struct json_iter it = {0};
	size_t before = s->reasoning.len, said = s->text.len;

	dialect_members(m, names, MEMBERS, v);
	leave_out_others(s, m, names, sizeof names / sizeof *names);
	calls = v[TOOLS];
	function = v[FUNCTION];
	s->any = 1;
	dialect_content(s, &s->text, v[CONTENT]);
	/* What was spoken, in words. */
	if (!dialect_says(v[CONTENT]))
		dialect_content(s, &s->text, json_member(v[AUDIO], "transcript"));
	/* Some servers say it under two names. */
	for (int i = REASONING; i < DETAILS && s->reasoning.len == before; i++)
		add_reasoning(s, v[i]);
	if (s->reasoning.len == before) /* OpenRouter's, beside or in place of `reasoning` */
		add_thought(s, v[DETAILS], 0);
	grow(&s->text_growth, &s->text, said);
	grow(&s->reasoning_growth, &s->reasoning, before);
	dialect_add(s, &s->refusal, v[REFUSAL]);
	if (json_kind(calls) == JSON_OBJECT) /* TGI */
		openai_call(s, calls, whole);
	else if (!dialect_absent(calls) && json_kind(calls) != JSON_ARRAY)
		dialect_bad(s, "the tool calls are not understood", calls);
	while (json_kind(calls) == JSON_ARRAY && json_next(&it, calls, &key, &t))
		openai_call(s, t, whole);
	if (json_kind(function) == JSON_OBJECT && !json_count(calls))
		add_function(s, s->n ? &s->pieces[0] : dialect_new_piece(s, DIALECT_CALL, 0),
			     function);
}

static void put_alternatives(struct buf *to, struct span all)
{
	struct json_iter it = {0};
	struct span key, p;
	int some = 0;

	buf_adds(to, ",\"top_logprobs\":[");
	while (json_next(&it, all, &key, &p))
		buf_addf(to, "%s{\"token\":%.*s,\"logprob\":%.*s}", some++ ? "," : "", (int)key.n,
			 key.s, (int)p.n, p.s);
	buf_addc(to, ']');
}

/* Those of completions, in lists beside each other, as chats have them. */
static void add_old_logprobs(struct dialect_stream *s, struct span lists)
{
	struct span tops = json_member(lists, "top_logprobs"), key, token, p, top;
	struct json_iter tokens = {0}, values = {0}, each = {0};

	struct span words = json_member(lists, "tokens");
	struct span numbers = json_member(lists, "token_logprobs");
	while (json_next(&tokens, words, &key, &token) && json_next(&values, numbers, &key, &p)) {
		if (s->logprobs.len)
			buf_addc(&s->logprobs, ',');
		buf_addf(&s->logprobs, "{\"token\":%.*s,\"logprob\":%.*s", (int)token.n, token.s,
			 (int)p.n, p.s);
		if (json_next(&each, tops, &key, &top) && json_kind(top) == JSON_OBJECT)
			put_alternatives(&s->logprobs, top);
		buf_addc(&s->logprobs, '}');
	}
}

static void openai_choice(struct dialect_stream *s, struct span choice, int whole)
{
	enum { DELTA, MESSAGE, TEXT, FINISH, ERROR, USAGE, LOGPROBS, MEMBERS };
	static const char *const names[MEMBERS] = {"delta", "message", "text",	  "finish_reason",
						   "error", "usage",   "logprobs"};
	struct span v[MEMBERS], delta, message, text, finish, key, p;
	struct json_iter probs = {0};

	dialect_members(choice, names, MEMBERS, v);
	delta = v[DELTA];
	message = v[MESSAGE];
	text = v[TEXT];
	finish = v[FINISH];
	if (dialect_says(v[ERROR]))
		dialect_keep(&s->error, choice);
	if (json_kind(finish) == JSON_STRING && finish.n > 2) {
		dialect_keep(&s->finish, finish);
		s->ended = 1;
	}
	dialect_keep(&s->usage, v[USAGE]);
	if (json_kind(delta) == JSON_OBJECT) {
		openai_message(s, delta, whole);
	} else if (!dialect_absent(delta)) {
		dialect_bad(s, "a delta is not understood", delta);
	} else if (json_kind(message) == JSON_OBJECT) {
		openai_message(s, message, whole);
	} else if (json_kind(text) == JSON_STRING) {
		s->any = 1;
		dialect_content(s, &s->text, text);
	} else if (!dialect_absent(message)) {
		dialect_bad(s, "a message is not understood", message);
	}
	struct span listed = json_member(v[LOGPROBS], "content");
	while (json_next(&probs, listed, &key, &p)) {
		if (s->logprobs.len)
			buf_addc(&s->logprobs, ',');
		buf_addspan(&s->logprobs, p);
	}
	add_old_logprobs(s, v[LOGPROBS]);
}

/* Whether an event is the whole answer once more, as the last one of some servers is. */
static int repeats(const struct dialect_stream *s, struct span choices)
{
	struct span choice = json_element(choices, 0), message = json_member(choice, "message"),
		    text = dialect_inside(json_member(message, "content"));

	return json_kind(message) == JSON_OBJECT && dialect_absent(json_member(choice, "delta")) &&
	       !dialect_absent(json_member(choice, "finish_reason")) && text.n >= s->text.len &&
	       (text.n || json_count(json_member(message, "tool_calls"))) &&
	       (!s->text.len || memcmp(text.s, s->text.data, s->text.len) == 0);
}

static void forget_pieces(struct dialect_stream *s)
{
	struct buf *const bufs[] = {&s->text, &s->reasoning, &s->refusal, &s->logprobs};

	for (size_t i = 0; i < sizeof bufs / sizeof *bufs; i++)
		buf_clear(bufs[i]);
	for (size_t i = 0; i < s->n; i++)
		s->pieces[i].kind = DIALECT_ASIDE;
}

void dialect_openai_event(struct dialect_stream *s, struct span v, int whole)
{
	enum { CHOICES, USAGE, TYPE, MODEL, GROQ, OBJECT, MEMBERS };
	static const char *const names[MEMBERS] = {"choices", "usage",	"type",
						   "model",   "x_groq", "object"};
	struct span m[MEMBERS], choices, key, choice;
	struct json_iter it = {0};
	int64_t index;

	dialect_members(v, names, MEMBERS, m);
	choices = m[CHOICES];
	if (!whole && json_kind(choices) == JSON_NONE && dialect_absent(m[USAGE]) &&
	    !json_is(m[TYPE], "ping"))
		dialect_bad(s, "an event is not understood", v);
	if (!dialect_absent(choices) && json_kind(choices) != JSON_ARRAY)
		dialect_bad(s, "the choices are not understood", choices);
	if (s->done && json_count(choices))
		dialect_bad(s, "a second answer stands behind the end of the first", v);
	dialect_keep(&s->model, m[MODEL]);
	dialect_keep(&s->usage, json_member(m[GROQ], "usage"));
	dialect_keep(&s->usage, m[USAGE]);
	if (!whole && json_is(m[OBJECT], "chat.completion") && repeats(s, choices)) {
		forget_pieces(s);
		whole = 1;
	}
	while (json_next(&it, choices, &key, &choice))
		if (json_int(json_member(choice, "index"), &index) || index == 0) {
			openai_choice(s, choice, whole);
			break; /* where none of them has an index, the first counts */
		}
}

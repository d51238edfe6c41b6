/* Chat templates at work: what the template is given, the text it makes, the tokens of a prompt.
 * What is trained on is decided in chat_mask.c.
 */
#include <stdlib.h>
#include <string.h>
#include "../base/file.h"
#include "../base/mem.h"
#include "../json/json.h"
#include "../json/jw.h"
#include "chat_impl.h"

#define TEMPLATE_FILE_MAX ((size_t)64 << 20)

/* --- what the template is given --- */

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

/* {"function": {"arguments": "{...}"}}: the arguments as an object where they are one, else as they
 * stand. */
static void put_tool_call(const struct chat *c, struct buf *b, struct span call)
{
	struct span f = json_member(call, "function"), args = json_member(f, "arguments"), inner;
	struct buf text = BUF_INIT;

	if (!c->arguments_as_text && !json_string(args, &text) &&
	    !json_check(buf_span(&text), &inner, NULL) && json_kind(inner) == JSON_OBJECT) {
		buf_add(b, call.s, (size_t)(args.s - call.s));
		buf_addspan(b, inner);
		buf_add(b, args.s + args.n, (size_t)(call.s + call.n - args.s) - args.n);
	} else if (c->arguments_as_text && json_kind(args) == JSON_OBJECT) {
		buf_add(b, call.s, (size_t)(args.s - call.s));
		json_put_string(b, args.s, args.n);
		buf_add(b, args.s + args.n, (size_t)(call.s + call.n - args.s) - args.n);
	} else {
		buf_addspan(b, call);
	}
	buf_release(&text);
}

static int put_message(const struct chat *c, struct buf *b, struct span message, struct err *e)
{
	struct json_iter it = {0}, calls = {0};
	struct span key, value, none, call;
	struct buf text = BUF_INIT;
	int n = 0, k = 0;

	buf_addc(b, '{');
	while (json_next(&it, message, &key, &value)) {
		if (json_is(key, "weight"))
			continue;
		if (n++)
			buf_addc(b, ',');
		buf_addspan(b, key);
		buf_addc(b, ':');
		if (json_is(key, "content") && json_kind(value) == JSON_ARRAY) {
			buf_clear(&text);
			if (record_message_text(value, &text)) {
				buf_release(&text);
				return err_set(e,
					       "its content has parts that are not text, and only text can be given to this model");
			}
			json_put_string(b, text.data ? text.data : "", text.len);
		} else if (json_is(key, "tool_calls") && json_kind(value) == JSON_ARRAY) {
			buf_addc(b, '[');
			while (json_next(&calls, value, &none, &call)) {
				if (k++)
					buf_addc(b, ',');
				put_tool_call(c, b, call);
			}
			buf_addc(b, ']');
		} else {
			buf_addspan(b, value);
		}
	}
	buf_addc(b, '}');
	buf_release(&text);
	return 0;
}

int chat_messages_of(const struct chat *c, struct span messages, struct chat_messages *m,
		     struct err *e)
{
	struct json_iter it = {0};
	struct span key, value, role;
	size_t cap = 0;

	memset(m, 0, sizeof *m);
	if (json_kind(messages) != JSON_ARRAY)
		return err_set(e, "`messages` is no array");
	m->at = mem_grow(NULL, &cap, 1, sizeof *m->at);
	m->at[0] = 0;
	while (json_next(&it, messages, &key, &value)) {
		role = json_member(value, "role");
		if (json_kind(role) != JSON_STRING) {
			chat_messages_release(m);
			return err_set(e, "message %zu has no `role`", m->n + 1);
		}
		if (put_message(c, &m->json, value, e)) {
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

static void put_token(struct jw *w, const char *key, const struct tokenizer *t, int32_t id)
{
	struct span s = tokenizer_token(t, id);

	if (!s.s)
		return;
	jw_put_text(w, key, s);
}

int chat_render_messages(const struct chat *c, const struct chat_messages *m, size_t n,
			 struct span tools, int generate, struct buf *text,
			 struct jinja_marks *marks, struct err *e)
{
	const struct jinja *t =
		c->tool_template && json_kind(tools) == JSON_ARRAY && json_count(tools)
			? c->tool_template
			: c->template;
	struct buf vars = BUF_INIT;
	struct jw w;
	size_t i;
	int rc;

	jw_init(&w, &vars);
	jw_object(&w);
	jw_put_array(&w, "messages");
	for (i = 0; i < n; i++)
		jw_raw(&w, chat_message(m, i));
	jw_end(&w);
	if (json_kind(tools) == JSON_ARRAY && json_count(tools)) {
		jw_put_raw(&w, "tools", tools);
	} else if (!c->no_tools_undefined) {
		jw_put_null(&w, "tools");
	}
	jw_put_null(&w, "documents");
	jw_put_bool(&w, "add_generation_prompt", generate);
	put_token(&w, "bos_token", c->t, tokenizer_bos(c->t));
	put_token(&w, "eos_token", c->t, tokenizer_eos(c->t));
	put_token(&w, "pad_token", c->t, tokenizer_pad(c->t));
	put_token(&w, "unk_token", c->t, tokenizer_unk(c->t));
	jw_end(&w);
	rc = vars.full ? err_set(e, "the conversation is too long")
		       : jinja_render(t, buf_span(&vars), 0, NULL, text, marks, e);
	buf_release(&vars);
	return rc;
}

/* --- the plain template --- */

int chat_plain_turn(const struct chat *c, const struct chat_messages *m, size_t i, struct buf *text,
		    struct tokens *out, int *assistant, struct err *e)
{
	struct span v = chat_message(m, i), content = json_member(v, "content");
	int32_t eos = tokenizer_eos(c->t);
	size_t from = text->len;

	*assistant = json_is(json_member(v, "role"), "assistant");
	if (json_count(json_member(v, "tool_calls")))
		return err_set(e,
			       "message %zu calls tools, which needs a model with a chat template",
			       i + 1);
	if (json_kind(content) == JSON_STRING)
		json_string(content, text);
	if (!*assistant)
		buf_addc(text, '\n');
	if (tokenizer_encode(c->t, (struct span){buf_span(text).s + from, text->len - from},
			     i ? TOKENIZER_CONTINUES : 0, out, e))
		return -1;
	if (*assistant && eos >= 0) {
		buf_addspan(text, tokenizer_token(c->t, eos));
		tokens_add(out, eos);
	}
	return 0;
}

static int plain_prompt(const struct chat *c, const struct chat_messages *m, struct buf *text,
			struct tokens *out, struct err *e)
{
	const int32_t *prefix;
	size_t n;
	int assistant, rc = 0;

	prefix = tokenizer_prefix(c->t, &n);
	tokens_append(out, prefix, n);
	for (size_t i = 0; i < n; i++)
		buf_addspan(text, tokenizer_token(c->t, prefix[i]));
	for (size_t i = 0; i < m->n && !rc; i++)
		rc = chat_plain_turn(c, m, i, text, out, &assistant, e);
	return rc;
}

/* --- prompts --- */

int chat_encode_text(const struct chat *c, struct span text, struct tokens *out, struct err *e)
{
	const int32_t *prefix;
	size_t n, from = out->n;

	prefix = tokenizer_prefix(c->t, &n);
	tokens_append(out, prefix, n);
	if (tokenizer_encode(c->t, text, 0, out, e)) {
		out->n = from;
		return -1;
	}
	/* The text may begin with it already. */
	if (n && out->n - from >= 2 * n &&
	    !memcmp(out->ids + from + n, prefix, n * sizeof *prefix)) {
		memmove(out->ids + from, out->ids + from + n,
			(out->n - from - n) * sizeof *out->ids);
		out->n -= n;
	}
	return 0;
}

int chat_input_of(const struct record *r, int flags, struct buf *scratch, struct chat_input *in,
		  struct err *e)
{
	struct span prompt = record_get(r, "prompt"), completion = record_get(r, "completion"),
		    last, key, value;
	size_t middle;

	memset(in, 0, sizeof *in);
	buf_clear(scratch);
	in->messages = record_get(r, "messages");
	if (json_kind(in->messages) == JSON_NULL)
		in->messages = (struct span){NULL, 0};
	in->tools = record_get(r, "tools");
	if (in->messages.s) {
		if (json_kind(in->messages) != JSON_ARRAY)
			return err_set(e, "`messages` is no array");
		last = record_final_assistant(r);
		if (flags & CHAT_NO_REFERENCE && last.s) {
			struct json_iter it = {0};
			int n = 0;

			buf_addc(scratch, '[');
			while (json_next(&it, in->messages, &key, &value) && value.s != last.s) {
				if (n++)
					buf_addc(scratch, ',');
				buf_addspan(scratch, value);
			}
			buf_addc(scratch, ']');
			in->messages = buf_span(scratch);
		}
		return 0;
	}
	if (prompt.s && json_string(prompt, scratch))
		return err_set(e, "`prompt` is no string");
	middle = scratch->len;
	if (completion.s && !(flags & CHAT_NO_REFERENCE) && json_string(completion, scratch))
		return err_set(e, "`completion` is no string");
	if (!scratch->data)
		buf_adds(scratch, "");
	if (prompt.s)
		in->prompt = (struct span){scratch->data, middle};
	if (completion.s && !(flags & CHAT_NO_REFERENCE))
		in->completion = (struct span){scratch->data + middle, scratch->len - middle};
	return 0;
}

int chat_encode_prompt(const struct chat *c, const struct chat_input *in, struct buf *text,
		       struct tokens *out, struct err *e)
{
	struct buf own = BUF_INIT, *b = text ? text : &own;
	struct chat_messages m = {0};
	size_t from = b->len;
	int rc = 0;

	if (in->messages.s)
		rc = chat_messages_of(c, in->messages, &m, e);
	else if (in->prompt.s)
		buf_addspan(b, in->prompt);
	else
		rc = err_set(e, "there is neither `messages` nor `prompt`");
	if (!rc && in->messages.s && !c->template)
		rc = plain_prompt(c, &m, b, out, e);
	else if (!rc)
		rc = (in->messages.s &&
		      chat_render_messages(c, &m, m.n, in->tools, 1, b, NULL, e)) ||
				     chat_encode_text(c,
						      (struct span){buf_span(b).s + from,
								    b->len - from},
						      out, e)
			     ? -1
			     : 0;
	chat_messages_release(&m);
	buf_release(&own);
	return rc;
}

/* --- loading --- */

const char *chat_warning(const struct chat *c)
{
	return c->warning.len ? c->warning.data : NULL;
}

const int32_t *chat_stops(const struct chat *c, size_t *n)
{
	*n = c->stops.n;
	return c->stops.ids;
}

void chat_free(struct chat *c)
{
	if (!c)
		return;
	jinja_free(c->template);
	jinja_free(c->tool_template);
	tokens_release(&c->stops);
	buf_release(&c->warning);
	free(c);
}

/* Renders a fixed conversation; 0 and its text, or -1 where the template refuses it. */
static int try(const struct chat *c, const char *messages, struct buf *text)
{
	struct chat_messages m;
	struct err e = ERR_INIT;
	int rc;

	buf_clear(text);
	if (chat_messages_of(c, span_of(messages), &m, &e))
		return -1;
	rc = chat_render_messages(c, &m, m.n, (struct span){NULL, 0}, 0, text, NULL, &e);
	chat_messages_release(&m);
	return rc;
}

/* The added token that closes an assistant's turn, found by rendering one: white space at most may
 * stand before it. */
static int32_t end_of_turn(const struct chat *c)
{
	static const char content[] = "ft-answer";
	struct buf text = BUF_INIT, piece = BUF_INIT;
	struct tokens ids = {0};
	struct err e = ERR_INIT;
	const char *at = NULL;
	int32_t found = -1;
	size_t i, k;

	if (!try(c,
		 "[{\"role\":\"user\",\"content\":\"ft-question\"},{\"role\":\"assistant\",\"content\":\"ft-answer\"}]",
		 &text) &&
	    text.len)
		at = memmem(text.data, text.len, content, sizeof content - 1);
	if (at) {
		at += sizeof content - 1;
		if (!tokenizer_encode(c->t, (struct span){at, (size_t)(text.data + text.len - at)},
				      TOKENIZER_CONTINUES, &ids, &e))
			for (i = 0; i < ids.n; i++) {
				buf_clear(&piece);
				tokenizer_decode(c->t, ids.ids + i, 1, TOKENIZER_KEEP_START,
						 &piece);
				for (k = 0; k < piece.len && piece.data[k] &&
					    strchr(" \n\r\t", piece.data[k]);
				     k++)
					;
				if (k < piece.len) {
					found = tokenizer_is_added(c->t, ids.ids[i]) ? ids.ids[i]
										     : -1;
					break;
				}
			}
	}
	buf_release(&text);
	buf_release(&piece);
	tokens_release(&ids);
	return found;
}

static int has_stop(const struct chat *c, int32_t id)
{
	size_t i;

	for (i = 0; i < c->stops.n; i++)
		if (c->stops.ids[i] == id)
			return 1;
	return 0;
}

/* Does the prompt for an answer hold something that the answer, as the template writes it, does not
 * begin with? */
static int opens_more(const struct chat *c)
{
	static const char asked[] = "[{\"role\":\"user\",\"content\":\"ft-question\"}]";
	struct buf full = BUF_INIT, prompt = BUF_INIT;
	struct chat_messages m;
	struct err e = ERR_INIT;
	int yes = 0;

	if (!try(c,
		 "[{\"role\":\"user\",\"content\":\"ft-question\"},{\"role\":\"assistant\",\"content\":\"ft-answer\"}]",
		 &full) &&
	    !chat_messages_of(c, span_of(asked), &m, &e)) {
		yes = !chat_render_messages(c, &m, m.n, (struct span){NULL, 0}, 1, &prompt, NULL,
					    &e) &&
		      (prompt.len > full.len || memcmp(prompt.data, full.data, prompt.len));
		chat_messages_release(&m);
	}
	buf_release(&full);
	buf_release(&prompt);
	return yes;
}

/* What can only be learned by trying the template. */
static void probe(struct chat *c)
{
	static const char calls[] =
		"[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{\"id\":\"abcdef123\",\"type\":\"function\","
		"\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"x\\\":1}\"}}]},"
		"{\"role\":\"tool\",\"tool_call_id\":\"abcdef123\",\"name\":\"f\",\"content\":\"1\"}]";
	struct buf text = BUF_INIT;
	int32_t end;

	if (try(c, "[{\"role\":\"user\",\"content\":\"a\"}]", &text)) {
		c->no_tools_undefined = 1;
		if (try(c, "[{\"role\":\"user\",\"content\":\"a\"}]", &text))
			c->no_tools_undefined = 0;
	}
	end = end_of_turn(c);
	if (try(c, calls, &text)) {
		c->arguments_as_text = 1;
		if (try(c, calls, &text))
			/* it knows no calls, or wants more of them than this */
			c->arguments_as_text = 0;
	}
	buf_release(&text);
	if (end >= 0 && !has_stop(c, end))
		tokens_add(&c->stops, end);
	if (opens_more(c))
		buf_addf(&c->warning,
			 "the chat template's generation prompt says more than an answer in it does (it opens a block, <think> say): an answer "
			 "is trained on from before that block");
	if (end < 0)
		buf_addf(&c->warning,
			 "%sthe chat template ends an assistant's turn with no token of its own; the tokenizer's EOS is put there",
			 c->warning.len ? "; " : "");
}

static struct chat *new_chat(const struct tokenizer *t)
{
	struct chat *c = mem_alloc(1, sizeof *c);
	const int32_t *stops;
	size_t n;

	c->t = t;
	stops = tokenizer_stops(t, &n);
	tokens_append(&c->stops, stops, n);
	return c;
}

static struct chat *finish(struct chat *c, const char *name)
{
	if (c->template)
		probe(c);
	else
		buf_addf(&c->warning,
			 "%s has no chat template: turns are given as plain text, each ended by a newline, the assistant's by %s",
			 name, tokenizer_eos(c->t) >= 0 ? "EOS" : "nothing (it has no EOS either)");
	return c;
}

struct chat *chat_new(struct span source, const char *name, const struct tokenizer *t,
		      struct err *e)
{
	struct chat *c = new_chat(t);

	if (source.s && !(c->template = jinja_compile(source, name, e))) {
		chat_free(c);
		return NULL;
	}
	return finish(c, name);
}

static int compile(struct jinja **to, struct span json, const char *path, struct err *e)
{
	struct buf source = BUF_INIT;

	json_string(json, &source);
	jinja_free(*to);
	*to = jinja_compile(buf_span(&source), path, e);
	buf_release(&source);
	return *to ? 0 : -1;
}

/* `chat_template` of a JSON file: a string, or a list of {"name", "template"}. 1 where there was
 * one. */
static int from_json(struct chat *c, const char *path, struct err *e)
{
	struct buf text = BUF_INIT;
	struct span v, t, key, x;
	struct json_iter it = {0};
	int rc = 0;

	if (!file_exists(path))
		return 0;
	if (file_read(path, TEMPLATE_FILE_MAX, &text, e) ||
	    (json_check(buf_span(&text), &v, e) && err_prefix(e, "%s", path))) {
		buf_release(&text);
		return -1;
	}
	t = json_member(v, "chat_template");
	if (json_kind(t) == JSON_STRING)
		rc = compile(&c->template, t, path, e);
	while (json_kind(t) == JSON_ARRAY && !rc && json_next(&it, t, &key, &x)) {
		struct span name = json_member(x, "name"), source = json_member(x, "template");

		if (json_kind(source) != JSON_STRING)
			rc = err_set(e, "%s: an entry of chat_template has no template", path);
		else if (json_is(name, "tool_use"))
			rc = compile(&c->tool_template, source, path, e);
		else if (json_is(name, "default") || json_count(t) == 1)
			rc = compile(&c->template, source, path, e);
	}
	if (!rc && json_count(t) && !c->template) {
		if (!c->tool_template)
			rc = err_set(e, "%s: chat_template lists none named \"default\"", path);
		c->template = c->tool_template;
		c->tool_template = NULL;
	}
	buf_release(&text);
	return rc ? -1 : c->template != NULL;
}

struct chat *chat_load(const char *dir, const struct tokenizer *t, struct err *e)
{
	static const char *const files[] = {"chat_template.json", "tokenizer_config.json"};
	struct chat *c = new_chat(t);
	char *path = file_join(dir, "chat_template.jinja");
	struct buf source = BUF_INIT;
	int rc = 0;
	size_t i;

	if (file_exists(path)) {
		rc = file_read(path, JINJA_SOURCE_MAX, &source, e);
		if (!rc && !(c->template = jinja_compile(buf_span(&source), path, e)))
			rc = -1;
		buf_release(&source);
	}
	for (i = 0; i < 2 && !rc && !c->template; i++) {
		free(path);
		path = file_join(dir, files[i]);
		rc = from_json(c, path, e) < 0 ? -1 : 0;
	}
	free(path);
	if (rc) {
		chat_free(c);
		return NULL;
	}
	return finish(c, dir);
}

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

/* --- rendering --- */

static void put_token(struct jw *w, const char *key, const struct tokenizer *t, int32_t id)
{
	struct span s = tokenizer_token(t, id);

	if (!s.s)
		return;
	jw_put_text(w, key, s);
}

/* What every rendering sets by itself; a user's variable of such a name would be the second. */
int chat_is_own_variable(struct span name)
{
	static const char *const names[] = {"messages",	 "tools",
					    "documents", "add_generation_prompt",
					    "bos_token", "eos_token",
					    "pad_token", "unk_token"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (name.n == strlen(names[i]) && !memcmp(name.s, names[i], name.n))
			return 1;
	return 0;
}

/* The variables of one object that another does not set. */
static void put_vars(struct jw *w, struct span vars, struct span but)
{
	struct json_iter it = {0};
	struct span key, value;
	struct buf name = BUF_INIT;

	while (json_next(&it, vars, &key, &value)) {
		buf_clear(&name);
		json_string(key, &name);
		if (chat_is_own_variable(buf_span(&name)) ||
		    memchr(name.data ? name.data : "", 0, name.len) ||
		    json_member(but, name.data ? name.data : "").s)
			continue;
		jw_put_raw(w, name.data ? name.data : "", value);
	}
	buf_release(&name);
}

int chat_has_unread(const struct chat *c, struct span vars, struct buf *name)
{
	struct json_iter it = {0};
	struct span key, value;
	struct buf own = BUF_INIT, *b = name ? name : &own;
	int found = 0;

	while (!found && json_next(&it, vars, &key, &value)) {
		buf_clear(b);
		json_string(key, b);
		found = !chat_is_own_variable(buf_span(b)) &&
			!(c->template && jinja_reads(c->template, buf_span(b))) &&
			!(c->tool_template && jinja_reads(c->tool_template, buf_span(b)));
	}
	buf_release(&own);
	return found;
}

/* A refusal that a system turn brings about gets the line that mends it. */
static int explain(const struct chat *c, const struct chat_messages *m, const struct chat_input *in,
		   int generate, struct err *e)
{
	struct chat_messages rest = {.json = m->json, .at = m->at + 1, .n = m->n - 1};
	struct buf text = BUF_INIT;
	struct err ignored = ERR_INIT, why = *e;

	if (rest.n && json_is(json_member(chat_message(m, 0), "role"), "system") &&
	    !json_is(json_member(chat_message(m, 1), "role"), "system") &&
	    !chat_render_messages(c, &rest, rest.n, in, generate, &text, NULL, &ignored))
		err_set(e,
			"%.600s; it has no place for a system turn, which this folds into the user's: jq -c '.messages |= if .[0].role == \"system\" then "
			".[0].content as $s | .[1:] | .[0].content |= $s + \"\\n\\n\" + . else . end'",
			why.msg);
	buf_release(&text);
	return -1;
}

int chat_render_messages(const struct chat *c, const struct chat_messages *m, size_t n,
			 const struct chat_input *in, int generate, struct buf *text,
			 struct jinja_marks *marks, struct err *e)
{
	int tools = json_kind(in->tools) == JSON_ARRAY && json_count(in->tools);
	const struct jinja *t = c->tool_template && tools ? c->tool_template : c->template;
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
	if (tools)
		jw_put_raw(&w, "tools", in->tools);
	else if (!c->no_tools_undefined)
		jw_put_null(&w, "tools");
	jw_put_null(&w, "documents");
	jw_put_bool(&w, "add_generation_prompt", generate);
	put_token(&w, "bos_token", c->t, tokenizer_bos(c->t));
	put_token(&w, "eos_token", c->t, tokenizer_eos(c->t));
	put_token(&w, "pad_token", c->t, tokenizer_pad(c->t));
	put_token(&w, "unk_token", c->t, tokenizer_unk(c->t));
	put_vars(&w, buf_span(&c->vars), in->vars);
	put_vars(&w, in->vars, (struct span){NULL, 0});
	jw_end(&w);
	rc = vars.full ? err_set(e, "the conversation is too long")
		       : jinja_render(t, buf_span(&vars), c->now, c->limits, text, marks, e);
	buf_release(&vars);
	return rc && n ? explain(c, &(struct chat_messages){m->json, m->at, n}, in, generate, e)
		       : rc;
}

/* --- the plain template --- */

int chat_plain_turn(const struct chat *c, const struct chat_messages *m, size_t i, struct buf *text,
		    struct tokens *out, int *assistant, struct err *e)
{
	struct span v = chat_message(m, i), content = json_member(v, "content");
	int32_t eos = tokenizer_eos(c->t);
	size_t from = text->len;

	*assistant = chat_is_assistant(m, i);
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

int chat_encode_part(const struct chat *c, struct span text, size_t begin, size_t end,
		     struct tokens *out, struct err *e)
{
	/* After an added token tokenizers begin anew. */
	int anew = out->n && tokenizer_is_added(c->t, out->ids[out->n - 1]);

	return tokenizer_encode(c->t, (struct span){text.s + begin, end - begin},
				anew ? 0 : TOKENIZER_CONTINUES, out, e);
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
		rc = (in->messages.s && chat_render_messages(c, &m, m.n, in, 1, b, NULL, e)) ||
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
	buf_release(&c->ending);
	buf_release(&c->vars);
	buf_release(&c->warning);
	free(c);
}

static struct chat *new_chat(const struct tokenizer *t, const struct chat_options *o)
{
	struct chat *c = mem_alloc(1, sizeof *c);
	const int32_t *stops;
	size_t n;

	c->t = t;
	if (o && o->vars.n)
		buf_addspan(&c->vars, o->vars);
	c->now = o ? o->now : 0;
	stops = tokenizer_stops(t, &n);
	tokens_append(&c->stops, stops, n);
	return c;
}

/* Finds out about the template what it has to. NULL with the reason where what the user set cannot
 * reach one. */
static struct chat *finish(struct chat *c, const char *name, const struct chat_options *o,
			   struct err *e)
{
	struct buf unread = BUF_INIT;

	if (!c->template && o && (o->vars.n || o->now)) {
		err_set(e, "--template-%s is for a chat template, and %s has none",
			o->vars.n ? "var" : "date", name);
		chat_free(c);
		return NULL;
	}
	if (!c->template)
		buf_addf(&c->warning,
			 "%s has no chat template: turns are given as plain text, each ended by a newline, the assistant's by %s",
			 name, tokenizer_eos(c->t) >= 0 ? "EOS" : "nothing (it has no EOS either)");
	else
		chat_probe(c);
	if (c->template && chat_has_unread(c, buf_span(&c->vars), &unread))
		buf_addf(&c->warning,
			 "%sthe chat template reads no variable \"%.100s\": --template-var changes nothing there",
			 c->warning.len ? "; " : "", buf_span(&unread).s);
	buf_release(&unread);
	return c;
}

struct chat *chat_new(struct span source, const char *name, const struct tokenizer *t,
		      const struct chat_options *o, struct err *e)
{
	struct chat *c = new_chat(t, o);

	if (source.s && !(c->template = jinja_compile(source, name, e))) {
		chat_free(c);
		return NULL;
	}
	return finish(c, name, o, e);
}

/* Errors name the template's own line, so not the file's alone. */
static int compile(struct jinja **to, struct span json, const char *path, struct err *e)
{
	struct buf source = BUF_INIT, name = BUF_INIT;

	json_string(json, &source);
	jinja_free(*to);
	buf_addf(&name, "%s (chat_template)", path);
	*to = jinja_compile(buf_span(&source), name.data, e);
	buf_release(&source);
	buf_release(&name);
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
	if (json_file(path, TEMPLATE_FILE_MAX, &text, &v, e)) {
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

struct chat *chat_load(const char *dir, const struct tokenizer *t, const struct chat_options *o,
		       struct err *e)
{
	static const char *const files[] = {"chat_template.json", "tokenizer_config.json"};
	struct chat *c = new_chat(t, o);
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
	return finish(c, dir, o, e);
}

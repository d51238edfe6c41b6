/* What of a conversation leaves no trace in the text that the template makes of it.
 *
 * Where a part's own words stand in the text they are there. Where they do not (they are short, or
 * the template writes them in another way), the conversation is rendered once more with other words
 * in their place: the same text means that the part is left out.
 */
#include <string.h>
#include "../json/json.h"
#include "../json/jw.h"
#include "chat_impl.h"

#define WORDS 8 /* bytes; fewer may stand in a text by chance */
#define OTHER \
	"\"\xe2\x9f\xa6" \
	"ft" \
	"\xe2\x9f\xa7\""

struct search {
	const struct chat *c;
	const struct chat_messages *m;
	const struct chat_input *in;
	struct span full;
	struct buf words, message, text;
};

static struct span trim(struct span s)
{
	while (s.n && strchr(" \n\r\t", s.s[s.n - 1]))
		s.n--;
	while (s.n && strchr(" \n\r\t", *s.s))
		s.s++, s.n--;
	return s;
}

static int stands(const struct search *k, struct span words)
{
	words = trim(words);
	return words.n >= WORDS && memmem(k->full.s, k->full.n, words.s, words.n);
}

/* Whether message i in the words of k->message gives the same text. */
static int is_same(struct search *k, size_t i)
{
	struct chat_messages changed;
	struct err ignored = ERR_INIT;
	int rc;

	buf_clear(&k->text);
	chat_messages_set(k->m, i, buf_span(&k->message), &changed);
	rc = chat_render_messages(k->c, &changed, changed.n, k->in, 0, &k->text, NULL, &ignored);
	chat_messages_release(&changed);
	return !rc && k->text.len == k->full.n &&
	       (!k->full.n || !memcmp(k->text.data, k->full.s, k->full.n));
}

static int is_lost(struct search *k, size_t i, struct span part)
{
	buf_clear(&k->words);
	json_string(part, &k->words);
	if (!trim(buf_span(&k->words)).n || stands(k, buf_span(&k->words)))
		return 0;
	buf_clear(&k->message);
	chat_message_with(chat_message(k->m, i), part, OTHER, &k->message);
	return is_same(k, i);
}

/* Reasoning that stands within the content, before </think>. */
static int is_thought_lost(struct search *k, size_t i, struct span content)
{
	struct buf json = BUF_INIT;
	const char *from, *to;
	int lost = 0;

	buf_clear(&k->words);
	json_string(content, &k->words);
	to = k->words.len ? memmem(k->words.data, k->words.len, "</think>", 8) : NULL;
	if (!to)
		return 0;
	from = memmem(k->words.data, (size_t)(to - k->words.data), "<think>", 7);
	from = from ? from + 7 : k->words.data;
	if (trim((struct span){from, (size_t)(to - from)}).n &&
	    !stands(k, (struct span){from, (size_t)(to - from)})) {
		struct buf other = BUF_INIT;

		buf_add(&other, k->words.data, (size_t)(from - k->words.data));
		buf_adds(&other, "\xe2\x9f\xa6"
				 "ft"
				 "\xe2\x9f\xa7");
		buf_add(&other, to, (size_t)(k->words.data + k->words.len - to));
		json_put_string(&json, other.data, other.len);
		buf_addc(&json, 0);
		buf_clear(&k->message);
		chat_message_with(chat_message(k->m, i), content, json.data, &k->message);
		lost = is_same(k, i);
		buf_release(&other);
	}
	buf_release(&json);
	return lost;
}

/* A call is lost where its name or its arguments are. */
static int is_call_lost(struct search *k, size_t i, struct span call)
{
	struct span f = json_member(call, "function"), args = json_member(f, "arguments");

	if (is_lost(k, i, json_member(f, "name")))
		return 1;
	if (json_kind(args) == JSON_STRING)
		return is_lost(k, i, args);
	if (!json_count(args))
		return 0;
	buf_clear(&k->message);
	chat_message_with(chat_message(k->m, i), args, "{}", &k->message);
	return is_same(k, i);
}

static void note(size_t *lost, size_t i, int is)
{
	if (is && !*lost)
		*lost = i + 1;
}

static void look_at(struct search *k, size_t i, size_t lost[CHAT_PARTS])
{
	struct span v = chat_message(k->m, i), content = json_member(v, "content"),
		    thought = chat_reasoning(v), none, call;
	struct json_iter it = {0};

	note(&lost[CHAT_MESSAGE], i, is_lost(k, i, content));
	if (k->in->last_only && i + 1 < k->m->n)
		; /* not trained on */
	else if (thought.s)
		note(&lost[CHAT_REASONING], i, !k->c->template || is_lost(k, i, thought));
	else if (json_is(json_member(v, "role"), "assistant"))
		note(&lost[CHAT_REASONING], i, is_thought_lost(k, i, content));
	struct span called = json_member(v, "tool_calls");
	while (!lost[CHAT_CALLS] && json_next(&it, called, &none, &call))
		note(&lost[CHAT_CALLS], i, is_call_lost(k, i, call));
}

int chat_lost(const struct chat *c, const struct chat_input *in, size_t lost[CHAT_PARTS],
	      struct err *e)
{
	struct chat_messages m;
	struct chat_input without = *in;
	struct buf full = BUF_INIT;
	struct search k = {.c = c, .m = &m, .in = in};
	int rc = -1;

	memset(lost, 0, CHAT_PARTS * sizeof *lost);
	if (!in->messages.s)
		return 0;
	note(&lost[CHAT_VARS], 0, chat_has_unread(c, in->vars, NULL));
	if (chat_messages_of(c, in->messages, &m, e))
		return -1;
	if (in->upto && in->upto < m.n)
		m.n = in->upto;
	if (c->template && chat_render_messages(c, &m, m.n, in, 0, &full, NULL, e))
		goto cleanup;
	k.full = buf_span(&full);
	for (size_t i = 0; i < m.n; i++)
		if (c->template)
			look_at(&k, i, lost);
		else if (!in->last_only || i + 1 == m.n)
			note(&lost[CHAT_REASONING], i,
			     chat_reasoning(chat_message(&m, i)).s != NULL);
	if (json_count(in->tools)) {
		struct err ignored = ERR_INIT;

		without.tools = (struct span){NULL, 0};
		buf_clear(&k.text);
		note(&lost[CHAT_TOOLS], 0,
		     !c->template || (!chat_render_messages(c, &m, m.n, &without, 0, &k.text, NULL,
							    &ignored) &&
				      k.text.len == full.len &&
				      (!full.len || !memcmp(k.text.data, full.data, full.len))));
	}
	rc = 0;
cleanup:
	chat_messages_release(&m);
	buf_release(&full);
	buf_release(&k.words);
	buf_release(&k.message);
	buf_release(&k.text);
	return rc;
}

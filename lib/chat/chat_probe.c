/* What can only be learned of a template by trying it: how it wants its input, what it leaves out,
 * and with which token it ends a turn. See chat_impl.h.
 */
#include <string.h>
#include "chat_impl.h"

/* Renders a fixed conversation; 0 and its text, or -1 where the template refuses it. */
static int try_as(const struct chat *c, const char *messages, int generate, struct buf *text)
{
	struct chat_messages m;
	struct err e = ERR_INIT;
	int rc;

	buf_clear(text);
	if (chat_messages_of(c, span_of(messages), &m, &e))
		return -1;
	rc = chat_render_messages(c, &m, m.n, &(struct chat_input){0}, generate, text, NULL, &e);
	chat_messages_release(&m);
	return rc;
}

static int try(const struct chat *c, const char *messages, struct buf *text)
{
	return try_as(c, messages, 0, text);
}

static int writes(const struct chat *c, const char *messages, const char *word, struct buf *text)
{
	return !try(c, messages, text) && text->len &&
	       memmem(text->data, text->len, word, strlen(word));
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

/* Under which name the template reads reasoning, of an answer in words or beside calls; NULL where
 * it reads none. */
static const char *reasoning_name(struct chat *c, struct buf *text)
{
	static const char *const names[] = {"reasoning_content", "reasoning", "thinking"};
	static const char answer[] =
		"[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":\"b\",\"reasoning\":\"ft-thought\"}]";
	static const char call[] =
		"[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":\"\",\"reasoning\":\"ft-thought\",\"tool_calls\":"
		"[{\"id\":\"abcdef123\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]}]";

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		c->reasoning = names[i];
		if (writes(c, answer, "ft-thought", text) || writes(c, call, "ft-thought", text))
			return names[i];
	}
	return NULL;
}

void chat_probe(struct chat *c)
{
	static const char calls[] =
		"[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{\"id\":\"abcdef123\",\"type\":\"function\","
		"\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"x\\\":1}\"}}]},"
		"{\"role\":\"tool\",\"tool_call_id\":\"abcdef123\",\"name\":\"f\",\"content\":\"1\"}]";
	static const char developer[] =
		"[{\"role\":\"developer\",\"content\":\"ft-developer\"},{\"role\":\"user\",\"content\":\"a\"}]";
	struct buf text = BUF_INIT, with = BUF_INIT;
	int32_t end;

	c->knows_developer = 1;
	if (try(c, "[{\"role\":\"user\",\"content\":\"a\"}]", &text)) {
		c->no_tools_undefined = 1;
		if (try(c, "[{\"role\":\"user\",\"content\":\"a\"}]", &text))
			c->no_tools_undefined = 0;
	}
	c->knows_developer = writes(c, developer, "ft-developer", &text);
	c->ignores_generation = !try(c, "[{\"role\":\"user\",\"content\":\"a\"}]", &text) &&
				!try_as(c, "[{\"role\":\"user\",\"content\":\"a\"}]", 1, &with) &&
				text.len == with.len && !memcmp(text.data, with.data, text.len);
	end = end_of_turn(c);
	if (try(c, calls, &text)) {
		c->arguments_as_text = 1;
		if (try(c, calls, &text))
			/* it knows no calls, or wants more of them than this */
			c->arguments_as_text = 0;
	}
	c->reasoning = reasoning_name(c, &text);
	buf_release(&text);
	buf_release(&with);
	if (end >= 0 && !has_stop(c, end))
		tokens_add(&c->stops, end);
	if (end < 0)
		buf_addf(&c->warning,
			 "the chat template ends an assistant's turn with no token of its own; the tokenizer's EOS is put there");
}

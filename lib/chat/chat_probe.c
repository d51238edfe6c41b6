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

int chat_has_system(const struct chat *c)
{
	static const char with[] = "[{\"role\":\"system\",\"content\":\"Brevity.\"},"
				   "{\"role\":\"user\",\"content\":\"Question.\"}]",
			  without[] = "[{\"role\":\"user\",\"content\":\"Question.\"}]";
	struct buf text = BUF_INIT;
	int has = !c->template || writes(c, with, "Brevity.", &text) ||
		  !writes(c, without, "Question.", &text);

	buf_release(&text);
	return has;
}

/* Whether a token is among those of ids[from, n). */
static int is_among(const struct tokens *ids, size_t from, int32_t id)
{
	for (size_t i = from; i < ids->n; i++)
		if (ids->ids[i] == id)
			return 1;
	return 0;
}

/* The last added token before the last place of a word, which is looked for as text; -1: none. */
static int32_t added_before(const struct chat *c, const struct buf *text, const char *word)
{
	struct tokens ids = {0};
	struct err ignored = ERR_INIT;
	size_t n = strlen(word), at = text->len;
	int32_t found = -1;

	while (at >= n && memcmp(text->data + at - n, word, n))
		at--;
	if (at >= n && !tokenizer_encode(c->t, (struct span){text->data, at - n},
					 TOKENIZER_CONTINUES, &ids, &ignored))
		for (size_t i = ids.n; i-- && found < 0;)
			found = tokenizer_is_added(c->t, ids.ids[i]) ? ids.ids[i] : -1;
	tokens_release(&ids);
	return found;
}

/* What a rendering has behind the last place of a word. */
static struct span behind(const struct buf *text, const char *word)
{
	size_t n = strlen(word), at = text->len;

	while (at >= n && memcmp(text->data + at - n, word, n))
		at--;
	return at >= n ? (struct span){text->data + at, text->len - at} : (struct span){NULL, 0};
}

/* The added token that closes an assistant's turn, and in c->ending what the template writes up to
 * it. Of the added tokens behind an answer (white space at most may stand before the first) it is
 * the last of those that stand there whether a question follows or not, less what stands there more
 * than once, which closes parts of the turn, and what an answer's prompt has or a question begins
 * with, which begins turns; else the first. */
static int32_t end_of_turn(struct chat *c)
{
	static const char question[] = "{\"role\":\"user\",\"content\":\"ft-question\"}",
			  answer[] = "{\"role\":\"assistant\",\"content\":\"ft-answer\"}";
	struct buf m = BUF_INIT, text = BUF_INIT, other = BUF_INIT, piece = BUF_INIT;
	struct tokens ids = {0}, opening = {0};
	struct err e = ERR_INIT;
	struct span tail = {NULL, 0}, follows = {NULL, 0};
	size_t common = 0, at = 0;
	int32_t found = -1, begins;

	buf_addf(&m, "[%s]", question);
	if (!c->ignores_generation && !try(c, m.data, &other) && !try_as(c, m.data, 1, &text) &&
	    text.len > other.len && other.len && !memcmp(text.data, other.data, other.len))
		tokenizer_encode(c->t, (struct span){text.data + other.len, text.len - other.len},
				 TOKENIZER_CONTINUES, &opening, &e);
	if (other.len && (begins = added_before(c, &other, "ft-question")) >= 0)
		tokens_add(&opening, begins);
	buf_clear(&m);
	buf_addf(&m, "[%s,%s]", question, answer);
	if (!try(c, m.data, &text) && text.len)
		tail = behind(&text, "ft-answer");
	buf_clear(&m);
	buf_addf(&m, "[%s,%s,%s]", question, answer, question);
	if (!c->ignores_generation && !try(c, m.data, &other) && other.len)
		follows = behind(&other, "ft-answer");
	while (common < tail.n && common < follows.n && tail.s[common] == follows.s[common])
		common++;
	if (!tail.n || tokenizer_encode(c->t, tail, TOKENIZER_CONTINUES, &ids, &e))
		ids.n = 0;
	for (size_t i = 0; i < ids.n; i++) {
		int32_t id = ids.ids[i];
		int added = tokenizer_is_added(c->t, id);

		buf_clear(&piece);
		if (added)
			buf_addspan(&piece, tokenizer_token(c->t, id));
		else
			tokenizer_decode(c->t, &id, 1, TOKENIZER_KEEP_START, &piece);
		at += piece.len;
		if (found < 0 && !added && piece.len && strspn(piece.data, " \n\r\t") < piece.len)
			break;
		if (!added || (found >= 0 && (at > common || is_among(&opening, 0, id))))
			continue;
		if (found < 0 || (!is_among(&ids, i + 1, id))) {
			found = id;
			buf_clear(&c->ending);
			if (at <= tail.n)
				buf_add(&c->ending, tail.s, at);
		}
	}
	buf_release(&m);
	buf_release(&text);
	buf_release(&other);
	buf_release(&piece);
	tokens_release(&ids);
	tokens_release(&opening);
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

/* How the content beside calls is given: null where a call is then written with less around it, or
 * only then, as templates do that ask `content is none`. */
static void probe_null(struct chat *c)
{
	static const char call[] =
		"[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":null,\"tool_calls\":"
		"[{\"id\":\"abcdef123\",\"type\":\"function\",\"function\":{\"name\":\"ft-call\",\"arguments\":\"{\\\"x\\\":1}\"}}]}]";
	struct buf with = BUF_INIT, without = BUF_INIT;
	int shown = writes(c, call, "ft-call", &with), as_text = c->arguments_as_text;

	c->null_beside_calls = 1;
	if (!writes(c, call, "ft-call", &without)) {
		c->arguments_as_text = 1;
		if (!writes(c, call, "ft-call", &without))
			buf_clear(&without);
	}
	if (!without.len || (shown && without.len >= with.len)) {
		c->null_beside_calls = 0;
		c->arguments_as_text = as_text;
	}
	buf_release(&with);
	buf_release(&without);
}

void chat_probe(struct chat *c)
{
	static const char calls[] =
		"[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{\"id\":\"abcdef123\",\"type\":\"function\","
		"\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"x\\\":1}\"}}]},"
		"{\"role\":\"tool\",\"tool_call_id\":\"abcdef123\",\"name\":\"f\",\"content\":\"1\"}]";
	static const char developer[] =
		"[{\"role\":\"developer\",\"content\":\"ft-developer\"},{\"role\":\"user\",\"content\":\"a\"}]";
	/* Some dozen renderings of a few words: what takes more is no template's way with them. */
	static const struct jinja_limits few = {1000000, (size_t)16 << 20, (size_t)64 << 20};
	struct buf text = BUF_INIT, with = BUF_INIT;
	int32_t end;

	c->limits = &few;
	c->knows_developer = 1;
	if (try(c, "[{\"role\":\"user\",\"content\":\"a\"}]", &text)) {
		c->no_tools_undefined = 1;
		if (try(c, "[{\"role\":\"user\",\"content\":\"a\"}]", &text))
			c->no_tools_undefined = 0;
	}
	c->knows_developer = writes(c, developer, "ft-developer", &text);
	c->ignores_generation = !try(c, "[{\"role\":\"user\",\"content\":\"a\"}]", &text) &&
				!try_as(c, "[{\"role\":\"user\",\"content\":\"a\"}]", 1, &with) &&
				span_eq(buf_span(&text), buf_span(&with));
	end = end_of_turn(c);
	if (try(c, calls, &text)) {
		c->arguments_as_text = 1;
		if (try(c, calls, &text))
			/* it knows no calls, or wants more of them than this */
			c->arguments_as_text = 0;
	}
	probe_null(c);
	c->reasoning = reasoning_name(c, &text);
	c->limits = NULL;
	buf_release(&text);
	buf_release(&with);
	if (end >= 0 && !has_stop(c, end))
		tokens_add(&c->stops, end);
	if (end < 0)
		buf_addf(&c->warning,
			 "the chat template ends an assistant's turn with no token of its own; the tokenizer's EOS is put there");
}

/* What of a conversation leaves no trace in the text that the template makes of it.
 *
 * Where a part's own words stand in the text they are there. Of all parts where they do not (they are
 * short, or the template writes them in another way) the conversation is rendered once more, each with a
 * mark of its own in its place: a mark that stands in that text was written. What is left is tried by
 * itself: the same text with other words in the part's place means that it is left out. So the number of
 * renderings does not grow with the conversation; a rendering takes as long as that is.
 */
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../json/json.h"
#include "../json/jw.h"
#include "chat_impl.h"

#define WORDS 8	     /* bytes; fewer may stand in a text by chance */
#define MISSES 16    /* searches of the whole text for words that are not there */
#define TRIES_MAX 32 /* parts that are tried by themselves; more are taken as written */
#define OPEN \
	"\xe2\x9f\xa6" \
	"ft"
#define CLOSE "\xe2\x9f\xa7"

/* A part of message i that may be left out. */
struct part {
	size_t i;
	enum chat_part kind;
	struct span json; /* in the message */
	/* arguments; reasoning that stands within the content, before </think>; any other text */
	enum { OBJECT, THOUGHT, TEXT } form;
	int written;
};

struct search {
	const struct chat *c;
	const struct chat_messages *m;
	const struct chat_input *in;
	struct span full;
	struct part *v;
	size_t n, cap, from, misses, tries;
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

/* Whether the words stand in the text. Parts mostly stand there in their order, so what lies behind the
 * last one that was found is searched first. */
static int stands(struct search *k, struct span words)
{
	const char *at;

	words = trim(words);
	if (words.n < WORDS || k->misses >= MISSES)
		return 0;
	at = memmem(k->full.s + k->from, k->full.n - k->from, words.s, words.n);
	if (at) {
		k->from = (size_t)(at - k->full.s) + words.n;
		return 1;
	}
	k->misses++;
	return memmem(k->full.s, k->full.n, words.s, words.n) != NULL;
}

/* The thought in k->words: between <think> and </think>. */
static struct span thought_of(const struct search *k)
{
	const char *data = k->words.data, *to, *from;

	to = k->words.len ? memmem(data, k->words.len, "</think>", 8) : NULL;
	if (!to)
		return (struct span){NULL, 0};
	from = memmem(data, (size_t)(to - data), "<think>", 7);
	from = from ? from + 7 : data;
	return (struct span){from, (size_t)(to - from)};
}

static void add(struct search *k, size_t i, enum chat_part kind, struct span json, int form)
{
	struct span words;

	buf_clear(&k->words);
	json_string(json, &k->words);
	words = form == THOUGHT ? thought_of(k) : buf_span(&k->words);
	if (form == OBJECT ? !json_count(json) : !trim(words).n)
		return;
	k->v = mem_grow(k->v, &k->cap, k->n + 1, sizeof *k->v);
	k->v[k->n++] = (struct part){.i = i,
				     .kind = kind,
				     .json = json,
				     .form = form,
				     .written = form != OBJECT && stands(k, words)};
}

static void add_parts(struct search *k, size_t i)
{
	struct span v = chat_message(k->m, i), content = json_member(v, "content"),
		    thought = chat_reasoning(v), called = json_member(v, "tool_calls"), none, call;
	struct json_iter it = {0};

	add(k, i, CHAT_MESSAGE, content, TEXT);
	if (k->in->last_only && i + 1 < k->m->n)
		; /* not trained on */
	else if (thought.s)
		add(k, i, CHAT_REASONING, thought, TEXT);
	else if (json_is(json_member(v, "role"), "assistant"))
		add(k, i, CHAT_REASONING, content, THOUGHT);
	while (json_next(&it, called, &none, &call)) {
		struct span f = json_member(call, "function"), args = json_member(f, "arguments");

		add(k, i, CHAT_CALLS, json_member(f, "name"), TEXT);
		add(k, i, CHAT_CALLS, args, json_kind(args) == JSON_STRING ? TEXT : OBJECT);
	}
}

/* Appends the JSON of a part with words in its place. */
static void put_other(struct search *k, const struct part *p, struct span words, int object,
		      struct buf *to)
{
	struct buf text = BUF_INIT;
	struct span thought;

	if (p->form == OBJECT && !object) {
		buf_adds(to, "{}");
		return;
	}
	if (p->form == THOUGHT) {
		buf_clear(&k->words);
		json_string(p->json, &k->words);
		thought = thought_of(k);
		buf_add(&text, k->words.data, (size_t)(thought.s - k->words.data));
		buf_addspan(&text, words);
		thought.s += thought.n;
		buf_add(&text, thought.s, (size_t)(k->words.data + k->words.len - thought.s));
		words = buf_span(&text);
	}
	buf_adds(to, p->form == OBJECT ? "{" : "");
	json_put_string(to, words.s, words.n);
	buf_adds(to, p->form == OBJECT ? ":\"\"}" : "");
	buf_release(&text);
}

/* Whether the template makes the same text with other words in the place of the part. */
static int is_lost(struct search *k, const struct part *p)
{
	struct span message = chat_message(k->m, p->i), other = span_of(OPEN CLOSE);
	struct chat_messages changed;
	struct err ignored = ERR_INIT;
	int rc;

	if (k->tries++ >= TRIES_MAX || (k->in->stopping && k->in->stopping()))
		return 0;
	buf_clear(&k->message);
	buf_add(&k->message, message.s, (size_t)(p->json.s - message.s));
	put_other(k, p, other, 0, &k->message);
	buf_add(&k->message, p->json.s + p->json.n,
		(size_t)(message.s + message.n - p->json.s) - p->json.n);
	buf_clear(&k->text);
	chat_messages_set(k->m, p->i, buf_span(&k->message), &changed);
	rc = chat_render_messages(k->c, &changed, changed.n, k->in, 0, &k->text, NULL, &ignored);
	chat_messages_release(&changed);
	return !rc && k->text.len == k->full.n &&
	       (!k->full.n || !memcmp(k->text.data, k->full.s, k->full.n));
}

static int by_place(const void *a, const void *b)
{
	const struct part *x = a, *y = b;

	return x->json.s < y->json.s ? -1 : x->json.s > y->json.s;
}

/* The conversation with the mark of its number in place of each part, of reasoning or of all else, that
 * was not found. Parts stand in the order of their places, and none in another. */
static void put_marked(struct search *k, int reasoning, struct chat_messages *out)
{
	struct span all = buf_span(&k->m->json);
	const char *from = all.s;
	size_t next = 0;

	memset(out, 0, sizeof *out);
	out->n = k->m->n;
	out->at = mem_alloc(out->n + 1, sizeof *out->at);
	for (size_t i = 0; i < out->n; i++) {
		const char *end = all.s + k->m->at[i + 1];

		for (; next < k->n && k->v[next].i == i; next++) {
			const struct part *p = &k->v[next];
			char mark[48];

			if (p->written || (p->kind == CHAT_REASONING) != reasoning)
				continue;
			snprintf(mark, sizeof mark, OPEN "%zu" CLOSE, next);
			buf_add(&out->json, from, (size_t)(p->json.s - from));
			put_other(k, p, span_of(mark), 1, &out->json);
			from = p->json.s + p->json.n;
		}
		buf_add(&out->json, from, (size_t)(end - from));
		from = end;
		out->at[i + 1] = out->json.len;
	}
}

/* Enters which marks stand in the text. */
static void read_marks(struct search *k)
{
	struct span text = buf_span(&k->text);
	const char *p = text.s, *end = text.s + text.n;

	while (p < end && (p = memmem(p, (size_t)(end - p), OPEN, sizeof OPEN - 1)) != NULL) {
		char *behind;
		unsigned long long which;

		p += sizeof OPEN - 1;
		which = strtoull(p, &behind, 10);
		if (behind > p && which < k->n && (size_t)(end - behind) >= sizeof CLOSE - 1 &&
		    !memcmp(behind, CLOSE, sizeof CLOSE - 1))
			k->v[which].written = 1;
	}
}

static void mark_all(struct search *k, int reasoning)
{
	struct chat_messages marked;
	struct err ignored = ERR_INIT;
	size_t n = 0;

	for (size_t i = 0; i < k->n; i++)
		n += !k->v[i].written && (k->v[i].kind == CHAT_REASONING) == reasoning;
	if (n < 2) /* is tried by itself */
		return;
	put_marked(k, reasoning, &marked);
	buf_clear(&k->text);
	if (!chat_render_messages(k->c, &marked, marked.n, k->in, 0, &k->text, NULL, &ignored))
		read_marks(k);
	chat_messages_release(&marked);
}

static void note(size_t *lost, size_t i, int is)
{
	if (is && !*lost)
		*lost = i + 1;
}

static void look(struct search *k, size_t lost[CHAT_PARTS])
{
	for (size_t i = 0; i < k->m->n; i++)
		add_parts(k, i);
	if (k->n)
		qsort(k->v, k->n, sizeof *k->v, by_place);
	mark_all(k, 0);
	mark_all(k, 1);
	for (size_t i = 0; i < k->n; i++)
		if (!k->v[i].written && !lost[k->v[i].kind])
			note(&lost[k->v[i].kind], k->v[i].i, is_lost(k, &k->v[i]));
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
	if (c->template)
		look(&k, lost);
	for (size_t i = 0; i < m.n && !c->template; i++)
		if (!in->last_only || i + 1 == m.n)
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
	free(k.v);
	buf_release(&k.words);
	buf_release(&k.message);
	buf_release(&k.text);
	return rc;
}

/* Where in a rendered conversation the turns stand. */
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../json/json.h"
#include "chat_turns.h"

/* Messages that are rendered for one conversation's turns, at most: seconds for a short template, a
 * minute for a long one. A turn takes two renderings or more of all that stands before it, so that it is
 * reached by some 4,000 messages in turn. */
#define RENDERED_MAX 8000000
#define BYTES 256 /* of text that take as long as a message */

struct finder {
	const struct chat *c;
	const struct chat_messages *m;
	const struct chat_input *in;
	size_t rendered;
	int ended; /* by what it took, or by in->stopping */
};

/* Renders the first n messages of m; -1 also once it has ended. */
static int render(struct finder *f, const struct chat_messages *m, size_t n, int generate,
		  struct buf *out, struct err *e)
{
	f->ended |= f->rendered > RENDERED_MAX || (f->in->stopping && f->in->stopping());
	if (f->ended)
		return err_set(e, "to find its turns takes too long");
	if (chat_render_messages(f->c, m, n, f->in, generate, out, NULL, e)) {
		f->rendered += n;
		return -1;
	}
	f->rendered += n + out->len / BYTES;
	return 0;
}

static void turn_add(struct chat_turns *l, struct chat_turn t)
{
	l->v = mem_grow(l->v, &l->cap, l->n + 1, sizeof *l->v);
	l->v[l->n++] = t;
}

static size_t common(struct span a, struct span b)
{
	size_t n = a.n < b.n ? a.n : b.n, i = 0;

	while (i < n && a.s[i] == b.s[i])
		i++;
	while (i && i < n && ((unsigned char)a.s[i] & 0xc0) == 0x80)
		i--; /* whole characters */
	return i;
}

static int starts_with(struct span a, struct span prefix)
{
	return a.n >= prefix.n && !memcmp(a.s, prefix.s, prefix.n);
}

#define MARK \
	"\xe2\x9f\xa6" \
	"ft" \
	"\xe2\x9f\xa7"

/* Message i with the mark in place of its content, or of the name in its first call, and the rest
 * as it stands. */
static void put_marked(const struct chat_messages *m, size_t i, int call, struct buf *b)
{
	struct span v = chat_message(m, i), first = json_element(json_member(v, "tool_calls"), 0);

	buf_clear(b);
	chat_message_with(v,
			  call ? json_member(json_member(first, "function"), "name")
			       : json_member(v, "content"),
			  "\"" MARK "\"", b);
}

/* Renders with another message i; 0 where the mark stands in the text. */
static int render_marked(struct finder *f, size_t i, struct span message, struct buf *out)
{
	struct chat_messages changed;
	struct err ignored = ERR_INIT;
	int rc;

	if (f->ended)
		return -1;
	buf_clear(out);
	chat_messages_set(f->m, i, message, &changed);
	rc = render(f, &changed, f->m->n, 0, out, &ignored);
	chat_messages_release(&changed);
	return !rc && out->len && memmem(out->data, out->len, MARK, sizeof MARK - 1) ? 0 : -1;
}

/* The first place from `from` on behind the text of a token that ends an answer. */
static int find_stop(const struct chat *c, struct span text, size_t from, size_t *at)
{
	int found = 0;

	for (size_t i = 0; i < c->stops.n; i++) {
		struct span s = tokenizer_token(c->t, c->stops.ids[i]);
		const char *p = s.n ? memmem(text.s + from, text.n - from, s.s, s.n) : NULL;

		if (p && (!found || (size_t)(p - text.s) + s.n < *at)) {
			*at = (size_t)(p - text.s) + s.n;
			found = 1;
		}
	}
	return found;
}

/* Where what message i says stands in full: what its rendering does not share with that of another
 * message in its place. Where the template wants this turn's calls (for the answers of tools that
 * follow), only its content or a call's name is replaced, and it ends with the token that ends a
 * turn; of a call alone the beginning is not known. */
static int find_text(struct finder *f, size_t i, struct span full, int begins, struct chat_turn *t,
		     struct err *e)
{
	const struct buf *ending = &f->c->ending;
	struct buf out = BUF_INIT, message = BUF_INIT;
	size_t end = 0;
	int part, rc = 0;

	buf_adds(&message, "{\"role\":\"assistant\",\"content\":\"" MARK "\"}");
	for (part = 0; part < 3 && render_marked(f, i, buf_span(&message), &out); part++)
		put_marked(f->m, i, part, &message);
	if (part == 3 || (part == 2 && begins)) {
		rc = err_set(e,
			     part == 3
				     ? "message %zu: the template leaves this turn out, so it cannot be trained on"
				     : "message %zu: its place in the template's text cannot be told",
			     i + 1);
		goto cleanup;
	}
	t->begin = common(full, buf_span(&out));
	while (end < full.n - t->begin && end < out.len - t->begin &&
	       full.s[full.n - 1 - end] == out.data[out.len - 1 - end])
		end++;
	t->end = full.n - end;
	if (ending->len &&
	    starts_with((struct span){full.s + t->end, full.n - t->end}, buf_span(ending)))
		t->end += ending->len;
	else if (part && !find_stop(f->c, full, t->end, &t->end))
		rc = err_set(e, "message %zu: its place in the template's text cannot be told",
			     i + 1);
cleanup:
	buf_release(&message);
	buf_release(&out);
	return rc;
}

/* A generation prompt that says more than the turn will (an opened <think>) is shared in part. The
 * part ends behind a blank, a line or a bracket, not within a word or tag that both happen to
 * begin. */
static size_t whole_words(struct span s, size_t from, size_t to)
{
	while (to > from && !strchr("\n >]", s.s[to - 1]))
		to--;
	return to;
}

/* What is left of a generation prompt where the turn goes another way: nothing to speak of, a block
 * that is closed again (<think></think>), or the opening of one. */
enum rest { REST_BLANK, REST_CLOSED, REST_OPEN };
static enum rest rest_of(struct span s)
{
	size_t open;

	if (!s.n)
		return REST_BLANK;
	for (open = s.n; open && s.s[open - 1] != '<' && s.s[open - 1] != '['; open--)
		;
	return open && open < s.n && s.s[open] == '/' ? REST_CLOSED : REST_OPEN;
}

/* Whether the turn that stands in full at t is written in the same way where it is the last: upto
 * is the conversation up to and with it, and begins as its prompt does. */
static int is_as_asked(struct span full, const struct chat_turn *t, struct span upto,
		       struct span prompt)
{
	size_t n = t->end - t->begin;

	return starts_with(upto, prompt) && upto.n - prompt.n >= n &&
	       !memcmp(upto.s + prompt.n, full.s + t->begin, n);
}

/* Whether the text has message i's words behind at alone: with others in their place what stands
 * before is the same. */
static int stands_behind(struct finder *f, size_t i, struct span full, size_t at)
{
	struct buf message = BUF_INIT, out = BUF_INIT;
	int yes;

	put_marked(f->m, i, 0, &message);
	yes = render_marked(f, i, buf_span(&message), &out) || common(full, buf_span(&out)) >= at;
	buf_release(&message);
	buf_release(&out);
	return yes;
}

/* Where the last turn ends: with the text, or where more than white space stands behind a token
 * that ends turns (a second one, instructions for an answer to come) behind the first such token
 * after what the message says. */
static size_t last_end(struct finder *f, struct span full, size_t begin)
{
	const struct buf *ending = &f->c->ending;
	struct err ignored = ERR_INIT;
	struct chat_turn text = {0};
	size_t at = full.n;

	if (!find_stop(f->c, full, begin, &at))
		return full.n;
	while (at < full.n && strchr(" \n\r\t", full.s[at]))
		at++;
	if (at == full.n || find_text(f, f->m->n - 1, full, 0, &text, &ignored))
		return full.n;
	if (text.end >= ending->len && ending->len &&
	    !memcmp(full.s + text.end - ending->len, ending->data, ending->len))
		return text.end;
	return find_stop(f->c, full, text.end, &at) ? at : full.n;
}

/* Where the turn of message i stands in the whole text. *known is 0 where what stands before it in
 * the whole text is not its prompt; t is not filled then. t->otherwise: it is written otherwise
 * than where it is the last. */
static int find_turn(struct finder *f, size_t i, struct span full, struct chat_turn *t, int *known,
		     struct err *e)
{
	const struct chat_messages *m = f->m;
	struct buf prompt = BUF_INIT, before = BUF_INIT, upto = BUF_INIT;
	struct err ignored = ERR_INIT;
	struct chat_turn text = {0};
	int last = i + 1 == m->n, rc = -1;

	*known = 1;
	t->by_content = t->otherwise = 0;
	if (render(f, m, i, 1, &prompt, &ignored)) {
		/* There is no prompt for this turn (the conversation begins with it, say). */
		t->by_content = 1;
		if (find_text(f, i, full, 1, &text, e))
			goto cleanup;
		t->begin = text.begin;
	} else if ((t->begin = common(full, buf_span(&prompt))) < prompt.len) {
		struct span left;
		enum rest rest;

		*known = !render(f, m, i, 0, &before, &ignored) &&
			 starts_with(full, buf_span(&before)) && t->begin >= before.len;
		if (*known)
			t->begin = whole_words(full, before.len, t->begin);
		if (*known && t->begin == 0) {
			/* Ahead of an answer that comes first stands what its prompt lacks, such as a
			 * system's text of the template's own. */
			t->by_content = 1;
			if (find_text(f, i, full, 1, &text, e))
				goto cleanup;
			t->begin = text.begin;
		}
		left = (struct span){prompt.data + t->begin, prompt.len - t->begin};
		if (t->by_content)
			left.n = 0;
		while (left.n && strchr(" \n\r\t", left.s[left.n - 1]))
			left.n--;
		rest = rest_of(left);
		if (*known && last && rest == REST_OPEN) {
			err_set(e,
				"message %zu: the prompt for an answer ends in \"%.*s\", and the template writes this answer without it: what would be "
				"learned is not what will be asked; give it its reasoning (reasoning_content), or turn that off in the template "
				"(--template-var enable_thinking=false, where it knows that)",
				i + 1, (int)(left.n < 40 ? left.n : 40), left.s);
			goto cleanup;
		}
		if (*known && last && rest == REST_CLOSED)
			*known = 0;
		if (!*known) {
			rc = 0;
			goto cleanup;
		}
		t->otherwise = rest != REST_BLANK;
	}
	if (last && !f->c->ignores_generation) {
		t->end = last_end(f, full, t->begin);
	} else if (!render(f, m, i + 1, 0, &upto, &ignored) && !last && !f->c->ignores_generation &&
		   starts_with(full, buf_span(&upto)) && upto.len >= t->begin) {
		t->end = upto.len;
	} else {
		t->by_content = 1;
		if (find_text(f, i, full, 0, &text, e))
			goto cleanup;
		t->end = text.end;
		t->otherwise |= !last && !is_as_asked(full, t, buf_span(&upto), buf_span(&prompt));
	}
	if (!last && json_count(json_member(chat_message(m, i), "tool_calls")) &&
	    !stands_behind(f, i + 1, full, t->end)) {
		err_set(e,
			"message %zu: the template writes what follows it into this turn, so it cannot be trained on here; give it \"weight\": 0 "
			"(--last-turn), or a record of its own (--unroll)",
			i + 1);
		goto cleanup;
	}
	if (t->end < t->begin) {
		err_set(e, "message %zu: its place in the template's text cannot be told", i + 1);
		goto cleanup;
	}
	if (t->end == t->begin && !t->by_content) {
		err_set(e,
			"message %zu: the template leaves this turn out, so it cannot be trained on",
			i + 1);
		goto cleanup;
	}
	rc = 0;
cleanup:
	buf_release(&prompt);
	buf_release(&before);
	buf_release(&upto);
	return rc;
}

/* Whether what stands from at on is the same whatever message i says. */
static int stands_before(struct finder *f, size_t i, struct span full, size_t at)
{
	struct buf message = BUF_INIT, out = BUF_INIT;
	size_t n = full.n - at;
	int yes;

	put_marked(f->m, i, 0, &message);
	yes = render_marked(f, i, buf_span(&message), &out) ||
	      (out.len >= n && !memcmp(out.data + out.len - n, full.s + at, n));
	buf_release(&message);
	buf_release(&out);
	return yes;
}

/* Templates that move the system's or the tools' text to the last message show a turn at the end of
 * another conversation than the one it answered. What the model will see decides: text becomes the
 * prompt for message i and behind it what the template writes of the turn. */
static int rebuild(struct finder *f, size_t i, struct buf *text, struct err *e)
{
	struct buf prompt = BUF_INIT, before = BUF_INIT;
	struct span full = buf_span(text), opening = {NULL, 0};
	struct err ignored = ERR_INIT;
	struct chat_turn turn = {0};
	size_t at = 0;
	int rc = -1;

	if (render(f, f->m, i, 1, &prompt, e))
		goto cleanup;
	if (!render(f, f->m, i, 0, &before, &ignored) &&
	    starts_with(buf_span(&prompt), buf_span(&before)))
		opening = (struct span){prompt.data + before.len, prompt.len - before.len};
	/* The turn begins behind the last opening before its content; without an opening, with the
	 * content. */
	if (opening.n) {
		for (at = full.n;
		     at >= opening.n && memcmp(full.s + at - opening.n, opening.s, opening.n); at--)
			;
		at = at < opening.n ? 0 : at;
	}
	if (!at) {
		if (find_text(f, i, full, 1, &turn, e))
			goto cleanup;
		at = turn.begin;
	}
	/* Where another answer changes what stands before it, that is no beginning. */
	for (size_t k = 0; k < i; k++)
		if (!stands_before(f, k, full, at)) {
			rc = err_set(e,
				     "message %zu: its place in the template's text cannot be told",
				     i + 1);
			goto cleanup;
		}
	buf_add(&prompt, full.s + at, full.n - at);
	buf_clear(text);
	rc = buf_addspan(text, buf_span(&prompt)) ? err_set(e, "the conversation is too long") : 0;
cleanup:
	buf_release(&prompt);
	buf_release(&before);
	return rc;
}

static int find_marked(const struct chat_messages *m, const double *w,
		       const struct jinja_marks *marks, struct chat_turns *l, struct err *e)
{
	size_t i, k = 0, assistants = 0;
	int weighted = 0;

	for (i = 0; i < m->n; i++)
		if (chat_is_assistant(m, i)) {
			assistants++;
			weighted |= w[i] != 1;
		}
	if (weighted && marks->n != assistants)
		return err_set(e,
			       "the template marks %zu ranges for %zu assistant turns, so `weight` cannot be assigned to them",
			       marks->n, assistants);
	for (i = 0; i < marks->n; i++) {
		struct chat_turn t = {.begin = marks->v[i].begin,
				      .end = marks->v[i].end,
				      .weight = 1};

		if (marks->n == assistants) {
			while (!chat_is_assistant(m, k))
				k++;
			t.weight = w[k];
			t.message = k++;
		}
		if (t.weight > 0)
			turn_add(l, t);
	}
	return 0;
}

int chat_turns_find(const struct chat *c, const struct chat_input *in,
		    const struct chat_messages *m, const double *w, size_t most, struct buf *text,
		    const struct jinja_marks *marks, struct chat_turns *l, struct err *e)
{
	size_t i, last = m->n - 1, shared, read = 0;
	struct buf full = BUF_INIT;
	struct tokens ids = {0};
	struct chat_turn first = {0};
	struct finder f = {.c = c, .m = m, .in = in};
	int known, rc = -1;

	if (marks->n)
		return find_marked(m, w, marks, l, e);
	/* The last one decides what the whole text is. */
	buf_addspan(&full, buf_span(text));
	if (find_turn(&f, last, buf_span(&full), &first, &known, e) ||
	    (!known && rebuild(&f, last, text, e)))
		goto cleanup;
	shared = common(buf_span(&full), buf_span(text));
	for (i = 0; i <= last; i++) {
		struct chat_turn t = {.weight = w[i], .message = i};

		if (!(t.weight > 0))
			continue;
		if (find_turn(&f, i, buf_span(i < last ? &full : text), &t, &known, e))
			goto cleanup;
		if (!known || (i < last && t.end > shared)) {
			err_set(e,
				"message %zu: the template writes the conversation before this turn otherwise once others follow, so it "
				"cannot be trained on here; give it \"weight\": 0 (--last-turn), or a record of its own (--unroll)",
				i + 1);
			goto cleanup;
		}
		if (l->n && t.begin < l->v[l->n - 1].end) {
			err_set(e, "message %zu: its place in the template's text cannot be told",
				i + 1);
			goto cleanup;
		}
		if (most && chat_encode_part(c, buf_span(text), read, t.begin, &ids, e))
			goto cleanup;
		read = t.begin;
		turn_add(l, t);
		if (most && ids.n > most) /* mask_text stops before it */
			break;
	}
	rc = 0;
cleanup:
	if (f.ended)
		rc = err_set(e,
			     "%zu messages are too many for this template: to find the answers in its text it is run again for each; give shorter "
			     "conversations, or a template that marks its answers ({%% generation %%})",
			     m->n);
	buf_release(&full);
	tokens_release(&ids);
	return rc;
}

void chat_turns_release(struct chat_turns *l)
{
	free(l->v);
	memset(l, 0, sizeof *l);
}

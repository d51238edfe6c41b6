/* Which tokens of a conversation are trained on.
 *
 * Each assistant turn is a range of the rendered text: from where the prompt for it ends (the
 * conversation before it, rendered with the generation prompt) to where the conversation up to and
 * with it ends. Templates that write a turn otherwise once others follow it (Qwen3 drops the
 * thinking of earlier answers) leave no such prefix; there the turn is replaced as a whole by
 * another, and what the two renderings do not share at either end is its text. The ranges are then
 * carried over to tokens: the text is tokenized range by range, and that is compared with the whole
 * text tokenized at once.
 */
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../json/json.h"
#include "chat_impl.h"

#define MANY 64 /* messages */

/* A range of text that is trained on. */
struct turn {
	size_t begin, end;
	double weight;
	size_t message; /* index */
	int by_content; /* found by what it says, which may be nothing */
	int otherwise;	/* not written as it will be asked for */
};

struct turns {
	struct turn *v;
	size_t n, cap;
};

void chat_example_release(struct chat_example *x)
{
	tokens_release(&x->ids);
	free(x->weights);
	memset(x, 0, sizeof *x);
}

static void turn_add(struct turns *l, struct turn t)
{
	l->v = mem_grow(l->v, &l->cap, l->n + 1, sizeof *l->v);
	l->v[l->n++] = t;
}

/* `weight` of a message of the record, the i-th: 1 where there is none; 0 with "train": false. */
static int weight_of(struct span m, size_t i, double *w, struct err *e)
{
	struct span v = json_member(m, "weight"), train = json_member(m, "train");

	*w = json_kind(train) != JSON_FALSE;
	if (json_kind(train) > JSON_TRUE)
		return err_set(e, "message %zu: `train` is neither true nor false", i + 1);
	if (!*w || json_kind(v) == JSON_NONE || json_kind(v) == JSON_NULL)
		return 0;
	if (json_number(v, w) || !(*w >= 0 && *w <= 1e6))
		return err_set(e, "message %zu: `weight` is no number from 0 on", i + 1);
	return 0;
}

void chat_trained(const struct chat_input *in, unsigned char *trained)
{
	struct json_iter it = {0};
	struct span none, m;
	double w;

	for (size_t i = 0; json_next(&it, in->messages, &none, &m); i++)
		trained[i] = json_is(json_member(m, "role"), "assistant") &&
			     (weight_of(m, i, &w, &(struct err)ERR_INIT) || w > 0);
}

static int is_assistant(const struct chat_messages *m, size_t i)
{
	return json_is(json_member(chat_message(m, i), "role"), "assistant");
}

/* w[m->n]: of each assistant's turn its weight, of all else 0. */
static int read_weights(const struct chat_input *in, const struct chat_messages *m, double *w,
			struct err *e)
{
	struct json_iter it = {0};
	struct span none, message;

	for (size_t i = 0; i < m->n && json_next(&it, in->messages, &none, &message); i++)
		if (is_assistant(m, i) && weight_of(message, i, w + i, e))
			return -1;
	return 0;
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

/* --- ranges of text --- */

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
static int render_marked(const struct chat *c, const struct chat_messages *m, size_t i,
			 struct span message, const struct chat_input *in, struct buf *out)
{
	struct chat_messages changed;
	struct err ignored = ERR_INIT;
	int rc;

	buf_clear(out);
	chat_messages_set(m, i, message, &changed);
	rc = chat_render_messages(c, &changed, m->n, in, 0, out, NULL, &ignored);
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
static int find_text(const struct chat *c, const struct chat_messages *m, size_t i,
		     const struct chat_input *in, struct span full, int begins, struct turn *t,
		     struct err *e)
{
	struct buf out = BUF_INIT, message = BUF_INIT;
	size_t end = 0;
	int part, rc = 0;

	buf_adds(&message, "{\"role\":\"assistant\",\"content\":\"" MARK "\"}");
	for (part = 0; part < 3 && render_marked(c, m, i, buf_span(&message), in, &out); part++)
		put_marked(m, i, part, &message);
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
	if (c->ending.len &&
	    starts_with((struct span){full.s + t->end, full.n - t->end}, buf_span(&c->ending)))
		t->end += c->ending.len;
	else if (part && !find_stop(c, full, t->end, &t->end))
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
static int is_as_asked(struct span full, const struct turn *t, struct span upto, struct span prompt)
{
	size_t n = t->end - t->begin;

	return starts_with(upto, prompt) && upto.n - prompt.n >= n &&
	       !memcmp(upto.s + prompt.n, full.s + t->begin, n);
}

/* Whether the text has message i's words behind at alone: with others in their place what stands
 * before is the same. */
static int stands_behind(const struct chat *c, const struct chat_messages *m, size_t i,
			 const struct chat_input *in, struct span full, size_t at)
{
	struct buf message = BUF_INIT, out = BUF_INIT;
	int yes;

	put_marked(m, i, 0, &message);
	yes = render_marked(c, m, i, buf_span(&message), in, &out) ||
	      common(full, buf_span(&out)) >= at;
	buf_release(&message);
	buf_release(&out);
	return yes;
}

/* Where the last turn ends: with the text, or where more than white space stands behind a token
 * that ends turns (a second one, instructions for an answer to come) behind the first such token
 * after what the message says. */
static size_t last_end(const struct chat *c, const struct chat_messages *m,
		       const struct chat_input *in, struct span full, size_t begin)
{
	struct err ignored = ERR_INIT;
	struct turn text = {0};
	size_t at = full.n;

	if (!find_stop(c, full, begin, &at))
		return full.n;
	while (at < full.n && strchr(" \n\r\t", full.s[at]))
		at++;
	if (at == full.n || find_text(c, m, m->n - 1, in, full, 0, &text, &ignored))
		return full.n;
	if (text.end >= c->ending.len && c->ending.len &&
	    !memcmp(full.s + text.end - c->ending.len, c->ending.data, c->ending.len))
		return text.end;
	return find_stop(c, full, text.end, &at) ? at : full.n;
}

/* Where the turn of message i stands in the whole text. *known is 0 where what stands before it in
 * the whole text is not its prompt; t is not filled then. t->otherwise: it is written otherwise
 * than where it is the last. */
static int find_turn(const struct chat *c, const struct chat_messages *m, size_t i,
		     const struct chat_input *in, struct span full, struct turn *t, int *known,
		     struct err *e)
{
	struct buf prompt = BUF_INIT, before = BUF_INIT, upto = BUF_INIT;
	struct err ignored = ERR_INIT;
	struct turn text = {0};
	int last = i + 1 == m->n, rc = -1;

	*known = 1;
	t->by_content = t->otherwise = 0;
	if (chat_render_messages(c, m, i, in, 1, &prompt, NULL, &ignored)) {
		/* There is no prompt for this turn (the conversation begins with it, say). */
		t->by_content = 1;
		if (find_text(c, m, i, in, full, 1, &text, e))
			goto cleanup;
		t->begin = text.begin;
	} else if ((t->begin = common(full, buf_span(&prompt))) < prompt.len) {
		struct span left;
		enum rest rest;

		*known = !chat_render_messages(c, m, i, in, 0, &before, NULL, &ignored) &&
			 starts_with(full, buf_span(&before)) && t->begin >= before.len;
		if (*known)
			t->begin = whole_words(full, before.len, t->begin);
		if (*known && t->begin == 0) {
			/* Ahead of an answer that comes first stands what its prompt lacks, such as a
			 * system's text of the template's own. */
			t->by_content = 1;
			if (find_text(c, m, i, in, full, 1, &text, e))
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
	if (last && !c->ignores_generation) {
		t->end = last_end(c, m, in, full, t->begin);
	} else if (!chat_render_messages(c, m, i + 1, in, 0, &upto, NULL, &ignored) && !last &&
		   !c->ignores_generation && starts_with(full, buf_span(&upto)) &&
		   upto.len >= t->begin) {
		t->end = upto.len;
	} else {
		t->by_content = 1;
		if (find_text(c, m, i, in, full, 0, &text, e))
			goto cleanup;
		t->end = text.end;
		t->otherwise |= !last && !is_as_asked(full, t, buf_span(&upto), buf_span(&prompt));
	}
	if (!last && json_count(json_member(chat_message(m, i), "tool_calls")) &&
	    !stands_behind(c, m, i + 1, in, full, t->end)) {
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
static int stands_before(const struct chat *c, const struct chat_messages *m, size_t i,
			 const struct chat_input *in, struct span full, size_t at)
{
	struct buf message = BUF_INIT, out = BUF_INIT;
	size_t n = full.n - at;
	int yes;

	put_marked(m, i, 0, &message);
	yes = render_marked(c, m, i, buf_span(&message), in, &out) ||
	      (out.len >= n && !memcmp(out.data + out.len - n, full.s + at, n));
	buf_release(&message);
	buf_release(&out);
	return yes;
}

/* Templates that move the system's or the tools' text to the last message show a turn at the end of
 * another conversation than the one it answered. What the model will see decides: text becomes the
 * prompt for message i and behind it what the template writes of the turn. */
static int rebuild(const struct chat *c, const struct chat_messages *m, size_t i,
		   const struct chat_input *in, struct buf *text, struct err *e)
{
	struct buf prompt = BUF_INIT, before = BUF_INIT;
	struct span full = buf_span(text), opening = {NULL, 0};
	struct err ignored = ERR_INIT;
	struct turn turn = {0};
	size_t at = 0;
	int rc = -1;

	if (chat_render_messages(c, m, i, in, 1, &prompt, NULL, e))
		goto cleanup;
	if (!chat_render_messages(c, m, i, in, 0, &before, NULL, &ignored) &&
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
		if (find_text(c, m, i, in, full, 1, &turn, e))
			goto cleanup;
		at = turn.begin;
	}
	/* Where another answer changes what stands before it, that is no beginning. */
	for (size_t k = 0; k < i; k++)
		if (!stands_before(c, m, k, in, full, at)) {
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

/* How many messages there are up to and with the last turn to train on; 0 where there is none. Where only
 * that one counts, the others get weight 0. */
static size_t last_trained(const struct chat_input *in, const struct chat_messages *m, double *w)
{
	size_t n = m->n;

	while (n && !(w[n - 1] > 0))
		n--;
	for (size_t i = 0; in->last_only && i + 1 < n; i++)
		w[i] = 0;
	return n;
}

static int calls_whole(const struct chat_messages *m, const double *w, struct err *e)
{
	for (size_t i = 0; i < m->n; i++)
		if (w[i] > 0 && chat_calls_whole(chat_message(m, i), e))
			return err_prefix(e, "message %zu", i + 1);
	return 0;
}

static int find_marked(const struct chat_messages *m, const double *w,
		       const struct jinja_marks *marks, struct turns *l, struct err *e)
{
	size_t i, k = 0, assistants = 0;
	int weighted = 0;

	for (i = 0; i < m->n; i++)
		if (is_assistant(m, i)) {
			assistants++;
			weighted |= w[i] != 1;
		}
	if (weighted && marks->n != assistants)
		return err_set(e,
			       "the template marks %zu ranges for %zu assistant turns, so `weight` cannot be assigned to them",
			       marks->n, assistants);
	for (i = 0; i < marks->n; i++) {
		struct turn t = {.begin = marks->v[i].begin, .end = marks->v[i].end, .weight = 1};

		if (marks->n == assistants) {
			while (!is_assistant(m, k))
				k++;
			t.weight = w[k];
			t.message = k++;
		}
		if (t.weight > 0)
			turn_add(l, t);
	}
	return 0;
}

/* Ids of text[begin, end), which goes on from the ids in out. */
static int encode_part(const struct chat *c, struct span text, size_t begin, size_t end,
		       struct tokens *out, struct err *e)
{
	/* After an added token tokenizers begin anew. */
	int anew = out->n && tokenizer_is_added(c->t, out->ids[out->n - 1]);

	return tokenizer_encode(c->t, (struct span){text.s + begin, end - begin},
				anew ? 0 : TOKENIZER_CONTINUES, out, e);
}

/* most: tokens behind which no turn is looked for; 0: all are. */
static int find_turns(const struct chat *c, const struct chat_input *in,
		      const struct chat_messages *m, const double *w, size_t most, struct buf *text,
		      const struct jinja_marks *marks, struct turns *l, struct err *e)
{
	size_t i, last = m->n - 1, shared, read = 0;
	struct buf full = BUF_INIT;
	struct tokens ids = {0};
	struct turn first = {0};
	int known, rc = -1;

	if (marks->n)
		return find_marked(m, w, marks, l, e);
	/* The last one decides what the whole text is. */
	buf_addspan(&full, buf_span(text));
	if (find_turn(c, m, last, in, buf_span(&full), &first, &known, e) ||
	    (!known && rebuild(c, m, last, in, text, e)))
		goto cleanup;
	shared = common(buf_span(&full), buf_span(text));
	for (i = 0; i <= last; i++) {
		struct turn t = {.weight = w[i], .message = i};

		if (!(t.weight > 0))
			continue;
		if (find_turn(c, m, i, in, buf_span(i < last ? &full : text), &t, &known, e))
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
		if (most && encode_part(c, buf_span(text), read, t.begin, &ids, e))
			goto cleanup;
		read = t.begin;
		turn_add(l, t);
		if (most && ids.n > most) /* mask_text stops before it */
			break;
	}
	rc = 0;
cleanup:
	buf_release(&full);
	tokens_release(&ids);
	return rc;
}

/* --- tokens --- */

static void weights_fit(struct chat_example *x)
{
	if (x->ids.n > x->cap) {
		size_t old = x->cap;

		x->weights = mem_grow(x->weights, &x->cap, x->ids.n, sizeof *x->weights);
		memset(x->weights + old, 0, (x->cap - old) * sizeof *x->weights);
	}
}

static void weigh(struct chat_example *x, size_t from, size_t to, double w)
{
	weights_fit(x);
	for (; from < to; from++)
		if (from && w != 0) {
			x->weights[from] = (float)w;
			x->supervised++;
		}
}

/* Is the token plain white space? */
static int is_blank(const struct chat *c, int32_t id)
{
	struct span b = tokenizer_bytes(c->t, id);
	size_t i;

	if (!b.n)
		return 0;
	for (i = 0; i < b.n; i++)
		if (!b.s[i] || !strchr(" \n\r\t", b.s[i]))
			return 0;
	return 1;
}

static int ends_turn(const struct chat *c, int32_t id)
{
	const int32_t *stops;
	size_t i, n;

	stops = chat_stops(c, &n);
	for (i = 0; i < n; i++)
		if (stops[i] == id)
			return 1;
	return tokenizer_is_special(c->t, id);
}

/* Tokens [from, to) are a turn's; to is moved so that they end with the token that ends the turn,
 * if there is one: white space after it is left off, and where the range ends with the content the
 * token that follows is taken in. Returns 1 where there is one. */
static int end_turn(const struct chat *c, const struct tokens *ids, size_t from, size_t *to)
{
	size_t k = *to;

	while (k > from && is_blank(c, ids->ids[k - 1]))
		k--;
	if (k > from && ends_turn(c, ids->ids[k - 1])) {
		*to = k;
		return 1;
	}
	for (k = *to; k < ids->n && is_blank(c, ids->ids[k]); k++)
		;
	if (k < ids->n && ends_turn(c, ids->ids[k])) {
		*to = k + 1;
		return 1;
	}
	return 0;
}

/* Whether the tokens of text[0, at) are the first `expected` of ids. */
static int is_border(const struct chat *c, struct span text, size_t at, const struct tokens *ids,
		     size_t *expected)
{
	struct tokens prefix = {0};
	struct err e = ERR_INIT;
	int yes = !chat_encode_text(c, (struct span){text.s, at}, &prefix, &e) &&
		  prefix.n <= ids->n &&
		  (!prefix.n || !memcmp(prefix.ids, ids->ids, prefix.n * sizeof *ids->ids));

	*expected = prefix.n;
	tokens_release(&prefix);
	return yes;
}

/* most: where a turn begins behind so many tokens the text ends for us; 0: nowhere. */
static int mask_text(const struct chat *c, struct span text, struct turns *l, size_t messages,
		     size_t most, double record_weight, struct chat_example *x, struct err *e)
{
	struct tokens whole = {0}, part = {0};
	size_t *begins = mem_alloc(l->n + 1, sizeof *begins);
	size_t k, n;
	int ended = 0, rc = -1;

	/* Range by range: up to the first turn, then from each turn to the next. */
	if (chat_encode_text(c, (struct span){text.s, l->n ? l->v[0].begin : text.n}, &x->ids, e))
		goto cleanup;
	for (k = 0; k < l->n; k++) {
		begins[k] = x->ids.n;
		if (most && x->ids.n > most) {
			text.n = l->v[k].begin;
			l->n = k;
			break;
		}
		if (encode_part(c, text, l->v[k].begin, k + 1 < l->n ? l->v[k + 1].begin : text.n,
				&x->ids, e))
			goto cleanup;
	}
	begins[l->n] = x->ids.n;
	if (chat_encode_text(c, text, &whole, e))
		goto cleanup;
	if (whole.n != x->ids.n || memcmp(whole.ids, x->ids.ids, whole.n * sizeof *whole.ids))
		for (k = 0; k < l->n; k++)
			x->joins += !is_border(c, text, l->v[k].begin, &whole, &n);
	weights_fit(x);
	for (k = 0; k < l->n; k++) {
		size_t end;

		/* The turn's own tokens: those that its range alone gives, as far as they are the
		 * same. */
		part.n = 0;
		if (begins[k])
			tokens_add(&part, x->ids.ids[begins[k] - 1]);
		n = part.n;
		if (encode_part(c, text, l->v[k].begin, l->v[k].end, &part, e))
			goto cleanup;
		for (end = begins[k]; end < begins[k + 1] && end - begins[k] + n < part.n &&
				      part.ids[end - begins[k] + n] == x->ids.ids[end];
		     end++)
			;
		ended = end_turn(c, &x->ids, begins[k], &end);
		if (!ended && k + 1 == l->n && l->v[k].message + 1 == messages &&
		    tokenizer_eos(c->t) >= 0) {
			x->ids.n = end;
			tokens_add(&x->ids, tokenizer_eos(c->t));
			x->eos_added = 1;
			end++;
		}
		weigh(x, begins[k], end, l->v[k].weight * record_weight);
		x->turns++;
		if (l->v[k].otherwise && !x->otherwise)
			x->otherwise = l->v[k].message + 1;
	}
	rc = 0;
cleanup:
	free(begins);
	tokens_release(&whole);
	tokens_release(&part);
	return rc;
}

/* --- the three kinds of input --- */

static int mask_plain(const struct chat *c, const struct chat_messages *m, const double *w,
		      double record_weight, struct chat_example *x, struct err *e)
{
	struct buf turn = BUF_INIT;
	const int32_t *prefix;
	size_t i, n, from;
	int assistant, rc = -1;

	prefix = tokenizer_prefix(c->t, &n);
	tokens_append(&x->ids, prefix, n);
	for (i = 0; i < m->n; i++) {
		from = x->ids.n;
		buf_clear(&turn);
		if (chat_plain_turn(c, m, i, &turn, &x->ids, &assistant, e))
			goto cleanup;
		if (!assistant)
			continue;
		weigh(x, from, x->ids.n, w[i] * record_weight);
		x->turns += w[i] > 0;
	}
	rc = 0;
cleanup:
	buf_release(&turn);
	return rc;
}

static int mask_completion(const struct chat *c, const struct chat_input *in, double record_weight,
			   struct chat_example *x, struct err *e)
{
	size_t from;

	if (chat_encode_text(c, in->prompt.s ? in->prompt : span_of(""), &x->ids, e))
		return -1;
	from = x->ids.n;
	if (!in->completion.s)
		return 0;
	if (encode_part(c, in->completion, 0, in->completion.n, &x->ids, e))
		return -1;
	if (tokenizer_eos(c->t) >= 0 &&
	    (x->ids.n == from || !tokenizer_is_stop(c->t, x->ids.ids[x->ids.n - 1])))
		tokens_add(&x->ids, tokenizer_eos(c->t));
	weigh(x, from, x->ids.n, record_weight);
	x->turns = 1;
	return 0;
}

/* How many tokens the text has, where these are far too many; else 0. It is not asked where the turns are
 * so few that to look for them takes no long time. */
static int far_beyond(const struct chat *c, const struct chat_input *in, size_t messages,
		      struct span text, size_t *n, struct err *e)
{
	struct tokens ids = {0};
	int rc = 0;

	*n = 0;
	if (!in->most || messages < MANY || text.n / 2 <= in->most)
		return 0;
	rc = chat_encode_text(c, text, &ids, e);
	if (!rc && ids.n / 2 > in->most)
		*n = ids.n;
	tokens_release(&ids);
	return rc;
}

int chat_encode_training(const struct chat *c, const struct chat_input *in, double record_weight,
			 struct chat_example *x, struct err *e)
{
	struct chat_messages m = {0};
	struct jinja_marks marks = {0};
	struct turns turns = {0};
	struct buf text = BUF_INIT;
	double *w = NULL;
	size_t trained = 0, most;
	int rc = -1;

	tokens_clear(&x->ids);
	if (x->cap)
		memset(x->weights, 0, x->cap * sizeof *x->weights);
	x->supervised = x->turns = x->joins = x->otherwise = x->beyond = 0;
	x->eos_added = 0;
	if (!in->messages.s) {
		rc = mask_completion(c, in, record_weight, x, e);
		goto cleanup;
	}
	if (chat_messages_of(c, in->messages, &m, e))
		goto cleanup;
	if (in->upto && in->upto < m.n)
		m.n = in->upto;
	w = mem_alloc(m.n, sizeof *w);
	if (read_weights(in, &m, w, e))
		goto cleanup;
	trained = last_trained(in, &m, w);
	if (!c->template) {
		rc = mask_plain(c, &m, w, record_weight, x, e);
		goto cleanup;
	}
	if (trained)
		m.n = trained; /* what follows is neither trained on nor seen by what is */
	if (calls_whole(&m, w, e) || chat_render_messages(c, &m, m.n, in, 0, &text, &marks, e) ||
	    far_beyond(c, in, m.n, buf_span(&text), &x->beyond, e))
		goto cleanup;
	most = x->beyond ? in->most : 0;
	if (x->beyond && !in->cut)
		rc = 0;
	else if (!trained || !find_turns(c, in, &m, w, most, &text, &marks, &turns, e))
		rc = mask_text(c, buf_span(&text), &turns, m.n, most, record_weight, x, e);
cleanup:
	if (!rc)
		weights_fit(x);
	chat_messages_release(&m);
	jinja_marks_release(&marks);
	free(turns.v);
	free(w);
	buf_release(&text);
	return rc;
}

/* Which tokens of a conversation are trained on.
 *
 * Each assistant turn is a range of the rendered text: from where the prompt for it ends (the
 * conversation before it, rendered with the generation prompt) to where the conversation up to and
 * with it ends. Templates that write a turn otherwise once others follow it (Qwen3 drops the
 * thinking of earlier answers) leave no such prefix; there the turn is found by changing its
 * content and looking where the text changes. The ranges are then carried over to tokens: the text
 * is tokenized range by range, and that is compared with the whole text tokenized at once.
 */
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../json/json.h"
#include "../json/jw.h"
#include "chat_impl.h"

/* A range of text that is trained on. */
struct turn {
	size_t begin, end;
	double weight;
	size_t message; /* index */
	int by_content; /* found by its content, which may be empty */
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

/* `weight` of a message of the record, 1 where there is none. */
static int weight_of(struct span messages, size_t i, double *w, struct err *e)
{
	struct span v = json_member(json_element(messages, (long long)i), "weight");

	*w = 1;
	if (json_kind(v) == JSON_NONE || json_kind(v) == JSON_NULL)
		return 0;
	if (json_number(v, w) || !(*w >= 0 && *w <= 1e6))
		return err_set(e, "message %zu: `weight` is no number from 0 on", i + 1);
	return 0;
}

static int is_assistant(const struct chat_messages *m, size_t i)
{
	return json_is(json_member(chat_message(m, i), "role"), "assistant");
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

/* The conversation with a mark put before or after the content of message i, rendered; the length
 * that it shares with full. */
static int find_content(const struct chat *c, const struct chat_messages *m, size_t i,
			struct span tools, struct span full, int after, size_t *at, struct err *e)
{
	static const char mark[] = "\xe2\x9f\xa6"
				   "ft\xe2\x9f\xa7";
	struct chat_messages changed = {0};
	struct span v = chat_message(m, i), content = json_member(v, "content");
	struct buf text = BUF_INIT, out = BUF_INIT;
	size_t k;
	int rc = -1;

	if (json_string(content, &text)) {
		err_set(e,
			"message %zu: the template writes this turn otherwise once others follow, and without text it cannot be found there; "
			"give it \"weight\": 0, or let it be the last of a record of its own",
			i + 1);
		goto cleanup;
	}
	changed.n = m->n;
	changed.at = mem_alloc(m->n + 1, sizeof *changed.at);
	for (k = 0; k < m->n; k++) {
		struct span x = chat_message(m, k);

		if (k == i) {
			struct buf with = BUF_INIT;

			buf_adds(&with, after ? "" : mark);
			buf_addspan(&with, buf_span(&text));
			buf_adds(&with, after ? mark : "");
			buf_add(&changed.json, x.s, (size_t)(content.s - x.s));
			json_put_string(&changed.json, with.data, with.len);
			buf_add(&changed.json, content.s + content.n,
				(size_t)(x.s + x.n - content.s) - content.n);
			buf_release(&with);
		} else {
			buf_addspan(&changed.json, x);
		}
		changed.at[k + 1] = changed.json.len;
	}
	if (chat_render_messages(c, &changed, m->n, tools, 0, &out, NULL, e))
		goto cleanup;
	*at = common(full, buf_span(&out));
	if (*at == full.n && out.len == full.n) {
		err_set(e,
			"message %zu: the template leaves the text of this turn out, so its place cannot be told and it cannot be trained on",
			i + 1);
		goto cleanup;
	}
	rc = 0;
cleanup:
	chat_messages_release(&changed);
	buf_release(&text);
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

/* Where the turn of message i stands in the whole text. *known is 0 where the conversation before
 * it is rendered otherwise in the whole text than it is for the prompt; t is not filled then. */
static int find_turn(const struct chat *c, const struct chat_messages *m, size_t i,
		     struct span tools, struct span full, struct turn *t, int *known, struct err *e)
{
	struct buf prompt = BUF_INIT, before = BUF_INIT, upto = BUF_INIT;
	struct err ignored = ERR_INIT;
	int rc = -1;

	*known = 1;
	t->by_content = 0;
	if (chat_render_messages(c, m, i, tools, 1, &prompt, NULL, &ignored)) {
		/* There is no prompt for this turn (the conversation begins with it, say). */
		t->by_content = 1;
		if (find_content(c, m, i, tools, full, 0, &t->begin, e))
			goto cleanup;
	} else if ((t->begin = common(full, buf_span(&prompt))) < prompt.len) {
		*known = !chat_render_messages(c, m, i, tools, 0, &before, NULL, &ignored) &&
			 starts_with(full, buf_span(&before)) && t->begin >= before.len;
		if (!*known) {
			rc = 0;
			goto cleanup;
		}
		t->begin = whole_words(full, before.len, t->begin);
	}
	if (i + 1 == m->n) {
		t->end = full.n;
	} else if (!chat_render_messages(c, m, i + 1, tools, 0, &upto, NULL, &ignored) &&
		   starts_with(full, buf_span(&upto)) && upto.len >= t->begin) {
		t->end = upto.len;
	} else {
		t->by_content = 1;
		if (find_content(c, m, i, tools, full, 1, &t->end, e))
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

/* Templates that move the system's or the tools' text to the last message show a turn at the end of
 * another conversation than the one it answered. What the model will see decides: text becomes the
 * prompt for message i and behind it what the template writes of the turn. */
static int rebuild(const struct chat *c, const struct chat_messages *m, size_t i, struct span tools,
		   struct buf *text, struct err *e)
{
	struct buf prompt = BUF_INIT, before = BUF_INIT;
	struct span full = buf_span(text), opening = {NULL, 0};
	struct err ignored = ERR_INIT;
	size_t at = 0;
	int rc = -1;

	if (chat_render_messages(c, m, i, tools, 1, &prompt, NULL, e))
		goto cleanup;
	if (!chat_render_messages(c, m, i, tools, 0, &before, NULL, &ignored) &&
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
	if (!at && find_content(c, m, i, tools, full, 0, &at, e))
		goto cleanup;
	buf_add(&prompt, full.s + at, full.n - at);
	buf_clear(text);
	rc = buf_addspan(text, buf_span(&prompt)) ? err_set(e, "the conversation is too long") : 0;
cleanup:
	buf_release(&prompt);
	buf_release(&before);
	return rc;
}

/* *n: how many messages there are up to and with the last turn to train on; 0 where there is
 * none. */
static int last_trained(const struct chat_input *in, const struct chat_messages *m, size_t *n,
			struct err *e)
{
	size_t i;
	double w;

	*n = 0;
	for (i = 0; i < m->n; i++) {
		if (!is_assistant(m, i))
			continue;
		if (weight_of(in->messages, i, &w, e))
			return -1;
		*n = w > 0 ? i + 1 : *n;
	}
	return 0;
}

static int find_marked(const struct chat_input *in, const struct chat_messages *m,
		       const struct jinja_marks *marks, struct turns *l, struct err *e)
{
	size_t i, k = 0, assistants = 0;
	int weighted = 0;
	double w;

	for (i = 0; i < m->n; i++)
		if (is_assistant(m, i)) {
			if (weight_of(in->messages, i, &w, e))
				return -1;
			assistants++;
			weighted |= w != 1;
		}
	if (weighted && marks->n != assistants)
		return err_set(e,
			       "the template marks %zu ranges for %zu assistant turns, so `weight` cannot be assigned to them",
			       marks->n, assistants);
	for (i = 0; i < marks->n; i++) {
		struct turn t = {marks->v[i].begin, marks->v[i].end, 1, 0, 0};

		if (marks->n == assistants) {
			while (!is_assistant(m, k))
				k++;
			weight_of(in->messages, k, &t.weight, e);
			t.message = k++;
		}
		if (t.weight > 0)
			turn_add(l, t);
	}
	return 0;
}

static int find_turns(const struct chat *c, const struct chat_input *in,
		      const struct chat_messages *m, struct buf *text,
		      const struct jinja_marks *marks, struct turns *l, struct err *e)
{
	size_t i, last = m->n - 1;
	int known, moved;
	struct turn first;

	if (marks->n)
		return find_marked(in, m, marks, l, e);
	/* The last one decides what the whole text is. */
	if (find_turn(c, m, last, in->tools, buf_span(text), &first, &known, e) ||
	    (!known && rebuild(c, m, last, in->tools, text, e)))
		return -1;
	moved = !known;
	for (i = 0; i <= last; i++) {
		struct turn t = {0, 0, 1, i, 0};

		if (!is_assistant(m, i) || weight_of(in->messages, i, &t.weight, e) ||
		    t.weight == 0)
			continue;
		if (find_turn(c, m, i, in->tools, buf_span(text), &t, &known, e))
			return -1;
		if (!known || (moved && i < last && t.by_content))
			return err_set(e,
				       "message %zu: the template writes the conversation before this turn otherwise once others follow, so it "
				       "cannot be trained on here; give it \"weight\": 0, or let it be the last of a record of its own",
				       i + 1);
		if (l->n && t.begin < l->v[l->n - 1].end)
			return err_set(e,
				       "message %zu: its place in the template's text cannot be told",
				       i + 1);
		turn_add(l, t);
	}
	return 0;
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

/* Ids of text[begin, end), which goes on from the ids in out. */
static int encode_part(const struct chat *c, struct span text, size_t begin, size_t end,
		       struct tokens *out, struct err *e)
{
	/* After an added token tokenizers begin anew. */
	int anew = out->n && tokenizer_is_added(c->t, out->ids[out->n - 1]);

	return tokenizer_encode(c->t, (struct span){text.s + begin, end - begin},
				anew ? 0 : TOKENIZER_CONTINUES, out, e);
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

static int mask_text(const struct chat *c, struct span text, const struct turns *l, size_t messages,
		     double record_weight, struct chat_example *x, struct err *e)
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
	}
	rc = 0;
cleanup:
	free(begins);
	tokens_release(&whole);
	tokens_release(&part);
	return rc;
}

/* --- the three kinds of input --- */

static int mask_plain(const struct chat *c, const struct chat_input *in,
		      const struct chat_messages *m, double record_weight, struct chat_example *x,
		      struct err *e)
{
	struct buf turn = BUF_INIT;
	const int32_t *prefix;
	size_t i, n, from;
	int assistant, rc = -1;
	double w;

	prefix = tokenizer_prefix(c->t, &n);
	tokens_append(&x->ids, prefix, n);
	for (i = 0; i < m->n; i++) {
		from = x->ids.n;
		buf_clear(&turn);
		if (chat_plain_turn(c, m, i, &turn, &x->ids, &assistant, e) ||
		    weight_of(in->messages, i, &w, e))
			goto cleanup;
		if (!assistant)
			continue;
		weigh(x, from, x->ids.n, w * record_weight);
		x->turns += w > 0;
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

int chat_encode_training(const struct chat *c, const struct chat_input *in, double record_weight,
			 struct chat_example *x, struct err *e)
{
	struct chat_messages m = {0};
	struct jinja_marks marks = {0};
	struct turns turns = {0};
	struct buf text = BUF_INIT;
	size_t trained = 0;
	int rc = -1;

	tokens_clear(&x->ids);
	if (x->cap)
		memset(x->weights, 0, x->cap * sizeof *x->weights);
	x->supervised = x->turns = x->joins = 0;
	x->eos_added = 0;
	if (!in->messages.s) {
		rc = mask_completion(c, in, record_weight, x, e);
		goto cleanup;
	}
	if (chat_messages_of(c, in->messages, &m, e))
		goto cleanup;
	if (!c->template) {
		rc = mask_plain(c, in, &m, record_weight, x, e);
		goto cleanup;
	}
	if (last_trained(in, &m, &trained, e))
		goto cleanup;
	if (trained)
		m.n = trained; /* what follows is neither trained on nor seen by what is */
	if (chat_render_messages(c, &m, m.n, in->tools, 0, &text, &marks, e) ||
	    (trained && find_turns(c, in, &m, &text, &marks, &turns, e)))
		goto cleanup;
	rc = mask_text(c, buf_span(&text), &turns, m.n, record_weight, x, e);
cleanup:
	if (!rc)
		weights_fit(x);
	chat_messages_release(&m);
	jinja_marks_release(&marks);
	free(turns.v);
	buf_release(&text);
	return rc;
}

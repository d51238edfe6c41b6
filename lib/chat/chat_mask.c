/* Which tokens of a conversation are trained on.
 *
 * The turns that are trained on are ranges of the rendered text (chat_turns.h), which are carried over to
 * tokens: the text is tokenized range by range, and that is compared with the whole text tokenized at
 * once.
 */
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../json/json.h"
#include "chat_impl.h"
#include "chat_turns.h"

#define MANY 64 /* messages */

void chat_example_release(struct chat_example *x)
{
	tokens_release(&x->ids);
	free(x->weights);
	memset(x, 0, sizeof *x);
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

/* w[m->n]: of each assistant's turn its weight, of all else 0. */
static int read_weights(const struct chat_input *in, const struct chat_messages *m, double *w,
			struct err *e)
{
	struct json_iter it = {0};
	struct span none, message;

	for (size_t i = 0; i < m->n && json_next(&it, in->messages, &none, &message); i++)
		if (chat_is_assistant(m, i) && weight_of(message, i, w + i, e))
			return -1;
	return 0;
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
static int mask_text(const struct chat *c, struct span text, struct chat_turns *l, size_t messages,
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
		if (chat_encode_part(c, text, l->v[k].begin,
				     k + 1 < l->n ? l->v[k + 1].begin : text.n, &x->ids, e))
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
		if (chat_encode_part(c, text, l->v[k].begin, l->v[k].end, &part, e))
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
	if (chat_encode_part(c, in->completion, 0, in->completion.n, &x->ids, e))
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
	struct chat_turns turns = {0};
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
	else if (!trained || !chat_turns_find(c, in, &m, w, most, &text, &marks, &turns, e))
		rc = mask_text(c, buf_span(&text), &turns, m.n, most, record_weight, x, e);
cleanup:
	if (!rc)
		weights_fit(x);
	chat_messages_release(&m);
	jinja_marks_release(&marks);
	chat_turns_release(&turns);
	free(w);
	buf_release(&text);
	return rc;
}

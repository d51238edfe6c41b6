/* dialect_responses_answer: what a response of the Responses API says as a whole, and what a stream
 * said of it before it ended with one. */
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "dialect_impl.h"

/* What stands beside the output. status: where the response has none. */
static void head(struct dialect_stream *s, struct span response, const char *status)
{
	struct span given = json_member(response, "status"), v;
	struct span is = json_kind(given) == JSON_STRING ? dialect_inside(given) : span_of(status);

	dialect_keep(&s->model, json_member(response, "model"));
	dialect_keep(&s->usage, json_member(response, "usage"));
	buf_clear(&s->finish);
	if (s->error.len)
		return;
	if (dialect_says(json_member(response, "error"))) {
		buf_addspan(&s->error, response);
	} else if (span_is(is, "failed")) {
		buf_adds(&s->error,
			 "{\"code\":500,\"message\":\"the response failed, without a reason\"}");
	} else if (span_is(is, "cancelled")) {
		buf_adds(&s->error, "{\"message\":\"the response was cancelled\"}");
	} else if (span_is(is, "completed")) {
		buf_adds(&s->finish, "\"stop\"");
	} else if (span_is(is, "incomplete")) {
		v = json_member(json_member(response, "incomplete_details"), "reason");
		if (json_is(v, "max_output_tokens"))
			v = span_of("\"length\"");
		buf_addspan(&s->finish, dialect_inside(v).n ? v : span_of("\"incomplete\""));
	} else {
		dialect_bad(s, "the response is not complete", given);
	}
}

static void output(struct dialect_stream *s, struct span response)
{
	struct span items = json_member(response, "output"), key, item;
	struct json_iter it = {0};

	s->any |= json_kind(items) == JSON_ARRAY;
	for (int64_t i = 0; json_next(&it, items, &key, &item); i++)
		dialect_responses_item(s, item, i);
}

void dialect_responses_whole(struct dialect_stream *s, struct span response)
{
	head(s, response, "completed");
	if (json_kind(json_member(response, "output")) != JSON_ARRAY && !s->error.len)
		dialect_bad(s, "the answer is not understood", response);
	output(s, response);
}

/* --- the end of a stream --- */

/* Calls in order: whether names and arguments are the same. */
static int same_calls(const struct dialect_stream *s, const struct dialect_stream *w)
{
	size_t i = 0, k = 0;

	for (;; i++, k++) {
		while (i < s->n && !dialect_piece_is(&s->pieces[i], DIALECT_CALLS))
			i++;
		while (k < w->n && !dialect_piece_is(&w->pieces[k], DIALECT_CALLS))
			k++;
		if (i == s->n || k == w->n)
			return i == s->n && k == w->n;
		if (!dialect_same(&s->pieces[i].name, &w->pieces[k].name, 0) ||
		    !dialect_same(&s->pieces[i].text, &w->pieces[k].text, 1))
			return 0;
	}
}

/* Which of them, as bits, are told at the end of an item (2), or in pieces alone (1). */
static int told(const struct dialect_stream *s, unsigned kinds)
{
	int how = 0;

	for (size_t i = 0; i < s->n; i++)
		if (dialect_piece_is(&s->pieces[i], kinds))
			how |= s->pieces[i].settled ? 2 : 1;
	return how;
}

/* Whether what the whole response w says of these kinds stands for what was said before, with which
 * it must agree. Where it says nothing that stands: not every server says all of it again. */
static int replaces(struct dialect_stream *s, const struct dialect_stream *w, unsigned kinds)
{
	struct buf before = BUF_INIT, whole = BUF_INIT;
	int calls = kinds == DIALECT_CALLS, how = told(s, kinds), both, rc;

	dialect_join(s, kinds, &before);
	dialect_join(w, kinds, &whole);
	both = calls ? how && told(w, kinds) : before.len && whole.len;
	rc = both || !how;
	if (both && !(calls ? same_calls(s, w) : dialect_same(&before, &whole, 0)))
		dialect_bad(s, "the pieces and the whole of the response differ", buf_span(&whole));
	else if (!rc && !calls && how == 3)
		dialect_bad(s, "pieces belong to no item", buf_span(&before));
	else if (!rc && !before.len && whole.len)
		rc = 1;
	buf_release(&before);
	buf_release(&whole);
	return rc;
}

/* Takes the pieces of kinds over from w, and keeps those that are not. */
static void replace(struct dialect_stream *s, struct dialect_stream *w, unsigned kinds)
{
	struct dialect_piece *all = mem_alloc(s->n + w->n + 1, sizeof *all);
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		if (!dialect_piece_is(&s->pieces[i], kinds))
			all[n++] = s->pieces[i];
		else
			dialect_release_piece(&s->pieces[i]);
	for (size_t i = 0; i < w->n; i++)
		if (dialect_piece_is(&w->pieces[i], kinds))
			all[n++] = w->pieces[i];
		else
			dialect_release_piece(&w->pieces[i]);
	free(s->pieces);
	s->pieces = all;
	s->cap = s->n + w->n + 1;
	s->n = n;
	w->n = 0;
}

void dialect_responses_end(struct dialect_stream *s, struct span response, const char *status)
{
	static const unsigned all[] = {DIALECT_SAID, DIALECT_BIT(DIALECT_REFUSAL), DIALECT_THOUGHT,
				       DIALECT_CALLS};
	struct dialect_stream whole = {0};
	unsigned kinds = 0;

	if (json_kind(response) != JSON_OBJECT)
		dialect_bad(s, "the end of the response is not understood", response);
	head(s, response, status);
	output(&whole, response);
	s->any |= whole.any;
	if (s->odd.len && !whole.n)
		dialect_bad(s, "an event is not understood", buf_span(&s->odd));
	if (whole.bad.len && !s->bad.len)
		buf_addspan(&s->bad, buf_span(&whole.bad));
	if (whole.logprobs.len) {
		buf_clear(&s->logprobs);
		buf_addspan(&s->logprobs, buf_span(&whole.logprobs));
	}
	if (whole.left_out.len) {
		buf_clear(&s->left_out);
		buf_addspan(&s->left_out, buf_span(&whole.left_out));
	}
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (replaces(s, &whole, all[i]))
			kinds |= all[i];
	replace(s, &whole, kinds);
	s->ended = 1;
	dialect_stream_release(&whole);
}

/* --- what a record has --- */

void dialect_responses_gather(struct dialect_stream *s)
{
	unsigned there = 0;

	for (size_t i = 0; i < s->n; i++)
		if (s->pieces[i].kind == DIALECT_TEXT || s->pieces[i].text.len)
			there |= DIALECT_BIT(s->pieces[i].kind);
	for (size_t i = 0; i < s->n; i++) {
		const struct dialect_piece *p = &s->pieces[i];
		struct buf *to = &s->reasoning;

		if (p->kind == DIALECT_TEXT ||
		    (p->kind == DIALECT_COMMENTARY && !(there & DIALECT_BIT(DIALECT_TEXT))))
			to = &s->text;
		else if (p->kind == DIALECT_REFUSAL)
			to = &s->refusal;
		else if (!dialect_piece_is(p, DIALECT_THOUGHT | DIALECT_SAID) || !p->text.len ||
			 (p->kind == DIALECT_SUMMARY && (there & DIALECT_BIT(DIALECT_REASONING))))
			continue;
		if (to == &s->reasoning && to->len)
			buf_adds(to, "\\n\\n");
		s->has_text |= to == &s->text;
		buf_addspan(to, buf_span(&p->text));
	}
}

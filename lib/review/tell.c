/* tell: what the desk knows, written as JSON. See tell.h. */
#include "tell.h"

#include "proposal.h"
#include "rate.h"
#include "reference.h"
#include "subject.h"

#define RELATED_TEXT 600

void tell_words(struct desk *d, size_t row, size_t max, struct jw *w)
{
	struct buf text = BUF_INIT;
	desk_words(d, row, max, &text);
	jw_strn(w, text.data, text.len);
	buf_release(&text);
}

/* In an adjudication all sides are shown; in other passes a reviewer sees nobody else's verdict. */
static void tell_others(const struct desk *d, size_t row, const char *key, struct jw *w)
{
	jw_put_array(w, "others");
	for (size_t i = 0; d->pass == DESK_ADJUDICATE && i < d->journal->reviewers_n; i++) {
		const struct decision *x = journal_find(d->journal, key, i);
		if (!x)
			continue;
		jw_object(w);
		jw_put_str(w, "who", d->journal->reviewers[i]);
		jw_put_str(w, "verdict", journal_verdict_name(desk_turned(d, row, x->verdict)));
		jw_put_str(w, "new", x->new_text);
		jw_put_str(w, "why", x->why);
		jw_end(w);
	}
	jw_end(w);
}

static void tell_reference(const struct record *r, size_t max, struct jw *w)
{
	struct buf text = BUF_INIT;
	enum reference_kind kind = reference_read(r, &text);
	jw_put_str(w, "kind",
		   kind == REFERENCE_TEXT    ? "text"
		   : kind == REFERENCE_CALLS ? "calls"
					     : NULL);
	jw_key(w, "reference");
	if (kind == REFERENCE_NONE) {
		jw_null(w);
	} else {
		struct span s = desk_cut(buf_span(&text), max);
		jw_strn(w, s.s ? s.s : "", s.n);
	}
	buf_release(&text);
}

static void tell_one(struct desk *d, size_t row, struct jw *w)
{
	jw_object(w);
	jw_put_int(w, "row", row);
	jw_put_str(w, "verdict",
		   d->rows[row].verdict ? journal_verdict_name((enum verdict)d->rows[row].verdict)
					: NULL);
	jw_key(w, "text");
	tell_words(d, row, RELATED_TEXT, w);
	tell_reference(desk_record(d, row), RELATED_TEXT, w);
	jw_end(w);
}

static void tell_related(struct desk *d, size_t row, struct jw *w)
{
	size_t rows[DESK_RELATED], n = desk_related(d, row, rows);
	jw_put_array(w, "related");
	for (size_t i = 0; i < n; i++)
		tell_one(d, rows[i], w);
	jw_end(w);
}

/* Of a pair, without whose they are. */
static void tell_answers(struct desk *d, size_t row, struct jw *w)
{
	struct buf answer[2] = {BUF_INIT, BUF_INIT};
	jw_key(w, "answers");
	if (d->rows[row].pair) {
		desk_answers(d, row, answer);
		jw_array(w);
		for (int i = 0; i < 2; i++)
			jw_strn(w, answer[i].data ? answer[i].data : "", answer[i].len);
		jw_end(w);
	} else {
		jw_null(w);
	}
	buf_release(&answer[0]);
	buf_release(&answer[1]);
}

static void tell_proposals(struct desk *d, size_t row, struct jw *w)
{
	struct proposals p;
	proposals_find(d, row, &p);
	jw_put_array(w, "proposals");
	for (size_t i = 0; i < p.n; i++) {
		jw_object(w);
		jw_put_str(w, "text", p.v[i].text);
		jw_put_str(w, "from", p.v[i].from);
		jw_end(w);
	}
	jw_end(w);
	proposals_release(&p);
}

int tell_row(struct desk *d, size_t row, struct jw *w, struct err *e)
{
	char key[KEY_TEXT], hash[33];
	const struct record *r = desk_record(d, row);
	const struct desk_row *x = &d->rows[row];
	if (subject_hash(r, hash, e))
		return -1;
	desk_key(d, row, key);
	size_t me = journal_reviewer(d->journal, d->who);
	const struct decision *mine = me == (size_t)-1 ? NULL : journal_find(d->journal, key, me);
	jw_object(w);
	jw_put_int(w, "row", row);
	jw_put_str(w, "key", key);
	jw_put_str(w, "hash", hash);
	jw_put_str(w, "split", desk_split(x));
	jw_put_str(w, "verdict",
		   x->verdict ? journal_verdict_name((enum verdict)x->verdict) : NULL);
	jw_put_str(w, "new", mine && x->verdict ? mine->new_text : NULL);
	jw_put_str(w, "why", mine && x->verdict ? mine->why : NULL);
	jw_put_str(w, "draft", drafts_get(&d->drafts, d->who, key, hash));
	tell_reference(r, (size_t)-1, w);
	tell_others(d, row, key, w);
	tell_answers(d, row, w);
	jw_put_raw(w, "record", desk_shown(d, row)->body);
	tell_proposals(d, row, w);
	tell_related(d, row, w);
	jw_end(w);
	return 0;
}

void tell_summary(const struct desk *d, struct jw *w)
{
	struct desk_counts c = desk_count(d);
	struct buf words = BUF_INIT;
	jw_object(w);
	jw_put_str(w, "who", d->who);
	jw_put_str(w, "pass",
		   d->pass == DESK_FIRST    ? "first"
		   : d->pass == DESK_SECOND ? "second"
					    : "adjudicate");
	jw_put_int(w, "rows", d->n);
	jw_put_int(w, "due", c.due);
	jw_put_int(w, "pairs", c.pairs);
	for (int v = VERDICT_GOOD; v < VERDICTS; v++)
		if (v != VERDICT_UNDO)
			jw_put_int(w, journal_verdict_name((enum verdict)v), (int64_t)c.by[v]);
	jw_put_int(w, "pending", d->pending_n);
	jw_put_str(w, "error", d->pending_n ? d->trouble.msg : NULL);
	jw_key(w, "rate");
	if (c.rate.n)
		rate_write(c.rate, w);
	else
		jw_null(w);
	if (c.rate.n)
		rate_say(c.rate, &words);
	jw_put_str(w, "words", words.data);
	buf_release(&words);
	jw_put_array(w, "reasons");
	for (size_t i = 0; i < d->reasons_n; i++) {
		jw_object(w);
		jw_put_str(w, "reason", d->reasons[i]);
		jw_put_int(w, "open", c.open[i]);
		jw_end(w);
	}
	jw_end(w);
	jw_end(w);
}

void tell_labels(const struct desk *d, struct jw *w)
{
	jw_array(w);
	for (size_t i = 0; i < d->labels_n; i++)
		jw_str(w, d->labels[i]);
	jw_end(w);
}

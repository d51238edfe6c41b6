/* apply: decisions into rows. See apply.h. */
#include "apply.h"

#include <string.h>
#include "../json/jw.h"
#include "key.h"
#include "pair.h"
#include "reference.h"
#include "subject.h"

void apply_init(struct apply *a, struct journal *j)
{
	*a = (struct apply){.journal = j};
}

void apply_release(struct apply *a)
{
	map_release(&a->seen);
}

int apply_same(const struct decision *a, const struct decision *b)
{
	if (a->verdict != b->verdict || a->verdict != VERDICT_FIX)
		return a->verdict == b->verdict;
	/* by the hash, tool calls that are only spaced otherwise are the same */
	return strcmp(a->new_text, b->new_text) == 0 || (*a->after && !strcmp(a->after, b->after));
}

int apply_disputed(const struct journal *j, const char *key)
{
	const struct decision *first = NULL;
	int differ = 0;
	for (size_t w = 0; w < j->reviewers_n; w++) {
		const struct decision *x = journal_find(j, key, w);
		if (!x || x->verdict == VERDICT_SKIP)
			continue;
		if (x->final)
			return 0;
		differ |= first && !apply_same(x, first);
		first = x;
	}
	return differ;
}

int apply_row_key(struct journal *j, struct map *seen, const struct record *r, char key[KEY_TEXT],
		  char hash[33], struct err *e)
{
	uint64_t half[2];
	if (subject_key(r, key, e))
		return -1;
	key_halves(key, half);
	uint64_t *times = map_put(seen, half[0] ^ half[1], 0, NULL);
	key_text(half, (uint32_t)++ * times, key);
	return journal_meet(j, r, key, hash, e);
}

enum found { FOUND_NONE, FOUND_DECISION, FOUND_DONE, FOUND_REFUSED, FOUND_TROUBLE };

/* The standing decision on the row. FOUND_DONE: a fix that stands in the row already;
 * FOUND_REFUSED: it can't be applied (the reason in e). */
static enum found decision_on(struct apply *a, const struct record *r, const struct decision **d,
			      struct err *e)
{
	char key[KEY_TEXT], hash[33];
	if (apply_row_key(a->journal, &a->seen, r, key, hash, e))
		return FOUND_TROUBLE;
	if (!(*d = journal_find(a->journal, key, (size_t)-1)))
		return FOUND_NONE;
	int done = strcmp((*d)->after, hash) == 0;
	if (strcmp((*d)->row, hash) != 0 && !done) {
		a->changed++;
		err_set(e, "row %s changed since %s judged it; judge it again", key,
			a->journal->reviewers[(*d)->who]);
		return FOUND_REFUSED;
	}
	if (apply_disputed(a->journal, key)) {
		a->disputed++;
		err_set(e, "reviewers differ on row %s; settle it with --adjudicate", key);
		return FOUND_REFUSED;
	}
	return done ? FOUND_DONE : FOUND_DECISION;
}

/* Who said what, for `review`. */
static void write_mark(const struct journal *j, const struct decision *d, struct buf *mark)
{
	struct jw w;
	jw_init(&w, mark);
	jw_object(&w);
	jw_put_str(&w, "verdict", journal_verdict_name(d->verdict));
	jw_put_str(&w, "who", j->reviewers[d->who]);
	jw_put_str(&w, "at", d->at);
	jw_end(&w);
}

int apply_row(struct apply *a, const struct record *r, struct buf *line, struct err *e)
{
	struct buf mark = BUF_INIT;
	if (pair_is(r)) {
		a->untouched++;
		buf_addspan(line, r->line);
		return APPLY_KEEP;
	}
	int done, rc = APPLY_KEEP;
	const struct decision *d;
	enum found what = decision_on(a, r, &d, e);
	if (what == FOUND_TROUBLE)
		return -1;
	if (what == FOUND_NONE || what == FOUND_REFUSED || d->verdict == VERDICT_SKIP) {
		a->untouched += what == FOUND_NONE;
		a->skipped += what == FOUND_DECISION;
		buf_addspan(line, r->line);
		return what == FOUND_REFUSED ? APPLY_REFUSED : APPLY_KEEP;
	}
	if (d->verdict == VERDICT_BAD) {
		a->left_out++;
		return APPLY_LEAVE_OUT;
	}
	write_mark(a->journal, d, &mark);
	done = d->verdict == VERDICT_GOOD || what == FOUND_DONE;
	if (done) {
		struct edit ed = {"review", buf_span(&mark)};
		rc = record_splice(r, &ed, 1, line) ? err_set(e, "the record is too large")
						    : APPLY_KEEP;
	} else if (reference_replace(r, d->new_text, buf_span(&mark), line, e)) {
		rc = -1;
	}
	a->good += d->verdict == VERDICT_GOOD;
	a->fixed += d->verdict == VERDICT_FIX;
	buf_release(&mark);
	return rc;
}

/* One assistant turn in an array: with a text, or with tool calls. */
static void assistant_turn(struct span text, int calls, struct buf *json)
{
	struct jw w;
	jw_init(&w, json);
	jw_array(&w);
	jw_object(&w);
	jw_put_str(&w, "role", "assistant");
	jw_key(&w, calls ? "tool_calls" : "content");
	if (calls)
		jw_raw(&w, text);
	else
		jw_strn(&w, text.s ? text.s : "", text.n);
	jw_end(&w);
	jw_end(&w);
}

/* better and worse: arrays of turns. */
static void write_pair(const struct record *r, struct span better, struct span worse,
		       struct buf *line)
{
	struct span final = record_final_assistant(r), messages = record_get(r, "messages"), key, m;
	struct json_iter it = {0};
	struct jw w;
	jw_init(&w, line);
	jw_object(&w);
	jw_put_object(&w, "input");
	jw_put_array(&w, "messages");
	while (json_next(&it, messages, &key, &m))
		if (m.s != final.s)
			jw_raw(&w, m);
	jw_end(&w);
	if (record_get(r, "tools").s)
		jw_put_raw(&w, "tools", record_get(r, "tools"));
	jw_end(&w);
	jw_put_raw(&w, "preferred_output", better);
	jw_put_raw(&w, "non_preferred_output", worse);
	jw_end(&w);
}

/* The turns of the preferred answer and of the other; 0 where the decision prefers none. */
static int preference(const struct record *r, const struct decision *d, struct buf *better,
		      struct buf *worse)
{
	struct buf was = BUF_INIT;
	if (d->a) {
		int b = d->verdict == VERDICT_B;
		if (!b && d->verdict != VERDICT_A)
			return 0;
		pair_turn(r, b ? "b" : "a", better);
		pair_turn(r, b ? "a" : "b", worse);
		return 1;
	}
	enum reference_kind kind = reference_read(r, &was);
	if (d->verdict == VERDICT_FIX && kind != REFERENCE_NONE) {
		assistant_turn(span_of(d->new_text), kind == REFERENCE_CALLS, better);
		assistant_turn(buf_span(&was), kind == REFERENCE_CALLS, worse);
	}
	buf_release(&was);
	return better->len > 0;
}

int apply_pair(struct apply *a, const struct record *r, int *refused, struct buf *line,
	       struct err *e)
{
	struct buf better = BUF_INIT, worse = BUF_INIT;
	const struct decision *d;
	enum found what = decision_on(a, r, &d, e);
	if (what == FOUND_TROUBLE)
		return -1;
	*refused = what == FOUND_REFUSED;
	int some = what == FOUND_DECISION && preference(r, d, &better, &worse);
	if (some && json_kind(record_get(r, "messages")) != JSON_ARRAY) {
		a->unasked++;
		some = 0;
	}
	if (some)
		write_pair(r, buf_span(&better), buf_span(&worse), line);
	buf_release(&better);
	buf_release(&worse);
	return some;
}

/* verdicts: see verdicts.h. */
#include "verdicts.h"

#include <string.h>
#include "../json/jw.h"
#include "../text/hash.h"
#include "apply.h"
#include "pair.h"

void verdicts_release(struct verdicts *v)
{
	map_release(&v->seen);
	map_release(&v->met);
}

static enum says says(const struct decision *d)
{
	if (!d || d->verdict == VERDICT_SKIP)
		return SAYS_NOTHING;
	if (d->a)
		return d->verdict == VERDICT_A	 ? SAYS_A
		       : d->verdict == VERDICT_B ? SAYS_B
						 : SAYS_TIE;
	return d->verdict == VERDICT_GOOD ? SAYS_PASS : SAYS_FAIL;
}

static void put_says(struct jw *w, enum says s, int pair)
{
	static const char *const winners[] = {"a", "b", "tie"};
	if (s == SAYS_NOTHING)
		jw_null(w);
	else if (pair)
		jw_str(w, winners[s]);
	else
		jw_bool(w, s == SAYS_PASS);
}

struct said verdicts_said(const struct journal *j, const char *key, const char *row)
{
	struct said s = {.says = SAYS_NOTHING};
	const struct decision *standing = journal_find(j, key, (size_t)-1), *own;
	size_t most = 0;
	for (size_t w = 0; w < j->reviewers_n; w++) {
		own = journal_own(j, key, row, w);
		if (says(own) != SAYS_NOTHING)
			s.votes[says(own)]++;
	}
	if (standing && standing->final && strcmp(standing->row, row) == 0 &&
	    says(standing) != SAYS_NOTHING) {
		s.says = says(standing);
		s.by = standing;
		return s;
	}
	for (int v = 0; v < SAYS; v++) {
		s.split = s.votes[v] == most ? s.split || most > 0 : s.votes[v] < most && s.split;
		if (s.votes[v] > most) {
			most = s.votes[v];
			s.says = (enum says)v;
		}
	}
	if (s.split)
		s.says = SAYS_NOTHING;
	for (size_t w = 0; w < j->reviewers_n && s.says != SAYS_NOTHING; w++) {
		own = journal_own(j, key, row, w);
		if (says(own) == s.says && (!s.by || own > s.by))
			s.by = own;
	}
	return s;
}

static void write_mark(const struct journal *j, const char *key, const char *row,
		       const struct said *s, int pair, struct buf *mark)
{
	struct jw w;
	jw_init(&w, mark);
	jw_object(&w);
	jw_key(&w, pair ? "winner" : "pass");
	put_says(&w, s->says, pair);
	if (s->by) {
		jw_put_str(&w, "verdict", journal_verdict_name(s->by->verdict));
		jw_put_str(&w, "who", j->reviewers[s->by->who]);
		jw_put_str(&w, "at", s->by->at);
		if (s->by->why)
			jw_put_str(&w, "why", s->by->why);
	}
	if (j->reviewers_n > 1) {
		jw_put_array(&w, pair ? "winners" : "passes");
		for (size_t r = 0; r < j->reviewers_n; r++)
			put_says(&w, says(journal_own(j, key, row, r)), pair);
		jw_end(&w);
	}
	jw_end(&w);
}

int verdicts_row(struct verdicts *v, const struct record *r, struct buf *line, int *trouble,
		 struct err *e)
{
	char key[KEY_TEXT], hash[33];
	struct buf mark = BUF_INIT;
	*trouble = 0;
	if (apply_row_key(v->journal, &v->seen, r, key, hash, e)) {
		*trouble = 1;
		return -1;
	}
	if (!journal_find(v->journal, key, (size_t)-1)) {
		v->unjudged++;
		return 0;
	}
	map_put(&v->met, hash64(span_of(key), 0), 0, NULL);
	const char *row = journal_reviewed(v->journal, key, hash);
	if (!row) {
		v->changed++;
		return err_set(e, "row %s changed since it was judged; judge it again", key);
	}
	struct said s = verdicts_said(v->journal, key, row);
	int pair = pair_is(r);
	if (s.says == SAYS_NOTHING && !s.split) {
		v->skipped++;
		return 0;
	}
	v->passed += !pair && s.says == SAYS_PASS;
	v->failed += !pair && s.says == SAYS_FAIL;
	v->compared += pair && !s.split;
	v->split += (size_t)s.split;
	write_mark(v->journal, key, row, &s, pair, &mark);
	struct edit ed = {"review", buf_span(&mark)};
	*trouble = record_splice(r, &ed, 1, line) != 0;
	buf_release(&mark);
	return *trouble ? err_set(e, "the record is too large") : 1;
}

size_t verdicts_absent(const struct verdicts *v)
{
	struct map counted = {0};
	size_t absent = 0;
	for (size_t i = 0; i < v->journal->n; i++) {
		const char *key = v->journal->all[i].key;
		uint64_t h = hash64(span_of(key), 0);
		int added;
		if (says(journal_find(v->journal, key, (size_t)-1)) == SAYS_NOTHING)
			continue;
		map_put(&counted, h, 0, &added);
		absent += added && !map_get(&v->met, h);
	}
	map_release(&counted);
	return absent;
}

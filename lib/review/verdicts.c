/* verdicts: see verdicts.h. */
#include "verdicts.h"

#include <string.h>
#include "../json/jw.h"
#include "../text/hash.h"
#include "apply.h"

enum says { NOTHING = -1, FAIL, PASS };

void verdicts_release(struct verdicts *v)
{
	map_release(&v->seen);
	map_release(&v->met);
}

static enum says says(const struct decision *d)
{
	if (!d || d->verdict == VERDICT_SKIP)
		return NOTHING;
	return d->verdict == VERDICT_GOOD ? PASS : FAIL;
}

static void put_says(struct jw *w, enum says s)
{
	if (s == NOTHING)
		jw_null(w);
	else
		jw_bool(w, s == PASS);
}

/* One row's verdicts. */
struct said {
	size_t votes[2];
	enum says pass;
	const struct decision *by; /* the latest that says so; NULL where they are split */
};

static struct said ask(const struct journal *j, const char *key, const char *row)
{
	struct said s = {.pass = NOTHING};
	const struct decision *standing = journal_find(j, key, (size_t)-1), *own;
	for (size_t w = 0; w < j->reviewers_n; w++) {
		own = journal_own(j, key, row, w);
		if (says(own) != NOTHING)
			s.votes[says(own)]++;
	}
	if (standing && standing->final && strcmp(standing->row, row) == 0 &&
	    says(standing) != NOTHING) {
		s.pass = says(standing);
		s.by = standing;
		return s;
	}
	if (s.votes[PASS] == s.votes[FAIL])
		return s;
	s.pass = s.votes[PASS] > s.votes[FAIL] ? PASS : FAIL;
	for (size_t w = 0; w < j->reviewers_n; w++) {
		own = journal_own(j, key, row, w);
		if (says(own) == s.pass && (!s.by || own > s.by))
			s.by = own;
	}
	return s;
}

static void write_mark(const struct journal *j, const char *key, const char *row,
		       const struct said *s, struct buf *mark)
{
	struct jw w;
	jw_init(&w, mark);
	jw_object(&w);
	jw_key(&w, "pass");
	put_says(&w, s->pass);
	if (s->by) {
		jw_put_str(&w, "verdict", journal_verdict_name(s->by->verdict));
		jw_put_str(&w, "who", j->reviewers[s->by->who]);
		jw_put_str(&w, "at", s->by->at);
		if (s->by->why)
			jw_put_str(&w, "why", s->by->why);
	}
	if (j->reviewers_n > 1) {
		jw_put_array(&w, "passes");
		for (size_t r = 0; r < j->reviewers_n; r++)
			put_says(&w, says(journal_own(j, key, row, r)));
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
	struct said s = ask(v->journal, key, row);
	if (s.pass == NOTHING && s.votes[PASS] + s.votes[FAIL] == 0) {
		v->skipped++;
		return 0;
	}
	v->passed += s.pass == PASS;
	v->failed += s.pass == FAIL;
	v->split += s.pass == NOTHING;
	write_mark(v->journal, key, row, &s, &mark);
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
		if (says(journal_find(v->journal, key, (size_t)-1)) == NOTHING)
			continue;
		map_put(&counted, h, 0, &added);
		absent += added && !map_get(&v->met, h);
	}
	map_release(&counted);
	return absent;
}

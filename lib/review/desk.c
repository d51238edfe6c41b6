/* desk: rows in a mapped spool, two orders through them, decisions into the journal. See desk.h. */
#include "desk_impl.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "../base/mem.h"
#include "../json/side.h"
#include "apply.h"
#include "doubt.h"
#include "pair.h"
#include "reference.h"
#include "subject.h"

void desk_key(const struct desk *d, size_t row, char key[KEY_TEXT])
{
	key_text(d->rows[row].key, d->rows[row].repeat, key);
}

/* The first row with this key, and the next one with a row's key; -1 where there is none. */
static long first_of(const struct desk *d, const uint64_t key[2])
{
	const uint64_t *at = map_get(&d->by_key, key[0] ^ key[1]);
	return at ? (long)*at : -1;
}

static long next_of(const struct desk *d, size_t row)
{
	return d->rows[row].same ? (long)d->rows[row].same - 1 : -1;
}

static long row_of_key(const struct desk *d, const char *key)
{
	char k[KEY_TEXT];
	uint64_t half[2];
	if (strlen(key) < 32)
		return -1;
	key_halves(key, half);
	for (long i = first_of(d, half); i >= 0; i = next_of(d, (size_t)i)) {
		desk_key(d, (size_t)i, k);
		if (strcmp(k, key) == 0)
			return i;
	}
	return -1;
}

/* --- the two orders --- */

struct ranked {
	double by;
	uint32_t row;
};

static int ranked_cmp(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;
	if (x->by != y->by)
		return x->by < y->by ? -1 : 1;
	return (x->row > y->row) - (x->row < y->row);
}

static uint32_t *order_by(struct ranked *r, size_t n)
{
	uint32_t *order = mem_alloc(n, sizeof *order);
	mem_sort(r, n, sizeof *r, ranked_cmp);
	for (size_t i = 0; i < n; i++)
		order[i] = r[i].row;
	return order;
}

static void make_orders(struct desk *d)
{
	struct ranked *r = mem_alloc(d->n, sizeof *r);
	char key[KEY_TEXT];
	for (size_t i = 0; i < d->n; i++) {
		desk_key(d, i, key);
		r[i] = (struct ranked){journal_draw(key), (uint32_t)i};
	}
	d->by_draw = order_by(r, d->n);
	for (size_t i = 0; i < d->n; i++)
		r[i] = (struct ranked){-(double)d->rows[i].suspicion, (uint32_t)i};
	d->by_suspicion = order_by(r, d->n);
	free(r);
}

/* A decision on the row as it is; one on another reference leaves the row open. */
static const struct decision *standing_on(const struct desk *d, const char *key, const char *hash,
					  size_t who)
{
	const struct decision *x = journal_find(d->journal, key, who);
	return x && (strcmp(x->row, hash) == 0 || strcmp(x->after, hash) == 0) ? x : NULL;
}

static void mark_work(struct desk *d)
{
	size_t me = journal_reviewer(d->journal, d->who);
	char key[KEY_TEXT], hash[33];
	for (size_t i = 0; i < d->n; i++) {
		struct desk_row *w = &d->rows[i];
		desk_key(d, i, key);
		w->swapped = w->pair && pair_swapped(key, d->who, d->seed);
		if (!journal_find(d->journal, key, (size_t)-1) ||
		    journal_meet(d->journal, desk_record(d, i), key, hash, NULL)) {
			w->due = d->pass == DESK_FIRST;
			continue;
		}
		const struct decision *any = standing_on(d, key, hash, (size_t)-1);
		const struct decision *mine =
			me == (size_t)-1 ? NULL : standing_on(d, key, hash, me);
		if (d->pass == DESK_ADJUDICATE) {
			w->due = (unsigned char)apply_disputed(d->journal, key);
			continue;
		}
		w->verdict = mine ? (unsigned char)desk_turned(d, i, mine->verdict) : VERDICT_NONE;
		d->decided += mine != NULL;
		if (d->pass == DESK_SECOND)
			w->due = any && (mine || any->who != me);
	}
}

/* Drafts that an earlier version kept (journal_meet). */
static void meet_drafts(struct desk *d)
{
	char hash[33];
	for (size_t i = 0; i < d->drafts.n; i++) {
		long row = row_of_key(d, d->drafts.v[i].key);
		if (row >= 0 && !subject_hash_before(desk_record(d, (size_t)row), hash, NULL) &&
		    strcmp(d->drafts.v[i].row, hash) == 0)
			subject_hash(desk_record(d, (size_t)row), d->drafts.v[i].row, NULL);
	}
}

/* How far in the order of draws the rows of this pass are all rows. A first reviewer's sample is
 * judged without a gap, so a second pass has all of it; behind it stand only the rows that were
 * suspicious enough to be judged, and their share of errors is not that of the set. */
static double reach_of(const struct desk *d)
{
	size_t due = 0;
	if (d->pass == DESK_ADJUDICATE)
		return -1;
	for (size_t i = 0; i < d->n; i++)
		due += d->rows[i].due;
	return due == d->n ? 1 : rate_reach(d->journal, (size_t)-1);
}

int desk_open(struct desk *d, char **files, struct journal *j, const struct desk_options *o,
	      struct err *e)
{
	*d = (struct desk){.journal = j,
			   .who = o->who,
			   .pass = o->pass,
			   .every = o->every < 1 ? 1 : o->every,
			   .seed = (uint64_t)o->seed,
			   .schema = o->schema};
	if (desk_read(d, files, o->pair, e)) {
		desk_close(d);
		return -1;
	}
	drafts_open(&d->drafts, j->path);
	make_orders(d);
	mark_work(d);
	meet_drafts(d);
	d->reach = reach_of(d);
	return 0;
}

void desk_remark(const struct desk *d, struct buf *text)
{
	if (d->same)
		buf_addf(text, "%zu pair%s of the same two answers %s not shown%s", d->same,
			 d->same == 1 ? "" : "s", d->same == 1 ? "is" : "are",
			 d->remark.len ? "; " : "");
	buf_addspan(text, buf_span(&d->remark));
}

void desk_close(struct desk *d)
{
	if (d->text)
		munmap((void *)(uintptr_t)d->text, d->text_n);
	for (size_t i = 0; i < d->reasons_n; i++)
		free(d->reasons[i]);
	for (size_t i = 0; i < d->pending_n; i++)
		decision_release(&d->pending[i].d);
	for (size_t i = 0; i < DESK_LABELS; i++)
		free(d->labels[i]);
	drafts_close(&d->drafts);
	map_release(&d->by_key);
	map_release(&d->label_at);
	free(d->pending);
	free(d->rows);
	free(d->by_suspicion);
	free(d->by_draw);
	record_release(&d->record);
	record_release(&d->shown);
	buf_release(&d->shown_json);
	buf_release(&d->remark);
	*d = (struct desk){0};
}

/* --- what comes next --- */

static int open_row(const struct desk_row *w)
{
	return w->due && w->verdict == VERDICT_NONE;
}

static int passed(const struct desk_filter *f, size_t row)
{
	for (size_t i = 0; i < f->passed_n; i++)
		if (f->passed[i] == row)
			return 1;
	return 0;
}

static int matches(const struct desk *d, size_t row, const struct desk_filter *f)
{
	const struct desk_row *w = &d->rows[row];
	return w->due && (!f->reasons || w->reasons & f->reasons) &&
	       (!f->split || w->split == f->split) && w->verdict == (unsigned char)f->verdict &&
	       !passed(f, row);
}

/* The first open row of an order that was not passed; *from moves over what is judged for good. */
static long first_open(const struct desk *d, const uint32_t *order, size_t *from,
		       const struct desk_filter *f)
{
	while (*from < d->n && !open_row(&d->rows[order[*from]]))
		++*from;
	for (size_t i = *from; i < d->n; i++)
		if (open_row(&d->rows[order[i]]) && !passed(f, order[i]))
			return (long)order[i];
	return -1;
}

long desk_next(struct desk *d, const struct desk_filter *f)
{
	d->drawn = 0;
	if (f->reasons || f->split || f->verdict != VERDICT_NONE) {
		for (size_t i = 0; i < d->n; i++)
			if (matches(d, d->by_suspicion[i], f))
				return (long)d->by_suspicion[i];
		return -1;
	}
	long drawn = first_open(d, d->by_draw, &d->next_draw, f),
	     worst = first_open(d, d->by_suspicion, &d->next_suspicious, f);
	int take_draw = (d->decided + f->passed_n) % (size_t)d->every == (size_t)d->every - 1 ||
			(worst >= 0 && d->rows[worst].suspicion <= 0);
	long row = take_draw ? drawn : worst;
	/* Only the very next in the order counts as drawn: one behind a row that was passed over
	 * would leave a gap. */
	if (row >= 0 && d->next_draw < d->n && (size_t)row == d->by_draw[d->next_draw]) {
		char key[KEY_TEXT];
		desk_key(d, (size_t)row, key);
		d->drawn = journal_draw(key) <= d->reach ? (size_t)row + 1 : 0;
	}
	return row;
}

const struct record *desk_record(struct desk *d, size_t row)
{
	const struct desk_row *w = &d->rows[row];
	record_parse(&d->record, (struct span){d->text + w->at, w->len}, NULL);
	return &d->record;
}

const struct record *desk_shown(struct desk *d, size_t row)
{
	const struct record *r = desk_record(d, row);
	if (!d->rows[row].pair)
		return r;
	buf_clear(&d->shown_json);
	pair_shown(r, &d->shown_json);
	record_parse(&d->shown, buf_span(&d->shown_json), NULL);
	return &d->shown;
}

void desk_answers(struct desk *d, size_t row, struct buf answer[2])
{
	const struct record *r = desk_record(d, row);
	pair_text(r, "a", &answer[d->rows[row].swapped]);
	pair_text(r, "b", &answer[!d->rows[row].swapped]);
}

enum verdict desk_turned(const struct desk *d, size_t row, enum verdict v)
{
	return d->rows[row].swapped ? verdict_turned(v) : v;
}

struct span desk_cut(struct span s, size_t max)
{
	size_t n = s.n < max ? s.n : max;
	while (n > 0 && n < s.n && ((unsigned char)s.s[n] & 0xc0) == 0x80)
		n--;
	return (struct span){s.s, n};
}

void desk_words(struct desk *d, size_t row, size_t max, struct buf *out)
{
	const struct record *r = desk_shown(d, row);
	struct json_iter it = {0};
	struct span key, m;
	struct buf text = BUF_INIT;
	struct span messages = record_get(r, "messages");
	while (json_next(&it, messages, &key, &m))
		if (json_is(json_member(m, "role"), "user")) {
			buf_clear(&text);
			record_message_text(json_member(m, "content"), &text);
		}
	if (!text.len)
		json_string(record_get(r, "prompt"), &text);
	buf_addspan(out, desk_cut(text.len ? buf_span(&text) : r->line, max));
	buf_release(&text);
}

/* Adds all rows with a key; reasons may name one more than once. */
static void add_related(const struct desk *d, const uint64_t key[2], size_t self,
			size_t rows[DESK_RELATED], size_t *n)
{
	for (long i = first_of(d, key); i >= 0 && *n < DESK_RELATED; i = next_of(d, (size_t)i)) {
		size_t known = 0;
		while (known < *n && rows[known] != (size_t)i)
			known++;
		if (known == *n && (size_t)i != self)
			rows[(*n)++] = (size_t)i;
	}
}

size_t desk_related(struct desk *d, size_t row, size_t rows[DESK_RELATED])
{
	size_t n = 0;
	struct span k, reason;
	struct json_iter it = {0};
	struct buf other = BUF_INIT;
	if (d->rows[row].pair) /* whose answers the others are would tell whose these are */
		return 0;
	add_related(d, d->rows[row].key, row, rows, &n);
	struct span reasons = json_member(record_get(desk_record(d, row), "review"), "reasons");
	while (json_next(&it, reasons, &k, &reason)) {
		uint64_t key[2];
		buf_clear(&other);
		if (json_string(json_member(reason, "other"), &other) || other.len != 32)
			continue;
		key_halves(other.data, key);
		add_related(d, key, row, rows, &n);
	}
	buf_release(&other);
	return n;
}

struct desk_counts desk_count(const struct desk *d)
{
	struct desk_counts c = {0};
	size_t me = journal_reviewer(d->journal, d->who), open = 0;
	struct rate census = {0};
	for (size_t i = 0; i < d->n; i++) {
		const struct desk_row *x = &d->rows[i];
		if (!x->due)
			continue;
		c.due++;
		c.by[x->verdict]++;
		c.pairs += x->pair;
		if (x->pair)
			continue;
		open += x->verdict == VERDICT_NONE;
		census.skipped += x->verdict == VERDICT_SKIP;
		census.n += x->verdict != VERDICT_SKIP;
		census.errors += x->verdict == VERDICT_FIX || x->verdict == VERDICT_BAD;
		for (uint64_t bits = x->verdict ? 0 : x->reasons; bits; bits &= bits - 1)
			c.open[__builtin_ctzll(bits)]++;
	}
	if (d->pass == DESK_FIRST && !open && census.n) {
		/* the journal may hold verdicts on rows of other sets, too */
		rate_settle(&census);
		c.rate = census;
	} else if (me != (size_t)-1) {
		c.rate = rate_of(d->journal, me);
	}
	return c;
}

const char *desk_split(const struct desk_row *w)
{
	return w->split ? side_name((enum side)(w->split - 1)) : NULL;
}

size_t desk_search(const struct desk *d, struct span text, size_t from, size_t *found, size_t max)
{
	size_t n = 0;
	char *needle = span_dup(text);
	for (size_t i = from; i < d->n && n < max && text.n; i++) {
		/* strncasecmp stops at a NUL; checked JSON has none. */
		const char *p = d->text + d->rows[i].at, *end = p + d->rows[i].len;
		for (; (size_t)(end - p) >= text.n; p++)
			if ((*p | 0x20) == (*needle | 0x20) &&
			    strncasecmp(p, needle, text.n) == 0) {
				found[n++] = i;
				break;
			}
	}
	free(needle);
	return n;
}

/* --- deciding --- */

int desk_flush(struct desk *d, struct err *e)
{
	while (d->pending_n) {
		struct pending_decision *p = &d->pending[0];
		if (journal_add(d->journal, d->who, &p->d, &d->trouble))
			return err_set(e, "%s", d->trouble.msg);
		decision_release(&p->d);
		memmove(p, p + 1, --d->pending_n * sizeof *p);
	}
	return 0;
}

/* Through the queue of pending ones, so that decisions keep their order. Takes the texts over. */
static int commit(struct desk *d, struct decision x, size_t row, struct err *e)
{
	d->pending = mem_realloc(d->pending, d->pending_n + 1, sizeof *d->pending);
	d->pending[d->pending_n++] = (struct pending_decision){x, row};
	return desk_flush(d, e) == 0;
}

/* The hash of the row with the new text in it. */
static int hash_fixed(struct desk *d, size_t row, const char *new_text, char hash[33],
		      struct err *e)
{
	struct buf line = BUF_INIT, old = BUF_INIT;
	struct record r = {0};
	int rc = -1;
	if (reference_read(desk_record(d, row), &old) != REFERENCE_NONE &&
	    span_is(buf_span(&old), new_text))
		err_set(e, "the reference is what it was: a fix changes it");
	else if (reference_replace(desk_record(d, row), new_text, (struct span){NULL, 0}, &line,
				   e) == 0 &&
		 record_parse(&r, buf_span(&line), e) == 0)
		rc = subject_hash(&r, hash, e);
	buf_release(&line);
	buf_release(&old);
	record_release(&r);
	return rc;
}

int desk_doubt(struct desk *d, size_t row, const char *new_text, struct err *e)
{
	return doubt_of(desk_record(d, row), d->schema, new_text, e);
}

static int verdict_goes(const struct desk_row *w, enum verdict v)
{
	return v == VERDICT_BAD || v == VERDICT_SKIP ||
	       (w->pair ? v >= VERDICT_A && v <= VERDICT_TIE
			: v == VERDICT_GOOD || v == VERDICT_FIX);
}

/* The decision in the pair's own terms, with what makes it one on a pair. */
static void take_pair(struct desk *d, size_t row, struct decision *x)
{
	const struct record *r = desk_record(d, row);
	struct buf a = BUF_INIT, b = BUF_INIT;
	pair_model(r, "a", &a);
	pair_model(r, "b", &b);
	x->verdict = desk_turned(d, row, x->verdict);
	x->of = (int64_t)d->pairs;
	x->a = buf_detach(&a, NULL);
	x->b = buf_detach(&b, NULL);
	x->b_first = d->rows[row].swapped;
	x->judge = journal_judge(json_member(record_get(r, "judge"), "winner"));
}

int desk_decide(struct desk *d, size_t row, enum verdict v, const char *new_text, const char *why,
		struct err *e)
{
	struct decision x = {.verdict = v,
			     .random = d->drawn == row + 1,
			     .final = d->pass == DESK_ADJUDICATE,
			     .of = (int64_t)(d->n - d->pairs)};
	if (row >= d->n || !verdict_goes(&d->rows[row], v))
		return err_set(e, "no such row or verdict");
	if (v == VERDICT_FIX && !new_text)
		return err_set(e, "a fix needs the reference as it should be");
	if (subject_hash(desk_record(d, row), x.row, e))
		return -1;
	desk_key(d, row, x.key);
	if (v == VERDICT_FIX && hash_fixed(d, row, new_text, x.after, e))
		return -1;
	if (d->rows[row].pair)
		take_pair(d, row, &x);
	x.new_text = v == VERDICT_FIX ? mem_strdup(new_text) : NULL;
	x.why = why && *why ? mem_strdup(why) : NULL;
	d->decided += d->rows[row].verdict == VERDICT_NONE;
	d->rows[row].verdict = (unsigned char)v;
	drafts_put(&d->drafts, d->who, x.key, x.row, NULL, NULL);
	return commit(d, x, row, e);
}

int desk_draft(struct desk *d, size_t row, const char *text, struct err *e)
{
	char key[KEY_TEXT], hash[33];
	if (subject_hash(desk_record(d, row), hash, e))
		return -1;
	desk_key(d, row, key);
	return drafts_put(&d->drafts, d->who, key, hash, text, e);
}

const char *desk_drafted(struct desk *d, size_t row)
{
	char key[KEY_TEXT], hash[33];
	if (!d->drafts.n || subject_hash(desk_record(d, row), hash, NULL))
		return NULL;
	desk_key(d, row, key);
	return drafts_get(&d->drafts, d->who, key, hash);
}

int desk_undo(struct desk *d, size_t *row, struct err *e)
{
	if (desk_flush(d, e))
		return -1;
	size_t me = journal_reviewer(d->journal, d->who);
	for (size_t i = d->journal->n; me != (size_t)-1 && i-- > 0;) {
		const struct decision *last = &d->journal->all[i];
		long at;
		if (last->who != me || last->undone || last->verdict == VERDICT_UNDO ||
		    (at = row_of_key(d, last->key)) < 0)
			continue;
		struct decision x = {.verdict = VERDICT_UNDO};
		memcpy(x.key, last->key, sizeof x.key);
		memcpy(x.row, last->row, sizeof x.row);
		*row = (size_t)at;
		d->decided -= d->rows[at].verdict != VERDICT_NONE;
		d->rows[at].verdict = VERDICT_NONE;
		d->next_draw = d->next_suspicious = d->drawn = 0;
		return commit(d, x, *row, e);
	}
	return err_set(e, "nothing to undo");
}

/* desk: rows in a mapped spool, two orders through them, decisions into the journal. See desk.h. */
#include "desk.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "../base/file.h"
#include "../base/mem.h"
#include "../json/side.h"
#include "../text/hash.h"
#include "apply.h"
#include "doubt.h"
#include "reference.h"
#include "subject.h"

#define LABEL_LONGEST 200 /* bytes */
#define LABEL_ROWS 4	  /* rows there are for each label, at least */

/* --- reading --- */

static uint64_t reason_bit(struct desk *d, struct span name)
{
	struct buf b = BUF_INIT;
	size_t i = 0;
	if (json_string(name, &b))
		return 0;
	while (i < d->reasons_n && strcmp(d->reasons[i], b.data) != 0)
		i++;
	if (i == d->reasons_n && i < 64)
		d->reasons[d->reasons_n++] = mem_strdup(b.data);
	buf_release(&b);
	return i < 64 ? (uint64_t)1 << i : 0;
}

/* Keeps the distinct references as long as they may be labels. */
static void note_label(struct desk *d, const struct record *r)
{
	struct buf text = BUF_INIT;
	int added;
	if (d->labels_n <= DESK_LABELS && reference_read(r, &text) == REFERENCE_TEXT && text.len) {
		map_put(&d->label_at, hash64(buf_span(&text), 0), d->labels_n, &added);
		if (added && (d->labels_n == DESK_LABELS || text.len > LABEL_LONGEST ||
			      strchr("{[", *text.data)))
			/* more than labels are, or longer, or JSON */
			d->labels_n = DESK_LABELS + 1;
		else if (added)
			d->labels[d->labels_n++] = mem_strdup(text.data);
	}
	buf_release(&text);
}

static int label_cmp(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void settle_labels(struct desk *d)
{
	/* those of a set that has no labels are freed with the others */
	size_t kept = d->labels_n <= DESK_LABELS ? d->labels_n : 0;
	if (kept >= 2 && d->n >= LABEL_ROWS * kept)
		mem_sort(d->labels, kept, sizeof *d->labels, label_cmp);
	else
		d->labels_n = 0;
}

static int add_row(struct desk *d, const struct record *r, struct map *last_of, FILE *spool,
		   struct err *e)
{
	char key[33];
	struct json_iter it = {0};
	struct span review = record_get(r, "review"), k, v;
	struct desk_row row = {.at = d->text_n, .due = 1};
	enum side side;
	double suspicion = 0;
	if (r->line.n > UINT32_MAX - 1 || d->n >= UINT32_MAX - 1)
		return err_set(e, "too many rows, or a row too long");
	if (record_key(r, key, e))
		return -1;
	row.len = (uint32_t)r->line.n;
	key_halves(key, row.key);
	int added;
	uint64_t *last = map_put(last_of, row.key[0] ^ row.key[1], d->n, &added);
	row.repeat = 1;
	if (added) {
		map_put(&d->by_key, row.key[0] ^ row.key[1], d->n, NULL);
	} else {
		row.repeat = d->rows[*last].repeat + 1;
		d->rows[*last].same = (uint32_t)d->n + 1;
		*last = d->n;
	}
	note_label(d, r);
	if (json_number(json_member(review, "suspicion"), &suspicion) == 0 && suspicion >= 0)
		row.suspicion = (float)suspicion;
	while (json_next(&it, json_member(review, "reasons"), &k, &v))
		row.reasons |= reason_bit(d, json_member(v, "reason"));
	side_read(record_get(r, "split"), &side, NULL);
	row.split = (unsigned char)(side + 1);
	d->rows = mem_grow(d->rows, &d->cap, d->n + 1, sizeof *d->rows);
	d->rows[d->n++] = row;
	d->text_n += r->line.n + 1;
	if (fwrite(r->line.s, 1, r->line.n, spool) != r->line.n || fputc('\n', spool) == EOF)
		return file_scratch_failed("the rows", e);
	return 0;
}

static int read_rows(struct desk *d, char **files, struct err *e)
{
	struct reader in;
	struct record r = {0};
	struct map last_of = {0};
	FILE *spool = NULL;
	int rc = -1;
	reader_init(&in, files);
	if (!(spool = file_scratch(e)))
		goto cleanup;
	while ((rc = reader_next(&in, &r, e)) > 0)
		if (add_row(d, &r, &last_of, spool, e)) {
			rc = reader_at(&in, e);
			break;
		}
	if (rc == 0 && fflush(spool))
		rc = file_scratch_failed("the rows", e);
	if (rc == 0 && d->text_n) {
		void *p = mmap(NULL, d->text_n, PROT_READ, MAP_PRIVATE, fileno(spool), 0);
		if (p == MAP_FAILED)
			rc = err_errno(e, "mapping the rows");
		else
			d->text = p;
	}
cleanup:
	if (spool)
		fclose(spool);
	map_release(&last_of);
	record_release(&r);
	reader_release(&in);
	return rc;
}

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
		w->verdict = mine ? (unsigned char)mine->verdict : VERDICT_NONE;
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

int desk_open(struct desk *d, char **files, struct journal *j, const char *who, enum desk_pass pass,
	      long every, struct err *e)
{
	*d = (struct desk){.journal = j, .who = who, .pass = pass, .every = every < 1 ? 1 : every};
	if (read_rows(d, files, e) < 0) {
		desk_close(d);
		return -1;
	}
	drafts_open(&d->drafts, j->path);
	settle_labels(d);
	make_orders(d);
	mark_work(d);
	meet_drafts(d);
	d->reach = reach_of(d);
	return 0;
}

void desk_close(struct desk *d)
{
	if (d->text)
		munmap((void *)(uintptr_t)d->text, d->text_n);
	for (size_t i = 0; i < d->reasons_n; i++)
		free(d->reasons[i]);
	for (size_t i = 0; i < d->pending_n; i++) {
		free(d->pending[i].d.new_text);
		free(d->pending[i].d.why);
	}
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

struct span desk_cut(struct span s, size_t max)
{
	size_t n = s.n < max ? s.n : max;
	while (n > 0 && n < s.n && ((unsigned char)s.s[n] & 0xc0) == 0x80)
		n--;
	return (struct span){s.s, n};
}

void desk_words(struct desk *d, size_t row, size_t max, struct buf *out)
{
	const struct record *r = desk_record(d, row);
	struct json_iter it = {0};
	struct span key, m;
	struct buf text = BUF_INIT;
	while (json_next(&it, record_get(r, "messages"), &key, &m))
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
	add_related(d, d->rows[row].key, row, rows, &n);
	while (json_next(&it, json_member(record_get(desk_record(d, row), "review"), "reasons"), &k,
			 &reason)) {
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
	size_t me = journal_reviewer(d->journal, d->who);
	for (size_t i = 0; i < d->n; i++) {
		const struct desk_row *x = &d->rows[i];
		if (!x->due)
			continue;
		c.due++;
		c.by[x->verdict]++;
		for (uint64_t bits = x->verdict ? 0 : x->reasons; bits; bits &= bits - 1)
			c.open[__builtin_ctzll(bits)]++;
	}
	if (d->pass == DESK_FIRST && !c.by[VERDICT_NONE] && c.by[VERDICT_SKIP] < c.due) {
		/* the journal may hold verdicts on rows of other sets, too */
		c.rate = (struct rate){.n = c.due - c.by[VERDICT_SKIP],
				       .errors = c.by[VERDICT_FIX] + c.by[VERDICT_BAD],
				       .skipped = c.by[VERDICT_SKIP]};
		rate_settle(&c.rate);
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

static void free_texts(struct decision *x)
{
	free(x->new_text);
	free(x->why);
}

int desk_flush(struct desk *d, struct err *e)
{
	while (d->pending_n) {
		struct pending_decision *p = &d->pending[0];
		if (journal_add(d->journal, d->who, &p->d, &d->trouble))
			return err_set(e, "%s", d->trouble.msg);
		free_texts(&p->d);
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

int desk_decide(struct desk *d, size_t row, enum verdict v, const char *new_text, const char *why,
		struct err *e)
{
	struct decision x = {.verdict = v,
			     .random = d->drawn == row + 1,
			     .final = d->pass == DESK_ADJUDICATE,
			     .of = (int64_t)d->n};
	if (row >= d->n || v < VERDICT_GOOD || v > VERDICT_SKIP)
		return err_set(e, "no such row or verdict");
	if (v == VERDICT_FIX && !new_text)
		return err_set(e, "a fix needs the reference as it should be");
	if (subject_hash(desk_record(d, row), x.row, e))
		return -1;
	desk_key(d, row, x.key);
	if (v == VERDICT_FIX && hash_fixed(d, row, new_text, x.after, e))
		return -1;
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

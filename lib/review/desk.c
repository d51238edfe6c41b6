/* desk: rows in a mapped spool, two orders through them, decisions into the journal. See desk.h. */
#include "desk.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "../base/mem.h"
#include "../json/reader.h"
#include "apply.h"
#include "rate.h"

static const char *const splits[] = {NULL, "train", "valid", "test"};

/* --- reading --- */

static uint64_t reason_bit(struct desk *d, struct span name)
{
	struct buf b = BUF_INIT;
	size_t i = 0;
	if (json_string(name, &b) < 0)
		return 0;
	while (i < d->reasons_n && strcmp(d->reasons[i], b.data) != 0)
		i++;
	if (i == d->reasons_n && i < 64)
		d->reasons[d->reasons_n++] = mem_strdup(b.data);
	buf_release(&b);
	return i < 64 ? (uint64_t)1 << i : 0;
}

static uint64_t half_of(const char *hex)
{
	uint64_t x = 0;
	for (int i = 0; i < 16; i++)
		x = x << 4 | (uint64_t)(hex[i] <= '9' ? hex[i] - '0' : hex[i] - 'a' + 10);
	return x;
}

static int add_row(struct desk *d, const struct record *r, struct map *seen, FILE *spool, struct err *e)
{
	char key[33];
	struct json_iter it = {0};
	struct span review = record_get(r, "review"), k, v;
	struct desk_row row = {.at = d->text_n, .due = 1};
	double suspicion = 0;
	if (r->line.n > UINT32_MAX - 1 || d->n >= UINT32_MAX - 1)
		return err_set(e, "too many rows, or a row too long");
	if (record_key(r, key, e) < 0)
		return -1;
	row.len = (uint32_t)r->line.n;
	row.key[0] = half_of(key);
	row.key[1] = half_of(key + 16);
	row.repeat = (uint32_t)++*map_put(seen, row.key[0] ^ row.key[1], 0, NULL);
	if (json_number(json_member(review, "suspicion"), &suspicion) == 0 && suspicion >= 0)
		row.suspicion = (float)suspicion;
	while (json_next(&it, json_member(review, "reasons"), &k, &v))
		row.reasons |= reason_bit(d, json_member(v, "reason"));
	for (unsigned char i = 1; i < 4; i++)
		if (json_is(record_get(r, "split"), splits[i]))
			row.split = i;
	d->rows = mem_grow(d->rows, &d->cap, d->n + 1, sizeof *d->rows);
	d->rows[d->n++] = row;
	d->text_n += r->line.n + 1;
	if (fwrite(r->line.s, 1, r->line.n, spool) != r->line.n || fputc('\n', spool) == EOF)
		return err_errno(e, "copying the rows into a temporary file");
	return 0;
}

static int spool_open(FILE **spool, struct err *e)
{
	const char *dir = getenv("TMPDIR");
	struct buf name = BUF_INIT;
	buf_addf(&name, "%s/ft-review-XXXXXX", dir && *dir ? dir : "/tmp");
	int fd = mkstemp(name.data);
	if (fd < 0) {
		err_errno(e, "%s", name.data);
		buf_release(&name);
		return -1;
	}
	unlink(name.data);
	buf_release(&name);
	*spool = fdopen(fd, "w+");
	return *spool ? fd : err_errno(e, "a temporary file");
}

static int read_rows(struct desk *d, char **files, struct err *e)
{
	struct reader in;
	struct record r = {0};
	struct map seen = {0};
	FILE *spool = NULL;
	int rc = -1;
	reader_init(&in, files);
	if (spool_open(&spool, e) < 0)
		goto cleanup;
	while ((rc = reader_next(&in, &r, e)) > 0)
		if (add_row(d, &r, &seen, spool, e) < 0) {
			rc = err_prefix(e, "%s:%zu", in.name, in.line);
			break;
		}
	if (rc == 0 && fflush(spool) != 0)
		rc = err_errno(e, "copying the rows into a temporary file");
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
	map_release(&seen);
	record_release(&r);
	reader_release(&in);
	return rc;
}

void desk_key(const struct desk *d, size_t row, char key[48])
{
	const struct desk_row *w = &d->rows[row];
	int n = snprintf(key, 48, "%016llx%016llx", (unsigned long long)w->key[0], (unsigned long long)w->key[1]);
	if (w->repeat > 1)
		snprintf(key + n, 48 - (size_t)n, "#%u", w->repeat);
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
	qsort(r, n, sizeof *r, ranked_cmp);
	for (size_t i = 0; i < n; i++)
		order[i] = r[i].row;
	return order;
}

static void make_orders(struct desk *d)
{
	struct ranked *r = mem_alloc(d->n, sizeof *r);
	char key[48];
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

static void mark_work(struct desk *d)
{
	size_t me = journal_reviewer(d->journal, d->who);
	char key[48];
	for (size_t i = 0; i < d->n; i++) {
		struct desk_row *w = &d->rows[i];
		desk_key(d, i, key);
		const struct decision *any = journal_find(d->journal, key, (size_t)-1);
		const struct decision *mine = me == (size_t)-1 ? NULL : journal_find(d->journal, key, me);
		if (d->pass == DESK_ADJUDICATE) {
			w->due = (unsigned char)apply_disputed(d->journal, key);
			continue;
		}
		w->verdict = mine ? (unsigned char)mine->verdict : VERDICT_NONE;
		if (d->pass == DESK_SECOND)
			w->due = any && (mine || any->who != me);
	}
}

int desk_open(struct desk *d, char **files, struct journal *j, const char *who, enum desk_pass pass, long every, struct err *e)
{
	*d = (struct desk){.journal = j, .who = who, .pass = pass, .every = every < 1 ? 1 : every};
	if (read_rows(d, files, e) < 0) {
		desk_close(d);
		return -1;
	}
	make_orders(d);
	mark_work(d);
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
	return w->due && (!f->reasons || w->reasons & f->reasons) && (!f->split || w->split == f->split) &&
	       w->verdict == (unsigned char)f->verdict && !passed(f, row);
}

/* The first open row of an order that was not passed; *from moves over what is judged for good. */
static long first_open(const struct desk *d, const uint32_t *order, size_t *from, const struct desk_filter *f)
{
	while (*from < d->n && !open_row(&d->rows[order[*from]]))
		++*from;
	for (size_t i = *from; i < d->n; i++)
		if (open_row(&d->rows[order[i]]) && !passed(f, order[i]))
			return (long)order[i];
	return -1;
}

long desk_next(struct desk *d, const struct desk_filter *f, int *random)
{
	*random = 0;
	if (f->reasons || f->split || f->verdict != VERDICT_NONE) {
		for (size_t i = 0; i < d->n; i++)
			if (matches(d, d->by_suspicion[i], f))
				return (long)d->by_suspicion[i];
		return -1;
	}
	long drawn = first_open(d, d->by_draw, &d->next_draw, f), worst = first_open(d, d->by_suspicion, &d->next_suspicious, f);
	int take_draw = d->shown % (size_t)d->every == (size_t)d->every - 1 || (worst >= 0 && d->rows[worst].suspicion <= 0);
	long row = take_draw ? drawn : worst;
	d->shown++;
	/* Only the very next in the order counts as drawn: one behind a row that was passed over would leave a gap. */
	*random = row >= 0 && d->next_draw < d->n && (size_t)row == d->by_draw[d->next_draw];
	return row;
}

const struct record *desk_record(struct desk *d, size_t row)
{
	const struct desk_row *w = &d->rows[row];
	record_parse(&d->record, (struct span){d->text + w->at, w->len}, NULL);
	return &d->record;
}

/* --- telling --- */

/* In an adjudication all sides are shown; in other passes a reviewer sees nobody else's verdict. */
static void write_others(const struct desk *d, const char *key, struct jw *w)
{
	jw_key(w, "others");
	jw_array(w);
	for (size_t i = 0; d->pass == DESK_ADJUDICATE && i < d->journal->reviewers_n; i++) {
		const struct decision *x = journal_find(d->journal, key, i);
		if (!x)
			continue;
		jw_object(w);
		jw_key(w, "who");
		jw_str(w, d->journal->reviewers[i]);
		jw_key(w, "verdict");
		jw_str(w, verdict_name(x->verdict));
		jw_key(w, "new");
		jw_str(w, x->new_text);
		jw_key(w, "why");
		jw_str(w, x->why);
		jw_end(w);
	}
	jw_end(w);
}

int desk_write_row(struct desk *d, size_t row, int random, struct jw *w, struct err *e)
{
	char key[48], hash[33];
	const struct record *r = desk_record(d, row);
	const struct desk_row *x = &d->rows[row];
	struct buf refs = BUF_INIT;
	if (journal_row_hash(r, hash, e) < 0)
		return -1;
	desk_key(d, row, key);
	size_t me = journal_reviewer(d->journal, d->who);
	const struct decision *mine = me == (size_t)-1 ? NULL : journal_find(d->journal, key, me);
	int n = record_references(r, &refs, NULL);
	jw_object(w);
	jw_key(w, "row");
	jw_int(w, (int64_t)row);
	jw_key(w, "key");
	jw_str(w, key);
	jw_key(w, "hash");
	jw_str(w, hash);
	jw_key(w, "random");
	jw_bool(w, random);
	jw_key(w, "split");
	jw_str(w, splits[x->split]);
	jw_key(w, "verdict");
	jw_str(w, x->verdict ? verdict_name((enum verdict)x->verdict) : NULL);
	jw_key(w, "new");
	jw_str(w, mine ? mine->new_text : NULL);
	jw_key(w, "why");
	jw_str(w, mine ? mine->why : NULL);
	jw_key(w, "reference");
	jw_str(w, n > 0 ? refs.data : NULL);
	write_others(d, key, w);
	jw_key(w, "record");
	jw_raw(w, r->body);
	jw_end(w);
	buf_release(&refs);
	return 0;
}

void desk_write_summary(const struct desk *d, struct jw *w)
{
	size_t count[VERDICT_UNDO + 1] = {0}, due = 0, by_reason[64] = {0};
	size_t me = journal_reviewer(d->journal, d->who);
	for (size_t i = 0; i < d->n; i++) {
		const struct desk_row *x = &d->rows[i];
		if (!x->due)
			continue;
		due++;
		count[x->verdict]++;
		for (uint64_t bits = x->verdict ? 0 : x->reasons; bits; bits &= bits - 1)
			by_reason[__builtin_ctzll(bits)]++;
	}
	jw_object(w);
	jw_key(w, "who");
	jw_str(w, d->who);
	jw_key(w, "pass");
	jw_str(w, d->pass == DESK_FIRST ? "first" : d->pass == DESK_SECOND ? "second" : "adjudicate");
	jw_key(w, "rows");
	jw_int(w, (int64_t)d->n);
	jw_key(w, "due");
	jw_int(w, (int64_t)due);
	for (int v = VERDICT_GOOD; v <= VERDICT_SKIP; v++) {
		jw_key(w, verdict_name((enum verdict)v));
		jw_int(w, (int64_t)count[v]);
	}
	jw_key(w, "pending");
	jw_int(w, (int64_t)d->pending_n);
	jw_key(w, "rate");
	struct rate rate = me == (size_t)-1 ? (struct rate){0} : rate_of(d->journal, me);
	if (rate.n) {
		jw_object(w);
		jw_key(w, "n");
		jw_int(w, (int64_t)rate.n);
		jw_key(w, "errors");
		jw_int(w, (int64_t)rate.errors);
		jw_bounds(w, "value", rate.value, rate.lo, rate.hi);
		jw_end(w);
	} else {
		jw_null(w);
	}
	jw_key(w, "reasons");
	jw_array(w);
	for (size_t i = 0; i < d->reasons_n; i++) {
		jw_object(w);
		jw_key(w, "reason");
		jw_str(w, d->reasons[i]);
		jw_key(w, "open");
		jw_int(w, (int64_t)by_reason[i]);
		jw_end(w);
	}
	jw_end(w);
	jw_end(w);
}

size_t desk_search(const struct desk *d, struct span text, size_t from, size_t *found, size_t max)
{
	size_t n = 0;
	char *needle = span_dup(text);
	for (size_t i = from; i < d->n && n < max && text.n; i++) {
		/* strncasecmp stops at a NUL; checked JSON has none. */
		const char *p = d->text + d->rows[i].at, *end = p + d->rows[i].len;
		for (; (size_t)(end - p) >= text.n; p++)
			if ((*p | 0x20) == (*needle | 0x20) && strncasecmp(p, needle, text.n) == 0) {
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
		if (journal_add(d->journal, d->who, &p->d, e) < 0)
			return -1;
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

int desk_decide(struct desk *d, size_t row, enum verdict v, int random, const char *new_text, const char *why, struct err *e)
{
	struct decision x = {.verdict = v, .random = random, .final = d->pass == DESK_ADJUDICATE};
	if (row >= d->n || v < VERDICT_GOOD || v > VERDICT_SKIP)
		return err_set(e, "no such row or verdict");
	if (v == VERDICT_FIX && !new_text)
		return err_set(e, "a fix needs the reference as it should be");
	if (journal_row_hash(desk_record(d, row), x.row, e) < 0)
		return -1;
	desk_key(d, row, x.key);
	x.new_text = v == VERDICT_FIX ? mem_strdup(new_text) : NULL;
	x.why = why && *why ? mem_strdup(why) : NULL;
	d->rows[row].verdict = (unsigned char)v;
	return commit(d, x, row, e);
}

static long row_of_key(const struct desk *d, const char *key)
{
	char k[48];
	uint64_t a = strlen(key) >= 32 ? half_of(key) : 0;
	for (size_t i = 0; i < d->n; i++) {
		if (d->rows[i].key[0] != a)
			continue;
		desk_key(d, i, k);
		if (strcmp(k, key) == 0)
			return (long)i;
	}
	return -1;
}

int desk_undo(struct desk *d, size_t *row, struct err *e)
{
	if (desk_flush(d, e) < 0)
		return -1;
	size_t me = journal_reviewer(d->journal, d->who);
	for (size_t i = d->journal->n; me != (size_t)-1 && i-- > 0;) {
		const struct decision *last = &d->journal->all[i];
		long at;
		if (last->who != me || last->undone || last->verdict == VERDICT_UNDO || (at = row_of_key(d, last->key)) < 0)
			continue;
		struct decision x = {.verdict = VERDICT_UNDO};
		memcpy(x.key, last->key, sizeof x.key);
		memcpy(x.row, last->row, sizeof x.row);
		*row = (size_t)at;
		d->rows[at].verdict = VERDICT_NONE;
		d->next_draw = d->next_suspicious = 0;
		return commit(d, x, *row, e);
	}
	return err_set(e, "nothing to undo");
}

/* journal: an append-only file of decisions and what follows from them. See journal.h. */
#include "journal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "../base/file.h"
#include "../base/mem.h"
#include "../json/jw.h"
#include "../text/fold.h"
#include "../text/hash.h"
#include "pair.h"
#include "subject.h"

#define JOURNAL_MAX ((size_t)1 << 30)

static const char *const names[VERDICTS] = {"",	    "good", "fix", "bad", "skip",
					    "undo", "a",    "b",   "tie"};

const char *journal_verdict_name(enum verdict v)
{
	return names[v];
}

enum verdict verdict_of(const char *name)
{
	for (int i = VERDICT_GOOD; i < VERDICTS; i++)
		if (strcmp(name, names[i]) == 0)
			return (enum verdict)i;
	return VERDICT_NONE;
}

static uint64_t key_hash(const char *key)
{
	return hash64(span_of(key), 0);
}

size_t journal_reviewer(const struct journal *j, const char *who)
{
	for (size_t i = 0; i < j->reviewers_n; i++)
		if (strcmp(j->reviewers[i], who) == 0)
			return i;
	return (size_t)-1;
}

int journal_name_check(const char *name, struct err *e)
{
	struct span rest = span_of(name);
	if (rest.n >= REVIEWER_MAX)
		return err_set(e, "the reviewer's name is longer than %d bytes", REVIEWER_MAX - 1);
	while (rest.n)
		if (fold_next(&rest) < 0)
			return err_set(e, "the reviewer's name is no UTF-8");
	return 0;
}

static size_t reviewer_add(struct journal *j, const char *who)
{
	size_t i = journal_reviewer(j, who);
	if (i != (size_t)-1)
		return i;
	j->reviewers = mem_realloc(j->reviewers, j->reviewers_n + 1, sizeof *j->reviewers);
	j->reviewers[j->reviewers_n] = mem_strdup(who);
	return j->reviewers_n++;
}

void journal_index(struct journal *j, size_t i)
{
	struct decision *d = &j->all[i];
	uint64_t *last = map_put(&j->last, key_hash(d->key), 0, NULL);
	d->earlier = (size_t)*last;
	*last = i + 1;
}

enum verdict verdict_turned(enum verdict v)
{
	return v == VERDICT_A ? VERDICT_B : v == VERDICT_B ? VERDICT_A : v;
}

/* The same decision with the other of the two models as a. */
static void turn(struct decision *d)
{
	char *a = d->a;
	d->a = d->b;
	d->b = a;
	d->verdict = verdict_turned(d->verdict);
	d->judge = verdict_turned(d->judge);
	d->b_first = !d->b_first;
}

/* Whether a decision is on a pair whose models are these, and the other way round. */
static int is_turned(const struct decision *d, const char *a, const char *b)
{
	return d->a && strcmp(d->a, b) == 0 && strcmp(d->b, a) == 0 && strcmp(a, b) != 0;
}

/* Takes the decision (and its texts) into the tables; an undo marks what it takes back. */
static void remember(struct journal *j, struct decision given)
{
	j->all = mem_grow(j->all, &j->cap, j->n + 1, sizeof *j->all);
	j->all[j->n++] = given;
	journal_index(j, j->n - 1);
	struct decision *d = &j->all[j->n - 1];
	for (size_t i = d->a ? d->earlier : 0; i; i = j->all[i - 1].earlier)
		if (strcmp(j->all[i - 1].key, d->key) == 0 && j->all[i - 1].a) {
			if (is_turned(&j->all[i - 1], d->a, d->b))
				turn(d);
			break;
		}
	for (size_t i = d->verdict == VERDICT_UNDO ? d->earlier : 0; i; i = j->all[i - 1].earlier) {
		struct decision *old = &j->all[i - 1];
		if (old->who == d->who && !old->undone && old->verdict != VERDICT_UNDO &&
		    strcmp(old->key, d->key) == 0) {
			old->undone = 1;
			break;
		}
	}
}

/* The standing decision on the row before the one numbered i - 1, from i on backwards; 0: none. */
static size_t standing(const struct journal *j, const char *key, size_t i)
{
	for (; i; i = j->all[i - 1].earlier) {
		const struct decision *d = &j->all[i - 1];
		if (!d->undone && d->verdict != VERDICT_UNDO && strcmp(d->key, key) == 0)
			break;
	}
	return i;
}

static size_t latest(const struct journal *j, const char *key)
{
	const uint64_t *last = map_get(&j->last, key_hash(key));
	return standing(j, key, last ? (size_t)*last : 0);
}

const struct decision *journal_find(const struct journal *j, const char *key, size_t who)
{
	const struct decision *found = NULL;
	for (size_t i = latest(j, key); i; i = standing(j, key, j->all[i - 1].earlier)) {
		const struct decision *d = &j->all[i - 1];
		if (who != (size_t)-1 && d->who != who)
			continue;
		if (!found)
			found = d;
		if (who == (size_t)-1 && d->final)
			return d;
	}
	return found;
}

const struct decision *journal_own(const struct journal *j, const char *key, const char *row,
				   size_t who)
{
	for (size_t i = latest(j, key); i; i = standing(j, key, j->all[i - 1].earlier)) {
		const struct decision *d = &j->all[i - 1];
		if (d->who == who && !d->final && strcmp(d->row, row) == 0)
			return d;
	}
	return NULL;
}

const char *journal_reviewed(const struct journal *j, const char *key, const char *row)
{
	const char *before = NULL;
	for (size_t i = latest(j, key); i; i = standing(j, key, j->all[i - 1].earlier)) {
		const struct decision *d = &j->all[i - 1];
		if (strcmp(d->row, row) == 0)
			return d->row;
		if (!before && strcmp(d->after, row) == 0)
			before = d->row;
	}
	return before;
}

/* Has all decisions on the pair in the record's terms. */
static void meet_pair(struct journal *j, const struct record *r, const char *key)
{
	struct buf a = BUF_INIT, b = BUF_INIT;
	const uint64_t *last = map_get(&j->last, key_hash(key));
	pair_model(r, "a", &a);
	pair_model(r, "b", &b);
	for (size_t i = last ? (size_t)*last : 0; i; i = j->all[i - 1].earlier)
		if (strcmp(j->all[i - 1].key, key) == 0 &&
		    is_turned(&j->all[i - 1], a.data, b.data))
			turn(&j->all[i - 1]);
	buf_release(&a);
	buf_release(&b);
}

int journal_meet(struct journal *j, const struct record *r, const char *key, char hash[33],
		 struct err *e)
{
	char before[33] = "";
	if (subject_hash(r, hash, e))
		return -1;
	if (pair_is(r)) {
		meet_pair(j, r, key);
		return 0;
	}
	for (size_t i = latest(j, key); i; i = standing(j, key, j->all[i - 1].earlier)) {
		struct decision *d = &j->all[i - 1];
		if (strcmp(d->row, hash) == 0 || strcmp(d->after, hash) == 0)
			continue;
		if (!*before && subject_hash_before(r, before, e))
			return -1;
		if (strcmp(d->row, before) == 0)
			memcpy(d->row, hash, sizeof d->row);
		if (strcmp(d->after, before) == 0)
			memcpy(d->after, hash, sizeof d->after);
	}
	return 0;
}

/* The member's text, at most max bytes with the NUL, into to. */
static int text_into(const struct record *r, const char *name, char *to, size_t max, struct err *e)
{
	struct buf b = BUF_INIT;
	int rc = -1;
	if (json_string(record_get(r, name), &b))
		err_set(e, "no \"%s\" in the decision", name);
	else if (b.len >= max || memchr(b.data, 0, b.len))
		err_set(e, "\"%s\" is not what a journal holds", name);
	else {
		memcpy(to, b.data, b.len + 1);
		rc = 0;
	}
	buf_release(&b);
	return rc;
}

static char *text_of(const struct record *r, const char *name)
{
	struct buf b = BUF_INIT;
	if (json_string(record_get(r, name), &b))
		return NULL;
	return buf_detach(&b, NULL);
}

enum verdict journal_judge(struct span v)
{
	return json_is(v, "a")	   ? VERDICT_A
	       : json_is(v, "b")   ? VERDICT_B
	       : json_is(v, "tie") ? VERDICT_TIE
				   : VERDICT_NONE;
}

static int read_line(struct journal *j, struct record *r, struct span line, struct err *e)
{
	struct decision d = {0};
	char who[REVIEWER_MAX], verdict[16];
	if (record_parse(r, line, e) || text_into(r, "at", d.at, sizeof d.at, e) ||
	    text_into(r, "who", who, sizeof who, e) ||
	    text_into(r, "key", d.key, sizeof d.key, e) ||
	    text_into(r, "row", d.row, sizeof d.row, e) ||
	    text_into(r, "verdict", verdict, sizeof verdict, e))
		return -1;
	d.verdict = verdict_of(verdict);
	if (d.verdict == VERDICT_NONE)
		return err_set(e, "unknown verdict \"%s\"", verdict);
	d.random = json_kind(record_get(r, "random")) == JSON_TRUE;
	d.final = json_kind(record_get(r, "final")) == JSON_TRUE;
	if (json_int(record_get(r, "of"), &d.of) || d.of < 0)
		d.of = 0;
	d.draw = journal_draw(d.key);
	if (record_get(r, "after").s && text_into(r, "after", d.after, sizeof d.after, e))
		return -1;
	d.new_text = text_of(r, "new");
	d.why = text_of(r, "why");
	if (d.verdict == VERDICT_FIX && !d.new_text) {
		decision_release(&d);
		return err_set(e, "a fix without its new text");
	}
	if (record_get(r, "a").s || d.verdict > VERDICT_UNDO) {
		d.a = text_of(r, "a");
		d.b = text_of(r, "b");
		d.b_first = json_is(record_get(r, "first"), "b");
		d.judge = journal_judge(record_get(r, "judge"));
		if (!d.a || !d.b) {
			decision_release(&d);
			return err_set(e, "a verdict on a pair without its models");
		}
	}
	d.who = reviewer_add(j, who);
	remember(j, d);
	return 0;
}

/* Whether the text is the beginning of a line as write_decision makes it. A file system may leave
 * zeros where the bytes of a crash's last write should be. */
static int begins_line(struct span tail, int first)
{
	static const char line[] = "{\"at\":\"0000-00-00T00:00:00Z\",\"who\":\"";
	size_t n = tail.n;
	while (!first && n > 0 && tail.s[n - 1] == 0)
		n--;
	for (size_t i = 0; i < n && line[i]; i++)
		if (line[i] == '0' ? tail.s[i] < '0' || tail.s[i] > '9' : tail.s[i] != line[i])
			return 0;
	return 1;
}

/* The last line, which has no newline: whole, or torn, or none of ours. */
static int read_last(struct journal *j, struct record *r, struct span tail, int first, size_t *good,
		     struct err *e)
{
	struct err bad = ERR_INIT;
	struct span value;
	if (read_line(j, r, tail, &bad) == 0) {
		j->unended = 1;
		*good += tail.n;
		return 0;
	}
	if (begins_line(tail, first) && json_check(tail, &value, NULL))
		return 0;
	return err_set(e, "%s", bad.msg);
}

/* Reads the whole journal; *good is the number of bytes that are decisions. */
static int read_all(struct journal *j, struct span text, size_t *good, struct err *e)
{
	struct record r = {0};
	size_t at = 0, number = 0;
	int rc = 0;
	while (at < text.n) {
		const char *nl = memchr(text.s + at, '\n', text.n - at);
		number++;
		if (!nl) {
			if (read_last(j, &r, (struct span){text.s + at, text.n - at}, number == 1,
				      &at, e))
				rc = err_prefix(e, "%s:%zu", j->path, number);
			break;
		}
		if (read_line(j, &r, (struct span){text.s + at, (size_t)(nl - text.s) - at}, e) <
		    0) {
			rc = err_prefix(e, "%s:%zu", j->path, number);
			break;
		}
		at = (size_t)(nl - text.s) + 1;
	}
	*good = at;
	record_release(&r);
	return rc;
}

int journal_open(struct journal *j, const char *path, int writing, size_t *torn, struct err *e)
{
	*j = (struct journal){.fd = -1, .path = mem_strdup(path)};
	struct buf b = {.max = JOURNAL_MAX + 65537};
	size_t good = 0;
	int rc = -1;
	if (torn)
		*torn = 0;
	if (writing && (j->fd = file_lock(path, path, e)) < 0)
		goto cleanup;
	if (file_read(path, JOURNAL_MAX, &b, e) || read_all(j, buf_span(&b), &good, e))
		goto cleanup;
	if (torn)
		*torn = b.len - good;
	if (writing && good < b.len && ftruncate(j->fd, (off_t)good)) {
		err_errno(e, "%s", path);
		goto cleanup;
	}
	rc = 0;
cleanup:
	buf_release(&b);
	if (rc < 0)
		journal_close(j);
	return rc;
}

void decision_release(struct decision *d)
{
	free(d->new_text);
	free(d->why);
	free(d->a);
	free(d->b);
}

void journal_close(struct journal *j)
{
	if (j->fd >= 0)
		close(j->fd);
	for (size_t i = 0; i < j->n; i++)
		decision_release(&j->all[i]);
	for (size_t i = 0; i < j->reviewers_n; i++)
		free(j->reviewers[i]);
	free(j->reviewers);
	free(j->all);
	free(j->path);
	map_release(&j->last);
	*j = (struct journal){.fd = -1};
}

double journal_draw(const char *key)
{
	/* a seed of its own: independent of ft-split's sides */
	return hash_unit(hash64(span_of(key), 0x7265766965770001u));
}

static void write_decision(struct buf *b, const char *who, const struct decision *d)
{
	struct jw w;
	jw_init(&w, b);
	jw_object(&w);
	jw_put_str(&w, "at", d->at);
	jw_put_str(&w, "who", who);
	jw_put_str(&w, "key", d->key);
	jw_put_str(&w, "row", d->row);
	jw_put_str(&w, "verdict", names[d->verdict]);
	jw_put_num(&w, "draw", journal_draw(d->key));
	jw_put_bool(&w, "random", d->random);
	if (d->of)
		jw_put_int(&w, "of", d->of);
	if (d->final)
		jw_put_bool(&w, "final", 1);
	if (d->new_text) {
		jw_put_str(&w, "new", d->new_text);
	}
	if (*d->after)
		jw_put_str(&w, "after", d->after);
	if (d->a) {
		jw_put_str(&w, "a", d->a);
		jw_put_str(&w, "b", d->b);
		jw_put_str(&w, "first", d->b_first ? "b" : "a");
	}
	if (d->judge)
		jw_put_str(&w, "judge", names[d->judge]);
	if (d->why) {
		jw_put_str(&w, "why", d->why);
	}
	jw_end(&w);
	buf_addc(b, '\n');
}

/* All of it or nothing: a partial line would be taken for a torn one. */
static int append(struct journal *j, struct span line, struct err *e)
{
	off_t start = lseek(j->fd, 0, SEEK_END);
	size_t done = 0;
	while (done < line.n) {
		ssize_t k = write(j->fd, line.s + done, line.n - done);
		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			break;
		done += (size_t)k;
	}
	if (done == line.n && fdatasync(j->fd) == 0)
		return 0;
	err_errno(e, "%s", j->path);
	if (ftruncate(j->fd, start))
		return err_prefix(e, "and the journal could not be cut back");
	return -1;
}

int journal_add(struct journal *j, const char *who, const struct decision *given, struct err *e)
{
	struct decision d = *given;
	struct buf line = BUF_INIT;
	time_t now = time(NULL);
	struct tm tm;
	strftime(d.at, sizeof d.at, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
	if (j->unended)
		buf_addc(&line, '\n');
	write_decision(&line, who, &d);
	int rc = append(j, buf_span(&line), e);
	if (rc == 0) {
		j->unended = 0;
		d.who = reviewer_add(j, who);
		d.new_text = d.new_text ? mem_strdup(d.new_text) : NULL;
		d.why = d.why ? mem_strdup(d.why) : NULL;
		d.a = d.a ? mem_strdup(d.a) : NULL;
		d.b = d.b ? mem_strdup(d.b) : NULL;
		d.undone = 0;
		d.draw = journal_draw(d.key);
		remember(j, d);
	}
	buf_release(&line);
	return rc;
}

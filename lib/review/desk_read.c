/* desk_read: the rows of a desk, into a mapped spool. See desk_impl.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "../base/file.h"
#include "../base/mem.h"
#include "../json/side.h"
#include "../text/hash.h"
#include "desk_impl.h"
#include "pair.h"
#include "reference.h"
#include "rows.h"
#include "subject.h"

#define LABEL_LONGEST 200 /* bytes */
#define LABEL_ROWS 4	  /* rows there are for each label, at least */

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
	if (subject_key(r, key, e))
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
	row.pair = (unsigned char)pair_is(r);
	d->pairs += row.pair;
	if (!row.pair)
		note_label(d, r);
	if (!row.pair && json_number(json_member(review, "suspicion"), &suspicion) == 0 &&
	    suspicion >= 0)
		row.suspicion = (float)suspicion;
	struct span reasons = json_member(review, "reasons");
	while (json_next(&it, reasons, &k, &v))
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

/* A pair of the same two answers asks nothing. */
static int answers_differ(const struct record *r)
{
	struct buf a = BUF_INIT, b = BUF_INIT;
	pair_text(r, "a", &a);
	pair_text(r, "b", &b);
	int differ = !span_eq(buf_span(&a), buf_span(&b));
	buf_release(&a);
	buf_release(&b);
	return differ;
}

int desk_read(struct desk *d, char **files, int pair, struct err *e)
{
	struct reader in;
	struct rows rows = {.in = &in, .pair = pair};
	struct record r = {0};
	struct map last_of = {0};
	FILE *spool = NULL;
	int rc = -1;
	reader_init(&in, files);
	if (!(spool = file_scratch(e)))
		goto cleanup;
	while ((rc = rows_next(&rows, &r, e)) > 0) {
		if (pair_is(&r) && !answers_differ(&r)) {
			d->same++;
		} else if (add_row(d, &r, &last_of, spool, e)) {
			rc = reader_at(&in, e);
			break;
		}
	}
	rows_remark(&rows, &d->remark);
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
	rows_release(&rows);
	reader_release(&in);
	if (rc == 0)
		settle_labels(d);
	return rc;
}

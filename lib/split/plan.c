/* plan: from records to hashes to sides; see the header. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "../base/file.h"
#include "../base/mem.h"
#include "../text/hash.h"
#include "../text/moment.h"
#include "plan.h"

/* In place of a side: what time decides. */
enum { ROW_PAST = -2, ROW_GAP = -3 };

#define CHAIN_SHARE 0.02 /* of all rows that near-duplicates may chain into one block */
#define CHAIN_LEAST 50	 /* rows, however few there are in all */

void plan_init(struct plan *p, const struct plan_options *o)
{
	*p = (struct plan){.o = *o};
	if (o->near > 0)
		p->near = near_new(o->near, o->seed);
}

void plan_release(struct plan *p)
{
	ledger_release(&p->ledger);
	quota_release(&p->quota);
	near_free(p->near);
	map_release(&p->kept_rows);
	map_release(&p->sided);
	buf_release(&p->text);
	buf_release(&p->scratch);
	buf_release(&p->large_name);
	*p = (struct plan){0};
}

int plan_time(struct span value, struct buf *scratch, double *seconds)
{
	struct moment m;
	double x;

	if (json_kind(value) == JSON_NUMBER) {
		if (json_number(value, &x) || !moment_epoch(floor(x), &m))
			return -1;
		*seconds = floor(x >= 1e11 ? x / 1000 : x); /* as fine as what is written */
		return 0;
	}
	buf_clear(scratch);
	if (json_kind(value) != JSON_STRING || json_string(value, scratch))
		return -1;
	if (!moment_parse(buf_span(scratch), &m) || !m.year || m.either)
		return -1;
	*seconds = 86400.0 * (double)moment_days(&m) + (m.second > 0 ? m.second : 0) - m.offset;
	return 0;
}

int plan_after(const char *text, double *seconds)
{
	struct moment m;

	if (!moment_parse(span_of(text), &m) || !m.year || !m.day || m.either)
		return -1;
	*seconds =
		86400.0 * (double)moment_days(&m) + (m.second >= 0 ? m.second : 86399) - m.offset;
	return 0;
}

static int value_text(struct span v, struct buf *b, struct err *e)
{
	buf_clear(b);
	if (json_value_text(v, b))
		return err_set(e, "a value of more than %zu bytes", BUF_MAX);
	return 0;
}

void plan_row_release(struct plan_row *row)
{
	buf_release(&row->text);
	buf_release(&row->scratch);
}

static int find_hashes(const struct plan_options *o, const struct record *r, struct plan_row *row,
		       struct err *e)
{
	const struct path *path = o->key ? o->key : o->group;
	char key[33];

	row->lone = 0;
	if (record_key(r, key, e))
		return -1;
	row->unit = row->input = hash64(span_of(key), o->seed);
	if (!path)
		return 0;
	struct span v = path_get(path, r, &row->scratch);
	if (v.s && json_kind(v) != JSON_NULL) {
		if (value_text(v, &row->text, e))
			return -1;
		row->unit = hash64(buf_span(&row->text), o->seed);
		return 0;
	}
	if (o->key)
		return err_set(e, "no value at the key %s", path_text(path));
	row->lone = 1;
	return 0;
}

int plan_read(const struct plan_options *o, const struct record *r, struct plan_row *row,
	      struct err *e)
{
	row->bad = side_read(record_get(r, "split"), &row->already, e) ||
		   find_hashes(o, r, row, e) || trail_print(r, row->already, &row->print, e);
	return -row->bad;
}

static uint64_t identity(const struct record *r, uint64_t input)
{
	struct span id = record_get(r, "id");

	return hash64(id.s ? id : span_of(""), input);
}

#define NAME_KEPT 200 /* bytes of a key or group that a message may give */

/* Of the row added last. */
static void note_large(struct plan *p, const struct plan_row *row)
{
	struct ledger *l = &p->ledger;

	if (row->unit == row->input || l->rows <= p->kept)
		return;
	size_t rows = l->units[ledger_block(l, l->rows - 1)].size;
	if (rows <= p->large_rows)
		return;
	p->large_rows = rows;
	p->large_row = l->rows - 1;
	buf_clear(&p->large_name);
	buf_add(&p->large_name, row->text.data,
		row->text.len < NAME_KEPT ? row->text.len : NAME_KEPT);
}

static int add_text(struct plan *p, const struct record *r, struct err *e)
{
	if (!p->near)
		return 0;
	buf_clear(&p->text);
	return near_text(r, &p->text, e) || near_add(p->near, buf_span(&p->text), e) ? -1 : 0;
}

#define TORN ((uint64_t)4) /* beside an input's side: rows had others */

/* As where all rows are read first: of different sides test comes before valid, and that before
 * train. */
static void note_side(struct plan *p, uint64_t *known, enum side side)
{
	uint64_t was = *known & ~TORN;

	if (was == (uint64_t)side)
		return;
	p->torn += !(*known & TORN);
	*known = (was > (uint64_t)side ? was : (uint64_t)side) | TORN;
}

enum side plan_stream(struct plan *p, const struct plan_row *row)
{
	enum side side = sides_of(&p->o.sides, row->unit), was = side;
	uint64_t *known;

	p->loners += row->lone;
	if (row->already != SIDE_NONE) {
		known = map_put(&p->sided, row->input, (uint64_t)row->already, NULL);
		note_side(p, known, row->already);
		return row->already;
	}
	known = p->sided.n ? map_get(&p->sided, row->input) : NULL;
	if (known)
		side = (enum side)(*known & ~TORN);
	p->followers += side != was;
	return side;
}

int plan_keep(struct plan *p, const struct record *r, enum side side, struct err *e)
{
	struct plan_row row = {0};
	int rc = find_hashes(&p->o, r, &row, e) ||
		 ledger_add(&p->ledger, row.unit, row.input, side, e) || add_text(p, r, e);

	p->loners += !rc && row.lone;
	plan_row_release(&row);
	if (rc)
		return -1;
	map_put(&p->kept_rows, identity(r, row.input), (uint64_t)side, NULL);
	if (p->o.stratify_n)
		quota_row(&p->quota);
	p->kept++;
	return 0;
}

static int keep_file(struct plan *p, char *file, enum side side, struct reader *how, struct err *e)
{
	char *files[2] = {file, NULL};
	struct record rec = {0};
	struct reader r;
	int got;

	reader_init_like(&r, files, how);
	while ((got = reader_next(&r, &rec, e)) > 0 && plan_keep(p, &rec, side, e) == 0)
		;
	if (got > 0) {
		got = reader_at(&r, e);
	}
	how->skipped += r.skipped;
	reader_release(&r);
	record_release(&rec);
	return got;
}

int plan_keep_dir(struct plan *p, const char *dir, struct reader *how, struct err *e)
{
	int found = 0, rc = 0;

	for (int i = 0; i < SIDES && !rc; i++) {
		char name[32];
		snprintf(name, sizeof name, "%s.jsonl", side_name((enum side)i));
		char *path = file_join(dir, name);
		if (file_exists(path)) {
			found = 1;
			rc = keep_file(p, path, (enum side)i, how, e);
		}
		free(path);
	}
	if (!rc && !found)
		return err_set(e, "%s: no train.jsonl, valid.jsonl or test.jsonl there", dir);
	return rc;
}

/* A label, or each of an array of labels. */
static int add_classes(struct plan *p, const struct record *r, struct err *e)
{
	quota_row(&p->quota);
	for (size_t i = 0; i < p->o.stratify_n; i++) {
		struct span path = span_of(path_text(p->o.stratify[i])),
			    v = path_get(p->o.stratify[i], r, &p->scratch);
		struct json_iter it = {0};
		struct span key, item;
		size_t n = 0;
		if (json_kind(v) == JSON_ARRAY) {
			for (; json_next(&it, v, &key, &item); n++) {
				if (value_text(item, &p->text, e))
					return -1;
				quota_class(&p->quota, i, path, buf_span(&p->text));
			}
		} else if (v.s) {
			if (value_text(v, &p->text, e))
				return -1;
			quota_class(&p->quota, i, path, buf_span(&p->text));
			n = 1;
		}
		if (!n)
			quota_class(&p->quota, i, path, span_of("(none)"));
	}
	return 0;
}

static int side_by_time(struct plan *p, const struct record *r, int *side, struct err *e)
{
	struct span v = path_get(p->o.time, r, &p->scratch);
	double t;

	if (!v.s || plan_time(v, &p->text, &t))
		return err_set(e, "no date or time at %s", path_text(p->o.time));
	*side = t > p->o.after ? SIDE_TEST : t > p->o.after - 86400 * p->o.gap ? ROW_GAP : ROW_PAST;
	return 0;
}

int plan_add(struct plan *p, const struct record *r, const struct plan_row *row, struct err *e)
{
	enum side side = row->already;
	int by_time = SIDE_NONE;

	p->loners += row->lone;
	if (side == SIDE_NONE && p->kept) {
		uint64_t *was = map_get(&p->kept_rows, identity(r, row->input));
		side = was ? (enum side) * was : side;
	}
	if (side == SIDE_NONE && p->o.time) {
		if (side_by_time(p, r, &by_time, e))
			return -1;
		side = by_time == SIDE_TEST ? SIDE_TEST : SIDE_NONE;
	}
	if (ledger_add(&p->ledger, row->unit, row->input, side, e))
		return -1;
	note_large(p, row);
	if (add_text(p, r, e))
		return -1;
	if (p->o.time && side == SIDE_NONE) {
		p->ledger.row_kept[p->ledger.rows - 1] = (signed char)by_time;
		p->gap_rows += by_time == ROW_GAP;
	}
	return p->o.stratify_n ? add_classes(p, r, e) : 0;
}

static void tie_near(struct plan *p, struct pool *pool)
{
	size_t n, rows = p->ledger.rows, most = (size_t)(CHAIN_SHARE * (double)rows);
	struct near_pair *pair = near_pairs(p->near, pool, &n, &p->crowded);

	most = most < CHAIN_LEAST ? CHAIN_LEAST : most;
	for (size_t i = 0; i < n; i++) {
		/* The same words are the same text, however many there are. */
		size_t cap = pair[i].jaccard == 1 ? rows : most;
		if (ledger_block(&p->ledger, pair[i].a) == ledger_block(&p->ledger, pair[i].b))
			continue;
		if (ledger_tie(&p->ledger, pair[i].a, pair[i].b, cap))
			p->near_torn++;
		else
			p->near_tied++;
	}
	free(pair);
}

/* Rows of the past share train and valid between them; a block with rows of the future keeps its
 * rows where time puts them. */
static void settle_past(struct plan *p)
{
	struct sides past = p->o.sides;
	double sum = past.share[SIDE_TRAIN] + past.share[SIDE_VALID];

	past.share[SIDE_TRAIN] /= sum;
	past.share[SIDE_VALID] /= sum;
	past.share[SIDE_TEST] = 0;
	for (size_t i = p->kept; i < p->ledger.rows; i++) {
		struct unit *u = &p->ledger.units[ledger_block(&p->ledger, i)];
		if (p->ledger.row_kept[i] != ROW_PAST)
			continue;
		u->torn |= u->kept == SIDE_TEST;
		p->ledger.row_kept[i] = (signed char)(u->kept == SIDE_TRAIN || u->kept == SIDE_VALID
							      ? u->kept
							      : (int)sides_of(&past, u->hash));
	}
}

int plan_settle(struct plan *p, struct pool *pool, struct err *e)
{
	size_t rows = p->ledger.rows - p->kept, sides = (size_t)sides_count(&p->o.sides);

	if (p->near)
		tie_near(p, pool);
	if (p->o.stratify_n && rows && rows < sides)
		return err_set(e, "%zu rows cannot be stratified over %zu sides", rows, sides);
	if (p->o.stratify_n && rows && ledger_blocks(&p->ledger) < sides)
		return err_set(e,
			       "%zu rows that form %zu blocks (of one group, or of equal or near inputs) cannot be stratified over %zu sides",
			       rows, ledger_blocks(&p->ledger), sides);
	if (p->o.stratify_n && p->quota.classes_n > 10 && 2 * p->quota.classes_n > rows)
		return err_set(e,
			       "%zu classes in %zu rows, one is %s: what --stratify names must repeat",
			       p->quota.classes_n, rows, p->quota.classes[0].name);
	if (p->o.stratify_n && !p->o.time)
		quota_settle(&p->quota, &p->ledger, p->kept, &p->o.sides);
	else
		ledger_settle(&p->ledger, &p->o.sides);
	if (p->o.time)
		settle_past(p);
	return 0;
}

size_t plan_largest(struct plan *p, struct span *name)
{
	size_t row = 0, rows = ledger_largest(&p->ledger, p->kept, &row);

	*name = (struct span){0};
	if (p->large_rows &&
	    ledger_block(&p->ledger, p->large_row) == ledger_block(&p->ledger, row))
		*name = buf_span(&p->large_name);
	return rows;
}

enum side plan_side(struct plan *p, size_t row)
{
	row += p->kept;
	return p->ledger.row_kept[row] == ROW_GAP ? SIDE_NONE : ledger_side(&p->ledger, row);
}

/* select: see the header. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../json/jw.h"
#include "../json/reader.h"
#include "../stats/mmd.h"
#include "../text/features.h"
#include "../text/hash.h"
#include "select.h"
#include "values.h"

#define VECTORS_RANKED 2000

/* What one path gives to a row. */
struct reason {
	size_t row;
	double score;
	uint64_t what; /* a hash of the path and the value or word there */
};

struct scores {
	double *total;	   /* of each sampled row */
	double *top;	   /* the largest share of it that one path gave */
	const char **path; /* and which one */
	size_t rows;
	struct reason *reason;
	size_t n, cap;
};

static void add(struct scores *s, size_t row, double score, uint64_t what, const struct line *l)
{
	if (row >= s->rows || !(score > 0))
		return;
	s->total[row] += score;
	if (score > s->top[row]) {
		s->top[row] = score;
		s->path[row] = l->path;
	}
	s->reason = mem_grow(s->reason, &s->cap, s->n + 1, sizeof *s->reason);
	s->reason[s->n++] = (struct reason){row, score, hash64(span_of(l->path), what)};
}

static double log_ratio(double is, double is_n, double was, double was_n)
{
	return log((is + 0.5) / (is_n + 1)) - log((was + 0.5) / (was_n + 1));
}

static uint64_t strings_in(const struct column *c)
{
	return c ? type_values(c, TYPE_CATEGORY) : 0;
}

static double level_count(const struct column *c, uint64_t hash)
{
	const struct level *l = c ? column_level(c, hash) : NULL;

	return l ? (double)l->n : 0;
}

static void score_categories(struct scores *s, const struct line *l)
{
	double was_n = (double)strings_in(l->reference), is_n = (double)strings_in(l->current);

	for (size_t i = 0; i < l->current->cells_n; i++) {
		const struct cell *cell = &l->current->cells[i];
		char code[COLUMN_CODE];
		struct span text = cell->kind == KIND_BOOL
					   ? span_of(cell->x != 0 ? "true" : "false")
				   : cell->kind == KIND_NUMBER ? column_code(cell->x, code)
							       : column_cell_text(l->current, cell);
		uint64_t hash = hash64(text, 0);
		if (cell->kind == KIND_STRING || cell->kind == KIND_BOOL ||
		    (cell->kind == KIND_NUMBER && l->current->codes))
			add(s, cell->row,
			    log_ratio(level_count(l->current, hash), is_n,
				      level_count(l->reference, hash), was_n),
			    hash, l);
	}
}

static double year_rows(const struct column *c, int year)
{
	return c ? (double)column_period_rows(&c->years, year) : 0;
}

static void take_year(double *best, int *of, const struct line *l, int year)
{
	double score = log_ratio(year_rows(l->current, year), (double)l->current->dated,
				 year_rows(l->reference, year), (double)l->reference->dated);

	if (score > *best) {
		*best = score;
		*of = year;
	}
}

static void score_years(struct scores *s, const struct line *l)
{
	for (size_t i = 0; i < l->current->cells_n; i++) {
		const struct cell *cell = &l->current->cells[i];
		struct span text = column_cell_text(l->current, cell), where;
		struct moment m;
		size_t at = 0;
		double best = 0;
		int year = 0;
		if (cell->kind == KIND_NUMBER && l->current->timely && moment_epoch(cell->x, &m))
			take_year(&best, &year, l, m.year);
		while (cell->kind == KIND_STRING && moment_find(text, &at, &m, &where)) {
			if (m.year)
				take_year(&best, &year, l, m.year);
		}
		add(s, cell->row, best, (uint64_t)year, l);
	}
}

/* Further beyond the reference's range than that is wide. */
static int is_far(double x, const double *was, size_t n, double width)
{
	return n && (x < was[0] - width || x > was[n - 1] + width);
}

/* Values between the tenths of the current ones, against the reference's share there. */
static void score_numbers(struct scores *s, const struct line *l)
{
	size_t n, m;
	double *was = values_numbers(l->reference, &n), *is = values_numbers(l->current, &m),
	       edge[11], share[10];

	for (int k = 0; k <= 10 && m; k++)
		edge[k] = is[(size_t)((double)(m - 1) * k / 10)];
	for (int k = 0; k < 10 && m; k++) {
		size_t in = 0, now = 0;
		for (size_t i = 0; i < n; i++)
			in += was[i] >= edge[k] &&
			      (k == 9 ? was[i] <= edge[10] : was[i] < edge[k + 1]);
		for (size_t i = 0; i < m; i++)
			now += is[i] >= edge[k] &&
			       (k == 9 ? is[i] <= edge[10] : is[i] < edge[k + 1]);
		share[k] = log_ratio((double)now, (double)m, (double)in, (double)n);
	}
	/* What lies far off stands out of its tenth. */
	size_t far = 0;
	double width = n ? was[n - 1] - was[0] : 0;
	for (size_t i = 0; i < m; i++)
		far += is_far(is[i], was, n, width);
	double beyond = log_ratio((double)far, (double)m, 0, (double)n);
	for (size_t i = 0; i < l->current->cells_n && m; i++) {
		const struct cell *cell = &l->current->cells[i];
		int k = 0;
		if (cell->kind != KIND_NUMBER && cell->kind != KIND_ARRAY)
			continue;
		while (k < 9 && cell->x >= edge[k + 1])
			k++;
		add(s, cell->row,
		    is_far(cell->x, was, n, width) ? fmax(beyond, share[k]) : share[k], (uint64_t)k,
		    l);
	}
	free(was);
	free(is);
}

/* Texts that have a word, on either side. */
static void count_words(struct map *m, const struct column *c)
{
	for (size_t i = 0; i < c->cells_n; i++) {
		struct tokens t;
		struct token token;
		struct map seen = {0};
		int fresh;
		if (c->cells[i].kind != KIND_STRING)
			continue;
		tokens_init(&t, column_cell_text(c, &c->cells[i]), TOKEN_CALENDAR);
		while (tokens_next(&t, &token)) {
			map_put(&seen, token.hash, 0, &fresh);
			if (fresh)
				++*map_put(m, token.hash, 0, NULL);
		}
		map_release(&seen);
	}
}

static void score_texts(struct scores *s, const struct line *l)
{
	struct map was = {0}, is = {0};

	count_words(&was, l->reference);
	count_words(&is, l->current);
	for (size_t i = 0; i < l->current->cells_n; i++) {
		const struct cell *cell = &l->current->cells[i];
		struct tokens t;
		struct token token;
		double best = 0;
		uint64_t word = 0;
		if (cell->kind != KIND_STRING)
			continue;
		tokens_init(&t, column_cell_text(l->current, cell), TOKEN_CALENDAR);
		while (tokens_next(&t, &token)) {
			uint64_t *now = map_get(&is, token.hash),
				 *before = map_get(&was, token.hash);
			/* A word of one text alone is that text's oddity. */
			double score =
				*now > 1 ? log_ratio((double)*now, (double)l->current->cells_n,
						     before ? (double)*before : 0,
						     (double)l->reference->cells_n)
					 : 0;
			if (score > best) {
				best = score;
				word = token.hash;
			}
		}
		add(s, cell->row, best, word, l);
	}
	map_release(&was);
	map_release(&is);
}

/* How much nearer a vector lies to the current ones than to the reference's; for evenly spaced
 * rows, since each is measured against all. */
static void score_vectors(struct scores *s, const struct line *l)
{
	size_t n, m, d = (size_t)l->current->dims, step = 1 + l->current->cells_n / VECTORS_RANKED;

	if (l->reference->dims != d || !d)
		return;
	float *x = values_vectors(l->reference, l->current, &n, &m), *y = mem_alloc(d, sizeof *y);
	double scale = n && m ? mmd_scale(x, n + m, d) : 0;
	for (size_t i = 0; i < l->current->cells_n && scale > 0; i += step) {
		const struct cell *cell = &l->current->cells[i];
		if (cell->kind != KIND_ARRAY || cell->n != d * sizeof *y)
			continue;
		memcpy(y, column_cell_text(l->current, cell).s, cell->n);
		add(s, cell->row, mmd_nearer(x, n, m, d, scale, y), 0, l);
	}
	free(x);
	free(y);
}

static int stands_below(const struct column *c, const struct column *top)
{
	while (c && c != top)
		c = c->parent;
	return c == top;
}

/* Objects keep no values: the rows that hold one are those with a value somewhere below it. */
static void score_objects(struct scores *s, const struct line *l, const struct frame *current,
			  double score)
{
	unsigned char *seen = mem_alloc(s->rows, 1);

	for (size_t i = 0; i < current->columns_n; i++) {
		const struct column *c = current->columns[i];
		if (c == l->current || !stands_below(c, l->current))
			continue;
		for (size_t k = 0; k < c->cells_n; k++) {
			size_t row = c->cells[k].row;
			if (row < s->rows && !seen[row])
				add(s, row, score, KIND_OBJECT, l);
			if (row < s->rows)
				seen[row] = 1;
		}
	}
	free(seen);
}

/* Rows in which the path has a kind that became more usual; a row without the path is not seen
 * here. */
static void score_kinds(struct scores *s, const struct line *l, const struct frame *reference,
			const struct frame *current)
{
	const struct column *up = l->current->parent;
	double is_n = (double)frame_possible(current, l->current), was_n;

	/* A path that the reference never had: as often as it could have stood there. */
	if (!l->reference && up)
		up = frame_column(reference, up->root, up);
	was_n = (double)(l->reference ? frame_possible(reference, l->reference)
			 : up	      ? up->count[KIND_OBJECT]
				      : reference->rows);

	for (size_t i = 0; i < l->current->cells_n; i++) {
		const struct cell *cell = &l->current->cells[i];
		add(s, cell->row,
		    log_ratio((double)l->current->count[cell->kind], is_n,
			      l->reference ? (double)l->reference->count[cell->kind] : 0, was_n),
		    cell->kind, l);
	}
	score_objects(s, l, current,
		      log_ratio((double)l->current->count[KIND_OBJECT], is_n,
				l->reference ? (double)l->reference->count[KIND_OBJECT] : 0,
				was_n));
}

struct ranked {
	double score, due; /* due: less what was listed before for the same thing */
	uint64_t hash;
	size_t row;
};

static int by_due(const void *x, const void *y)
{
	const struct ranked *a = x, *b = y;

	if (a->due != b->due)
		return a->due > b->due ? -1 : 1;
	if (a->score != b->score)
		return a->score > b->score ? -1 : 1;
	return a->hash < b->hash ? -1 : a->hash > b->hash;
}

static int by_row(const void *x, const void *y)
{
	const struct reason *a = x, *b = y;

	return a->row < b->row ? -1 : a->row > b->row;
}

/* Things that are new take turns: of what the same thing gives, the k-th row has a k-th. */
static void take_turns(struct ranked *rank, const struct scores *s)
{
	struct map turns = {0};
	size_t *begin = mem_alloc(s->rows + 1, sizeof *begin);

	mem_sort(s->reason, s->n, sizeof *s->reason, by_row);
	for (size_t i = 0; i < s->n; i++)
		begin[s->reason[i].row + 1] = i + 1;
	for (size_t i = 0; i < s->rows; i++)
		begin[i + 1] = begin[i + 1] ? begin[i + 1] : begin[i];
	mem_sort(rank, s->rows, sizeof *rank, by_due);
	for (size_t i = 0; i < s->rows; i++) {
		rank[i].due = 0;
		for (size_t k = begin[rank[i].row]; k < begin[rank[i].row + 1]; k++)
			rank[i].due += s->reason[k].score /
				       (double)++*map_put(&turns, s->reason[k].what, 0, NULL);
	}
	mem_sort(rank, s->rows, sizeof *rank, by_due);
	map_release(&turns);
	free(begin);
}

struct selected *select_rows(const struct comparison *c, const struct frame *reference,
			     const struct frame *current, size_t most, size_t *n)
{
	struct scores s = {.rows = current->sample_n};
	struct ranked *rank = mem_alloc(s.rows, sizeof *rank);
	struct selected *out = mem_alloc(most < s.rows ? most : s.rows, sizeof *out);

	s.total = mem_alloc(s.rows, sizeof *s.total);
	s.top = mem_alloc(s.rows, sizeof *s.top);
	s.path = mem_alloc(s.rows, sizeof *s.path);
	for (size_t i = 0; i < c->n; i++) {
		const struct line *l = &c->lines[i];
		if (l->verdict != VERDICT_DRIFT || !l->current)
			continue;
		if (strcmp(l->best->test, "kinds") == 0)
			score_kinds(&s, l, reference, current);
		else if (l->type == TYPE_DATE)
			score_years(&s, l);
		else if (l->type == TYPE_NUMBER)
			score_numbers(&s, l);
		else if (l->type == TYPE_TEXT)
			score_texts(&s, l);
		else if (l->type == TYPE_VECTOR)
			score_vectors(&s, l);
		else
			score_categories(&s, l);
	}
	for (size_t i = 0; i < s.rows; i++)
		rank[i] = (struct ranked){s.total[i], s.total[i], current->sample[i].priority, i};
	take_turns(rank, &s);
	for (*n = 0; *n < s.rows && *n < most && rank[*n].score > 0; ++*n)
		out[*n] = (struct selected){current->sample[rank[*n].row].number, rank[*n].score,
					    mem_strdup(s.path[rank[*n].row])};
	free(rank);
	free(s.total);
	free(s.top);
	free(s.path);
	free(s.reason);
	return out;
}

void select_free(struct selected *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(s[i].path);
	free(s);
}

int select_lines(const struct selected *chosen, size_t n, struct reader *reader, struct buf *line,
		 struct err *e)
{
	struct buf value = BUF_INIT;
	struct map at = {0};
	struct record rec = {0};
	int got;

	for (size_t i = 0; i < n; i++)
		map_put(&at, chosen[i].number, i, NULL);
	while ((got = reader_next(reader, &rec, e)) > 0) {
		uint64_t *i = map_get(&at, reader->rows + reader->skipped - 1);
		if (!i)
			continue;
		struct jw w;
		buf_clear(&value);
		jw_init(&w, &value);
		jw_object(&w);
		jw_put_num(&w, "score", chosen[*i].score);
		jw_put_str(&w, "path", chosen[*i].path);
		jw_end(&w);
		struct edit edit = {"drift", buf_span(&value)};
		record_splice(&rec, &edit, 1, &line[*i]);
	}
	map_release(&at);
	buf_release(&value);
	record_release(&rec);
	return got;
}

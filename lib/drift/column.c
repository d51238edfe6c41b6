/* column: counting and keeping values; see the header. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "../base/mem.h"
#include "../json/decimal.h"
#include "../text/features.h"
#include "../text/hash.h"
#include "column.h"

/* Whether the last word of a path says that a number there is a time. */
static int says_time(struct span path)
{
	static const char *const ends[] = {"time", "date", "timestamp", "created", "updated",
					   "_at",  "_on",  "_ts",	".ts"};

	while (path.n && path.s[path.n - 1] == ']')
		path.n--;
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		size_t n = strlen(ends[i]);
		if (path.n >= n && strncasecmp(path.s + path.n - n, ends[i], n) == 0)
			return 1;
	}
	return 0;
}

struct column *column_new(enum root root, struct span path, uint64_t hash, struct column *parent)
{
	struct column *c = mem_alloc(1, sizeof *c);

	c->root = root;
	c->path = span_dup(path);
	c->hash = hash;
	c->parent = parent;
	c->element = path.n > 0 && path.s[path.n - 1] == ']';
	c->timely = says_time(path);
	c->least = INFINITY;
	c->most = -INFINITY;
	for (int i = 0; i < 2; i++)
		c->reading[i] = (struct reading){.first_day = INT64_MAX, .last_day = INT64_MIN};
	return c;
}

void shape_release(struct shape *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->member[i].name);
	free(s->member);
	*s = (struct shape){0};
}

void column_free(struct column *c)
{
	if (!c)
		return;
	free(c->path);
	map_release(&c->level_by_hash);
	free(c->levels);
	buf_release(&c->names);
	distinct_release(&c->distinct);
	quantiles_release(&c->quantiles);
	free(c->years.v);
	free(c->widths.v);
	free(c->reading[0].months.v);
	free(c->reading[1].months.v);
	shape_release(&c->members);
	shape_release(&c->decoded);
	free(c->cells);
	buf_release(&c->text);
	free(c);
}

void column_keep(struct column *c, int64_t sampled, enum kind kind, double x, struct span s)
{
	struct cell cell = {.row = (uint32_t)sampled, .kind = (unsigned char)kind, .x = x};

	if (sampled < 0)
		return;
	if (kind == KIND_STRING || s.n) {
		cell.at = c->text.len;
		cell.n = kind != KIND_STRING || s.n < COLUMN_TEXT_MAX ? s.n : COLUMN_TEXT_MAX;
		if (buf_add(&c->text, s.s, cell.n))
			return; /* a gigabyte of sampled text: the rest goes without */
	}
	c->cells = mem_grow(c->cells, &c->cells_cap, c->cells_n + 1, sizeof *c->cells);
	c->cells[c->cells_n++] = cell;
}

/* The first period that is not before which. */
static size_t period_at(const struct periods *p, int which)
{
	size_t lo = 0, hi = p->n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		if (p->v[mid].which < which)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

void column_count_period(struct periods *p, int which, uint64_t rows)
{
	size_t i = period_at(p, which);

	if (i < p->n && p->v[i].which == which) {
		p->v[i].rows += rows;
		return;
	}
	if (p->n == COLUMN_PERIODS)
		return;
	p->v = mem_grow(p->v, &p->cap, p->n + 1, sizeof *p->v);
	memmove(p->v + i + 1, p->v + i, (p->n - i) * sizeof *p->v);
	p->v[i] = (struct period){which, rows};
	p->n++;
}

uint64_t column_period_rows(const struct periods *p, int which)
{
	size_t i = period_at(p, which);

	return i < p->n && p->v[i].which == which ? p->v[i].rows : 0;
}

/* What a row has named so far. */
struct named {
	int which[32];
	size_t n;
};

static void count_once(struct periods *p, struct named *seen, int which)
{
	size_t i = 0;

	while (i < seen->n && seen->which[i] != which)
		i++;
	if (i < seen->n || seen->n == sizeof seen->which / sizeof *seen->which)
		return;
	seen->which[seen->n++] = which;
	column_count_period(p, which, 1);
}

/* What one row has named. */
struct row_dates {
	struct named years, months[2];
};

static void count_date(struct column *c, struct moment d, struct row_dates *row)
{
	if (!d.year)
		return;
	c->us_order += d.order == 'm';
	c->eu_order += d.order == 'd';
	count_once(&c->years, &row->years, d.year);
	for (int i = 0; i < 2; i++) {
		struct reading *r = &c->reading[i];
		if (i)
			moment_swap(&d);
		int64_t day = moment_days(&d);
		r->first_day = day < r->first_day ? day : r->first_day;
		r->last_day = day > r->last_day ? day : r->last_day;
		count_once(&r->months, &row->months[i], 12 * d.year + d.month - 1);
	}
}

/* Every year and month that the text names counts once for the row. 0 where there is no date. */
static int count_dates(struct column *c, struct span s)
{
	struct row_dates row;
	struct moment d;
	struct span where;
	size_t at = 0;

	if (!moment_find(s, &at, &d, &where))
		return 0;
	row.years.n = row.months[0].n = row.months[1].n = 0;
	c->dated++;
	do
		count_date(c, d, &row);
	while (moment_find(s, &at, &d, &where));
	return 1;
}

static void count_whole_date(struct column *c, const struct moment *d)
{
	struct row_dates row;

	row.years.n = row.months[0].n = row.months[1].n = 0;
	c->whole_dates++;
	c->dated++;
	count_date(c, *d, &row);
}

struct level *column_level(const struct column *c, uint64_t hash)
{
	uint64_t *at = map_get(&c->level_by_hash, hash);

	return at ? &c->levels[*at] : NULL;
}

static int by_count(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x > y ? -1 : x < y;
}

void column_finish(struct column *c)
{
	struct buf names = {.max = c->names.max};
	size_t kept = 0;

	if (c->levels_n <= COLUMN_LEVELS)
		return;
	uint64_t *count = mem_alloc(c->levels_n, sizeof *count), off;
	for (size_t i = 0; i < c->levels_n; i++)
		count[i] = c->levels[i].n;
	mem_sort(count, c->levels_n, sizeof *count, by_count);
	off = count[COLUMN_LEVELS];
	free(count);
	map_release(&c->level_by_hash);
	for (size_t i = 0; i < c->levels_n; i++) {
		struct level l = c->levels[i];
		c->others += l.n < off ? l.n : off;
		if (l.n <= off)
			continue;
		struct span name = column_level_text(c, &l);
		l.n -= off;
		l.at = names.len;
		buf_addspan(&names, name);
		map_put(&c->level_by_hash, l.hash, kept, NULL);
		c->levels[kept++] = l;
	}
	c->levels_n = kept;
	c->level_error += off;
	buf_release(&c->names);
	c->names = names;
}

/* The level of a string of at most COLUMN_LEVEL_MAX bytes, a new one with no rows if need be. */
static struct level *level_at(struct column *c, struct span s, uint64_t hash)
{
	struct level *known = column_level(c, hash);

	if (known)
		return known;
	if (c->levels_n == 2 * COLUMN_LEVELS)
		column_finish(c);
	distinct_add(&c->distinct, hash);
	c->levels = mem_grow(c->levels, &c->levels_cap, c->levels_n + 1, sizeof *c->levels);
	map_put(&c->level_by_hash, hash, c->levels_n, NULL);
	c->levels[c->levels_n] = (struct level){hash, 0, c->names.len, (unsigned)s.n, 0, 0};
	buf_addspan(&c->names, s);
	return &c->levels[c->levels_n++];
}

void column_count_level(struct column *c, struct span s, uint64_t n)
{
	if (s.n > COLUMN_LEVEL_MAX)
		c->others += n;
	else
		level_at(c, s, hash64(s, 0))->n += n;
}

int column_numeric(struct span s, double *x)
{
	char copy[40], *end;

	if (s.n == 0 || s.n >= sizeof copy || !memchr("+-.0123456789", s.s[0], 13))
		return 0;
	memcpy(copy, s.s, s.n);
	copy[s.n] = 0;
	*x = strtod(copy, &end);
	return *end == 0 && !isnan(*x);
}

/* Words as blanks separate them: enough to tell text from labels. */
static size_t count_words(struct span s)
{
	size_t n = 0;
	int inside = 0;

	for (size_t i = 0; i < s.n; i++) {
		int blank = s.s[i] == ' ' || s.s[i] == '\n' || s.s[i] == '\t' || s.s[i] == '\r';
		n += !blank && !inside;
		inside = !blank;
	}
	return n;
}

void column_add_null(struct column *c)
{
	c->count[KIND_NULL]++;
}

void column_add_object(struct column *c)
{
	c->count[KIND_OBJECT]++;
}

void column_add_bool(struct column *c, int x, int64_t sampled)
{
	c->count[KIND_BOOL]++;
	column_count_level(c, span_of(x ? "true" : "false"), 1);
	column_keep(c, sampled, KIND_BOOL, x, (struct span){0});
}

struct span column_code(double x, char text[COLUMN_CODE])
{
	int n = snprintf(text, COLUMN_CODE, "%.15g", x);

	if (strtod(text, NULL) != x)
		n = snprintf(text, COLUMN_CODE, "%.17g", x);
	return (struct span){text, (size_t)n};
}

static void count_code(struct column *c, double x, struct span written)
{
	char code[COLUMN_CODE];
	struct decimal d = {0};
	struct buf exact = BUF_INIT;

	if (fabs(x) >= 0x1p53 && decimal_read(written, &d) == 0) {
		decimal_put(&d, &exact);
		column_count_level(c, buf_span(&exact), 1);
	} else {
		column_count_level(c, column_code(x, code), 1);
	}
	decimal_release(&d);
	buf_release(&exact);
	c->codes++;
}

void column_add_number(struct column *c, double x, struct span written, int64_t sampled)
{
	struct moment d;

	c->count[KIND_NUMBER]++;
	if (c->coded)
		count_code(c, x, written);
	c->beyond += !isfinite(x);
	c->least = x < c->least ? x : c->least;
	c->most = x > c->most ? x : c->most;
	c->sum += isfinite(x) ? x : 0;
	quantiles_add(&c->quantiles, x);
	column_keep(c, sampled, KIND_NUMBER, x, (struct span){0});
	if (c->timely && moment_epoch(x, &d))
		count_whole_date(c, &d);
}

/* Of lengths that are equally frequent, the shortest: whatever the order. */
void column_count_width(struct column *c, uint64_t dims, uint64_t vectors)
{
	column_count_period(&c->widths, (int)dims, vectors);
	uint64_t n = column_period_rows(&c->widths, (int)dims);
	if (n > c->vectors || (n == c->vectors && dims < c->dims)) {
		c->dims = dims;
		c->vectors = n;
	}
}

void column_add_array(struct column *c, size_t length, struct span vector, int64_t sampled)
{
	c->count[KIND_ARRAY]++;
	quantiles_add(&c->quantiles, (double)length);
	if (vector.n)
		column_count_width(c, length, 1);
	column_keep(c, sampled, KIND_ARRAY, (double)length, vector);
}

void column_add_string(struct column *c, struct span s, int64_t sampled)
{
	uint64_t hash = hash64(s, 0);
	struct level *level = s.n <= COLUMN_LEVEL_MAX ? level_at(c, s, hash) : NULL;
	struct moment d;
	double x;

	c->count[KIND_STRING]++;
	c->bytes += s.n;
	column_keep(c, sampled, KIND_STRING, NAN, s);
	if (level && level->n++ > 0 && level->plain) {
		c->words += level->words;
		return;
	}
	size_t words = count_words(s);
	int numeric = column_numeric(s, &x), dated = 1;
	c->words += words;
	c->numeric += (uint64_t)numeric;
	if (numeric)
		quantiles_add(&c->quantiles, x);
	if (moment_parse(s, &d))
		count_whole_date(c, &d);
	else
		dated = s.n >= 6 && count_dates(c, s);
	if (level) {
		level->words = (unsigned)words;
		level->plain = !numeric && !dated;
	} else {
		c->others++;
		distinct_add(&c->distinct, hash);
	}
}

static void merge_periods(struct periods *p, const struct periods *from)
{
	for (size_t i = 0; i < from->n; i++)
		column_count_period(p, from->v[i].which, from->v[i].rows);
}

void column_merge(struct column *c, const struct column *from, size_t first_row)
{
	for (int i = 0; i < KINDS; i++)
		c->count[i] += from->count[i];
	c->timely |= from->timely;
	c->whole_dates += from->whole_dates;
	c->dated += from->dated;
	c->numeric += from->numeric;
	c->codes += from->codes;
	c->words += from->words;
	c->bytes += from->bytes;
	c->beyond += from->beyond;
	for (size_t i = 0; i < from->widths.n; i++)
		column_count_width(c, (uint64_t)from->widths.v[i].which, from->widths.v[i].rows);
	c->others += from->others;
	c->level_error += from->level_error;
	c->us_order += from->us_order;
	c->eu_order += from->eu_order;
	c->sum += from->sum;
	c->least = fmin(c->least, from->least);
	c->most = fmax(c->most, from->most);
	for (int i = 0; i < 2; i++) {
		struct reading *r = &c->reading[i];
		const struct reading *more = &from->reading[i];
		r->first_day = more->first_day < r->first_day ? more->first_day : r->first_day;
		r->last_day = more->last_day > r->last_day ? more->last_day : r->last_day;
		merge_periods(&r->months, &more->months);
	}
	merge_periods(&c->years, &from->years);
	for (size_t i = 0; i < from->levels_n; i++) {
		const struct level *l = &from->levels[i];
		level_at(c, column_level_text(from, l), l->hash)->n += l->n;
	}
	column_finish(c);
	distinct_merge(&c->distinct, &from->distinct);
	quantiles_merge(&c->quantiles, &from->quantiles);
	for (size_t i = 0; i < from->cells_n; i++) {
		const struct cell *cell = &from->cells[i];
		column_keep(c, (int64_t)(first_row + cell->row), (enum kind)cell->kind, cell->x,
			    column_cell_text(from, cell));
	}
}

uint64_t column_present(const struct column *c)
{
	uint64_t n = 0;

	for (int i = 0; i < KINDS; i++)
		n += c->count[i];
	return n;
}

struct span column_level_text(const struct column *c, const struct level *level)
{
	return (struct span){c->names.data ? c->names.data + level->at : "", level->len};
}

struct span column_cell_text(const struct column *c, const struct cell *cell)
{
	return (struct span){c->text.data ? c->text.data + cell->at : "", cell->n};
}

void column_renumber(struct column *c, const uint32_t *to)
{
	struct buf text = {.max = c->text.max};
	size_t kept = 0;

	for (size_t i = 0; i < c->cells_n; i++) {
		struct cell cell = c->cells[i];
		if (to[cell.row] == UINT32_MAX)
			continue;
		cell.row = to[cell.row];
		if (cell.n) {
			struct span s = column_cell_text(c, &cell);
			cell.at = text.len;
			buf_addspan(&text, s);
		}
		c->cells[kept++] = cell;
	}
	c->cells_n = kept;
	buf_release(&c->text);
	c->text = text;
}

void column_sort(struct column *c, size_t rows)
{
	size_t in_order = 1, n = 0;

	while (in_order < c->cells_n && c->cells[in_order - 1].row < c->cells[in_order].row)
		in_order++;
	if (in_order >= c->cells_n)
		return;
	struct cell *by_row = mem_alloc(rows, sizeof *by_row);
	for (size_t i = 0; i < c->cells_n; i++)
		by_row[c->cells[i].row] = c->cells[i];
	for (size_t row = 0; row < rows; row++) {
		if (by_row[row].kind != KIND_NULL)
			c->cells[n++] = by_row[row];
	}
	free(by_row);
}

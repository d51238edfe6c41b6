/* column: counting and keeping values; see the header. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "../base/mem.h"
#include "../text/features.h"
#include "../text/hash.h"
#include "column.h"

/* Whether the last word of a path says that a number there is a time. */
static int says_time(struct span path)
{
	static const char *const ends[] = {"time", "date", "timestamp", "created", "updated", "_at", "_on", "_ts", ".ts"};

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
	c->first_day = INT64_MAX;
	c->last_day = INT64_MIN;
	return c;
}

void column_free(struct column *c)
{
	if (!c)
		return;
	free(c->path);
	map_release(&c->level_by_hash);
	free(c->levels);
	buf_release(&c->names);
	free(c->years);
	free(c->cells);
	buf_release(&c->text);
	free(c);
}

void column_keep(struct column *c, int64_t sampled, enum kind kind, double x, struct span s)
{
	struct cell cell = {.row = (uint32_t)sampled, .kind = (unsigned char)kind, .x = x};

	if (sampled < 0)
		return;
	if (kind == KIND_STRING) {
		cell.at = c->text.len;
		cell.n = s.n < COLUMN_TEXT_MAX ? s.n : COLUMN_TEXT_MAX;
		if (buf_add(&c->text, s.s, cell.n))
			return; /* a gigabyte of sampled text: the rest goes without */
	}
	c->cells = mem_grow(c->cells, &c->cells_cap, c->cells_n + 1, sizeof *c->cells);
	c->cells[c->cells_n++] = cell;
}

void column_count_year(struct column *c, int year, uint64_t rows)
{
	size_t i = c->years_n;

	while (i > 0 && c->years[i - 1].year > year)
		i--;
	if (i > 0 && c->years[i - 1].year == year) {
		c->years[i - 1].rows += rows;
		return;
	}
	if (c->years_n == COLUMN_YEARS)
		return;
	c->years = mem_grow(c->years, &c->years_cap, c->years_n + 1, sizeof *c->years);
	memmove(c->years + i + 1, c->years + i, (c->years_n - i) * sizeof *c->years);
	c->years[i] = (struct year){year, rows};
	c->years_n++;
}

static void count_day(struct column *c, const struct moment *d)
{
	int64_t day = moment_days(d);

	c->first_day = day < c->first_day ? day : c->first_day;
	c->last_day = day > c->last_day ? day : c->last_day;
	c->us_order += d->order == 'm';
	c->eu_order += d->order == 'd';
}

/* Every year that the text names counts once for the row. */
static void count_dates(struct column *c, struct span s)
{
	struct moment d;
	struct span where;
	size_t at = 0, seen = 0;
	int year[32];

	if (!moment_find(s, &at, &d, &where))
		return;
	c->dated++;
	do {
		size_t i = 0;
		if (!d.year)
			continue;
		count_day(c, &d);
		while (i < seen && year[i] != d.year)
			i++;
		if (i == seen && seen < 32) {
			year[seen++] = d.year;
			column_count_year(c, d.year, 1);
		}
	} while (moment_find(s, &at, &d, &where));
}

void column_count_level(struct column *c, struct span s, uint64_t n)
{
	int added;

	if (s.n > COLUMN_LEVEL_MAX) {
		c->others += n;
		return;
	}
	uint64_t hash = hash64(s, 0), *known = map_get(&c->level_by_hash, hash);
	if (known) {
		c->levels[*known].n += n;
		return;
	}
	if (c->levels_n == COLUMN_LEVELS) {
		c->others += n;
		return;
	}
	c->levels = mem_grow(c->levels, &c->levels_cap, c->levels_n + 1, sizeof *c->levels);
	map_put(&c->level_by_hash, hash, c->levels_n, &added);
	c->levels[c->levels_n++] = (struct level){hash, n, c->names.len, s.n};
	buf_addspan(&c->names, s);
}

static int is_number(struct span s)
{
	char copy[40], *end;

	if (s.n == 0 || s.n >= sizeof copy || !strchr("+-.0123456789", s.s[0]))
		return 0;
	memcpy(copy, s.s, s.n);
	copy[s.n] = 0;
	strtod(copy, &end);
	return *end == 0;
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

void column_add_number(struct column *c, double x, int64_t sampled)
{
	struct moment d;

	c->count[KIND_NUMBER]++;
	c->beyond += !isfinite(x);
	c->least = x < c->least ? x : c->least;
	c->most = x > c->most ? x : c->most;
	c->sum += isfinite(x) ? x : 0;
	column_keep(c, sampled, KIND_NUMBER, x, (struct span){0});
	if (c->timely && moment_epoch(x, &d)) {
		c->whole_dates++;
		c->dated++;
		count_day(c, &d);
		column_count_year(c, d.year, 1);
	}
}

void column_add_array(struct column *c, size_t length, int64_t sampled)
{
	c->count[KIND_ARRAY]++;
	column_keep(c, sampled, KIND_ARRAY, (double)length, (struct span){0});
}

void column_add_string(struct column *c, struct span s, int64_t sampled)
{
	struct moment d;

	c->count[KIND_STRING]++;
	c->bytes += s.n;
	c->words += count_words(s);
	c->numeric += is_number(s);
	column_count_level(c, s, 1);
	if (moment_parse(s, &d)) {
		c->whole_dates++;
		c->dated++;
		if (d.year) {
			count_day(c, &d);
			column_count_year(c, d.year, 1);
		}
	} else if (s.n >= 6) {
		count_dates(c, s);
	}
	column_keep(c, sampled, KIND_STRING, NAN, s);
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
		if (cell.kind == KIND_STRING) {
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

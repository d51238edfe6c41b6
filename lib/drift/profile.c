/* profile: writing, reading and adding frames; see the header. Hashes and priorities are written as
 * hexadecimal strings, since a JSON number does not hold 64 bits for every reader.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "../base/file.h"
#include "../base/mem.h"
#include "../json/jw.h"
#include "profile.h"

/* --- writing --- */

static void put_hex(struct jw *w, uint64_t x)
{
	char hex[17];

	snprintf(hex, sizeof hex, "%016" PRIx64, x);
	jw_strn(w, hex, 16);
}

static void put_header(const struct frame *f, struct buf *b)
{
	struct jw w;

	jw_init(&w, b);
	jw_object(&w);
	jw_put_int(&w, "ft_drift_profile", PROFILE_VERSION);
	jw_put_int(&w, "rows", f->rows);
	jw_put_int(&w, "lost", f->lost);
	jw_put_int(&w, "sample_max", f->sample_max);
	jw_put_int(&w, "seed", f->seed);
	jw_key(&w, "threshold");
	put_hex(&w, f->threshold);
	jw_put_str(&w, "reference", f->reference_name[0] ? f->reference_name : NULL);
	jw_put_int(&w, "columns", f->columns_n);
	jw_put_array(&w, "sample");
	for (size_t i = 0; i < f->sample_n; i++) {
		put_hex(&w, f->sample[i].priority);
		jw_int(&w, f->sample[i].number);
	}
	jw_end(&w);
	jw_end(&w);
}

static void put_value(struct jw *w, double x)
{
	if (isfinite(x))
		jw_num(w, x);
	else
		jw_str(w, x > 0 ? "inf" : "-inf");
}

static void put_vector(struct jw *w, struct span floats)
{
	float x;

	jw_array(w);
	for (size_t i = 0; i + sizeof x <= floats.n; i += sizeof x) {
		memcpy(&x, floats.s + i, sizeof x);
		jw_num(w, (double)x);
	}
	jw_end(w);
}

/* Invalid bytes cannot stand here: all text was checked when it was read, but a cut at
 * COLUMN_TEXT_MAX may split a character. */
static void put_cells(const struct column *c, struct jw *w)
{
	jw_put_array(w, "cells");
	for (size_t i = 0; i < c->cells_n; i++) {
		const struct cell *cell = &c->cells[i];
		jw_int(w, cell->row);
		jw_int(w, cell->kind);
		if (cell->kind == KIND_STRING)
			jw_strn(w, column_cell_text(c, cell).s, cell->n);
		else if (cell->n)
			put_vector(w, column_cell_text(c, cell));
		else
			put_value(w, cell->x);
	}
	jw_end(w);
}

static void put_periods(struct jw *w, const char *name, const struct periods *p)
{
	jw_put_array(w, name);
	for (size_t i = 0; i < p->n; i++) {
		jw_int(w, p->v[i].which);
		jw_int(w, p->v[i].rows);
	}
	jw_end(w);
}

/* The hashes of a distinct count that the levels do not give anyhow, and a quantile sketch unless
 * the cells hold all of its values. */
static void put_sketches(const struct column *c, struct jw *w)
{
	if (c->others) {
		jw_put_array(w, "distinct");
		for (size_t i = 0; i < c->distinct.n; i++)
			put_hex(w, c->distinct.hash[i]);
		jw_end(w);
	}
	if (c->quantiles.n <= c->cells_n)
		return;
	jw_put_array(w, "quantiles");
	for (size_t h = 0; h < c->quantiles.levels; h++) {
		jw_array(w);
		for (size_t i = 0; i < c->quantiles.level[h].n; i++)
			put_value(w, c->quantiles.level[h].v[i]);
		jw_end(w);
	}
	jw_end(w);
}

static void put_column(const struct column *c, struct buf *b)
{
	struct jw w;

	jw_init(&w, b);
	jw_object(&w);
	jw_put_str(&w, "path", c->path);
	jw_put_int(&w, "root", c->root);
	jw_key(&w, "hash");
	put_hex(&w, c->hash);
	jw_key(&w, "parent");
	if (c->parent)
		put_hex(&w, c->parent->hash);
	else
		jw_null(&w);
	jw_put_int(&w, "timely", c->timely);
	jw_put_array(&w, "kinds");
	for (int i = 0; i < KINDS; i++)
		jw_int(&w, c->count[i]);
	jw_end(&w);
	jw_put_int(&w, "whole_dates", c->whole_dates);
	jw_put_int(&w, "dated", c->dated);
	jw_put_int(&w, "numeric", c->numeric);
	if (c->codes)
		jw_put_int(&w, "codes", c->codes);
	jw_put_int(&w, "words", c->words);
	jw_put_int(&w, "bytes", c->bytes);
	jw_put_int(&w, "beyond", c->beyond);
	jw_put_int(&w, "dims", c->dims);
	jw_put_int(&w, "vectors", c->vectors);
	jw_put_int(&w, "others", c->others);
	jw_put_int(&w, "level_error", c->level_error);
	jw_put_int(&w, "us_order", c->us_order);
	jw_put_int(&w, "eu_order", c->eu_order);
	jw_put_num(&w, "sum", c->sum);
	jw_put_num(&w, "least", c->least);
	jw_put_num(&w, "most", c->most);
	if (c->widths.n > 1)
		put_periods(&w, "widths", &c->widths);
	put_periods(&w, "years", &c->years);
	jw_put_array(&w, "readings");
	for (int i = 0; i < 2 && c->reading[i].first_day <= c->reading[i].last_day; i++) {
		jw_object(&w);
		jw_put_int(&w, "first_day", c->reading[i].first_day);
		jw_put_int(&w, "last_day", c->reading[i].last_day);
		put_periods(&w, "months", &c->reading[i].months);
		jw_end(&w);
	}
	jw_end(&w);
	put_sketches(c, &w);
	jw_put_array(&w, "levels");
	for (size_t i = 0; i < c->levels_n; i++) {
		struct span name = column_level_text(c, &c->levels[i]);
		jw_strn(&w, name.s, name.n);
		jw_int(&w, c->levels[i].n);
	}
	jw_end(&w);
	put_cells(c, &w);
	jw_end(&w);
}

void drift_profile_write(const struct frame *f, void (*put)(void *arg, const char *line, size_t n),
			 void *arg)
{
	struct buf b = {.max = PROFILE_MAX};

	put_header(f, &b);
	put(arg, b.data, b.len);
	for (size_t i = 0; i < f->columns_n; i++) {
		buf_clear(&b);
		put_column(f->columns[i], &b);
		put(arg, b.data, b.len);
	}
	buf_clear(&b);
	buf_addf(&b, "{\"end\":%zu}", f->columns_n);
	put(arg, b.data, b.len);
	buf_release(&b);
}

/* --- reading --- */

static const char begin[] = "{\"ft_drift_profile\":";

int drift_profile_begins(struct span line)
{
	return line.n >= sizeof begin - 1 && memcmp(line.s, begin, sizeof begin - 1) == 0;
}

int drift_profile_is(const char *file)
{
	char head[sizeof begin];
	struct stat st;
	/* What is read from a pipe here would be missing later. */
	FILE *f = stat(file, &st) == 0 && S_ISREG(st.st_mode) ? fopen(file, "r") : NULL;
	int is;

	if (!f)
		return 0;
	is = fread(head, 1, sizeof begin - 1, f) == sizeof begin - 1 &&
	     memcmp(head, begin, sizeof begin - 1) == 0;
	fclose(f);
	return is;
}

static int get_hex(struct span v, uint64_t *x)
{
	*x = 0;
	if (v.n != 18 || v.s[0] != '"')
		return -1;
	for (size_t i = 1; i < 17; i++) {
		const char *digit = memchr("0123456789abcdef", v.s[i], 16);
		if (!digit)
			return -1;
		*x = *x << 4 | (uint64_t)(digit - "0123456789abcdef");
	}
	return 0;
}

static int get_count(struct span object, const char *name, uint64_t *x)
{
	int64_t n;

	if (json_int(json_member(object, name), &n) || n < 0)
		return -1;
	*x = (uint64_t)n;
	return 0;
}

static int read_header(struct frame *f, struct span v, uint64_t *columns, struct err *e)
{
	uint64_t version, sample_max;
	struct json_iter it = {0};
	struct span key, item, sample = json_member(v, "sample"),
			       name = json_member(v, "reference");
	struct buf text = BUF_INIT;
	int64_t number, seed;

	if (get_count(v, "ft_drift_profile", &version) || version != PROFILE_VERSION)
		return err_set(e, "a profile of another version; make it anew with this one");
	if (get_count(v, "rows", &f->rows) || get_count(v, "lost", &f->lost) ||
	    get_count(v, "sample_max", &sample_max) || json_int(json_member(v, "seed"), &seed) ||
	    get_count(v, "columns", columns) || *columns > FRAME_COLUMNS ||
	    get_hex(json_member(v, "threshold"), &f->threshold) || json_kind(sample) != JSON_ARRAY)
		return err_set(e, "a damaged profile: its header");
	f->sample_max = (size_t)sample_max;
	f->seed = (uint64_t)seed; /* negative ones are seeds too */
	if (!json_string(name, &text) && text.len < sizeof f->reference_name)
		memcpy(f->reference_name, text.data, text.len + 1);
	buf_release(&text);
	while (json_next(&it, sample, &key, &item)) {
		struct sampled_row row;
		if (get_hex(item, &row.priority) || !json_next(&it, sample, &key, &item) ||
		    json_int(item, &number) || number < 0)
			return err_set(e, "a damaged profile: its sample");
		row.number = (uint64_t)number;
		f->sample = mem_grow(f->sample, &f->sample_cap, f->sample_n + 1, sizeof *f->sample);
		f->sample[f->sample_n++] = row;
	}
	return f->sample_n > f->rows
		       ? err_set(e, "a damaged profile: more rows sampled than there were")
		       : 0;
}

static int read_periods(struct periods *p, struct span v)
{
	struct json_iter it = {0};
	struct span key, item;
	int64_t which, rows;

	while (json_next(&it, v, &key, &item)) {
		if (json_int(item, &which) || which < 0 || which > 12 * 10000 ||
		    !json_next(&it, v, &key, &item) || json_int(item, &rows) || rows < 0)
			return -1;
		column_count_period(p, (int)which, (uint64_t)rows);
	}
	return 0;
}

static int read_readings(struct column *c, struct span v)
{
	for (int i = 0; i < 2; i++) {
		struct span r = json_element(v, i);
		if (r.s && (json_int(json_member(r, "first_day"), &c->reading[i].first_day) ||
			    json_int(json_member(r, "last_day"), &c->reading[i].last_day) ||
			    read_periods(&c->reading[i].months, json_member(r, "months"))))
			return -1;
	}
	return 0;
}

static int read_value(struct span item, struct buf *text, double *x)
{
	if (!json_number(item, x))
		return 0;
	buf_clear(text);
	if (json_string(item, text))
		return -1;
	*x = span_is(buf_span(text), "inf") ? INFINITY : -INFINITY;
	return 0;
}

/* After the cells, which stand for the quantile sketch where there is none. */
static int read_sketches(struct column *c, struct span v, struct buf *text)
{
	struct json_iter it = {0}, values;
	struct span key, item, value, levels = json_member(v, "quantiles");
	uint64_t hash;
	size_t h = 0;
	double x;

	struct span distinct = json_member(v, "distinct");
	while (json_next(&it, distinct, &key, &item)) {
		if (get_hex(item, &hash))
			return -1;
		distinct_add(&c->distinct, hash);
	}
	it = (struct json_iter){0};
	for (; json_next(&it, levels, &key, &item); h++) {
		values = (struct json_iter){0};
		while (json_next(&values, item, &key, &value)) {
			if (read_value(value, text, &x) || isnan(x) ||
			    quantiles_put(&c->quantiles, h, x))
				return -1;
		}
	}
	for (size_t i = 0; !levels.s && i < c->cells_n; i++) {
		const struct cell *cell = &c->cells[i];
		if (cell->kind == KIND_NUMBER || cell->kind == KIND_ARRAY ||
		    (cell->kind == KIND_STRING && column_numeric(column_cell_text(c, cell), &x)))
			quantiles_add(&c->quantiles, cell->kind == KIND_STRING ? x : cell->x);
	}
	return 0;
}

static int read_levels(struct column *c, struct span v, struct buf *text)
{
	struct json_iter it = {0};
	struct span key, item;
	int64_t n;

	while (json_next(&it, v, &key, &item)) {
		buf_clear(text);
		if (json_string(item, text) || !json_next(&it, v, &key, &item) ||
		    json_int(item, &n) || n < 0)
			return -1;
		column_count_level(c, buf_span(text), (uint64_t)n);
	}
	return 0;
}

static int read_vector(struct span v, struct buf *text, double *length)
{
	struct json_iter it = {0};
	struct span key, item;
	double x;

	*length = (double)json_count(v);
	while (json_next(&it, v, &key, &item)) {
		if (json_number(item, &x))
			return -1;
		float rounded = (float)x;
		if (!isfinite(rounded))
			return -1;
		buf_add(text, &rounded, sizeof rounded);
	}
	return *length < VECTOR_LEAST || *length > VECTOR_MOST ? -1 : 0;
}

static int read_cells(struct column *c, struct span v, size_t rows, struct buf *text)
{
	struct json_iter it = {0};
	struct span key, item;
	int64_t row, kind, last = -1;

	while (json_next(&it, v, &key, &item)) {
		double x = NAN;
		if (json_int(item, &row) || row <= last || row >= (int64_t)rows)
			return -1;
		last = row;
		if (!json_next(&it, v, &key, &item) || json_int(item, &kind) || kind <= KIND_NULL ||
		    kind >= KINDS || !json_next(&it, v, &key, &item))
			return -1;
		buf_clear(text);
		if (kind == KIND_STRING		    ? json_string(item, text)
		    : json_kind(item) == JSON_ARRAY ? read_vector(item, text, &x)
						    : read_value(item, text, &x))
			return -1;
		column_keep(c, row, (enum kind)kind, x,
			    kind == KIND_STRING || json_kind(item) == JSON_ARRAY
				    ? buf_span(text)
				    : (struct span){0});
	}
	return 0;
}

/* The lengths of vectors, written one by one only where they differ. */
static int read_widths(struct column *c, struct span v)
{
	uint64_t dims, vectors;
	struct span all = json_member(v, "widths");
	struct periods widths = {0};
	int bad = 0;

	if (!all.s) {
		if (get_count(v, "dims", &dims) || dims > VECTOR_MOST ||
		    get_count(v, "vectors", &vectors))
			return -1;
		if (vectors)
			column_count_width(c, dims, vectors);
		return 0;
	}
	bad = read_periods(&widths, all);
	for (size_t i = 0; i < widths.n && !bad; i++) {
		bad = widths.v[i].which > VECTOR_MOST;
		if (!bad)
			column_count_width(c, (uint64_t)widths.v[i].which, widths.v[i].rows);
	}
	free(widths.v);
	return bad ? -1 : 0;
}

static double number_or(struct span v, double otherwise)
{
	double x;

	return json_number(v, &x) ? otherwise : x;
}

static int read_column(struct frame *f, struct span v, struct buf *text, struct err *e)
{
	uint64_t root, hash, parent_hash, timely;
	struct column *parent = NULL;
	struct span path = json_member(v, "path"), up = json_member(v, "parent"),
		    kinds = json_member(v, "kinds");

	buf_clear(text);
	if (json_string(path, text) || get_count(v, "root", &root) || root >= ROOTS ||
	    get_hex(json_member(v, "hash"), &hash) || get_count(v, "timely", &timely))
		return err_set(e, "a damaged profile: a path");
	if (json_kind(up) != JSON_NULL) {
		if (get_hex(up, &parent_hash) ||
		    !(parent = frame_column_at(f, (enum root)root, parent_hash)))
			return err_set(e, "a damaged profile: the parent of %s",
				       text->data ? text->data : "a root");
	}
	struct column *c = frame_add_column(f, (enum root)root, buf_span(text), hash, parent);
	if (!c)
		return err_set(e, "a damaged profile: %s twice",
			       text->data ? text->data : "a root");
	c->timely = timely != 0;
	for (int i = 0; i < KINDS; i++) {
		int64_t n;
		if (json_int(json_element(kinds, i), &n) || n < 0)
			return err_set(e, "a damaged profile: the kinds of %s", c->path);
		c->count[i] = (uint64_t)n;
	}
	if (get_count(v, "whole_dates", &c->whole_dates) || get_count(v, "dated", &c->dated) ||
	    get_count(v, "numeric", &c->numeric) || get_count(v, "words", &c->words) ||
	    get_count(v, "bytes", &c->bytes) || get_count(v, "beyond", &c->beyond) ||
	    read_widths(c, v) || get_count(v, "others", &c->others) ||
	    get_count(v, "level_error", &c->level_error) ||
	    get_count(v, "us_order", &c->us_order) || get_count(v, "eu_order", &c->eu_order) ||
	    read_periods(&c->years, json_member(v, "years")) ||
	    read_readings(c, json_member(v, "readings")) ||
	    read_levels(c, json_member(v, "levels"), text) ||
	    read_cells(c, json_member(v, "cells"), f->sample_n, text) || read_sketches(c, v, text))
		return err_set(e, "a damaged profile: the counts of %s", c->path);
	if (get_count(v, "codes", &c->codes))
		c->codes = 0; /* numbers are not counted as categories where nobody asked */
	c->sum = number_or(json_member(v, "sum"), 0);
	c->least = number_or(json_member(v, "least"), INFINITY);
	c->most = number_or(json_member(v, "most"), -INFINITY);
	return 0;
}

int drift_profile_read(const char *file, struct frame *f, struct err *e)
{
	struct buf all = {.max = PROFILE_MAX}, text = BUF_INIT;
	uint64_t columns = 0, end;
	size_t line = 0;
	int rc = file_read(file, PROFILE_MAX, &all, e);
	struct span v = {0};

	if (rc)
		goto cleanup;
	rc = -1;
	for (size_t at = 0; at < all.len;) {
		char *stop = memchr(all.data + at, '\n', all.len - at);
		if (!stop) {
			err_set(e, "%s: a profile that is cut short", file);
			goto cleanup;
		}
		if (json_check((struct span){all.data + at, (size_t)(stop - all.data) - at}, &v,
			       e) ||
		    (line == 0	       ? read_header(f, v, &columns, e)
		     : line <= columns ? read_column(f, v, &text, e)
				       : 0)) {
			err_prefix(e, "%s:%zu", file, line + 1);
			goto cleanup;
		}
		at = (size_t)(stop - all.data) + 1;
		line++;
	}
	if (line != columns + 2 || get_count(v, "end", &end) || end != columns) {
		err_set(e, "%s: a profile that is cut short", file);
		goto cleanup;
	}
	rc = 0;
cleanup:
	buf_release(&all);
	buf_release(&text);
	return rc;
}

int drift_profile_merge(struct frame *into, const struct frame *from, struct err *e)
{
	if (into->sample_max != from->sample_max || into->seed != from->seed)
		return err_set(e,
			       "profiles taken with different --sample or --seed cannot be merged");
	frame_merge(into, from, into->rows);
	frame_finish(into);
	return 0;
}

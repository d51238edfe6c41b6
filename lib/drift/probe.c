/* probe: kinds, numbers and categories; dates and text have files of their own. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../stats/twosample.h"
#include "../text/hash.h"
#include "probe.h"
#include "values.h"
#include "words.h"

/* --- kinds --- */

enum { MISSING = KINDS, STATES };

static void states_of(const struct frame *f, const struct column *c, uint64_t possible,
		      uint64_t state[STATES])
{
	memset(state, 0, STATES * sizeof *state);
	(void)f;
	if (!c) {
		state[MISSING] = possible;
		return;
	}
	memcpy(state, c->count, KINDS * sizeof *state);
	uint64_t present = column_present(c);
	state[MISSING] = !c->element && possible > present ? possible - present : 0;
}

/* The parent on a side of a path that both sides have or only one has: where the side lacks the
 * path itself, its parent there says how often it could have stood. */
static const struct column *parent_on(const struct frame *side, const struct column *own,
				      const struct column *other)
{
	if (own)
		return own->parent;
	return other->parent ? frame_column(side, other->parent->root, other->parent) : NULL;
}

/* Of the sampled rows; what keeps no values there (null, objects) is as good as missing. */
static double kinds_by_blocks(const struct line *l, const struct probe *p)
{
	const struct column *side[] = {l->reference, l->current};
	const struct frame *frame[] = {p->reference, p->current};
	struct probe_rows rows = {0};

	for (int s = 0; s < 2; s++) {
		size_t at = 0;
		for (size_t row = 0; row < frame[s]->sample_n; row++) {
			int kind = KIND_NULL;
			while (side[s] && at < side[s]->cells_n && side[s]->cells[at].row < row)
				at++;
			if (side[s] && at < side[s]->cells_n && side[s]->cells[at].row == row)
				kind = side[s]->cells[at].kind;
			probe_rows_add(&rows, p, s, row, kind);
		}
	}
	return probe_rows_table(&rows, p, KINDS);
}

/* Whether one side never has what a hundredth of the other's rows do. */
static int came_or_went(const uint64_t was[STATES], const uint64_t is[STATES], uint64_t was_n,
			uint64_t is_n)
{
	int one_sided = 0;

	for (int i = 0; i < STATES; i++)
		one_sided |= (!is[i] && was[i] && was[i] * 100 >= was_n) ||
			     (!was[i] && is[i] && is[i] * 100 >= is_n);
	return one_sided;
}

void probe_kinds(struct line *l, const struct probe *p)
{
	static const char *const what[STATES] = {"null", "true or false", "a number", "text",
						 "JSON", "an array",	  "missing"};
	uint64_t was[STATES], is[STATES], was_n = 0, is_n = 0, was_possible, is_possible;
	struct twosample_table t;

	const struct column *was_up = parent_on(p->reference, l->reference, l->current);
	const struct column *is_up = parent_on(p->current, l->current, l->reference);
	int below = (l->reference ? l->reference : l->current)->parent != NULL;
	was_possible = below ? (was_up ? was_up->count[KIND_OBJECT] : 0) : p->reference->rows;
	is_possible = below ? (is_up ? is_up->count[KIND_OBJECT] : 0) : p->current->rows;
	if (l->reference && l->reference->element)
		was_possible = 0;
	if (l->current && l->current->element)
		is_possible = 0;
	states_of(p->reference, l->reference, was_possible, was);
	states_of(p->current, l->current, is_possible, is);
	size_t alive = 0;
	for (int i = 0; i < STATES; i++) {
		was_n += was[i];
		is_n += is[i];
		alive += was[i] + is[i] > 0;
	}
	if (alive < 2 || was_n < DRIFT_VALUES || is_n < DRIFT_VALUES)
		return;
	twosample_table(was, is, STATES, p->options->seed, p->draws, &t);
	if (probe_in_blocks(p))
		t.p = kinds_by_blocks(l, p);
	struct finding *f = line_found(l, "kinds", t.statistic, t.p, t.effect);
	if (!f)
		return;
	f->weight = KINDS_WEIGHT;
	f->always = came_or_went(was, is, was_n, is_n);
	for (int i = 0; i < STATES; i++) {
		f->unseen += was[i] ? 0 : (double)is[i] / (double)is_n;
		if (was[i] + is[i] > 0)
			finding_name(f, span_of(what[i]), (double)was[i] / (double)was_n,
				     (double)is[i] / (double)is_n);
	}
	/* What became more, and what it took the place of. */
	int more = 0, less = 0;
	for (int i = 1; i < STATES; i++) {
		double change = (double)is[i] / (double)is_n - (double)was[i] / (double)was_n;
		more = change > (double)is[more] / (double)is_n - (double)was[more] / (double)was_n
			       ? i
			       : more;
		less = change < (double)is[less] / (double)is_n - (double)was[less] / (double)was_n
			       ? i
			       : less;
	}
	if (more == less) {
		buf_adds(&f->why, "the same kinds of values as before");
		return;
	}
	buf_addf(&f->why, "%s in ", what[more]);
	words_percents(&f->why, (double)is[more] / (double)is_n, " of the rows, before in ",
		       (double)was[more] / (double)was_n);
	buf_addf(&f->why, "; %s in ", what[less]);
	words_percents(&f->why, (double)is[less] / (double)is_n, ", before in ",
		       (double)was[less] / (double)was_n);
}

/* --- numbers --- */

static double quantile(const double *x, size_t n, double q)
{
	double at = q * (double)(n - 1);
	size_t i = (size_t)at;

	double part = at - (double)i;

	if (part == 0 || i + 1 >= n || x[i] == x[i + 1])
		return x[i];
	/* Nothing lies between a number and an infinite one. */
	return isinf(x[i]) || isinf(x[i + 1]) ? x[i + (part >= 0.5)]
					      : (1 - part) * x[i] + part * x[i + 1];
}

/* An interval that lost values: its ends among the reference's, and the shares there. */
struct region {
	double from, to, was, is;
};

/* The interval in which the reference's share exceeds the current one most: where the difference of
 * the two distribution functions rises most. x and y in rising order. */
static struct region lost_region(const double *x, size_t n, const double *y, size_t m)
{
	struct region r = {0};
	size_t i = 0, j = 0, i_from = 0, j_from = 0;
	double least = 0, most = 0;

	while (i < n) {
		double v = j == m || x[i] <= y[j] ? x[i] : y[j];
		while (i < n && x[i] <= v)
			i++;
		while (j < m && y[j] <= v)
			j++;
		double now = (double)i / (double)n - (double)j / (double)m;
		if (now < least) {
			least = now;
			i_from = i;
			j_from = j;
		}
		if (now - least > most) {
			most = now - least;
			r = (struct region){x[i_from], x[i - 1], (double)(i - i_from) / (double)n,
					    (double)(j - j_from) / (double)m};
		}
	}
	return r;
}

static void put_range(struct buf *b, double from, double to)
{
	if (from == to)
		words_figure(b, from);
	else
		words_figures(b, from, " to ", to);
}

static double share_upto(const double *x, size_t n, double v)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		if (x[mid] <= v)
			lo = mid + 1;
		else
			hi = mid;
	}
	return (double)lo / (double)n;
}

void probe_put_apart(struct buf *b, const double *x, size_t n, const double *y, size_t m,
		     const char *unit)
{
	double at;

	if (!(twosample_ks(x, n, y, m, &at) > 0))
		return;
	buf_adds(b, "at most ");
	words_figure(b, at);
	buf_addf(b, "%s in ", unit);
	words_percents(b, share_upto(y, m, at), ", before in ", share_upto(x, n, at));
}

static void explain_numbers(struct finding *f, int elements, const double *x, size_t n,
			    const double *y, size_t m)
{
	double was = quantile(x, n, 0.5), is = quantile(y, m, 0.5);
	struct region lost = lost_region(x, n, y, m);
	size_t outside = 0;

	if (was != is && fabs(share_upto(x, n, is) - 0.5) >= 0.4 * f->effect) {
		buf_addf(&f->why, "median%s %s from ", elements ? " number of elements" : "",
			 is > was ? "up" : "down");
		words_figures(&f->why, was, " to ", is);
	} else {
		buf_addf(&f->why, "%s median%s, ", was == is ? "the same" : "nearly the same",
			 elements ? " number of elements" : "");
		words_figure(&f->why, is);
		buf_adds(&f->why, f->effect > 0 ? ", but " : "");
		probe_put_apart(&f->why, x, n, y, m, "");
	}
	for (size_t i = 0; i < m; i++)
		outside += y[i] < x[0] || y[i] > x[n - 1];
	f->unseen = (double)outside / (double)m;
	if (f->unseen >= 0.1) {
		buf_adds(&f->why, "; ");
		words_percent(&f->why, f->unseen);
		buf_adds(&f->why, " outside what was seen before, ");
		put_range(&f->why, x[0], x[n - 1]);
	} else if (lost.was >= 0.05 && lost.is <= lost.was / 3) {
		buf_adds(&f->why, lost.is > 0 ? "; few left at " : "; none left at ");
		put_range(&f->why, lost.from, lost.to);
		buf_adds(&f->why, ", from ");
		words_percents(&f->why, lost.was, " to ", lost.is);
	}
}

/* x and y, all values, serve where they are the sampled rows' too. */
static void probe_named(struct line *l, const struct probe *p, double *x, size_t n, double *y,
			size_t m)
{
	double *u = values_error(l->reference) > 0 ? values_sampled(l->reference, &n) : x,
	       *v = values_error(l->current) > 0 ? values_sampled(l->current, &m) : y;

	if (n >= DRIFT_VALUES && m >= DRIFT_VALUES)
		probe_numbers_named(l, p, u, n, v, m);
	if (u != x)
		free(u);
	if (v != y)
		free(v);
}

static double numbers_by_blocks(const struct line *l, const struct probe *p)
{
	const struct column *side[] = {l->reference, l->current};
	struct probe_rows rows = {0};

	for (int s = 0; s < 2; s++) {
		for (size_t i = 0; i < side[s]->cells_n; i++) {
			double x;
			if (values_number(side[s], &side[s]->cells[i], &x))
				probe_rows_add(&rows, p, s, side[s]->cells[i].row, x);
		}
	}
	return probe_rows_ks(&rows, p);
}

void probe_numbers(struct line *l, const struct probe *p)
{
	size_t n, m;

	if (!l->reference || !l->current)
		return;
	double *x = values_numbers(l->reference, &n), *y = values_numbers(l->current, &m);
	if (n < DRIFT_VALUES || m < DRIFT_VALUES ||
	    (x[0] == x[n - 1] && y[0] == y[m - 1] && x[0] == y[0]))
		goto cleanup;
	int lengths = l->current->count[KIND_ARRAY] > l->current->count[KIND_NUMBER];
	double d = twosample_ks(x, n, y, m, NULL),
	       sure = fmax(0, d - values_error(l->reference) - values_error(l->current));
	struct finding *f = line_found(l, "ks", d,
				       probe_in_blocks(p) ? numbers_by_blocks(l, p)
							  : twosample_ks_p(sure, x, n, y, m),
				       d);
	if (f)
		explain_numbers(f, lengths, x, n, y, m);
	if (!lengths)
		probe_named(l, p, x, n, y, m);
cleanup:
	free(x);
	free(y);
}

/* --- categories --- */

/* The levels of both sides side by side. */
struct levels {
	uint64_t *was, *is;
	struct span *name;
	size_t n;
};

/* All but the first, which is all others. blocks: of either side; NULL where rows are independent. */
static void probe_levels(struct line *l, const struct probe *p, const struct levels *v,
			 uint64_t was_n, uint64_t is_n, const struct probe_units *blocks)
{
	struct news_item *item = mem_alloc(v->n, sizeof *item);

	for (size_t i = 1; i < v->n; i++) {
		uint64_t hash = blocks ? hash64(v->name[i], 0) : 0;
		item[i - 1] =
			(struct news_item){v->was[i], v->is[i],
					   blocks ? probe_units_of(&blocks[0], hash) : v->was[i],
					   blocks ? probe_units_of(&blocks[1], hash) : v->is[i],
					   v->name[i]};
	}
	probe_news(l, p, item, v->n - 1, was_n, is_n, "rows");
	free(item);
}

/* Whether a side that counts up to an error knows a level's count: where the error is small beside
 * it, or beside what the other side would make of it. (A level that the error could hide has there
 * at most other_n * error / mine_n rows on average.) */
static int well_counted(uint64_t mine, double mine_n, uint64_t error, uint64_t other,
			double other_n)
{
	return !error || mine >= 20 * error ||
	       (double)other >= 5 + 20 * other_n * (double)error / mine_n;
}

static double strings_in(const struct column *c)
{
	return (double)type_values(c, TYPE_CATEGORY);
}

static void levels_add(struct levels *v, const struct column *reference, uint64_t was,
		       const struct column *current, uint64_t is, struct span name)
{
	int known = well_counted(was, strings_in(reference), reference->level_error, is,
				 strings_in(current)) &&
		    well_counted(is, strings_in(current), current->level_error, was,
				 strings_in(reference));

	/* Entry 0 is all others. */
	v->was[known ? v->n : 0] += was;
	v->is[known ? v->n : 0] += is;
	v->name[known ? v->n : 0] = known ? name : span_of("(others)");
	v->n += (size_t)known;
}

static void levels_join(struct levels *v, const struct column *reference,
			const struct column *current)
{
	size_t most = reference->levels_n + current->levels_n + 1;

	v->was = mem_alloc(most, sizeof *v->was);
	v->is = mem_alloc(most, sizeof *v->is);
	v->name = mem_alloc(most, sizeof *v->name);
	v->was[0] = reference->others;
	v->is[0] = current->others;
	v->name[0] = span_of("(others)");
	v->n = 1;
	for (size_t i = 0; i < reference->levels_n; i++) {
		const struct level *l = &reference->levels[i],
				   *same = column_level(current, l->hash);
		levels_add(v, reference, l->n, current, same ? same->n : 0,
			   column_level_text(reference, l));
	}
	for (size_t i = 0; i < current->levels_n; i++) {
		const struct level *l = &current->levels[i];
		if (!column_level(reference, l->hash))
			levels_add(v, reference, 0, current, l->n, column_level_text(current, l));
	}
}

static void explain_categories(struct finding *f, const struct levels *v,
			       const struct twosample_table *t, double was_n, double is_n)
{
	struct buf *why = &f->why;
	double unseen = 0;
	size_t kinds = 0, top = 0;

	for (size_t i = 1; i < v->n; i++) {
		if (v->was[i] || !v->is[i])
			continue;
		unseen += (double)v->is[i];
		top = !kinds || v->is[i] > v->is[top] ? i : top;
		kinds++;
	}
	f->unseen = unseen / is_n;
	/* A value with a name says more than the rest. */
	size_t where = t->where;
	for (size_t i = 1; i < v->n && t->where == 0; i++) {
		double change = fabs((double)v->is[i] / is_n - (double)v->was[i] / was_n);
		if (!where ||
		    change > fabs((double)v->is[where] / is_n - (double)v->was[where] / was_n))
			where = i;
	}
	if (where)
		words_quoted(why, v->name[where], 40);
	else
		buf_adds(why, "all others");
	buf_addc(why, ' ');
	words_moved(why, (double)v->was[where] / was_n, (double)v->is[where] / is_n);
	if (kinds) {
		buf_adds(why, "; ");
		words_percent(why, unseen / is_n);
		buf_addf(why, " %s not seen before", kinds == 1 ? "with a value" : "with values");
		if (top != where) {
			buf_adds(why, ", most often ");
			words_quoted(why, v->name[top], 40);
		}
	}
}

int probe_level_of(const struct column *c, const struct cell *cell, char code[COLUMN_CODE],
		   struct span *level)
{
	if (cell->kind == KIND_BOOL)
		*level = span_of(cell->x != 0 ? "true" : "false");
	else if (cell->kind == KIND_NUMBER && c->codes)
		*level = column_code(cell->x, code);
	else if (cell->kind == KIND_STRING)
		*level = column_cell_text(c, cell);
	else
		return 0;
	return 1;
}

/* The test by blocks, and in how many blocks of either side each level stands. */
static double categories_by_blocks(const struct line *l, const struct probe *p,
				   struct probe_units units[2])
{
	const struct column *side[] = {l->reference, l->current};
	struct probe_rows rows = {0};
	struct map levels = {0};

	for (int s = 0; s < 2; s++) {
		for (size_t i = 0; i < side[s]->cells_n; i++) {
			const struct cell *cell = &side[s]->cells[i];
			char code[COLUMN_CODE];
			struct span level;
			if (!probe_level_of(side[s], cell, code, &level))
				continue;
			uint64_t hash = hash64(level, 0);
			probe_rows_add(&rows, p, s, cell->row,
				       (double)*map_put(&levels, hash, levels.n, NULL));
			probe_units_add(&units[s], p, s, cell->row, hash);
		}
	}
	double value = probe_rows_table(&rows, p, levels.n);
	map_release(&levels);
	return value;
}

void probe_categories(struct line *l, const struct probe *p)
{
	static const char *const methods[] = {[TWOSAMPLE_EXACT] = "fisher",
					      [TWOSAMPLE_CHI2] = "chi2",
					      [TWOSAMPLE_PERMUTED] = "permutation"};
	struct levels v;
	struct twosample_table t;
	uint64_t was_n = 0, is_n = 0;

	if (!l->reference || !l->current)
		return;
	levels_join(&v, l->reference, l->current);
	size_t alive = 0;
	for (size_t i = 0; i < v.n; i++) {
		was_n += v.was[i];
		is_n += v.is[i];
		alive += v.was[i] + v.is[i] > 0;
	}
	if (was_n >= DRIFT_VALUES && is_n >= DRIFT_VALUES && alive > 1) {
		struct probe_units units[2] = {0};
		int blocks = probe_in_blocks(p);
		twosample_table(v.was, v.is, v.n, p->options->seed, p->draws, &t);
		if (blocks)
			t.p = categories_by_blocks(l, p, units);
		struct finding *f = line_found(l, blocks ? "permutation" : methods[t.method],
					       t.statistic, t.p, t.effect);
		if (f)
			explain_categories(f, &v, &t, (double)was_n, (double)is_n);
		probe_levels(l, p, &v, was_n, is_n, blocks ? units : NULL);
		probe_units_release(&units[0]);
		probe_units_release(&units[1]);
	}
	free(v.was);
	free(v.is);
	free(v.name);
}

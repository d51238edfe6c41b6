/* chart: see the header. */
#include "chart.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../stats/sort.h"
#include "../text/features.h"
#include "../web/plot.h"
#include "../web/svg.h"
#include "../web/xml.h"
#include "values.h"

#define BINS 12
#define WHOLE_BINS 24 /* of single whole numbers */
#define LEVELS 8
#define PERIODS 24

static void __attribute__((format(printf, 2, 3))) add_label(struct chart *x, const char *fmt, ...)
{
	char text[64];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	x->labels[x->n++] = mem_strdup(text);
}

/* --- numbers --- */

/* Where the columns of a histogram stand. */
struct bins {
	double first, width;
	size_t n;
	int single; /* each holds one whole number */
};

static int all_whole(double *const x[2], const size_t n[2])
{
	for (int s = 0; s < 2; s++)
		for (size_t i = 0; i < n[s]; i++)
			if (x[s][i] != floor(x[s][i]) || fabs(x[s][i]) > 9e15)
				return 0;
	return 1;
}

/* Whole numbers have whole columns, all others columns with round edges. */
static struct bins bins_of(double lo, double hi, int whole)
{
	struct bins b = {.first = lo, .width = 1, .single = whole && hi - lo < WHOLE_BINS};

	if (b.single) {
		b.n = (size_t)(hi - lo) + 1;
		return b;
	}
	if (!(hi > lo))
		hi = lo + fmax(fabs(lo), 1) * 0.1;
	b.width = plot_ticks(lo, hi, BINS, &b.first);
	b.width = whole ? fmax(1, ceil(b.width)) : b.width;
	b.first = floor(lo / b.width) * b.width;
	b.n = (size_t)(floor(hi / b.width) - floor(lo / b.width)) + 1;
	b.n = b.n < CHART_MOST ? b.n : CHART_MOST;
	return b;
}

/* x[s] in rising order. The outer hundredths go to the outer columns, unless these are what was found:
 * all. */
static int histogram(struct chart *c, double *const x[2], const size_t n[2], int all)
{
	double lo = INFINITY, hi = -INFINITY;

	for (int s = 0; s < 2; s++) {
		if (!n[s])
			return 0;
		lo = fmin(lo, x[s][all ? 0 : (size_t)(0.01 * (double)(n[s] - 1))]);
		hi = fmax(hi, x[s][all ? n[s] - 1 : (size_t)ceil(0.99 * (double)(n[s] - 1))]);
	}
	if (!isfinite(lo) || !isfinite(hi) || !isfinite(hi - lo))
		return 0;
	struct bins b = bins_of(lo, hi, all_whole(x, n));
	c->edges = !b.single;
	for (size_t i = 0; i < b.n; i++) {
		double edge = b.first + b.width * (double)i;

		add_label(c, "%.6g", fabs(edge) < 1e-9 * b.width ? 0 : edge);
	}
	for (int s = 0; s < 2; s++) {
		for (size_t i = 0; i < n[s]; i++) {
			double at = floor((x[s][i] - b.first) / b.width + 1e-9);
			size_t bin = !(at > 0) ? 0 : at >= (double)b.n ? b.n - 1 : (size_t)at;
			c->values[(size_t)s * b.n + bin] += 1 / (double)n[s];
		}
	}
	return 1;
}

static int of_numbers(struct chart *c, const struct line *l, int all)
{
	double *x[2];
	size_t n[2];

	c->kind = CHART_NUMBERS;
	c->what = l->current->count[KIND_ARRAY] > l->current->count[KIND_NUMBER]
			  ? "share of the rows, by number of elements"
			  : "share of the rows, by value";
	x[0] = values_numbers(l->reference, &n[0]);
	x[1] = values_numbers(l->current, &n[1]);
	int rc = histogram(c, x, n, all);
	free(x[0]);
	free(x[1]);
	return rc;
}

static int of_lengths(struct chart *c, const struct line *l)
{
	const struct column *side[] = {l->reference, l->current};
	double *x[2];
	size_t n[2] = {0};

	c->kind = CHART_LENGTHS;
	c->what = "share of the texts, by number of words";
	for (int s = 0; s < 2; s++) {
		x[s] = mem_alloc(side[s]->cells_n, sizeof **x);
		for (size_t i = 0; i < side[s]->cells_n; i++) {
			struct tokens t;
			struct token token;
			double words = 0;
			if (side[s]->cells[i].kind != KIND_STRING)
				continue;
			tokens_init(&t, column_cell_text(side[s], &side[s]->cells[i]), 0);
			while (tokens_next(&t, &token))
				words++;
			x[s][n[s]++] = words;
		}
		sort_doubles(x[s], n[s]);
	}
	int rc = histogram(c, x, n, 0);
	free(x[0]);
	free(x[1]);
	return rc;
}

/* --- dates --- */

static double share_of(const struct column *c, const struct periods *p, int which)
{
	return c->dated ? (double)column_period_rows(p, which) / (double)c->dated : 0;
}

/* By month where all dates lie within PERIODS of them and no year is what was found, else by year, the
 * latest. */
static int of_periods(struct chart *c, const struct line *l)
{
	const struct column *side[] = {l->reference, l->current};
	int day_first = values_day_first(l->reference, l->current);
	int first = 12 * 3000, last = 0;

	c->kind = CHART_DATES;
	for (int s = 0; s < 2; s++) {
		const struct periods *m = &side[s]->reading[day_first].months;
		if (!m->n)
			continue;
		first = m->v[0].which < first ? m->v[0].which : first;
		last = m->v[m->n - 1].which > last ? m->v[m->n - 1].which : last;
	}
	if (first > last)
		return 0;
	int by_month = last - first < PERIODS;
	if (!by_month) {
		last /= 12;
		first = first / 12 > last - PERIODS + 1 ? first / 12 : last - PERIODS + 1;
	}
	c->what =
		by_month ? "share of the dated rows, by month" : "share of the dated rows, by year";
	for (int which = first; which <= last; which++)
		if (by_month)
			add_label(c, "%d-%02d", which / 12, which % 12 + 1);
		else
			add_label(c, "%d", which);
	for (size_t s = 0; s < 2; s++)
		for (size_t i = 0; i < c->n; i++)
			c->values[s * c->n + i] =
				share_of(side[s],
					 by_month ? &side[s]->reading[day_first].months
						  : &side[s]->years,
					 first + (int)i);
	return 1;
}

static int of_lags(struct chart *c, const struct line *l, const struct comparison *all)
{
	const struct column *side[] = {l->reference, l->current},
			    *times[] = {all->reference_times, all->current_times};
	const struct frame *frame[] = {all->reference, all->current};
	int day_first = values_day_first(l->reference, l->current),
	    times_first = values_day_first(times[0], times[1]);
	double *x[2];
	size_t n[2];

	c->kind = CHART_LAGS;
	c->what = "share of the dated rows, by days from the record's own time";
	for (int s = 0; s < 2; s++) {
		int64_t *time = values_days(times[s], frame[s]->sample_n, times_first);
		x[s] = values_lags(side[s], frame[s]->sample_n, time, day_first, &n[s]);
		free(time);
	}
	int rc = histogram(c, x, n, 0);
	free(x[0]);
	free(x[1]);
	return rc;
}

/* --- shares of names --- */

static int names_words(const struct line *l, const struct finding *f)
{
	return l->type == TYPE_TEXT && f->named_n > 0 && strcmp(f->test, "kinds") != 0;
}

static int is_told_too(const struct line *l, const struct finding *f)
{
	return f != l->best && f->drift && f->always && f->named_n > 0 &&
	       (l->type == TYPE_TEXT || strcmp(f->test, "kinds") == 0);
}

/* Adds what f names and is not among the n of v. */
static size_t add_named(const struct finding *f, const struct finding_named **v, size_t n)
{
	for (size_t i = 0; i < f->named_n && n < CHART_MOST; i++) {
		size_t k = 0;
		while (k < n && strcmp(v[k]->name, f->named[i].name) != 0)
			k++;
		if (k == n)
			v[n++] = &f->named[i];
	}
	return n;
}

/* What the finding itself names; words in one picture with those that the line's other findings name. */
static int of_named(struct chart *c, const struct line *l, const struct finding *f)
{
	const struct finding_named *v[CHART_MOST];
	int words = names_words(l, f);

	c->kind = CHART_SHARES;
	c->what = words				     ? "share of the texts that have the word"
		  : strcmp(f->test, "relation") == 0 ? "share of the rows with that input"
						     : "share of the rows";
	c->n = add_named(f, v, 0);
	for (size_t i = 0; words && i < l->findings; i++)
		if (is_told_too(l, &l->finding[i]) && names_words(l, &l->finding[i]))
			c->n = add_named(&l->finding[i], v, c->n);
	for (size_t i = 0; i < c->n; i++) {
		c->labels[i] = mem_strdup(v[i]->name);
		c->values[i] = v[i]->was;
		c->values[c->n + i] = v[i]->is;
	}
	return c->n > 0;
}

struct share {
	const struct column *c;
	size_t level;
	double was, is, rank;
};

static int by_rank(const void *x, const void *y)
{
	const struct share *a = x, *b = y;

	return a->rank > b->rank ? -1 : a->rank < b->rank;
}

/* The values that moved most, or where nothing is said to have moved the most frequent ones. */
static int of_levels(struct chart *c, const struct line *l)
{
	const struct column *was = l->reference, *is = l->current;
	double was_n = (double)(was->count[KIND_STRING] + was->count[KIND_BOOL] + was->codes),
	       is_n = (double)(is->count[KIND_STRING] + is->count[KIND_BOOL] + is->codes);
	struct share *v = mem_alloc(was->levels_n + is->levels_n, sizeof *v);
	size_t n = 0;

	c->kind = CHART_SHARES;
	c->what = "share of the rows";
	for (size_t i = 0; i < was->levels_n; i++) {
		uint64_t *same = map_get(&is->level_by_hash, was->levels[i].hash);
		v[n++] = (struct share){.c = was,
					.level = i,
					.was = (double)was->levels[i].n / was_n,
					.is = same ? (double)is->levels[*same].n / is_n : 0};
	}
	for (size_t i = 0; i < is->levels_n; i++) {
		if (!map_get(&was->level_by_hash, is->levels[i].hash))
			v[n++] = (struct share){.c = is,
						.level = i,
						.is = (double)is->levels[i].n / is_n};
	}
	for (size_t i = 0; i < n; i++)
		v[i].rank = l->verdict == VERDICT_DRIFT ? fabs(v[i].is - v[i].was)
							: fmax(v[i].was, v[i].is);
	mem_sort(v, n, sizeof *v, by_rank);
	n = n < LEVELS ? n : LEVELS;
	for (size_t i = 0; i < n; i++) {
		c->labels[i] = span_dup(column_level_text(v[i].c, &v[i].c->levels[v[i].level]));
		c->values[i] = v[i].was;
		c->values[n + i] = v[i].is;
	}
	c->n = n;
	free(v);
	return n > 0;
}

int chart_is_own(const struct line *l, const struct finding *f)
{
	return is_told_too(l, f) && !(names_words(l, f) && names_words(l, l->best));
}

int chart_of(const struct line *l, const struct finding *f, const struct comparison *c,
	     struct chart *x)
{
	*x = (struct chart){.line = l};
	if (f->named_n > 0)
		return of_named(x, l, f);
	if (!l->reference || !l->current || l->type == TYPE_VECTOR || l->type == TYPE_ID ||
	    l->type == TYPE_OBJECT)
		return 0;
	if (l->type == TYPE_NUMBER)
		return of_numbers(x, l, strcmp(f->test, "far-off") == 0);
	if (l->type == TYPE_DATE)
		return strcmp(f->test, "lag") == 0 ? of_lags(x, l, c) : of_periods(x, l);
	return l->type == TYPE_TEXT ? of_lengths(x, l) : of_levels(x, l);
}

double chart_largest(const struct chart *x)
{
	double most = 0;

	for (size_t i = 0; i < 2 * x->n; i++)
		most = fmax(most, x->values[i]);
	return most;
}

void chart_draw(const struct chart *x, const char *const names[2], double most, struct buf *b)
{
	const struct svg_shares p = {.title = x->what,
				     .labels = (const char *const *)x->labels,
				     .n = x->n,
				     .edges = x->edges,
				     .names = names,
				     .values = x->values,
				     .series = 2,
				     .most = most};

	buf_adds(b, "<p class=\"dim\">");
	xml_str(x->what, b);
	buf_adds(b, "</p>\n");
	(x->kind == CHART_SHARES ? svg_bars : svg_columns)(&p, b);
}

void chart_release(struct chart *x)
{
	for (size_t i = 0; i < x->n; i++)
		free(x->labels[i]);
}

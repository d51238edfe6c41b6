/* page: see the header. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../stats/sort.h"
#include "../text/features.h"
#include "../web/html.h"
#include "../web/junit.h"
#include "../web/svg.h"
#include "../web/xml.h"
#include "page.h"
#include "report.h"
#include "values.h"
#include "words.h"

#define BINS 12
#define LEVELS 10

/* Shares of either side under labels, as bars. values[s * n + i]. */
static void put_bars(struct buf *b, const char *const names[2], const char *title,
		     char labels[][48], size_t n, const double *values)
{
	const char *label[64];

	for (size_t i = 0; i < n; i++)
		label[i] = labels[i];
	buf_adds(b, "<p><small>");
	xml_str(title, b);
	buf_adds(b, "</small></p>\n");
	svg_bars(title, label, n, names, values, 2, b);
}

/* Bins of equal width over the middle 98 % of both sides, the outer two open. x[s] sorted. */
static void put_histogram(struct buf *b, const char *const names[2], const char *title,
			  double *const x[2], const size_t n[2])
{
	char labels[BINS][48];
	double values[2 * BINS] = {0}, lo = INFINITY, hi = -INFINITY;

	for (int s = 0; s < 2; s++) {
		if (!n[s])
			return;
		lo = fmin(lo, x[s][(size_t)(0.01 * (double)(n[s] - 1))]);
		hi = fmax(hi, x[s][(size_t)(0.99 * (double)(n[s] - 1))]);
	}
	if (!isfinite(lo) || !isfinite(hi))
		return;
	double width = hi > lo ? (hi - lo) / BINS : 1;
	for (int s = 0; s < 2; s++) {
		for (size_t i = 0; i < n[s]; i++) {
			double at = floor((x[s][i] - lo) / width);
			size_t bin = at < 0 ? 0 : at >= BINS ? BINS - 1 : (size_t)at;
			values[(size_t)s * BINS + bin] += 1 / (double)n[s];
		}
	}
	for (int i = 0; i < BINS; i++)
		snprintf(labels[i], sizeof labels[i], "%.4g", lo + width * i);
	put_bars(b, names, title, labels, BINS, values);
}

static void draw_numbers(struct buf *b, const char *const names[2], const struct line *l)
{
	double *x[2];
	size_t n[2];

	x[0] = values_numbers(l->reference, &n[0]);
	x[1] = values_numbers(l->current, &n[1]);
	put_histogram(b, names,
		      l->current->count[KIND_ARRAY] > l->current->count[KIND_NUMBER]
			      ? "number of elements"
			      : "values",
		      x, n);
	free(x[0]);
	free(x[1]);
}

static void draw_lengths(struct buf *b, const char *const names[2], const struct line *l)
{
	const struct column *side[] = {l->reference, l->current};
	double *x[2];
	size_t n[2] = {0};

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
	put_histogram(b, names, "words of a text", x, n);
	free(x[0]);
	free(x[1]);
}

#define PERIODS 24

static double share_of(const struct column *c, const struct periods *p, int which)
{
	return c->dated ? (double)column_period_rows(p, which) / (double)c->dated : 0;
}

/* By month where all dates lie within PERIODS of them, else by year, the latest. */
static void draw_periods(struct buf *b, const char *const names[2], const struct line *l)
{
	const struct column *side[] = {l->reference, l->current};
	int day_first = values_day_first(l->reference, l->current);
	int first = 12 * 3000, last = 0;
	char labels[PERIODS][48];
	double values[2 * PERIODS];
	size_t n = 0;

	for (int s = 0; s < 2; s++) {
		const struct periods *m = &side[s]->reading[day_first].months;
		if (!m->n)
			continue;
		first = m->v[0].which < first ? m->v[0].which : first;
		last = m->v[m->n - 1].which > last ? m->v[m->n - 1].which : last;
	}
	if (first > last)
		return;
	int by_month = last - first < PERIODS;
	if (!by_month) {
		last /= 12;
		first = first / 12 > last - PERIODS + 1 ? first / 12 : last - PERIODS + 1;
	}
	for (int i = first; i <= last; i++)
		n++;
	for (size_t i = 0; i < n; i++) {
		int which = first + (int)i;
		snprintf(labels[i], sizeof labels[i], by_month ? "%02d-%02d" : "%d",
			 by_month ? which / 12 % 100 : which, which % 12 + 1);
		for (size_t s = 0; s < 2; s++)
			values[s * n + i] = share_of(side[s],
						     by_month ? &side[s]->reading[day_first].months
							      : &side[s]->years,
						     which);
	}
	put_bars(b, names, by_month ? "rows by month (year-month)" : "rows by year", labels, n,
		 values);
}

static void draw_lags(struct buf *b, const char *const names[2], const struct line *l,
		      const struct comparison *c)
{
	const struct column *side[] = {l->reference, l->current},
			    *times[] = {c->reference_times, c->current_times};
	const struct frame *frame[] = {c->reference, c->current};
	int day_first = values_day_first(l->reference, l->current),
	    times_first = values_day_first(times[0], times[1]);
	double *x[2];
	size_t n[2];

	for (int s = 0; s < 2; s++) {
		int64_t *time = values_days(times[s], frame[s]->sample_n, times_first);
		x[s] = values_lags(side[s], frame[s]->sample_n, time, day_first, &n[s]);
		free(time);
	}
	put_histogram(b, names, "days from the record's own time", x, n);
	free(x[0]);
	free(x[1]);
}

struct share {
	const struct column *c;
	size_t level;
	double was, is;
};

static int by_share(const void *x, const void *y)
{
	const struct share *a = x, *b = y;
	double p = fmax(a->was, a->is), q = fmax(b->was, b->is);

	return p > q ? -1 : p < q;
}

static void draw_levels(struct buf *b, const char *const names[2], const struct line *l)
{
	const struct column *was = l->reference, *is = l->current;
	double was_n = (double)(was->count[KIND_STRING] + was->count[KIND_BOOL]),
	       is_n = (double)(is->count[KIND_STRING] + is->count[KIND_BOOL]);
	struct share *v = mem_alloc(was->levels_n + is->levels_n, sizeof *v);
	char labels[LEVELS][48];
	double values[2 * LEVELS];
	size_t n = 0;

	for (size_t i = 0; i < was->levels_n; i++) {
		uint64_t *same = map_get(&is->level_by_hash, was->levels[i].hash);
		v[n++] = (struct share){was, i, (double)was->levels[i].n / was_n,
					same ? (double)is->levels[*same].n / is_n : 0};
	}
	for (size_t i = 0; i < is->levels_n; i++) {
		if (!map_get(&was->level_by_hash, is->levels[i].hash))
			v[n++] = (struct share){is, i, 0, (double)is->levels[i].n / is_n};
	}
	mem_sort(v, n, sizeof *v, by_share);
	n = n < LEVELS ? n : LEVELS;
	for (size_t i = 0; i < n; i++) {
		struct span s = column_level_text(v[i].c, &v[i].c->levels[v[i].level]);
		struct buf quoted = BUF_INIT;
		words_quoted(&quoted, s, 24);
		snprintf(labels[i], sizeof labels[i], "%s", quoted.data);
		values[i] = v[i].was;
		values[n + i] = v[i].is;
		buf_release(&quoted);
	}
	if (n)
		put_bars(b, names, "share of rows", labels, n, values);
	free(v);
}

/* Paths with one and the same value are not drawn. */
static void draw(struct buf *b, const char *const names[2], const struct line *l,
		 const struct comparison *c)
{
	if (!l->reference || !l->current || !l->best || l->type == TYPE_VECTOR ||
	    l->type == TYPE_ID || l->type == TYPE_OBJECT)
		return;
	buf_adds(b, "<h3>");
	xml_str(l->path, b);
	buf_addf(b, " <small>%s, %s</small></h3>\n", type_name(l->type),
		 drift_verdict_name(l->verdict));
	if (l->type == TYPE_NUMBER)
		draw_numbers(b, names, l);
	else if (l->type == TYPE_DATE && strcmp(l->best->test, "lag") == 0)
		draw_lags(b, names, l, c);
	else if (l->type == TYPE_DATE)
		draw_periods(b, names, l);
	else if (l->type == TYPE_TEXT)
		draw_lengths(b, names, l);
	else
		draw_levels(b, names, l);
}

void page_plots(const struct comparison *c, const char *const names[2], struct buf *b)
{
	for (size_t i = 0; i < c->n && i < PAGE_PLOTS; i++)
		draw(b, names, &c->lines[i], c);
}

void page_html(const struct comparison *c, const struct drift_options *o, struct buf *b)
{
	struct table t = {0};
	struct buf text = BUF_INIT;

	html_begin("ft-drift", NULL, b);
	buf_addf(&text,
		 "%s: %zu of %zu paths drifted; %llu current rows against %llu of the reference; %zu tests at alpha %g (%s), effects of at least %g.",
		 drift_verdict_name(c->verdict), c->drifted, c->n,
		 (unsigned long long)c->current_rows, (unsigned long long)c->reference_rows,
		 c->tests, o->alpha, o->fdr ? "Benjamini-Hochberg" : "Holm", o->min_effect);
	html_paragraph(text.data, b);
	report_paths(c, 1, &t);
	html_table(&t, b);
	table_release(&t);
	html_heading("Reference against current", b);
	page_plots(c, (const char *const[]){"reference", "current"}, b);
	html_end(b);
	buf_release(&text);
}

void page_junit(const struct comparison *c, const struct drift_options *o, struct buf *b)
{
	static const enum junit_result results[] = {[VERDICT_STABLE] = JUNIT_PASSED,
						    [VERDICT_DRIFT] = JUNIT_FAILED,
						    [VERDICT_INSUFFICIENT] = JUNIT_SKIPPED};
	struct junit j = {.out = b};
	struct buf text = BUF_INIT;

	junit_begin(&j, "ft-drift");
	junit_suite(&j, span_of("ft-drift"));
	for (size_t i = 0; i < c->n; i++) {
		const struct line *l = &c->lines[i];

		buf_clear(&text);
		if (l->verdict == VERDICT_DRIFT)
			buf_addf(&text, "%s, p %.2g at alpha %g: ", l->best->test, l->best->p_adj,
				 o->alpha);
		line_reason(l, &text);
		junit_case(&j, span_of(type_name(l->type)), span_of(l->path), results[l->verdict],
			   buf_span(&text));
	}
	junit_end(&j);
	buf_release(&text);
}

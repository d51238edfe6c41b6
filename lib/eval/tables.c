/* tables: see tables.h. */
#include "tables.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "../base/mem.h"
#include "advice.h"

enum { CONFUSIONS = 10 };

static void cell_number(struct table *t, double x, int decimals)
{
	if (isnan(x))
		table_cell(t, "-");
	else
		table_cellf(t, "%.*f", decimals, x);
}

static void cell_ratio(struct table *t, uint64_t a, uint64_t b)
{
	cell_number(t, b > 0 ? (double)a / (double)b : NAN, 4);
}

static void cell_interval(struct table *t, struct interval v)
{
	cell_number(t, v.value, 4);
	if (isnan(v.lo) || isnan(v.hi))
		table_cell(t, "-");
	else
		table_cellf(t, "%.4f .. %.4f", v.lo, v.hi);
}

static void cell_difference(struct table *t, struct interval v)
{
	if (isnan(v.value))
		table_cell(t, "-");
	else
		table_cellf(t, "%+.4f", v.value);
	if (isnan(v.lo) || isnan(v.hi))
		table_cell(t, "-");
	else
		table_cellf(t, "%+.4f .. %+.4f", v.lo, v.hi);
}

static void cell_label(struct table *t, const struct group *g)
{
	struct buf text = BUF_INIT;

	report_label(g, &text);
	table_cell(t, text.data);
	buf_release(&text);
}

static void head_interval(struct table *t, const struct board *b)
{
	char head[32];

	snprintf(head, sizeof head, "%g%% interval", b->level * 100);
	table_cell(t, head);
}

void tables_scores(const struct board *b, struct table *t)
{
	table_cell(t, "group");
	table_cell(t, "metric");
	table_right(t, "mean");
	head_interval(t, b);
	table_right(t, "rows");
	table_right(t, "unscored");
	table_row(t);
	for (size_t m = 0; m < b->n_metrics; m++)
		for (size_t i = 0; i < b->n_groups; i++) {
			const struct group *g = b->groups + i;

			cell_label(t, g);
			table_cell(t, board_metric_name(b, m));
			cell_interval(t, board_score(b, g, m));
			table_cellf(t, "%" PRIu64, g->cells[m].scores.n);
			table_cellf(t, "%" PRIu64, g->cells[m].unscored);
			table_row(t);
		}
}

void tables_fields(const struct board *b, const struct group *g, size_t metric, struct table *t)
{
	const struct fields *f = &g->cells[metric].fields;

	table_cell(t, "field");
	table_right(t, "agrees");
	head_interval(t, b);
	table_right(t, "rows");
	table_right(t, "precision");
	table_right(t, "recall");
	table_row(t);
	for (size_t i = 0; i < f->n; i++) {
		const struct field *x = f->v + i;

		table_cellf(t, "%.60s", x->name);
		cell_interval(t, interval_wilson((double)x->right, (double)x->rows, b->level));
		table_cellf(t, "%" PRIu64, (uint64_t)x->rows);
		cell_ratio(t, x->found, x->said);
		cell_ratio(t, x->found, x->expected);
		table_row(t);
	}
}

int tables_usage(const struct board *b, struct table *t)
{
	uint64_t any = 0;

	table_cell(t, "group");
	table_right(t, "rows");
	table_right(t, "errors");
	table_right(t, "p50 s");
	table_right(t, "p95 s");
	table_right(t, "p99 s");
	table_right(t, "tokens a row");
	table_right(t, "cost $");
	table_right(t, "$ per 1,000");
	table_row(t);
	for (size_t i = 0; i < b->n_groups; i++) {
		const struct group *g = b->groups + i;
		int cost_known = g->cost.n > 0 && g->cost_unknown == 0;
		size_t n;
		struct tally_bin *sorted = tally_sorted(&g->latency, &n);

		any += g->latency.n + g->total_tokens.n + g->cost.n + g->errors;
		cell_label(t, g);
		table_cellf(t, "%" PRIu64, g->n);
		table_cellf(t, "%" PRIu64, g->errors);
		cell_number(t, tally_quantile(sorted, n, g->latency.n, .5), 3);
		cell_number(t, tally_quantile(sorted, n, g->latency.n, .95), 3);
		cell_number(t, tally_quantile(sorted, n, g->latency.n, .99), 3);
		cell_number(t, tally_mean(&g->total_tokens), 1);
		cell_number(t, cost_known ? tally_sum(&g->cost) : NAN, 4);
		cell_number(t, cost_known ? 1000 * tally_mean(&g->cost) : NAN, 4);
		table_row(t);
		free(sorted);
	}
	return any > 0;
}

void tables_comparisons(const struct board *b, const struct comparisons *c, struct table *t)
{
	table_cell(t, "metric");
	table_cell(t, "a (baseline)");
	table_cell(t, "b");
	table_right(t, "b - a");
	head_interval(t, b);
	table_right(t, "p");
	table_right(t, "p adjusted");
	table_right(t, "wins");
	table_right(t, "losses");
	table_right(t, "ties");
	table_cell(t, "test");
	table_row(t);
	for (size_t i = 0; i < c->n; i++) {
		const struct comparison *x = c->v + i;

		table_cell(t, board_metric_name(b, x->metric));
		table_cellf(t, "%.100s", x->a->side);
		table_cellf(t, "%.100s", x->b->side);
		cell_difference(t, x->diff);
		for (int adjusted = 0; adjusted < 2; adjusted++) {
			double p = adjusted ? x->p_adj : x->p;

			if (isnan(p))
				table_cell(t, "-");
			else
				table_cellf(t, "%.3g", p);
		}
		table_cellf(t, "%" PRIu64, x->wins);
		table_cellf(t, "%" PRIu64, x->losses);
		table_cellf(t, "%" PRIu64, x->ties);
		table_cell(t, x->test);
		table_row(t);
	}
}

void tables_plan(const struct board *b, const struct comparison *c, struct buf *text)
{
	if (isnan(c->detectable))
		return;
	buf_addf(text,
		 "%s, %s against %s: %" PRIu64
		 " pairs like these notice a true difference of %.4f in 80 of 100 runs",
		 board_metric_name(b, c->metric), c->b->side, c->a->side, c->n, c->detectable);
	if (isfinite(c->rows_needed) && c->rows_needed > (double)c->n)
		buf_addf(text, "; one as small as that found needs %.0f", ceil(c->rows_needed));
	buf_adds(text, ".");
}

static void decided_table(const struct board *b, const struct decided *d, size_t n, struct table *t)
{
	table_cell(t, "requirement");
	table_cell(t, "group");
	table_right(t, "value");
	head_interval(t, b);
	table_cell(t, "verdict");
	table_row(t);
	for (size_t i = 0; i < n; i++) {
		table_cell(t, d[i].r->text);
		cell_label(t, d[i].g);
		cell_interval(t, d[i].value);
		table_cell(t, require_word(d[i].verdict));
		table_row(t);
	}
}

static void tables_classes(const struct label_figures *f, struct table *t)
{
	table_cell(t, "class");
	table_right(t, "precision");
	table_right(t, "recall");
	table_right(t, "f1");
	table_right(t, "rows");
	table_row(t);
	for (size_t k = 0; k < f->n; k++) {
		table_cellf(t, "%.60s", f->names[k]);
		cell_number(t, f->precision[k], 4);
		cell_number(t, f->recall[k], 4);
		cell_number(t, f->f1[k], 4);
		table_cellf(t, "%.0f", f->support[k]);
		table_row(t);
	}
}

struct confusion_cell {
	size_t expected, said;
	double n;
};

static int by_count(const void *a, const void *b)
{
	const struct confusion_cell *x = a, *y = b;

	if (x->n != y->n)
		return x->n > y->n ? -1 : 1;
	return x->expected != y->expected ? (x->expected < y->expected ? -1 : 1)
	       : x->said < y->said	  ? -1
					  : x->said > y->said;
}

void tables_confusions(const struct label_figures *f, size_t most, struct table *t)
{
	struct confusion_cell *v = NULL;
	size_t n = 0, cap = 0;

	for (size_t i = 0; i < f->n; i++)
		for (size_t j = 0; j <= f->n; j++)
			if (i != j && f->matrix[i * (f->n + 1) + j] > 0) {
				v = mem_grow(v, &cap, n + 1, sizeof *v);
				v[n++] = (struct confusion_cell){i, j,
								 f->matrix[i * (f->n + 1) + j]};
			}
	if (n > 0)
		qsort(v, n, sizeof *v, by_count);
	table_cell(t, "expected");
	table_cell(t, "said");
	table_right(t, "rows");
	table_right(t, "of the class");
	table_row(t);
	for (size_t i = 0; i < n && i < most; i++) {
		table_cellf(t, "%.60s", f->names[v[i].expected]);
		table_cellf(t, "%.60s", v[i].said < f->n ? f->names[v[i].said] : "(other)");
		table_cellf(t, "%.0f", v[i].n);
		table_cellf(t, "%.1f %%", 100 * v[i].n / f->support[v[i].expected]);
		table_row(t);
	}
	free(v);
}

/* Writes a table and empties it. */
static void put_table(struct table *t, enum table_style style, struct buf *out)
{
	table_write(t, style, out);
	table_release(t);
}

static void put_fields(const struct board *b, enum table_style style, struct buf *out)
{
	for (size_t m = 0; m < b->n_metrics; m++)
		for (size_t i = 0; board_has_fields(b, m) && i < b->n_groups; i++) {
			struct table t = {0};

			buf_addc(out, '\n');
			report_label(b->groups + i, out);
			buf_addf(out, ", %s by field:\n\n", board_metric_name(b, m));
			tables_fields(b, b->groups + i, m, &t);
			put_table(&t, style, out);
		}
}

static void put_classes(const struct board *b, enum table_style style, struct buf *out)
{
	for (size_t i = 0; b->labels && i < b->n_groups; i++) {
		struct label_figures f;
		struct table t = {0};

		labels_figures(&b->groups[i].labels, b->level, b->boot.seed, &f);
		buf_addc(out, '\n');
		report_label(b->groups + i, out);
		buf_addf(out,
			 ": accuracy %.4f, macro F1 %.4f (%.4f .. %.4f), weighted F1 %.4f, MCC %.4f\n\n",
			 f.accuracy.value, f.macro_f1.value, f.macro_f1.lo, f.macro_f1.hi,
			 f.weighted_f1.value, f.mcc.value);
		tables_classes(&f, &t);
		put_table(&t, style, out);
		tables_confusions(&f, CONFUSIONS, &t);
		if (t.rows > 1) {
			buf_adds(out, "\nTaken for another class most often:\n\n");
			table_write(&t, style, out);
		}
		table_release(&t);
		label_figures_release(&f);
	}
}

/* Which groups nobody beats, where there is more than quality to compare by. */
static void put_front(const struct board *b, struct buf *out)
{
	size_t known = 0, n = 0;

	for (size_t i = 0; i < b->n_groups; i++)
		known +=
			!isnan(advice_cost(b->groups + i)) || !isnan(advice_latency(b->groups + i));
	if (known < 2)
		return;
	buf_addf(out, "\nNot beaten on %s, cost and latency together: ", board_metric_name(b, 0));
	for (size_t i = 0; i < b->n_groups; i++)
		if (advice_is_pareto(b, b->groups + i)) {
			buf_adds(out, n++ > 0 ? "; " : "");
			report_label(b->groups + i, out);
		}
	buf_adds(out, ".\n");
}

void tables_write(const struct board *b, const struct comparisons *c, const struct decided *d,
		  size_t n_decided, const struct duels *duels, enum table_style style,
		  struct buf *out)
{
	struct table t = {0};

	if (b->n_groups > 0) {
		tables_scores(b, &t);
		put_table(&t, style, out);
	}
	put_fields(b, style, out);
	put_classes(b, style, out);
	if (tables_usage(b, &t)) {
		buf_addc(out, '\n');
		table_write(&t, style, out);
		put_front(b, out);
	}
	table_release(&t);
	if (c->n > 0) {
		buf_addc(out, '\n');
		tables_comparisons(b, c, &t);
		put_table(&t, style, out);
		buf_addc(out, '\n');
		for (size_t i = 0; i < c->n; i++) {
			size_t before = out->len;

			tables_plan(b, c->v + i, out);
			if (out->len > before)
				buf_adds(out, style == TABLE_MARKDOWN ? "\n\n" : "\n");
		}
	}
	if (n_decided > 0) {
		buf_addc(out, '\n');
		decided_table(b, d, n_decided, &t);
		put_table(&t, style, out);
	}
	if (duels->rows > 0) {
		if (b->n_groups > 0)
			buf_addc(out, '\n');
		duels_table(duels, b->level, &t);
		put_table(&t, style, out);
	}
}

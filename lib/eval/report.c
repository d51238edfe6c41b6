/* report: JSON Lines and tables of one evaluation. See report.h. */
#include "report.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../json/jw.h"
#include "advice.h"

static void put_interval(struct jw *w, const char *value, struct interval v)
{
	jw_key(w, value);
	jw_num(w, v.value);
	jw_key(w, "lo");
	jw_num(w, v.lo);
	jw_key(w, "hi");
	jw_num(w, v.hi);
}

static void put_count(struct jw *w, const char *name, uint64_t n)
{
	jw_key(w, name);
	jw_int(w, (int64_t)n);
}

static double ratio(uint64_t a, uint64_t b)
{
	return b > 0 ? (double)a / (double)b : NAN;
}

/* An object of its own for a figure beside the mean. */
static void put_figure(struct jw *w, const char *name, struct interval v)
{
	jw_key(w, name);
	jw_object(w);
	put_interval(w, "value", v);
	jw_end(w);
}

/* What several samples of one input give. */
static void put_samples(struct jw *w, const struct board *b, const struct group *g, size_t metric)
{
	char name[32];
	size_t n;

	put_count(w, "clusters", g->clusters.n);
	put_figure(w, "majority", clusters_majority(&g->clusters, metric, b->level));
	for (size_t i = 0; i < b->n_pass_at; i++)
		for (int all = 0; all < 2; all++) {
			snprintf(name, sizeof name, "pass%c%d", all ? '^' : '@', b->pass_at[i]);
			put_figure(w, name, clusters_pass(&g->clusters, metric, b->pass_at[i], all, b->level, &n));
		}
}

static void put_labels(struct jw *w, const struct board *b, const struct group *g)
{
	struct label_figures f;

	labels_figures(&g->labels, b->level, b->boot.seed, &f);
	jw_key(w, "labels");
	jw_object(w);
	put_count(w, "n", g->labels.n_pairs);
	put_figure(w, "accuracy", f.accuracy);
	put_figure(w, "macro_f1", f.macro_f1);
	put_figure(w, "weighted_f1", f.weighted_f1);
	put_figure(w, "mcc", f.mcc);
	jw_key(w, "classes");
	jw_object(w);
	for (size_t i = 0; i < f.n; i++) {
		jw_key(w, f.names[i]);
		jw_object(w);
		jw_key(w, "precision");
		jw_num(w, f.precision[i]);
		jw_key(w, "recall");
		jw_num(w, f.recall[i]);
		jw_key(w, "f1");
		jw_num(w, f.f1[i]);
		put_count(w, "support", (uint64_t)f.support[i]);
		/* The row of the confusion matrix: what was said instead, zeros left out. */
		jw_key(w, "said");
		jw_object(w);
		for (size_t j = 0; j <= f.n; j++)
			if (f.matrix[i * (f.n + 1) + j] > 0)
				put_count(w, j < f.n ? f.names[j] : "(other)", (uint64_t)f.matrix[i * (f.n + 1) + j]);
		jw_end(w);
		jw_end(w);
	}
	jw_end(w);
	put_count(w, "too_many", g->labels.too_many);
	jw_end(w);
	label_figures_release(&f);
}

static void put_fields(struct jw *w, const struct fields *f, double level)
{
	uint64_t said = 0, expected = 0, found = 0;
	double precision, recall;

	for (size_t i = 0; i < f->n; i++) {
		said += f->v[i].said;
		expected += f->v[i].expected;
		found += f->v[i].found;
	}
	precision = ratio(found, said);
	recall = ratio(found, expected);
	jw_key(w, "precision");
	jw_num(w, precision);
	jw_key(w, "recall");
	jw_num(w, recall);
	jw_key(w, "f1");
	jw_num(w, ratio(2 * found, said + expected));
	jw_key(w, "fields");
	jw_object(w);
	for (size_t i = 0; i < f->n; i++) {
		const struct field *x = f->v + i;

		jw_key(w, x->name);
		jw_object(w);
		put_interval(w, "mean", interval_wilson((double)x->right, (double)x->rows, level));
		put_count(w, "n", x->rows);
		jw_key(w, "precision");
		jw_num(w, ratio(x->found, x->said));
		jw_key(w, "recall");
		jw_num(w, ratio(x->found, x->expected));
		jw_end(w);
	}
	jw_end(w);
}

static void put_latency(struct jw *w, const struct tally *t)
{
	static const struct {
		const char *name;
		double q;
	} quantiles[] = {{"p50", .5}, {"p95", .95}, {"p99", .99}};
	size_t n;
	struct tally_bin *sorted = tally_sorted(t, &n);

	jw_key(w, "latency");
	jw_object(w);
	for (size_t i = 0; i < sizeof quantiles / sizeof *quantiles; i++) {
		jw_key(w, quantiles[i].name);
		jw_num(w, tally_quantile(sorted, n, t->n, quantiles[i].q));
	}
	jw_key(w, "mean");
	jw_num(w, tally_mean(t));
	put_count(w, "n", t->n);
	jw_end(w);
	free(sorted);
}

static void put_sum(struct jw *w, const char *name, const struct tally *t)
{
	jw_key(w, name);
	jw_num(w, t->n > 0 ? tally_sum(t) : NAN);
}

void report_group(const struct board *b, const struct group *g, struct buf *out)
{
	int cost_known = g->cost.n > 0 && g->cost_unknown == 0;
	struct jw w;

	jw_init(&w, out);
	jw_object(&w);
	jw_key(&w, "group");
	jw_raw(&w, span_of(g->label));
	put_count(&w, "n", g->n);
	put_count(&w, "errors", g->errors);
	jw_key(&w, "metrics");
	jw_object(&w);
	for (size_t i = 0; i < b->n_metrics; i++) {
		const struct score_cell *c = g->cells + i;

		jw_key(&w, board_metric_name(b, i));
		jw_object(&w);
		put_interval(&w, "mean", board_score(b, g, i));
		put_count(&w, "n", c->scores.n);
		put_count(&w, "unscored", c->unscored);
		if (board_has_fields(b, i))
			put_fields(&w, &c->fields, b->level);
		if (board_is_clustered(b))
			put_samples(&w, b, g, i);
		jw_end(&w);
	}
	jw_end(&w);
	if (b->labels)
		put_labels(&w, b, g);
	put_latency(&w, &g->latency);
	jw_key(&w, "tokens");
	jw_object(&w);
	put_sum(&w, "prompt", &g->prompt_tokens);
	put_sum(&w, "completion", &g->completion_tokens);
	put_sum(&w, "total", &g->total_tokens);
	put_count(&w, "n", g->total_tokens.n);
	jw_end(&w);
	jw_key(&w, "cost");
	jw_object(&w);
	jw_key(&w, "total");
	jw_num(&w, cost_known ? tally_sum(&g->cost) : NAN);
	jw_key(&w, "per_1k");
	jw_num(&w, cost_known ? 1000 * tally_mean(&g->cost) : NAN);
	put_count(&w, "unknown", g->cost_unknown);
	jw_end(&w);
	if (b->n_groups > 1) {
		jw_key(&w, "pareto");
		jw_bool(&w, advice_is_pareto(b, g));
	}
	jw_end(&w);
	buf_addc(out, '\n');
}

void report_comparison(const struct board *b, const struct comparison *c, struct buf *out)
{
	struct jw w;

	jw_init(&w, out);
	jw_object(&w);
	jw_key(&w, "metric");
	jw_str(&w, board_metric_name(b, c->metric));
	jw_key(&w, "a");
	jw_str(&w, c->a->side);
	jw_key(&w, "b");
	jw_str(&w, c->b->side);
	if (b->n_by > 0) {
		jw_key(&w, "within");
		jw_raw(&w, span_of(c->a->within));
	}
	put_count(&w, "n", c->n);
	put_interval(&w, "diff", c->diff);
	jw_key(&w, "p");
	jw_num(&w, c->p);
	jw_key(&w, "p_adj");
	jw_num(&w, c->p_adj);
	jw_key(&w, "test");
	jw_str(&w, c->test);
	put_count(&w, "wins", c->wins);
	put_count(&w, "losses", c->losses);
	put_count(&w, "ties", c->ties);
	jw_key(&w, "detectable");
	jw_num(&w, c->detectable);
	jw_key(&w, "rows_needed");
	jw_num(&w, ceil(c->rows_needed));
	jw_end(&w);
	buf_addc(out, '\n');
}

void report_decided(const struct board *b, const struct decided *d, struct buf *out)
{
	struct jw w;

	jw_init(&w, out);
	jw_object(&w);
	jw_key(&w, "require");
	jw_str(&w, d->r->text);
	if (b->n_groups > 1 || b->n_by > 0 || b->compare || b->run) {
		jw_key(&w, "group");
		jw_raw(&w, span_of(d->g->label));
	}
	jw_key(&w, "verdict");
	jw_str(&w, require_word(d->verdict));
	put_interval(&w, "value", d->value);
	jw_end(&w);
	buf_addc(out, '\n');
}

void report_diff(const struct board *b, const struct comparison *c, struct buf *out)
{
	for (size_t i = 0; i < c->a->n_rows; i++) {
		size_t j = board_partner(c->b, c->a, i);
		double x = c->a->scores[i * b->n_metrics + c->metric], y = c->b->scores[j * b->n_metrics + c->metric];
		struct span id = board_row_id(c->a, i);
		struct jw w;

		if (isnan(x) || isnan(y) || x == y)
			continue;
		jw_init(&w, out);
		jw_object(&w);
		jw_key(&w, "diff");
		jw_str(&w, y > x ? "fixed" : "broken");
		jw_key(&w, "metric");
		jw_str(&w, board_metric_name(b, c->metric));
		jw_key(&w, "id");
		jw_strn(&w, id.s, id.n);
		jw_key(&w, "sample");
		jw_int(&w, c->a->rows[i].sample);
		jw_key(&w, "a");
		jw_str(&w, c->a->side);
		jw_key(&w, "b");
		jw_str(&w, c->b->side);
		jw_key(&w, "scores");
		jw_array(&w);
		jw_num(&w, x);
		jw_num(&w, y);
		jw_end(&w);
		jw_end(&w);
		buf_addc(out, '\n');
	}
}

/* --- tables --- */

static void cell_number(struct table *t, double x, int decimals)
{
	if (isnan(x))
		table_cell(t, "-");
	else
		table_cellf(t, "%.*f", decimals, x);
}

static void cell_p(struct table *t, double p)
{
	if (isnan(p))
		table_cell(t, "-");
	else
		table_cellf(t, "%.4g", p);
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

void report_label(const struct group *g, struct buf *text)
{
	size_t start = text->len;
	struct json_iter it = {0};
	struct span key, v;

	while (json_next(&it, span_of(g->label), &key, &v)) {
		if (text->len > start)
			buf_adds(text, ", ");
		if (json_kind(v) == JSON_STRING)
			json_string(v, text);
		else
			buf_addspan(text, v);
	}
	if (text->len == start)
		buf_adds(text, "all");
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

static void score_table(const struct board *b, enum table_style style, struct buf *out)
{
	struct table t = {0};

	table_cell(&t, "group");
	table_cell(&t, "metric");
	table_right(&t, "mean");
	head_interval(&t, b);
	table_right(&t, "n");
	table_right(&t, "unscored");
	table_row(&t);
	for (size_t i = 0; i < b->n_groups; i++) {
		const struct group *g = b->groups + i;

		for (size_t m = 0; m < b->n_metrics; m++) {
			const struct score_cell *c = g->cells + m;

			cell_label(&t, g);
			table_cell(&t, board_metric_name(b, m));
			cell_interval(&t, board_score(b, g, m));
			table_cellf(&t, "%" PRIu64, c->scores.n);
			table_cellf(&t, "%" PRIu64, c->unscored);
			table_row(&t);
			for (size_t f = 0; board_has_fields(b, m) && f < c->fields.n; f++) {
				const struct field *x = c->fields.v + f;

				table_cell(&t, "");
				table_cellf(&t, "  .%.60s", x->name);
				cell_interval(&t, interval_wilson((double)x->right, (double)x->rows, b->level));
				table_cellf(&t, "%llu", x->rows);
				table_row(&t);
			}
		}
	}
	table_write(&t, style, out);
	table_release(&t);
}

static void usage_table(const struct board *b, enum table_style style, struct buf *out)
{
	struct table t = {0};
	uint64_t any = 0;

	for (size_t i = 0; i < b->n_groups; i++)
		any += b->groups[i].latency.n + b->groups[i].total_tokens.n + b->groups[i].cost.n + b->groups[i].errors;
	if (any == 0)
		return;
	table_cell(&t, "group");
	table_right(&t, "rows");
	table_right(&t, "errors");
	table_right(&t, "p50 s");
	table_right(&t, "p95 s");
	table_right(&t, "p99 s");
	table_right(&t, "tokens");
	table_right(&t, "cost $");
	table_right(&t, "$ per 1,000");
	table_row(&t);
	for (size_t i = 0; i < b->n_groups; i++) {
		const struct group *g = b->groups + i;
		int cost_known = g->cost.n > 0 && g->cost_unknown == 0;
		size_t n;
		struct tally_bin *sorted = tally_sorted(&g->latency, &n);

		cell_label(&t, g);
		table_cellf(&t, "%" PRIu64, g->n);
		table_cellf(&t, "%" PRIu64, g->errors);
		cell_number(&t, tally_quantile(sorted, n, g->latency.n, .5), 3);
		cell_number(&t, tally_quantile(sorted, n, g->latency.n, .95), 3);
		cell_number(&t, tally_quantile(sorted, n, g->latency.n, .99), 3);
		cell_number(&t, g->total_tokens.n > 0 ? tally_sum(&g->total_tokens) : NAN, 0);
		cell_number(&t, cost_known ? tally_sum(&g->cost) : NAN, 4);
		cell_number(&t, cost_known ? 1000 * tally_mean(&g->cost) : NAN, 4);
		table_row(&t);
		free(sorted);
	}
	buf_addc(out, '\n');
	table_write(&t, style, out);
	table_release(&t);
}

static void comparison_table(const struct board *b, const struct comparisons *c, enum table_style style, struct buf *out)
{
	struct table t = {0};

	if (c->n == 0)
		return;
	table_cell(&t, "metric");
	table_cell(&t, "a (baseline)");
	table_cell(&t, "b");
	table_right(&t, "b - a");
	head_interval(&t, b);
	table_right(&t, "p");
	table_right(&t, "p adjusted");
	table_right(&t, "wins");
	table_right(&t, "losses");
	table_right(&t, "ties");
	table_cell(&t, "test");
	table_row(&t);
	for (size_t i = 0; i < c->n; i++) {
		const struct comparison *x = c->v + i;

		table_cell(&t, board_metric_name(b, x->metric));
		table_cellf(&t, "%.100s", x->a->side);
		table_cellf(&t, "%.100s", x->b->side);
		cell_difference(&t, x->diff);
		cell_p(&t, x->p);
		cell_p(&t, x->p_adj);
		table_cellf(&t, "%" PRIu64, x->wins);
		table_cellf(&t, "%" PRIu64, x->losses);
		table_cellf(&t, "%" PRIu64, x->ties);
		table_cell(&t, x->test);
		table_row(&t);
	}
	buf_addc(out, '\n');
	table_write(&t, style, out);
	table_release(&t);
}

static void decided_table(const struct board *b, const struct decided *d, size_t n, enum table_style style, struct buf *out)
{
	struct table t = {0};

	if (n == 0)
		return;
	table_cell(&t, "requirement");
	table_cell(&t, "group");
	table_right(&t, "value");
	head_interval(&t, b);
	table_cell(&t, "verdict");
	table_row(&t);
	for (size_t i = 0; i < n; i++) {
		table_cell(&t, d[i].r->text);
		cell_label(&t, d[i].g);
		cell_interval(&t, d[i].value);
		table_cell(&t, require_word(d[i].verdict));
		table_row(&t);
	}
	buf_addc(out, '\n');
	table_write(&t, style, out);
	table_release(&t);
}

static void label_tables(const struct board *b, enum table_style style, struct buf *out)
{
	for (size_t i = 0; b->labels && i < b->n_groups; i++) {
		struct label_figures f;
		struct table t = {0};

		labels_figures(&b->groups[i].labels, b->level, b->boot.seed, &f);
		table_cell(&t, "class");
		table_right(&t, "precision");
		table_right(&t, "recall");
		table_right(&t, "f1");
		table_right(&t, "rows");
		table_row(&t);
		for (size_t k = 0; k < f.n; k++) {
			table_cellf(&t, "%.60s", f.names[k]);
			cell_number(&t, f.precision[k], 4);
			cell_number(&t, f.recall[k], 4);
			cell_number(&t, f.f1[k], 4);
			table_cellf(&t, "%.0f", f.support[k]);
			table_row(&t);
		}
		buf_addc(out, '\n');
		report_label(b->groups + i, out);
		buf_addf(out, ": accuracy %.4f, macro F1 %.4f (%.4f .. %.4f), weighted F1 %.4f, MCC %.4f\n\n", f.accuracy.value, f.macro_f1.value,
			 f.macro_f1.lo, f.macro_f1.hi, f.weighted_f1.value, f.mcc.value);
		table_write(&t, style, out);
		table_release(&t);
		label_figures_release(&f);
	}
}

void report_tables(const struct board *b, const struct comparisons *c, const struct decided *d, size_t n_decided,
		   enum table_style style, struct buf *out)
{
	score_table(b, style, out);
	label_tables(b, style, out);
	usage_table(b, style, out);
	comparison_table(b, c, style, out);
	decided_table(b, d, n_decided, style, out);
}

/* page: the report's sections, from the figures to the rows. See page.h. */
#include "page.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../json/record.h"
#include "../web/difference.h"
#include "../web/embed.h"
#include "../web/html.h"
#include "../web/svg.h"
#include "../web/xml.h"
#include "advice.h"
#include "tables.h"

EMBED(eval_page_style, "lib/eval/page.css");
EMBED(eval_page_script, "lib/eval/page.js");

static void label_of(const struct group *g, struct buf *b)
{
	buf_clear(b);
	board_label(g, b);
}

/* --- figures --- */

static void put_table(struct table *t, struct buf *out)
{
	html_table(t, out);
	table_release(t);
}

/* Ranges of a plot with labels of their own. */
struct ranges {
	struct svg_range *v;
	size_t n, cap;
};

static void add_range(struct ranges *r, const struct buf *label, struct interval x, size_t colour)
{
	r->v = mem_grow(r->v, &r->cap, r->n + 1, sizeof *r->v);
	r->v[r->n++] = (struct svg_range){span_dup(buf_span(label)), x.value, x.lo, x.hi,
					  (int)(colour % 6)};
}

/* axis: NULL for a plot that has none of its kind beside it. */
static void put_ranges(struct ranges *r, const char *title, double line,
		       const struct svg_axis *axis, struct buf *out)
{
	svg_ranges(title, r->v, r->n, line, axis, out);
	for (size_t i = 0; i < r->n; i++)
		free((char *)(uintptr_t)r->v[i].label);
	free(r->v);
}

static struct interval field_rate(const struct board *b, const struct field *x)
{
	return board_rate(b, (double)x->right, (double)x->rows);
}

/* The one axis of scores and of the fields' rates. */
static struct svg_axis axis_of(const struct board *b)
{
	struct svg_axis x = SVG_AXIS_INIT;

	for (size_t m = 0; m < b->n_metrics; m++)
		for (size_t i = 0; i < b->n_groups; i++) {
			const struct fields *f = &b->groups[i].cells[m].fields;
			struct interval v = board_score(b, b->groups + i, m);

			svg_ranges_axis(&(struct svg_range){.value = v.value,
							    .lo = v.lo,
							    .hi = v.hi},
					1, &x);
			for (size_t k = 0; board_has_fields(b, m) && k < f->n; k++) {
				v = field_rate(b, f->v + k);
				svg_ranges_axis(&(struct svg_range){.value = v.value,
								    .lo = v.lo,
								    .hi = v.hi},
						1, &x);
			}
		}
	return x;
}

static void scores(const struct board *b, const struct svg_axis *axis, struct buf *out)
{
	struct table t = {0};
	struct ranges r = {0};
	struct buf text = BUF_INIT;

	html_heading("Scores", out);
	tables_scores(b, &t);
	put_table(&t, out);
	for (size_t m = 0; m < b->n_metrics; m++)
		for (size_t i = 0; i < b->n_groups && r.n < 200; i++) {
			label_of(b->groups + i, &text);
			if (b->n_metrics > 1)
				buf_addf(&text, " \xc2\xb7 %s", board_metric_name(b, m));
			add_range(&r, &text, board_score(b, b->groups + i, m), m);
		}
	put_ranges(&r, "Scores with their intervals", NAN, axis, out);
	tables_samples(b, &t);
	if (table_rows(&t) > 0) {
		html_heading("Several samples of an input", out);
		html_table(&t, out);
	}
	table_release(&t);
	buf_release(&text);
}

static void fields(const struct board *b, const struct svg_axis *axis, struct buf *out)
{
	struct buf text = BUF_INIT;

	for (size_t m = 0; m < b->n_metrics; m++)
		for (size_t i = 0; board_has_fields(b, m) && i < b->n_groups; i++) {
			const struct fields *f = &b->groups[i].cells[m].fields;
			struct ranges r = {0};
			struct table t = {0};

			for (size_t k = 0; k < f->n; k++) {
				buf_clear(&text);
				buf_adds(&text, f->v[k].name);
				add_range(&r, &text, field_rate(b, f->v + k), 0);
			}
			label_of(b->groups + i, &text);
			buf_addf(&text, ": fields that agree (%s)", board_metric_name(b, m));
			html_heading(text.data, out);
			tables_fields(b, b->groups + i, m, &t);
			put_table(&t, out);
			put_ranges(&r, text.data, NAN, axis, out);
		}
	buf_release(&text);
}

static void requirements(const struct figures *f, struct buf *out)
{
	struct table t = {0};

	if (f->decided_n == 0)
		return;
	html_heading("Requirements", out);
	tables_decided(f, &t);
	put_table(&t, out);
	if (f->advice && *f->advice) {
		buf_adds(out, "<p class=\"note\">");
		xml_str(f->advice, out);
		buf_adds(out, "</p>\n");
	}
}

static void comparisons(const struct figures *f, struct buf *out)
{
	struct table t = {0};
	struct ranges r = {0};
	struct buf text = BUF_INIT;

	if (f->comparisons.n == 0)
		return;
	html_heading("Comparisons, pair by pair", out);
	tables_comparisons(f, &t);
	put_table(&t, out);
	for (size_t i = 0; i < f->comparisons.n; i++) {
		const struct comparison *x = f->comparisons.v + i;

		buf_clear(&text);
		buf_addf(&text, "%s: %s - %s", board_metric_name(f->board, x->metric), x->b->side,
			 x->a->side);
		add_range(&r, &text, x->diff, x->metric);
	}
	put_ranges(&r, "Differences with their intervals; the dashed line is no difference", 0,
		   NULL, out);
	for (size_t i = 0; i < f->comparisons.n; i++) {
		buf_clear(&text);
		tables_plan(f->board, f->comparisons.v + i, &text);
		if (text.len > 0)
			html_paragraph(text.data, out);
	}
	buf_release(&text);
}

/* The models by what a judge said of pairs of their answers. */
static void ranking(const struct duels *d, double level, struct buf *out)
{
	struct duelist *v = duels_rank(d, level);
	struct svg_range *ranges = mem_alloc(d->n, sizeof *ranges);
	struct table t = {0};

	if (d->rows > 0) {
		html_heading("Ranking by pairs", out);
		duels_table(d, level, &t);
		put_table(&t, out);
		for (size_t i = 0; i < d->n; i++)
			ranges[i] = (struct svg_range){v[i].model, v[i].strength.value,
						       v[i].strength.lo, v[i].strength.hi, 0};
		svg_ranges("Strength in log-odds against the mean of all", ranges, d->n, 0, NULL,
			   out);
	}
	free(ranges);
	free(v);
}

/* Latency, tokens and cost; and quality against cost, or latency where no cost is known. */
static void usage(const struct board *b, struct buf *out)
{
	struct svg_point *v = mem_alloc(b->n_groups, sizeof *v);
	char **labels = mem_alloc(b->n_groups, sizeof *labels);
	struct table t = {0};
	struct buf text = BUF_INIT;
	size_t costs = 0, latencies = 0;

	if (tables_usage(b, &t)) {
		html_heading("Latency, tokens, cost", out);
		html_table(&t, out);
	}
	table_release(&t);
	for (size_t i = 0; i < b->n_groups; i++) {
		costs += !isnan(advice_cost(b->groups + i));
		latencies += !isnan(advice_latency(b->groups + i));
	}
	for (size_t i = 0; i < b->n_groups; i++) {
		const struct group *g = b->groups + i;

		label_of(g, &text);
		labels[i] = mem_strdup(text.data);
		v[i] = (struct svg_point){labels[i],
					  costs > 1 ? 1000 * advice_cost(g) : advice_latency(g),
					  board_score(b, g, 0).value, advice_is_pareto(b, g)};
	}
	if (costs > 1 || latencies > 1) {
		svg_points("What quality costs",
			   costs > 1 ? "dollars per 1,000 rows" : "median latency in seconds",
			   board_metric_name(b, 0), v, b->n_groups, out);
		html_paragraph("Filled: no other group is at least as good on quality, cost and latency and better on one.",
			       out);
	}
	for (size_t i = 0; i < b->n_groups; i++)
		free(labels[i]);
	free(labels);
	free(v);
	buf_release(&text);
}

static void confusion(const struct board *b, const struct group *g, struct buf *out)
{
	struct label_figures f;
	struct table t = {0};
	struct buf text = BUF_INIT;

	labels_figures(&g->labels, b->level, b->boot.seed, &f);
	label_of(g, &text);
	buf_addf(&text, ": classes (accuracy %.4f, macro F1 %.4f, MCC %.4f)", f.accuracy.value,
		 f.macro_f1.value, f.mcc.value);
	html_heading(text.data, out);
	if (f.n > 60)
		html_paragraph("More than 60 classes: the matrix is left out; it stands in the JSON output.",
			       out);
	html_table_begin("matrix", out);
	buf_adds(out, "<th>expected \\ said</th>");
	for (size_t j = 0; j <= f.n && f.n <= 60; j++) {
		buf_adds(out, "<th class=\"up\">");
		xml_str(j < f.n ? f.names[j] : "(other)", out);
		buf_adds(out, "</th>");
	}
	buf_adds(out, "<th>precision</th><th>recall</th><th>F1</th>");
	html_table_body(out);
	for (size_t i = 0; i < f.n; i++) {
		buf_adds(out, "<tr><th>");
		xml_str(f.names[i], out);
		buf_adds(out, "</th>");
		for (size_t j = 0; j <= f.n && f.n <= 60; j++) {
			double k = f.matrix[i * (f.n + 1) + j],
			       share = f.support[i] > 0 ? k / f.support[i] : 0;

			if (k > 0)
				buf_addf(out, "<td class=\"%sh%.0f\">%.0f</td>",
					 i == j ? "on " : "", ceil(6 * share), k);
			else
				buf_adds(out, i == j ? "<td class=\"on\"></td>" : "<td></td>");
		}
		buf_addf(out, isnan(f.precision[i]) ? "<td>-</td>" : "<td>%.3f</td>",
			 f.precision[i]);
		buf_addf(out, "<td>%.3f</td><td>%.3f</td></tr>\n", f.recall[i], f.f1[i]);
	}
	html_table_end(out);
	tables_confusions(&f, &t);
	if (table_rows(&t) > 0) {
		html_paragraph("Taken for another class most often:", out);
		html_table(&t, out);
	}
	table_release(&t);
	label_figures_release(&f);
	buf_release(&text);
}

/* --- rows --- */

/* A row of the first group of its kind, with how badly it went. */
struct ranked {
	size_t row;
	double mean;
	int wrong, differ;
};

static int by_mean(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->mean != y->mean)
		return x->mean < y->mean ? -1 : 1;
	if (x->differ != y->differ)
		return y->differ - x->differ;
	return x->row < y->row ? -1 : x->row > y->row;
}

static void put_input(const struct record *r, struct buf *out)
{
	struct span messages = record_get(r, "messages"), prompt = record_get(r, "prompt"),
		    final = record_final_assistant(r), key, m;
	struct json_iter it = {0};
	struct buf text = BUF_INIT;

	if (json_kind(messages) == JSON_ARRAY) {
		while (json_next(&it, messages, &key, &m)) {
			if (m.s == final.s || json_is(json_member(m, "role"), "system"))
				continue;
			if (text.len > 0)
				buf_adds(&text, "\n\n");
			record_message_text(json_member(m, "content"), &text);
		}
	} else if (json_string(prompt, &text)) {
		record_rest(r, &text);
	}
	buf_adds(out, "<td data-h=\"input\"><pre>");
	xml_text(buf_span(&text), out);
	buf_adds(out, "</pre></td>");
	buf_release(&text);
}

static void put_reference(const struct record *r, struct buf *out)
{
	struct buf text = BUF_INIT;
	int n = record_references(r, &text, NULL);

	buf_adds(out, "<td class=\"reference\" data-h=\"reference\">");
	for (const char *p = text.data; n > 0; n--, p += strlen(p) + 1) {
		buf_adds(out, "<pre>");
		xml_str(p, out);
		buf_adds(out, "</pre>");
	}
	buf_adds(out, "</td>");
	buf_release(&text);
}

static void put_answer(const struct board *b, const struct group *g, const char *head, size_t row,
		       struct record *r, struct buf *out)
{
	struct buf text = BUF_INIT;
	double worst = 1;
	int unscored = 0, failed = 0;

	for (size_t m = 0; m < b->n_metrics; m++) {
		worst = fmin(worst, g->scores[row * b->n_metrics + m]);
		unscored |= isnan(g->scores[row * b->n_metrics + m]);
	}
	if (record_parse(r, span_of(g->rows[row].line), NULL) == 0) {
		failed = record_get(r, "error").s != NULL;
		if (json_string(record_get(r, "output"), &text))
			buf_addspan(&text, record_get(r, failed ? "error" : "tool_calls"));
	}
	buf_addf(out, "<td class=\"%s\" data-h=\"",
		 worst >= 1 && !unscored ? "hit"
		 : failed		 ? "miss failed"
					 : "miss");
	xml_str(head, out);
	buf_adds(out, "\"><pre>");
	xml_text(buf_span(&text), out);
	buf_adds(out, "</pre><div class=\"score\">");
	buf_adds(out, worst < 1	 ? "<b class=\"bad\">wrong</b> "
		      : unscored ? "<b class=\"warn\">unscored</b> "
				 : "<b class=\"good\">right</b> ");
	buf_adds(out, failed ? "an error and no answer " : "");
	for (size_t m = 0; m < b->n_metrics; m++) {
		double x = g->scores[row * b->n_metrics + m];

		xml_str(board_metric_name(b, m), out);
		buf_addf(out, isnan(x) ? " \xe2\x80\x93 " : " %.3g ", x);
	}
	buf_adds(out, "</div></td>");
	buf_release(&text);
}

/* The groups that share g's other by-values, g first; at most 8 columns. */
static size_t columns_of(const struct board *b, const struct group *g, const struct group **columns)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n_groups && n < 8; i++)
		if ((b->compare || b->run) ? strcmp(b->groups[i].within, g->within) == 0
					   : b->groups + i == g)
			columns[n++] = b->groups + i;
	return n;
}

static void rows(const struct board *b, const struct group *g, size_t most, int with_script,
		 struct buf *out)
{
	const struct group *columns[8];
	const char *heads[8];
	size_t n = columns_of(b, g, columns);
	struct ranked *order = mem_alloc(g->n_rows, sizeof *order);
	struct record r = {0};
	struct buf text = BUF_INIT;

	for (size_t i = 0; i < g->n_rows; i++) {
		double sum = 0, count = 0, first = NAN;

		order[i] = (struct ranked){.row = i};
		for (size_t k = 0; k < n; k++) {
			size_t j = columns[k] == g ? i : board_partner(columns[k], g, i);

			for (size_t m = 0; j != SIZE_MAX && m < b->n_metrics; m++) {
				double x = columns[k]->scores[j * b->n_metrics + m];

				order[i].wrong |= !(x >= 1);
				sum += isnan(x) ? 0 : x;
				count++;
				if (m == 0 && k == 0)
					first = x;
				if (m == 0)
					order[i].differ |= !(x == first);
			}
		}
		order[i].mean = count > 0 ? sum / count : 0;
	}
	mem_sort(order, g->n_rows, sizeof *order, by_mean);
	label_of(g, &text);
	if (with_script)
		buf_adds(out, "<a id=\"rows\"></a>");
	html_heading(n > 1 || b->n_groups == 1 ? "Rows, worst first" : text.data, out);
	if (with_script)
		buf_addf(out,
			 "<p class=\"noprint\"><input type=\"search\" id=\"q\" placeholder=\"filter rows\"><label><input type=\"checkbox\" "
			 "id=\"w\"> only wrong</label>%s <span id=\"n\" class=\"dim\"></span></p>\n",
			 n > 1 ? "<label><input type=\"checkbox\" id=\"d\"> only where groups differ</label>"
			       : "");
	if (g->n_rows > most)
		buf_addf(out, "<p class=\"dim\">The worst %zu of %zu rows are shown.</p>\n", most,
			 g->n_rows);
	html_table_begin("rows stack", out);
	buf_adds(out, "<th>id</th><th>input</th><th>reference</th>");
	label_of(g, &text);
	for (size_t k = 0; k < n; k++) {
		heads[k] = n > 1 ? columns[k]->side : text.data;
		buf_adds(out, "<th>");
		xml_str(heads[k], out);
		buf_adds(out, "</th>");
	}
	html_table_body(out);
	for (size_t i = 0; i < g->n_rows && i < most; i++) {
		size_t row = order[i].row;

		buf_addf(out, "<tr%s%s><td data-h=\"id\">",
			 order[i].wrong ? " data-wrong=\"1\"" : "",
			 order[i].differ ? " data-differ=\"1\"" : "");
		xml_text(board_row_id(g, row), out);
		if (g->rows[row].sample > 0)
			buf_addf(out, " #%" PRId64, g->rows[row].sample);
		buf_adds(out, "</td>");
		if (record_parse(&r, span_of(g->rows[row].line), NULL) == 0) {
			put_input(&r, out);
			put_reference(&r, out);
		}
		for (size_t k = 0; k < n; k++) {
			size_t j = columns[k] == g ? row : board_partner(columns[k], g, row);

			if (j == SIZE_MAX)
				buf_adds(out, "<td class=\"dim\">not there</td>");
			else
				put_answer(b, columns[k], heads[k], j, &r, out);
		}
		buf_adds(out, "</tr>\n");
	}
	html_table_end(out);
	free(order);
	record_release(&r);
	buf_release(&text);
}

/* A group whose kind has not come up yet. */
static int is_first(const struct board *b, size_t i)
{
	for (size_t j = 0; j < i && (b->compare || b->run); j++)
		if (strcmp(b->groups[j].within, b->groups[i].within) == 0)
			return 0;
	return 1;
}

/* Rows of this run, or of the one that it is compared with. */
static uint64_t count_rows(const struct figures *f, int baseline)
{
	uint64_t n = baseline ? 0 : f->duels->rows;

	for (size_t i = 0; i < f->board->n_groups; i++) {
		const struct group *g = f->board->groups + i;

		if (!f->board->run || baseline == (strcmp(g->side, f->board->run) != 0))
			n += g->n;
	}
	return n;
}

void page_write(const struct figures *f, const struct page_of *of, struct buf *out)
{
	const struct board *b = f->board;
	const struct svg_axis axis = axis_of(b);
	const struct html_about about = {of->command,
					 {{of->baseline ? "new" : "", of->files, count_rows(f, 0)},
					  {of->baseline ? "baseline" : NULL,
					   (char *[]){(char *)(uintptr_t)of->baseline, NULL},
					   of->baseline ? count_rows(f, 1) : 0}}};
	struct html_page page = {.title = "ft-eval", .about = &about};
	struct buf style = BUF_INIT, script = BUF_INIT;
	int scripted = 0;

	out->max = (size_t)4 << 30;
	buf_addf(&style, "%s%s", difference_style, eval_page_style);
	page.css = style.data;
	buf_addf(&script, "%s%s", difference_script, eval_page_script);
	page.script = b->n_groups > 0 ? script.data : NULL;
	html_begin(&page, out);
	if (b->n_groups > 0)
		buf_adds(out,
			 "<p class=\"noprint\"><a href=\"#rows\">To the rows themselves</a></p>\n");
	buf_addf(out,
		 "<p class=\"dim\">Intervals at %g %%. Rates: Wilson%s; other means: %s.</p>\n",
		 b->level * 100, board_is_clustered(b) ? ", or by clusters" : "",
		 b->boot.resamples > 0 ? "BCa bootstrap" : "Student's t");
	requirements(f, out);
	if (b->n_groups > 0)
		scores(b, &axis, out);
	ranking(f->duels, b->level, out);
	fields(b, &axis, out);
	comparisons(f, out);
	usage(b, out);
	for (size_t i = 0; b->labels && i < b->n_groups; i++)
		confusion(b, b->groups + i, out);
	for (size_t i = 0; i < b->n_groups && i < 20; i++)
		if (is_first(b, i)) {
			rows(b, b->groups + i, of->rows_most, !scripted, out);
			scripted = 1;
		}
	html_end(&page, out);
	buf_release(&style);
	buf_release(&script);
}

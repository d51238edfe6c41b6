/* tables: see tables.h. */
#include "tables.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "../base/mem.h"
#include "../base/out.h"
#include "advice.h"
#include "outcome.h"

enum { CONFUSIONS = 10, NAME = 100 };

static void cell_interval(struct table *t, struct interval v)
{
	table_figure(t, "%.4f", v.value, v.lo, v.hi);
}

static void cell_label(struct table *t, const struct group *g)
{
	struct buf text = BUF_INIT;

	board_label(g, &text);
	table_cell(t, text.data);
	buf_release(&text);
}

void tables_scores(const struct board *b, struct table *t)
{
	int unclear = board_has_unclear(b);

	table_head(t, "group|metric|>mean|%g%% interval|>rows|>unscored%s", b->level * 100,
		   unclear ? "|>unclear" : "");
	for (size_t m = 0; m < b->n_metrics; m++)
		for (size_t i = 0; i < b->n_groups; i++) {
			const struct group *g = b->groups + i;

			cell_label(t, g);
			table_cell(t, board_metric_name(b, m));
			cell_interval(t, board_score(b, g, m));
			table_count(t, g->cells[m].scores.n);
			table_count(t, g->cells[m].unscored);
			if (unclear && m < b->n_checks && b->checks[m].kind == CHECK_CHOICE)
				table_count(t, g->cells[m].unclear);
			else if (unclear)
				table_cell(t, "");
		}
}

void tables_samples(const struct board *b, struct table *t)
{
	char name[32];

	table_head(t, "group|metric|figure|>value|%g%% interval|>inputs|>too few samples",
		   b->level * 100);
	for (size_t m = 0; m < b->n_metrics && board_is_clustered(b); m++)
		for (size_t i = 0; i < b->n_groups; i++)
			for (size_t k = 0; k < 1 + 2 * b->n_pass_at; k++) {
				const struct group *g = b->groups + i;
				int all = k % 2 == 0, of = k > 0 ? b->pass_at[(k - 1) / 2] : 0;
				uint64_t too_few = 0;
				struct interval v =
					k == 0 ? clusters_majority(&g->clusters, m, b->level)
					       : board_pass(b, g, m, of, all, &too_few);

				snprintf(name, sizeof name, k == 0 ? "majority" : "pass%c%d",
					 all ? '^' : '@', of);
				cell_label(t, g);
				table_cell(t, board_metric_name(b, m));
				table_cell(t, name);
				cell_interval(t, v);
				table_count(t, clusters_scored(&g->clusters, m) - too_few);
				table_count(t, too_few);
			}
}

void tables_fields(const struct board *b, const struct group *g, size_t metric, struct table *t)
{
	const struct fields *f = &g->cells[metric].fields;

	table_head(t, "field|>agrees|%g%% interval|>rows|>precision|>recall", b->level * 100);
	for (size_t i = 0; i < f->n; i++) {
		table_name(t, f->v[i].name);
		cell_interval(t, board_rate(b, (double)f->v[i].right, (double)f->v[i].rows));
		table_count(t, f->v[i].rows);
		table_real(t, "%.4f", field_precision(f->v + i));
		table_real(t, "%.4f", field_recall(f->v + i));
	}
}

int tables_usage(const struct board *b, struct table *t)
{
	static const struct {
		const char *name, *format;
	} figures[] = {{"latency.p50", "%.3f"},	 {"latency.p95", "%.3f"}, {"latency.p99", "%.3f"},
		       {"tokens.total", "%.1f"}, {"cost.total", "%.4f"},  {"cost.per_1k", "%.4f"}};
	uint64_t any = 0;

	table_head(t,
		   "group|>rows|>errors|>p50 s|>p95 s|>p99 s|>tokens a row|>cost $|>$ per 1,000");
	for (size_t i = 0; i < b->n_groups; i++) {
		const struct group *g = b->groups + i;

		any += g->latency.n + g->total_tokens.n + g->cost.n + g->errors;
		cell_label(t, g);
		table_count(t, g->n);
		table_count(t, g->errors);
		for (size_t k = 0; k < sizeof figures / sizeof *figures; k++) {
			struct interval v;

			board_usage(b, g, figures[k].name, &v);
			table_real(t, figures[k].format, v.value);
		}
	}
	return any > 0;
}

void tables_more(double rows, struct buf *text)
{
	if (isfinite(rows))
		buf_addf(text, " (about %.0f rows more)", rows);
	else
		buf_adds(text, " (no number of rows like these would decide)");
}

void tables_comparisons(const struct figures *f, struct table *t)
{
	struct buf word = BUF_INIT;

	table_head(t,
		   "metric|a (baseline)|b|>b - a|%g%% interval|>p|>p adjusted|>wins|>losses|>ties|test%s",
		   f->board->level * 100, f->board->run ? "|verdict" : "");
	for (size_t i = 0; i < f->comparisons.n; i++) {
		const struct comparison *x = f->comparisons.v + i;

		table_cell(t, board_metric_name(f->board, x->metric));
		table_name(t, x->a->side);
		table_name(t, x->b->side);
		table_figure(t, "%+.4f", x->diff.value, x->diff.lo, x->diff.hi);
		table_p(t, x->p);
		table_p(t, x->p_adj);
		table_count(t, x->wins);
		table_count(t, x->losses);
		table_count(t, x->ties);
		table_cell(t, x->test);
		if (!f->board->run)
			continue;
		buf_clear(&word);
		buf_adds(&word, outcome_word(x->verdict));
		if (x->verdict == VERDICT_INCONCLUSIVE)
			tables_more(compare_more(x), &word);
		table_cell(t, word.data);
	}
	buf_release(&word);
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

void tables_decided(const struct figures *f, struct table *t)
{
	struct buf word = BUF_INIT;

	table_head(t, "requirement|group|>value|%g%% interval|verdict", f->board->level * 100);
	for (size_t i = 0; i < f->decided_n; i++) {
		const struct decided *d = f->decided + i;

		table_cell(t, d->r->text);
		cell_label(t, d->g);
		cell_interval(t, d->value);
		buf_clear(&word);
		buf_adds(&word, decide_word(f->board, d->verdict));
		if (d->verdict == VERDICT_INCONCLUSIVE && !isnan(d->more))
			tables_more(d->more, &word);
		if (d->too_few > 0)
			buf_addf(&word, " (%" PRIu64 " inputs with too few samples)", d->too_few);
		table_verdict(t, word.data);
	}
	buf_release(&word);
}

static void classes(const struct label_figures *f, struct table *t)
{
	table_head(t, "class|>precision|>recall|>f1|>rows");
	for (size_t k = 0; k < f->n; k++) {
		table_name(t, f->names[k]);
		table_real(t, "%.4f", f->precision[k]);
		table_real(t, "%.4f", f->recall[k]);
		table_real(t, "%.4f", f->f1[k]);
		table_real(t, "%.0f", f->support[k]);
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

void tables_confusions(const struct label_figures *f, struct table *t)
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
		mem_sort(v, n, sizeof *v, by_count);
	table_head(t, "expected|said|>rows|>of the class");
	for (size_t i = 0; i < n && i < CONFUSIONS; i++) {
		table_name(t, f->names[v[i].expected]);
		table_name(t, v[i].said < f->n ? f->names[v[i].said] : "(other)");
		table_real(t, "%.0f", v[i].n);
		table_real(t, "%.1f %%", 100 * v[i].n / f->support[v[i].expected]);
	}
	free(v);
}

/* Writes a table and empties it. */
static void put_table(struct table *t, enum table_style style, struct buf *out)
{
	table_write(t, style, out_columns(), out);
	table_release(t);
}

static void put_fields(const struct board *b, enum table_style style, struct buf *out)
{
	for (size_t m = 0; m < b->n_metrics; m++)
		for (size_t i = 0; board_has_fields(b, m) && i < b->n_groups; i++) {
			struct table t = {0};

			buf_addc(out, '\n');
			board_label(b->groups + i, out);
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
		board_label(b->groups + i, out);
		buf_addf(out,
			 ": accuracy %.4f, macro F1 %.4f (%.4f .. %.4f), weighted F1 %.4f, MCC %.4f\n\n",
			 f.accuracy.value, f.macro_f1.value, f.macro_f1.lo, f.macro_f1.hi,
			 f.weighted_f1.value, f.mcc.value);
		classes(&f, &t);
		put_table(&t, style, out);
		tables_confusions(&f, &t);
		if (table_rows(&t) > 0) {
			buf_adds(out, "\nTaken for another class most often:\n\n");
			table_write(&t, style, out_columns(), out);
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
			board_label(b->groups + i, out);
		}
	buf_adds(out, ".\n");
}

void tables_write(const struct figures *f, enum table_style style, struct buf *out)
{
	const struct board *b = f->board;
	struct table t = {0};

	if (b->n_groups > 0) {
		tables_scores(b, &t);
		put_table(&t, style, out);
	}
	tables_samples(b, &t);
	if (table_rows(&t) > 0) {
		buf_addc(out, '\n');
		table_write(&t, style, out_columns(), out);
	}
	table_release(&t);
	put_fields(b, style, out);
	put_classes(b, style, out);
	if (tables_usage(b, &t)) {
		buf_addc(out, '\n');
		table_write(&t, style, out_columns(), out);
		put_front(b, out);
	}
	table_release(&t);
	if (f->comparisons.n > 0) {
		buf_addc(out, '\n');
		tables_comparisons(f, &t);
		put_table(&t, style, out);
		buf_addc(out, '\n');
	}
	for (size_t i = 0; i < f->comparisons.n; i++) {
		size_t before = out->len;

		tables_plan(b, f->comparisons.v + i, out);
		if (out->len > before)
			buf_adds(out, style == TABLE_MARKDOWN ? "\n\n" : "\n");
	}
	if (f->decided_n > 0) {
		buf_addc(out, '\n');
		tables_decided(f, &t);
		put_table(&t, style, out);
	}
	if (f->duels->rows > 0) {
		if (b->n_groups > 0)
			buf_addc(out, '\n');
		duels_table(f->duels, b->level, &t);
		put_table(&t, style, out);
	}
}

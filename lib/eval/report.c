/* report: JSON Lines and tables of one evaluation. See report.h. */
#include "report.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../json/jw.h"
#include "advice.h"
#include "outcome.h"

static void put_bounds(struct jw *w, const char *name, struct interval v)
{
	jw_put_bounds(w, name, v.value, v.lo, v.hi);
}

static void put_figure(struct jw *w, const char *name, struct interval v)
{
	jw_put_figure(w, name, v.value, v.lo, v.hi);
}

/* What several samples of one input give. */
static void put_samples(struct jw *w, const struct board *b, const struct group *g, size_t metric)
{
	char name[32];

	jw_put_int(w, "clusters", g->clusters.n);
	if (clusters_vote(&g->clusters))
		put_figure(w, "majority", clusters_majority(&g->clusters, metric, b->level));
	for (size_t i = 0; i < b->n_pass_at; i++)
		for (int all = 0; all < 2; all++) {
			uint64_t too_few;
			struct interval v = board_pass(b, g, metric, b->pass_at[i], all, &too_few);

			snprintf(name, sizeof name, "pass%c%d", all ? '^' : '@', b->pass_at[i]);
			jw_put_object(w, name);
			put_bounds(w, "value", v);
			jw_put_int(w, "too_few", too_few);
			jw_end(w);
		}
}

static void put_labels(struct jw *w, const struct board *b, const struct group *g)
{
	struct label_figures f;

	labels_figures(&g->labels, b->level, b->boot.seed, &f);
	jw_put_object(w, "labels");
	jw_put_int(w, "n", g->labels.n_pairs);
	put_figure(w, "accuracy", f.accuracy);
	put_figure(w, "macro_f1", f.macro_f1);
	put_figure(w, "weighted_f1", f.weighted_f1);
	put_figure(w, "mcc", f.mcc);
	jw_put_object(w, "classes");
	for (size_t i = 0; i < f.n; i++) {
		jw_put_object(w, f.names[i]);
		jw_put_num(w, "precision", f.precision[i]);
		jw_put_num(w, "recall", f.recall[i]);
		jw_put_num(w, "f1", f.f1[i]);
		jw_put_int(w, "support", (uint64_t)f.support[i]);
		/* The row of the confusion matrix: what was said instead, zeros left out. */
		jw_put_object(w, "said");
		for (size_t j = 0; j <= f.n; j++)
			if (f.matrix[i * (f.n + 1) + j] > 0)
				jw_put_int(w, j < f.n ? f.names[j] : "(other)",
					   (uint64_t)f.matrix[i * (f.n + 1) + j]);
		jw_end(w);
		jw_end(w);
	}
	jw_end(w);
	jw_put_int(w, "too_many", g->labels.too_many);
	jw_end(w);
	label_figures_release(&f);
}

static void put_fields(struct jw *w, const struct board *b, const struct fields *f)
{
	struct field all = {0};

	for (size_t i = 0; i < f->n; i++) {
		all.said += f->v[i].said;
		all.expected += f->v[i].expected;
		all.found += f->v[i].found;
	}
	jw_put_num(w, "precision", field_precision(&all));
	jw_put_num(w, "recall", field_recall(&all));
	jw_put_num(w, "f1",
		   all.said + all.expected > 0
			   ? 2 * (double)all.found / (double)(all.said + all.expected)
			   : NAN);
	jw_put_object(w, "fields");
	for (size_t i = 0; i < f->n; i++) {
		const struct field *x = f->v + i;

		jw_put_object(w, x->name);
		put_bounds(w, "mean", board_rate(b, (double)x->right, (double)x->rows));
		jw_put_int(w, "n", x->rows);
		jw_put_num(w, "precision", field_precision(x));
		jw_put_num(w, "recall", field_recall(x));
		jw_end(w);
	}
	jw_end(w);
}

/* The object of the figures NAME.member. */
static void begin_usage(struct jw *w, const struct board *b, const struct group *g,
			const char *name, const char *const *members)
{
	jw_put_object(w, name);
	for (; *members; members++) {
		char full[32];
		struct interval v = {NAN, NAN, NAN};

		snprintf(full, sizeof full, "%s.%s", name, *members);
		board_usage(b, g, full, &v);
		jw_put_num(w, *members, v.value);
	}
}

static void put_group(const struct board *b, const struct group *g, struct buf *out)
{
	static const char *const latency[] = {"p50", "p95", "p99", "mean", NULL},
				 *const tokens[] = {"prompt", "completion", "total", NULL},
				 *const cost[] = {"total", "per_1k", NULL};
	struct jw w;

	jw_init(&w, out);
	jw_object(&w);
	jw_put_raw(&w, "group", span_of(g->label));
	jw_put_int(&w, "n", g->n);
	jw_put_int(&w, "errors", g->errors);
	jw_put_object(&w, "metrics");
	for (size_t i = 0; i < b->n_metrics; i++) {
		const struct score_cell *c = g->cells + i;

		jw_put_object(&w, board_metric_name(b, i));
		put_bounds(&w, "mean", board_score(b, g, i));
		jw_put_int(&w, "n", c->scores.n);
		jw_put_int(&w, "unscored", c->unscored);
		if (i < b->n_checks && b->checks[i].kind == CHECK_CHOICE)
			jw_put_int(&w, "unclear", c->unclear);
		if (board_has_fields(b, i))
			put_fields(&w, b, &c->fields);
		if (board_is_clustered(b))
			put_samples(&w, b, g, i);
		jw_end(&w);
	}
	jw_end(&w);
	if (b->labels)
		put_labels(&w, b, g);
	begin_usage(&w, b, g, "latency", latency);
	jw_put_int(&w, "n", g->latency.n);
	jw_end(&w);
	begin_usage(&w, b, g, "tokens", tokens);
	jw_put_int(&w, "n", g->total_tokens.n);
	jw_end(&w);
	begin_usage(&w, b, g, "cost", cost);
	jw_put_int(&w, "unknown", g->cost_unknown);
	jw_end(&w);
	if (b->n_groups > 1)
		jw_put_bool(&w, "pareto", advice_is_pareto(b, g));
	jw_end(&w);
	buf_addc(out, '\n');
}

static void put_comparison(const struct board *b, const struct comparison *c, struct buf *out)
{
	struct jw w;

	jw_init(&w, out);
	jw_object(&w);
	jw_put_str(&w, "metric", board_metric_name(b, c->metric));
	jw_put_str(&w, "a", c->a->side);
	jw_put_str(&w, "b", c->b->side);
	if (b->n_by > 0)
		jw_put_raw(&w, "within", span_of(c->a->within));
	jw_put_int(&w, "n", c->n);
	put_bounds(&w, "diff", c->diff);
	jw_put_num(&w, "p", c->p);
	jw_put_num(&w, "p_adj", c->p_adj);
	jw_put_str(&w, "test", c->test);
	jw_put_int(&w, "wins", c->wins);
	jw_put_int(&w, "losses", c->losses);
	jw_put_int(&w, "ties", c->ties);
	jw_put_num(&w, "detectable", c->detectable);
	jw_put_num(&w, "rows_needed", ceil(c->rows_needed));
	if (b->run)
		jw_put_str(&w, "verdict", outcome_word(c->verdict));
	if (b->run && c->verdict == VERDICT_INCONCLUSIVE)
		jw_put_num(&w, "more", compare_more(c));
	jw_end(&w);
	buf_addc(out, '\n');
}

static void put_decided(const struct board *b, const struct decided *d, struct buf *out)
{
	struct jw w;

	jw_init(&w, out);
	jw_object(&w);
	jw_put_str(&w, "require", d->r->text);
	if (b->n_groups > 1 || b->n_by > 0 || b->compare || b->run)
		jw_put_raw(&w, "group", span_of(d->g->label));
	jw_put_str(&w, "verdict", decide_word(b, d->verdict));
	put_bounds(&w, "value", d->value);
	if (d->too_few > 0)
		jw_put_int(&w, "too_few", d->too_few);
	if (!b->sequential)
		jw_put_num(&w, "rows_needed", d->rows_needed);
	else if (d->verdict == VERDICT_INCONCLUSIVE)
		jw_put_num(&w, "more", d->more);
	jw_end(&w);
	buf_addc(out, '\n');
}

void eval_report(const struct figures *f, struct buf *out)
{
	for (size_t i = 0; i < f->board->n_groups; i++)
		put_group(f->board, f->board->groups + i, out);
	for (size_t i = 0; i < f->comparisons.n; i++)
		put_comparison(f->board, f->comparisons.v + i, out);
	for (size_t i = 0; i < f->decided_n; i++)
		put_decided(f->board, f->decided + i, out);
}

void report_diff(const struct board *b, const struct comparison *c, struct buf *out)
{
	for (size_t i = 0; i < c->a->n_rows; i++) {
		size_t j = board_partner(c->b, c->a, i);
		double x = c->a->scores[i * b->n_metrics + c->metric],
		       y = j == SIZE_MAX ? NAN : c->b->scores[j * b->n_metrics + c->metric];
		struct span id = board_row_id(c->a, i);
		struct jw w;

		if (isnan(x) || isnan(y) || x == y)
			continue;
		jw_init(&w, out);
		jw_object(&w);
		jw_put_str(&w, "diff", y > x ? "fixed" : "broken");
		jw_put_str(&w, "metric", board_metric_name(b, c->metric));
		jw_put_text(&w, "id", id);
		jw_put_int(&w, "sample", c->a->rows[i].sample);
		jw_put_str(&w, "a", c->a->side);
		jw_put_str(&w, "b", c->b->side);
		jw_put_array(&w, "scores");
		jw_num(&w, x);
		jw_num(&w, y);
		jw_end(&w);
		jw_end(&w);
		buf_addc(out, '\n');
	}
}

static void put_choice(const struct group *g, struct buf *out)
{
	struct jw w;

	jw_init(&w, out);
	jw_object(&w);
	jw_put_str(&w, "choose", "cheapest");
	jw_key(&w, "group");
	if (g)
		jw_raw(&w, span_of(g->label));
	else
		jw_null(&w);
	jw_end(&w);
	buf_addc(out, '\n');
}

static void put_break_even(const struct comparison *c, double train_cost, struct buf *out)
{
	struct jw w;

	jw_init(&w, out);
	jw_object(&w);
	jw_put_num(&w, "break_even", advice_break_even(c->a, c->b, train_cost));
	jw_put_str(&w, "a", c->a->side);
	jw_put_str(&w, "b", c->b->side);
	jw_put_num(&w, "train_cost", train_cost);
	jw_end(&w);
	buf_addc(out, '\n');
}

void report_choice(const struct figures *f, double train_cost, struct buf *out,
		   void (*say)(const char *fmt, ...))
{
	const struct group *g = NULL;
	int unknown;

	if (f->choose) {
		g = advice_cheapest(f->board, f->decided, f->decided_n, &unknown);
		put_choice(g, out);
		if (!g)
			say("--choose cheapest: %s",
			    unknown ? "no group's cost is known"
				    : "no group with a known cost meets every requirement");
	}
	for (size_t i = 0; i < f->comparisons.n && !isnan(train_cost); i++)
		if (f->comparisons.v[i].metric == 0)
			put_break_even(f->comparisons.v + i, train_cost, out);
}

static int occurs(const struct board *b, size_t metric, const char *field)
{
	for (size_t g = 0; g < b->n_groups; g++)
		if (fields_occurs(&b->groups[g].cells[metric].fields, field))
			return 1;
	return 0;
}

/* What a check or a figure of samples is not to be read without. */
static void remark_figures(const struct board *b, size_t m, const struct group *g, int several,
			   void (*say)(const char *fmt, ...))
{
	const struct score_cell *c = g->cells + m;
	uint64_t too_few;

	if (c->unclear > 0)
		say("%s: %" PRIu64 " of %" PRIu64
		    " answers %s%sname no choice for certain, and count as wrong",
		    board_metric_name(b, m), c->unclear, g->n, several ? g->label : "",
		    several ? " " : "");
	if (c->same_json > 0)
		say("%s: %" PRIu64 " of %" PRIu64
		    " answers %s%sare wrong though they equal their references as JSON; -c json compares values",
		    board_metric_name(b, m), c->same_json, g->n, several ? g->label : "",
		    several ? " " : "");
	for (size_t k = 0; k < b->n_pass_at && board_is_clustered(b); k++) {
		board_pass(b, g, m, b->pass_at[k], 0, &too_few);
		if (too_few > 0)
			say("%s.pass@%d: %" PRIu64
			    " of %zu inputs %s%shave fewer than %d samples, and are left out",
			    board_metric_name(b, m), b->pass_at[k], too_few,
			    clusters_scored(&g->clusters, m), several ? g->label : "",
			    several ? " " : "", b->pass_at[k]);
	}
}

void report_remarks(const struct board *b, int several, void (*say)(const char *fmt, ...))
{
	for (size_t i = 0; i < b->n_groups; i++)
		if (b->groups[i].cut_off > 0)
			say("%" PRIu64 " of %" PRIu64
			    " answers%s%s were cut off at the limit of tokens (finish_reason length)",
			    b->groups[i].cut_off, b->groups[i].n, several ? " of " : "",
			    several ? b->groups[i].label : "");
	for (size_t m = 0; m < b->n_checks; m++) {
		const struct field_rules *rules = &b->checks[m].fields;

		for (size_t i = 0; i < b->n_groups; i++) {
			const struct group *g = b->groups + i;
			const struct score_cell *c = g->cells + m;

			if (c->unscored > 0)
				say("%s: %" PRIu64 " of %" PRIu64 " rows %s%sunscored (first: %s)",
				    board_metric_name(b, m), c->unscored, g->n,
				    several ? g->label : "", several ? " " : "", c->first);
		}
		for (size_t i = 0; i < b->n_groups; i++)
			remark_figures(b, m, b->groups + i, several, say);
		for (size_t i = 0; i < rules->n && b->n_groups > 0; i++)
			if (!occurs(b, m, rules->v[i].name))
				say("%s: no reference and no answer holds the field '%s'",
				    board_metric_name(b, m), rules->v[i].name);
	}
}

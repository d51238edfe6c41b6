/* report: see the header. Numbers that do not apply are null, never 0. */
#include <math.h>
#include <string.h>
#include "../base/out.h"
#include "../json/jw.h"
#include "report.h"

enum { PATH = 48 };

static uint64_t values_of(const struct line *l, const struct column *c)
{
	if (!c)
		return 0;
	return l->within ? c->dated : column_present(c) - c->count[KIND_NULL];
}

static void put_line(const struct line *l, struct buf *b)
{
	struct jw w;
	struct buf why = BUF_INIT;
	const struct finding *f = l->best;

	line_reason(l, &why);
	jw_init(&w, b);
	jw_object(&w);
	jw_put_str(&w, "path", l->path);
	jw_put_str(&w, "type", type_name(l->type));
	jw_put_str(&w, "verdict", drift_verdict_name(l->verdict));
	jw_put_str(&w, "test", f ? f->test : NULL);
	jw_put_num(&w, "statistic", f ? f->statistic : NAN);
	jw_put_num(&w, "p", f ? f->p : NAN);
	jw_put_num(&w, "p_adj", f ? f->p_adj : NAN);
	jw_put_num(&w, "effect", f ? f->effect : NAN);
	jw_put_text(&w, "why", buf_span(&why));
	if (l->warning.len)
		jw_put_text(&w, "warning", buf_span(&l->warning));
	jw_put_int(&w, "reference_values", values_of(l, l->reference));
	jw_put_int(&w, "current_values", values_of(l, l->current));
	if (l->findings > 1) {
		jw_put_object(&w, "tests");
		for (size_t i = 0; i < l->findings; i++) {
			const struct finding *t = &l->finding[i];
			jw_put_object(&w, t->test);
			jw_put_num(&w, "statistic", t->statistic);
			jw_put_num(&w, "p", t->p);
			jw_put_num(&w, "p_adj", t->p_adj);
			jw_put_num(&w, "effect", t->effect);
			jw_put_text(&w, "why", buf_span(&t->why));
			jw_end(&w);
		}
		jw_end(&w);
	}
	jw_end(&w);
	buf_release(&why);
}

static void put_summary(const struct comparison *c, const struct drift_options *o, struct buf *b)
{
	struct jw w;

	jw_init(&w, b);
	jw_object(&w);
	jw_put_str(&w, "verdict", drift_verdict_name(c->verdict));
	jw_put_num(&w, "alpha", o->alpha);
	jw_put_int(&w, "reference_rows", c->reference_rows);
	jw_put_int(&w, "current_rows", c->current_rows);
	jw_put_int(&w, "paths", c->n);
	jw_put_int(&w, "drifted", c->drifted);
	jw_put_int(&w, "tests", c->tests);
	jw_put_str(&w, "correction", o->fdr ? "benjamini-hochberg" : "holm");
	jw_put_num(&w, "min_effect", o->min_effect);
	jw_put_str(&w, "time", c->time_path);
	jw_put_str(&w, "cluster", c->cluster_path);
	jw_put_num(&w, "reference_clusters", c->cluster_path ? (double)c->reference_clusters : NAN);
	jw_put_num(&w, "current_clusters", c->cluster_path ? (double)c->current_clusters : NAN);
	jw_end(&w);
}

void report_lines(const struct comparison *c, const struct drift_options *o,
		  const struct estimate *x, struct buf *b)
{
	for (size_t i = 0; i < c->n; i++) {
		put_line(&c->lines[i], b);
		buf_addc(b, '\n');
	}
	if (x) {
		estimate_line(x, b);
		buf_addc(b, '\n');
	}
	put_summary(c, o, b);
	buf_addc(b, '\n');
}

/* A path that stands on one side only, of which nothing is to be said but that. */
static int is_idle(const struct line *l)
{
	return !l->best && (!l->reference || !l->current);
}

/* Cut in front where it is longer than PATH: its end tells more. */
static void cell_path(struct table *t, const char *path)
{
	const char *from = path;

	if (out_width(path, strlen(path)) <= PATH) {
		table_cell(t, path);
		return;
	}
	while (out_width(from, strlen(from)) > PATH - 3 || ((unsigned char)*from & 0xc0) == 0x80)
		from++;
	table_cellf(t, "...%s", from);
}

size_t report_paths(const struct comparison *c, int all, struct table *t)
{
	size_t idle = 0;

	table_head(t, "path|type|verdict|test|>p adj.|>effect%s", all ? "|why" : "");
	for (size_t i = 0; i < c->n; i++) {
		const struct line *l = &c->lines[i];
		struct buf why = BUF_INIT;

		if (is_idle(l) && !all) {
			idle++;
			continue;
		}
		cell_path(t, l->path);
		table_cell(t, type_name(l->type));
		table_verdict(t, drift_verdict_name(l->verdict));
		table_cell(t, l->best ? l->best->test : "-");
		table_p(t, l->best ? l->best->p_adj : NAN);
		if (l->best)
			table_real(t, "%.3f", l->best->effect);
		else
			table_cell(t, "");
		if (!all)
			continue;
		line_reason(l, &why);
		table_cell(t, why.data);
		buf_release(&why);
	}
	return idle;
}

void report_table(const struct comparison *c, const struct drift_options *o,
		  const struct estimate *x, struct buf *b)
{
	struct table t = {0};
	size_t idle = report_paths(c, 0, &t);

	table_write(&t, TABLE_PLAIN, out_columns(), b);
	table_release(&t);
	if (idle)
		buf_addf(b, "and %zu %s on one side only\n", idle, idle == 1 ? "path" : "paths");
	for (size_t i = 0, said = 0; i < c->n; i++) {
		const struct line *l = &c->lines[i];
		if (l->verdict != VERDICT_DRIFT)
			continue;
		buf_addf(b, "%s%zu. %s: ", said ? "" : "\n", said + 1, l->path);
		line_reason(l, b);
		if (l->warning.len)
			buf_addf(b, " (%s)", l->warning.data);
		buf_addc(b, '\n');
		said++;
	}
	buf_addf(b,
		 "\n%s: %zu of %zu paths drifted, %llu rows against %llu of the reference; %zu tests at alpha %g (%s)\n",
		 drift_verdict_name(c->verdict), c->drifted, c->n,
		 (unsigned long long)c->current_rows, (unsigned long long)c->reference_rows,
		 c->tests, o->alpha, o->fdr ? "Benjamini-Hochberg" : "Holm");
	if (c->cluster_path)
		buf_addf(b, "rows were taken by their %s: %zu of them against %zu%s\n",
			 c->cluster_path, c->current_clusters, c->reference_clusters,
			 c->current_clusters < DRIFT_VALUES || c->reference_clusters < DRIFT_VALUES
				 ? ", too few to call it stable"
				 : "");
	if (x) {
		estimate_text(x, b);
		buf_addc(b, '\n');
	}
}

void report_window(const struct window_report *r, const struct comparison *c, struct buf *b)
{
	struct jw w;

	jw_init(&w, b);
	jw_object(&w);
	jw_put_int(&w, "window", r->number);
	jw_put_int(&w, "first", r->first);
	jw_put_int(&w, "last", r->last);
	jw_put_str(&w, "verdict", drift_verdict_name(r->alarm ? VERDICT_DRIFT : VERDICT_STABLE));
	jw_put_num(&w, "p", r->p);
	jw_put_num(&w, "threshold", r->threshold);
	jw_put_str(&w, "path", r->line ? r->line->path : NULL);
	jw_put_str(&w, "type", r->line ? type_name(r->line->type) : NULL);
	jw_key(&w, "why");
	if (r->line && r->line->best)
		jw_strn(&w, r->line->best->why.data, r->line->best->why.len);
	else
		jw_null(&w);
	jw_put_int(&w, "paths", c->n);
	jw_end(&w);
	buf_addc(b, '\n');
}

void report_window_text(const struct window_report *r, struct buf *b)
{
	buf_addf(b, "rows %llu to %llu: %s", (unsigned long long)r->first,
		 (unsigned long long)r->last,
		 drift_verdict_name(r->alarm ? VERDICT_DRIFT : VERDICT_STABLE));
	if (r->alarm && r->line) {
		buf_addf(b, ", %s: ", r->line->path);
		line_reason(r->line, b);
	}
	buf_addf(b, " (p %.2g, alarm at %.2g)\n", r->p, r->threshold);
}

/* page: see the header. */
#include "page.h"

#include <math.h>
#include <stdlib.h>
#include "../base/mem.h"
#include "../web/junit.h"
#include "../web/xml.h"
#include "chart.h"
#include "report.h"

static void put_title(const struct line *l, struct buf *b)
{
	struct buf why = BUF_INIT;
	const char *verdict = drift_verdict_name(l->verdict), *class = table_verdict_class(verdict);

	buf_adds(b, "<h3>");
	xml_str(l->path, b);
	buf_addf(b, " <small>%s, <b%s%s%s>%s</b></small></h3>\n", type_name(l->type),
		 class ? " class=\"" : "", class ? class : "", class ? "\"" : "", verdict);
	line_reason(l, &why);
	html_paragraph(why.data, b);
	buf_release(&why);
}

/* The charts of a line: of what decides, and of what else its sentence names. */
static size_t charts_of(const struct line *l, const struct comparison *c, struct chart *x)
{
	size_t n = l->best && chart_of(l, l->best, c, x) ? 1 : 0;

	for (size_t i = 0; i < l->findings; i++)
		if (chart_is_own(l, &l->finding[i]))
			n += (size_t)chart_of(l, &l->finding[i], c, &x[n]);
	return n;
}

void page_plots(const struct comparison *c, const char *const names[2], struct buf *b)
{
	struct chart *x = mem_alloc(PAGE_PLOTS + LINE_FINDINGS, sizeof *x);
	double most[CHART_SHARES + 1] = {0};
	size_t n = 0;

	for (size_t i = 0; i < c->n && n < PAGE_PLOTS; i++)
		n += charts_of(&c->lines[i], c, &x[n]);
	for (size_t i = 0; i < n; i++)
		most[x[i].kind] = fmax(most[x[i].kind], chart_largest(&x[i]));
	for (size_t i = 0; i < n; i++) {
		if (i == 0 || x[i].line != x[i - 1].line)
			put_title(x[i].line, b);
		chart_draw(&x[i], names, most[x[i].kind], b);
		chart_release(&x[i]);
	}
	free(x);
}

void page_html(const struct comparison *c, const struct drift_options *o,
	       const struct html_about *about, struct buf *b)
{
	const struct html_page page = {.title = "ft-drift", .about = about};
	const char *verdict = drift_verdict_name(c->verdict), *class = table_verdict_class(verdict);
	struct table t = {0};

	html_begin(&page, b);
	buf_addf(b,
		 "<p><b class=\"%s\">%s</b>: %zu of %zu %s drifted; %zu %s at alpha %g (%s), effects of at least %g.</p>\n",
		 class ? class : "", verdict, c->drifted, c->n, c->n == 1 ? "path" : "paths",
		 c->tests, c->tests == 1 ? "test" : "tests", o->alpha,
		 o->fdr ? "Benjamini-Hochberg" : "Holm", o->min_effect);
	report_paths(c, 1, &t);
	html_table(&t, b);
	table_release(&t);
	html_heading("Reference against current", b);
	page_plots(c, (const char *const[]){"reference", "current"}, b);
	html_end(&page, b);
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

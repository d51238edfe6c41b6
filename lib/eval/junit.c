/* junit: see junit.h. */
#include "junit.h"

#include <inttypes.h>
#include <math.h>
#include "../web/junit.h"
#include "outcome.h"
#include "tables.h"

static void put_interval(struct interval v, struct buf *b)
{
	if (isnan(v.value))
		buf_adds(b, "unknown");
	else if (isnan(v.lo))
		buf_addf(b, "%g (interval unknown)", v.value);
	else
		buf_addf(b, "%g (%g .. %g)", v.value, v.lo, v.hi);
}

/* Rows without a score and answers that are unclear, which no reader should miss, whatever was
 * decided: cases that were skipped. */
static void put_doubts(const struct board *b, struct junit *j)
{
	struct buf label = BUF_INIT, text = BUF_INIT;
	int any = 0;

	for (size_t i = 0; i < b->n_groups; i++)
		for (size_t m = 0; m < b->n_metrics; m++) {
			const struct group *g = b->groups + i;
			const struct score_cell *c = g->cells + m;

			if (c->unscored + c->unclear == 0)
				continue;
			if (!any++)
				junit_suite(j, span_of("rows in doubt"));
			buf_clear(&label);
			board_label(g, &label);
			buf_clear(&text);
			buf_addf(&text,
				 "%" PRIu64 " of %" PRIu64 " rows unscored, %" PRIu64
				 " answers unclear",
				 c->unscored, g->n, c->unclear);
			junit_case(j, buf_span(&label), span_of(board_metric_name(b, m)),
				   JUNIT_SKIPPED, buf_span(&text));
		}
	buf_release(&label);
	buf_release(&text);
}

static void put_requirements(const struct figures *f, struct junit *j)
{
	static const enum junit_result results[] = {[VERDICT_MET] = JUNIT_PASSED,
						    [VERDICT_MISSED] = JUNIT_FAILED,
						    [VERDICT_INCONCLUSIVE] = JUNIT_ERROR};
	struct buf label = BUF_INIT, text = BUF_INIT;

	if (f->decided_n > 0)
		junit_suite(j, span_of("requirements"));
	for (size_t i = 0; i < f->decided_n; i++) {
		const struct decided *d = f->decided + i;

		buf_clear(&label);
		board_label(d->g, &label);
		buf_clear(&text);
		buf_addf(&text, "%s: ", decide_word(f->board, d->verdict));
		put_interval(d->value, &text);
		if (d->verdict == VERDICT_INCONCLUSIVE && !isnan(d->more))
			tables_more(d->more, &text);
		if (d->too_few > 0)
			buf_addf(&text, "; %" PRIu64 " inputs have fewer samples than it needs",
				 d->too_few);
		junit_case(j, buf_span(&label), span_of(d->r->text), results[outcome_decided(f, d)],
			   buf_span(&text));
	}
	buf_release(&label);
	buf_release(&text);
}

/* Of groups side by side nothing is demanded, so nothing fails. Of two runs the rows that went wrong
 * are failures where they speak for more than chance. */
static void put_comparison(const struct board *b, const struct comparison *c, struct junit *j)
{
	static const enum junit_result results[] = {[VERDICT_MET] = JUNIT_PASSED,
						    [VERDICT_MISSED] = JUNIT_FAILED,
						    [VERDICT_INCONCLUSIVE] = JUNIT_ERROR};
	enum junit_result result = b->run ? results[c->verdict] : JUNIT_PASSED;
	struct span metric = span_of(board_metric_name(b, c->metric));
	struct buf text = BUF_INIT;

	buf_addspan(&text, metric);
	buf_addf(&text, ": %s against %s", c->b->side, c->a->side);
	junit_suite(j, buf_span(&text));
	buf_clear(&text);
	buf_adds(&text, "difference ");
	put_interval(c->diff, &text);
	if (!isnan(c->p))
		buf_addf(&text, ", p %g, adjusted %g", c->p, c->p_adj);
	buf_addf(&text, ", %" PRIu64 " better, %" PRIu64 " worse", c->wins, c->losses);
	if (b->run && c->verdict == VERDICT_INCONCLUSIVE)
		tables_more(compare_more(c), &text);
	junit_case(j, metric, b->run ? span_of("not worse beyond doubt") : span_of("difference"),
		   result, buf_span(&text));
	for (size_t i = 0; i < c->a->n_rows; i++) {
		size_t k = board_partner(c->b, c->a, i);
		double x = c->a->scores[i * b->n_metrics + c->metric],
		       y = k == SIZE_MAX ? NAN : c->b->scores[k * b->n_metrics + c->metric];

		if (!(y < x))
			continue;
		buf_clear(&text);
		buf_addf(&text, "score %g, before %g", y, x);
		junit_case(j, metric, board_row_id(c->a, i),
			   result == JUNIT_FAILED ? JUNIT_FAILED : JUNIT_PASSED, buf_span(&text));
	}
	buf_release(&text);
}

void eval_junit(const struct figures *f, struct buf *out)
{
	struct junit j = {.out = out};

	junit_begin(&j, "ft-eval");
	put_requirements(f, &j);
	for (size_t i = 0; i < f->comparisons.n; i++)
		put_comparison(f->board, f->comparisons.v + i, &j);
	put_doubts(f->board, &j);
	junit_end(&j);
}

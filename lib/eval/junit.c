/* junit: see junit.h. */
#include "junit.h"

#include <inttypes.h>
#include <math.h>
#include "../web/junit.h"

static void put_interval(struct interval v, struct buf *b)
{
	if (isnan(v.value))
		buf_adds(b, "unknown");
	else if (isnan(v.lo))
		buf_addf(b, "%g (interval unknown)", v.value);
	else
		buf_addf(b, "%g (%g .. %g)", v.value, v.lo, v.hi);
}

static void put_requirements(const struct decided *d, size_t n, struct junit *j)
{
	static const enum junit_result results[] = {[VERDICT_MET] = JUNIT_PASSED,
						    [VERDICT_MISSED] = JUNIT_FAILED,
						    [VERDICT_INCONCLUSIVE] = JUNIT_ERROR};
	struct buf label = BUF_INIT, text = BUF_INIT;

	if (n > 0)
		junit_suite(j, span_of("requirements"));
	for (size_t i = 0; i < n; i++) {
		buf_clear(&label);
		board_label(d[i].g, &label);
		buf_clear(&text);
		buf_addf(&text, "%s: ", require_word(d[i].verdict));
		put_interval(d[i].value, &text);
		junit_case(j, buf_span(&label), span_of(d[i].r->text), results[d[i].verdict],
			   buf_span(&text));
	}
	buf_release(&label);
	buf_release(&text);
}

static void put_comparison(const struct board *b, const struct comparison *c, struct junit *j)
{
	struct span metric = span_of(board_metric_name(b, c->metric));
	struct buf text = BUF_INIT;

	buf_addspan(&text, metric);
	buf_addf(&text, ": %s against %s", c->b->side, c->a->side);
	junit_suite(j, buf_span(&text));
	buf_clear(&text);
	buf_adds(&text, "difference ");
	put_interval(c->diff, &text);
	if (!isnan(c->p))
		buf_addf(&text, ", p %g", c->p);
	buf_addf(&text, ", %" PRIu64 " better, %" PRIu64 " worse", c->wins, c->losses);
	junit_case(j, metric, span_of("not worse beyond doubt"),
		   c->diff.hi < 0 ? JUNIT_FAILED : JUNIT_PASSED, buf_span(&text));
	for (size_t i = 0; i < c->a->n_rows; i++) {
		size_t k = board_partner(c->b, c->a, i);
		double x = c->a->scores[i * b->n_metrics + c->metric],
		       y = c->b->scores[k * b->n_metrics + c->metric];

		if (!(y < x))
			continue;
		buf_clear(&text);
		buf_addf(&text, "score %g, before %g", y, x);
		junit_case(j, metric, board_row_id(c->a, i), JUNIT_FAILED, buf_span(&text));
	}
	buf_release(&text);
}

void eval_junit(const struct figures *f, struct buf *out)
{
	struct junit j = {.out = out};

	junit_begin(&j, "ft-eval");
	put_requirements(f->decided, f->decided_n, &j);
	for (size_t i = 0; i < f->comparisons.n; i++)
		put_comparison(f->board, f->comparisons.v + i, &j);
	junit_end(&j);
}

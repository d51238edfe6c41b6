/* junit: see junit.h. */
#include "junit.h"

#include <inttypes.h>
#include <math.h>

/* Escaped for XML 1.0, which has no place for most control characters. */
static void put_text(struct span s, struct buf *b)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.s[i];

		if (c == '&')
			buf_adds(b, "&amp;");
		else if (c == '<')
			buf_adds(b, "&lt;");
		else if (c == '>')
			buf_adds(b, "&gt;");
		else if (c == '"')
			buf_adds(b, "&quot;");
		else if (c == '\n')
			buf_adds(b, "&#10;");
		else if (c < ' ' && c != '\t')
			buf_adds(b, "\xef\xbf\xbd");
		else
			buf_addc(b, c);
	}
}

static void put_interval(struct interval v, struct buf *b)
{
	if (isnan(v.value))
		buf_adds(b, "unknown");
	else if (isnan(v.lo))
		buf_addf(b, "%g (interval unknown)", v.value);
	else
		buf_addf(b, "%g (%g .. %g)", v.value, v.lo, v.hi);
}

static void begin_case(const char *class, struct span name, struct buf *b)
{
	buf_adds(b, "    <testcase classname=\"");
	put_text(span_of(class), b);
	buf_adds(b, "\" name=\"");
	put_text(name, b);
	buf_adds(b, "\">");
}

static void put_verdict(const char *element, struct span message, struct buf *b)
{
	buf_addf(b, "<%s message=\"", element);
	put_text(message, b);
	buf_addf(b, "\"></%s>", element);
}

static void begin_suite(struct span name, size_t tests, size_t failures, size_t errors,
			struct buf *b)
{
	buf_adds(b, "  <testsuite name=\"");
	put_text(name, b);
	buf_addf(b, "\" tests=\"%zu\" failures=\"%zu\" errors=\"%zu\">\n", tests, failures, errors);
}

static void put_requirements(const struct decided *d, size_t n, struct buf *out)
{
	size_t failures = 0, errors = 0;
	struct buf text = BUF_INIT;

	if (n == 0)
		return;
	for (size_t i = 0; i < n; i++) {
		failures += d[i].verdict == VERDICT_MISSED;
		errors += d[i].verdict == VERDICT_INCONCLUSIVE;
	}
	begin_suite(span_of("requirements"), n, failures, errors, out);
	for (size_t i = 0; i < n; i++) {
		buf_clear(&text);
		report_label(d[i].g, &text);
		begin_case(text.data, span_of(d[i].r->text), out);
		buf_clear(&text);
		buf_addf(&text, "%s: ", require_word(d[i].verdict));
		put_interval(d[i].value, &text);
		if (d[i].verdict == VERDICT_MISSED)
			put_verdict("failure", buf_span(&text), out);
		else if (d[i].verdict == VERDICT_INCONCLUSIVE)
			put_verdict("error", buf_span(&text), out);
		buf_adds(out, "</testcase>\n");
	}
	buf_adds(out, "  </testsuite>\n");
	buf_release(&text);
}

static void put_comparison(const struct board *b, const struct comparison *c, struct buf *out)
{
	const char *metric = board_metric_name(b, c->metric);
	int worse = c->diff.hi < 0;
	struct buf text = BUF_INIT;

	buf_addf(&text, "%s: %s against %s", metric, c->b->side, c->a->side);
	begin_suite(buf_span(&text), 1 + (size_t)c->losses, (size_t)worse + (size_t)c->losses, 0,
		    out);
	begin_case(metric, span_of("not worse beyond doubt"), out);
	buf_clear(&text);
	buf_adds(&text, "difference ");
	put_interval(c->diff, &text);
	if (!isnan(c->p))
		buf_addf(&text, ", p %g", c->p);
	buf_addf(&text, ", %" PRIu64 " better, %" PRIu64 " worse", c->wins, c->losses);
	if (worse)
		put_verdict("failure", buf_span(&text), out);
	buf_adds(out, "</testcase>\n");
	for (size_t i = 0; i < c->a->n_rows; i++) {
		size_t j = board_partner(c->b, c->a, i);
		double x = c->a->scores[i * b->n_metrics + c->metric],
		       y = c->b->scores[j * b->n_metrics + c->metric];

		if (!(y < x))
			continue;
		begin_case(metric, board_row_id(c->a, i), out);
		buf_clear(&text);
		buf_addf(&text, "score %g, before %g", y, x);
		put_verdict("failure", buf_span(&text), out);
		buf_adds(out, "</testcase>\n");
	}
	buf_adds(out, "  </testsuite>\n");
	buf_release(&text);
}

void junit_write(const struct board *b, const struct comparisons *c, const struct decided *d,
		 size_t n, struct buf *out)
{
	buf_adds(out,
		 "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"ft-eval\">\n");
	put_requirements(d, n, out);
	for (size_t i = 0; i < c->n; i++)
		put_comparison(b, c->v + i, out);
	buf_adds(out, "</testsuites>\n");
}

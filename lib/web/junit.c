/* junit: a suite's cases are kept until its counts, which stand in front, are known. */
#include "junit.h"

#include <string.h>
#include "xml.h"

static void attribute(const char *name, struct span value, struct buf *b)
{
	buf_addf(b, " %s=\"", name);
	xml_attribute(value, b);
	buf_addc(b, '"');
}

void junit_begin(struct junit *j, const char *program)
{
	buf_addf(j->out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"%s\">\n",
		 program);
}

static void end_suite(struct junit *j)
{
	const size_t *n = j->count;

	if (j->open) {
		buf_adds(j->out, "  <testsuite");
		attribute("name", buf_span(&j->name), j->out);
		buf_addf(j->out, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\"",
			 n[JUNIT_PASSED] + n[JUNIT_FAILED] + n[JUNIT_ERROR] + n[JUNIT_SKIPPED],
			 n[JUNIT_FAILED], n[JUNIT_ERROR]);
		if (n[JUNIT_SKIPPED])
			buf_addf(j->out, " skipped=\"%zu\"", n[JUNIT_SKIPPED]);
		buf_adds(j->out, ">\n");
		buf_addspan(j->out, buf_span(&j->cases));
		buf_adds(j->out, "  </testsuite>\n");
	}
	buf_release(&j->name);
	buf_release(&j->cases);
	memset(j->count, 0, sizeof j->count);
}

void junit_suite(struct junit *j, struct span name)
{
	end_suite(j);
	j->open = 1;
	buf_addspan(&j->name, name);
}

void junit_case(struct junit *j, struct span class, struct span name, enum junit_result result,
		struct span message)
{
	static const char *const element[] =
		{[JUNIT_FAILED] = "failure", [JUNIT_ERROR] = "error", [JUNIT_SKIPPED] = "skipped"};
	struct buf *b = &j->cases;

	j->count[result]++;
	buf_adds(b, "    <testcase");
	attribute("classname", class, b);
	attribute("name", name, b);
	buf_addc(b, '>');
	if (element[result]) {
		buf_addf(b, "<%s", element[result]);
		attribute("message", message, b);
		buf_addf(b, "></%s>", element[result]);
	}
	buf_adds(b, "</testcase>\n");
}

void junit_end(struct junit *j)
{
	end_suite(j);
	buf_adds(j->out, "</testsuites>\n");
}

/* lib/web/html and svg: nothing from the data becomes markup, nothing is fetched, pictures hold
 * what they were given. */
#include <stdlib.h>
#include "tap.h"
#include "../../lib/web/html.h"
#include "../../lib/web/junit.h"
#include "../../lib/web/svg.h"
#include "../../lib/web/xml.h"

static int count(const char *s, const char *what)
{
	int n = 0;

	for (; (s = strstr(s, what)); s += strlen(what))
		n++;
	return n;
}

int main(void)
{
	struct buf b = BUF_INIT;
	struct table t = {0};
	struct junit j = {0};
	const struct svg_range ranges[] = {{"model <a>", .5, .4, .6, 0},
					   {"unknown", NAN, NAN, NAN, 1},
					   {"no bounds", .7, NAN, NAN, 2}};
	const char *const labels[] = {"x", "y", "z"}, *const names[] = {"then", "now"};
	const double values[] = {.2, .3, .5, .1, .9, 0};
	const struct svg_shares shares = {.title = "t",
					  .labels = labels,
					  .n = 3,
					  .names = names,
					  .values = values,
					  .series = 2};
	const struct svg_axis axis = {0, 1};
	char *const files[] = {"a <b>.jsonl", "-", NULL};
	const struct html_about about = {"ft-x 'a b' <c>", {{"test", files, 1}, {"", NULL, 2}}};
	const struct html_page page = {"A <title>", ".x{}", "let y;", &about};
	const struct svg_point points[] = {{"cheap", 1, .8, 1},
					   {"dear", 9, .7, 0},
					   {"nowhere", NAN, .5, 0}};

	xml_text((struct span){"<b>&\"\0x", 7}, &b);
	ok_str(b.data, "&lt;b&gt;&amp;&quot;\xef\xbf\xbdx", "markup in text is text");
	buf_clear(&b);
	/* XML 1.0, production 2: what is a character. */
	xml_str("\x1f"
		"1\xef\xbf\xbe"
		"2\xef\xbf\xbf"
		"3\xef\xbf\xbd"
		"4\xc3(5\xed\xa0\x80"
		"6\x7f\xf0\x9f\xbf\xbf\t\r\n\xe2",
		&b);
	ok_str(b.data,
	       "\xef\xbf\xbd"
	       "1\xef\xbf\xbd"
	       "2\xef\xbf\xbd"
	       "3\xef\xbf\xbd"
	       "4\xef\xbf\xbd(5\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
	       "6\x7f\xf0\x9f\xbf\xbf\t\r\n\xef\xbf\xbd",
	       "what is no character of XML is replaced, and nothing else");
	buf_clear(&b);
	j.out = &b;
	junit_begin(&j, "ft-x");
	junit_suite(&j, span_of("a \"suite\""));
	junit_case(&j, span_of("c"), span_of("1\t2\n3\r4\xef\xbf\xbf"), JUNIT_FAILED,
		   span_of("x < y"));
	junit_case(&j, span_of("c"), span_of("d"), JUNIT_PASSED, span_of("unsaid"));
	junit_suite(&j, span_of("b"));
	junit_case(&j, span_of("c"), span_of("e"), JUNIT_SKIPPED, span_of("few"));
	junit_case(&j, span_of("c"), span_of("f"), JUNIT_ERROR, span_of("?"));
	junit_end(&j);
	ok_str(b.data,
	       "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"ft-x\">\n"
	       "  <testsuite name=\"a &quot;suite&quot;\" tests=\"2\" failures=\"1\" errors=\"0\">\n"
	       "    <testcase classname=\"c\" name=\"1&#9;2&#10;3&#13;4\xef\xbf\xbd\"><failure message=\"x &lt; y\"></failure></testcase>\n"
	       "    <testcase classname=\"c\" name=\"d\"></testcase>\n  </testsuite>\n"
	       "  <testsuite name=\"b\" tests=\"2\" failures=\"0\" errors=\"1\" skipped=\"1\">\n"
	       "    <testcase classname=\"c\" name=\"e\"><skipped message=\"few\"></skipped></testcase>\n"
	       "    <testcase classname=\"c\" name=\"f\"><error message=\"?\"></error></testcase>\n  </testsuite>\n</testsuites>\n",
	       "JUnit: suites count their cases, and names survive a parser");
	buf_clear(&b);
	setenv("SOURCE_DATE_EPOCH", "1767225600", 1);
	html_begin(&page, &b);
	html_end(&page, &b);
	ok(strstr(b.data, "<title>A &lt;title&gt;</title>") && strstr(b.data, "default-src 'none'"),
	   "title escaped, fetching forbidden");
	ok(!strstr(b.data, "http://") && !strstr(b.data, "https://"), "no address of anything");
	/* printf 'let y;' | openssl dgst -sha256 -binary | base64 */
	ok(strstr(b.data, "script-src 'sha256-FIOjqkTp39uQYjFBYQpLrHpPHheeXOL7vRWHIaibhCY='"),
	   "its script is named by its hash");
	ok(!strstr(b.data, "unsafe-inline") && strstr(b.data, "<script>let y;</script>"),
	   "and no other runs");
	ok(strstr(b.data,
		  "1 test row in a &lt;b&gt;.jsonl, standard input; 2 rows in standard input \xc2\xb7 ft ") &&
		   strstr(b.data, "2026-01-01 00:00 UTC") &&
		   strstr(b.data, "<code>ft-x 'a b' &lt;c&gt;</code>"),
	   "a page says what it was made of, with what, and when");
	buf_clear(&b);
	table_head(&t, "a|>b");
	table_cell(&t, "<i>");
	table_class(&t, "good");
	table_line(&t, "below");
	table_cell(&t, "1");
	html_table(&t, &b);
	ok_str(b.data,
	       "<div class=\"scroll\"><table><thead><tr><th>a</th><th class=\"r\">b</th></tr></thead><tbody>\n"
	       "<tr><td class=\"good\" data-h=\"a\">&lt;i&gt;<br>below</td><td class=\"r\" data-h=\"b\">1</td></tr>\n</tbody></table></div>\n",
	       "tables keep their alignment, classes and lines");
	buf_clear(&b);
	table_release(&t);
	table_head(&t, "%s|b", "a head");
	table_cell(&t, "a cell that is as wide as a telephone is");
	table_cell(&t, "");
	html_table(&t, &b);
	ok(strstr(b.data, "<table class=\"stack\">"), "a wide one becomes a list where it must");
	buf_clear(&b);
	table_release(&t);
	svg_ranges("t", ranges, 3, 0.55, NULL, &b);
	ok(count(b.data, "<circle") == 2 && count(b.data, "stroke-dasharray") == 1 &&
		   strstr(b.data, "model &lt;a&gt;"),
	   "ranges");
	ok(!strstr(b.data, "nan") && !strstr(b.data, "inf"), "what is not known is not drawn");
	buf_clear(&b);
	svg_ranges("t", ranges, 1, NAN, &axis, &b);
	ok(strstr(b.data, ">0</text>") && strstr(b.data, ">1</text>"), "over the axis of all");
	ok(!strstr(b.data, "viewBox"), "text keeps its size where there is less room");
	buf_clear(&b);
	svg_columns(&shares, &b);
	ok(count(b.data, "<rect") == 8, "a column for each value, and the legend");
	buf_clear(&b);
	svg_bars(&shares, &b);
	ok(count(b.data, "<rect") == 8, "a bar for each value, and the legend");
	buf_clear(&b);
	svg_points("t", "cost", "quality", points, 3, &b);
	ok(count(b.data, "<circle") == 2 && count(b.data, "fill=\"none\"") == 1,
	   "points, those on the front filled");
	buf_clear(&b);
	svg_ranges("none", NULL, 0, NAN, NULL, &b);
	svg_points("none", "", "", NULL, 0, &b);
	svg_bars(&(struct svg_shares){.title = "none"}, &b);
	svg_columns(&(struct svg_shares){.title = "none"}, &b);
	ok(count(b.data, "</svg>") == 4 && !strstr(b.data, "nan"), "empty pictures are pictures");
	buf_release(&b);
	return tap_done();
}

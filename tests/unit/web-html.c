/* lib/web/html and svg: nothing from the data becomes markup, nothing is fetched, pictures hold
 * what they were given. */
#include "tap.h"
#include "../../lib/web/html.h"
#include "../../lib/web/svg.h"

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
	const struct svg_range ranges[] = {{"model <a>", .5, .4, .6, 0},
					   {"unknown", NAN, NAN, NAN, 1},
					   {"no bounds", .7, NAN, NAN, 2}};
	const char *const labels[] = {"x", "y", "z"}, *const names[] = {"then", "now"};
	const double values[] = {.2, .3, .5, .1, .9, 0};
	const struct svg_point points[] = {{"cheap", 1, .8, 1},
					   {"dear", 9, .7, 0},
					   {"nowhere", NAN, .5, 0}};

	html_text((struct span){"<b>&\"\0x", 7}, &b);
	ok_str(b.data, "&lt;b&gt;&amp;&quot;\xef\xbf\xbdx", "markup in text is text");
	buf_clear(&b);
	html_script_json(span_of("\"</script><!--&\""), &b);
	ok_str(b.data, "\"\\u003c/script\\u003e\\u003c!--\\u0026\"", "JSON cannot end its script");
	buf_clear(&b);
	html_begin("A <title>", NULL, &b);
	html_end(&b);
	ok(strstr(b.data, "<title>A &lt;title&gt;</title>") && strstr(b.data, "default-src 'none'"),
	   "title escaped, fetching forbidden");
	ok(!strstr(b.data, "http://") && !strstr(b.data, "https://"), "no address of anything");
	buf_clear(&b);
	table_cell(&t, "a");
	table_right(&t, "b");
	table_row(&t);
	table_cell(&t, "<i>");
	table_cell(&t, "1");
	table_row(&t);
	html_table(&t, "x", &b);
	ok(strstr(b.data, "<th class=\"r\">b</th>") &&
		   strstr(b.data, "<td>&lt;i&gt;</td><td class=\"r\">1</td>"),
	   "tables keep their alignment");
	buf_clear(&b);
	table_release(&t);
	svg_ranges("t", ranges, 3, 0.55, &b);
	ok(count(b.data, "<circle") == 2 && count(b.data, "stroke-dasharray") == 1 &&
		   strstr(b.data, "model &lt;a&gt;"),
	   "ranges");
	ok(!strstr(b.data, "nan") && !strstr(b.data, "inf"), "what is not known is not drawn");
	buf_clear(&b);
	svg_bars("t", labels, 3, names, values, 2, &b);
	ok(count(b.data, "<rect") == 8, "a bar for each value, and the legend");
	buf_clear(&b);
	svg_points("t", "cost", "quality", points, 3, &b);
	ok(count(b.data, "<circle") == 2 && count(b.data, "fill=\"none\"") == 1,
	   "points, those on the front filled");
	buf_clear(&b);
	svg_ranges("none", NULL, 0, NAN, &b);
	svg_points("none", "", "", NULL, 0, &b);
	svg_bars("none", NULL, 0, NULL, NULL, 0, &b);
	ok(count(b.data, "</svg>") == 3 && !strstr(b.data, "nan"), "empty pictures are pictures");
	buf_release(&b);
	return tap_done();
}

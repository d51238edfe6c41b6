/* check_page: see the header. */
#include <math.h>
#include <stdio.h>
#include <sys/stat.h>
#include "../base/map.h"
#include "../drift/page.h"
#include "../json/reader.h"
#include "../stats/interval.h"
#include "../web/html.h"
#include "../web/svg.h"
#include "../web/xml.h"
#include "check_page.h"
#include "check_report.h"

#define SHOWN 600 /* bytes of a text */

static const char css[] =
	"td.id{white-space:nowrap;color:var(--dim)}td.text{max-width:32rem;overflow-wrap:anywhere}"
	"@media screen and (max-width:40rem){td.id{padding-top:.6rem}}";

/* What the rows shown say. */
struct shown {
	/* of train and test, by number: where its text begins in text, NUL-terminated; 0 until it
	 * is read */
	struct map row[2];
	struct buf text;
};

static void want(struct shown *s, const struct check_row *r)
{
	if (r->row != CHECK_NONE)
		map_put(&s->row[r->test], r->row, 0, NULL);
}

/* Input and reference, cut at a character. */
static void add_text(struct shown *s, const struct record *r)
{
	struct err e = ERR_INIT;
	struct buf b = BUF_INIT;
	size_t n;

	near_text(r, &b, &e);
	for (n = b.len; n > 0 && b.data[n - 1] == '\n';)
		n--;
	b.len = n;
	buf_adds(&b, "\n\xe2\x86\x92\xc2\xa0");
	if (record_references(r, &b, &e) <= 0)
		b.len = n;
	for (n = b.len < SHOWN ? b.len : SHOWN;
	     n > 0 && n < b.len && ((unsigned char)b.data[n] & 0xc0) == 0x80;)
		n--;
	for (size_t i = 0; i < n; i++)
		buf_addc(&s->text, b.data[i] ? b.data[i] : ' ');
	buf_adds(&s->text, n < b.len ? "..." : "");
	buf_addc(&s->text, 0);
	buf_release(&b);
}

static int read_texts(struct shown *s, int test, char *file, struct err *e)
{
	char *files[2] = {file, NULL};
	struct record rec = {0};
	struct reader r;
	struct stat st;
	size_t left = s->row[test].n;
	int got = 0;

	if (stat(file, &st) == 0 && !S_ISREG(st.st_mode))
		return 0;
	reader_init(&r, files);
	r.skip_bad = 1;
	for (size_t row = 0; left && (got = reader_next(&r, &rec, e)) > 0; row++) {
		uint64_t *at = map_get(&s->row[test], row);
		if (!at)
			continue;
		*at = s->text.len;
		add_text(s, &rec);
		left--;
	}
	reader_release(&r);
	record_release(&rec);
	return got < 0 ? -1 : 0;
}

static void put_row(const struct split_check *c, const struct shown *s, const struct check_row *r,
		    struct buf *b)
{
	uint64_t *at = map_get(&s->row[r->test], r->row);
	const char *side = r->test ? "test" : "train";

	buf_addf(b, "<td class=\"id\" data-h=\"%s\">", side);
	xml_str(split_check_id(c, r->test, r->row), b);
	buf_addf(b, "<br><small>%s, row %zu</small></td><td class=\"text\"><pre>", side,
		 r->row + 1);
	if (at && *at)
		xml_str(s->text.data + *at, b);
	buf_adds(b, "</pre></td>");
}

static int put_examples(const struct split_check *c, const struct answer *a, size_t n, char **files,
			struct buf *b, struct err *e)
{
	struct shown s = {.text = BUF_INIT};
	int rc;

	buf_addc(&s.text, 0); /* so that no text begins at 0 */
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < a[i].examples; k++) {
			want(&s, &a[i].example[k].row);
			want(&s, &a[i].example[k].like);
		}
	}
	rc = read_texts(&s, 0, files[0], e) || read_texts(&s, 1, files[1], e) ? -1 : 0;
	for (size_t i = 0; i < n && !rc; i++) {
		if (!a[i].examples || a[i].verdict == CHECK_OK)
			continue;
		html_heading(a[i].check, b);
		int pairs = a[i].example[0].like.row != CHECK_NONE;

		html_table_begin("stack", b);
		buf_adds(b,
			 a[i].earlier
				 ? "<th colspan=\"2\">row</th><th colspan=\"2\">an earlier row</th>"
			 : pairs ? "<th colspan=\"2\">test</th><th colspan=\"2\">train</th>"
				 : "<th colspan=\"2\">row</th>");
		html_table_body(b);
		for (size_t k = 0; k < a[i].examples; k++) {
			buf_adds(b, "<tr>");
			put_row(c, &s, &a[i].example[k].row, b);
			if (pairs)
				put_row(c, &s, &a[i].example[k].like, b);
			buf_adds(b, "</tr>\n");
		}
		html_table_end(b);
		if (a[i].count > a[i].examples)
			buf_addf(b, "<p class=\"dim\">%zu more</p>\n", a[i].count - a[i].examples);
	}
	map_release(&s.row[0]);
	map_release(&s.row[1]);
	buf_release(&s.text);
	return rc;
}

static void put_widths(double n, struct buf *b)
{
	static const double rate[] = {0.99, 0.95, 0.9, 0.8, 0.7, 0.5};
	struct svg_range v[6];
	char label[6][32];

	if (n < 1)
		return;
	for (int i = 0; i < 6; i++) {
		struct interval w = interval_wilson(round(rate[i] * n), n, 0.95);
		snprintf(label[i], sizeof label[i], "%.0f %%: %.1f to %.1f", 100 * rate[i],
			 100 * w.lo, 100 * w.hi);
		v[i] = (struct svg_range){label[i], w.value, w.lo, w.hi, 0};
	}
	html_heading("What a result on this many rows says", b);
	svg_ranges("95 % interval of a rate", v, 6, NAN, &(struct svg_axis){0, 1}, b);
}

int split_check_page(const struct split_check *c, const struct split_check_options *o, char **files,
		     const char *command, struct buf *b, struct err *e)
{
	size_t n;
	int rc;
	const struct answer *a = split_check_answers(c, &n);
	int warnings, found = split_check_leaks(c, &warnings);
	const char *verdict = found ? "leak" : warnings ? "warning" : "ok";
	const struct html_about about = {command,
					 {{"training", (char *[]){files[0], NULL},
					   split_check_rows(c, 0)},
					  {"test", (char *[]){files[1], NULL},
					   split_check_rows(c, 1)}}};
	const struct html_page page = {.title = "ft-split --check", .css = css, .about = &about};
	struct buf text = BUF_INIT;
	struct table t = {0};

	html_begin(&page, b);
	buf_addf(b, "<p><b class=\"%s\">%s</b>: %d %s of leak, %d %s.</p>\n",
		 table_verdict_class(verdict), verdict, found, found == 1 ? "kind" : "kinds",
		 warnings, warnings == 1 ? "warning" : "warnings");
	split_check_answers_table(c, 0, &t);
	html_table(&t, b);
	table_release(&t);
	rc = put_examples(c, a, n, files, b, e);
	put_widths((double)split_check_rows(c, 1), b);
	if (split_check_comparison(c)) {
		html_heading("Train against test", b);
		page_plots(split_check_comparison(c), (const char *const[]){"train", "test"}, b);
	}
	buf_addf(&text,
		 "Near-duplicates from a Jaccard similarity of %g; chance warnings at a level of %g together; seed %llu.",
		 o->near, o->alpha, (unsigned long long)o->seed);
	buf_adds(b, "<p class=\"dim\">");
	xml_str(text.data, b);
	buf_adds(b, "</p>\n");
	html_end(&page, b);
	buf_release(&text);
	return rc;
}

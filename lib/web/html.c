/* html: the frame of a self-contained page. See html.h. */
#include "html.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "../base/base64.h"
#include "../base/digest.h"
#include "../base/out.h"
#include "xml.h"

#define FILES_NAMED 8
#define NARROW 40	   /* letters that a telephone has across */
#define COMMAND_SHOWN 2000 /* bytes */

/* A plot is as wide as it can be and keeps the size of its text: what stands in it is placed in per
 * cent of its width, and its labels in the margins. */
static const char style[] =
	":root{color-scheme:light dark;--fg:#1c1e21;--bg:#fff;--dim:#5f6670;--line:#d9dde3;--soft:#f4f6f8;--a:#1f6feb;--good:#1a7f37;"
	"--bad:#c62828;--warn:#9a6700;--mark:#fff1bf;--del:#ffdcd8;--ins:#d3f1da;--c1:#1f6feb;--c2:#d9730d;--c3:#2b9348;--c4:#8e44ad;--c5:#00838f;--c6:#ad1457}"
	"@media(prefers-color-scheme:dark){:root{--fg:#e3e6ea;--bg:#15171a;--dim:#9aa3ad;--line:#343a42;--soft:#1e2227;--a:#6cb0ff;"
	"--good:#5fd07e;--bad:#ff7b72;--warn:#e0b341;--mark:#4a3f14;--del:#5a221e;--ins:#164022;--c1:#6cb0ff;--c2:#f2a65a;--c3:#6fce8c;--c4:#c79bf2;--c5:#5fd3dc;--c6:#f48fb1}}"
	"body{font:15px/1.5 system-ui,sans-serif;color:var(--fg);background:var(--bg);max-width:72rem;margin:0 auto;padding:1.5rem}"
	"h1{font-size:1.5rem;margin:.2rem 0 .6rem}h2{font-size:1.15rem;margin:2rem 0 .6rem}h3{font-size:1rem;margin:1.4rem 0 .2rem}"
	"h1,h2,h3,.about{overflow-wrap:anywhere}p{max-width:48rem}h3 small{font-weight:400}"
	".about{font-size:13px;color:var(--dim);margin:0 0 .2rem;max-width:none}.about code{font:12px/1.5 ui-monospace,monospace}"
	".dim{color:var(--dim)}.good{color:var(--good)}.bad{color:var(--bad)}.warn{color:var(--warn)}"
	"td.good,td.bad,td.warn,b.good,b.bad,b.warn{font-weight:600}"
	".scroll{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums;margin:.4rem 0}"
	"th,td{padding:.3rem .7rem;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}"
	"th{font-weight:600;background:var(--soft)}td.r,th.r{text-align:right;white-space:nowrap}"
	"pre{white-space:pre-wrap;overflow-wrap:anywhere;margin:0;font:13px/1.45 ui-monospace,monospace}"
	"svg.plot{display:block;overflow:visible;width:calc(100% - 4.2rem);max-width:42rem;margin:.4rem 1.2rem 1rem 3rem}"
	"svg.wide{width:calc(100% - 1.6rem);margin-left:.8rem;margin-right:.8rem}"
	"svg text{fill:var(--fg);font:12px system-ui,sans-serif}svg .dim{fill:var(--dim)}svg .axis{stroke:var(--line)}"
	"@media screen and (max-width:40rem){body{padding:1rem .9rem}.stack thead{display:none}"
	".stack,.stack tbody{display:block}.stack tr{display:block;padding:.4rem 0;border-bottom:1px solid var(--line)}"
	".stack tr[hidden]{display:none}"
	".stack td,.stack td.r{display:flow-root;border:0;padding:.1rem 0 .1rem 7.6rem;max-width:none;text-align:left;white-space:normal;"
	"overflow-wrap:anywhere}.stack td[data-h]::before{content:attr(data-h);float:left;width:7rem;margin-left:-7.6rem;color:var(--dim);"
	"font-weight:400;font-size:13px}"
	".stack td:empty{display:none}}"
	"@media print{:root{--fg:#000;--bg:#fff;--soft:#f4f6f8;--line:#bbb;--dim:#444}body{max-width:none;padding:0}.noprint{display:none}"
	"tr,svg,details{break-inside:avoid}}";

/* " 'sha256-...'" of a text, as a policy names it. */
static void put_hash(struct span text, struct buf *b)
{
	unsigned char sum[32];

	digest_bytes(text, sum);
	buf_adds(b, " 'sha256-");
	base64_encode((struct span){(const char *)sum, sizeof sum}, b);
	buf_addc(b, '\'');
}

/* "600 reference rows in a.jsonl, b.jsonl" */
static void put_source(const struct html_source *s, struct buf *b)
{
	size_t n = 0;

	buf_addf(b, "%" PRIu64 " %s%s%s in ", s->rows, s->what, *s->what ? " " : "",
		 s->rows == 1 ? "row" : "rows");
	for (; s->files && s->files[n]; n++) {
		if (n >= FILES_NAMED)
			continue;
		buf_adds(b, n ? ", " : "");
		xml_str(strcmp(s->files[n], "-") == 0 ? "standard input" : s->files[n], b);
	}
	if (n == 0)
		buf_adds(b, "standard input");
	if (n > FILES_NAMED)
		buf_addf(b, " and %zu more", n - FILES_NAMED);
}

static void put_about(const struct html_about *a, struct buf *b)
{
	const char *fixed = getenv("SOURCE_DATE_EPOCH");
	time_t now = fixed && *fixed ? (time_t)strtoll(fixed, NULL, 10) : time(NULL);
	struct tm t;
	char date[64] = "";

	if (gmtime_r(&now, &t))
		strftime(date, sizeof date, "%Y-%m-%d %H:%M UTC", &t);
	buf_adds(b, "<p class=\"about\">");
	for (size_t i = 0; i < sizeof a->source / sizeof *a->source && a->source[i].what; i++) {
		buf_adds(b, i ? "; " : "");
		put_source(&a->source[i], b);
	}
	buf_addf(b, " \xc2\xb7 ft %s \xc2\xb7 %s</p>\n", FT_VERSION, date);
	if (a->command) {
		size_t n = strlen(a->command), most = n < COMMAND_SHOWN ? n : COMMAND_SHOWN;

		buf_adds(b, "<p class=\"about\"><code>");
		xml_text((struct span){a->command, most}, b);
		buf_adds(b, most < n ? " ...</code></p>\n" : "</code></p>\n");
	}
}

void html_begin(const struct html_page *p, struct buf *b)
{
	struct buf all = BUF_INIT;

	buf_adds(&all, style);
	buf_adds(&all, p->css ? p->css : "");
	buf_adds(b,
		 "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
		 "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src");
	put_hash(buf_span(&all), b);
	buf_adds(b, "; script-src");
	if (p->script)
		put_hash(span_of(p->script), b);
	else
		buf_adds(b, " 'none'");
	buf_adds(b,
		 "; img-src data:; base-uri 'none'; form-action 'none'\">"
		 "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><link rel=\"icon\" href=\"data:,\">\n<title>");
	xml_str(p->title, b);
	buf_adds(b, "</title>\n<style>");
	buf_addspan(b, buf_span(&all));
	buf_adds(b, "</style></head><body>\n<h1>");
	xml_str(p->title, b);
	buf_adds(b, "</h1>\n");
	if (p->about)
		put_about(p->about, b);
	buf_release(&all);
}

void html_end(const struct html_page *p, struct buf *b)
{
	if (p->script) {
		buf_adds(b, "<script>");
		buf_adds(b, p->script);
		buf_adds(b, "</script>\n");
	}
	buf_adds(b, "</body></html>\n");
}

static void element(const char *name, const char *text, struct buf *b)
{
	buf_addf(b, "<%s>", name);
	xml_str(text, b);
	buf_addf(b, "</%s>\n", name);
}

void html_heading(const char *text, struct buf *b)
{
	element("h2", text, b);
}

void html_paragraph(const char *text, struct buf *b)
{
	element("p", text, b);
}

void html_table_begin(const char *class, struct buf *b)
{
	buf_adds(b, "<div class=\"scroll\"><table");
	if (class)
		buf_addf(b, " class=\"%s\"", class);
	buf_adds(b, "><thead><tr>");
}

void html_table_body(struct buf *b)
{
	buf_adds(b, "</tr></thead><tbody>\n");
}

void html_table_end(struct buf *b)
{
	buf_adds(b, "</tbody></table></div>\n");
}

/* Letters across. */
static size_t width_of(const struct table *t)
{
	size_t width[TABLE_COLUMNS] = {0}, all = 0;

	for (size_t i = 0; i < t->n; i++) {
		const char *rest = t->cells[i].text;
		size_t *most = &width[i % t->columns];

		while (*rest) {
			struct span line = out_wrap(&rest, SIZE_MAX);
			size_t w = out_width(line.s, line.n);

			*most = w > *most ? w : *most;
		}
	}
	for (size_t c = 0; c < t->columns; c++)
		all += width[c] + 2;
	return all;
}

void html_table(const struct table *t, struct buf *b)
{
	html_table_begin(width_of(t) > NARROW ? "stack" : NULL, b);
	for (size_t i = 0; i < t->n; i++) {
		size_t c = i % t->columns;
		const char *tag = i < t->columns ? "th" : "td", *rest = t->cells[i].text,
			   *class = t->cells[i].class ? t->cells[i].class
				    : t->right[c]     ? "r"
						      : NULL;

		buf_adds(b, c == 0 && i > 0 ? "<tr>" : "");
		buf_addf(b, "<%s%s%s%s", tag, class ? " class=\"" : "", class ? class : "",
			 class ? "\"" : "");
		if (i >= t->columns) {
			buf_adds(b, " data-h=\"");
			xml_str(t->cells[c].text, b);
			buf_addc(b, '"');
		}
		buf_addc(b, '>');
		while (*rest) {
			xml_text(out_wrap(&rest, SIZE_MAX), b);
			buf_adds(b, *rest ? "<br>" : "");
		}
		buf_addf(b, "</%s>", tag);
		if (i + 1 == t->columns)
			html_table_body(b);
		else if (c + 1 == t->columns)
			buf_adds(b, "</tr>\n");
	}
	html_table_end(b);
}

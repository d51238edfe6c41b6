/* html: the frame of a self-contained page. See html.h. */
#include "html.h"

#include <stdint.h>
#include "../base/out.h"
#include "xml.h"

static const char style[] =
	":root{color-scheme:light dark;--fg:#1c1e21;--bg:#fff;--dim:#5f6670;--line:#d9dde3;--soft:#f4f6f8;--a:#1f6feb;--good:#1a7f37;"
	"--bad:#c62828;--warn:#9a6700;--c1:#1f6feb;--c2:#d9730d;--c3:#2b9348;--c4:#8e44ad;--c5:#00838f;--c6:#ad1457}"
	"@media(prefers-color-scheme:dark){:root{--fg:#e3e6ea;--bg:#15171a;--dim:#9aa3ad;--line:#343a42;--soft:#1e2227;--a:#6cb0ff;"
	"--good:#5fd07e;--bad:#ff7b72;--warn:#e0b341;--c1:#6cb0ff;--c2:#f2a65a;--c3:#6fce8c;--c4:#c79bf2;--c5:#5fd3dc;--c6:#f48fb1}}"
	"body{font:15px/1.5 system-ui,sans-serif;color:var(--fg);background:var(--bg);max-width:72rem;margin:0 auto;padding:1.5rem}"
	"h1{font-size:1.5rem;margin:.2rem 0 1rem}h2{font-size:1.15rem;margin:2rem 0 .6rem}p{max-width:48rem}"
	".dim{color:var(--dim)}.good{color:var(--good)}.bad{color:var(--bad)}.warn{color:var(--warn)}"
	".scroll{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums;margin:.4rem 0}"
	"th,td{padding:.3rem .7rem;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}"
	"th{font-weight:600;background:var(--soft)}.r{text-align:right}"
	"pre{white-space:pre-wrap;overflow-wrap:anywhere;margin:0;font:13px/1.45 ui-monospace,monospace}"
	"svg{max-width:100%;height:auto}svg text{fill:var(--fg);font:12px system-ui,sans-serif}svg .dim{fill:var(--dim)}"
	"svg .axis{stroke:var(--line)}"
	"@media print{:root{--fg:#000;--bg:#fff;--soft:#f4f6f8;--line:#bbb;--dim:#444}body{max-width:none;padding:0}.noprint{display:none}"
	"tr,svg,details{break-inside:avoid}}";

void html_begin(const char *title, const char *extra_css, struct buf *b)
{
	buf_adds(b,
		 "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
		 "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
		 "script-src 'unsafe-inline'; img-src data:\">"
		 "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><link rel=\"icon\" href=\"data:,\">\n<title>");
	xml_str(title, b);
	buf_adds(b, "</title>\n<style>");
	buf_adds(b, style);
	if (extra_css)
		buf_adds(b, extra_css);
	buf_adds(b, "</style></head><body>\n<h1>");
	xml_str(title, b);
	buf_adds(b, "</h1>\n");
}

void html_end(struct buf *b)
{
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

void html_table(const struct table *t, struct buf *b)
{
	html_table_begin(NULL, b);
	for (size_t i = 0; i < t->n; i++) {
		size_t c = i % t->columns;
		const char *tag = i < t->columns ? "th" : "td", *rest = t->cells[i].text,
			   *class = t->cells[i].class ? t->cells[i].class
				    : t->right[c]     ? "r"
						      : NULL;

		buf_adds(b, c == 0 && i > 0 ? "<tr>" : "");
		buf_addf(b, "<%s%s%s%s>", tag, class ? " class=\"" : "", class ? class : "",
			 class ? "\"" : "");
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

/* Templates: what is filled, what is literal, what is refused. */
#include "../../lib/prompt/template.h"
#include "tap.h"

static const char *const names[] = {"context", NULL};

static void fills(const char *text, const char *line, const char *want)
{
	struct err e = ERR_INIT;
	struct record r = {0};
	struct buf out = BUF_INIT;
	struct template_var vars[] = {{"context", {"CTX", 3}}};
	struct template *t = template_compile(text, names, &e);
	int rc = t && !record_parse(&r, span_of(line), &e) ? template_fill(t, &r, vars, &out, &e)
							   : -1;

	if (want) {
		ok_str(rc ? e.msg : out.data, want, "%s", text);
	} else {
		ok(rc, "refused: %s", text);
		printf("# %s\n", e.msg);
	}
	template_free(t);
	record_release(&r);
	buf_release(&out);
}

int main(void)
{
	const char *line =
		"{\"a\":\"x\\n\\u00e9\",\"n\":12345678901234567890,\"o\":{\"k\": [1, 2]},\"j\":\"{\\\"k\\\":7}\",\"z\":null,\"e\":\"\"}";

	fills("-{{a}}-", line, "-x\n\xc3\xa9-");
	fills("{{ .a }}{{.n}}", line,
	      "x\n\xc3\xa9"
	      "12345678901234567890");
	fills("{{o}} {{o.k[-1]}}", line, "{\"k\": [1, 2]} 2");
	fills("{{j|.k}}", line, "7");
	fills("{{z}}{{e}}.", line, "null.");
	fills("\\{{a}} } {", line, "{{a}} } {");
	fills("{{context}}/{{.a}}", line, "CTX/x\n\xc3\xa9");
	fills("plain", line, "plain");
	fills("{{missing}}", line, NULL);
	fills("{{a", line, NULL);
	fills("{{}}", line, NULL);
	fills("{{a[}}", line, NULL);

	struct err e = ERR_INIT;
	struct template *t = template_compile("{{context}}", names, &e);
	ok(template_uses(t, "context"), "a caller's name is seen");
	template_free(t);
	return tap_done();
}

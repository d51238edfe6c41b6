/* render: a template over JSON objects, for comparison with other interpreters.
 *
 *	render TEMPLATE <vars.jsonl
 *
 * Prints the rendering of each line as a JSON string, or {"error": reason}.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "../../lib/base/file.h"
#include "../../lib/jinja/jinja.h"
#include "../../lib/json/json.h"
#include "../../lib/json/jw.h"

int main(int argc, char **argv)
{
	struct err e = ERR_INIT;
	struct buf source = BUF_INIT, text = BUF_INIT, out = BUF_INIT;
	struct jinja *t = NULL;
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	if (argc < 2 || file_read(argv[1], JINJA_SOURCE_MAX, &source, &e)) {
		fprintf(stderr, "render: %s\n", argc < 2 ? "no template" : e.msg);
		return 2;
	}
	t = jinja_compile(buf_span(&source), argv[1], &e);
	while ((n = getline(&line, &cap, stdin)) > 0) {
		struct span v;

		buf_clear(&text);
		buf_clear(&out);
		if (t && !json_check((struct span){line, (size_t)n}, &v, &e) &&
		    !jinja_render(t, v, time(NULL), NULL, &text, NULL, &e)) {
			json_put_string(&out, text.data ? text.data : "", text.len);
		} else {
			buf_adds(&out, "{\"error\":");
			json_put_string(&out, e.msg, strlen(e.msg));
			buf_adds(&out, "}");
		}
		puts(out.data);
	}
	free(line);
	buf_release(&source);
	buf_release(&text);
	buf_release(&out);
	jinja_free(t);
	return 0;
}

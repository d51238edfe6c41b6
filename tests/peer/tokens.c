/* tokens: ids of JSON strings, one a line, for comparison with other tokenizers.
 *
 *	tokens [-d] [-n] [-s] DIR <strings.jsonl
 *	tokens -b DIR <text
 *
 * Prints a JSON array of ids for each; -s adds what the post-processor adds, -n leaves added tokens
 * unmatched, -d prints the decoded text instead of the ids. -b measures the speed over the lines of
 * a text.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../lib/base/file.h"
#include "../../lib/base/progress.h"
#include "../../lib/json/json.h"
#include "../../lib/json/jw.h"
#include "../../lib/token/tokenizer.h"

static int speed(const struct tokenizer *t, struct err *e)
{
	struct buf text = BUF_INIT;
	struct tokens ids = {0};
	double begun;
	size_t at = 0, n = 0;

	if (file_read("-", (size_t)1 << 30, &text, e))
		return -1;
	begun = progress_clock();
	while (at < text.len) {
		const char *p = text.data + at, *end = memchr(p, '\n', text.len - at);
		size_t len = end ? (size_t)(end - p) : text.len - at;

		tokens_clear(&ids);
		if (tokenizer_encode(t, (struct span){p, len}, 0, &ids, e))
			return -1;
		n += ids.n;
		at += len + 1;
	}
	printf("{\"who\": \"ft\", \"tokens\": %zu, \"mb_per_s\": %.3f}\n", n,
	       (double)text.len / 1e6 / (progress_clock() - begun));
	buf_release(&text);
	tokens_release(&ids);
	return 0;
}

int main(int argc, char **argv)
{
	struct err e = ERR_INIT;
	struct tokenizer *t;
	struct tokens ids = {0};
	struct buf text = BUF_INIT, out = BUF_INIT;
	char *line = NULL;
	size_t cap = 0, i;
	ssize_t n;
	int flags = 0, decode = 0, bench = 0;

	for (; argc > 2; argc--, argv++)
		if (!strcmp(argv[1], "-s"))
			flags |= TOKENIZER_SPECIAL;
		else if (!strcmp(argv[1], "-n"))
			flags |= TOKENIZER_NO_ADDED;
		else if (!strcmp(argv[1], "-b"))
			bench = 1;
		else
			decode = 1;
	if (argc < 2 || !(t = tokenizer_load(argv[1], &e))) {
		fprintf(stderr, "tokens: %s\n", argc < 2 ? "no directory" : e.msg);
		return 2;
	}
	if (bench) {
		if (speed(t, &e)) {
			fprintf(stderr, "tokens: %s\n", e.msg);
			return 2;
		}
		tokenizer_free(t);
		return 0;
	}
	while ((n = getline(&line, &cap, stdin)) > 0) {
		struct span v;

		buf_clear(&text);
		buf_clear(&out);
		tokens_clear(&ids);
		if (json_check((struct span){line, (size_t)n}, &v, &e) || json_string(v, &text) ||
		    tokenizer_encode(t, buf_span(&text), flags, &ids, &e)) {
			fprintf(stderr, "tokens: %s\n", e.msg);
			return 2;
		}
		if (decode) {
			buf_clear(&text);
			tokenizer_decode(t, ids.ids, ids.n, 0, &text);
			json_put_string(&out, text.data ? text.data : "", text.len);
		} else {
			buf_addc(&out, '[');
			for (i = 0; i < ids.n; i++)
				buf_addf(&out, "%s%d", i ? "," : "", (int)ids.ids[i]);
			buf_addc(&out, ']');
		}
		puts(out.data);
	}
	tokens_release(&ids);
	buf_release(&text);
	buf_release(&out);
	free(line);
	tokenizer_free(t);
	return 0;
}

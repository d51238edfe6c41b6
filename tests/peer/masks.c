/* masks: what of conversations is trained on, for comparison with another reckoning.
 *
 *	masks DIR <rows.jsonl
 *
 * DIR holds a tokenizer and a chat template. Of each row, which may have `upto` and `last_only` as
 * chat.h's chat_input, prints {"parts": [[weight, text], ...], "lost": [...], "otherwise"}, the text
 * of its tokens cut where the weight changes, or {"error": reason}.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../lib/chat/chat.h"
#include "../../lib/json/jw.h"

#define NOW 1700000000

static int put_row(const struct tokenizer *t, const struct chat *c, struct span line,
		   struct chat_example *x, struct jw *w, struct err *e)
{
	struct record r = {0};
	struct chat_input in;
	struct buf scratch = BUF_INIT, text = BUF_INIT;
	size_t lost[CHAT_PARTS], i;
	int64_t upto = 0;
	int bad;

	bad = record_parse(&r, line, e) || chat_input_of(&r, 0, &scratch, &in, e);
	if (!bad) {
		in.last_only = json_kind(record_get(&r, "last_only")) == JSON_TRUE;
		if (!json_int(record_get(&r, "upto"), &upto))
			in.upto = (size_t)upto;
		bad = chat_encode_training(c, &in, 1, x, e) || chat_lost(c, &in, lost, e);
	}
	if (!bad) {
		jw_put_array(w, "parts");
		for (i = 0; i < x->ids.n;) {
			float weight = x->weights[i];

			buf_clear(&text);
			while (i < x->ids.n && x->weights[i] == weight) {
				size_t n = 0;

				while (i + n < x->ids.n && x->weights[i + n] == weight &&
				       !tokenizer_is_added(t, x->ids.ids[i + n]))
					n++;
				if (n)
					tokenizer_decode(t, x->ids.ids + i, n, TOKENIZER_KEEP_START,
							 &text);
				else
					buf_addspan(&text, tokenizer_token(t, x->ids.ids[i]));
				i += n ? n : 1;
			}
			jw_array(w);
			jw_num(w, (double)weight);
			jw_strn(w, text.data, text.len);
			jw_end(w);
		}
		jw_end(w);
		jw_put_array(w, "lost");
		for (i = 0; i < CHAT_VARS; i++)
			jw_int(w, (int64_t)lost[i]);
		jw_end(w);
		jw_put_int(w, "otherwise", (int64_t)x->otherwise);
		jw_put_bool(w, "eos_added", x->eos_added);
	}
	record_release(&r);
	buf_release(&scratch);
	buf_release(&text);
	return bad ? -1 : 0;
}

int main(int argc, char **argv)
{
	struct err e = ERR_INIT;
	struct chat_options o = {.now = NOW};
	struct tokenizer *t = argc == 2 ? tokenizer_load(argv[1], &e) : NULL;
	struct chat *c = t ? chat_load(argv[1], t, &o, &e) : NULL;
	struct chat_example x = {0};
	struct buf out = BUF_INIT;
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	if (!c) {
		fprintf(stderr, "masks: %s\n", argc == 2 ? e.msg : "no directory");
		return 2;
	}
	while ((n = getline(&line, &cap, stdin)) > 0) {
		struct jw w;

		buf_clear(&out);
		jw_init(&w, &out);
		jw_object(&w);
		if (put_row(t, c, (struct span){line, (size_t)n - (line[n - 1] == '\n')}, &x, &w,
			    &e))
			jw_put_str(&w, "error", e.msg);
		jw_end(&w);
		puts(out.data);
	}
	free(line);
	buf_release(&out);
	chat_example_release(&x);
	chat_free(c);
	tokenizer_free(t);
	return 0;
}

/* What the tests of templates share: the byte tokenizer, and a record's example as text. */
#include <stdlib.h>
#include <unistd.h>
#include "../../lib/base/file.h"
#include "../../lib/chat/chat.h"
#include "tap.h"

static struct tokenizer *bytes(char *dir)
{
	struct err e = ERR_INIT;

	if (!mkdtemp(dir) || tokenizer_write_bytes(dir, &e)) {
		printf("# %s\n", e.msg);
		return NULL;
	}
	return tokenizer_load(dir, &e);
}

static void clean(const char *dir)
{
	static const char *const names[] = {"tokenizer.json", "tokenizer_config.json"};
	int i;

	for (i = 0; i < 2; i++) {
		char *p = file_join(dir, names[i]);

		unlink(p);
		free(p);
	}
	rmdir(dir);
}

/* The record's example as text, what is trained on in square brackets. */
__attribute__((unused)) static const char *masked(const struct tokenizer *t, const struct chat *c,
						  const char *json, struct chat_example *x)
{
	static struct buf out;
	static struct err e;
	struct record r = {0};
	struct chat_input in;
	struct buf scratch = BUF_INIT;
	size_t i;
	int on = 0, bad;

	buf_clear(&out);
	bad = record_parse(&r, span_of(json), &e) || chat_input_of(&r, 0, &scratch, &in, &e) ||
	      chat_encode_training(c, &in, 1, x, &e);
	for (i = 0; !bad && i < x->ids.n; i++) {
		if ((x->weights[i] != 0) != on)
			buf_addc(&out, (on = !on) ? '[' : ']');
		if (tokenizer_is_added(t, x->ids.ids[i]))
			buf_addspan(&out, tokenizer_token(t, x->ids.ids[i]));
		else
			tokenizer_decode(t, x->ids.ids + i, 1, TOKENIZER_KEEP_START, &out);
	}
	if (on)
		buf_addc(&out, ']');
	record_release(&r);
	buf_release(&scratch);
	return bad ? e.msg : out.data ? out.data : "";
}

static struct chat *chat_of(const char *template, const struct tokenizer *t)
{
	struct err e = ERR_INIT;
	struct chat *c = chat_new(template ? span_of(template) : (struct span){NULL, 0}, "test", t,
				  NULL, &e);

	if (!c)
		printf("# %s\n", e.msg);
	return c;
}

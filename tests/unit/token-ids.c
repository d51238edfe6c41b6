/* Ids against those of @huggingface/tokenizers, on cuts of seven published tokenizers
 * (tests/fixtures/tokens/README says how these were made), and that decoding gives the text back.
 * `make check-npm` compares the whole vocabularies. */
#include <stdlib.h>
#include "../../lib/base/file.h"
#include "../../lib/json/json.h"
#include "../../lib/token/tokenizer.h"
#include "tap.h"

#define DIR "tests/fixtures/tokens/"

/* FNV-1a, 32 bits, of the ids as decimal numbers with commas. */
static unsigned hash_of(const struct tokens *t)
{
	unsigned h = 0x811c9dc5u;
	char number[20];
	size_t i;
	const char *p;

	for (i = 0; i < t->n; i++) {
		snprintf(number, sizeof number, "%s%d", i ? "," : "", (int)t->ids[i]);
		for (p = number; *p; p++)
			h = (h ^ (unsigned char)*p) * 0x01000193u;
	}
	return h;
}

/* The next line of *p, without its newline. */
static struct span line_of(struct span *p)
{
	const char *end = memchr(p->s, '\n', p->n);
	struct span line = {p->s, end ? (size_t)(end - p->s) : p->n};

	p->s += line.n + (end != NULL);
	p->n -= line.n + (end != NULL);
	return line;
}

/* The column's entry of a line. */
static unsigned column_of(struct span line, int column)
{
	const char *p = line.s;

	while (column--)
		p = strchr(p, '\t') + 1;
	return (unsigned)strtoul(p, NULL, 16);
}

static void compare(const char *name, int column, struct span strings, struct span hashes)
{
	struct err e = ERR_INIT;
	struct buf path = BUF_INIT, json = BUF_INIT, text = BUF_INIT, back = BUF_INIT;
	struct tokenizer *t;
	struct tokens ids = {0};
	size_t n = 0, bad = 0, changed = 0;

	buf_addf(&path, DIR "%s.json", name);
	t = file_read(path.data, (size_t)1 << 20, &json, &e)
		    ? NULL
		    : tokenizer_parse(buf_span(&json), (struct span){NULL, 0}, &e);
	ok(t != NULL, "%s is read", name);
	if (!t) {
		printf("# %s\n", e.msg);
		return;
	}
	line_of(&hashes);
	while (strings.n) {
		struct span line = line_of(&strings), want = line_of(&hashes);

		buf_clear(&text);
		buf_clear(&back);
		tokens_clear(&ids);
		json_string(line, &text);
		if (tokenizer_encode(t, buf_span(&text), 0, &ids, &e) ||
		    hash_of(&ids) != column_of(want, column)) {
			if (!bad++)
				printf("# %s: line %zu of strings.jsonl: %.*s\n", name, n + 1,
				       (int)line.n, line.s);
		}
		tokenizer_decode(t, ids.ids, ids.n, 0, &back);
		changed += back.len != text.len ||
			   (text.len && memcmp(back.data, text.data, text.len));
		n++;
	}
	ok(n > 500 && !bad, "%s: ids of %zu strings are those of the reference", name, n);
	/* Byte-level without NFC loses nothing. */
	if (!strcmp(name, "gpt2") || !strcmp(name, "llama3") || !strcmp(name, "mistral_nemo"))
		ok(!changed, "%s: decoding gives every text back", name);
	tokenizer_free(t);
	tokens_release(&ids);
	buf_release(&path);
	buf_release(&json);
	buf_release(&text);
	buf_release(&back);
}

int main(void)
{
	static const char *const names[] = {"gpt2",  "llama2",	     "llama3", "qwen2_5",
					    "qwen3", "mistral_nemo", "gemma3"};
	struct buf strings = BUF_INIT, hashes = BUF_INIT;
	struct err e = ERR_INIT;
	int i;

	if (file_read(DIR "strings.jsonl", (size_t)1 << 20, &strings, &e) ||
	    file_read(DIR "hashes.tsv", (size_t)1 << 20, &hashes, &e)) {
		printf("not ok 1 - fixtures # %s\n1..1\n", e.msg);
		return 1;
	}
	for (i = 0; i < 7; i++)
		compare(names[i], i, buf_span(&strings), buf_span(&hashes));
	buf_release(&strings);
	buf_release(&hashes);
	return tap_done();
}

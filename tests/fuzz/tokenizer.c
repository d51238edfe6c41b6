/* Fuzz target: a hostile tokenizer.json, then text through whatever was accepted of it.
 * The input is the file, and after a NUL byte the text. */
#include <stdlib.h>
#include <string.h>
#include "../../lib/token/tokenizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *s = (const char *)data, *nul = size ? memchr(s, 0, size) : NULL;
	size_t n = nul ? (size_t)(nul - s) : size;
	struct span text =
		nul ? (struct span){nul + 1, size - n - 1} : span_of("a b\xff <s>\xc3\xa9 1");
	struct err e = ERR_INIT;
	struct tokenizer *t = tokenizer_parse((struct span){s, n}, (struct span){NULL, 0}, &e);
	struct tokens ids = {0};
	struct buf back = BUF_INIT;
	int flags;

	if (!t)
		return 0;
	for (flags = 0; flags < 8; flags++) {
		tokens_clear(&ids);
		buf_clear(&back);
		if (!tokenizer_encode(t, text, flags, &ids, &e))
			tokenizer_decode(t, ids.ids, ids.n, flags & 3, &back);
	}
	tokens_release(&ids);
	buf_release(&back);
	tokenizer_free(t);
	return 0;
}

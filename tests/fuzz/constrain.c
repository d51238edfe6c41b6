/* Fuzz target: a hostile JSON Schema as the automaton that a local model's answers are held to. What is
 * written by walking it, with the rest of the input choosing the way, is valid under the schema. */
#include <stdlib.h>
#include "../../lib/grammar/constrain.h"
#include "scratch.h"

/* Draws a text of at most 2000 bytes that the automaton lets through to an end. */
static int walk(struct automaton *a, uint64_t *dice, struct buf *text)
{
	uint32_t at = automaton_start(a);

	while (text->len < 2000) {
		unsigned from;
		int b = -1;

		*dice = *dice * 6364136223846793005u + 1442695040888963407u;
		from = (unsigned)(*dice >> 33);
		if (automaton_accepts(a, at) && from % 3 == 0)
			return 1;
		/* what closes comes first in a long text */
		for (const char *p = "\"]}n0"; *p && text->len > 100 && b < 0; p++)
			if (automaton_next(a, at, (unsigned char)*p) != AUTOMATON_DEAD)
				b = (unsigned char)*p;
		for (unsigned i = 0; i < 256 && b < 0; i++)
			if (automaton_next(a, at, (unsigned char)(from / 4 + i)) != AUTOMATON_DEAD)
				b = (unsigned char)(from / 4 + i);
		if (b < 0)
			return automaton_accepts(a, at);
		buf_addc(text, b);
		at = automaton_next(a, at, (unsigned char)b);
	}
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = {(const char *)data, size}, text = scratch_part(&rest), v;
	struct schema *s;
	struct automaton *a;
	struct err e = ERR_INIT;
	uint64_t dice = size;

	for (size_t i = 0; i < rest.n && i < 8; i++)
		dice = dice << 8 | (unsigned char)rest.s[i];
	s = schema_compile(text, &e);
	a = s ? constrain_compile(s, &e) : NULL;
	if (!a && !e.msg[0])
		abort();
	for (int i = 0; a && i < 3; i++) {
		struct buf out = BUF_INIT;

		if (walk(a, &dice, &out) &&
		    (json_check(buf_span(&out), &v, &e) || schema_check(s, v, &e)))
			abort();
		buf_release(&out);
	}
	automaton_free(a);
	schema_free(s);
	return 0;
}

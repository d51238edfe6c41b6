/* Fuzz target: hostile answers of a chat API, whole and streamed, in all dialects, and what is
 * made of them for records and cache. The first byte says which, the second in how large pieces a
 * stream comes: however it is cut, the same answer must come out. */
#include "../../lib/prompt/answer.h"
#include "../../lib/api/dialect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_stream(enum dialect_kind d, int forced, const char *p, size_t n, size_t piece,
			struct backend_answer *a)
{
	struct dialect_stream s = {0};

	backend_answer_clear(a);
	for (size_t k; n; p += k, n -= k) {
		k = n < piece ? n : piece;
		dialect_stream_add(d, &s, p, k, 1);
	}
	dialect_stream_answer(d, &s, forced, a);
	dialect_stream_release(&s);
}

/* What is written of it is JSON, whatever came, and can be read back. */
static void write(const struct backend_answer *a, struct buf *json)
{
	struct backend_answer again = {0};
	struct dialect_usage u;
	struct span v;

	if (a->usage.len)
		dialect_usage(buf_span(&a->usage), &u);
	answer_write(a, json);
	if (json_check(buf_span(json), &v, NULL) || answer_read(v, &again))
		__builtin_trap();
	backend_answer_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum dialect_kind d;
	struct buf json = BUF_INIT, uncut = BUF_INIT;
	struct backend_answer a = {0};
	const char *text = (const char *)data + 2;
	struct span v;
	int forced;

	if (size < 2)
		return 0;
	d = data[0] & 8 ? DIALECT_RESPONSES : data[0] & 1 ? DIALECT_ANTHROPIC : DIALECT_OPENAI;
	forced = (data[0] & 4) != 0;
	backend_answer_clear(&a);
	if (data[0] & 2) {
		read_stream(d, forced, text, size - 2, (size_t)data[1] + 1, &a);
		write(&a, &json);
		read_stream(d, forced, text, size - 2, size, &a);
		write(&a, &uncut);
		if (!span_eq(buf_span(&json), buf_span(&uncut)))
			__builtin_trap();
	} else if (!json_check((struct span){text, size - 2}, &v, NULL)) {
		dialect_answer(d, v, forced, &a);
		write(&a, &json);
	}
	backend_answer_release(&a);
	buf_release(&json);
	buf_release(&uncut);
	return 0;
}

/* Fuzz target: hostile answers of a chat API, whole and streamed, in both dialects, and what is
 * made of them for records and cache. The first byte says which, the second in how large pieces a
 * stream comes: however it is cut, the same answer must come out. */
#include "../../lib/prompt/answer.h"
#include "../../lib/api/dialect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int read_stream(enum dialect_kind d, const char *p, size_t n, size_t piece, struct buf *body)
{
	struct dialect_stream s = {0};
	int rc;

	for (size_t k; n; p += k, n -= k) {
		k = n < piece ? n : piece;
		dialect_stream_add(d, &s, p, k, 1);
	}
	/* What is put together from a stream is JSON, whatever came. */
	rc = dialect_stream_body(d, &s, body);
	if (rc == 0 && json_check(buf_span(body), &(struct span){NULL, 0}, NULL))
		__builtin_trap();
	dialect_stream_release(&s);
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum dialect_kind d;
	struct buf body = BUF_INIT, uncut = BUF_INIT, json = BUF_INIT;
	struct backend_answer a = {0}, again = {0};
	struct dialect_usage u;
	struct span v;

	if (size < 2)
		return 0;
	d = data[0] & 1 ? DIALECT_ANTHROPIC : DIALECT_OPENAI;
	if (!(data[0] & 2))
		buf_add(&body, data + 2, size - 2);
	else if (read_stream(d, (const char *)data + 2, size - 2, (size_t)data[1] + 1, &body) !=
			 read_stream(d, (const char *)data + 2, size - 2, size, &uncut) ||
		 !span_eq(buf_span(&body), buf_span(&uncut)))
		__builtin_trap();
	backend_answer_clear(&a);
	if (!json_check(buf_span(&body), &v, NULL) && json_kind(v) == JSON_OBJECT) {
		dialect_answer(d, v, data[0] & 4, &a);
		if (a.usage.len)
			dialect_usage(buf_span(&a.usage), &u);
		answer_write(&a, &json);
		if (json_check(buf_span(&json), &v, NULL) || answer_read(v, &again))
			__builtin_trap();
	}
	backend_answer_release(&a);
	backend_answer_release(&again);
	buf_release(&body);
	buf_release(&uncut);
	buf_release(&json);
	return 0;
}

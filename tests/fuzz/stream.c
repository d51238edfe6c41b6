/* Fuzz target: what a chat server sends, whole and as an event stream. The first byte says whose dialect it is and how large the pieces
 * are; however the stream is cut, the same answer must come out. */
#include <stdlib.h>
#include "../../lib/net/chat.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int assemble(enum chat_dialect d, struct span text, size_t piece, struct buf *body)
{
	struct chat_stream s = {0};
	size_t at, n;
	int rc;

	for (at = 0; at < text.n; at += n) {
		n = text.n - at < piece ? text.n - at : piece;
		chat_stream_add(d, &s, text.s + at, n, 1);
	}
	rc = chat_stream_body(d, &s, body);
	chat_stream_release(&s);
	return rc;
}

static void answer(enum chat_dialect d, struct span body)
{
	struct backend_answer a = {0};
	struct buf why = BUF_INIT;
	struct chat_usage u;

	chat_answer(d, body, 0, &a);
	backend_answer_clear(&a);
	chat_answer(d, body, 1, &a);
	backend_answer_release(&a);
	chat_error(body, &why);
	chat_usage(json_member(body, "usage"), &u);
	buf_release(&why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf whole = BUF_INIT, cut = BUF_INIT;
	struct err e = ERR_INIT;
	struct span text, v;
	enum chat_dialect d;
	int rc;

	if (!size)
		return 0;
	d = data[0] & 1 ? CHAT_ANTHROPIC : CHAT_OPENAI;
	text = (struct span){(const char *)data + 1, size - 1};
	rc = assemble(d, text, size, &whole);
	if (assemble(d, text, 1 + (data[0] >> 1), &cut) != rc || !span_eq(buf_span(&whole), buf_span(&cut)))
		abort();
	if (!rc) {
		if (json_check(buf_span(&whole), &v, &e))
			abort();
		answer(d, v);
	}
	if (text.n && !json_check(text, &v, &e) && json_kind(v) == JSON_OBJECT)
		answer(d, v);
	buf_release(&whole);
	buf_release(&cut);
	return 0;
}

/* Requests and answers, cut anywhere, become one line of JSON each, with nothing left of a mail address that
 * stood in a string. The first byte says which path, whether a stream, and how large the pieces are; up to
 * a NUL it is the request, behind that the answer. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "../../lib/serve/capture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct buf *lines)
{
	struct record r = {0};
	struct err e = ERR_INIT;

	for (const char *p = lines->data, *end = p + lines->len, *next; p && p < end; p = next) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));

		if (!newline || record_parse(&r, (struct span){p, (size_t)(newline - p)}, &e))
			abort();
		next = newline + 1;
	}
	record_release(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct capture_request q = {0};
	struct capture_answer a = {0};
	struct buf lines = BUF_INIT, body = BUF_INIT;
	struct redact *redact =
		redact_new(span_of("[\"mail\",\"card\",{\"regex\":\"x+y\"}]"), NULL);
	struct capture_call how = {.id = "ID", .route = "r", .latency = 1, .ttft = NAN};
	const uint8_t *nul, *p;
	size_t piece, left;

	if (size < 2) {
		redact_free(redact);
		return 0;
	}
	piece = (size_t)(data[0] >> 4) + 1;
	how.status = data[0] & 8 ? 500 : 200;
	nul = memchr(data + 1, 0, size - 1);
	buf_add(&body, data + 1, nul ? (size_t)(nul - data - 1) : size - 1);
	capture_request_read(&q, (enum capture_kind)(1 + (data[0] & 3)), buf_span(&body));
	capture_answer_init(&a, &q, (data[0] & 4) != 0, 1 << 16);
	for (p = nul ? nul + 1 : data + size, left = size - (size_t)(p - data); left;) {
		size_t n = left < piece ? left : piece;

		capture_answer_add(&a, (const char *)p, n, 1);
		p += n;
		left -= n;
	}
	capture_answer_done(&a);
	capture_write(&q, &how, &a, NULL, redact, &lines, NULL);
	check(&lines);
	buf_release(&lines);
	buf_release(&body);
	capture_answer_release(&a);
	capture_request_release(&q);
	redact_free(redact);
	return 0;
}

/* Shapes of answers whole and streamed, whatever the server's habits: both give the same record, or an
 * error of the same type, however the stream is cut. */
#include <stdlib.h>
#include "../../lib/api/dialect.h"
#include "../../lib/prompt/answer.h"
#include "tap.h"

struct shape {
	const char *what;
	enum dialect_kind d;
	const char *stream, *whole; /* NULL: no whole answer has that fault */
	const char *error;	    /* the type of both, or NULL */
};

static void record(const struct backend_answer *a, struct buf *canonical)
{
	struct buf json = BUF_INIT;
	struct span v;

	answer_write(a, &json);
	if (!json_check(buf_span(&json), &v, NULL))
		json_canonical(v, canonical);
	buf_release(&json);
}

static void read_whole(const struct shape *t, struct backend_answer *a)
{
	struct span v;

	backend_answer_clear(a);
	/* as the caller of dialect_answer says it */
	if (json_check(span_of(t->whole), &v, NULL))
		backend_answer_fail(a, "bad_answer", 200, "no JSON");
	else
		dialect_answer(t->d, v, 0, a);
}

static void read_stream(const struct shape *t, size_t piece, struct backend_answer *a)
{
	struct dialect_stream s = {0};
	size_t n = strlen(t->stream);

	backend_answer_clear(a);
	for (size_t i = 0; i < n; i += piece)
		dialect_stream_add(t->d, &s, t->stream + i, n - i < piece ? n - i : piece, 1);
	dialect_stream_answer(t->d, &s, 0, a);
	dialect_stream_release(&s);
}

static void check_shapes(const struct shape *shapes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct shape *t = &shapes[i];
		struct backend_answer streamed = {0}, whole = {0};
		struct buf a = BUF_INIT, b = BUF_INIT, c = BUF_INIT;

		read_stream(t, 1, &streamed);
		record(&streamed, &c);
		read_stream(t, 100000, &streamed);
		record(&streamed, &a);
		ok_str(a.data, c.data, "%s: the same however it is cut", t->what);
		ok_str(streamed.error_type, t->error ? t->error : "", "%s, streamed", t->what);
		if (t->whole) {
			read_whole(t, &whole);
			record(&whole, &b);
			ok_str(whole.error_type, t->error ? t->error : "", "%s, whole", t->what);
		}
		if (t->whole && !t->error)
			ok_str(a.data, b.data, "%s: the same record", t->what);
		backend_answer_release(&streamed);
		backend_answer_release(&whole);
		buf_release(&a);
		buf_release(&b);
		buf_release(&c);
	}
}

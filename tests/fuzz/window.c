/* Fuzz target: a hostile state of ft-drift --every. One that is taken up is gone on with, and holds the
 * same rows, and one more, when it is taken up again. */
#include <stdlib.h>
#include "../../lib/drift/window.h"
#include "scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char *path;
	struct window_state s = {.fingerprint = 7}, again = {.fingerprint = 7};
	struct buf pending = BUF_INIT;
	struct err e = ERR_INIT;
	uint64_t rows, windows;
	size_t n;

	if (!path)
		path = scratch_path("state");
	s.path = again.path = path;
	scratch_write(path, (struct span){(const char *)data, size});
	if (window_state_load(&s, &e)) {
		if (!e.msg[0])
			abort();
		window_state_release(&s);
		return 0;
	}
	if (window_state_add(&s, span_of("{\"a\":1}"), &e))
		abort();
	if (size & 1 && window_state_save(&s, &e))
		abort();
	rows = s.rows, windows = s.windows, n = s.pending_n;
	buf_addspan(&pending, buf_span(&s.pending));
	window_state_release(&s); /* the lock with it */
	if (window_state_load(&again, &e) || again.pending_n != n || again.rows != rows ||
	    again.windows != windows || !span_eq(buf_span(&again.pending), buf_span(&pending)) ||
	    window_state_close(&again, &e) || again.pending_n)
		abort();
	window_state_release(&again);
	buf_release(&pending);
	return 0;
}

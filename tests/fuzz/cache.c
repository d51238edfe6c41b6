/* Fuzz target: a hostile file where ft-prompt --cache keeps its answers. What is read of one that opens
 * is an answer or is left alone, and what is put there is got again. */
#include <stdlib.h>
#include <unistd.h>
#include "../../lib/ask/cache.h"
#include "../../lib/prompt/answer.h"
#include "scratch.h"

static void use(struct cache *c)
{
	/* of the seeds' row */
	struct cache_key key = cache_key(span_of("i"), span_of("m"), span_of("b"), 0, 0);
	struct backend_answer a = {0};
	struct buf json = BUF_INIT, again = BUF_INIT;
	struct err e = ERR_INIT;
	struct span v;

	if (cache_get(c, &key, &json, &e) > 0 && !json_check(buf_span(&json), &v, NULL))
		answer_read(v, &a);
	key = cache_key(span_of("i"), span_of("m"), span_of("c"), 0, 0);
	if (!cache_put(c, &key, "m", span_of("{\"output\":\"x\"}"), &e) &&
	    cache_get(c, &key, &again, &e) > 0 &&
	    !span_eq(buf_span(&again), span_of("{\"output\":\"x\"}")))
		abort();
	backend_answer_release(&a);
	buf_release(&json);
	buf_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char *path, *wal, *shm;
	struct err e = ERR_INIT;
	struct cache *c;

	if (!path) {
		path = scratch_path("cache");
		wal = scratch_path("cache-wal");
		shm = scratch_path("cache-shm");
	}
	unlink(wal);
	unlink(shm);
	scratch_write(path, (struct span){(const char *)data, size});
	c = cache_open(path, &e);
	if (!c && !e.msg[0])
		abort();
	if (c)
		use(c);
	cache_close(c);
	return 0;
}

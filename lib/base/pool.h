/* pool: a fixed set of threads for independent pieces of work.
 *
 * pool_run calls fn(arg, i) for i = 0..n-1, each once, from the pool's threads and the caller's,
 * and returns when all are done. Which thread runs which piece is not fixed, so pieces must not
 * depend on it: each writes only its own output, and whoever needs a sum adds the pieces in order
 * of i afterwards. Not re-entrant: fn must not call pool_run on the same pool.
 */
#ifndef FT_BASE_POOL_H
#define FT_BASE_POOL_H

#include <stddef.h>

struct pool;

/* threads counts the caller; 0 means the number of processors this process may run on. */
struct pool *pool_new(int threads);
void pool_free(struct pool *p);
int pool_threads(const struct pool *p); /* NULL is a pool of one */
void pool_run(struct pool *p, size_t n, void (*fn)(void *arg, size_t i), void *arg);

#endif

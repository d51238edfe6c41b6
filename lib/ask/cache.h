/* cache: answers kept in a SQLite file, so that nothing is asked (and paid) twice.
 *
 * Several processes may share a file. An answer is there as soon as cache_put returns: a killed
 * process loses none (a power cut may lose the last ones, but not the file). Keys are hashes of
 * what decides an answer; neither keys to APIs nor errors come in here.
 */
#ifndef FT_ASK_CACHE_H
#define FT_ASK_CACHE_H

#include "../base/buf.h"
#include "../base/err.h"

struct cache;

struct cache_key {
	unsigned char bytes[16];
};

/* XXH3-128 of address or weights, model, body, sample and attempt. */
struct cache_key cache_key(struct span identity, struct span model, struct span body, int sample,
			   int attempt);

/* Opens or makes the file; refuses a database that is something else. NULL with the reason. */
struct cache *cache_open(const char *path, struct err *e);
void cache_close(struct cache *c);

/* 1 and the answer appended to json, 0 where there is none, -1. */
int cache_get(struct cache *c, const struct cache_key *key, struct buf *json, struct err *e);
int cache_put(struct cache *c, const struct cache_key *key, const char *model, struct span json,
	      struct err *e);

#endif

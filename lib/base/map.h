/* map: a hash table from 64-bit keys (hashes, mostly) to 64-bit values.
 *
 * Open addressing with linear probing, grown at 5/8 full. Keys should be well mixed already; the
 * table mixes once more, so small integers are fine too. Any key is allowed. A zeroed struct map is
 * empty and valid. Nothing is ever removed.
 */
#ifndef FT_BASE_MAP_H
#define FT_BASE_MAP_H

#include <stddef.h>
#include <stdint.h>

struct map {
	struct map_slot *slots; /* beside each other what is looked at together */
	unsigned char *used;
	size_t n, cap; /* cap is 0 or a power of two */
};

void map_release(struct map *m);
/* The value of key, or NULL. Valid until the next map_put. */
uint64_t *map_get(const struct map *m, uint64_t key);
/* The value of key, put there first (as `fresh`) where there was none; *added says so (may be
 * NULL). */
uint64_t *map_put(struct map *m, uint64_t key, uint64_t fresh, int *added);

#endif

/* arena: pieces of memory that are freed together.
 *
 * A zeroed struct arena is empty and valid. Pieces stay where they are until arena_release. With a
 * ceiling an arena refuses what is beyond it, so that hostile input ends in an error; without one
 * (max 0) it never fails.
 */
#ifndef FT_BASE_ARENA_H
#define FT_BASE_ARENA_H

#include "buf.h"

struct arena {
	size_t max;   /* bytes that may be asked for in all; 0: no ceiling */
	size_t total; /* bytes asked for so far */
	/* private */
	struct arena_chunk *chunks;
	size_t used, size; /* of the newest chunk */
};

/* n zeroed bytes, aligned for any type; NULL beyond the ceiling. */
void *arena_get(struct arena *a, size_t n);
/* A copy of n bytes, NUL-terminated and not aligned; an absent span beyond the ceiling. */
struct span arena_text(struct arena *a, const char *s, size_t n);
/* Frees all pieces; a is empty and valid again, with the same ceiling. */
void arena_release(struct arena *a);

#endif

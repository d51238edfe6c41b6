/* large: memory for what is read from one end to the other again and again, as weights are.
 *
 * A zeroed struct large is empty and valid. Pieces are cut from chunks that ask the system for its
 * large pages (Linux: MADV_HUGEPAGE, pages of 2 MB in place of 4 KB), of which the processor
 * translates few and across which it reads ahead; where the system gives none, they are memory as any
 * other. They stay where they are until large_release. Without memory it ends the program as mem.h
 * does.
 */
#ifndef FT_BASE_LARGE_H
#define FT_BASE_LARGE_H

#include <stddef.h>

struct large {
	/* private */
	struct large_chunk *chunks;
	char *at; /* what is left of the newest one that is shared */
	size_t left;
};

/* n zeroed bytes, aligned to 64 (for vector kernels). */
void *large_get(struct large *l, size_t n);
/* Frees all pieces; l is empty and valid again. */
void large_release(struct large *l);

#endif

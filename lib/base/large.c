/* Pieces of chunks in large pages. See large.h. */
#include "large.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "mem.h"

#define PAGE ((size_t)2 << 20)
#define SHARED \
	((size_t)32 << 20) /* bytes of a chunk of several pieces; only what is used takes memory */
#define ALIGN ((size_t)64)

struct large_chunk {
	struct large_chunk *next;
	char *data;
};

static char *chunk(struct large *l, size_t bytes)
{
	struct large_chunk *c = mem_alloc(1, sizeof *c);

	c->data = mem_or_end(aligned_alloc(PAGE, bytes));
#ifdef MADV_HUGEPAGE
	/* Where it is refused, pages stay small. */
	(void)madvise(c->data, bytes, MADV_HUGEPAGE);
#endif
	c->next = l->chunks;
	l->chunks = c;
	return c->data;
}

void *large_get(struct large *l, size_t n)
{
	char *p;

	n = n < PTRDIFF_MAX - PAGE ? n : PTRDIFF_MAX - PAGE; /* more than there is */
	n = (n + ALIGN - 1) / ALIGN * ALIGN;
	if (n > SHARED / 2)
		p = chunk(l, (n + PAGE - 1) / PAGE * PAGE);
	else {
		if (n > l->left) {
			l->at = chunk(l, SHARED);
			l->left = SHARED;
		}
		p = l->at;
		l->at += n;
		l->left -= n;
	}
	return memset(p, 0, n);
}

void large_release(struct large *l)
{
	while (l->chunks) {
		struct large_chunk *next = l->chunks->next;

		free(l->chunks->data);
		free(l->chunks);
		l->chunks = next;
	}
	l->at = NULL;
	l->left = 0;
}

/* Pieces are cut from chunks that come zeroed and are used once; see arena.h. */
#include "arena.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

#define FIRST ((size_t)64 << 10) /* bytes of the first chunk; later ones double */
#define LARGEST ((size_t)1 << 20)
#define ALIGN 16

struct arena_chunk {
	struct arena_chunk *next;
	_Alignas(ALIGN) char data[];
};

static char *cut(struct arena *a, size_t n, size_t align)
{
	size_t at = (a->used + align - 1) / align * align;
	if (a->max && (n > a->max || a->total > a->max - n))
		return NULL;
	a->total += n;
	if (!a->chunks || at > a->size || a->size - at < n) {
		size_t size = !a->chunks ? FIRST : a->size < LARGEST ? 2 * a->size : LARGEST;
		if (size < n)
			size = n;
		struct arena_chunk *c = mem_alloc(1, sizeof *c + size);
		c->next = a->chunks;
		a->chunks = c;
		a->size = size;
		at = 0;
	}
	a->used = at + n;
	return a->chunks->data + at;
}

void *arena_get(struct arena *a, size_t n)
{
	return cut(a, n, ALIGN);
}

struct span arena_text(struct arena *a, const char *s, size_t n)
{
	char *p = cut(a, n + 1, 1);
	if (p && n)
		memcpy(p, s, n);
	return (struct span){p, p ? n : 0};
}

void arena_release(struct arena *a)
{
	while (a->chunks) {
		struct arena_chunk *next = a->chunks->next;
		free(a->chunks);
		a->chunks = next;
	}
	a->used = a->size = a->total = 0;
}

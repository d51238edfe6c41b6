/* mem: allocation that cannot be forgotten or overflow.
 *
 * Running out of memory ends the program with a message and status 2: no caller here could go on usefully. Sizes are checked products. Everything returned is
 * freed with free(). Where a size comes from input, the caller checks it against a ceiling of its
 * own first.
 */
#ifndef FT_BASE_MEM_H
#define FT_BASE_MEM_H

#include <stddef.h>

/* n objects of size bytes, zeroed. n == 0 gives a valid unique pointer. */
void *mem_alloc(size_t n, size_t size);

/* Room for n objects of size bytes; old contents kept, new bytes not initialised. */
void *mem_realloc(void *p, size_t n, size_t size);

/* Grows *p (of *cap objects of size bytes) so that at least need fit; capacity at least doubles. */
void *mem_grow(void *p, size_t *cap, size_t need, size_t size);

/* As mem_alloc, aligned to 64 bytes (for vector kernels); freed with free(). */
void *mem_aligned(size_t n, size_t size);

/* p, which a library has made; it ends the program like the others here where that is NULL. For what is
 * NULL only where there was no memory: used as it is it would crash, or be passed over in silence. */
void *mem_or_end(void *p);

/* qsort, to which no array may be NULL, not even an empty one. */
void mem_sort(void *v, size_t n, size_t size, int (*compare)(const void *a, const void *b));

char *mem_strdup(const char *s);
char *mem_strndup(const char *s, size_t n); /* n bytes and a NUL, embedded NULs kept */

/* *out = a * b; -1 where it does not fit a size_t. */
int mem_mul(size_t a, size_t b, size_t *out);

/* Bytes of memory that the system could give to programs now (Linux: MemAvailable); 0 where it does
 * not say. */
size_t mem_available(void);

#endif

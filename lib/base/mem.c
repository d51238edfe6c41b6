/* mem: checked allocation. See mem.h. */
#include "mem.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void out_of_memory(size_t n, size_t size)
{
	fprintf(stderr, "ft: out of memory (%zu x %zu bytes)\n", n, size);
	exit(2);
}

int mem_mul(size_t a, size_t b, size_t *out)
{
	return __builtin_mul_overflow(a, b, out) ? -1 : 0;
}

static size_t product(size_t n, size_t size)
{
	size_t bytes;
	if (mem_mul(n, size, &bytes) || bytes > PTRDIFF_MAX)
		out_of_memory(n, size);
	return bytes ? bytes : 1;
}

void *mem_alloc(size_t n, size_t size)
{
	void *p = calloc(1, product(n, size));
	if (!p)
		out_of_memory(n, size);
	return p;
}

void *mem_realloc(void *p, size_t n, size_t size)
{
	p = realloc(p, product(n, size));
	if (!p)
		out_of_memory(n, size);
	return p;
}

void *mem_grow(void *p, size_t *cap, size_t need, size_t size)
{
	if (need <= *cap)
		return p;
	size_t n = *cap < 8 ? 8 : *cap;
	while (n < need) {
		if (n > SIZE_MAX / 2)
			out_of_memory(need, size);
		n *= 2;
	}
	p = mem_realloc(p, n, size);
	*cap = n;
	return p;
}

void *mem_aligned(size_t n, size_t size)
{
	size_t bytes = product(n, size);
	if (bytes > PTRDIFF_MAX - 64)
		out_of_memory(n, size);
	bytes = (bytes + 63) / 64 * 64;
	void *p = aligned_alloc(64, bytes);
	if (!p)
		out_of_memory(n, size);
	memset(p, 0, bytes);
	return p;
}

void *mem_or_end(void *p)
{
	if (!p) {
		fputs("ft: out of memory\n", stderr);
		exit(2);
	}
	return p;
}

char *mem_strndup(const char *s, size_t n)
{
	if (n >= PTRDIFF_MAX)
		out_of_memory(n, 1);
	char *d = mem_realloc(NULL, n + 1, 1);
	if (n)
		memcpy(d, s, n);
	d[n] = 0;
	return d;
}

void mem_sort(void *v, size_t n, size_t size, int (*compare)(const void *a, const void *b))
{
	if (n > 1)
		qsort(v, n, size, compare);
}

char *mem_strdup(const char *s)
{
	return mem_strndup(s, strlen(s));
}

size_t mem_available(void)
{
	char line[128];
	unsigned long long kb = 0;
	FILE *f = fopen("/proc/meminfo", "r");
	while (f && fgets(line, sizeof line, f) && sscanf(line, "MemAvailable: %llu kB", &kb) != 1)
		;
	if (f)
		fclose(f);
	return (size_t)kb * 1024;
}

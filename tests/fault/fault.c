/* fault: preloaded before a program, fails its N-th allocation ($FT_FAIL_AT) and tells the number
 * made ($FT_FAIL_COUNT names a file). */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *(*real_malloc)(size_t);
static void *(*real_calloc)(size_t, size_t);
static void *(*real_realloc)(void *, size_t);
static void (*real_free)(void *);
static long count, fail_at = -1;

/* dlsym may itself allocate before we know the real functions; such memory is never given back. */
static char early[65536];
static size_t early_used;
static int resolving;

static void *early_alloc(size_t n)
{
	n = (n + 15) / 16 * 16;
	if (early_used + n > sizeof early)
		return NULL;
	void *p = early + early_used;
	early_used += n;
	return p;
}

static int is_early(const void *p)
{
	return (const char *)p >= early && (const char *)p < early + sizeof early;
}

/* Other libraries' constructors may allocate before ours runs, so the first call looks the
 * functions up. */
static void resolve(void)
{
	if (real_malloc || resolving)
		return;
	resolving = 1;
	real_calloc = (void *(*)(size_t, size_t))dlsym(RTLD_NEXT, "calloc");
	real_realloc = (void *(*)(void *, size_t))dlsym(RTLD_NEXT, "realloc");
	real_free = (void (*)(void *))dlsym(RTLD_NEXT, "free");
	real_malloc = (void *(*)(size_t))dlsym(RTLD_NEXT, "malloc");
	resolving = 0;
}

static int fails(void)
{
	return __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED) == fail_at;
}

__attribute__((constructor)) static void start(void)
{
	const char *at = getenv("FT_FAIL_AT");
	fail_at = at ? strtol(at, NULL, 10) : -1;
	count = 0;
}

__attribute__((destructor)) static void end(void)
{
	const char *path = getenv("FT_FAIL_COUNT");
	int fd = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600) : -1;
	if (fd >= 0) {
		dprintf(fd, "%ld\n", count);
		close(fd);
	}
}

void *malloc(size_t n)
{
	resolve();
	if (!real_malloc)
		return early_alloc(n);
	if (fails()) {
		errno = ENOMEM;
		return NULL;
	}
	return real_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	resolve();
	if (!real_malloc)
		return early_alloc(n * size);
	if (fails()) {
		errno = ENOMEM;
		return NULL;
	}
	return real_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	resolve();
	if (!real_malloc || is_early(p)) {
		void *q = real_malloc ? real_malloc(n) : early_alloc(n);
		size_t left = p ? (size_t)(early + sizeof early - (char *)p) : 0;
		if (q && p)
			/* the old size is not known; what lies behind it is ours too */
			memcpy(q, p, n < left ? n : left);
		return q;
	}
	if (fails()) {
		errno = ENOMEM;
		return NULL;
	}
	return real_realloc(p, n);
}

void free(void *p)
{
	if (p && !is_early(p) && real_free)
		real_free(p);
}

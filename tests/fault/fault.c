/* fault: preloaded before a program, fails its N-th allocation ($FT_FAIL_AT) and tells the number
 * made ($FT_FAIL_COUNT names a file). Programs that this one starts are left alone. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>
#include "marker.h"

#define COUNT_WIDTH 20 /* bytes of that file: a number and a newline */

static void *(*real_malloc)(size_t);
static void *(*real_calloc)(size_t, size_t);
static void *(*real_realloc)(void *, size_t);
static void (*real_free)(void *);
static long count, fail_at = -1;
static char *told; /* $FT_FAIL_COUNT, or NULL */

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

/* The number so far, in a file: however the process ends, it stands there. */
static void tell(long n)
{
	for (int i = COUNT_WIDTH - 2; i >= 0; i--, n /= 10)
		told[i] = (char)(n || i == COUNT_WIDTH - 2 ? '0' + n % 10 : ' ');
}

static int fails(void)
{
	long n = __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED);

	if (told)
		tell(n);
	return n == fail_at;
}

static void open_count(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	char *p = fd < 0 || ftruncate(fd, COUNT_WIDTH)
			  ? MAP_FAILED
			  : mmap(NULL, COUNT_WIDTH, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		abort();
	close(fd);
	p[COUNT_WIDTH - 1] = '\n';
	told = p;
	tell(0);
}

__attribute__((constructor)) static void start(void)
{
	const char *at = getenv("FT_FAIL_AT"), *path = getenv("FT_FAIL_COUNT");

	fail_at = at ? strtol(at, NULL, 10) : -1;
	if (path)
		open_count(path);
	unsetenv("FT_FAIL_AT");
	unsetenv("FT_FAIL_COUNT");
	count = 0;
	prctl(MARKER, 0, 0, 0, 0);
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

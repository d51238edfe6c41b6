/* fault: preloaded before a program, fails its N-th allocation ($FT_FAIL_AT), or writes a line for each
 * of them to the file that $FT_FAIL_SITES names: its site, a hash of the last calls that led to it, and p
 * where one of these is the program's, l where all are libraries'. Programs that this one starts are left
 * alone. */
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <unistd.h>
#include "marker.h"

#define DEPTH 6 /* calls that make a site */
#define OURS 3	/* calls at most in this library before them */
#define ALLOCATORS \
	2 /* of the six, calls at most in functions of the program that give memory to libraries */
#define SITE_CHARS 16 /* hexadecimal digits of a site */

static void *(*real_malloc)(size_t);
static void *(*real_calloc)(size_t, size_t);
static void *(*real_realloc)(void *, size_t);
static void *(*real_aligned_alloc)(size_t, size_t);
static void (*real_free)(void *);
static long count, fail_at = -1;
static int sites = -1;		   /* $FT_FAIL_SITES */
static const void *program, *self; /* where the program and this library are in memory */

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
	real_aligned_alloc = (void *(*)(size_t, size_t))dlsym(RTLD_NEXT, "aligned_alloc");
	real_free = (void (*)(void *))dlsym(RTLD_NEXT, "free");
	real_malloc = (void *(*)(size_t))dlsym(RTLD_NEXT, "malloc");
	resolving = 0;
}

static unsigned long mixed(unsigned long hash, unsigned long value)
{
	return (hash ^ (hash >> 32) ^ value) * 0x100000001b3;
}

/* A line in the file, written at once: however the process ends, it stands there. */
static void tell(void)
{
	void *calls[OURS + DEPTH];
	int n = backtrace(calls, OURS + DEPTH), depth = 0, ours = 0;
	unsigned long site = 0xcbf29ce484222325;
	char line[SITE_CHARS + 2];
	Dl_info at;

	for (int i = 0; i < n && depth < DEPTH; i++) {
		if (!dladdr(calls[i], &at) || at.dli_fbase == self)
			continue;
		ours |= depth++ >= ALLOCATORS && at.dli_fbase == program;
		site = mixed(site, (unsigned long)((char *)calls[i] - (char *)at.dli_fbase));
		for (const char *c = at.dli_fname; *c; c++)
			site = mixed(site, (unsigned char)*c);
	}
	for (int i = 0; i < SITE_CHARS; i++, site >>= 4)
		line[i] = "0123456789abcdef"[site & 15];
	line[SITE_CHARS] = ours ? 'p' : 'l';
	line[SITE_CHARS + 1] = '\n';
	if (write(sites, line, sizeof line) != sizeof line)
		abort();
}

static int fails(void)
{
	if (sites >= 0)
		tell();
	return __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED) == fail_at;
}

__attribute__((constructor)) static void start(void)
{
	const char *at = getenv("FT_FAIL_AT"), *path = getenv("FT_FAIL_SITES");
	void *first[1];
	Dl_info us;

	fail_at = at ? strtol(at, NULL, 10) : -1;
	if (path) {
		dladdr((void *)getauxval(AT_ENTRY), &us);
		program = us.dli_fbase;
		dladdr((void *)&sites, &us);
		self = us.dli_fbase;
		backtrace(first, 1); /* loads what it needs, which allocates */
		sites = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
		if (sites < 0)
			abort();
	}
	unsetenv("FT_FAIL_AT");
	unsetenv("FT_FAIL_SITES");
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

void *aligned_alloc(size_t alignment, size_t n)
{
	resolve();
	if (fails()) {
		errno = ENOMEM;
		return NULL;
	}
	return real_aligned_alloc(alignment, n);
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

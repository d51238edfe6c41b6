/* OpenBLAS, loaded when it is needed. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "../base/file.h"
#include "../base/mem.h"
#include "blas.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct blas blas;
static struct err why;

static int loading;

/* libgfortran, which comes with it, ends the process where its constructor gets no memory, and then crashes in
 * its destructor, which is not come to from here. */
static void ended_by_constructor(void)
{
	if (!loading)
		return;
	fputs("ft: out of memory while OpenBLAS was loaded\n", stderr);
	file_abort_pending();
	_exit(2);
}

/* It reads the environment as it is loaded, and no other way keeps it from starting threads. What others read of
 * the environment meanwhile is whole: the old list is not touched. */
static void *open_alone(const char *name)
{
	static char alone[] = "OPENBLAS_NUM_THREADS=1";
	char **old = environ, **list;
	size_t n = 0;
	void *library;

	while (old && old[n])
		n++;
	list = mem_alloc(n + 2, sizeof *list);
	list[0] = alone; /* the first of a name counts */
	for (size_t i = 0; i < n; i++)
		list[i + 1] = old[i];
	list[n + 1] = NULL;
	environ = list;
	loading = 1;
	library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
	loading = 0;
	environ = old;
	free(list);
	return library;
}

static void load(void)
{
	/* its upstream's name, Alpine's, and what a build from source leaves */
	static const char *const names[] = {"libopenblas.so.0", "libopenblas.so.3",
					    "libopenblas.so"};
	void *library = NULL;
	void (*set_threads)(int);

	if (atexit(ended_by_constructor)) {
		err_set(&why, "no memory to load OpenBLAS");
		return;
	}
	for (size_t i = 0; i < sizeof names / sizeof *names && !library; i++) {
		library = open_alone(names[i]);
		if (!library && !why.msg[0])
			err_set(&why, "OpenBLAS (Debian: libopenblas0) cannot be loaded: %s",
				dlerror());
	}
	if (!library)
		return;
	*(void **)&blas.sgemm = dlsym(library, "cblas_sgemm");
	*(void **)&blas.work = dlsym(library, "blas_memory_alloc");
	*(void **)&blas.work_free = dlsym(library, "blas_memory_free");
	*(void **)&set_threads = dlsym(library, "openblas_set_num_threads");
	if (!blas.work || !blas.work_free || !set_threads) {
		blas.sgemm = NULL;
		err_set(&why, "libopenblas.so.0 is no OpenBLAS: it lacks blas_memory_alloc");
		return;
	}
	/* built with OpenMP it goes by that one's number */
	set_threads(1);
}

const struct blas *blas_load(struct err *e)
{
	pthread_once(&once, load);
	if (blas.sgemm)
		return &blas;
	err_set(e, "%s", why.msg);
	return NULL;
}

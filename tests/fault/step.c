/* step: preloaded before a program, ends it with SIGKILL before its N-th step that changes what a
 * directory holds ($FT_STEP_KILL), or has that step fail ($FT_STEP_FAIL); $FT_STEP_COUNT names a file
 * that gets the number of steps. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static long count, kill_at = -1, fail_at = -1;

static long from_environment(const char *name)
{
	const char *at = getenv(name);

	return at ? strtol(at, NULL, 10) : -1;
}

__attribute__((constructor)) static void start(void)
{
	kill_at = from_environment("FT_STEP_KILL");
	fail_at = from_environment("FT_STEP_FAIL");
}

__attribute__((destructor)) static void stop(void)
{
	const char *path = getenv("FT_STEP_COUNT");
	FILE *f = path ? fopen(path, "w") : NULL;

	if (f) {
		fprintf(f, "%ld\n", count);
		fclose(f);
	}
}

/* Whether this step is to fail. */
static int step(void)
{
	count++;
	if (count == kill_at)
		kill(getpid(), SIGKILL);
	if (count == fail_at)
		errno = EIO;
	return count == fail_at;
}

#define REAL(name) ((name##_call *)dlsym(RTLD_NEXT, #name))

typedef int rename_call(const char *, const char *);
typedef int renameat2_call(int, const char *, int, const char *, unsigned);
typedef int link_call(const char *, const char *);
typedef int linkat_call(int, const char *, int, const char *, int);
typedef int unlink_call(const char *);
typedef int mkdir_call(const char *, mode_t);
typedef int rmdir_call(const char *);
typedef int fsync_call(int);

int rename(const char *from, const char *to)
{
	return step() ? -1 : REAL(rename)(from, to);
}

int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
	return step() ? -1 : REAL(renameat2)(from_dir, from, to_dir, to, flags);
}

int link(const char *from, const char *to)
{
	return step() ? -1 : REAL(link)(from, to);
}

int linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
	return step() ? -1 : REAL(linkat)(from_dir, from, to_dir, to, flags);
}

int unlink(const char *path)
{
	return step() ? -1 : REAL(unlink)(path);
}

int mkdir(const char *path, mode_t mode)
{
	return step() ? -1 : REAL(mkdir)(path, mode);
}

int rmdir(const char *path)
{
	return step() ? -1 : REAL(rmdir)(path);
}

int fsync(int fd)
{
	return step() ? -1 : REAL(fsync)(fd);
}

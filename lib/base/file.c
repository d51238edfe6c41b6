/* file: reading with ceilings, mapping, and atomic writing. See file.h. */
#include "file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "mem.h"

#define TEMPORARY ".ft-" /* between a target's name and mkstemp's six characters */
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

int file_read(const char *path, size_t max, struct buf *b, struct err *e)
{
	int use_stdin = strcmp(path, "-") == 0;
	const char *name = use_stdin ? "standard input" : path;
	int fd = use_stdin ? 0 : open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(e, "%s", name);
	int rc = -1;
	size_t total = 0;
	for (;;) {
		if (buf_reserve(b, 65536)) {
			err_set(e, "%s: too large to read whole", name);
			goto cleanup;
		}
		ssize_t n = read(fd, b->data + b->len, 65536);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			err_errno(e, "%s", name);
			goto cleanup;
		}
		if (n == 0)
			break;
		total += (size_t)n;
		if (total > max) {
			err_set(e, "%s: larger than %zu bytes", name, max);
			goto cleanup;
		}
		b->len += (size_t)n;
		b->data[b->len] = 0;
	}
	rc = 0;
cleanup:
	if (!use_stdin)
		close(fd);
	return rc;
}

int file_map(const char *path, struct file_map *m, struct err *e)
{
	*m = (struct file_map){0};
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(e, "%s", path);
	int rc = -1;
	struct stat st;
	if (fstat(fd, &st)) {
		err_errno(e, "%s", path);
		goto cleanup;
	}
	if (!S_ISREG(st.st_mode)) {
		err_set(e, "%s: not a regular file", path);
		goto cleanup;
	}
	if (st.st_size > 0) {
		void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (p == MAP_FAILED) {
			err_errno(e, "%s", path);
			goto cleanup;
		}
		m->data = p;
		m->len = (size_t)st.st_size;
	}
	rc = 0;
cleanup:
	close(fd);
	return rc;
}

void file_unmap(struct file_map *m)
{
	if (m->data)
		munmap((void *)(uintptr_t)m->data, m->len);
	*m = (struct file_map){0};
}

/* Temporaries that are neither committed nor aborted yet: removed when the program ends early, say
 * for lack of memory. State of the whole process, for only the process knows its end. */
static struct {
	char **tmp;
	size_t n, cap;
	int registered;
} pending;

char *file_temporary_of(const char *name)
{
	size_t n = strlen(name), tail = strlen(TEMPORARY) + 6;

	return n > tail && strncmp(name + n - tail, TEMPORARY, strlen(TEMPORARY)) == 0 &&
			       strspn(name + n - 6, LETTERS) == 6
		       ? mem_strndup(name, n - tail)
		       : NULL;
}

static int is_own_file(int fd)
{
	struct stat st;
	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid();
}

/* Whoever writes a temporary holds a lock on it, so what is not locked is what a killed one left. */
static void clear_left(const char *target)
{
	char *path = mem_strdup(target), *copy = mem_strdup(target);
	const char *name = basename(path);
	DIR *d = opendir(dirname(copy));
	for (struct dirent *entry; d && (entry = readdir(d));) {
		char *of = file_temporary_of(entry->d_name);
		int fd = of && strcmp(of, name) == 0
				 ? openat(dirfd(d), entry->d_name,
					  O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
				 : -1;
		if (fd >= 0 && is_own_file(fd) && flock(fd, LOCK_EX | LOCK_NB) == 0)
			unlinkat(dirfd(d), entry->d_name, 0);
		if (fd >= 0)
			close(fd);
		free(of);
	}
	if (d)
		closedir(d);
	free(path);
	free(copy);
}

void file_abort_pending(void)
{
	for (size_t i = 0; i < pending.n; i++)
		unlink(pending.tmp[i]);
	pending.n = 0;
}

/* Before the file is made, so that nothing can fail between its making and its being remembered. */
static void make_room(void)
{
	if (!pending.registered)
		pending.registered = atexit(file_abort_pending) == 0;
	pending.tmp = mem_grow(pending.tmp, &pending.cap, pending.n + 1, sizeof *pending.tmp);
}

static void forget(const char *tmp)
{
	for (size_t i = 0; i < pending.n; i++)
		if (pending.tmp[i] == tmp) {
			pending.tmp[i] = pending.tmp[--pending.n];
			return;
		}
}

/* The number of the open file that a path names, -1 where it names none. */
static int number_of(const char *path)
{
	static const char *const dirs[] = {"/dev/fd/", "/proc/self/fd/"};
	if (strcmp(path, "/dev/stdout") == 0)
		return STDOUT_FILENO;
	if (strcmp(path, "/dev/stderr") == 0)
		return STDERR_FILENO;
	for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++) {
		const char *number = path + strlen(dirs[i]);
		if (strncmp(path, dirs[i], strlen(dirs[i])) == 0 && *number && strlen(number) < 9 &&
		    number[strspn(number, "0123456789")] == 0)
			return atoi(number);
	}
	return -1;
}

/* What the path leads to, which need not be there. free() it; NULL with the reason. */
static char *follow_links(const char *path, struct err *e)
{
	char *at = mem_strdup(path), to[4096];
	for (int links = 0; links < 40; links++) {
		ssize_t n = readlink(at, to, sizeof to - 1);
		if (n < 0)
			return at; /* no link, or not there: whoever opens it says what is wrong */
		to[n] = 0;
		char *copy = at;
		at = *to == '/' ? mem_strdup(to) : file_join(dirname(copy), to);
		free(copy);
	}
	free(at);
	err_set(e, "%s: too many symbolic links", path);
	return NULL;
}

/* A descriptor of what has no old contents to keep; -1: it is a regular file, a directory or
 * nothing yet; -2 with the reason. */
static int open_directly(const char *path, struct err *e)
{
	struct stat st;
	int number = number_of(path), fd;
	if (number < 0 && (stat(path, &st) || S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)))
		return -1;
	/* Opened again by its name, an open file would be written from its beginning. */
	fd = number >= 0 ? fcntl(number, F_DUPFD_CLOEXEC, 0) : open(path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	err_errno(e, "%s", path);
	return -2;
}

/* A new temporary of that target, locked; -1 with errno. */
static int make_temporary(const char *target, struct buf *tmp)
{
	struct stat st;
	for (;;) {
		buf_clear(tmp);
		buf_addf(tmp, "%s" TEMPORARY "XXXXXX", target);
		int fd = mkostemp(tmp->data, O_CLOEXEC);
		if (fd < 0)
			return -1;
		/* Without a name it was taken for a killed writer's before it was locked. Where there
		 * are no locks, nobody takes it. */
		if (flock(fd, LOCK_EX) || fstat(fd, &st) || st.st_nlink > 0)
			return fd;
		close(fd);
	}
}

/* A descriptor of a temporary beside the target, -1. */
static int open_beside(struct file_new *w, struct err *e)
{
	struct buf tmp = BUF_INIT;
	if (!(w->target = follow_links(w->path, e)))
		return -1;
	clear_left(w->target);
	make_room();
	int fd = make_temporary(w->target, &tmp);
	if (fd < 0) {
		err_errno(e, "%s", w->path);
		buf_release(&tmp);
		return -1;
	}
	w->tmp = buf_detach(&tmp, NULL);
	pending.tmp[pending.n++] = w->tmp;
	mode_t mask = umask(0);
	umask(mask);
	fchmod(fd, 0666 & ~mask);
	return fd;
}

int file_begin(const char *path, struct file_new *w, struct err *e)
{
	*w = (struct file_new){.path = mem_strdup(path)};
	int fd = open_directly(path, e);
	if (fd == -1)
		fd = open_beside(w, e);
	if (fd >= 0 && !(w->f = fdopen(fd, "w"))) {
		err_errno(e, "%s", path);
		close(fd);
	}
	if (w->f)
		return 0;
	file_abort(w);
	return -1;
}

static void release(struct file_new *w)
{
	free(w->path);
	free(w->tmp);
	free(w->target);
	*w = (struct file_new){0};
}

void file_abort(struct file_new *w)
{
	if (w->f)
		fclose(w->f);
	if (w->tmp) {
		unlink(w->tmp);
		forget(w->tmp);
	}
	release(w);
}

void file_sync_dir(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
}

static void sync_dir_of(const char *path)
{
	char *copy = mem_strdup(path);
	file_sync_dir(dirname(copy));
	free(copy);
}

int file_commit(struct file_new *w, struct err *e)
{
	int bad = ferror(w->f);
	errno = bad ? EIO : 0;
	if (fflush(w->f) || bad || (w->tmp && fsync(fileno(w->f)))) {
		err_errno(e, "%s", w->path);
		file_abort(w);
		return -1;
	}
	/* locked until it has its name; once it is synced, closing has nothing left to fail with */
	if (w->tmp && rename(w->tmp, w->target)) {
		err_errno(e, "%s", w->path);
		file_abort(w);
		return -1;
	}
	FILE *f = w->f;
	w->f = NULL;
	if (fclose(f) && !w->tmp) {
		err_errno(e, "%s", w->path);
		release(w);
		return -1;
	}
	if (w->tmp) {
		forget(w->tmp);
		sync_dir_of(w->target);
	}
	release(w);
	return 0;
}

int file_write(const char *path, const void *p, size_t n, struct err *e)
{
	struct file_new w;
	if (file_begin(path, &w, e))
		return -1;
	/* here the reason is known; commit only sees that there was one */
	if (n && fwrite(p, 1, n, w.f) != n) {
		err_errno(e, "%s", path);
		file_abort(&w);
		return -1;
	}
	return file_commit(&w, e);
}

int file_is_dir(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int file_exists(const char *path)
{
	return access(path, F_OK) == 0;
}

int file_mkdir(const char *path, struct err *e)
{
	char *copy = mem_strdup(path);
	int rc = 0;
	for (char *p = copy + 1; rc == 0; p++) {
		if (*p != '/' && *p != 0)
			continue;
		char c = *p;
		*p = 0;
		if (mkdir(copy, 0777) && errno != EEXIST)
			rc = err_errno(e, "%s", copy);
		*p = c;
		if (!c)
			break;
	}
	if (rc == 0 && !file_is_dir(path))
		rc = err_set(e, "%s: exists and is no directory", path);
	free(copy);
	return rc;
}

char *file_join(const char *dir, const char *name)
{
	struct buf b = BUF_INIT;
	size_t n = strlen(dir);
	buf_adds(&b, dir);
	if (n == 0 || dir[n - 1] != '/')
		buf_addc(&b, '/');
	buf_adds(&b, name);
	return buf_detach(&b, NULL);
}

static const char *scratch_place(void)
{
	const char *dir = getenv("TMPDIR");
	return dir && *dir ? dir : "/tmp";
}

int file_scratch_failed(const char *what, struct err *e)
{
	const char *why = strerror(errno);
	return err_set(e, "%s: cannot keep %s there: %s; name another directory by TMPDIR",
		       scratch_place(), what, why);
}

FILE *file_scratch(struct err *e)
{
	char *path = file_join(scratch_place(), "ft-XXXXXX");
	int fd = mkostemp(path, O_CLOEXEC);
	FILE *f = NULL;
	if (fd >= 0)
		unlink(path);
	if (fd < 0 || !(f = fdopen(fd, "w+")))
		file_scratch_failed("a temporary file", e);
	if (fd >= 0 && !f)
		close(fd);
	free(path);
	return f;
}

char *file_scratch_dir(struct err *e)
{
	char *path = file_join(scratch_place(), "ft-XXXXXX");
	if (mkdtemp(path))
		return path;
	file_scratch_failed("a temporary directory", e);
	free(path);
	return NULL;
}

int file_lock(const char *path, const char *what, struct err *e)
{
	struct stat st, named;
	int fd = open(path, (file_is_dir(path) ? O_RDONLY : O_RDWR | O_CREAT) | O_CLOEXEC, 0666);
	if (fd < 0)
		return err_errno(e, "%s", path);
	/* No longer what the name leads to: it was another's, who removed it in between. */
	if (flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &st) == 0) {
		if (stat(path, &named) == 0 && named.st_ino == st.st_ino &&
		    named.st_dev == st.st_dev)
			return fd;
		errno = EWOULDBLOCK;
	}
	if (errno == EWOULDBLOCK)
		err_set(e, "%s: in use by another process; try again when that has ended", what);
	else
		err_errno(e, "%s: cannot be locked", path);
	close(fd);
	return -1;
}

void file_remove_dir(const char *dir)
{
	DIR *d = opendir(dir);
	if (!d)
		return;
	struct dirent *entry;
	while ((entry = readdir(d)))
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(d), entry->d_name, 0);
	closedir(d);
	rmdir(dir);
}

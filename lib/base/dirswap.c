/* dirswap: see the header. */
#include "dirswap.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "buf.h"
#include "file.h"
#include "mem.h"

enum how { NO_REPLACE = 1, EXCHANGE = 2 }; /* linux/fs.h */

/* renameat2 by its number: musl has no function for it before 1.2.5. */
static int rename_as(const char *from, const char *to, enum how how)
{
	return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, how);
}

/* The directory's name with a dot before it and .new behind, so that the next run knows it. */
static char *name_beside(const char *dir)
{
	char *copy = mem_strdup(dir), *other = mem_strdup(dir);
	struct buf name = BUF_INIT;

	buf_addf(&name, ".%s.new", basename(copy));
	char *path = file_join(dirname(other), name.data);
	buf_release(&name);
	free(copy);
	free(other);
	return path;
}

static int same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev;
}

/* Calls visit for each entry until it returns non-zero, which is returned; -1 where dir cannot be
 * read. */
static int each_entry(struct dirswap *s, const char *dir,
		      int (*visit)(struct dirswap *s, const char *path, const char *name))
{
	DIR *d = opendir(dir);
	int rc = 0;

	if (!d)
		return -1;
	for (struct dirent *entry; !rc && (entry = readdir(d));) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		char *path = file_join(dir, entry->d_name);
		rc = visit(s, path, entry->d_name);
		free(path);
	}
	closedir(d);
	return rc;
}

/* Of the directory that was put aside, or was never put in place: what is ours, or stands in the
 * directory too, goes; what somebody made there meanwhile moves over. */
static int clear_entry(struct dirswap *s, const char *path, const char *name)
{
	struct stat st, kept;
	char *there = file_join(s->dir, name);
	int known = lstat(path, &st) == 0 && lstat(there, &kept) == 0 && same_file(&st, &kept);

	char *target = file_temporary_of(name);
	if (known || s->replaced(target ? target : name))
		unlink(path);
	else
		rename_as(path, there, NO_REPLACE);
	free(target);
	free(there);
	return 0;
}

static void clear_next(struct dirswap *s)
{
	each_entry(s, s->next, clear_entry);
	rmdir(s->next);
}

static int link_entry(struct dirswap *s, const char *path, const char *name)
{
	struct stat st;

	if (lstat(path, &st))
		return -1;
	if (s->replaced(name))
		return S_ISREG(st.st_mode) ? 0 : -1;
	if (S_ISDIR(st.st_mode))
		return -1;
	char *to = file_join(s->next, name);
	int rc = linkat(AT_FDCWD, path, AT_FDCWD, to, 0);
	free(to);
	return rc;
}

/* Whether this process stands in dir or below it: whoever does would stand in the old one after. */
static int works_in(const char *dir)
{
	char here[4096];
	size_t n = strlen(dir);

	return !getcwd(here, sizeof here) ||
	       (strncmp(here, dir, n) == 0 && (here[n] == 0 || here[n] == '/'));
}

/* Whether the system knows the step at all: tried on two empty directories. */
static int can_exchange(const char *next)
{
	struct buf other = BUF_INIT;

	buf_addf(&other, "%s.try", next);
	rmdir(other.data); /* a killed run's */
	int can = mkdir(other.data, 0700) == 0 && rename_as(next, other.data, EXCHANGE) == 0;
	rmdir(other.data);
	buf_release(&other);
	return can;
}

static int make_next(struct dirswap *s, const struct stat *st)
{
	struct stat made;
	struct err e;

	if (lstat(s->next, &made) == 0) {
		if (!S_ISDIR(made.st_mode) || made.st_uid != geteuid())
			return -1;
		clear_next(s);
	}
	if (mkdir(s->next, 0700))
		return -1;
	if (!can_exchange(s->next) || stat(s->next, &made) || made.st_dev != st->st_dev ||
	    (made.st_gid != st->st_gid && chown(s->next, (uid_t)-1, st->st_gid)) ||
	    chmod(s->next, st->st_mode & 07777) || (s->lock = file_lock(s->next, s->next, &e)) < 0)
		return -1;
	return 0;
}

static void release(struct dirswap *s)
{
	if (s->lock >= 0)
		close(s->lock);
	free(s->dir);
	free(s->next);
	*s = (struct dirswap){.lock = -1};
}

int dirswap_begin(struct dirswap *s, const char *dir, int (*replaced)(const char *name))
{
	struct stat st;

	*s = (struct dirswap){.replaced = replaced, .lock = -1, .dir = realpath(dir, NULL)};
	if (!s->dir || strcmp(s->dir, "/") == 0 || works_in(s->dir) || stat(s->dir, &st) ||
	    st.st_uid != geteuid())
		goto cannot;
	s->next = name_beside(s->dir);
	if (!make_next(s, &st) && !each_entry(s, s->dir, link_entry))
		return 1;
	if (file_is_dir(s->next))
		clear_next(s);
cannot:
	release(s);
	return 0;
}

int dirswap_commit(struct dirswap *s, struct err *e)
{
	file_sync_dir(s->next);
	if (rename_as(s->next, s->dir, EXCHANGE))
		return err_errno(e, "%s", s->dir);
	char *parent = mem_strdup(s->dir);
	file_sync_dir(dirname(parent));
	free(parent);
	clear_next(s);
	release(s);
	return 0;
}

void dirswap_abort(struct dirswap *s)
{
	if (s->next)
		clear_next(s);
	release(s);
}

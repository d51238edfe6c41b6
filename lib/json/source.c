/* source: a spool for pipes; see the header. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "../base/file.h"
#include "../base/mem.h"
#include "source.h"

static int write_all(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t k = write(fd, p, n);
		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return -1;
		p += k;
		n -= (size_t)k;
	}
	return 0;
}

/* Copies what from reads; returns the copy, or -1. */
static int spool(int from, const char *name, int (*stopping)(void), struct err *e)
{
	const char *dir = getenv("TMPDIR");
	char *path = file_join(dir && *dir ? dir : "/tmp", "ft-split.XXXXXX");
	char *chunk = mem_alloc(1 << 18, 1);
	int to = mkstemp(path), bad = 0;

	if (to < 0) {
		err_errno(e, "%s: cannot keep a copy of %s", path, name);
		goto cleanup;
	}
	unlink(path);
	while (!stopping || !stopping()) {
		ssize_t n = read(from, chunk, 1 << 18);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			bad = err_errno(e, "%s", name);
		if (n <= 0)
			break;
		if (write_all(to, chunk, (size_t)n)) {
			bad = err_errno(e, "%s: cannot keep a copy of %s", path, name);
			break;
		}
	}
	if (bad) {
		close(to);
		to = -1;
	}
cleanup:
	free(chunk);
	free(path);
	return to;
}

/* What is no regular file gets a copy; reasons about the rest are the reader's business. */
static int open_one(struct source *s, size_t i, const char *name, int (*stopping)(void),
		    struct err *e)
{
	struct stat st;
	int from;

	s->files[i] = s->given[i] ? s->given[i] : (char *)(uintptr_t)name;
	s->fds[i] = -1;
	if (strcmp(name, "-") == 0)
		from = dup(0);
	else if (stat(name, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		from = open(name, O_RDONLY);
	else
		return 0;
	if (from < 0)
		return err_errno(e, "%s", name);
	s->fds[i] = spool(from, strcmp(name, "-") == 0 ? "standard input" : name, stopping, e);
	close(from);
	if (s->fds[i] < 0)
		return -1;
	s->copies[i] = mem_alloc(32, 1);
	snprintf(s->copies[i], 32, "/dev/fd/%d", s->fds[i]);
	s->files[i] = s->copies[i];
	return 0;
}

int source_open(struct source *s, char **files, int (*stopping)(void), struct err *e)
{
	size_t n = 0;

	while (files[n])
		n++;
	*s = (struct source){.given = files, .n = n ? n : 1};
	s->files = mem_alloc(s->n + 1, sizeof *s->files);
	s->copies = mem_alloc(s->n + 1, sizeof *s->copies);
	s->fds = mem_alloc(s->n, sizeof *s->fds);
	for (size_t i = 0; i < s->n; i++)
		s->fds[i] = -1;
	for (size_t i = 0; i < s->n; i++) {
		if (open_one(s, i, n ? files[i] : "-", stopping, e))
			return -1;
	}
	return 0;
}

void source_release(struct source *s)
{
	for (size_t i = 0; i < s->n; i++) {
		if (s->fds[i] >= 0)
			close(s->fds[i]);
		free(s->copies[i]);
	}
	free(s->files);
	free(s->copies);
	free(s->fds);
	*s = (struct source){0};
}

void source_explain(const struct source *s, struct err *e)
{
	for (size_t i = 0; i < s->n; i++) {
		size_t n = s->copies[i] ? strlen(s->copies[i]) : 0;
		if (!n || strncmp(e->msg, s->copies[i], n) != 0)
			continue;
		struct err was = *e;
		const char *name = s->given[i] && strcmp(s->given[i], "-") != 0 ? s->given[i]
										: "standard input";
		err_set(e, "%s%s", name, was.msg + n);
		return;
	}
}

/* In pieces that overlap, so that no hit is cut in two. */
static int mentions(int fd, const char *bytes, char *chunk, size_t size)
{
	size_t n = strlen(bytes), have = 0;

	for (;;) {
		ssize_t got = read(fd, chunk + have, size - have);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return 0;
		have += (size_t)got;
		if (memmem(chunk, have, bytes, n))
			return 1;
		size_t keep = have < n - 1 ? have : n - 1;
		memmove(chunk, chunk + have - keep, keep);
		have = keep;
	}
}

int source_mentions(char **files, const char *bytes)
{
	size_t size = 1 << 18;
	char *chunk = mem_alloc(size, 1);
	int found = 0;

	for (size_t i = 0; files[i] && !found; i++) {
		struct stat st;
		if (strcmp(files[i], "-") == 0 || stat(files[i], &st) || !S_ISREG(st.st_mode))
			continue;
		int fd = open(files[i], O_RDONLY);
		if (fd < 0)
			continue;
		found = mentions(fd, bytes, chunk, size);
		close(fd);
	}
	free(chunk);
	return found;
}

/* source: a spool for pipes; see the header. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "../base/file.h"
#include "../base/mem.h"
#include "source.h"

/* A copy of what from reads; NULL with the reason. */
static FILE *spool(int from, const char *name, int (*stopping)(void), struct err *e)
{
	FILE *copy = file_scratch(e);
	char *chunk = mem_alloc(1 << 18, 1), what[256];
	int bad = !copy;

	snprintf(what, sizeof what, "a copy of %s", name);
	while (!bad && (!stopping || !stopping())) {
		ssize_t n = read(from, chunk, 1 << 18);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			bad = err_errno(e, "%s", name);
		if (n <= 0)
			break;
		if (fwrite(chunk, 1, (size_t)n, copy) != (size_t)n)
			bad = file_scratch_failed(what, e);
	}
	if (!bad && fflush(copy))
		bad = file_scratch_failed(what, e);
	free(chunk);
	if (copy && bad)
		fclose(copy);
	return bad ? NULL : copy;
}

static void keep(struct source *s, size_t i, FILE *copy)
{
	s->copies[i] = copy;
	s->files[i] = mem_alloc(32, 1);
	snprintf(s->files[i], 32, "/dev/fd/%d", fileno(copy));
}

static void make_room(struct source *s, size_t n)
{
	*s = (struct source){.n = n};
	s->files = mem_alloc(n + 1, sizeof *s->files);
	s->names = mem_alloc(n + 1, sizeof *s->names);
	s->copies = mem_alloc(n, sizeof *s->copies);
}

/* What is no regular file gets a copy; reasons about the rest are the reader's business. */
static int open_one(struct source *s, size_t i, char *given, int (*stopping)(void), struct err *e)
{
	int from, standard = strcmp(given, "-") == 0;
	struct stat st;

	s->files[i] = given;
	s->names[i] = standard ? "standard input" : given;
	if (standard)
		from = dup(0);
	else if (stat(given, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		from = open(given, O_RDONLY);
	else
		return 0;
	if (from < 0)
		return err_errno(e, "%s", s->names[i]);
	FILE *copy = spool(from, s->names[i], stopping, e);
	close(from);
	if (!copy)
		return -1;
	keep(s, i, copy);
	return 0;
}

int source_open(struct source *s, char **files, int (*stopping)(void), struct err *e)
{
	static char *standard[] = {"-", NULL};
	size_t n = 0;

	if (!*files)
		files = standard;
	while (files[n])
		n++;
	make_room(s, n);
	for (size_t i = 0; i < n; i++)
		if (open_one(s, i, files[i], stopping, e))
			return -1;
	return 0;
}

void source_take(struct source *s, FILE *copy, const char *name)
{
	make_room(s, 1);
	keep(s, 0, copy);
	s->names[0] = name;
}

void source_release(struct source *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->copies[i]) {
			fclose(s->copies[i]);
			free(s->files[i]);
		}
	free(s->files);
	free(s->names);
	free(s->copies);
	*s = (struct source){0};
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

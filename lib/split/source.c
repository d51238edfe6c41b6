/* source: a spool for pipes; see the header. */
#include <errno.h>
#include <fcntl.h>
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

static int spool(struct source *s, int (*stopping)(void), struct err *e)
{
	const char *dir = getenv("TMPDIR");
	char *name = file_join(dir && *dir ? dir : "/tmp", "ft-split.XXXXXX");
	char *chunk = mem_alloc(1 << 18, 1);
	int bad = 0;

	s->fd = mkstemp(name);
	if (s->fd < 0) {
		bad = err_errno(e, "%s: cannot keep a copy of standard input", name);
		goto cleanup;
	}
	unlink(name);
	while (!stopping || !stopping()) {
		ssize_t n = read(0, chunk, 1 << 18);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			bad = err_errno(e, "standard input");
		if (n <= 0)
			break;
		if (write_all(s->fd, chunk, (size_t)n)) {
			bad = err_errno(e, "%s: cannot keep a copy of standard input", name);
			break;
		}
	}
	snprintf(s->copy, sizeof s->copy, "/dev/fd/%d", s->fd);
cleanup:
	free(chunk);
	free(name);
	return bad;
}

int source_open(struct source *s, char **files, int (*stopping)(void), struct err *e)
{
	size_t n = 0;

	*s = (struct source){.given = files, .fd = -1};
	while (files[n])
		n++;
	s->files = mem_alloc(n + 2, sizeof *s->files);
	if (n == 0 || (n == 1 && strcmp(files[0], "-") == 0)) {
		if (spool(s, stopping, e))
			return -1;
		s->files[0] = s->copy;
		return 0;
	}
	for (size_t i = 0; i < n; i++) {
		s->files[i] = files[i];
		if (strcmp(files[i], "-") != 0)
			continue;
		if (s->fd < 0 && spool(s, stopping, e))
			return -1;
		s->files[i] = s->copy;
	}
	return 0;
}

void source_release(struct source *s)
{
	free(s->files);
	if (s->fd >= 0)
		close(s->fd);
	*s = (struct source){.fd = -1};
}

void source_explain(const struct source *s, struct err *e)
{
	size_t n = strlen(s->copy);

	if (s->fd < 0 || strncmp(e->msg, s->copy, n) != 0)
		return;
	struct err was = *e;
	e->msg[0] = 0;
	err_set(e, "standard input%s", was.msg + n);
}

int source_mentions(char **files, const char *bytes)
{
	int found = 0;

	for (size_t i = 0; files[i] && !found; i++) {
		struct file_map m;
		struct stat st;
		if (strcmp(files[i], "-") == 0 || stat(files[i], &st) || !S_ISREG(st.st_mode))
			continue;
		if (file_map(files[i], &m, NULL))
			continue;
		found = m.len > 0 && memmem(m.data, m.len, bytes, strlen(bytes)) != NULL;
		file_unmap(&m);
	}
	return found;
}

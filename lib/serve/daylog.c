/* daylog: see daylog.h. */
#include "daylog.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "../base/file.h"
#include "../base/mem.h"
#include "../text/date.h"

#define QUEUE_MAX ((size_t)64 << 20)
#define TAIL_BYTES 65536
#define JUMP_SECONDS 3600

struct daylog {
	char *dir; /* NULL: a stream */
	long keep;
	int fd;	 /* of today's file, or the stream */
	int own; /* the stream was opened anew, so that it does not block */
	int socket;
	char name[16]; /* of today's file, "2026-11-28" */
	char *path;
	struct buf queue; /* of the stream, whole lines but for the first */
	size_t sent;	  /* of the queue */
	size_t lost;
	long swept;	/* the day when files were looked through */
	double ahead;	/* of the clock since the boot, at the last look; 0: none */
	double doubted; /* until when of that clock the day is not believed */
	int gone;	/* the stream's reader went away */
};

struct daylog *daylog_open(const char *dir, int fd, long keep, struct err *e)
{
	struct daylog *l;
	struct stat st;
	char self[64];

	if (dir && file_mkdir(dir, e))
		return NULL;
	if (dir && access(dir, W_OK | X_OK)) {
		err_errno(e, "%s", dir);
		return NULL;
	}
	l = mem_alloc(1, sizeof *l);
	l->keep = keep;
	l->fd = -1;
	l->queue.max = QUEUE_MAX;
	l->swept = -1;
	if (dir) {
		l->dir = mem_strdup(dir);
		return l;
	}
	/* The flag O_NONBLOCK is shared with whoever has the same descriptor (the shell's terminal, the
	 * other end of a pipeline), so the stream is opened once more for this program alone. */
	snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
	l->fd = open(self, O_WRONLY | O_APPEND | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	l->own = l->fd >= 0;
	if (!l->own)
		l->fd = fd;
	l->socket = fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
	return l;
}

void daylog_free(struct daylog *l)
{
	if (!l)
		return;
	if (l->fd >= 0 && (l->dir || l->own))
		close(l->fd);
	free(l->dir);
	free(l->path);
	buf_release(&l->queue);
	free(l);
}

/* Takes away what stands behind the last newline; the file is locked. */
static int mend(int fd)
{
	char tail[TAIL_BYTES];
	off_t end = lseek(fd, 0, SEEK_END), at = end;

	while (at > 0) {
		size_t n = at < (off_t)sizeof tail ? (size_t)at : sizeof tail;
		const char *newline;

		if (pread(fd, tail, n, at - (off_t)n) != (ssize_t)n)
			return -1;
		newline = memrchr(tail, '\n', n);
		if (newline) {
			at = at - (off_t)n + (newline - tail) + 1;
			break;
		}
		at -= (off_t)n;
	}
	return at < end ? ftruncate(fd, at) : 0;
}

static int open_file(struct daylog *l, const char *name, struct err *e)
{
	char file[32];

	if (l->fd >= 0)
		close(l->fd);
	snprintf(l->name, sizeof l->name, "%s", name);
	snprintf(file, sizeof file, "%s.jsonl", name);
	free(l->path);
	l->path = file_join(l->dir, file);
	l->fd = open(l->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (l->fd < 0 && errno == ENOENT) { /* the directory vanished */
		if (file_mkdir(l->dir, e))
			return -1;
		l->fd = open(l->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	}
	if (l->fd < 0)
		return err_errno(e, "%s", l->path);
	if (flock(l->fd, LOCK_EX) || mend(l->fd)) {
		err_errno(e, "%s", l->path);
		close(l->fd);
		l->fd = -1;
		return -1;
	}
	flock(l->fd, LOCK_UN);
	return 0;
}

static void day_of(time_t now, char name[16])
{
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(name, 16, "%Y-%m-%d", &tm);
}

/* Whether the open file still is what stands under its name. */
static int still_there(const struct daylog *l)
{
	struct stat a, b;

	return fstat(l->fd, &a) == 0 && stat(l->path, &b) == 0 && a.st_ino == b.st_ino &&
	       a.st_dev == b.st_dev;
}

static int write_file(struct daylog *l, struct span line, time_t now, struct err *e)
{
	char name[16];
	off_t end;
	ssize_t k;
	int rc = 0;

	day_of(now, name);
	if ((l->fd < 0 || strcmp(name, l->name) != 0 || !still_there(l)) && open_file(l, name, e))
		return -1;
	if (flock(l->fd, LOCK_EX))
		return err_errno(e, "%s", l->path);
	end = lseek(l->fd, 0, SEEK_END);
	k = write(l->fd, line.s, line.n);
	if (k != (ssize_t)line.n) {
		if (k >= 0)
			errno = ENOSPC;
		rc = err_errno(e, "%s", l->path);
		if (k > 0 && end >= 0 && ftruncate(l->fd, end))
			rc = err_errno(e, "%s: a line is cut", l->path);
	}
	flock(l->fd, LOCK_UN);
	return rc;
}

static size_t lines_in(const char *p, size_t n)
{
	size_t lines = 0;

	for (const char *end = p + n; p < end && (p = memchr(p, '\n', (size_t)(end - p))); p++)
		lines++;
	return lines;
}

size_t daylog_flush(struct daylog *l)
{
	while (l->sent < l->queue.len && !l->gone) {
		const char *p = l->queue.data + l->sent;
		size_t n = l->queue.len - l->sent;
		ssize_t k = l->socket ? send(l->fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL)
				      : write(l->fd, p, n);

		if (k >= 0) {
			l->sent += (size_t)k;
		} else if (errno == EAGAIN) {
			break;
		} else if (errno != EINTR) {
			l->lost += lines_in(p, n);
			l->sent = l->queue.len;
			l->gone = errno == EPIPE;
		}
	}
	if (l->sent == l->queue.len) {
		buf_clear(&l->queue);
		l->sent = 0;
	} else if (l->sent > l->queue.len / 2) {
		memmove(l->queue.data, l->queue.data + l->sent, l->queue.len - l->sent);
		l->queue.len -= l->sent;
		l->sent = 0;
	}
	return l->queue.len - l->sent;
}

static int write_stream(struct daylog *l, struct span line, struct err *e)
{
	struct stat st;

	if (l->gone)
		return err_set(e, "standard output: its reader went away");
	/* A file is written as those of a directory are. */
	if (l->own && fstat(l->fd, &st) == 0 && S_ISREG(st.st_mode)) {
		off_t end = st.st_size;
		ssize_t k = write(l->fd, line.s, line.n);

		if (k == (ssize_t)line.n)
			return 0;
		if (k >= 0)
			errno = ENOSPC;
		err_errno(e, "standard output");
		return k > 0 && ftruncate(l->fd, end)
			       ? err_errno(e, "standard output: a line is cut")
			       : -1;
	}
	if (l->queue.len - l->sent + line.n > QUEUE_MAX)
		return err_set(e, "standard output: its reader is too slow");
	buf_addspan(&l->queue, line);
	daylog_flush(l);
	if (l->lost) {
		l->lost--;
		return err_errno(e, "standard output");
	}
	return 0;
}

int daylog_write(struct daylog *l, struct span line, time_t now, struct err *e)
{
	struct buf whole = BUF_INIT;
	int rc;

	if (buf_addspan(&whole, line) || buf_addc(&whole, '\n')) {
		buf_release(&whole);
		return err_set(e, "a record too long to write");
	}
	rc = l->dir ? write_file(l, buf_span(&whole), now, e)
		    : write_stream(l, buf_span(&whole), e);
	buf_release(&whole);
	return rc;
}

int daylog_waits(const struct daylog *l)
{
	return !l->dir && l->queue.len > l->sent ? l->fd : -1;
}

size_t daylog_lost(struct daylog *l)
{
	size_t n = l->lost;

	l->lost = 0;
	return n;
}

/* A clock that jumped is not believed for a day: what was removed does not come back. */
static int is_believed(struct daylog *l, time_t now)
{
	struct timespec t;
	double since, ahead;

	clock_gettime(CLOCK_BOOTTIME, &t);
	since = (double)t.tv_sec;
	ahead = (double)now - since;
	if (l->ahead != 0 && fabs(ahead - l->ahead) > JUMP_SECONDS)
		l->doubted = since + 86400;
	l->ahead = ahead;
	return since >= l->doubted;
}

void daylog_sweep(struct daylog *l, time_t now)
{
	long today = (long)(now / 86400);
	struct dirent *d;
	DIR *dir;

	if (!l->dir || l->keep <= 0 || !is_believed(l, now) || today == l->swept ||
	    !(dir = opendir(l->dir)))
		return;
	l->swept = today;
	while ((d = readdir(dir))) {
		struct date date;
		int end = 0;
		char *path;

		/* Only what this program names so is its own. */
		if (strlen(d->d_name) != 16 ||
		    sscanf(d->d_name, "%4d-%2d-%2d.jsonl%n", &date.year, &date.month, &date.day,
			   &end) != 3 ||
		    end != 16 || !date_is_valid(date) || today - date_days(date) <= l->keep)
			continue;
		path = file_join(l->dir, d->d_name);
		unlink(path);
		free(path);
	}
	closedir(dir);
}

/* reader: lines from files, records from lines. See reader.h. */
#include "reader.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "../base/mem.h"
#include "../base/prog.h"
#include "foreign.h"

#define READ_SIZE ((size_t)256 << 10)

void reader_init(struct reader *r, char **files)
{
	*r = (struct reader){.files = files, .fd = -1, .name = "standard input", .bytes = -1};
}

void reader_start(struct reader *r, char **files, int skip_bad)
{
	reader_init(r, files);
	r->skip_bad = skip_bad;
	r->on_bad = prog_skipped;
	r->stopping = prog_stopping;
}

void reader_init_like(struct reader *r, char **files, const struct reader *how)
{
	reader_init(r, files);
	r->skip_bad = how->skip_bad;
	r->on_bad = how->on_bad;
	r->arg = how->arg;
	r->stopping = how->stopping;
}

static void close_file(struct reader *r)
{
	if (r->fd > 0)
		close(r->fd);
	r->fd = -1;
	r->opened = 0;
}

void reader_release(struct reader *r)
{
	close_file(r);
	free(r->data);
	r->data = NULL;
}

/* Opens the next file. 1, 0 when there is none left, -1. */
static int open_next(struct reader *r, struct err *e)
{
	int none = !r->files || !r->files[0];
	if (none ? r->next > 0 : !r->files[r->next])
		return 0;
	const char *path = none ? "-" : r->files[r->next],
		   *name = r->names && !none ? r->names[r->next] : path;
	r->next++;
	r->line = 0;
	r->len = r->at = 0;
	r->eof = 0;
	if (strcmp(path, "-") == 0) {
		r->name = "standard input";
		r->fd = STDIN_FILENO;
	} else {
		r->name = name;
		r->fd = open(path, O_RDONLY | O_CLOEXEC);
		if (r->fd < 0)
			return err_errno(e, "%s", name);
	}
	r->opened = 1;
	return 1;
}

static int stopped(const struct reader *r)
{
	return r->stopping && r->stopping();
}

/* Reads more behind what is buffered. 1, 0 at the end of the file (or when asked to stop), -1. */
static int fill(struct reader *r, struct err *e)
{
	if (r->at > 0) {
		memmove(r->data, r->data + r->at, r->len - r->at);
		r->len -= r->at;
		r->at = 0;
	}
	if (r->len > READER_LINE_MAX)
		return err_set(e, "%s:%zu: the line is longer than %zu MiB", r->name, r->line + 1,
			       READER_LINE_MAX >> 20);
	r->data = mem_grow(r->data, &r->cap, r->len + READ_SIZE, 1);
	for (;;) {
		ssize_t n = read(r->fd, r->data + r->len, r->cap - r->len);
		if (n < 0 && errno == EINTR) {
			if (stopped(r))
				return 0;
			continue;
		}
		if (n < 0)
			return err_errno(e, "%s", r->name);
		if (n == 0)
			r->eof = 1;
		r->len += (size_t)n;
		if (r->line == 0 && (size_t)n == r->len &&
		    foreign_file(r->name, (struct span){r->data, r->len}, e))
			return -1;
		return n > 0;
	}
}

/* The next line has this many bytes. */
static void pass(struct reader *r, size_t n)
{
	r->at += n;
	r->taken += (double)n;
	r->line++;
}

/* The next line without its newline. 1, 0 at the end of the file, -1. *whole: it ended with a
 * newline. */
static int next_line(struct reader *r, struct span *line, int *whole, struct err *e)
{
	size_t seen = 0;
	for (;;) {
		char *start = r->data ? r->data + r->at : NULL; /* NULL before the first read */
		size_t have = r->len - r->at;
		char *nl = have > seen ? memchr(start + seen, '\n', have - seen) : NULL;
		if (nl) {
			*line = (struct span){start, (size_t)(nl - start)};
			*whole = 1;
			pass(r, line->n + 1);
			return 1;
		}
		seen = have;
		if (r->eof) {
			if (!have)
				return 0;
			*line = (struct span){start, have};
			*whole = 0;
			pass(r, have);
			return 1;
		}
		int rc = fill(r, e);
		if (rc < 0)
			return -1;
		if (rc == 0 && !r->eof)
			return 0; /* asked to stop */
	}
}

static int blank(struct span line)
{
	for (size_t i = 0; i < line.n; i++)
		if (!memchr(" \t\r", line.s[i], 3))
			return 0;
	return 1;
}

int reader_line(struct reader *r, struct span *line, int *whole, struct err *e)
{
	for (;;) {
		if (stopped(r))
			return 0;
		if (!r->opened) {
			int rc = open_next(r, e);
			if (rc <= 0)
				return rc;
		}
		*whole = 0;
		int rc = next_line(r, line, whole, e);
		if (rc < 0)
			return -1;
		if (rc > 0 && !blank(*line))
			return 1;
		if (rc == 0) {
			if (stopped(r))
				return 0;
			close_file(r);
		}
	}
}

int reader_more(struct reader *r, struct span *line)
{
	for (;;) {
		size_t have = r->len - r->at;
		char *start = r->data + r->at, *nl = have ? memchr(start, '\n', have) : NULL;
		if (!nl || stopped(r))
			return 0;
		*line = (struct span){start, (size_t)(nl - start)};
		pass(r, line->n + 1);
		if (!blank(*line))
			return 1;
	}
}

int reader_skip(struct reader *r, const char *name, size_t line, int whole, struct err *why,
		struct err *e)
{
	if (!whole)
		err_prefix(why, "the last line is incomplete");
	err_prefix(why, "%s:%zu", name, line);
	if (!r->skip_bad) {
		if (e)
			*e = *why;
		return -1;
	}
	r->skipped++;
	if (r->on_bad)
		r->on_bad(r->arg, why);
	return 0;
}

int reader_bad(struct reader *r, struct span text, size_t line, int whole, struct err *why,
	       struct err *e)
{
	struct span rest = {text.s, (size_t)(r->data + r->len - text.s)};

	if (line == 1 && !r->skip_bad && foreign_lines(r->name, rest, e))
		return -1;
	return reader_skip(r, r->name, line, whole, why, e);
}

int reader_at(const struct reader *r, struct err *e)
{
	return err_prefix(e, "%s:%zu", r->name, r->line);
}

void reader_refuse(struct reader *r, const struct record *rec, struct err *why)
{
	struct buf id = BUF_INIT;
	if (record_id(rec, &id, NULL) == 0)
		err_prefix(why, "row %s", id.data);
	reader_at(r, why);
	buf_release(&id);
	r->refused++;
	if (r->on_bad)
		r->on_bad(r->arg, why);
}

int reader_next(struct reader *r, struct record *rec, struct err *e)
{
	struct span line;
	int whole, rc;

	while ((rc = reader_line(r, &line, &whole, e)) > 0) {
		struct err bad = ERR_INIT;
		if (record_parse(rec, line, &bad) == 0) {
			r->rows++;
			return 1;
		}
		if (reader_bad(r, line, r->line, whole, &bad, e))
			return -1;
	}
	return rc;
}

int reader_ready(const struct reader *r)
{
	if (!r->opened || r->eof ||
	    (r->len > r->at && memchr(r->data + r->at, '\n', r->len - r->at)))
		return 1;
	struct pollfd p = {.fd = r->fd, .events = POLLIN};
	return poll(&p, 1, 0) != 0;
}

/* Bytes of all files; 0 where one is none that has a size. */
static double count_bytes(char **files)
{
	double sum = 0;
	struct stat st;

	if (!files || !files[0])
		return fstat(STDIN_FILENO, &st) || !S_ISREG(st.st_mode) ? 0 : (double)st.st_size;
	for (; *files; files++) {
		int rc = strcmp(*files, "-") == 0 ? fstat(STDIN_FILENO, &st) : stat(*files, &st);
		if (rc || !S_ISREG(st.st_mode))
			return 0;
		sum += (double)st.st_size;
	}
	return sum;
}

double reader_expected(struct reader *r)
{
	if (r->bytes < 0)
		r->bytes = count_bytes(r->files);
	return r->taken > 0 && r->taken <= r->bytes ? (double)r->rows * r->bytes / r->taken : 0;
}

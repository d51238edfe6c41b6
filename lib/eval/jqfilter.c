/* jqfilter: the jq process and the two pipes to it. See jqfilter.h. */
#include "jqfilter.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../base/file.h"
#include "../base/mem.h"
#include "../json/json.h"

extern char **environ;

struct jqfilter {
	size_t n;
	pid_t pid;
	int to, from;	  /* a socket to its standard input, a pipe from its standard output */
	FILE *complaints; /* its standard error */
	int (*stopping)(void);
	struct buf in; /* what it answered and was not read yet */
	size_t in_at;
	struct buf reasons;
};

static void write_program(const char *const *expressions, size_t n, struct buf *b)
{
	static const char *const banned[] = {"input", "inputs", "halt", "halt_error"};

	for (size_t i = 0; i < sizeof banned / sizeof *banned; i++)
		buf_addf(b, "def %s: error(\"`%s` has no place in a check\"); ", banned[i],
			 banned[i]);
	buf_adds(b,
		 "def halt_error($status): halt_error; "
		 "def ft_score: if . == true then 1 elif . == false or . == null then 0 elif type == \"number\" then . "
		 "else \"jq gave neither true or false nor a number, but \" + type end; . as $ft | [");
	for (size_t i = 0; i < n; i++)
		/* On a line of its own, for the expression may end in a comment. */
		buf_addf(b,
			 "%s(try ([limit(2; $ft | (%s\n))] | if . == [] then 0 "
			 "elif length > 1 then error(\"the expression gave several results; say which counts, as first(...), any(...) or all(...)\") "
			 "else .[0] | ft_score end) "
			 "catch (\"jq: \" + (tostring | .[:200])))",
			 i > 0 ? "," : "", expressions[i]);
	buf_addc(b, ']');
}

static int start(struct jqfilter *q, const char *program, struct err *e)
{
	const char *jq = getenv("FT_JQ");
	char *argv[] = {(char *)(jq && *jq ? jq : "jq"), "-c", "--unbuffered", (char *)program,
			NULL};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	int in[2] = {-1, -1}, out[2] = {-1, -1}, failed;

	q->complaints = file_scratch(e);
	if (!q->complaints)
		return -1;
	/* A socket, for writing to a pipe whose reader died would end us by SIGPIPE. */
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in) || pipe2(out, O_CLOEXEC)) {
		err_errno(e, "jq: no pipe");
		close(in[0]);
		close(in[1]);
		return -1;
	}
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, in[1], 0);
	posix_spawn_file_actions_adddup2(&files, out[1], 1);
	posix_spawn_file_actions_adddup2(&files, fileno(q->complaints), 2);
	/* A process group of its own: an interrupt at the terminal is ours to handle, and jq is to
	 * finish the record in hand. */
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP);
	posix_spawnattr_setpgroup(&attr, 0);
	failed = posix_spawnp(&q->pid, argv[0], &files, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	close(in[1]);
	close(out[1]);
	q->to = in[0];
	q->from = out[0];
	if (failed) {
		q->pid = -1;
		errno = failed;
		return err_errno(e, "cannot run %s (needed for jq: checks)", argv[0]);
	}
	fcntl(q->to, F_SETFL, O_NONBLOCK);
	return 0;
}

struct jqfilter *jqfilter_start(const char *const *expressions, size_t n, int (*stopping)(void),
				struct err *e)
{
	struct jqfilter *q = mem_alloc(1, sizeof *q);
	struct buf program = BUF_INIT;

	*q = (struct jqfilter){.n = n, .pid = -1, .to = -1, .from = -1, .stopping = stopping};
	write_program(expressions, n, &program);
	if (start(q, program.data, e)) {
		jqfilter_free(q);
		q = NULL;
	}
	buf_release(&program);
	return q;
}

/* jq is gone or out of step: its first line of complaint is the reason. */
static int broken(struct jqfilter *q, const char *what, struct err *e)
{
	char text[600] = "";
	size_t n;

	if (q->pid > 0) {
		close(q->to);
		q->to = -1;
		kill(q->pid, SIGTERM);
		waitpid(q->pid, NULL, 0);
		q->pid = -1;
	}
	rewind(q->complaints);
	n = fread(text, 1, sizeof text - 1, q->complaints);
	text[n] = 0;
	text[strcspn(text, "\n")] = 0;
	return err_set(e, "%s%s%s", what, *text ? ": " : "", text);
}

/* Waits until jq takes or gives bytes; 1 when it gave some, 0 when it may be written to, -1 on
 * trouble. */
static int turn(struct jqfilter *q, int writing, struct err *e)
{
	struct pollfd f[2] = {{.fd = q->from, .events = POLLIN},
			      {.fd = q->to, .events = writing ? POLLOUT : 0}};
	char bytes[16384];
	ssize_t n;

	if (poll(f, writing ? 2 : 1, -1) < 0) {
		if (errno != EINTR)
			return err_errno(e, "jq: poll");
		return q->stopping && q->stopping() ? err_set(e, "interrupted while jq was at work")
						    : 0;
	}
	if (!f[0].revents)
		return 0;
	n = read(q->from, bytes, sizeof bytes);
	if (n < 0)
		return errno == EINTR ? 0 : err_errno(e, "jq: read");
	if (n == 0)
		return broken(q, "jq ended early", e);
	if (buf_add(&q->in, bytes, (size_t)n))
		return broken(q, "jq answers without end", e);
	return 1;
}

static int send_all(struct jqfilter *q, struct span s, struct err *e)
{
	while (s.n > 0) {
		ssize_t n = q->to >= 0 ? send(q->to, s.s, s.n, MSG_NOSIGNAL) : -1;

		if (n > 0) {
			s.s += n;
			s.n -= (size_t)n;
		} else if (q->to >= 0 && (errno == EAGAIN || errno == EINTR)) {
			if (turn(q, 1, e) < 0)
				return -1;
		} else {
			return broken(q, "jq ended early", e);
		}
	}
	return 0;
}

/* One answer line of jq, without its newline; valid until the next call of turn. */
static int receive(struct jqfilter *q, struct span *line, struct err *e)
{
	for (;;) {
		char *start = q->in.data + q->in_at;
		char *end = q->in.len > q->in_at ? memchr(start, '\n', q->in.len - q->in_at) : NULL;

		if (end) {
			*line = (struct span){start, (size_t)(end - start)};
			q->in_at += line->n + 1;
			return 0;
		}
		if (q->in_at > 0) {
			memmove(q->in.data, start, q->in.len - q->in_at);
			q->in.len -= q->in_at;
			q->in_at = 0;
		}
		if (turn(q, 0, e) < 0)
			return -1;
	}
}

static int read_values(struct jqfilter *q, struct span line, double *values, size_t *reason_at,
		       struct err *e)
{
	struct json_iter it = {0};
	struct span all, key, v;
	size_t j = 0;

	if (json_check(line, &all, e) || json_count(all) != q->n)
		return broken(q, "jq answered out of step", e);
	while (json_next(&it, all, &key, &v)) {
		double x;

		reason_at[j] = 0;
		values[j] = NAN;
		if (json_number(v, &x) == 0 && x >= 0 && x <= 1) {
			values[j] = x;
		} else {
			reason_at[j] = q->reasons.len + 1;
			if (json_string(v, &q->reasons))
				buf_adds(&q->reasons, "jq gave a number that is not from 0 to 1");
			buf_addc(&q->reasons, 0);
		}
		j++;
	}
	return 0;
}

int jqfilter_score(struct jqfilter *q, const struct span *lines, size_t n_lines, double *values,
		   const char **why, struct err *e)
{
	size_t *reason_at = mem_alloc(n_lines * q->n, sizeof *reason_at);
	int failed = 0;

	buf_clear(&q->reasons);
	for (size_t i = 0; i < n_lines && !failed; i++)
		failed = send_all(q, lines[i], e) < 0;
	for (size_t i = 0; i < n_lines && !failed; i++) {
		struct span line;

		failed = receive(q, &line, e) ||
			 read_values(q, line, values + i * q->n, reason_at + i * q->n, e);
	}
	for (size_t i = 0; i < n_lines * q->n && !failed; i++)
		why[i] = reason_at[i] > 0 ? q->reasons.data + reason_at[i] - 1 : NULL;
	free(reason_at);
	return failed ? -1 : 0;
}

void jqfilter_free(struct jqfilter *q)
{
	if (!q)
		return;
	if (q->to >= 0)
		close(q->to);
	if (q->from >= 0)
		close(q->from);
	if (q->pid > 0)
		waitpid(q->pid, NULL, 0);
	if (q->complaints)
		fclose(q->complaints);
	buf_release(&q->in);
	buf_release(&q->reasons);
	free(q);
}

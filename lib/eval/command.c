/* command: a handful of child processes watched by one poll loop. See command.h. */
#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../base/mem.h"
#include "../base/progress.h"

extern char **environ;

struct child {
	pid_t pid; /* 0: this place is free */
	/* a socket to its standard input (-1 when all is sent), a pipe from its standard output */
	int in, out;
	struct span rest;
	double deadline;
	int late;
	size_t row;
};

static int start(struct child *c, const char *command, struct span line, size_t row, double timeout,
		 struct err *e)
{
	char *argv[] = {"sh", "-c", (char *)command, NULL};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t usual;
	int in[2], out[2], failed;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in))
		return err_errno(e, "cmd: no pipe");
	if (pipe2(out, O_CLOEXEC)) {
		close(in[0]);
		close(in[1]);
		return err_errno(e, "cmd: no pipe");
	}
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, in[1], 0);
	posix_spawn_file_actions_adddup2(&files, out[1], 1);
	/* A process group of its own, so that a command that takes too long ends with all it
	 * started. */
	posix_spawnattr_init(&attr);
	posix_spawnattr_setpgroup(&attr, 0);
	sigemptyset(&usual);
	sigaddset(&usual, SIGPIPE);
	posix_spawnattr_setsigdefault(&attr, &usual);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF);
	failed = posix_spawn(&c->pid, "/bin/sh", &files, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	close(in[1]);
	close(out[1]);
	if (failed) {
		close(in[0]);
		close(out[0]);
		c->pid = 0;
		errno = failed;
		return err_errno(e, "cmd: cannot run /bin/sh");
	}
	fcntl(in[0], F_SETFL, O_NONBLOCK);
	c->in = in[0];
	c->out = out[0];
	c->rest = line;
	c->row = row;
	c->late = 0;
	c->deadline = progress_clock() + timeout;
	return 0;
}

static void stop_sending(struct child *c)
{
	if (c->in >= 0)
		close(c->in);
	c->in = -1;
}

/* A command need not read its input: one that is gone gets the rest of nothing. */
static void feed(struct child *c)
{
	ssize_t n = send(c->in, c->rest.s, c->rest.n, MSG_NOSIGNAL);

	if (n > 0) {
		c->rest.s += n;
		c->rest.n -= (size_t)n;
	}
	if (c->rest.n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		stop_sending(c);
}

/* Its output ended, or it was killed: it is gone, or will be at once. What it left in a session of
 * its own may hold the pipe for longer, which is not waited for. */
static void finish(struct child *c, double *value, const char **why)
{
	int status;

	stop_sending(c);
	close(c->out);
	while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
		;
	c->pid = 0;
	*value = NAN;
	if (c->late)
		*why = "the command took too long";
	else if (WIFSIGNALED(status))
		*why = "the command was ended by a signal";
	else if (WEXITSTATUS(status) > 125)
		*why = "the command could not be run";
	else
		*value = WEXITSTATUS(status) == 0;
}

static void end_late(struct child *c, double *value, const char **why)
{
	c->late = 1;
	kill(-c->pid, SIGKILL);
	finish(c, value, why);
}

static int drain(struct child *c)
{
	char bytes[4096];
	ssize_t n = read(c->out, bytes, sizeof bytes);

	return n > 0 || (n < 0 && errno == EINTR);
}

static int next_wait(const struct child *c, int jobs)
{
	double soonest = INFINITY, now = progress_clock();

	for (int i = 0; i < jobs; i++)
		if (c[i].pid)
			soonest = fmin(soonest, c[i].deadline - now);
	return isinf(soonest) ? -1 : (int)fmin(1e6, fmax(0, ceil(soonest * 1000)));
}

/* One round of poll; finished children give their verdicts. */
static int turn(struct child *c, int jobs, struct pollfd *f, double *values, const char **why)
{
	for (int i = 0; i < jobs; i++) {
		f[2 * i] = (struct pollfd){.fd = c[i].pid ? c[i].out : -1, .events = POLLIN};
		f[2 * i + 1] = (struct pollfd){.fd = c[i].pid ? c[i].in : -1, .events = POLLOUT};
	}
	if (poll(f, (nfds_t)(2 * jobs), next_wait(c, jobs)) < 0 && errno != EINTR)
		return -1;
	for (int i = 0; i < jobs; i++) {
		if (!c[i].pid)
			continue;
		if (c[i].in >= 0 && f[2 * i + 1].revents)
			feed(c + i);
		if (f[2 * i].revents && !drain(c + i))
			finish(c + i, values + c[i].row, why + c[i].row);
		else if (progress_clock() > c[i].deadline)
			end_late(c + i, values + c[i].row, why + c[i].row);
	}
	return 0;
}

int command_score(const char *command, const struct span *lines, size_t n,
		  const struct command_options *o, double *values, const char **why, struct err *e)
{
	int jobs = o->jobs > 0 ? o->jobs : 1, failed = 0, busy = 0;
	struct child *c = mem_alloc((size_t)jobs, sizeof *c);
	struct pollfd *f = mem_alloc(2 * (size_t)jobs, sizeof *f);
	size_t next = 0;

	for (;;) {
		for (int i = 0; i < jobs && next < n && !failed; i++) {
			if (c[i].pid)
				continue;
			why[next] = NULL;
			failed = start(c + i, command, lines[next], next, o->timeout, e) < 0;
			next++;
		}
		if (!failed && o->stopping && o->stopping())
			failed = err_set(e, "interrupted") < 0;
		busy = 0;
		for (int i = 0; i < jobs; i++) {
			/* Whatever ended the run, nothing of it is left behind. */
			if (failed && c[i].pid)
				end_late(c + i, values + c[i].row, why + c[i].row);
			busy |= c[i].pid != 0;
		}
		if (!busy)
			break;
		if (turn(c, jobs, f, values, why) && !failed)
			failed = err_errno(e, "cmd: poll") < 0;
	}
	free(c);
	free(f);
	return failed ? -1 : 0;
}

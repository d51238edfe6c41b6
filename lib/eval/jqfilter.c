/* jqfilter: the jq process and the two pipes to it. See jqfilter.h. */
#include "jqfilter.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../base/file.h"
#include "../base/mem.h"
#include "../base/progress.h"
#include "../json/json.h"

struct jqfilter {
	size_t n;
	pid_t pid;
	int to, from;	  /* a socket to its standard input, a pipe from its standard output */
	FILE *complaints; /* its standard error */
	int (*stopping)(void);
	double timeout, deadline;
	int ended, late; /* it gives no more answers; because it took too long */
	struct buf program;
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

/* What jq may take: address space, and bytes of what it says on standard error, of which the first
 * line is read. Beyond the first it ends at the record in hand; beyond the second it goes on unheard. */
enum { MEMORY_GIB = 2, COMPLAINTS_MAX = 1 << 20 };

static void bound(void)
{
	rlim_t memory = (rlim_t)MEMORY_GIB << 30;

	setrlimit(RLIMIT_AS, &(struct rlimit){memory, memory});
	setrlimit(RLIMIT_FSIZE, &(struct rlimit){COMPLAINTS_MAX, COMPLAINTS_MAX});
	setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
	signal(SIGXFSZ, SIG_IGN);
}

/* jq, with what the child may do between fork and exec: it dies with us, however we end. */
static pid_t spawn(char *const *argv, int in, int out, int err)
{
	pid_t parent = getpid(), pid = fork();

	if (pid)
		return pid;
	/* A process group of its own: an interrupt at the terminal is ours to handle, and jq is to
	 * finish the record in hand. */
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	bound();
	if (getppid() != parent || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0)
		_exit(126);
	execvp(argv[0], argv);
	_exit(127);
}

static const char *jq_name(void)
{
	const char *jq = getenv("FT_JQ");

	return jq && *jq ? jq : "jq";
}

static int start(struct jqfilter *q, struct err *e)
{
	char *argv[] = {(char *)jq_name(), "-c", "--unbuffered", q->program.data, NULL};
	int in[2] = {-1, -1}, out[2] = {-1, -1};

	if (!q->complaints && !(q->complaints = file_scratch(e)))
		return -1;
	rewind(q->complaints);
	if (ftruncate(fileno(q->complaints), 0))
		return err_errno(e, "jq");
	/* A socket, for writing to a pipe whose reader died would end us by SIGPIPE. */
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in) || pipe2(out, O_CLOEXEC)) {
		err_errno(e, "jq: no pipe");
		close(in[0]);
		close(in[1]);
		return -1;
	}
	q->pid = spawn(argv, in[1], out[1], fileno(q->complaints));
	close(in[1]);
	close(out[1]);
	q->to = in[0];
	q->from = out[0];
	if (q->pid < 0)
		return err_errno(e, "cannot run %s (needed for jq: checks)", argv[0]);
	fcntl(q->to, F_SETFL, O_NONBLOCK);
	q->ended = q->late = 0;
	q->deadline = progress_clock() + q->timeout;
	return 0;
}

enum { BROKE_OFF = -1, CANNOT_COMPILE = 3, CANNOT_START = 126 };

/* Ends jq where it has not ended yet; its exit status, BROKE_OFF after a signal. */
static int reap(struct jqfilter *q)
{
	int status = -1;

	if (q->to >= 0)
		close(q->to);
	if (q->from >= 0)
		close(q->from);
	q->to = q->from = -1;
	if (q->pid > 0) {
		if (!q->ended)
			kill(q->pid, SIGKILL);
		waitpid(q->pid, &status, 0);
	}
	q->pid = -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : BROKE_OFF;
}

struct jqfilter *jqfilter_start(const char *const *expressions, size_t n, double timeout,
				int (*stopping)(void), struct err *e)
{
	struct jqfilter *q = mem_alloc(1, sizeof *q);

	*q = (struct jqfilter){.n = n,
			       .pid = -1,
			       .to = -1,
			       .from = -1,
			       .timeout = timeout,
			       .stopping = stopping};
	write_program(expressions, n, &q->program);
	if (start(q, e)) {
		jqfilter_free(q);
		q = NULL;
	}
	return q;
}

/* The first line of what jq complained of, behind `what`. */
static void complaint(struct jqfilter *q, const char *what, struct buf *b)
{
	char text[600] = "";
	size_t n;

	rewind(q->complaints);
	n = fread(text, 1, sizeof text - 1, q->complaints);
	text[n] = 0;
	text[strcspn(text, "\n")] = 0;
	buf_addf(b, "%s%s%s", what, *text ? ": " : "", text);
}

/* jq is out of step or cannot work at all. */
static int broken(struct jqfilter *q, const char *what, struct err *e)
{
	struct buf why = BUF_INIT;

	reap(q);
	complaint(q, what, &why);
	err_set(e, "%s", why.data);
	buf_release(&why);
	return -1;
}

/* Waits until jq takes or gives bytes, ends, or is too late; -1 on trouble. */
static int turn(struct jqfilter *q, int writing, struct err *e)
{
	struct pollfd f[2] = {{.fd = q->from, .events = POLLIN},
			      {.fd = q->to, .events = writing ? POLLOUT : 0}};
	double left = q->deadline - progress_clock();
	char bytes[16384];
	ssize_t n;
	int ready = poll(f, writing ? 2 : 1, left > 0 ? (int)(left * 1000) + 1 : 0);

	if (ready < 0) {
		if (errno != EINTR)
			return err_errno(e, "jq: poll");
		return q->stopping && q->stopping()
			       ? broken(q, "interrupted while jq was at work", e)
			       : 0;
	}
	if (!ready) {
		kill(q->pid, SIGKILL);
		q->ended = q->late = 1;
		return 0;
	}
	if (!f[0].revents)
		return 0;
	n = read(q->from, bytes, sizeof bytes);
	if (n < 0)
		return errno == EINTR ? 0 : err_errno(e, "jq: read");
	q->ended = n == 0;
	q->deadline = progress_clock() + q->timeout;
	if (buf_add(&q->in, bytes, (size_t)n))
		return broken(q, "jq answers without end", e);
	return 0;
}

/* Gives jq a line; less of it where jq ends on the way, which is told by q->ended or by receive. */
static int send_all(struct jqfilter *q, struct span s, struct err *e)
{
	while (s.n > 0 && !q->ended) {
		ssize_t n = send(q->to, s.s, s.n, MSG_NOSIGNAL);

		if (n > 0) {
			s.s += n;
			s.n -= (size_t)n;
		} else if (errno == EAGAIN || errno == EINTR) {
			if (turn(q, 1, e) < 0)
				return -1;
		} else if (errno == EPIPE || errno == ECONNRESET) {
			break; /* its last answers are still to be read */
		} else {
			return err_errno(e, "jq: send"); /* or it would be waited for in vain */
		}
	}
	return 0;
}

/* One answer line of jq, without its newline; valid until the next call of turn. 1 where jq ended
 * before. */
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
		if (q->ended)
			return 1;
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

/* jq ended at a record: why, as the reason of each of its values. Where it cannot even begin, that
 * is an error of all. */
static int skip_record(struct jqfilter *q, double *values, size_t *reason_at, struct err *e)
{
	int late = q->late, status = reap(q);

	if (status == CANNOT_COMPILE)
		return broken(q, "jq ended early", e);
	if (status >= CANNOT_START)
		return err_set(e, "cannot run %s (needed for jq: checks)", jq_name());
	for (size_t j = 0; j < q->n; j++) {
		values[j] = NAN;
		reason_at[j] = q->reasons.len + 1;
		if (late)
			buf_addf(&q->reasons, "jq gave no answer within %g s", q->timeout);
		else if (status == BROKE_OFF)
			buf_addf(&q->reasons, "jq broke off here, as when it takes over %d GiB",
				 MEMORY_GIB);
		else
			complaint(q, "jq cannot read this record", &q->reasons);
		buf_addc(&q->reasons, 0);
	}
	buf_clear(&q->in);
	q->in_at = 0;
	return 0;
}

int jqfilter_score(struct jqfilter *q, const struct span *lines, size_t n_lines, double *values,
		   const char **why, struct err *e)
{
	size_t *reason_at = mem_alloc(n_lines * q->n, sizeof *reason_at), next = 0;
	int rc = 0;

	buf_clear(&q->reasons);
	while (next < n_lines && rc >= 0) {
		struct span line;

		rc = q->pid < 0 ? start(q, e) : 0;
		for (size_t i = next; i < n_lines && !rc && !q->ended; i++)
			rc = send_all(q, lines[i], e);
		for (; next < n_lines && !rc; next += !rc) {
			rc = receive(q, &line, e);
			if (!rc)
				rc = read_values(q, line, values + next * q->n,
						 reason_at + next * q->n, e);
		}
		if (rc > 0) {
			rc = skip_record(q, values + next * q->n, reason_at + next * q->n, e);
			next++;
		}
	}
	for (size_t i = 0; i < n_lines * q->n && !rc; i++)
		why[i] = reason_at[i] > 0 ? q->reasons.data + reason_at[i] - 1 : NULL;
	free(reason_at);
	return rc;
}

void jqfilter_free(struct jqfilter *q)
{
	if (!q)
		return;
	if (q->to >= 0)
		close(q->to);
	q->to = -1;
	if (q->pid > 0 && !(q->stopping && q->stopping())) {
		/* It ends with its input, which is all read. */
		waitpid(q->pid, NULL, 0);
		q->pid = -1;
	}
	reap(q);
	if (q->complaints)
		fclose(q->complaints);
	buf_release(&q->program);
	buf_release(&q->in);
	buf_release(&q->reasons);
	free(q);
}

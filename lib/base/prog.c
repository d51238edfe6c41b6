/* prog: the frame of every program. See prog.h. A process has one name and one pending signal,
 * hence the file-local state. */
#include "prog.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "buf.h"
#include "complete.h"
#include "file.h"
#include "out.h"
#include "visible.h"

static const char *prog_name = "ft";
static struct buf command;
static volatile sig_atomic_t stop_signal;

static void on_stop(int sig)
{
	stop_signal = sig;
}

int prog_stopping(void)
{
	return stop_signal;
}

/* Without SA_RESTART, so that a blocked read returns and the program can finish. A signal that was
 * ignored when we started (nohup, background jobs) stays ignored; a second one ends the program at
 * once. */
static void catch_signal(int sig)
{
	struct sigaction old, sa = {.sa_handler = on_stop, .sa_flags = (int)SA_RESETHAND};
	sigemptyset(&sa.sa_mask);
	if (sigaction(sig, NULL, &old) == 0 && old.sa_handler != SIG_IGN)
		sigaction(sig, &sa, NULL);
}

/* In one write, so that lines of programs that share a terminal do not mix. */
static void vwarn(const char *keep, const char *fmt, va_list ap)
{
	struct buf line = BUF_INIT;
	char text[4096];
	vsnprintf(text, sizeof text, fmt, ap);
	out_flush();
	buf_addf(&line, "%s: ", prog_name);
	visible_put(&line, span_of(text), keep);
	buf_addc(&line, '\n');
	fwrite(line.data, 1, line.len, stderr);
	buf_release(&line);
}

void prog_warn(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vwarn("", fmt, ap);
	va_end(ap);
}

void prog_lines(const char *text)
{
	struct buf lines = BUF_INIT;

	out_flush();
	buf_addf(&lines, "%s: ", prog_name);
	visible_put(&lines, span_of(text), "\n");
	buf_addc(&lines, '\n');
	fwrite(lines.data, 1, lines.len, stderr);
	buf_release(&lines);
}

void prog_skipped(void *arg, const struct err *e)
{
	(void)arg;
	prog_warn("%s (skipped)", e->msg);
}

void prog_die(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vwarn("", fmt, ap);
	va_end(ap);
	prog_end(FT_TROUBLE);
}

void prog_fail(const struct err *e)
{
	prog_die("%s", e->msg);
}

void prog_usage(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vwarn("", fmt, ap);
	va_end(ap);
	fprintf(stderr, "Try '%s --help'.\n", prog_name);
	prog_end(FT_TROUBLE);
}

int prog_as_table(const struct prog_form *form)
{
	return form->table || (!form->json && out_is_tty());
}

/* A standard descriptor that the caller closed would be the next file's that is opened, and messages
 * or results would go into data. What is written to it still fails. */
static void hold_descriptors(void)
{
	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF &&
		    open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) < 0)
			_exit(FT_TROUBLE);
}

/* Ends after an answer to --help and its like. */
static void end_answer(const char *name) __attribute__((noreturn));
static void end_answer(const char *name)
{
	if (fflush(stdout) || ferror(stdout)) {
		perror(name);
		_exit(FT_TROUBLE);
	}
	prog_end(FT_OK);
}

/* Words of other characters than these are put between quotes. */
static const char plain[] =
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";

static void keep_command(char *const *argv)
{
	buf_adds(&command, prog_name);
	for (size_t i = 1; argv[i]; i++) {
		const char *s = argv[i];

		buf_addc(&command, ' ');
		if (*s && s[strspn(s, plain)] == 0) {
			buf_adds(&command, s);
			continue;
		}
		buf_addc(&command, '\'');
		for (; *s; s++)
			*s == '\'' ? buf_adds(&command, "'\\''") : buf_addc(&command, *s);
		buf_addc(&command, '\'');
	}
}

const char *prog_command(void)
{
	return command.data ? command.data : prog_name;
}

char **prog_start(const struct program *p, int argc, char **argv)
{
	hold_descriptors();
	/* A file that grows past its limit (ulimit -f) is a failed write with a reason. */
	signal(SIGXFSZ, SIG_IGN);
	prog_name = p->name;
	/* For make install, and so for no help. */
	if (argc == 3 && strcmp(argv[1], "--complete") == 0) {
		if (complete_put(p, argv[2], stdout))
			prog_usage("--complete %s: must be bash, zsh or fish", argv[2]);
		end_answer(p->name);
	}
	struct err e = ERR_INIT;
	int n = 0;
	keep_command(argv); /* before options are put in front of operands */
	int rc = opt_parse(p, argc, argv, &n, &e);
	if (rc == OPT_HELP || rc == OPT_VERSION) {
		if (rc == OPT_HELP)
			opt_help(p, stdout);
		else
			printf("%s (ft) %s\n", p->name, FT_VERSION);
		end_answer(p->name);
	}
	if (rc < 0)
		prog_usage("%s", e.msg);
	catch_signal(SIGINT);
	catch_signal(SIGTERM);
	argv[1 + n] = NULL;
	return argv + 1;
}

void prog_end(int status)
{
	struct err e = ERR_INIT;
	if (out_close(&e)) {
		fprintf(stderr, "%s: %s\n", prog_name, e.msg);
		status = FT_TROUBLE;
	}
	fflush(stderr);
	int sig = stop_signal;
	if (sig) {
		file_abort_pending();
		signal(sig, SIG_DFL);
		raise(sig);
	}
	exit(status);
}

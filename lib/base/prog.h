/* prog: what every main does first and last. The one module of lib that prints and ends the
 * program; only cmd uses it, and what lib offers to cmd alone (reader_start).
 *
 * Usage:
 *	int main(int argc, char **argv)
 *	{
 *		// handles --help, --version, usage errors, signals
 *		char **files = prog_start(&program, argc, argv);
 *		...
 *		// flushes and checks standard output, then exits
 *		prog_end(FT_OK);
 *	}
 */
#ifndef FT_BASE_PROG_H
#define FT_BASE_PROG_H

#include <stddef.h>

#include "err.h"
#include "opt.h"

/* Parses options, answers --help and --version, ends with status 2 on a usage error. Installs
 * handlers for SIGINT and SIGTERM that only set the flag of prog_stopping. Returns the operands as
 * a NULL-terminated array (borrowed from argv). */
char **prog_start(const struct program *p, int argc, char **argv);

/* The command line as it was typed, quoted for a shell. */
const char *prog_command(void);

/* Standard error: "ft-x: message" on one line, whatever the message quotes (visible.h). */
void prog_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The same of a text with lines of its own; what it quotes has been made visible before. */
void prog_lines(const char *text);

/* Tells that something was left out, and why: "... (skipped)". The shape is that of a reader's
 * on_bad. */
void prog_skipped(void *arg, const struct err *e);

/* prog_warn, then prog_end(FT_TROUBLE). */
void prog_die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
/* prog_die with the reason in e. */
void prog_fail(const struct err *e) __attribute__((noreturn));
/* Status 2 with "try --help". */
void prog_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/* Of a program that reports: as a table or as JSON. PROG_FORM_OPTIONS(form, PREFIX) are its two
 * options, the help begins with PREFIX, and what follows are more members of both. */
struct prog_form {
	int table, json;
};
/* clang-format off */
#define PROG_FORM_OPTIONS(form, prefix, ...) \
	{0, "table", OPT_FLAG, &(form).table, NULL, \
	 prefix "a table, also where standard output is no terminal", __VA_ARGS__}, \
	{0, "json", OPT_FLAG, &(form).json, NULL, prefix "JSON Lines, also on a terminal", \
	 .without = "table", __VA_ARGS__}
/* clang-format on */
/* A table where it was asked for, and on a terminal where JSON was not. */
int prog_as_table(const struct prog_form *form);

/* The signal that asked the program to stop (SIGINT, SIGTERM), or 0. */
int prog_stopping(void);

/* Closes standard output and exits with status; a write error there makes it FT_TROUBLE. After a
 * stop signal the program ends by that signal, whatever the status, so that its caller can tell a run
 * that was stopped from one that failed. */
void prog_end(int status) __attribute__((noreturn));

#endif

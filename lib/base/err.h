/* lib/base: what C leaves out: errors and exit codes, memory, buffers, options, files, output,
 * tables of text, progress, random numbers, threads.
 *
 * err: how every function of lib says what went wrong.
 *
 * The caller owns the struct err and passes it down; a function that fails writes one sentence into
 * it (no newline, no program name) and returns -1. Successful functions leave it alone.
 */
#ifndef FT_BASE_ERR_H
#define FT_BASE_ERR_H

/* Exit status of every program; where several apply, 2 over 1 over 4. */
enum {
	FT_OK = 0,	     /* yes, or done */
	FT_NO = 1,	     /* the answer is no: gate missed, drift found, leak found */
	FT_TROUBLE = 2,	     /* usage, bad input, system trouble */
	FT_PARTIAL = 3,	     /* finished, but more records got an error than --max-errors allows */
	FT_INSUFFICIENT = 4, /* too little data to answer */
};

struct err {
	char msg[1024];
};

/* clang-format off */
#define ERR_INIT {{0}}
/* clang-format on */

/* Writes the formatted reason (cut at the size of msg) and returns -1, so that a function can end
 * with `return err_set(e, ...)`. e may be NULL. */
int err_set(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* As err_set, and appends ": " and the text of errno. */
int err_errno(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Puts "prefix: " before the reason that stands in e, for callers that know the file or the record.
 * Returns -1. */
int err_prefix(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif

/* reader: records from files or standard input, one at a time.
 *
 * Memory is one line. A line may end without newline at the end of the input if it is a complete
 * record. Empty lines (white space only) are passed over. Lines over READER_LINE_MAX are refused,
 * not cut.
 */
#ifndef FT_JSON_READER_H
#define FT_JSON_READER_H

#include <stddef.h>
#include "record.h"

#define READER_LINE_MAX ((size_t)256 << 20)

struct reader {
	char **files;	  /* NULL-terminated, borrowed; an empty list or "-" is standard input */
	const char *name; /* of the file being read: "-" is shown as "standard input" */
	/* set by the caller: what to call the files, where they are copies (source.h); or NULL */
	const char **names;
	size_t line;	/* number of the line last returned, from 1 */
	size_t rows;	/* records returned in all */
	size_t skipped; /* bad lines passed over */
	size_t refused; /* records told of by reader_refuse */
	int skip_bad;	/* set by the caller: tell of bad lines through on_bad and go on */
	void (*on_bad)(void *arg, const struct err *e);
	void *arg;
	/* set by the caller: input ends when it returns non-zero (prog_stopping) */
	int (*stopping)(void);
	/* private */
	int fd, next, opened;
	char *data;
	size_t len, cap, at;
	int eof;
	/* of the input: in all (-1: not asked yet, 0: not known), and returned */
	double bytes, taken;
};

void reader_init(struct reader *r, char **files);
/* As programs read: with skip_bad, bad lines are told of on standard error as "(skipped)"; the
 * input ends at a signal to stop. */
void reader_start(struct reader *r, char **files, int skip_bad);
/* As another reader reads: its skip_bad, on_bad and stopping. */
void reader_init_like(struct reader *r, char **files, const struct reader *how);
void reader_release(struct reader *r);

/* 1 and a record (valid until the next call), 0 at the end, -1 with "file:line: reason". */
int reader_next(struct reader *r, struct record *rec, struct err *e);

/* The next line that is not empty, unchecked and without its newline: valid until the next call,
 * its place in r->name and r->line. *whole is 0 where a newline is missing at the end of the input.
 * 1, 0, -1 as above; `rows` and `skipped` are not counted. For callers that parse lines elsewhere,
 * in threads. */
int reader_line(struct reader *r, struct span *line, int *whole, struct err *e);
/* The line behind it, if it is in memory already with its newline: 1 and a line that is valid as
 * long as the one before, or 0. */
int reader_more(struct reader *r, struct span *line);
/* What is to be done about the line that stood there and, as `why` says, is no record: 0 where it
 * is passed over, told of and counted, -1 with the reason. */
int reader_skip(struct reader *r, const char *name, size_t line, int whole, struct err *why,
		struct err *e);
/* The same for a line of the file being read that is still valid: its file may be of another kind
 * altogether, which is said in place of what is wrong with the line. */
int reader_bad(struct reader *r, struct span text, size_t line, int whole, struct err *why,
	       struct err *e);

/* A reason about the record just read begins with its place. Returns -1. */
int reader_at(const struct reader *r, struct err *e);
/* Tells on_bad that the record just read cannot be used, as "file:line: row ID: why", and counts
 * it. */
void reader_refuse(struct reader *r, const struct record *rec, struct err *why);

/* Whether reader_next can go on without waiting for a writer: a line is buffered, or the file has
 * bytes (or its end) to read. For programs that have other things to do meanwhile. */
int reader_ready(const struct reader *r);

/* About how many records the input will turn out to hold, judged by the bytes of those read; 0
 * where it is no plain file, or nothing was read. For progress. */
double reader_expected(struct reader *r);

#endif

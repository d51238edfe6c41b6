/* opt: command-line options from one table, which also prints the help.
 *
 * GNU style: -x, -xVALUE, -x VALUE, --name, --name=VALUE, --name VALUE, and a long name cut short
 * where no other begins so, as getopt_long(3) has it; operands and options may be mixed; `--` ends
 * options. A lone `-` is an operand. Every option has a long name.
 */
#ifndef FT_BASE_OPT_H
#define FT_BASE_OPT_H

#include <stddef.h>
#include <stdio.h>
#include "buf.h"
#include "err.h"

enum opt_kind {
	OPT_FLAG, /* int: set to 1; --no-NAME is not implied */
	OPT_STR,  /* const char *: borrowed from argv */
	OPT_TEXT, /* char *: @FILE reads the file; otherwise a copy; @@ stands for a leading @ */
	OPT_INT, /* long long, decimal, whole argument; lo..hi of the table checked where lo < hi */
	/* double, finite; lo..hi checked where lo < hi; NaN by the word none where arg is "X|none" */
	OPT_REAL,
	OPT_SIZE,   /* size_t bytes: 8G, 512M, 4096 (powers of 1024) */
	OPT_LIST,   /* struct opt_list: values appended, borrowed from argv */
	OPT_CHOICE, /* int: the place of the value among those in arg, "a|b|c", counted from lo */
	OPT_GROUP,  /* no option: a heading in the help */
};

struct opt_list {
	const char **v; /* NULL where none was given, else NULL-terminated */
	size_t n;
};

struct opt {
	char letter;	  /* 0 for none */
	const char *name; /* without the dashes */
	enum opt_kind kind;
	void *to;
	const char *arg;  /* what the help calls the value; NULL for flags */
	const char *help; /* one or more lines, \n between them */
	double lo, hi;
	/* Where the option has no use, in names of this table's options with spaces between, and after
	 * a colon why: "remote adapter: its shape is its own". opt_parse refuses it there. */
	const char *with;    /* one of these must be given too */
	const char *without; /* none of these may be */
	const char *values;  /* words that a value may be, "a|b", where arg names none of them */
	const char *was;     /* earlier spellings, "d dir", still taken and shown nowhere */
	int aside;	     /* no part of the result: how it is come by, and what is shown */
	int given; /* set by opt_parse: a default that was written out is told from none */
};

/* What a program says about itself. options ends with an entry whose name is NULL; --help and
 * --version are added. */
struct program {
	const char *name;     /* ft-eval */
	const char *synopsis; /* "[-c CHECK ...] [file ...]"; more lines with \n */
	const char *about;    /* one sentence */
	struct opt *options;
	const char *examples; /* lines of shell, each an example that works */
};

enum { OPT_HELP = 1, OPT_VERSION = 2 };

/* Parses argv[1..]; operands are moved to argv[1..*operands], in order. Returns 0, OPT_HELP,
 * OPT_VERSION or -1 with the reason. */
int opt_parse(const struct program *p, int argc, char **argv, int *operands, struct err *e);

/* The first of the options in names, written as in with and without, that was given, or NULL. */
struct opt *opt_given(struct opt *options, const char *names);

/* The name in force of an OPT_CHOICE; no text where it is none of them. */
struct span opt_chosen(const struct opt *o);

/* The options that every program has; ends as a program's own do. */
const struct opt *opt_standard(void);

void opt_help(const struct program *p, FILE *to);

#endif

/* source: input that can be read twice. Files are read where they stand; standard input is first copied to a
 * temporary file in $TMPDIR (else /tmp), which loses its name at once and its space when the program ends.
 */
#ifndef FT_SOURCE_H
#define FT_SOURCE_H

#include "../base/err.h"

struct source {
	char **files; /* NULL-terminated: what to read, never standard input */
	char **given; /* borrowed: the names as the user gave them */
	int fd;	      /* of the copy, or -1 */
	char copy[32]; /* the copy's name, /dev/fd/N */
};

/* stopping may be NULL; a copy that it cuts short ends early, like a read. */
int source_open(struct source *s, char **files, int (*stopping)(void), struct err *e);
void source_release(struct source *s);

/* Puts "standard input" where a reason names the copy. */
void source_explain(const struct source *s, struct err *e);

/* Whether any of the files holds these bytes anywhere. Standard input and what is no regular file counts as no. */
int source_mentions(char **files, const char *bytes);

#endif

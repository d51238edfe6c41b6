/* source: input that can be read twice. Regular files are read where they stand; standard input,
 * pipes and the like are first copied to temporary files in $TMPDIR (else /tmp), which lose their
 * names at once and their space when the program ends.
 */
#ifndef FT_JSON_SOURCE_H
#define FT_JSON_SOURCE_H

#include <stdio.h>
#include "../base/err.h"

struct source {
	char **files;	    /* NULL-terminated: what to read, never standard input */
	const char **names; /* of each, for people (a reader's names): as given, "standard input" */
	FILE **copies;	    /* of each, or NULL; then its file is /dev/fd/N */
	size_t n;
};

/* stopping may be NULL; a copy that it cuts short ends early, like a read. */
int source_open(struct source *s, char **files, int (*stopping)(void), struct err *e);
/* One that reads what was written to the scratch file, which it takes over. */
void source_take(struct source *s, FILE *copy, const char *name);
void source_release(struct source *s);

/* Whether any of the files holds these bytes anywhere. Standard input and what is no regular file
 * counts as no. */
int source_mentions(char **files, const char *bytes);

#endif

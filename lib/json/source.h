/* source: input that can be read twice. Regular files are read where they stand; standard input,
 * pipes and the like are first copied to temporary files in $TMPDIR (else /tmp), which lose their
 * names at once and their space when the program ends.
 */
#ifndef FT_JSON_SOURCE_H
#define FT_JSON_SOURCE_H

#include "../base/err.h"

struct source {
	char **files;  /* NULL-terminated: what to read, never standard input */
	char **copies; /* of each file: the name /dev/fd/N of its copy, or NULL */
	char **given;  /* names as the user gave them; borrowed */
	int *fds;      /* of the copies, or -1 */
	size_t n;
};

/* stopping may be NULL; a copy that it cuts short ends early, like a read. */
int source_open(struct source *s, char **files, int (*stopping)(void), struct err *e);
void source_release(struct source *s);

/* Puts the name that the user gave where a reason names a copy. */
void source_explain(const struct source *s, struct err *e);

/* Whether any of the files holds these bytes anywhere. Standard input and what is no regular file
 * counts as no. */
int source_mentions(char **files, const char *bytes);

#endif

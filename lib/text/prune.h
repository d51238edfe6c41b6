/* prune: texts that are taken out of what a model is asked: the long part of a prompt that a tuned
 * model needs no more.
 *
 * The exact text only, once in each string, in the `content` and `text` of turns and what stands
 * beside them (a system prompt, instructions, a prompt). Training rows and requests go through here
 * alike, and the hash says whether they went through the same.
 */
#ifndef FT_TEXT_PRUNE_H
#define FT_TEXT_PRUNE_H

#include "../json/record.h"

/* A zeroed struct prunes nothing. */
struct prune {
	char **texts;
	size_t n, cap;
};

void prune_release(struct prune *p);
/* Adds a text, which is copied, or, where file is not NULL, that file's, less the line breaks at its end.
 * An empty one is refused. */
int prune_add(struct prune *p, const char *text, const char *file, struct err *e);
/* Adds each of a list of options: a text, @FILE, or @@ for a text that begins with @. */
int prune_add_all(struct prune *p, const char *const *values, size_t n, struct err *e);

/* 16 hex digits of the texts in their order; "" where there are none. */
void prune_hash(const struct prune *p, char hash[17]);

/* How many members of a record prune_edits may change. */
#define PRUNE_EDITS 5
/* The edits that take the texts out of r; their values live in room[PRUNE_EDITS], which the caller
 * releases. *missing: how many of the texts were not there. Returns how many edits. */
size_t prune_edits(const struct prune *p, const struct record *r, struct edit *edits,
		   struct buf *room, size_t *missing);

#endif

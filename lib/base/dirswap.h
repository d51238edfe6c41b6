/* dirswap: several files of a directory replaced at once.
 *
 * A second directory is made beside it, under a name of its own. It gets the new files, and links to
 * everything else that the directory holds; then the two exchange their names in one step
 * (renameat2), and the old one is removed. So whatever ends the program, and whenever, the directory
 * holds its old files whole or the new ones.
 *
 * The caller holds a lock on the directory from begin to the end. What an ended run left beside it
 * is removed by the next begin.
 */
#ifndef FT_BASE_DIRSWAP_H
#define FT_BASE_DIRSWAP_H

#include <stddef.h>
#include "err.h"

struct dirswap {
	char *dir, *next; /* the directory, links followed, and the one beside it */
	int (*replaced)(const char *name);
	int lock; /* on next, which becomes the directory */
};

/* replaced: whether files of that name are, where they stand in next or no longer. 1, and next stands
 * ready to be filled; 0 where the directory cannot be exchanged: it holds directories, or one of the
 * replaced is a link, somebody works in it (this process does), it is a mount point or another
 * user's, or the system has no such step. It must be there. */
int dirswap_begin(struct dirswap *s, const char *dir, int (*replaced)(const char *name));
/* The files in next take the place of all that are replaced. 0, and s is released;
 * -1 with the reason, and nothing has changed. */
int dirswap_commit(struct dirswap *s, struct err *e);
/* Removes next and releases s; harmless after commit. */
void dirswap_abort(struct dirswap *s);

#endif

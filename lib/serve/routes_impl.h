/* routes_impl: what the files of routes share; nobody else includes this.
 *
 *	routes.c	choosing, and what is done with routes once they were read
 *	routes_read.c	the file
 *	routes_target.c	a target in it
 */
#ifndef FT_SERVE_ROUTES_IMPL_H
#define FT_SERVE_ROUTES_IMPL_H

#include "routes.h"

#define ROUTES_COUNT_MAX 1000 /* routes, targets of a route */

/* What is being read: for reasons, and for names of files, which are relative to it. */
struct routes_reading {
	struct routes *routes;
	const char *path;
	struct err *e;
};

/* Frees what t holds. */
void routes_target_release(struct routes_target *t);

/* Each of these returns 0, or -1 with a reason that names the file and the place in it (`where`). */
int routes_fail(const struct routes_reading *g, const char *where, const char *what);
/* Refuses what is not among names (which ends with NULL), and what stands twice. */
int routes_only(const struct routes_reading *g, const char *where, struct span object,
		const char *const *names);
/* A member; *to stays where it is missing. */
int routes_text(const struct routes_reading *g, const char *where, struct span object,
		const char *name, char **to);
int routes_number(const struct routes_reading *g, const char *where, struct span object,
		  const char *name, double most, double *to);
/* A target, written out or by its mere name; *place is set. */
int routes_target_read(const struct routes_reading *g, const char *where, struct span v,
		       int written_out, size_t *place);
int routes_pick_add(const struct routes_reading *g, const char *where, struct routes_list *list,
		    size_t target, double share);

/* A file's name that stands in the routes file; free() it. */
char *routes_beside(const struct routes_reading *g, const char *name);
/* scheme://host:port in lower case, appended; -1 where url is none, or has a user or a password. */
int routes_origin(const char *url, struct buf *to);

#endif

/* scope: which paths are looked at, as a user names them. */
#ifndef FT_DRIFT_SCOPE_H
#define FT_DRIFT_SCOPE_H

#include "compare.h"

struct scope_request {
	const char **paths; /* PATH or PATH:TYPE */
	size_t paths_n;
	const char **exclude;
	size_t exclude_n;
	const char *time, *cluster;   /* or NULL */
	const char *estimate, *truth; /* paths, or NULL; truth is not compared */
};

struct scope {
	/* paths and exclude are set, and point into this struct's memory */
	struct drift_options options;
	struct path **find; /* for frame.paths: what the walk does not single out */
	size_t find_n;
	struct path *time, *cluster;
	const char *estimate, *truth; /* with the leading dot */
	struct drift_type *types;
	const char **exclude;
	char **names; /* storage */
	size_t names_n;
};

int scope_init(struct scope *s, const struct scope_request *q, struct err *e);
void scope_release(struct scope *s);

#endif

/* schema_impl: what the compiler and the checker of schemas share. Private to lib/json. */
#ifndef FT_JSON_SCHEMA_IMPL_H
#define FT_JSON_SCHEMA_IMPL_H

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include "../base/map.h"
#include "schema.h"

struct pending { /* a $ref to be resolved when all is compiled */
	struct schema_node *node;
	struct span target; /* raw JSON string */
};

struct anchor {
	char *name;
	struct schema_node *node;
};

struct schema {
	char *copy;
	size_t copy_n;
	struct span text; /* in the copy */
	int draft7;
	char *id; /* $id of the root, without fragment; or NULL */
	struct schema_node **nodes;
	size_t n, cap;
	struct map seen; /* address of a value's first byte -> index of its node */
	struct pending *pending;
	size_t n_pending, cap_pending;
	struct anchor *anchors;
	size_t n_anchors, cap_anchors;
	int depth;
};

void schema_sort_values(struct schema_value *v, size_t n); /* by their hashes */

#endif

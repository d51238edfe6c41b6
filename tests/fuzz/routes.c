/* Routes files: whatever stands in one, reading it ends with routes that choose a target, or with a
 * reason. */
#include <stdlib.h>
#include "../../lib/serve/routes.h"
#include "scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char *path;
	struct err e = ERR_INIT;
	struct routes *r;

	if (!path)
		path = scratch_path("routes.json");
	scratch_write(path, (struct span){(const char *)data, size});
	r = routes_read(path, &e);
	if (!r && !e.msg[0])
		abort();
	for (size_t i = 0; r && i < r->n; i++) {
		const struct route *t = &r->routes[i];
		size_t at = routes_choose(r, t, (struct span){(const char *)data, size});

		/* never one without a weight */
		if (at >= t->targets.n || !(t->targets.v[at].share > 0))
			abort();
		for (size_t k = 0; k < t->shadow.n; k++)
			routes_shadows(r, &t->shadow.v[k], span_of("id"));
	}
	routes_free(r);
	return 0;
}

/* Routes files: whatever stands in one, reading it ends with routes that choose a target, or with a
 * reason. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "../../lib/base/file.h"
#include "../../lib/serve/routes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char path[64];
	struct err e = ERR_INIT;
	struct routes *r;
	FILE *f;

	if (!path[0])
		snprintf(path, sizeof path, "/tmp/ft-fuzz-routes-%d", (int)getpid());
	f = fopen(path, "wb");
	if (!f)
		abort();
	fwrite(data, 1, size, f);
	fclose(f);
	r = routes_read(path, &e);
	unlink(path);
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

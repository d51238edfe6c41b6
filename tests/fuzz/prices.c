/* Fuzz target: a hostile file of prices and, behind a zero byte, the hostile usage of an answer. A cost
 * is not known or not negative, and never above what prices_worst says of the whole. */
#include <math.h>
#include <stdlib.h>
#include "../../lib/api/dialect.h"
#include "../../lib/api/prices.h"
#include "scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const models[] = {"m", "local", "gpt-4o", ""};
	static char *path;
	struct span rest = {(const char *)data, size}, first = scratch_part(&rest), v;
	struct dialect_usage u;
	struct err e = ERR_INIT;
	struct prices *p;

	if (!path)
		path = scratch_path("prices.json");
	scratch_write(path, first);
	p = prices_load(path, &e);
	if (!p && !e.msg[0])
		abort();
	if (!p)
		return 0;
	if (size & 1)
		prices_provider(p, "https://api.groq.com/openai/v1");
	if (!rest.s || json_check(rest, &v, NULL))
		v = (struct span){NULL, 0};
	dialect_usage(v, &u);
	for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
		for (int batch = 0; batch < 2; batch++)
			if (prices_cost(p, models[i], batch, &u) < 0)
				abort();
		if (prices_worst(p, models[i], 1e6, 1e6) < 0 || prices_second(p, models[i]) < 0 ||
		    prices_max_output(p, models[i]) < 0)
			abort();
		prices_known(p, models[i]);
		prices_temperature(p, models[i]);
	}
	prices_free(p);
	return 0;
}

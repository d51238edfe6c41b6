/* Fuzz target: a hostile config.json and a hostile model.safetensors together, the first up to a zero
 * byte. What opens must be safe to compute with: a few tokens go through it. */
#include "../../lib/model/model.h"
#include "scratch.h"
#include "tiny.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char *config, *weights;
	struct span rest = {(const char *)data, size}, first = scratch_part(&rest);
	struct err e = ERR_INIT;
	struct model *m;

	if (!config) {
		config = scratch_path("config.json");
		weights = scratch_path("model.safetensors");
	}
	scratch_write(config, first);
	scratch_write(weights, rest);
	if (model_open(&m, scratch_dir(), NULL, &e) == 0) {
		if (m->config.vocab <= 4096)
			tiny_compute(m);
		model_free(m);
	}
	return 0;
}

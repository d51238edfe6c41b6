/* Fuzz target: a hostile adapter_config.json and, behind a zero byte, a hostile
 * adapter_model.safetensors over a small model. What is taken up must be safe to compute with, and
 * what is written of it can be read again. */
#include <stdlib.h>
#include "../../lib/base/file.h"
#include "../../lib/model/adapter.h"
#include "scratch.h"
#include "tiny.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char *base, *dir, *again, *config, *weights;
	struct span rest = {(const char *)data, size}, first = scratch_part(&rest);
	struct err e = ERR_INIT;
	struct model *m, *copy;

	if (!base) {
		base = scratch_path("base");
		dir = scratch_path("adapter");
		again = scratch_path("again");
		if (file_mkdir(base, &e) || file_mkdir(dir, &e))
			abort();
		tiny_write(base, 0);
		config = file_join(dir, "adapter_config.json");
		weights = file_join(dir, "adapter_model.safetensors");
	}
	scratch_write(config, first);
	scratch_write(weights, rest);
	if (model_open(&m, base, NULL, &e))
		abort();
	if (adapter_open(m, dir, size & 1, &e)) {
		if (!e.msg[0])
			abort();
	} else {
		tiny_compute(m);
		if (adapter_save(m, again, base, &e) || model_open(&copy, base, NULL, &e) ||
		    adapter_open(copy, again, 0, &e))
			abort();
		model_free(copy);
	}
	model_free(m);
	return 0;
}

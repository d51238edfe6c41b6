/* Fuzz target: a hostile model.safetensors.index.json beside the shards of a small model. It opens as
 * that model or not at all: an index can neither leave a tensor out nor name other files. */
#include <stdlib.h>
#include <string.h>
#include "../../lib/model/model.h"
#include "scratch.h"
#include "tiny.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char *index;
	static struct model *whole;
	struct err e = ERR_INIT;
	struct model *m;

	if (!index) {
		tiny_write(scratch_dir(), 300);
		index = scratch_path("model.safetensors.index.json");
		if (model_open(&whole, scratch_dir(), NULL, &e))
			abort();
	}
	scratch_write(index, (struct span){(const char *)data, size});
	if (model_open(&m, scratch_dir(), NULL, &e)) {
		if (!e.msg[0])
			abort();
		return 0;
	}
	if (m->n_tensors != whole->n_tensors)
		abort();
	for (size_t i = 0; i < m->n_tensors; i++) {
		size_t n = m->tensors[i].rows * m->tensors[i].cols;
		float *got = malloc(n * sizeof *got), *want = malloc(n * sizeof *want);

		model_tensor_values(m, i, 0, got);
		model_tensor_values(whole, i, 0, want);
		if (memcmp(got, want, n * sizeof *got) != 0)
			abort();
		free(got);
		free(want);
	}
	model_free(m);
	return 0;
}

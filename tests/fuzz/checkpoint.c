/* Fuzz target: a hostile checkpoint.safetensors of a run of a small model. */
#include <stdlib.h>
#include "../../lib/train/checkpoint.h"
#include "scratch.h"
#include "tiny.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char *path;
	static struct model *m;
	static struct adamw o;
	static struct shard shard;
	struct buf state = BUF_INIT;
	struct err e = ERR_INIT, why = ERR_INIT;

	if (!path) {
		path = scratch_path("checkpoint.safetensors");
		tiny_write(scratch_dir(), 0);
		if (model_open(&m, scratch_dir(), NULL, &e) || model_train_all(m, &e))
			abort();
		adamw_init(&o, m->n_params);
		shard_init(&shard, m, 0, 1);
	}
	scratch_write(path, (struct span){(const char *)data, size});
	if (checkpoint_state(path, &state, &e) == 0 &&
	    checkpoint_load(path, m, &o, &shard, &why) == 0)
		tiny_compute(m);
	buf_release(&state);
	return 0;
}

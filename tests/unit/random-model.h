/* random-model: models with random weights that are the same everywhere, which fixtures name by
 * config and seed. */
#ifndef FT_TESTS_RANDOM_MODEL_H
#define FT_TESTS_RANDOM_MODEL_H

#include <string.h>
#include "../../lib/base/rng.h"
#include "../../lib/model/model.h"

/* Norms and biases are off their start, so that nothing hides behind ones and zeros, and states
 * forget slowly enough to be seen. */
static int random_model(struct model **m, const struct config *c, uint64_t seed, struct err *e)
{
	struct rng r;

	if (model_new(m, c, seed, e))
		return -1;
	rng_seed(&r, seed, 2000000);
	for (size_t i = 0; i < (*m)->n_tensors; i++) {
		const struct model_tensor *t = &(*m)->tensors[i];

		for (size_t k = 0; k < t->cols && t->dims == 1; k++)
			(*m)->params[t->offset + k] +=
				(float)(0.1 * rng_normal(&r)) - (strstr(t->name, "A_log") ? 3 : 0);
	}
	return 0;
}

#endif

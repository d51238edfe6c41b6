/* Fuzz target: a hostile config.json. What is accepted must be safe to compute sizes and
 * frequencies with. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include "../../lib/base/mem.h"
#include "../../lib/model/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config c, copy;
	struct err e = ERR_INIT;
	double *frequencies;
	size_t i;
	int local;

	if (config_parse(&c, (const char *)data, size, "fuzz", &e))
		return 0;
	if (!c.layers || c.layers > CONFIG_LAYERS_MAX || !c.heads || !c.kv_heads ||
	    c.heads % c.kv_heads || !c.head_dim || !c.hidden || !c.vocab ||
	    c.n_eos > CONFIG_EOS_MAX || !isfinite(c.norm_eps) || !isfinite(c.attn_scale) ||
	    !isfinite(c.embed_scale))
		abort();
	for (i = 0; i < c.layers; i++)
		config_window(&c, i);
	if (c.rope != CONFIG_ROPE_NONE) {
		frequencies = mem_alloc(c.head_dim / 2 + 1, sizeof *frequencies);
		for (local = 0; local < 2; local++) {
			config_rope(&c, local, frequencies);
			for (i = 0; i < c.head_dim / 2; i++)
				if (!isfinite(frequencies[i]))
					abort();
		}
		free(frequencies);
	}
	config_copy(&copy, &c);
	config_release(&copy);
	config_release(&c);
	return 0;
}

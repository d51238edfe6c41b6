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

	if (config_parse(&c, (const char *)data, size, "fuzz", &e))
		return 0;
	if (!c.layers || c.layers > CONFIG_LAYERS_MAX || !c.heads || !c.kv_heads ||
	    c.heads % c.kv_heads || !c.head_dim || !c.hidden || !c.vocab ||
	    c.n_eos > CONFIG_EOS_MAX || !isfinite(c.norm_eps) || !isfinite(c.attn_scale) ||
	    !isfinite(c.embed_scale))
		abort();
	for (i = 0; i < c.layers; i++)
		config_window(&c, i);
	if (!isfinite(config_query_scale(&c, c.max_positions)) || c.conv_taps > CONFIG_TAPS_MAX)
		abort();
	if (c.rope != CONFIG_ROPE_NONE) {
		int kinds = c.long_positions ? 3 : 2;

		if (c.rope_dims < 2 || c.rope_dims % 2 || c.rope_dims > c.head_dim ||
		    !isfinite(c.rope_attention))
			abort();
		frequencies = mem_alloc(c.rope_dims / 2, sizeof *frequencies);
		for (int which = 0; which < kinds; which++) {
			config_frequencies(&c, (enum config_angles)which, frequencies);
			for (i = 0; i < c.rope_dims / 2; i++)
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

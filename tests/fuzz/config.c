/* Fuzz target: a hostile config.json. What is accepted must be safe to compute sizes and
 * frequencies with. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include "../../lib/base/mem.h"
#include "../../lib/lm/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lm_config c, copy;
	struct err e = ERR_INIT;
	double *frequencies;
	size_t i;
	int local;

	if (lm_config_parse(&c, (const char *)data, size, "fuzz", &e))
		return 0;
	if (!c.layers || c.layers > LM_LAYERS_MAX || !c.heads || !c.kv_heads ||
	    c.heads % c.kv_heads || !c.head_dim || !c.hidden || !c.vocab || c.n_eos > LM_EOS_MAX ||
	    !isfinite(c.norm_eps) || !isfinite(c.attn_scale) || !isfinite(c.embed_scale))
		abort();
	for (i = 0; i < c.layers; i++)
		lm_config_window(&c, i);
	if (c.rope != LM_ROPE_NONE) {
		frequencies = mem_alloc(c.head_dim / 2 + 1, sizeof *frequencies);
		for (local = 0; local < 2; local++) {
			lm_config_rope(&c, local, frequencies);
			for (i = 0; i < c.head_dim / 2; i++)
				if (!isfinite(frequencies[i]))
					abort();
		}
		free(frequencies);
	}
	lm_config_copy(&copy, &c);
	lm_config_release(&copy);
	lm_config_release(&c);
	return 0;
}

/* tiny: see tiny.h. */
#include "tiny.h"

#include <stdlib.h>
#include <string.h>
#include "../../lib/train/gradient.h"

static const char config[] =
	"{\"model_type\":\"llama\",\"architectures\":[\"LlamaForCausalLM\"],\"hidden_size\":8,\"intermediate_size\":8,"
	"\"num_hidden_layers\":1,\"num_attention_heads\":2,\"num_key_value_heads\":1,\"vocab_size\":16,"
	"\"max_position_embeddings\":32,\"rms_norm_eps\":1e-5,\"hidden_act\":\"silu\",\"tie_word_embeddings\":false,"
	"\"torch_dtype\":\"float32\"}";

void tiny_write(const char *dir, size_t shard_bytes)
{
	struct model_save how = {.type = NN_F32, .shard_bytes = shard_bytes, .fresh = 1};
	struct err e = ERR_INIT;
	struct config c;
	struct model *m;

	if (config_parse(&c, config, sizeof config - 1, "config.json", &e) ||
	    model_new(&m, &c, 1, &e) || model_save(m, dir, &how, &e))
		abort();
	model_free(m);
	config_release(&c);
}

void tiny_compute(const struct model *m)
{
	int32_t ids[3] = {0};
	size_t start = 0;
	struct train_pack pack = {ids, NULL, 3, &start, 1};
	struct work_spec spec = {.max_tokens = 3, .memory = (size_t)64 << 20};
	struct err e = ERR_INIT;
	struct work *w;
	float *z;

	if (work_new(&w, m, NULL, &spec, &e))
		return;
	z = malloc(3 * m->config.vocab * sizeof *z);
	if (z)
		train_logits(w, &pack, z, &e);
	free(z);
	work_free(w);
}

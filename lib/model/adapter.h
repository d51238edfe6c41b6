/* adapter: LoRA and DoRA over a frozen base, in the files of Hugging Face PEFT
 * (adapter_config.json, adapter_model.safetensors).
 *
 * Modules may have ranks and alphas of their own (rank_pattern, alpha_pattern). What a file has outside
 * the layers' products, as LoRA over embedding and head or in their place (modules_to_save), and
 * biases of B (lora_bias) take part in what is computed and merged; they are not trained, and written
 * back as they are.
 *
 * y = W x + (alpha/rank) B A x; with rslora alpha/sqrt(rank) (Kalajdzievski 2023). A begins uniform
 * in +-1/sqrt(in), B zero. dora: rows of W + scale B A are set to the length `magnitude` (Liu et
 * al. 2024), which begins as the length of W's rows.
 */
#ifndef FT_MODEL_ADAPTER_H
#define FT_MODEL_ADAPTER_H

#include "../base/err.h"
#include "model.h"

struct adapter {
	size_t rank;
	double alpha;
	double dropout; /* on the input of A while training */
	int rslora, dora;
	/* Module names separated by commas (q_proj,v_proj) or "all": every linear module of the
	 * layers but for those of experts, which only their names mean. Owned where the adapter belongs to a model. */
	char *targets;
	size_t top_layers; /* only the top n layers get one; 0: all */
	/* Over embedding and head, in a file that was read; rank 0: none. */
	struct adapter_outside {
		size_t rank;
		double alpha;
	} outside[2];
};

/* Whether experts can have adapters: their products are tensors of their own. */
int adapter_over_experts(const struct model *m);

/* Puts a fresh, trained adapter over the base. Unknown module names are refused, with the list of
 * those there are. */
int adapter_new(struct model *m, const struct adapter *spec, uint64_t seed, struct err *e);

/* Reads adapter_config.json and adapter_model.safetensors of the adapter (as hub_find_adapter takes
 * its name) over the base; trained says whether it will be trained on. Every tensor must find its module with the right shape; features of PEFT
 * that are not covered are refused by name. */
int adapter_open(struct model *m, const char *name, int trained, struct err *e);

/* Writes both files into DIR (made if missing), the weights first. base is what
 * base_model_name_or_path says. */
int adapter_save(const struct model *m, const char *dir, const char *base, struct err *e);

#endif

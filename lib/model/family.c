/* The families, one row each. See family.h. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "config_impl.h"

static const struct family_keys llama_keys =
	{"num_hidden_layers",	    "hidden_size",  "num_attention_heads", "intermediate_size",
	 "max_position_embeddings", "rms_norm_eps", "hidden_act",	   NULL};
static const struct family_keys gpt2_keys = {"n_layer",
					     "n_embd",
					     "n_head",
					     "n_inner",
					     "n_positions",
					     "layer_norm_epsilon",
					     "activation_function",
					     NULL};
/* "hidden_act" of the first Gemma files says "gelu" and means the tanh form, as Transformers
 * computes it. */
static const struct family_keys gemma_keys =
	{"num_hidden_layers",	    "hidden_size",  "num_attention_heads", "intermediate_size",
	 "max_position_embeddings", "rms_norm_eps", "hidden_act",	   "hidden_activation"};
static const struct family_keys lfm2_keys =
	{"num_hidden_layers",	    "hidden_size", "num_attention_heads", "intermediate_size",
	 "max_position_embeddings", "norm_eps",	   "hidden_act",	  NULL};
static const struct family_keys starcoder2_keys =
	{"num_hidden_layers",	    "hidden_size",  "num_attention_heads", "intermediate_size",
	 "max_position_embeddings", "norm_epsilon", "hidden_act",	   NULL};

static const struct family_keys granite_hybrid_keys = {"num_hidden_layers",
						       "hidden_size",
						       "num_attention_heads",
						       "shared_intermediate_size",
						       "max_position_embeddings",
						       "rms_norm_eps",
						       "hidden_act",
						       NULL};

static const struct family_experts olmoe_experts = {.router = "mlp.gate",
						    .expert = "mlp.experts.%zu.%s",
						    .linear = {"gate_proj", "up_proj", "down_proj"},
						    .n = 64,
						    .used = 8,
						    .normed = -1};
static const struct family_experts qwen3_experts = {.router = "mlp.gate",
						    .expert = "mlp.experts.%zu.%s",
						    .linear = {"gate_proj", "up_proj", "down_proj"},
						    .ffn = "moe_intermediate_size",
						    .ffn_otherwise = 768,
						    .n = 128,
						    .used = 8,
						    .normed = -1,
						    .some = 1};
static const struct family_experts granite_experts = {.router = "block_sparse_moe.router.layer",
						      .linear = {"block_sparse_moe.input_linear",
								 "block_sparse_moe.input_linear",
								 "block_sparse_moe.output_linear"},
						      .n = 8,
						      .used = 2,
						      .normed = 1};
static const struct family_experts gpt_oss_experts = {.router = "mlp.router",
						      .linear = {"mlp.experts.gate_up_proj",
								 "mlp.experts.gate_up_proj",
								 "mlp.experts.down_proj"},
						      .bare = 1,
						      .n = 128,
						      .used = 4,
						      .normed = 1};

/* --- what a family alone reads --- */

static int read_gpt2(struct config *c, struct span j, struct err *e)
{
	int layer_scale, scaled;

	if (config_flag(j, "scale_attn_by_inverse_layer_idx", 0, &layer_scale, e) ||
	    config_flag(j, "scale_attn_weights", 1, &scaled, e))
		return -1;
	if (layer_scale || !scaled)
		return err_set(e, "attention scaled by layer is not supported");
	c->rope = CONFIG_ROPE_NONE;
	return 0;
}

static int read_gemma(struct config *c, struct span j, struct err *e)
{
	(void)j;
	(void)e;
	c->embed_scale = sqrtf((float)c->hidden);
	return 0;
}

/* null says that there is none; only an absent member has the family's default. */
static int get_cap(struct span j, const char *name, double otherwise, float *out, struct err *e)
{
	double cap;

	if (json_kind(json_member(j, name)) == JSON_NULL)
		otherwise = 0;
	if (config_real(j, name, otherwise, &cap, e))
		return -1;
	*out = (float)cap;
	return 0;
}

static int read_gemma2(struct config *c, struct span j, struct err *e)
{
	double scalar;
	int second = strcmp(c->family->type, "gemma2") == 0;

	if (config_real(j, "query_pre_attn_scalar", 256, &scalar, e) ||
	    get_cap(j, "attn_logit_softcapping", second ? 50 : 0, &c->attn_softcap, e) ||
	    get_cap(j, "final_logit_softcapping", second ? 30 : 0, &c->logit_softcap, e))
		return -1;
	if (scalar < 1 / CONFIG_REAL_MAX)
		return err_set(e, "query_pre_attn_scalar must be more than 0");
	c->attn_scale = 1 / sqrtf((float)scalar);
	return read_gemma(c, j, e);
}

static int read_gemma3(struct config *c, struct span j, struct err *e)
{
	return config_real(j, "rope_local_base_freq", 1e4, &c->rope_local_theta, e) ||
			       read_gemma2(c, j, e)
		       ? -1
		       : 0;
}

static int get_multiplier(struct span j, const char *name, float otherwise, float *out,
			  struct err *e)
{
	double x;

	if (config_real(j, name, otherwise, &x, e))
		return -1;
	if (!(x >= 1 / CONFIG_REAL_MAX))
		return err_set(e, "%s must be more than 0", name);
	*out = (float)x;
	return 0;
}

static int read_granite(struct config *c, struct span j, struct err *e)
{
	if (get_multiplier(j, "embedding_multiplier", 1, &c->embed_scale, e) ||
	    get_multiplier(j, "residual_multiplier", 1, &c->residual_scale, e) ||
	    get_multiplier(j, "attention_multiplier", 1, &c->attn_scale, e) ||
	    get_multiplier(j, "logits_scaling", 1, &c->logit_scale, e))
		return -1;
	c->logit_scale = 1 / c->logit_scale;
	return 0;
}

/* Granite 4 without its state-space layers and experts. What the file does not say would be those. */
static int read_granite_hybrid(struct config *c, struct span j, struct err *e)
{
	if (config_absent(json_member(j, "layer_types")))
		return err_set(e, "layer_types must say that every layer has attention");
	if (config_absent(json_member(j, "num_local_experts")))
		return err_set(e, "num_local_experts must be 0, and is missing");
	if (!json_is(json_member(j, "position_embedding_type"), "rope"))
		return err_set(e,
			       "position_embedding_type must be \"rope\"; models without positions are not supported");
	return read_granite(c, j, e);
}

/* Without a description of its positions Transformers takes those of the 120B model, which is told
 * nowhere in the file. */
static int read_gpt_oss(struct config *c, struct span j, struct err *e)
{
	double alpha;

	if (json_kind(json_member(j, "rope_scaling")) != JSON_OBJECT &&
	    json_kind(json_member(j, "rope_parameters")) != JSON_OBJECT)
		return err_set(e, "rope_scaling is missing");
	if (config_real(j, "swiglu_alpha", 1.702, &alpha, e) ||
	    get_multiplier(j, "swiglu_limit", 7, &c->act_limit, e))
		return -1;
	return fabs(alpha - 1.702) < 1e-6 ? 0
					  : err_set(e, "swiglu_alpha %g is not supported", alpha);
}

/* Llama 4's scaling of queries by position stands among the rotary parameters. */
static int read_ministral3(struct config *c, struct span j, struct err *e)
{
	struct span p = json_member(j, "rope_parameters");

	if (json_kind(p) != JSON_OBJECT)
		p = json_member(j, "rope_scaling");
	if (config_real(p, "llama_4_scaling_beta", 0, &c->query_beta, e) ||
	    config_real(p, "original_max_position_embeddings", 0, &c->query_every, e))
		return -1;
	if (c->query_beta > 0 && c->query_every < 1)
		return err_set(e,
			       "llama_4_scaling_beta: original_max_position_embeddings is missing");
	return 0;
}

/* One expert is a dense model's MLP. */
static int read_hunyuan(struct config *c, struct span j, struct err *e)
{
	double experts;
	int norm;

	if (config_flag(j, "use_qk_norm", 1, &norm, e) ||
	    config_real(j, "num_experts", 0, &experts, e))
		return -1;
	if (experts > 1)
		return err_set(e, "num_experts: %g has no place in a %s model", experts,
			       c->family->type);
	return norm ? 0 : err_set(e, "use_qk_norm false is not supported");
}

/* The published files say how wide the MLP is before it is rounded. */
static int get_adjusted_ffn(struct config *c, struct span j, struct err *e)
{
	size_t multiple;
	double by;
	int adjust;

	if (config_size(j, "block_ff_dim", 1 << 20, c->ffn, &c->ffn, e) ||
	    config_flag(j, "block_auto_adjust_ff_dim", 1, &adjust, e) ||
	    config_size(j, "block_multiple_of", 1 << 20, 256, &multiple, e) ||
	    config_real(j, "block_ffn_dim_multiplier", 1, &by, e))
		return -1;
	if (!adjust)
		return 0;
	c->ffn = (size_t)fmin(by * (double)(2 * c->ffn / 3), 1 << 30);
	c->ffn = (c->ffn + multiple - 1) / multiple * multiple;
	return c->ffn > 0 && c->ffn <= 1 << 20
		       ? 0
		       : err_set(e, "block_ffn_dim_multiplier %g makes the MLP %zu wide", by,
				 c->ffn);
}

/* layer_types, which tells layers of this type from those with attention. 1: there is such a list. */
static int get_mixed_types(struct config *c, struct span j, const char *type, struct err *e)
{
	const char *const types[] = {type, "full_attention", NULL};

	return config_layer_types(j, c->layers, types, c->conv, e);
}

/* Which layers have attention: layer_types, or a list of their places. */
static int get_conv_layers(struct config *c, struct span j, struct err *e)
{
	int listed = get_mixed_types(c, j, "conv", e);

	if (listed)
		return listed < 0 ? -1 : 0;
	if (config_absent(json_member(j, "full_attn_idxs")))
		return err_set(e,
			       "layer_types or full_attn_idxs must say which layers have attention");
	memset(c->conv, 1, c->layers);
	return config_places(j, "full_attn_idxs", c->layers, 0, c->conv, e);
}

static int read_lfm2(struct config *c, struct span j, struct err *e)
{
	struct span tie = json_member(j, "tie_embedding");

	if (config_size(j, "conv_L_cache", CONFIG_TAPS_MAX, 3, &c->conv_taps, e) ||
	    config_flag(j, "conv_bias", 0, &c->conv_bias, e) || get_conv_layers(c, j, e) ||
	    get_adjusted_ffn(c, j, e) ||
	    (!config_absent(tie) && config_flag(j, "tie_embedding", 1, &c->tied, e)))
		return -1;
	if (c->heads * c->head_dim != c->hidden)
		return err_set(e, "head_dim %zu of %zu heads is not the hidden_size %zu",
			       c->head_dim, c->heads, c->hidden);
	return 0;
}

/* Gated delta rule but in each layer of a number, or as layer_types says. */
static int read_qwen35(struct config *c, struct span j, struct err *e)
{
	struct config_delta *d = &c->delta;
	size_t every;
	int gate, listed = get_mixed_types(c, j, "linear_attention", e);

	if (listed < 0 ||
	    config_size(j, "full_attention_interval", CONFIG_LAYERS_MAX, 4, &every, e) ||
	    config_size(j, "linear_conv_kernel_dim", CONFIG_TAPS_MAX, 4, &c->conv_taps, e) ||
	    config_size(j, "linear_num_key_heads", 4096, 16, &d->k_heads, e) ||
	    config_size(j, "linear_num_value_heads", 4096, 32, &d->v_heads, e) ||
	    config_size(j, "linear_key_head_dim", 4096, 128, &d->k_dim, e) ||
	    config_size(j, "linear_value_head_dim", 4096, 128, &d->v_dim, e) ||
	    config_flag(j, "attn_output_gate", 1, &gate, e))
		return -1;
	if (d->v_heads % d->k_heads != 0)
		return err_set(e,
			       "linear_num_value_heads %zu is no multiple of linear_num_key_heads %zu",
			       d->v_heads, d->k_heads);
	if (!gate)
		return err_set(e, "attn_output_gate false is not supported");
	for (size_t l = 0; !listed && l < c->layers; l++)
		c->conv[l] = (l + 1) % every != 0;
	return 0;
}

/* --- the table --- */

#define LLAMA_OUTSIDE \
	.embed = "model.embed_tokens", .layer = "model.layers.%zu.%s", .norm_final = "model.norm"
#define LLAMA_NORMS .norm_attn = "input_layernorm", .norm_mlp = "post_attention_layernorm"
#define LLAMA_ATTENTION \
	"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", NULL, "self_attn.o_proj"
#define LLAMA_MLP "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"
#define LLAMA_LINEAR .linear = {LLAMA_ATTENTION, LLAMA_MLP}
#define HEAD_NORMS .norm_q = "self_attn.q_norm", .norm_k = "self_attn.k_norm"
#define FUSED_MLP "mlp.gate_up_proj", "mlp.gate_up_proj", "mlp.down_proj"
#define SILU .keys = &llama_keys, .act = CONFIG_SWIGLU, .acts = {"silu", "swish"}
#define GEMMA_ACT .keys = &gemma_keys, .act = CONFIG_GEGLU
#define SANDWICH \
	.norm_attn = "input_layernorm", .post_attn = "post_attention_layernorm", \
	.norm_mlp = "pre_feedforward_layernorm", .post_mlp = "post_feedforward_layernorm"
/* OLMo 2 and those after it: behind attention and MLP only. */
#define BEHIND .post_attn = "post_attention_layernorm", .post_mlp = "post_feedforward_layernorm"
#define ATTENTION_BIAS .bias_qkv = {"attention_bias", 0}, .bias_o = {"attention_bias", 0}
#define LLAMA_BIAS ATTENTION_BIAS, .bias_mlp = {"mlp_bias", 0}

/* clang-format off */
static const struct family families[] = {
	{.type = "llama", .class = "LlamaForCausalLM", .gguf = "llama", .gguf_permuted = 1,
	 LLAMA_OUTSIDE, LLAMA_NORMS, LLAMA_LINEAR, SILU, LLAMA_BIAS, .eps = 1e-6, .theta = 1e4},
	{.type = "mistral", .class = "MistralForCausalLM", .gguf = "llama", .gguf_permuted = 1,
	 LLAMA_OUTSIDE, LLAMA_NORMS, LLAMA_LINEAR, SILU, .eps = 1e-6, .theta = 1e4, .windows = 1},
	{.type = "ministral3", .class = "Ministral3ForCausalLM", .gguf = "mistral3",
	 .gguf_permuted = 1, LLAMA_OUTSIDE, LLAMA_NORMS, LLAMA_LINEAR, SILU, .head_dim = 128,
	 .eps = 1e-5, .theta = 1e6, .windows = 1, .read = read_ministral3},
	{.type = "qwen2", .class = "Qwen2ForCausalLM", .gguf = "qwen2", LLAMA_OUTSIDE,
	 LLAMA_NORMS, LLAMA_LINEAR, SILU, .bias_qkv = {NULL, 1}, .eps = 1e-6, .theta = 1e4,
	 .windows = 1, .window_switch = 1},
	{.type = "qwen3", .class = "Qwen3ForCausalLM", .gguf = "qwen3", LLAMA_OUTSIDE,
	 LLAMA_NORMS, HEAD_NORMS, LLAMA_LINEAR, SILU, ATTENTION_BIAS, .eps = 1e-6, .theta = 1e4,
	 .windows = 1, .window_switch = 1},
	{.type = "qwen3_moe", .class = "Qwen3MoeForCausalLM", .gguf = "qwen3moe", LLAMA_OUTSIDE,
	 LLAMA_NORMS, HEAD_NORMS, LLAMA_LINEAR, .experts = &qwen3_experts, SILU, ATTENTION_BIAS,
	 .ffn = 6144, .eps = 1e-6, .theta = 1e4, .windows = 1, .window = 4096, .window_switch = 1},
	{.type = "gemma", .class = "GemmaForCausalLM", .gguf = "gemma", LLAMA_OUTSIDE,
	 LLAMA_NORMS, LLAMA_LINEAR, GEMMA_ACT, .acts = {"gelu_pytorch_tanh", "gelu"},
	 .head_dim = 256, .max_positions = 8192, ATTENTION_BIAS, .norm_plus = 1, .eps = 1e-6,
	 .theta = 1e4, .tied = 1, .read = read_gemma},
	{.type = "gemma2", .class = "Gemma2ForCausalLM", .gguf = "gemma2", LLAMA_OUTSIDE,
	 SANDWICH, LLAMA_LINEAR, GEMMA_ACT, .acts = {"gelu_pytorch_tanh"}, .head_dim = 256,
	 .max_positions = 8192, ATTENTION_BIAS, .norm_plus = 1, .eps = 1e-6, .theta = 1e4,
	 .tied = 1, .windows = 1, .window = 4096, .window_every = 2, .read = read_gemma2},
	/* Files of the 4B to 27B models leave out what agrees with the class's own numbers. */
	{.type = "gemma3_text", .class = "Gemma3ForCausalLM", .gguf = "gemma3", LLAMA_OUTSIDE,
	 SANDWICH, HEAD_NORMS, LLAMA_LINEAR, GEMMA_ACT, .acts = {"gelu_pytorch_tanh"},
	 .layers = 26, .hidden = 2304, .heads = 8, .kv_heads = 4, .head_dim = 256, .ffn = 9216,
	 .vocab = 262208, .max_positions = 131072, ATTENTION_BIAS, .norm_plus = 1, .eps = 1e-6,
	 .theta = 1e6, .tied = 1, .local_plain = 1, .windows = 1, .window = 4096,
	 .window_every = 6, .window_pattern = 1, .read = read_gemma3},
	{.type = "gpt2", .class = "GPT2LMHeadModel", .embed = "transformer.wte",
	 .positions = "transformer.wpe", .layer = "transformer.h.%zu.%s",
	 .norm_final = "transformer.ln_f", .norm_attn = "ln_1", .norm_mlp = "ln_2",
	 .linear = {"attn.c_attn", "attn.c_attn", "attn.c_attn", NULL, "attn.c_proj", NULL,
	 "mlp.c_fc", "mlp.c_proj"}, .transposed = 1, .keys = &gpt2_keys, .max_positions = 1024,
	 .norm = CONFIG_LAYERNORM, .act = CONFIG_GELU, .acts = {"gelu_new", "gelu_pytorch_tanh"},
	 .bias_qkv = {NULL, 1}, .bias_o = {NULL, 1}, .bias_mlp = {NULL, 1}, .eps = 1e-5, .tied = 1,
	 .read = read_gpt2},
	{.type = "gpt_oss", .class = "GptOssForCausalLM", .gguf = "gpt-oss",
	 .gguf_norm_mlp = "post_attention_norm", LLAMA_OUTSIDE, LLAMA_NORMS,
	 .sinks = "self_attn.sinks", .linear = {LLAMA_ATTENTION}, .experts = &gpt_oss_experts,
	 .keys = &llama_keys, .act = CONFIG_CLAMPED, .acts = {"silu"}, .head_dim = 64,
	 .bias_qkv = {"attention_bias", 1}, .bias_o = {"attention_bias", 1}, .eps = 1e-5,
	 .theta = 1.5e5, .windows = 1, .window = 128, .window_every = 2, .read = read_gpt_oss},
	{.type = "smollm3", .class = "SmolLM3ForCausalLM", .gguf = "smollm3", .gguf_permuted = 1,
	 LLAMA_OUTSIDE, LLAMA_NORMS, LLAMA_LINEAR, SILU, LLAMA_BIAS, .eps = 1e-6, .theta = 2e6,
	 .tied = 1, .rope = FAMILY_ROPE_LISTED, .windows = 1, .window_switch = 1},
	{.type = "phi3", .class = "Phi3ForCausalLM", .gguf = "phi3", LLAMA_OUTSIDE, LLAMA_NORMS,
	 .linear = {"self_attn.qkv_proj", "self_attn.qkv_proj", "self_attn.qkv_proj", NULL,
	 "self_attn.o_proj", FUSED_MLP}, SILU, .eps = 1e-5, .theta = 1e4, .partial = 1,
	 .windows = 1},
	{.type = "granite", .class = "GraniteForCausalLM", .gguf = "granite", .gguf_permuted = 1,
	 LLAMA_OUTSIDE, LLAMA_NORMS, LLAMA_LINEAR, SILU, LLAMA_BIAS, .eps = 1e-6, .theta = 1e4,
	 .read = read_granite},
	{.type = "granitemoe", .class = "GraniteMoeForCausalLM", .gguf = "granitemoe",
	 .gguf_permuted = 1, LLAMA_OUTSIDE, LLAMA_NORMS, .linear = {LLAMA_ATTENTION},
	 .experts = &granite_experts, SILU, ATTENTION_BIAS, .eps = 1e-6, .theta = 1e4,
	 .read = read_granite},
	/* "granite" of llama.cpp computes the same. */
	{.type = "granitemoehybrid", .class = "GraniteMoeHybridForCausalLM", .gguf = "granite",
	 .gguf_permuted = 1, .gguf_split = 1, LLAMA_OUTSIDE, LLAMA_NORMS, .linear = {LLAMA_ATTENTION,
	 "shared_mlp.input_linear", "shared_mlp.input_linear", "shared_mlp.output_linear"},
	 .keys = &granite_hybrid_keys, .act = CONFIG_SWIGLU, .acts = {"silu", "swish"},
	 ATTENTION_BIAS, .ffn = 1024, .eps = 1e-6, .theta = 1e4, .read = read_granite_hybrid},
	{.type = "olmo2", .class = "Olmo2ForCausalLM", .gguf = "olmo2", LLAMA_OUTSIDE, BEHIND,
	 HEAD_NORMS, LLAMA_LINEAR, SILU, ATTENTION_BIAS, .eps = 1e-5, .theta = 1e4, .qk_whole = 1},
	{.type = "olmo3", .class = "Olmo3ForCausalLM", .gguf = "olmo2", LLAMA_OUTSIDE, BEHIND,
	 HEAD_NORMS, LLAMA_LINEAR, SILU, ATTENTION_BIAS, .eps = 1e-5, .theta = 1e4, .qk_whole = 1,
	 .local_plain = 1, .windows = 1, .window = 4096, .window_every = 4},
	{.type = "olmoe", .class = "OlmoeForCausalLM", .gguf = "olmoe", LLAMA_OUTSIDE, LLAMA_NORMS,
	 HEAD_NORMS, .linear = {LLAMA_ATTENTION}, .experts = &olmoe_experts, SILU, ATTENTION_BIAS,
	 .ffn = 2048, .max_positions = 4096, .eps = 1e-5, .theta = 1e4, .qk_whole = 1},
	{.type = "exaone4", .class = "Exaone4ForCausalLM", .gguf = "exaone4", LLAMA_OUTSIDE,
	 BEHIND, HEAD_NORMS, LLAMA_LINEAR, SILU, .eps = 1e-5, .theta = 1e4,
	 .rope = FAMILY_ROPE_WINDOWED, .windows = 1, .window = 4096, .window_every = 4,
	 .window_pattern = 1},
	{.type = "seed_oss", .class = "SeedOssForCausalLM", .gguf = "seed_oss",
	 .gguf_norm_mlp = "post_attention_norm", LLAMA_OUTSIDE, LLAMA_NORMS, LLAMA_LINEAR, SILU,
	 .head_dim = 128, .bias_qkv = {"attention_bias", 1}, .bias_o = {"attention_out_bias", 0},
	 .bias_mlp = {"mlp_bias", 0}, .eps = 1e-6, .theta = 1e4},
	{.type = "arcee", .class = "ArceeForCausalLM", .gguf = "arcee", .gguf_permuted = 1,
	 LLAMA_OUTSIDE, LLAMA_NORMS,
	 .linear = {LLAMA_ATTENTION, NULL, "mlp.up_proj", "mlp.down_proj"}, .keys = &llama_keys,
	 .act = CONFIG_RELU2, .acts = {"relu2"}, LLAMA_BIAS, .eps = 1e-5, .theta = 1e4},
	{.type = "glm4", .class = "Glm4ForCausalLM", .gguf = "glm4", LLAMA_OUTSIDE,
	 .norm_attn = "input_layernorm", .post_attn = "post_self_attn_layernorm",
	 .norm_mlp = "post_attention_layernorm", .post_mlp = "post_mlp_layernorm",
	 .linear = {LLAMA_ATTENTION, FUSED_MLP}, SILU, .head_dim = 128,
	 .bias_qkv = {"attention_bias", 0}, .eps = 1.5625e-7, .theta = 1e4, .pairs = 1,
	 .partial = 0.5},
	{.type = "ernie4_5", .class = "Ernie4_5ForCausalLM", .gguf = "ernie4_5", LLAMA_OUTSIDE,
	 LLAMA_NORMS, LLAMA_LINEAR, SILU, .head_dim = 128, .bias_qkv = {"use_bias", 0},
	 .bias_o = {"use_bias", 0}, .bias_mlp = {"use_bias", 0}, .eps = 1e-5, .theta = 5e5,
	 .tied = 1, .pairs = 1},
	{.type = "hunyuan_v1_dense", .class = "HunYuanDenseV1ForCausalLM",
	 .gguf = "hunyuan-dense", LLAMA_OUTSIDE, LLAMA_NORMS,
	 .norm_q = "self_attn.query_layernorm", .norm_k = "self_attn.key_layernorm", LLAMA_LINEAR,
	 SILU, ATTENTION_BIAS, .eps = 1e-5, .theta = 1e4, .rope_first = 1, .read = read_hunyuan},
	{.type = "lfm2", .class = "Lfm2ForCausalLM", .gguf = "lfm2",
	 .gguf_norm_final = "token_embd_norm", .embed = "model.embed_tokens",
	 .layer = "model.layers.%zu.%s", .norm_final = "model.embedding_norm",
	 .norm_attn = "operator_norm", .norm_mlp = "ffn_norm", .norm_q = "self_attn.q_layernorm",
	 .norm_k = "self_attn.k_layernorm", .linear = {"self_attn.q_proj", "self_attn.k_proj",
	 "self_attn.v_proj", NULL, "self_attn.out_proj", "feed_forward.w1", "feed_forward.w3",
	 "feed_forward.w2"}, .mixer = {"conv.in_proj", "conv.in_proj", "conv.in_proj", NULL,
	 "conv.out_proj"}, .conv = "conv.conv", .keys = &lfm2_keys, .act = CONFIG_SWIGLU, .acts = {"silu"},
	 .ffn = 12288, .eps = 1e-5, .theta = 1e6, .tied = 1, .read = read_lfm2},
	{.type = "qwen3_5_text", .class = "Qwen3_5ForCausalLM", .gguf = "qwen35",
	 .gguf_norm_mlp = "post_attention_norm", LLAMA_OUTSIDE, LLAMA_NORMS, HEAD_NORMS,
	 LLAMA_LINEAR, .mixer = {"linear_attn.in_proj_qkv", "linear_attn.in_proj_z",
	 "linear_attn.in_proj_b", "linear_attn.in_proj_a", "linear_attn.out_proj"},
	 .conv = "linear_attn.conv1d", .a_log = "linear_attn.A_log",
	 .dt_bias = "linear_attn.dt_bias", .norm_mixed = "linear_attn.norm", SILU,
	 ATTENTION_BIAS, .layers = 32, .hidden = 4096, .heads = 16, .kv_heads = 4,
	 .head_dim = 256, .ffn = 12288, .vocab = 248320, .max_positions = 32768, .norm_plus = 1,
	 .out_gate = 1, .eps = 1e-6, .theta = 1e4, .partial = 0.25, .read = read_qwen35},
	{.type = "starcoder2", .class = "Starcoder2ForCausalLM", .gguf = "starcoder2",
	 LLAMA_OUTSIDE, LLAMA_NORMS, .linear = {LLAMA_ATTENTION, NULL, "mlp.c_fc", "mlp.c_proj"},
	 .keys = &starcoder2_keys, .norm = CONFIG_LAYERNORM, .act = CONFIG_GELU,
	 .acts = {"gelu_pytorch_tanh"}, .bias_qkv = {"use_bias", 1}, .bias_o = {"use_bias", 1},
	 .bias_mlp = {"use_bias", 1}, .eps = 1e-5, .theta = 1e4, .tied = 1, .windows = 1},
};
/* clang-format on */
#define FAMILIES (sizeof families / sizeof *families)

const struct family *family_find(struct span type)
{
	for (size_t i = 0; i < FAMILIES; i++)
		if (span_is(type, families[i].type))
			return &families[i];
	return NULL;
}

void family_names(struct buf *out)
{
	for (size_t i = 0; i < FAMILIES; i++)
		buf_addf(out, "%s%s",
			 i == 0		     ? ""
			 : i + 1 == FAMILIES ? " and "
					     : ", ",
			 families[i].type);
}

/* --- members of one family in another's file --- */

#define EXPERTS ",olmoe,qwen3_moe,granitemoe,gpt_oss,"
#define GRANITE ",granite,granitemoe,granitemoehybrid,"

/* Changes what is computed wherever it is neither missing, null, false nor the neutral number, and
 * only the families named (with commas around each) heed it. */
static const struct {
	const char *key;
	double neutral; /* NAN: there is none */
	const char *families;
} own_keys[] = {
	{"attn_logit_softcapping", NAN, ",gemma2,gemma3_text,"},
	{"final_logit_softcapping", NAN, ",gemma2,gemma3_text,"},
	{"query_pre_attn_scalar", NAN, ",gemma2,gemma3_text,"},
	{"rope_local_base_freq", NAN, ",gemma3_text,"},
	{"sliding_window_pattern", NAN, ",gemma3_text,exaone4,"},
	{"embedding_multiplier", 1, GRANITE},
	{"residual_multiplier", 1, GRANITE},
	{"attention_multiplier", NAN, GRANITE},
	{"logits_scaling", 1, GRANITE},
	{"logit_scale", 1, ","},
	{"no_rope_layers", NAN, ",smollm3,"},
	{"no_rope_layer_interval", NAN, ",smollm3,"},
	{"use_qk_norm", NAN, ",hunyuan_v1_dense,"},
	{"use_cla", NAN, ","},
	{"use_bidirectional_attention", NAN, ","},
	{"qk_layernorm", NAN, ","},
	{"clip_qkv", NAN, ","},
	{"parallel_attn", NAN, ","},
	{"use_parallel_residual", NAN, ","},
	{"alibi", NAN, ","},
	{"lm_head_bias", NAN, ","},
	{"num_experts", 0, EXPERTS "hunyuan_v1_dense,"},
	{"num_local_experts", 0, EXPERTS},
	{"num_experts_per_tok", 0, EXPERTS},
	{"swiglu_limit", NAN, ",gpt_oss,"},
	{"swiglu_alpha", NAN, ",gpt_oss,"},
	{"norm_topk_prob", NAN, ",olmoe,qwen3_moe,"},
	{"moe_intermediate_size", 0, ",qwen3_moe,"},
	{"decoder_sparse_step", 1, ",qwen3_moe,"},
	{"shared_expert_intermediate_size", 0, ","},
	{"n_routed_experts", 0, ","},
	{"n_shared_experts", 0, ","},
	{"num_shared_experts", 0, ","},
	{"first_k_dense_replace", 0, ","},
	{"kv_lora_rank", NAN, ","},
	{"conv_L_cache", NAN, ",lfm2,"},
	{"linear_num_key_heads", NAN, ",qwen3_5_text,"},
	{"linear_num_value_heads", NAN, ",qwen3_5_text,"},
	{"linear_conv_kernel_dim", NAN, ",qwen3_5_text,"},
	{"full_attention_interval", NAN, ",qwen3_5_text,"},
	{"attn_output_gate", NAN, ",qwen3_5_text,"},
	{"num_kv_shared_layers", 0, ","},
	{"altup_num_inputs", NAN, ","},
};

static int heeds(const struct family *f, const char *list)
{
	char name[64];

	snprintf(name, sizeof name, ",%s,", f->type);
	return strstr(list, name) != NULL;
}

int family_check_keys(const struct family *f, struct span j, struct err *e)
{
	for (size_t i = 0; i < sizeof own_keys / sizeof *own_keys; i++) {
		struct span v = json_member(j, own_keys[i].key);
		double x;

		if (config_absent(v) || json_kind(v) == JSON_FALSE ||
		    heeds(f, own_keys[i].families))
			continue;
		if (json_number(v, &x) == 0 && x == own_keys[i].neutral)
			continue;
		return err_set(e, "%s: %.*s has no place in a %s model", own_keys[i].key,
			       (int)(v.n < 40 ? v.n : 40), v.s, f->type);
	}
	return 0;
}

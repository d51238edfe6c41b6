/* config: config.json of a published model, read into what the computation needs to know.
 *
 * One decoder covers the families; they differ in the fields below. A model_type or a feature that
 * is not covered is refused by name, never guessed at.
 */
#ifndef FT_MODEL_CONFIG_H
#define FT_MODEL_CONFIG_H

#include <stddef.h>
#include "../base/err.h"

enum config_norm { CONFIG_RMS, CONFIG_LAYERNORM };
enum config_act { CONFIG_SWIGLU, CONFIG_GEGLU, CONFIG_GELU }; /* the last without gate */
enum config_rope { CONFIG_ROPE_NONE, CONFIG_ROPE_PLAIN, CONFIG_ROPE_LINEAR, CONFIG_ROPE_LLAMA3 };

#define CONFIG_EOS_MAX 16
#define CONFIG_LAYERS_MAX 512

struct config {
	char model_type[32]; /* "llama", "mistral", "qwen2", "qwen3", ... */
	size_t layers, hidden, heads, kv_heads, head_dim, ffn, vocab, max_positions;
	enum config_norm norm;
	float norm_eps, norm_plus; /* weights are w + norm_plus: 1 for Gemma */
	enum config_act act;
	int qkv_bias, o_bias, mlp_bias; /* as the family has them; checked against the tensors */
	int qk_norm;	   /* RMSNorm over head_dim on q and k before RoPE (Qwen3, Gemma 3) */
	int post_norms;	   /* norms after attention and MLP too (Gemma 2, 3) */
	int tied;	   /* head and embedding are one tensor */
	float embed_scale; /* 1, or sqrt(hidden) for Gemma */
	float attn_scale;  /* 1/sqrt(head_dim), or from query_pre_attn_scalar */
	float attn_softcap, logit_softcap; /* 0: none */
	enum config_rope rope;
	/* local: for windowed layers, where it differs; otherwise equal */
	double rope_theta, rope_local_theta;
	double rope_factor, rope_low, rope_high, rope_original;
	size_t window; /* sliding window of the windowed layers; 0: none */
	unsigned char windowed[CONFIG_LAYERS_MAX];
	int transposed;		 /* GPT-2: weights stored [in, out], q k v fused */
	float init_range;	 /* initializer_range, .02 where absent */
	int bos, pad;		 /* -1: none */
	int eos[CONFIG_EOS_MAX]; /* generation_config.json wins over config.json */
	size_t n_eos;
	char *text; /* config.json as read, owned */
};

/* Reads DIR/config.json (and generation_config.json if there). */
int config_read(struct config *c, const char *dir, struct err *e);
/* Reads a configuration from a file by its own name (ft-train --scratch). */
int config_read_file(struct config *c, const char *path, struct err *e);
/* From text; where says what to call it in errors. */
int config_parse(struct config *c, const char *text, size_t n, const char *where, struct err *e);
void config_release(struct config *c);
void config_copy(struct config *to, const struct config *from);

/* The window of layer l, 0 for none. */
size_t config_window(const struct config *c, size_t l);
/* Inverse frequencies of the rotary positions after scaling: out [head_dim/2]. local: those of
 * windowed layers. */
void config_rope(const struct config *c, int local, double *out);

#endif

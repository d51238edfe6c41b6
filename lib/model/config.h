/* config: config.json of a published model, read into what the computation needs to know.
 *
 * One decoder covers the families; they differ in the fields below, and which has what stands in
 * family.c. A model_type or a feature that is not covered is refused by name, never guessed at, and
 * so is a member that changes what other families compute.
 */
#ifndef FT_MODEL_CONFIG_H
#define FT_MODEL_CONFIG_H

#include <stddef.h>
#include "../base/err.h"

struct family;

enum config_norm { CONFIG_RMS, CONFIG_LAYERNORM };
enum config_act {
	CONFIG_SWIGLU,
	CONFIG_GEGLU,
	CONFIG_GELU,
	CONFIG_RELU2,
	CONFIG_CLAMPED
}; /* GELU and RELU2 without gate; CLAMPED: nn/kern.h */
enum config_qk_norm { CONFIG_QK_NONE, CONFIG_QK_HEADS, CONFIG_QK_WHOLE };
enum config_rope {
	CONFIG_ROPE_NONE,
	CONFIG_ROPE_PLAIN,
	CONFIG_ROPE_LINEAR,
	CONFIG_ROPE_LLAMA3,
	CONFIG_ROPE_YARN,
	CONFIG_ROPE_LONG
};
/* Angles: of all layers; of windowed ones; of all, in sequences beyond the original context. */
enum config_angles { CONFIG_ANGLES, CONFIG_ANGLES_LOCAL, CONFIG_ANGLES_LONG };

#define CONFIG_EOS_MAX 16
#define CONFIG_LAYERS_MAX 512
#define CONFIG_TAPS_MAX 64
#define CONFIG_EXPERTS_MAX 1024

struct config {
	const struct family *family;
	char wrapper[24]; /* model_type of the multimodal model around this one; "": none */
	size_t layers, hidden, heads, kv_heads, head_dim, ffn, vocab;
	/* A sequence may have max_positions tokens. With longrope that is the original context, and a
	 * longer sequence, of up to long_positions, has other angles from its beginning on (0: there
	 * is no such thing). */
	size_t max_positions, long_positions;
	int bounded; /* a longer one has other angles, which are not covered (dynamic scaling) */
	enum config_norm norm;
	float norm_eps, norm_plus; /* weights are w + norm_plus: 1 for Gemma */
	enum config_act act;
	float act_limit;		/* of CLAMPED */
	int qkv_bias, o_bias, mlp_bias; /* as the family has them; checked against the tensors */
	enum config_qk_norm qk_norm;	/* RMSNorm on q and k, per head or over all heads at once */
	int rope_first;			/* and behind the rotation, not before it */
	int tied;			/* head and embedding are one tensor */
	float embed_scale;		/* 1, or sqrt(hidden) for Gemma */
	float residual_scale;		/* of what a block adds; 1 */
	float attn_scale;		/* 1/sqrt(head_dim), or from query_pre_attn_scalar */
	float logit_scale;		/* 1 */
	float attn_softcap, logit_softcap; /* 0: none */
	/* Queries grow by 1 + beta ln(1 + floor(position / every)); beta 0: they don't. */
	double query_beta, query_every;
	enum config_rope rope;
	size_t rope_dims; /* of a head's values the first so many are turned */
	int rope_pairs;	  /* value 2j with 2j + 1, not j with j + rope_dims/2 */
	/* local: for windowed layers, where it differs; otherwise equal */
	double rope_theta, rope_local_theta;
	int rope_local_plain; /* windowed layers are turned without scaling */
	double rope_factor, rope_low, rope_high, rope_original;
	double rope_fast, rope_slow;	/* yarn: turns within the original context */
	int rope_truncate;		/* yarn: bounds are whole */
	double rope_attention;		/* cosines and sines are longer by this */
	double *rope_short, *rope_long; /* longrope: divisors [rope_dims/2], owned */
	unsigned char no_rope[CONFIG_LAYERS_MAX];
	/* Layers with a short convolution in the place of attention: gated (LFM2), or with the gated
	 * delta rule behind it (Qwen 3.5). */
	unsigned char conv[CONFIG_LAYERS_MAX];
	size_t conv_taps; /* 0: there are none */
	int conv_bias;
	/* Mixture of experts: which layers have experts in the place of the MLP, how many there are,
	 * how many of them a row goes to, and how wide one is. */
	unsigned char sparse[CONFIG_LAYERS_MAX];
	size_t experts, experts_used, expert_ffn; /* 0: there are none */
	int experts_normed;			  /* shares of the chosen add up to 1 */
	int mxfp4;				  /* experts are stored as MXFP4 */
	/* Of the delta rule: heads of keys and of values, and their sizes; k_heads 0: there is none. */
	struct config_delta {
		size_t k_heads, v_heads, k_dim, v_dim;
	} delta;
	int out_gate;  /* attention's output is gated: q_proj has [q, gate] of each head */
	size_t window; /* sliding window of the windowed layers; 0: none */
	unsigned char windowed[CONFIG_LAYERS_MAX];
	float init_range;	 /* initializer_range, .02 where absent */
	int fp8;		 /* weights are stored as FP8, with their scales beside them */
	size_t fp8_block[2];	 /* sides of the blocks that share a scale, where there are such */
	int bos, pad;		 /* -1: none */
	int eos[CONFIG_EOS_MAX]; /* generation_config.json wins over config.json */
	size_t n_eos;
	char *text; /* config.json as read, of a text model inside another one its own; owned */
};

/* Reads DIR/config.json (and generation_config.json if there). */
int config_read(struct config *c, const char *dir, struct err *e);
/* Reads a configuration from a file by its own name (ft-train --scratch). */
int config_read_file(struct config *c, const char *path, struct err *e);
/* From text; where says what to call it in errors. */
int config_parse(struct config *c, const char *text, size_t n, const char *where, struct err *e);
void config_release(struct config *c);
void config_copy(struct config *to, const struct config *from);

/* What the delta rule's convolution reads: the rows of its in_proj_qkv. */
static inline size_t config_delta_width(const struct config *c)
{
	return 2 * c->delta.k_heads * c->delta.k_dim + c->delta.v_heads * c->delta.v_dim;
}

/* The most tokens that a sequence may have. */
static inline size_t config_context(const struct config *c)
{
	return c->long_positions ? c->long_positions : c->max_positions;
}

/* Whether a sequence of n tokens has the angles of long ones. */
static inline int config_is_long(const struct config *c, size_t n)
{
	return c->long_positions > 0 && n > c->max_positions;
}

/* The window of layer l, 0 for none. */
size_t config_window(const struct config *c, size_t l);
/* Inverse frequencies of the rotary positions after scaling: out [rope_dims/2]. */
void config_frequencies(const struct config *c, enum config_angles which, double *out);
/* Rows from..to-1 of the tables of cosines and sines [to, rope_dims/2]. */
void config_rope_rows(const struct config *c, enum config_angles which, size_t from, size_t to,
		      float *cosines, float *sines);
/* What a query at a position is multiplied by. */
float config_query_scale(const struct config *c, size_t position);

#endif

/* lib/model: a language model as published: config.json, weights, adapters (PEFT), saving, GGUF
 * with its metadata (gguf), the hub's cache, the rule of `--quantize` (quantize).
 *
 * model: a decoder's weights as one table of tensors, and the layers that refer to them.
 *
 * The table drives loading, gradients, the optimiser and saving: whatever is trained has a place in
 * one flat array of floats (params), gradients have the same layout, so clipping, AdamW, all-reduce
 * and checkpoints are loops over that array.
 *
 * Frozen weights stay in the mapped file as they are (f32, f16, bf16) or are quantised once into
 * memory of the model. Trained ones are f32 in params. model_free ends all of it; pointers into
 * the model live as long as it does.
 *
 * A model that is not being trained may be used by any number of threads at once.
 */
#ifndef FT_MODEL_MODEL_H
#define FT_MODEL_MODEL_H

#include <stddef.h>
#include <stdint.h>
#include "../base/buf.h"
#include "../base/err.h"
#include "config.h"
#include "tensor.h"

/* y = W x + bias, and with an adapter + scale B A x (LoRA, Hu et al. 2021), or DoRA's rescaled rows
 * (Liu et al. 2024). t_* are places in the table, -1 for none; w.data, bias, a, b, magnitude point
 * at the same values. Where the file has several products in one tensor (GPT-2's c_attn, Phi-3's
 * qkv_proj), each is a run of its rows from row0 on, and they share one adapter. */
struct model_linear {
	struct nn_mat w; /* [out, in] */
	const float *bias;
	const float *a;		/* [rank, in] */
	const float *b;		/* [out, rank] */
	const float *magnitude; /* [out], DoRA */
	const float *extra;	/* [out] bias of B, inside scale; NULL: none */
	size_t rank;
	float scale; /* alpha/rank, or alpha/sqrt(rank) */
	int t_w, t_bias, t_a, t_b, t_m, t_extra;
	size_t row0, step; /* rows of the tensor from one row to the next */
};

/* y [n] += the bias of outputs first to first + n - 1, where there is one. */
void model_add_bias(const struct model_linear *lin, float *y, size_t first, size_t n);

struct model_norm {
	const float *w, *b; /* b for LayerNorm only */
	int t_w, t_b;
	float plus; /* weights are w + plus */
};

struct model_layer {
	struct model_linear lin[MODEL_LINEARS];
	/* w NULL: none */
	struct model_norm norm_attn, norm_mlp; /* before attention, before the MLP */
	struct model_norm post_attn, post_mlp;
	struct model_norm norm_q, norm_k; /* [head_dim], or over all heads (config.qk_norm) */
	size_t window;			  /* 0: none */
	int local;			  /* uses the local rotary frequencies */
	int rope;			  /* 0: positions are not turned in this layer */
	/* A convolution stands in the place of attention; taps 0: it does not. Of the products q, k, v
	 * and o then are its gates b and c, its input and its output, [hidden] each. */
	size_t taps;
	const float *conv, *conv_bias; /* [hidden, taps]; [hidden] or NULL */
	int t_conv, t_conv_bias;
	/* Or the gated delta rule (nn/delta.h): q is all that its convolution reads [q, k and v of all
	 * heads], k the gate of its output, v beta and decay a, of each value head; behind it a norm
	 * of each value head. */
	int delta;
	const float *a_log, *dt_bias; /* [v_heads] */
	struct model_norm norm_mixed; /* [v_dim] */
	int t_a_log, t_dt_bias;
	const float *sinks; /* [heads] scores beside those of the keys (nn/attn.h); NULL: none */
	int t_sinks;
	/* Experts stand in the place of the MLP; NULL: they do not. Of each its gate (rows 0 where up
	 * makes both), up and down. The router [experts, hidden] chooses among them. */
	struct model_linear (*experts)[MODEL_EXPERT_LINEARS];
	struct model_linear router;
};

struct model;

/* A layer's products are counted through: those of MODEL_LINEARS, then those of its experts one after
 * another. */
size_t model_products(const struct model *m, size_t layer);
struct model_linear *model_product(const struct model *m, size_t layer, size_t i);

struct model {
	struct config config;
	struct model_tensor *tensors;
	size_t n_tensors;
	struct model_layer *layers;
	struct nn_mat embed, head;	     /* [vocab, hidden]; the same data where tied */
	struct nn_mat base_embed, base_head; /* those of the base, where an adapter has others */
	const float *positions;		     /* [max_positions, hidden] (GPT-2), or NULL */
	int t_embed, t_head, t_positions;    /* t_head == t_embed where tied */
	struct model_norm norm_final;
	int untied;	    /* config.json says tied, the file holds two that differ */
	struct buf warning; /* see model_warning */
	float *params;	    /* every trained value, in table order */
	size_t n_params;
	struct adapter *adapter;     /* what hangs over the base (adapter.h), or NULL */
	char *dir;		     /* where it was read from, NULL for a model from nothing */
	struct model_memory *memory; /* private: mapped files and arena */
};

/* Embedding and head of the base alone, whatever an adapter has in their place. */
static inline const struct nn_mat *model_base_embed(const struct model *m)
{
	return m->base_embed.data ? &m->base_embed : &m->embed;
}

static inline const struct nn_mat *model_base_head(const struct model *m)
{
	return m->base_head.data ? &m->base_head : &m->head;
}

struct model_load {
	int quantize; /* 0: keep as stored; 1: hold matrices as `type` (f32, bf16, q8_0, q4_0) */
	/* by the rule of quantize_held_as: the base is trained over as it will be deployed */
	enum nn_type type;
};

/* Reads DIR/config.json and the weights. Nothing is trained yet. opt may be NULL. Errors name the
 * file and the tensor. */
int model_open(struct model **out, const char *dir, const struct model_load *opt, struct err *e);

/* What the user should be told of the files once, or NULL. */
const char *model_warning(const struct model *m);

/* A model from nothing, all trained: matrices normal with the config's initializer_range, the two
 * projections onto the residual stream (o, down) smaller by sqrt(2 layers) (Radford et al. 2019),
 * norms 1 (0 where norm_plus is 1), biases 0. The config is copied. */
int model_new(struct model **out, const struct config *c, uint64_t seed, struct err *e);

void model_free(struct model *m);

/* Makes every tensor trained (full fine-tuning), or those of the top n layers with the final norm
 * and, where untied, the head. Copies them into params as f32. Not after an adapter was set up, and
 * not on a quantised base. */
int model_train_all(struct model *m, struct err *e);
int model_train_top(struct model *m, size_t n, struct err *e);

/* Values of a tensor as f32, with the adapter merged in where `merged`: out [rows * cols]. */
void model_tensor_values(const struct model *m, size_t i, int merged, float *out);
/* The same of one product: out [w.rows * w.cols]. */
void model_linear_values(const struct model_linear *lin, int merged, float *out);

/* Whether the adapter can be merged into the base's tensors; -1 with the reason. */
int model_merges(const struct model *m, struct err *e);

#define MODEL_SHARD_BYTES ((size_t)5000000000) /* what the field cuts large models into */

/* How a model is written, here and as GGUF. */
struct model_save {
	enum nn_type type;
	size_t shard_bytes; /* 0: MODEL_SHARD_BYTES */
	int fresh;	    /* the directory holds no model yet, so its files stand there at once */
	/* after each tensor, with its number of values; not 0 ends it as interrupted. NULL: none */
	int (*step)(void *arg, size_t values);
	void *arg;
};

/* Writes DIR/config.json (the original text, with torch_dtype set) and DIR/model.safetensors (f32
 * or bf16), or where that would pass shard_bytes shards of at most that (a larger tensor stands
 * alone in one) with their index; the adapter merged in if there is one. A tied head is left out.
 * Each file is written atomically, the weights first; the other form, left by an earlier model, is
 * removed. */
int model_save(const struct model *m, const char *dir, const struct model_save *how, struct err *e);

/* Values were copied elsewhere: where they stand in a mapped file, its pages need not stay in
 * memory. They can still be read. */
void model_forget(const struct model *m, const void *data, size_t bytes);

size_t model_count(const struct model *m); /* parameters of the base, a tied pair once */
/* memory held for weights, with what of mapped files is computed with */
size_t model_bytes(const struct model *m);

#endif

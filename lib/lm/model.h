/* model: a decoder's weights as one table of tensors, and the layers that refer to them.
 *
 * The table drives loading, gradients, the optimiser and saving: whatever is trained has a place in
 * one flat array of floats (params), gradients have the same layout, so clipping, AdamW, all-reduce
 * and checkpoints are loops over that array.
 *
 * Frozen weights stay in the mapped file as they are (f32, f16, bf16) or are quantised once into
 * memory of the model. Trained ones are f32 in params. lm_model_free ends all of it; pointers into
 * the model live as long as it does.
 *
 * A model that is not being trained may be used by any number of threads at once.
 */
#ifndef FT_LM_MODEL_H
#define FT_LM_MODEL_H

#include <stddef.h>
#include <stdint.h>
#include "../base/err.h"
#include "../nn/mat.h"
#include "config.h"

enum lm_role {
	LM_EMBED,
	LM_POSITION,
	LM_NORM,
	LM_WEIGHT,
	LM_BIAS,
	LM_HEAD,
	LM_LORA_A,
	LM_LORA_B,
	LM_LORA_M
};

struct lm_tensor {
	/* as in the file: model.layers.0.self_attn.q_proj.weight; adapters as PEFT names them */
	char *name;
	enum lm_role role;
	int layer;	   /* -1: outside the layers */
	int dims;	   /* 1 or 2 */
	size_t rows, cols; /* of a vector: rows = 1 */
	enum nn_type type;
	const void *data; /* values as held; &params[offset] for trained ones */
	int transposed;	  /* the file has it [cols, rows] (GPT-2) */
	int trained;
	size_t offset; /* in floats, into params and gradients, where trained */
};

/* y = W x + bias, and with an adapter + scale B A x (LoRA, Hu et al. 2021), or DoRA's rescaled rows
 * (Liu et al. 2024). t_* are places in the table, -1 for none; w.data, bias, a, b, magnitude point
 * at the same values. Where the file has several products in one tensor (GPT-2's c_attn), each is a
 * run of its rows from row0 on, and they share one adapter. */
struct lm_linear {
	struct nn_mat w; /* [out, in] */
	const float *bias;
	const float *a;		/* [rank, in] */
	const float *b;		/* [out, rank] */
	const float *magnitude; /* [out], DoRA */
	size_t rank;
	float scale; /* alpha/rank, or alpha/sqrt(rank) */
	int t_w, t_bias, t_a, t_b, t_m;
	size_t row0;
};

struct lm_norm_weights {
	const float *w, *b; /* b for LayerNorm only */
	int t_w, t_b;
};

/* GATE is absent (rows 0) without gate */
enum { LM_Q, LM_K, LM_V, LM_O, LM_GATE, LM_UP, LM_DOWN, LM_LINEARS };

struct lm_layer {
	struct lm_linear lin[LM_LINEARS];
	struct lm_norm_weights norm_attn, norm_mlp; /* before attention, before the MLP */
	struct lm_norm_weights post_attn, post_mlp; /* w NULL: none */
	struct lm_norm_weights norm_q, norm_k;	    /* [head_dim]; w NULL: none */
	size_t window;				    /* 0: none */
	int local;				    /* uses the local rotary frequencies */
};

struct lm_model {
	struct lm_config config;
	struct lm_tensor *tensors;
	size_t n_tensors;
	struct lm_layer *layers;
	struct nn_mat embed, head;	  /* [vocab, hidden]; the same data where tied */
	const float *positions;		  /* [max_positions, hidden] (GPT-2), or NULL */
	int t_embed, t_head, t_positions; /* t_head == t_embed where tied */
	struct lm_norm_weights norm_final;
	float *params; /* every trained value, in table order */
	size_t n_params;
	struct lm_adapter *adapter; /* what hangs over the base (adapter.h), or NULL */
	char *dir;		    /* where it was read from, NULL for a model from nothing */
	struct lm_memory *memory;   /* private: mapped files and arena */
};

struct lm_load {
	int quantize; /* 0: keep as stored; 1: hold matrices as `type` (f32, bf16, q8_0, q4_0) */
	/* by the rule of lm_held_as (decode.h): the base is trained over as it will be deployed */
	enum nn_type type;
};

/* Reads DIR/config.json and the weights. Nothing is trained yet. opt may be NULL. Errors name the
 * file and the tensor. */
int lm_model_open(struct lm_model **out, const char *dir, const struct lm_load *opt, struct err *e);

/* A model from nothing, all trained: matrices normal with the config's initializer_range, the two
 * projections onto the residual stream (o, down) smaller by sqrt(2 layers) (Radford et al. 2019),
 * norms 1 (0 where norm_plus is 1), biases 0. The config is copied. */
int lm_model_new(struct lm_model **out, const struct lm_config *c, uint64_t seed, struct err *e);

void lm_model_free(struct lm_model *m);

/* Makes every tensor trained (full fine-tuning), or those of the top n layers with the final norm
 * and, where untied, the head. Copies them into params as f32. Not after an adapter was set up, and
 * not on a quantised base. */
int lm_model_train_all(struct lm_model *m, struct err *e);
int lm_model_train_top(struct lm_model *m, size_t n, struct err *e);

/* Values of a tensor as f32, with the adapter merged in where `merged`: out [rows * cols]. */
void lm_tensor_values(const struct lm_model *m, size_t i, int merged, float *out);
/* The same of one product: out [w.rows * w.cols]. */
void lm_linear_values(const struct lm_linear *lin, int merged, float *out);

#define LM_SHARD_BYTES ((size_t)5000000000) /* what the field cuts large models into */

/* How a model is written, here and as GGUF. */
struct lm_save {
	enum nn_type type;
	size_t shard_bytes; /* 0: LM_SHARD_BYTES */
	/* after each tensor, with its number of values; not 0 ends it as interrupted. NULL: none */
	int (*step)(void *arg, size_t values);
	void *arg;
};

/* Writes DIR/config.json (the original text, with torch_dtype set) and DIR/model.safetensors (f32
 * or bf16), or where that would pass shard_bytes shards of at most that (a larger tensor stands
 * alone in one) with their index; the adapter merged in if there is one. A tied head is left out.
 * Each file is written atomically, the weights first; the other form, left by an earlier model, is
 * removed. */
int lm_model_save(const struct lm_model *m, const char *dir, const struct lm_save *how,
		  struct err *e);

/* Values were copied elsewhere: where they stand in a mapped file, its pages need not stay in
 * memory. They can still be read. */
void lm_model_forget(const struct lm_model *m, const void *data, size_t bytes);

size_t lm_model_count(const struct lm_model *m); /* parameters of the base, a tied pair once */
/* memory held for weights, mapped files included */
size_t lm_model_bytes(const struct lm_model *m);

#endif

/* family: what one family of models does otherwise than the others, in one place: what its tensors
 * are called, what its config.json leaves out, which of the decoder's parts it has.
 *
 * A family is a row of the table in family.c. What it alone needs beyond the row is a function there
 * that reads its own members into the config; the computation knows only the config.
 */
#ifndef FT_MODEL_FAMILY_H
#define FT_MODEL_FAMILY_H

#include "../base/buf.h"
#include "config.h"
#include "tensor.h"

/* Names of config.json's members, where families differ. */
struct family_keys {
	const char *layers, *hidden, *heads, *ffn, *positions, *eps, *act, *act_first;
};

/* A switch of config.json: its name (NULL: none) and what holds where it is absent. */
struct family_switch {
	const char *key;
	int otherwise;
};

/* How a family has its experts. Names as those of a layer's other tensors. */
struct family_experts {
	const char *router;
	/* Of one expert's products, with the number of the expert and the product's own name; NULL: each
	 * of `linear` is one tensor with a plane for each expert. Products of one name are runs of rows
	 * of each plane. */
	const char *expert;
	const char *linear[MODEL_EXPERT_LINEARS]; /* gate, up, down */
	/* Tensors with a plane for each expert are called so without .weight; there are biases,
	 * NAME_bias, and one of the router; products of one name have the rows of a plane by turns; and
	 * planes are stored [in, out], or as MXFP4. */
	int bare;
	const char *ffn;	       /* member that says how wide one is; NULL: that of the MLP */
	size_t ffn_otherwise, n, used; /* where config.json does not say; 0: it must */
	int normed;		       /* shares add up to 1; -1: where norm_topk_prob says so */
	int some; /* decoder_sparse_step and mlp_only_layers say which layers have them; 0: all */
};

enum family_rope { FAMILY_ROPE_ALL, FAMILY_ROPE_LISTED, FAMILY_ROPE_WINDOWED };

struct family {
	const char *type;  /* model_type */
	const char *class; /* what Transformers calls the text model */
	const char *gguf;  /* llama.cpp's architecture; NULL: none here */
	int gguf_permuted; /* which turns neighbours, so rows of q and k change places */
	int gguf_split;	   /* which has gate and up apart, where they are one tensor here */
	/* its names for norm_mlp and norm_final, where they are not ffn_norm and output_norm */
	const char *gguf_norm_mlp, *gguf_norm_final;

	/* Tensors: without .weight and .bias, those of a layer without what `layer` says. NULL:
	 * there is none. Products of one name are runs of rows of one tensor. */
	const char *embed, *positions, *layer, *norm_final;
	const char *norm_attn, *post_attn, *norm_mlp, *post_mlp, *norm_q, *norm_k;
	const char *sinks; /* this one has its whole name */
	const char *linear[MODEL_LINEARS];
	/* Of layers with a convolution: its products up to o (model.h), and the taps; of the delta
	 * rule a_log, dt_bias and the norm of what it gives. NULL: there are no such layers. */
	const char *mixer[MODEL_O + 1], *conv, *a_log, *dt_bias, *norm_mixed;
	int transposed;			      /* weights stored [in, out] */
	const struct family_experts *experts; /* NULL: none */

	const struct family_keys *keys;
	/* Where config.json does not say. 0: it must, or has no such thing; kv_heads: as heads;
	 * head_dim: hidden / heads; ffn: 4 hidden for GPT-2. */
	size_t layers, hidden, heads, kv_heads, head_dim, ffn, vocab, max_positions;
	double eps, theta;
	int tied;

	enum config_norm norm;
	float norm_plus;
	enum config_act act;
	const char *acts[4]; /* what its activation is called */
	struct family_switch bias_qkv, bias_o, bias_mlp;
	int out_gate;	       /* attention's output is gated, by the other half of q_proj */
	int qk_whole;	       /* the norms of q and k go over all heads at once */
	int rope_first;	       /* and stand behind the rotation */
	int pairs;	       /* neighbours are turned, not halves */
	double partial;	       /* partial_rotary_factor; 0: it is not heeded */
	int local_plain;       /* windowed layers are turned without scaling */
	enum family_rope rope; /* which layers are turned */

	int windows;	     /* heeds sliding_window */
	size_t window;	     /* where that is absent; 0: none */
	int window_switch;   /* only with use_sliding_window */
	size_t window_every; /* each layer of this number has none; 0: all have one */
	int window_pattern;  /* sliding_window_pattern may say another number */

	int (*read)(struct config *c, struct span j, struct err *e); /* or NULL */
};

/* NULL where there is none of that name. */
const struct family *family_find(struct span type);
/* All names, for messages. */
void family_names(struct buf *out);

/* The member `key` of j changes what is computed, and the family would pass over it: an error. */
int family_check_keys(const struct family *f, struct span j, struct err *e);

#endif

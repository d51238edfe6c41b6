/* gradient_impl: what the files of gradient share: gradient.c (groups of examples through the whole
 * model), layers.c (one layer forward and backward), mix.c (its attention or convolution), experts.c
 * (experts in the place of its MLP), linear.c (its products), head_loss.c (head and loss), work.c
 * (memory).
 *
 * All buffers come from one arena, carved once for the largest group. Rows are positions of the
 * group's examples, one after another. d is hidden, f is ffn, q = heads * head_dim, kv = kv_heads *
 * head_dim.
 *
 * With experts, a row goes to k = experts_used of them: these are its picks, k i + j for row i. Picks
 * in the order of their experts are the places [k n], in which the experts' own rows stand.
 */
#ifndef FT_TRAIN_GRADIENT_IMPL_H
#define FT_TRAIN_GRADIENT_IMPL_H

#include <stdatomic.h>
#include "../nn/kern.h"
#include "gradient.h"

struct mean_rstd {
	float *mean, *rstd; /* mean for LayerNorm only */
};

/* Which experts the rows of the group go to. */
struct routing {
	float *probs;	 /* [n, experts] */
	int32_t *chosen; /* [n, k] */
	float *share;	 /* [n, k] what each chosen one counts for */
	int32_t *place;	 /* [n, k] */
	int32_t *pick;	 /* [k n] of each place */
	size_t *first;	 /* [experts + 1] places of each expert */
};

/* What a layer keeps from its forward pass for its backward pass. */
struct acts {
	float *x; /* [n, d] what came in */
	/* After norms and rotation; of convolutions and the delta rule what the products gave. */
	float *q, *k, *v, *decay;
	float *q_raw, *k_raw; /* before them, with qk_norm */
	/* [n, what o reads]: what o reads, and before the output's gate, where there is one, else the
	 * same memory; the gate of attention's [n, q] and of the delta rule's, which are read while
	 * the next layer's are written and so cannot share memory in rows of two widths; [heads, n] */
	float *att, *mixed, *out_gate, *z, *lse;
	float *mid;		 /* [n, d] after attention and residual */
	float *o_raw, *down_raw; /* [n, d] before post norms */
	float *gate, *up;	 /* [n, f], or [k n, width of an expert] */
	struct routing route;
	float *u[MODEL_LINEARS]; /* [n, rank] A x of each adapter; kept by every trained layer */
	struct mean_rstd attn, mlp, post_attn, post_mlp, nq, nk, nmixed;
};

/* Gradients of one layer in flight, and inputs of its products computed again. */
struct grads_scratch {
	float *xn_attn, *xn_mlp; /* [n, d] normed inputs of q k v and of gate up */
	float *h;		 /* [n, f] input of down, or as gate above */
	/* [n, d] gradients by the layer's output, its middle, its input */
	float *dout, *dmid, *din;
	float *dh, *dgate, *dup; /* as h */
	/* Of experts: [k n, d] inputs, outputs or the gradients by them, gradients by the inputs. */
	float *xe, *ye, *dxe;
	float *dshare;	/* [n, k] */
	float *dscores; /* [n, experts] by the router's outputs */
	float *ue[MODEL_EXPERT_LINEARS], *due[MODEL_EXPERT_LINEARS]; /* [k n, rank] */
	float *datt;						     /* [n, what o reads] */
	float *dq, *dk, *dv, *ddecay;
	float *dout_gate; /* [n, q] by attention's output gate */
	/* [n, most rows of q or columns of o] of models that gate the output: q with the gate, as q_proj
	 * gives them, and the gradient by them */
	float *wide;
	/* [n, d] gradients by the products o and down, where those are not dmid and dout */
	float *do_raw, *ddown_raw;
	float *z;	   /* [n, out_max] a product before DoRA's gain */
	float *magnitudes; /* [blocks, MODEL_LINEARS, out_max] sums of magnitudes' gradients */
	float *du[MODEL_LINEARS]; /* [n, rank] */
	float *norms; /* [blocks, NORM_KINDS, 2, norm_width] sums of norm gradients by block */
};

#define BLOCK_ROWS ((size_t)512)  /* of a group, that go through a layer together, about */
#define EXPERT_ROWS ((size_t)256) /* places of an expert that go through it together, at most */
#define DROP_ROWS ((size_t)64)	  /* rows whose dropped inputs exist at a time */

enum { NORM_ATTN, NORM_MLP, NORM_POST_ATTN, NORM_POST_MLP, NORM_Q, NORM_K, NORM_MIXED, NORM_KINDS };

struct slot {
	atomic_int taken;
	float *mem;
};

/* DoRA of one product: squared lengths of W's rows, inverse lengths of W + scale B A's, magnitude
 * over length; [out] each. */
struct dora {
	double *squares;
	float *inverse, *gain;
};

struct segment {
	size_t row, n; /* in the group */
};

struct work {
	const struct model *m;
	const struct nn_kern *kern;
	const struct nn_bf16 *half; /* computes products in bf16; NULL: they are f32 */
	struct pool *pool;
	size_t rows_max; /* of a group */
	size_t len_max;	 /* of an example */
	size_t first;	 /* lowest layer with a trained tensor; layers where there is none at all */
	/* Lowest layer with activations of its own. Those that are trained below it are computed again,
	 * but for the highest, which was the last to use what they share. */
	size_t kept;
	int embed_trained, any_trained;
	size_t norm_width;
	size_t mlp_width; /* floats a row for what stands between the products of MLP or experts */

	struct dora *dora; /* [layers, MODEL_LINEARS], or NULL */
	int dora_known;	   /* squares are computed */
	size_t out_max;	   /* most rows of a product */
	struct acts *acts; /* [layers]; those that need not be kept share their memory */
	struct grads_scratch g;
	float *hidden; /* [n, d] after the last layer */
	/* [len_max, rope_dims/2], where examples may be beyond the original context twice as many
	 * rows; global and local */
	float *cosines[2], *sines[2];
	float *hs, *hn, *dhn; /* [n, d] supervised rows: as they come, normed, gradients */
	struct mean_rstd final;
	float *z;	 /* [chunk_rows, vocab] */
	float *dh_parts; /* [head_tiles, chunk_rows, d] */
	size_t chunk_rows, head_tiles, tile_rows;
	int32_t *ids, *pos, *lengths; /* [n] token, place in its example, length of that */
	int32_t *turns;		      /* [n] row of the tables of angles */
	struct slot *slots;
	int n_slots;
	/* what products and attention need, and behind it `drop_floats` for dropped inputs */
	size_t slot_floats;
	size_t drop_floats;
	void *arena;

	struct expert_piece {
		int expert;
		size_t place, n;
	} * pieces; /* the layer in hand's places, cut */
	size_t n_pieces;

	/* the group in hand */
	size_t n, blocks;
	struct segment *segments;
	size_t n_segments, segments_cap;
	float *weights;	 /* [n] of predicting the row's own id */
	size_t *sup;	 /* rows whose logits are needed: predicting row sup[i] + 1 */
	double *row_nll; /* [n] of sup */
	size_t n_sup;
	int base_only;	 /* adapters are passed over */
	double dropout;	 /* on adapters' inputs in this run; 0: none */
	double neftune;	 /* alpha in this run; 0: none */
	size_t row_base; /* rows of earlier groups of this run */

	double neftune_alpha; /* as work_noise left them for gradients */
	uint64_t noise_seed;
	struct grads *grads;
};

/* A block of rows of the group in hand, or of an expert's places, going through layer l, with a slot's
 * memory. */
struct block {
	struct work *w;
	size_t l, i; /* which block */
	int expert;  /* -1: none */
	int again;   /* computed again for the backward pass: acts.u is there */
	size_t row, n;
	float *scratch;
	int slot;
};

/* Whether an example of n tokens goes beyond the original context, where the angles are others. */
static inline int work_is_long(const struct work *w, size_t n)
{
	return config_is_long(&w->m->config, n);
}

/* Row block b of the group: from, and how many. */
size_t work_block(const struct work *w, size_t b, size_t *n);
struct block work_block_take(struct work *w, size_t l, size_t i);
void work_block_give(const struct block *b);

float *work_slot_take(struct work *w, int *which);
void work_slot_give(struct work *w, int which);

/* Row `row` of p [n, d]; NULL stays NULL. */
static inline float *at(float *p, size_t row, size_t d)
{
	return p ? p + row * d : NULL;
}

/* Product j of the block's layer: y [n, out] = what x [n, in] gives, or += where add. Pointers are
 * at the block's first row. */
void work_product(const struct block *b, int j, float *y, const float *x, int add);
/* Only what the adapter's backward pass needs of it, unless that is there. */
void work_product_in(const struct block *b, int j, const float *x);
/* First step back, after which dy is the gradient by W x + scale B A x: fills du, sums magnitudes'
 * gradients. x as above. */
void work_product_back(const struct block *b, int j, float *dy, const float *x);
/* Second: dx [n, in] = the gradient by x, or += where add. */
void work_product_down(const struct block *b, int j, float *dx, const float *dy, int add);
/* dA += du^T dropout(x) over the block's rows, x at its first. */
void work_adapter_in_back(const struct block *b, int j, const float *x);
/* A block of all rows, with a slot's memory. */
struct block work_block_all(struct work *w, size_t l);
/* Block's sums of the gradient by product j's magnitudes. */
float *work_magnitudes(const struct work *w, size_t block, int j);
/* Gains of DoRA from the adapters as they are now; before each run. */
void work_dora_prepare(struct work *w);

/* What layer l's attention or convolution makes of q, k and v (acts[l].att), or back: the gradients by
 * those from g.datt. */
void work_mix(struct work *w, size_t l, int back);
/* Adds the gradient of attention's sinks, where there are any, from g.datt. */
void work_sinks_weights(struct work *w, size_t l);
/* Adds the gradient of a convolution's taps and bias, all examples in order. */
void work_conv_weights(struct work *w, size_t l);

/* --- experts of layer l --- */

/* The block's rows choose theirs, from g.xn_mlp. */
void work_experts_choose(const struct block *b);
/* All rows have chosen: through gate and up, and where down is not 0 to the outputs. */
void work_experts_forward(struct work *w, size_t l, int down);
/* out [n, d] of the block = in + what its experts make. */
void work_experts_add(const struct block *b, float *out, const float *in);
/* From g.dout to the gradients by the experts' inputs and by the shares. */
void work_experts_backward(struct work *w, size_t l);
/* dxn [n, d] of the block is set from those. */
void work_experts_gather(const struct block *b, float *dxn);
/* Gradients of experts and router. */
void work_experts_weights(struct work *w, size_t l);

/* Runs layer l over the group: acts[l].x to acts[l + 1].x (hidden after the last). */
void work_layer_forward(struct work *w, size_t l);
/* From w->g.dout to w->g.dout (the gradient by the layer's input, where anything below needs it);
 * adds to w->grads. */
void work_layer_backward(struct work *w, size_t l);

/* A key for random numbers that belong to a row of the run: the same however rows are grouped. what
 * tells uses apart. */
uint32_t work_key(const struct work *w, size_t what, size_t row);

/* Losses of the supervised rows (row_nll) from `hidden`, and where grad their gradients by the
 * normed rows (dhn); the head's own gradient is added. */
void work_head(struct work *w, int grad);
/* From dhn to the gradient by the last layer's output (g.dout). */
void work_head_back(struct work *w);
/* Logits of every row: out [n, vocab]. */
void work_logits(struct work *w, float *out);

/* Norms by the model's kind. */
void work_norm(const struct work *w, float *y, struct mean_rstd s, size_t row, const float *x,
	       const struct model_norm *p, size_t n, size_t d);
void work_norm_back(const struct work *w, float *dx, float *dw, float *db, const float *dy,
		    const float *x, const struct model_norm *p, struct mean_rstd s, size_t row,
		    size_t n, size_t d);

/* Where gradients of tensor t go; NULL where it is not trained. */
float *work_grad(const struct work *w, int t);

#endif

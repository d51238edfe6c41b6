/* work: what train.c (groups, head, loss) and layers.c (one layer forward and backward) share.
 *
 * All buffers come from one arena, carved once for the largest group. Rows are positions of the group's examples, one after
 * another. d is hidden, f is ffn, q = heads * head_dim, kv = kv_heads * head_dim.
 */
#ifndef FT_LM_WORK_H
#define FT_LM_WORK_H

#include <stdatomic.h>
#include "../nn/kern.h"
#include "train.h"

struct mean_rstd {
	float *mean, *rstd; /* mean for LayerNorm only */
};

/* What a layer keeps from its forward pass for its backward pass. */
struct acts {
	float *x;				    /* [n, d] what came in */
	float *q, *k, *v;			    /* after norms and rotation */
	float *q_raw, *k_raw;			    /* before them, with qk_norm */
	float *att, *lse;			    /* [n, q]; [heads, n] */
	float *mid;				    /* [n, d] after attention and residual */
	float *o_raw, *down_raw;		    /* [n, d] before post norms */
	float *gate, *up;			    /* [n, f] */
	float *u[LM_LINEARS];			    /* [n, rank] A x of each adapter */
	struct mean_rstd attn, mlp, post_attn, post_mlp, nq, nk;
};

/* Gradients of one layer in flight, and inputs of its products computed again. */
struct grads_scratch {
	float *xn_attn, *xn_mlp;     /* [n, d] normed inputs of q k v and of gate up */
	float *h;		     /* [n, f] input of down */
	float *dout, *dmid, *din;    /* [n, d] gradients by the layer's output, its middle, its input */
	float *dh, *dgate, *dup;     /* [n, f] */
	float *datt;		     /* [n, q] */
	float *dq, *dk, *dv;
	float *do_raw, *ddown_raw;   /* [n, d] with post norms */
	float *du[LM_LINEARS];	     /* [n, rank] */
	float *norms;		     /* [blocks, NORM_KINDS, 2, norm_width] sums of norm gradients by block */
};

enum { NORM_ATTN, NORM_MLP, NORM_POST_ATTN, NORM_POST_MLP, NORM_Q, NORM_K, NORM_KINDS };

struct slot {
	atomic_int taken;
	float *mem;
};

struct segment {
	size_t row, n; /* in the group */
};

struct lm_work {
	const struct lm_model *m;
	const struct nn_kern *kern;
	struct pool *pool;
	size_t rows_max; /* of a group */
	size_t len_max;	 /* of an example */
	int checkpoint;
	size_t first;	 /* lowest layer with a trained tensor; layers where there is none at all */
	int embed_trained, any_trained;
	size_t norm_width;

	struct acts *acts; /* [layers]; those that need not be kept share their memory */
	struct grads_scratch g;
	float *hidden;	   /* [n, d] after the last layer */
	float *cosines[2], *sines[2]; /* [len_max, head_dim/2]; global and local */
	float *hs, *hn, *dhn; /* [n, d] supervised rows: as they come, normed, gradients */
	struct mean_rstd final;
	float *z;	   /* [chunk_rows, vocab] */
	float *dh_parts;   /* [head_tiles, chunk_rows, d] */
	size_t chunk_rows, head_tiles, tile_rows;
	int32_t *ids, *pos;
	struct slot *slots;
	int n_slots;
	size_t slot_floats;
	void *arena;

	/* the group in hand */
	size_t n, blocks;
	struct segment *segments;
	size_t n_segments, segments_cap;
	float *weights;	 /* [n] of predicting the row's own id */
	size_t *sup;	 /* rows whose logits are needed: predicting row sup[i] + 1 */
	double *row_nll; /* [n] of sup */
	size_t n_sup;
	int base_only;	 /* adapters are passed over */
	int backward;	 /* activations are wanted */
	float *grads;
};

/* Row block b of the group: from, and how many. */
size_t work_block(const struct lm_work *w, size_t b, size_t *n);

float *work_slot_take(struct lm_work *w, int *which);
void work_slot_give(struct lm_work *w, int which);

/* Runs layer l over the group: acts[l].x to acts[l + 1].x (hidden after the last). */
void work_layer_forward(struct lm_work *w, size_t l);
/* From w->g.dout to w->g.dout (the gradient by the layer's input, where anything below needs it); adds to w->grads. */
void work_layer_backward(struct lm_work *w, size_t l);

/* Norms by the model's kind. */
void work_norm(const struct lm_work *w, float *y, struct mean_rstd s, size_t row, const float *x,
	       const struct lm_norm_weights *p, size_t n, size_t d);
void work_norm_back(const struct lm_work *w, float *dx, float *dw, float *db, const float *dy, const float *x,
		    const struct lm_norm_weights *p, struct mean_rstd s, size_t row, size_t n, size_t d);

/* Where gradients of tensor t go; NULL where it is not trained. */
float *work_grad(const struct lm_work *w, int t);

#endif

/* decoder_impl: what decoder.c (weights and memory), decoder_step.c (the pass) and decoder_experts.c
 * (its way through experts) share; nobody else includes this. */
#ifndef FT_INFER_DECODER_IMPL_H
#define FT_INFER_DECODER_IMPL_H

#include "../nn/kern.h"
#include "../nn/pack.h"
#include "decoder.h"

/* A linear's adapter that is applied beside its weights: y += b (a x), in f32, b with the scale in
 * it. Rows 0: it has none. */
struct decoder_adapted {
	struct nn_pack a, b;
};

struct decoder {
	const struct model *m;
	struct pool *pool;
	int threads;
	const struct nn_kern *k;
	const struct nn_pack_kern *pk;
	struct large weights;		      /* all that is packed */
	struct nn_pack (*lin)[MODEL_LINEARS]; /* [layers] */
	struct nn_pack head;
	/* [layers]; NULL: there is none, or it is merged into lin */
	struct decoder_adapted (*adapted)[MODEL_LINEARS];
	/* [layers][experts]; data NULL: that product is computed from where the model has it */
	struct nn_pack (**experts)[MODEL_EXPERT_LINEARS];
	float **routers;	 /* [layers][experts, hidden] */
	size_t expert_cols;	 /* of the widest product */
	enum nn_type embed_type; /* values of the embedding are rounded to this */
	size_t max_rows;
	int quantised; /* some matrix needs quantised x */
	/* most that q, and k or v, give a row, whatever stands in attention's place, and what o reads */
	size_t q_size, kv_size, mixed_size;

	/* One step's values, [max_rows] rows each. */
	float *x, *q, *kx, *vx, *t;
	float *decay, *out_gate; /* of the delta rule; of attention's output. NULL: none */
	struct nn_rows norm, attn, h, last;
	struct nn_rows u[MODEL_LINEARS]; /* A x of the layer in hand */
	/* Of rows that go to experts (train/gradient_impl.h has the words): */
	float *scores, *share; /* [experts], [used] each */
	int32_t *chosen, *place, *pick;
	size_t *first, n_active; /* [experts + 1]; experts that some row goes to */
	int32_t *active;	 /* [experts] */
	struct nn_rows eh;	 /* [used max_rows] */
	float *ey;		 /* [used max_rows, hidden] */
	int32_t *position;
	size_t rope_rows; /* of the tables below */
	float *cos, *sin, *cos_local, *sin_local, *cos_long, *sin_long;
	float **scratch; /* one for each thread */
	size_t scratch_floats;
};

#define ROW_BLOCK 96 /* rows of x that meet a panel in one piece: a multiple of both tile heights */

/* Rows whose attention one piece computes, for each key head. */
struct block {
	size_t first, n;
	size_t positions; /* of the row that sees most, in whole pages */
};

/* Rows that one state goes through. */
struct run_of_rows {
	size_t first, n;
};

/* How many pieces are taken of a thread's part of the stage: alone in its cache line. */
struct part {
	_Alignas(64) size_t next;
};

struct step {
	struct decoder *d;
	struct kvcache *kv;
	const struct decoder_row *rows;
	size_t n, wanted;
	float *logits;
	struct block *blocks;
	size_t n_blocks;
	struct run_of_rows *runs; /* where the model has states */
	size_t n_runs;

	struct part *parts; /* one for each thread */
	/* Where the threads meet. */
	unsigned arrived, turn;
};

/* One thread's part in a step. What a stage works on is set by the thread itself before it takes
 * pieces; all threads set the same. */
struct worker {
	struct step *s;
	size_t thread;
	size_t layer;
	float *scratch;
	struct nn_rows *in;
	const struct model_norm *norm; /* w NULL: none */
	int which;		       /* linear, or the first of several */
};

/* fn is called for 0..n-1, each by one thread; all are done when it returns. */
void decoder_each(const struct worker *me, size_t n, void (*fn)(const struct worker *me, size_t i));

/* Quantises row i of r, where any weight wants that. */
void decoder_prepare(const struct decoder *d, struct nn_rows *r, size_t i);
/* x += what the layer's experts make of the normed rows. */
void decoder_experts(struct worker *me);
/* What the layer's delta rule makes of its products goes to where o reads it. */
void decoder_delta(struct worker *me);
size_t decoder_delta_scratch(const struct decoder *d); /* floats */

static inline size_t row_blocks(size_t n)
{
	return (n + ROW_BLOCK - 1) / ROW_BLOCK;
}

#endif

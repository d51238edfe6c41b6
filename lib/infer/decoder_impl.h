/* decoder_impl: what decoder.c (weights and memory) and decoder_step.c (the pass) share; nobody else
 * includes this. */
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
	struct nn_pack (*lin)[MODEL_LINEARS]; /* [layers] */
	struct nn_pack head;
	/* [layers]; NULL: there is none, or it is merged into lin */
	struct decoder_adapted (*adapted)[MODEL_LINEARS];
	enum nn_type embed_type; /* values of the embedding are rounded to this */
	size_t max_rows;
	int quantised;		/* some matrix needs quantised x */
	size_t q_size, kv_size; /* heads head_dim, kv_heads head_dim */

	/* One step's values, [max_rows] rows each. */
	float *x, *q, *kx, *vx, *t;
	struct nn_rows norm, attn, h, last;
	struct nn_rows u[MODEL_LINEARS]; /* A x of the layer in hand */
	int32_t *position;
	size_t rope_rows; /* of the tables below */
	float *cos, *sin, *cos_local, *sin_local;
	float **scratch; /* one for each thread */
	size_t scratch_floats;
};

#endif

/* attn_impl: a tile of keys and values as attention's products want it, between attn.c and attn_tile.c.
 *
 * In bf16 keys and values are packed once for all rows of queries of a group that meet them. What is
 * summed over queries, dK and dV, is kept turned until the tile is left: so scores, which are many, are
 * packed as they stand and only rows of queries, which are few, are turned.
 */
#ifndef FT_NN_ATTN_IMPL_H
#define FT_NN_ATTN_IMPL_H

#include "attn.h"

/* Rows of queries at a time: of those that see all of a tile's keys, and of those that see a part of it,
 * where more would be computed in vain. */
#define NN_ATTN_STRIP ((size_t)96)
#define NN_ATTN_LOW ((size_t)32)

struct nn_attn_tile {
	const struct nn_attn *a;
	size_t from, n; /* keys from..from+n-1 of the segment, n <= NN_ATTN_BLOCK */
	size_t ld;	/* floats from row to row of scores */
	size_t most;	/* the keys of a whole tile, filled up to panels */
	float *p, *dp;	/* [STRIP][ld] scores in hand, and their gradients */
	float *sums;	/* [group][most] of exponentials, of the queries in hand */

	float *keys, *values; /* f32: [head_dim][turned] */
	size_t turned;

	/* bf16: panels [.][pairs][NN_BF16_PANEL] of keys and values turned, and as they stand */
	uint32_t *key_columns, *value_columns, *key_rows, *value_rows;
	size_t deep;	  /* pairs of head_dim, filled up */
	float *dk, *dv;	  /* [head_dim][most] */
	uint32_t *strip;  /* [STRIP][pairs] rows of queries or of scores */
	uint32_t *panels; /* [most / NN_BF16_PANEL][pairs][NN_BF16_PANEL] scores as columns */
	uint32_t *turning, *turn; /* rows of queries before and after they are turned */
};

/* Rows i..i+m-1 of the queries and the keys from..to-1, counted from the tile's first, which at least one
 * of them sees; from is a multiple of NN_BF16_PANEL. */
struct nn_attn_strip {
	size_t i, m, from, to;
};

/* Lays the tile's buffers out in scratch (NULL: only counts); returns how many floats they are. */
size_t nn_attn_tile_place(struct nn_attn_tile *t, size_t n, size_t group, size_t head_dim,
			  float *scratch);

/* Keys from.. for scores and for sums of values. */
void nn_attn_tile_open(struct nn_attn_tile *t, size_t from);
/* The same for gradients: with the values turned as well, and sums of none in dk and dv. */
void nn_attn_tile_open_back(struct nn_attn_tile *t, size_t from);
/* Adds what was summed for the tile to dk and dv, whose first row is the segment's. */
void nn_attn_tile_close_back(const struct nn_attn_tile *t, float *dk, float *dv);

/* p [m][ld] = x [m, head_dim] by the strip's keys; dp by its values. */
void nn_attn_tile_scores(struct nn_attn_tile *t, const struct nn_attn_strip *s, const float *x,
			 size_t ldx);
void nn_attn_tile_dp(struct nn_attn_tile *t, const struct nn_attn_strip *s, const float *x,
		     size_t ldx);
/* o [m, head_dim] += p by the strip's values; dq += dp by its keys. */
void nn_attn_tile_mix(struct nn_attn_tile *t, const struct nn_attn_strip *s, float *o, size_t ldo);
void nn_attn_tile_dq(struct nn_attn_tile *t, const struct nn_attn_strip *s, float *dq, size_t ldq);
/* The tile's dV += p^T x, its dK += dp^T x, for x [m, head_dim]. */
void nn_attn_tile_dv(struct nn_attn_tile *t, const struct nn_attn_strip *s, float *dv,
		     const float *x, size_t ldx);
void nn_attn_tile_dk(struct nn_attn_tile *t, const struct nn_attn_strip *s, float *dk,
		     const float *x, size_t ldx);

#endif

/* fp8: weights published as 8-bit floats (E4M3 of arXiv 2209.05433: no infinities, one NaN), each with
 * the scale that stands beside it: one for all, one a row, or one a block.
 */
#ifndef FT_MODEL_FP8_H
#define FT_MODEL_FP8_H

#include <stdint.h>
#include "../base/err.h"
#include "safetensors.h"

struct fp8_scale {
	float *values;		 /* [rows, cols], owned */
	size_t rows, cols;	 /* of scales */
	size_t per_row, per_col; /* values of the weight that share one, down and across */
};

/* The scale of a weight [rows, cols]: NAME_scale_inv or NAME_scale, by which its values are multiplied.
 * block: the sides of blocks, where it is by block. */
int fp8_scale_find(struct fp8_scale *s, const struct st_set *files, const struct st_tensor *weight,
		   const size_t block[2], struct err *e);
void fp8_scale_release(struct fp8_scale *s);

/* Row r of the weight: out [cols]. */
void fp8_row(float *out, const uint8_t *weight, size_t r, size_t cols, const struct fp8_scale *s);

/* Whether a tensor is a scale of weights, or of activations, which are not quantised here. */
int fp8_is_scale(const char *name);

#endif

/* See fp8.h. */
#include "fp8.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../nn/mat.h"

/* Four bits of exponent with bias 7, three of fraction. */
static float value_of(uint8_t x)
{
	int exponent = x >> 3 & 15, fraction = x & 7;
	float v = exponent ? ldexpf(1 + (float)fraction / 8, exponent - 7)
			   : ldexpf((float)fraction / 8, -6);

	if ((x & 127) == 127)
		return NAN;
	return x & 128 ? -v : v;
}

static int read_values(struct fp8_scale *s, const struct st_tensor *t, struct err *e)
{
	s->values = mem_alloc(t->count, sizeof *s->values);
	if (t->type != ST_F32 && t->type != ST_F16 && t->type != ST_BF16)
		return err_set(e, "tensor %s is stored as %s; F32, F16 and BF16 are supported",
			       t->name, st_type_name(t->type));
	nn_decode(s->values,
		  t->type == ST_F32   ? NN_F32
		  : t->type == ST_F16 ? NN_F16
				      : NN_BF16,
		  t->data, t->count);
	for (size_t i = 0; i < t->count; i++)
		if (!(s->values[i] > 0) || !isfinite(s->values[i]))
			return err_set(e, "tensor %s must hold numbers above 0", t->name);
	return 0;
}

int fp8_scale_find(struct fp8_scale *s, const struct st_set *files, const struct st_tensor *weight,
		   const size_t block[2], struct err *e)
{
	size_t rows = (size_t)weight->shape[0], cols = (size_t)weight->shape[1];
	const struct st_tensor *t;
	char name[256];

	*s = (struct fp8_scale){0};
	snprintf(name, sizeof name, "%s_scale_inv", weight->name);
	t = st_find(files, name);
	if (!t) {
		snprintf(name, sizeof name, "%s_scale", weight->name);
		t = st_find(files, name);
	}
	if (!t)
		return err_set(e, "tensor %s is stored as F8_E4M3 without a scale (%s)",
			       weight->name, name);
	if (read_values(s, t, e))
		return -1;
	s->rows = t->dims > 0 ? (size_t)t->shape[0] : 1;
	s->cols = t->dims > 1 ? (size_t)t->shape[1] : 1;
	s->per_row = s->rows == 1 ? rows : s->rows == rows ? 1 : block[0];
	s->per_col = s->cols == 1 ? cols : block[1];
	if (t->dims > 2 || s->rows * s->cols != t->count || s->per_row == 0 || s->per_col == 0 ||
	    (rows + s->per_row - 1) / s->per_row != s->rows ||
	    (cols + s->per_col - 1) / s->per_col != s->cols)
		return err_set(e,
			       "tensor %s has not the shape of scales for %s [%zu, %zu]: one, one a row, or one a block (weight_block_size)",
			       t->name, weight->name, rows, cols);
	return 0;
}

void fp8_scale_release(struct fp8_scale *s)
{
	free(s->values);
	*s = (struct fp8_scale){0};
}

void fp8_row(float *out, const uint8_t *weight, size_t r, size_t cols, const struct fp8_scale *s)
{
	const float *scales = s->values + r / s->per_row * s->cols;

	for (size_t i = 0; i < cols; i++)
		out[i] = value_of(weight[r * cols + i]) * scales[i / s->per_col];
}

int fp8_is_scale(const char *name)
{
	static const char *const ends[] = {".weight_scale_inv", ".weight_scale",
					   ".activation_scale", ".input_scale",
					   ".k_scale",		".v_scale"};
	size_t n = strlen(name);

	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
		if (n >= strlen(ends[i]) && strcmp(name + n - strlen(ends[i]), ends[i]) == 0)
			return 1;
	return 0;
}

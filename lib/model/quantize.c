/* See quantize.h. */
#include "quantize.h"

int quantize_parse(const char *name, enum nn_type *type, struct err *e)
{
	if (nn_type_parse(name, type) || *type == NN_F16)
		return err_set(e, "--quantize %s: there are f32, bf16, q8_0 and q4_0", name);
	return 0;
}

enum nn_type quantize_held_as(enum nn_type type, enum model_role role, int tied, size_t cols)
{
	if (role != MODEL_WEIGHT && role != MODEL_HEAD && role != MODEL_EMBED)
		return NN_F32;
	if (type == NN_Q4_0 && (role == MODEL_HEAD || (role == MODEL_EMBED && tied)))
		type = NN_Q8_0;
	return nn_type_fits(type, cols) ? type : NN_F32;
}

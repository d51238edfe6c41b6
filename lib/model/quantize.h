/* quantize: which tensors of a model --quantize rounds, and to what; one rule for ft-export's files,
 * for weights as ft-prompt and ft-judge hold them, and for a base that ft-train trains over. */
#ifndef FT_MODEL_QUANTIZE_H
#define FT_MODEL_QUANTIZE_H

#include "../base/err.h"
#include "tensor.h"

/* The type that the user calls name: f32, bf16, q8_0 or q4_0. */
int quantize_parse(const char *name, enum nn_type *type, struct err *e);

/* How a tensor is held where weights are wanted as `type`: norms, biases and what is no whole
 * number of blocks as f32; beside 4-bit layers the head (and the embedding tied to it) as q8_0. */
enum nn_type quantize_held_as(enum nn_type type, enum model_role role, int tied, size_t cols);

#endif

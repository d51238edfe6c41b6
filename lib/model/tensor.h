/* tensor: one entry of a model's table: what a tensor is called, what it does, where its values are. */
#ifndef FT_MODEL_TENSOR_H
#define FT_MODEL_TENSOR_H

#include <stddef.h>
#include "../nn/mat.h"

enum model_role {
	MODEL_EMBED,
	MODEL_POSITION,
	MODEL_NORM,
	MODEL_WEIGHT,
	MODEL_BIAS,
	MODEL_CONV, /* taps of a short convolution; the file has it [rows, 1, cols] */
	MODEL_RATE, /* how fast a state forgets: vectors, f32 as biases are */
	MODEL_HEAD,
	MODEL_ROUTER, /* which experts a row goes to; never quantised */
	MODEL_LORA_A,
	MODEL_LORA_B,
	MODEL_LORA_M,
	MODEL_LORA_KEPT /* of an adapter's file, outside the products; written back as it is */
};

/* The products of a layer, and from GATE on of an expert. GATE is absent (rows 0) without gate, DECAY
 * but for the delta rule. */
enum {
	MODEL_Q,
	MODEL_K,
	MODEL_V,
	MODEL_DECAY,
	MODEL_O,
	MODEL_GATE,
	MODEL_UP,
	MODEL_DOWN,
	MODEL_LINEARS
};
#define MODEL_EXPERT_LINEARS 3

struct model_tensor {
	/* as in the file: model.layers.0.self_attn.q_proj.weight; adapters as PEFT names them */
	char *name;
	enum model_role role;
	int layer;	   /* -1: outside the layers */
	int dims;	   /* 1 or 2; 3: [planes, rows / planes, cols], one plane an expert */
	size_t rows, cols; /* of a vector: rows = 1 */
	size_t planes;	   /* with 3 dimensions */
	enum nn_type type;
	const void *data;	     /* values as held; &params[offset] for trained ones */
	const unsigned char *scales; /* of MXFP4 (nn/mat.h) */
	int transposed; /* the file has it, or each of its planes, [cols, rows] (GPT-2) */
	int trained;
	size_t offset; /* in floats, into params and gradients, where trained */
};

#endif

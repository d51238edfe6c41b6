/* activate: the function between an MLP's two products, which a model's configuration names. */
#ifndef FT_MODEL_ACTIVATE_H
#define FT_MODEL_ACTIVATE_H

#include <stddef.h>
#include "../nn/kern.h"
#include "config.h"

/* h [n] of gate and up [n]; gate is not read where the MLP has none. */
void model_activate(const struct config *c, const struct nn_kern *k, float *h, const float *gate,
		    const float *up, size_t n);
/* The gradients of gate and up from that of h, where memory may be shared as kern.h says; dgate is left
 * alone where the MLP has no gate. */
void model_activate_back(const struct config *c, const struct nn_kern *k, float *dgate, float *dup,
			 const float *dh, const float *gate, const float *up, size_t n);

#endif

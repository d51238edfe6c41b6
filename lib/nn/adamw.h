/* adamw: the optimiser over a flat array of parameters, or over parts of it (Loshchilov and Hutter
 * 2019), as PyTorch's AdamW computes it.
 *
 * The state (first and second moments) is two arrays of the same length, owned by struct adamw,
 * zero at the start; saving and restoring m, v and t continues a run bit for bit.
 */
#ifndef FT_NN_ADAMW_H
#define FT_NN_ADAMW_H

#include <stddef.h>
#include <stdint.h>
#include "../base/pool.h"

struct adamw {
	size_t n;
	uint64_t t; /* steps taken */
	float *m, *v;
	float beta1, beta2, eps;
};

/* betas .9 and .999, eps 1e-8. */
void adamw_init(struct adamw *o, size_t n);
void adamw_release(struct adamw *o);

/* n values, from `param` on among the parameters, from `at` on among gradients and moments. */
struct adamw_run {
	size_t param, at, n;
};

/* One step of what the runs name: every gradient is multiplied by g_scale first (1/weight sum, clip
 * factor). wd is decoupled weight decay. */
void adamw_step(struct adamw *o, float *params, const float *grads, const struct adamw_run *runs,
		size_t n, float g_scale, float lr, float wd, struct pool *p);

/* Euclidean norm of the n gradients, summed in double in a fixed order; not finite where any of
 * them is not. */
double nn_norm(const float *x, size_t n, struct pool *p);

#endif

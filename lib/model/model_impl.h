/* model_impl: what model.c and adapter.c share: memory of a model and additions to its table. */
#ifndef FT_MODEL_MODEL_IMPL_H
#define FT_MODEL_MODEL_IMPL_H

#include "model.h"
#include "safetensors.h"

struct model_memory {
	struct st_set files;
	void **blocks; /* all freed with the model */
	size_t n, cap;
	size_t bytes; /* of blocks */
};

/* 64-byte aligned memory that lives as long as the model. */
void *model_keep(struct model *m, size_t n, size_t size);

/* Adds an entry without data; returns its place. name is copied. */
int model_table_add(struct model *m, const char *name, enum model_role role, int layer, int dims,
		    size_t rows, size_t cols);

/* Gives every entry marked as trained its place in params (made here), carries the values over as
 * f32 and binds the layers again. */
void model_table_settle(struct model *m);

/* Points the layers at the values of the table. */
void model_bind(struct model *m);

/* The first of the products that are runs of rows of one tensor with product j; itself, mostly. */
struct model_linear *model_first(const struct model *m, size_t l, int j);

/* "self_attn.q_proj" and so on. */
const char *model_linear_name(const struct model *m, int j);

#endif

/* model_private: what model.c and adapter.c share: memory of a model and additions to its table. */
#ifndef FT_LM_MODEL_PRIVATE_H
#define FT_LM_MODEL_PRIVATE_H

#include "model.h"
#include "safetensors.h"

struct lm_memory {
	struct st_set files;
	void **blocks; /* all freed with the model */
	size_t n, cap;
	size_t bytes; /* of blocks */
};

/* 64-byte aligned memory that lives as long as the model. */
void *lm_keep(struct lm_model *m, size_t n, size_t size);

/* Adds an entry without data; returns its place. name is copied. */
int lm_table_add(struct lm_model *m, const char *name, enum lm_role role, int layer, int dims,
		 size_t rows, size_t cols);

/* Gives every entry marked as trained its place in params (made here), carries the values over as
 * f32 and binds the layers again. */
void lm_table_settle(struct lm_model *m);

/* Points the layers at the values of the table. */
void lm_model_bind(struct lm_model *m);

/* "self_attn.q_proj" and so on. */
const char *lm_linear_name(const struct lm_model *m, int j);

#endif

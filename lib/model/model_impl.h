/* model_impl: what model.c, model_load.c and the files of adapters share: memory of a model and additions to its
 * table; and among the latter adapter.c (fresh ones), adapter_read.c and adapter_write.c (PEFT's
 * files) names and the entries of one module. */
#ifndef FT_MODEL_MODEL_IMPL_H
#define FT_MODEL_MODEL_IMPL_H

#include "adapter.h"
#include "model.h"
#include "safetensors.h"

struct model_memory {
	struct st_set files;
	void **blocks; /* all freed with the model */
	size_t n, cap;
	size_t bytes; /* of blocks */
};

/* A model with its table, all data missing. Takes the configuration over. */
struct model *model_of(struct config *c);

/* 64-byte aligned memory that lives as long as the model. */
void *model_keep(struct model *m, size_t n, size_t size);

/* Adds an entry without data; returns its place. name is copied. */
int model_table_add(struct model *m, const char *name, enum model_role role, int layer, int dims,
		    size_t rows, size_t cols);

/* Gives every entry marked as trained its place in params (made here), carries the values over as
 * f32 and binds the layers again. */
void model_table_settle(struct model *m);

/* Gives the head of a tied model an entry of its own, with the embedding's values. */
void model_untie(struct model *m);

/* Points the layers at the values of the table. */
void model_bind(struct model *m);

/* The first of the products that are runs of rows of one tensor with product j; itself, mostly. */
struct model_linear *model_first(const struct model *m, size_t l, int j);

/* "self_attn.q_proj" and so on; conv: in layers with a convolution. NULL: there is none. */
const char *model_linear_name(const struct model *m, int conv, int j);

/* Whether files of this name hold weights; whether it is a directory in which model_save puts
 * shards together. */
int model_is_weights(const char *name);
int model_is_staged(const char *name);

/* --- adapters --- */

#define ADAPTER_RANK_MAX ((size_t)4096)
#define ADAPTER_PREFIX "base_model.model."

/* What target_modules is told: the last part of product j's name, or two where the last means
 * several modules (GPT-2's c_proj). */
const char *model_adapter_target_name(const struct model *m, int conv, int j);

/* What PEFT calls `what` of the module whose weight is that tensor. */
void model_adapter_module_name(const struct model *m, int tensor, const char *what, char *out,
			       size_t size);

/* Entries in the table for a product's adapter of this rank and alpha. */
void model_adapter_add_pair(struct model *m, size_t layer, size_t product, const struct adapter *s,
			    int trained);

/* "mlp.experts.3.gate_proj": the module that a layer's product is, whose weight is one tensor. */
const char *model_product_name(const struct model *m, size_t layer, size_t product, char *out,
			       size_t size);

/* The model's adapter is of this kind; copied. */
void model_adapter_take_spec(struct model *m, const struct adapter *s);

#endif

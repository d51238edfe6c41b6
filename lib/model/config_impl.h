/* config_impl: what the files of config share: config.c (shape and tokens), config_rope.c (rotary
 * positions), config_wrapped.c (text models inside multimodal ones), family.c. */
#ifndef FT_MODEL_CONFIG_IMPL_H
#define FT_MODEL_CONFIG_IMPL_H

#include "../json/json.h"
#include "config.h"
#include "family.h"

#define CONFIG_REAL_MAX 1e30

/* Missing or null. */
int config_absent(struct span v);
/* A whole number of 1..hi; where it is absent, otherwise (0: it must be there). */
int config_size(struct span c, const char *name, size_t hi, size_t otherwise, size_t *out,
		struct err *e);
/* layer_types, an entry a layer, each of the types (up to NULL): out gets 1 where it is the first of
 * them, else 0. 1: there is such a list. */
int config_layer_types(struct span c, size_t layers, const char *const types[], unsigned char *out,
		       struct err *e);
/* A list of layers' places: out gets value at each of them. */
int config_places(struct span c, const char *name, size_t layers, int value, unsigned char *out,
		  struct err *e);
/* A number from 0 to CONFIG_REAL_MAX, which a float holds. */
int config_real(struct span c, const char *name, double otherwise, double *out, struct err *e);
int config_flag(struct span c, const char *name, int otherwise, int *out, struct err *e);

/* Rotary positions; head_dim, max_positions and the family are known. */
int config_read_rope(struct config *c, struct span j, struct err *e);

/* Where j is a multimodal model with a text model inside that is covered, puts that one's own
 * config.json into text, and the outer model_type into c->wrapper. 1: it is; 0: it is none; -1. */
int config_unwrap(struct config *c, struct span j, struct buf *text, struct err *e);

#endif

/* checkpoint: all that a run needs to go on exactly as if it had never stopped, in one file.
 *
 * A safetensors file of four tensors: params, adam.m, adam.v (F32, one flat array each, in the
 * order of the model's table) and state (U8: a JSON object, the trainer's own). The order of the
 * examples and all random numbers are functions of seed and step, so they need no saving. The file
 * is written beside the old one and renamed over it: a full disk leaves the old one valid.
 */
#ifndef FT_TRAIN_CHECKPOINT_H
#define FT_TRAIN_CHECKPOINT_H

#include "../base/buf.h"
#include "../base/err.h"
#include "../model/model.h"
#include "../nn/adamw.h"
#include "shard.h"

/* The moments are this rank's, by its shard; the file holds all of them, whatever the ranks are. All
 * ranks call, and rank 0 writes. */
int checkpoint_save(const char *path, const struct model *m, const struct adamw *o,
		    const struct shard *shard, struct span state, struct err *e);

/* Only the state, appended; for checks before a model is there. */
int checkpoint_state(const char *path, struct buf *state, struct err *e);

/* Puts parameters and this rank's moments back. The model must have as many trained values as the one that was
 * saved. o->t is the caller's to set, from the state. */
int checkpoint_load(const char *path, struct model *m, struct adamw *o, const struct shard *shard,
		    struct err *e);

#endif

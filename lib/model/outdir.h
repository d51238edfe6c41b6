/* outdir: the directory that a model is written to, and which files in it are the model.
 *
 * What ft-export writes stands there whole or not at all: the new files are put together in a
 * directory of their own, and then the two change places in one step (base/dirswap.h). Where they
 * cannot (the directory holds others, or is another user's), the files take their names one after
 * the other, config.json gone first and put back last: cut short in between, the directory holds no
 * model, and never one made of two. What a killed run has put together the next one removes.
 */
#ifndef FT_MODEL_OUTDIR_H
#define FT_MODEL_OUTDIR_H

#include "../base/dirswap.h"
#include "../base/err.h"

/* Whether a file of this name is part of a model (configuration, tokenizer, weights, their shards),
 * or of an adapter. */
int outdir_is_model(const char *name);
int outdir_is_adapter(const char *name);

/* Whether a model may be written to dir: there is none in it, or one whose weights ft wrote. -1 with
 * the reason. */
int outdir_may_replace(const char *dir, struct err *e);

/* Removes from dir what killed writers have left: temporaries of those files that `ours` says yes
 * to, and shards that were never put in place. The caller holds the lock on dir under which all of
 * them are written. */
void outdir_clear(const char *dir, int (*ours)(const char *name));

struct outdir {
	char *dir, *path; /* path: where the new files go */
	struct dirswap swap;
	int swaps, made, lock;
};

/* Makes the directory where it is missing, locks it, and sets o->path to an empty directory. -1 with
 * the reason. outdir_end in both cases. */
int outdir_begin(struct outdir *o, const char *dir, struct err *e);
/* The files in o->path take the place of the model in the directory. */
int outdir_commit(struct outdir *o, struct err *e);
/* Removes what was not committed, and releases o. */
void outdir_end(struct outdir *o);

#endif

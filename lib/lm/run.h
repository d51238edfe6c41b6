/* run: the directory that a training run writes, and what stands in it at each moment.
 *
 *	adapter_config.json, adapter_model.safetensors	or config.json, model.safetensors: what was
 *							trained
 *	tokenizer and template files			copied from the base (tokenizer_copy_files)
 *	metrics.jsonl					one line a step and an evaluation
 *	ft.json						what is needed to repeat the run
 *	checkpoint.safetensors				while the run is unfinished (checkpoint.h)
 *
 * The directory is made when the run begins, after all checks of the data.
 */
#ifndef FT_RUN_H
#define FT_RUN_H

#include <stdio.h>
#include "../base/buf.h"
#include "../base/err.h"
#include "model.h"

struct run {
	char *dir, *checkpoint, *metrics_path, *about_path;
	char *candidate; /* directory for states that are being evaluated; run_finish removes it */
	FILE *metrics;
	int lock; /* descriptor of dir, locked while the run writes to it; 0 for none */
	/* with resume and no checkpoint: the options of a run that ended there (about_options) */
	struct buf finished;
	int resumes; /* there is a checkpoint to go on from, and the caller asked for that */
};

/* Looks at dir without changing anything: refuses one that holds other things than a run of
 * ft-train, or an unfinished run unless resume is set. base and adapter are directories that are
 * trained on (NULL for none), which must be others. */
int run_init(struct run *r, const char *dir, const char *base, const char *adapter, int resume,
	     struct err *e);
void run_release(struct run *r);

/* Makes the directory, which is this run's alone until run_release, and begins metrics.jsonl: anew,
 * or cut to `keep` bytes where a run is taken up. */
int run_begin(struct run *r, size_t keep, struct err *e);

/* Appends one line to metrics.jsonl. */
int run_row(struct run *r, struct span row, struct err *e);
/* Bytes of metrics.jsonl so far, after bringing them to the disk. -1 where that fails. */
long run_sync(struct run *r, struct err *e);

/* Writes what was trained into dir (made if missing): the adapter (base is the name put into its
 * configuration), or the whole model in `type`. */
int run_save(const struct lm_model *m, const char *dir, const char *base, enum nn_type type,
	     struct err *e);

/* Writes ft.json. */
int run_about(struct run *r, struct span json, struct err *e);

/* The run is over: the checkpoint goes. */
int run_finish(struct run *r, struct err *e);

/* For a model from nothing: makes a temporary directory with the configuration as config.json
 * (vocab_size and the ids of special tokens added where they are missing) and the byte-level
 * tokenizer, so that both are read as any model's. Returns its path (free() it) or NULL;
 * run_remove_dir deletes it. */
char *run_scratch(const char *config, struct err *e);

/* Deletes the files in dir (those whose names do not begin with a dot), then dir. What cannot be
 * deleted stays. */
void run_remove_dir(const char *dir);

#endif

/* rundir: the directory that a training run writes, and what stands in it at each moment.
 *
 *	adapter_config.json, adapter_model.safetensors	or config.json, model.safetensors: what was
 *							trained
 *	tokenizer and template files			copied from the base (tokenizer_copy_files)
 *	metrics.jsonl					one line a step and an evaluation
 *	ft.json						what is needed to repeat the run
 *	checkpoint.safetensors				while the run is unfinished (checkpoint.h)
 *
 * The directory is made when the run begins, after all checks of the data. ft.json is the first file
 * in it, before anything of an earlier run goes, and says that the run has finished before the
 * checkpoint goes: whenever a run ends, the directory is known as its own. What killed runs have
 * left, temporaries and unfinished weights, the next one removes under its lock.
 */
#ifndef FT_TRAIN_RUNDIR_H
#define FT_TRAIN_RUNDIR_H

#include <stdio.h>
#include "../base/buf.h"
#include "../base/err.h"
#include "../model/model.h"

struct rundir {
	char *dir, *checkpoint, *metrics_path, *about_path;
	char *candidate; /* directory for states that are being evaluated; rundir_finish removes it */
	FILE *metrics;
	int lock; /* descriptor of dir, locked while the run writes to it; 0 for none */
	/* with resume and no checkpoint: the options of a run that ended there (ftjson_options) */
	struct buf finished;
	int resumes; /* there is a checkpoint to go on from, and the caller asked for that */
};

/* Looks at dir without changing anything: refuses one that holds other things than a run of
 * ft-train, or an unfinished run unless resume is set. base is the directory and adapter the
 * name of what is trained on (NULL for none), which must be others. */
int rundir_init(struct rundir *r, const char *dir, const char *base, const char *adapter,
		int resume, struct err *e);
void rundir_release(struct rundir *r);

/* Makes the directory, which is this run's alone until rundir_release, writes about as ft.json, and
 * begins metrics.jsonl: anew, or cut to `keep` bytes where a run is taken up. */
int rundir_begin(struct rundir *r, size_t keep, struct span about, struct err *e);

/* Appends one line to metrics.jsonl. */
int rundir_row(struct rundir *r, struct span row, struct err *e);
/* Bytes of metrics.jsonl so far, after bringing them to the disk. -1 where that fails. */
long rundir_sync(struct rundir *r, struct err *e);

/* Writes what was trained into dir (made if missing): the adapter (base is the name put into its
 * configuration), or the whole model in `type`. */
int rundir_save(const struct model *m, const char *dir, const char *base, enum nn_type type,
		struct err *e);

/* The run is over: ft.json says so, and the checkpoint goes. */
int rundir_finish(struct rundir *r, struct span about, struct err *e);

/* Of a run that had finished there (r->finished): removes what it was killed before it could. */
void rundir_tidy(const struct rundir *r);

/* For a model from nothing: makes a temporary directory with the configuration as config.json
 * (vocab_size and the ids of special tokens added where they are missing) and the byte-level
 * tokenizer, so that both are read as any model's. Returns its path (free() it) or NULL;
 * file_remove_dir deletes it. */
char *rundir_scratch(const char *config, struct err *e);

#endif

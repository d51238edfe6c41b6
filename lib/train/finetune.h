/* lib/train: fine-tuning: data sets, losses and gradients, a layer's products with LoRA and DoRA,
 * forward and backward (linear), the loop and its best checkpoint (loop, checkpoint), ft.json.
 *
 * finetune: a training run put together: model, adapter, workspace, loop, the run's directory and
 * what is written there.
 */
#ifndef FT_TRAIN_FINETUNE_H
#define FT_TRAIN_FINETUNE_H

#include "../base/err.h"
#include "../model/adapter.h"
#include "ftjson.h"
#include "corpus.h"
#include "outside.h"
#include "loop.h"

/* Everything is borrowed. */
struct finetune_spec {
	const struct train_corpus *data; /* read */
	struct loop_spec loop;
	const char *base_name; /* goes into the adapter's configuration */
	/* all weights (or those of the top layers), not an adapter; so too for a model from
	 * nothing */
	int full;
	struct adapter adapter;
	const char *from_adapter; /* a directory: go on with the adapter there; may be NULL */
	struct model_load load;	  /* how a frozen base is held */
	enum nn_type save_type;	  /* of a whole model */
	size_t memory;		  /* bytes for activations; 0: three quarters of what is free */
	int threads;
	const struct nn_bf16 *half;    /* of finetune_compute */
	const struct outside *outside; /* evaluation by other programs; may be NULL */
	struct ftjson about;
	void (*row)(void *arg, struct span json);
	void (*progress)(void *arg, const struct loop_state *s);
	int (*stopping)(void);
	void *arg;
};

/* Operands of products: the choices of a program's option, in their order. */
enum { COMPUTE_F32, COMPUTE_BF16, COMPUTE_AUTO };

struct finetune {
	struct finetune_spec spec;
	struct loop trainer;
	struct buf fingerprint;
	size_t memory;
	const char *warning; /* of the base's files (model_warning), or NULL */
};

/* What computes the products in bf16; NULL where *compute says f32. COMPUTE_AUTO becomes what the run
 * in dir was begun with (NULL, or none there: bf16 where this processor has instructions for it that
 * prove themselves, else f32). Under MPI all ranks call it. */
const struct nn_bf16 *finetune_compute(int *compute, const char *dir);

/* Loads or makes the model, chooses what is trained, and reserves the workspace. Nothing is
 * written. t is zeroed; finetune_release is right also after a failure. */
int finetune_open(struct finetune *t, const struct finetune_spec *spec, struct err *e);
void finetune_release(struct finetune *t);

/* One JSON object, appended (estimate.h). */
int finetune_estimate(struct finetune *t, struct buf *out, struct err *e);

/* Trains from the beginning, or from the checkpoint where run->resumes, and writes everything into
 * the run's directory. Under MPI all ranks call it; run is set up on rank 0 alone, and dir is its
 * directory for all. After LOOP_STOPPED the checkpoint stays. */
int finetune_run(struct finetune *t, struct rundir *run, const char *dir, struct loop_state *s,
		 enum loop_end *how, struct err *e);

/* One sentence for people on how it ended; on rank 0. */
void finetune_tell(const struct finetune *t, const struct loop_state *s, enum loop_end how,
		   struct err *sentence);

#endif

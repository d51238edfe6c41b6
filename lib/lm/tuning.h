/* tuning: a training run put together: model, adapter, workspace, loop, the run's directory and
 * what is written there.
 */
#ifndef FT_TUNING_H
#define FT_TUNING_H

#include "../base/err.h"
#include "about.h"
#include "adapter.h"
#include "corpus.h"
#include "outside.h"
#include "trainer.h"

/* Everything is borrowed. */
struct tuning_spec {
	const struct corpus *data; /* read */
	struct trainer_spec loop;
	const char *base_name; /* goes into the adapter's configuration */
	/* all weights (or those of the top layers), not an adapter; so too for a model from
	 * nothing */
	int full;
	struct lm_adapter adapter;
	const char *from_adapter; /* a directory: go on with the adapter there; may be NULL */
	struct lm_load load;	  /* how a frozen base is held */
	enum nn_type save_type;	  /* of a whole model */
	size_t memory;		  /* bytes for activations; 0: three quarters of what is free */
	int threads;
	const struct outside *outside; /* evaluation by other programs; may be NULL */
	struct about about;
	void (*row)(void *arg, struct span json);
	void (*progress)(void *arg, const struct trainer_state *s);
	int (*stopping)(void);
	void *arg;
};

struct tuning {
	struct tuning_spec spec;
	struct trainer trainer;
	struct buf fingerprint;
	size_t memory;
};

/* Loads or makes the model, chooses what is trained, and reserves the workspace. Nothing is
 * written. t is zeroed; tuning_release is right also after a failure. */
int tuning_open(struct tuning *t, const struct tuning_spec *spec, struct err *e);
void tuning_release(struct tuning *t);

/* One JSON object, appended (estimate.h). */
int tuning_estimate(struct tuning *t, struct buf *out, struct err *e);

/* Trains from the beginning, or from the checkpoint where run->resumes, and writes everything into
 * the run's directory. Under MPI all ranks call it; run is set up on rank 0 alone, and dir is its
 * directory for all. After TRAINER_STOPPED the checkpoint stays. */
int tuning_run(struct tuning *t, struct run *run, const char *dir, struct trainer_state *s,
	       enum trainer_end *how, struct err *e);

#endif

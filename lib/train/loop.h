/* loop: the loop. Batches in seeded order, gradient, clip, AdamW, schedule, evaluation, the best
 * kept, checkpoints.
 *
 * A step's result is a function of the state before it, the data and the options alone, so a run
 * that is taken up from a checkpoint goes on bit for bit as if it had never stopped.
 *
 * Under MPI (ranks.h) every rank calls loop_run with the same arguments; each batch is shared
 * out, and only rank 0 calls save, evaluate, row and progress, and writes to the run.
 */
#ifndef FT_TRAIN_LOOP_H
#define FT_TRAIN_LOOP_H

#include <stddef.h>
#include <stdint.h>
#include "../base/buf.h"
#include "../base/err.h"
#include "../base/pool.h"
#include "../model/model.h"
#include "dataset.h"
#include "objective.h"
#include "ranks.h"
#include "rundir.h"

enum loop_schedule { LOOP_COSINE, LOOP_LINEAR, LOOP_CONSTANT };

struct loop_spec {
	size_t batch;  /* rows a step */
	size_t steps;  /* in all */
	size_t warmup; /* steps over which the rate rises from 0 to lr */
	double lr, wd;
	double clip; /* largest norm of the gradient; 0: no clipping */
	enum loop_schedule schedule;
	uint64_t seed;
	size_t eval_every; /* steps between evaluations; 0: at the end of each epoch */
	size_t save_every; /* steps between checkpoints; 0: at each evaluation (or epoch) */
	size_t patience;   /* end after so many evaluations without a better one; 0: never */
	enum objective_kind objective;
	double beta;		/* of DPO and KTO; the weight of ORPO's second term */
	double label_weight[2]; /* KTO: of rows with label false, true */
	double neftune;		/* NEFTune's alpha; 0: none */
	int keep_last;		/* what is kept at the end is the last state, not the best one */
	/* NULL: the least valid_loss is best; else the score of evaluate, and how it is called */
	const char *best_by;
	int best_is_least; /* of best_by */
};

/* Fits s to the rows there are: a batch is no more than all of them, steps that are 0 become those of
 * `epochs` passes, and warmup is steps or, below 1, their share. */
void loop_plan(struct loop_spec *s, size_t rows, double epochs, double warmup);

/* The rate of step (from 0). */
double loop_rate(const struct loop_spec *s, size_t step);

/* How far a run has come; what a checkpoint holds besides parameters and moments. */
struct loop_state {
	uint64_t step;	  /* steps done */
	uint64_t updates; /* of them, those that changed the parameters */
	uint64_t tokens, supervised;
	double best; /* valid_loss, or the score of best_by; NaN before the first evaluation */
	uint64_t best_step; /* 0: none */
	uint64_t stale;	    /* evaluations since the best one */
	double valid_loss;  /* of the last evaluation; NaN: none */
	double loss;	    /* of the last step */
	double seconds;	    /* spent so far, over all sittings */
	double joules;	    /* NaN where the machine does not say */
	struct ranks_cost
		cost;	/* of transfers, as seconds are; NaN: of a sitting that did not say */
	size_t metrics; /* bytes of metrics.jsonl */
	int due;	/* the last step still has to be evaluated */
	unsigned bad;	/* steps in a row whose loss or gradient was not finite */
};

/* "loss 1.2345, valid 1.3456, 789 tokens/s" for people; valid where there was a validation. */
void loop_note(const struct loop_state *s, char *note, size_t size);

enum loop_end { LOOP_DONE, LOOP_EARLY, LOOP_STOPPED, LOOP_ALREADY };

/* Set by the caller; everything is borrowed. */
struct loop {
	struct model *model; /* what is to be trained is chosen already */
	struct work *work;
	struct pool *pool;
	const struct dataset *train, *valid; /* valid may be empty or NULL */
	struct loop_spec spec;
	struct rundir *run;
	const char *fingerprint; /* JSON object: what must be equal for a run to be taken up */
	/* Writes what is trained now into the run's directory. */
	int (*save)(void *arg, struct err *e);
	/* NULL, or an evaluation by other means: appends a JSON value for the metrics and sets
	 * *score (NaN: none). 1 where it was interrupted: the run then stops, and goes on from its
	 * last checkpoint. */
	int (*evaluate)(void *arg, uint64_t step, struct buf *json, double *score, struct err *e);
	/* Each row of metrics as it comes. */
	void (*row)(void *arg, struct span json);
	/* After each step. */
	void (*progress)(void *arg, const struct loop_state *s);
	int (*stopping)(void); /* non-zero: write a checkpoint and return */
	void *arg;
};

/* Runs from the beginning, or from the run's checkpoint where run->resumes. *how says why it ended.
 * After LOOP_STOPPED a checkpoint stands in the run's directory; otherwise the result does. *s
 * is the state at the end, also on failure. */
int loop_run(struct loop *t, struct loop_state *s, enum loop_end *how, struct err *e);

/* The steps' bytes of metrics that a checkpoint counts on; for rundir_begin. Fails where the
 * checkpoint is of another run, and says what differs. */
int loop_peek(const struct loop *t, size_t *metrics, struct err *e);

#endif

/* A training run put together; see finetune.h. */
#include "finetune.h"

#include <stdio.h>

#include "../base/file.h"
#include "../base/mem.h"
#include "../token/tokenizer.h"
#include "estimate.h"
#include "ranks.h"

static int open_model(struct finetune *t, struct err *e)
{
	const struct finetune_spec *s = &t->spec;
	const struct train_corpus *d = s->data;
	struct model **m = &t->trainer.model;
	if (!d->base)
		return model_new(m, &d->config, s->loop.seed, e);
	if (model_open(m, d->base, &s->load, e))
		return -1;
	t->warning = model_warning(*m);
	if (s->from_adapter) {
		if (adapter_open(*m, s->from_adapter, 1, e))
			return -1;
		if (s->loop.objective != OBJECTIVE_SFT)
			(*m)->adapter->dropout = 0; /* two passes over one row must agree */
		return 0;
	}
	if (!s->full)
		return adapter_new(*m, &s->adapter, s->loop.seed, e);
	return s->adapter.top_layers ? model_train_top(*m, s->adapter.top_layers, e)
				     : model_train_all(*m, e);
}

static int save(void *arg, struct err *e)
{
	const struct finetune *t = arg;
	return rundir_save(t->trainer.model, t->trainer.run->dir, t->spec.base_name,
			   t->spec.save_type, e);
}

/* Writes the state beside the result, and runs the other evaluation on it. */
static int evaluate(void *arg, uint64_t step, struct buf *json, double *score, struct err *e)
{
	const struct finetune *t = arg;
	const struct finetune_spec *s = &t->spec;
	const char *dir = t->trainer.run->candidate;
	int rc = rundir_save(t->trainer.model, dir, s->base_name, s->save_type, e) ||
				 train_corpus_put_tokenizer(s->data, dir, e)
			 ? -1
			 : 0;
	if (!rc)
		rc = outside_run(s->outside, s->full ? dir : s->data->base, s->full ? "" : dir,
				 step, json, score, e);
	return rc && s->stopping && s->stopping() ? 1 : rc;
}

static void give_row(void *arg, struct span json)
{
	const struct finetune *t = arg;
	if (t->spec.row)
		t->spec.row(t->spec.arg, json);
}

static void give_progress(void *arg, const struct loop_state *state)
{
	const struct finetune *t = arg;
	if (t->spec.progress)
		t->spec.progress(t->spec.arg, state);
}

const struct nn_bf16 *finetune_compute(int *compute, const char *dir)
{
	int begun = dir ? ftjson_bf16(dir) : -1;
	const struct nn_bf16 *unit = *compute == COMPUTE_F32 ? NULL : nn_bf16_unit();
	if (*compute == COMPUTE_AUTO)
		*compute = begun == 1 || (begun < 0 && unit) ? COMPUTE_BF16 : COMPUTE_F32;
	ranks_share(compute, sizeof *compute);
	if (*compute == COMPUTE_F32)
		return NULL;
	return unit ? unit : nn_bf16_emulated();
}

int finetune_open(struct finetune *t, const struct finetune_spec *spec, struct err *e)
{
	const struct train_corpus *d = spec->data;
	t->spec = *spec;
	t->memory = spec->memory ? spec->memory : mem_available() / 4 * 3;
	ftjson_options(&spec->about, &t->fingerprint);
	t->trainer = (struct loop){
		.train = &d->train,
		.valid = &d->valid,
		.spec = spec->loop,
		.fingerprint = t->fingerprint.data,
		.save = save,
		.row = give_row,
		.progress = give_progress,
		.evaluate = spec->outside ? evaluate : NULL,
		.stopping = spec->stopping,
		.arg = t,
	};
	if (open_model(t, e))
		return -1;
	t->trainer.pool = pool_new(spec->threads);
	const struct work_spec need = {
		.memory = t->memory,
		.max_tokens =
			d->train.longest > d->valid.longest ? d->train.longest : d->valid.longest,
		/* a row may be a pair */
		.most_tokens = 2 * spec->loop.batch * d->train.longest,
		.half = spec->half,
	};
	return work_new(&t->trainer.work, t->trainer.model, t->trainer.pool, &need, e);
}

void finetune_release(struct finetune *t)
{
	if (t->trainer.work)
		work_free(t->trainer.work);
	if (t->trainer.pool)
		pool_free(t->trainer.pool);
	if (t->trainer.model)
		model_free(t->trainer.model);
	buf_release(&t->fingerprint);
	*t = (struct finetune){0};
}

int finetune_estimate(struct finetune *t, struct buf *out, struct err *e)
{
	return estimate_run(&t->trainer, t->memory, out, e);
}

/* Brings the run's directory into being. The other ranks only need to know where a checkpoint
 * is. */
static int begin(struct finetune *t, const char *dir, struct err *e)
{
	const struct train_corpus *d = t->spec.data;
	struct rundir *run = t->trainer.run;
	struct buf about = BUF_INIT;
	size_t metrics = 0;
	int rc = 0;
	if (!ranks_agree(d->train.hash, sizeof d->train.hash) ||
	    !ranks_agree(d->valid.hash, sizeof d->valid.hash))
		return err_set(e,
			       "the ranks read different rows: name files that all of them see, not standard input");
	if (!ranks_rank()) {
		ftjson_run(&t->spec.about, &t->trainer, NULL, &about);
		rc = (run->resumes && loop_peek(&t->trainer, &metrics, e)) ||
		     rundir_begin(run, metrics, buf_span(&about), e) ||
		     train_corpus_put_tokenizer(d, run->dir, e);
		buf_release(&about);
	}
	if (rc)
		return -1;
	if (ranks_size() > 1)
		ranks_share(&run->resumes, sizeof run->resumes);
	if (ranks_rank() && run->resumes)
		run->checkpoint = file_join(dir, "checkpoint.safetensors");
	return 0;
}

int finetune_run(struct finetune *t, struct rundir *run, const char *dir, struct loop_state *s,
		 enum loop_end *how, struct err *e)
{
	int done = !ranks_rank() && span_eq(buf_span(&run->finished), buf_span(&t->fingerprint));
	t->trainer.run = run;
	t->trainer.arg = t;
	if (ranks_size() > 1)
		ranks_share(&done, sizeof done);
	if (done) {
		if (!ranks_rank())
			rundir_tidy(run);
		*how = LOOP_ALREADY;
		return 0;
	}
	if (begin(t, dir, e) || loop_run(&t->trainer, s, how, e))
		return -1;
	if (ranks_rank())
		return 0;
	if (*how == LOOP_STOPPED)
		return rundir_sync(run, e) < 0 ? -1 : 0;
	struct buf about = BUF_INIT;
	ftjson_run(&t->spec.about, &t->trainer, s, &about);
	int rc = rundir_finish(run, buf_span(&about), e);
	buf_release(&about);
	return rc;
}

void finetune_tell(const struct finetune *t, const struct loop_state *s, enum loop_end how,
		   struct err *sentence)
{
	const struct rundir *run = t->trainer.run;
	if (ranks_rank())
		return;
	if (how == LOOP_STOPPED)
		err_set(sentence,
			"stopped after step %llu of %zu; the same command with --resume goes on from %s",
			(unsigned long long)s->step, t->spec.loop.steps,
			file_exists(run->checkpoint) ? "there" : "the beginning");
	else if (how == LOOP_ALREADY)
		err_set(sentence, "%s is finished already, with these options and rows", run->dir);
	else {
		char cost[128] = "";
		if (ranks_size() > 1)
			snprintf(cost, sizeof cost,
				 "; each of %d ranks sent %.1f MB and waited %.1f s for the others",
				 ranks_size(), s->cost.sent / 1e6, s->cost.waited);
		err_set(sentence, "%s written after %llu steps, %.1f s, %llu tokens%s%s", run->dir,
			(unsigned long long)s->step, s->seconds, (unsigned long long)s->tokens,
			cost, how == LOOP_EARLY ? " (validation no longer improved)" : "");
	}
}

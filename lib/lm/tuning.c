/* A training run put together; see tuning.h. */
#include "tuning.h"

#include "../base/file.h"
#include "../base/mem.h"
#include "estimate.h"
#include "ranks.h"
#include "tokenizer.h"

static int open_model(struct tuning *t, struct err *e)
{
	const struct tuning_spec *s = &t->spec;
	const struct corpus *d = s->data;
	struct lm_model **m = &t->trainer.model;
	if (!d->base)
		return lm_model_new(m, &d->config, s->loop.seed, e);
	if (lm_model_open(m, d->base, &s->load, e))
		return -1;
	if (s->from_adapter) {
		if (lm_adapter_open(*m, s->from_adapter, 1, e))
			return -1;
		if (s->loop.objective != OBJECTIVE_SFT)
			(*m)->adapter->dropout = 0; /* two passes over one row must agree */
		return 0;
	}
	if (!s->full)
		return lm_adapter_new(*m, &s->adapter, s->loop.seed, e);
	return s->adapter.top_layers ? lm_model_train_top(*m, s->adapter.top_layers, e)
				     : lm_model_train_all(*m, e);
}

static int save(void *arg, struct err *e)
{
	const struct tuning *t = arg;
	return run_save(t->trainer.model, t->trainer.run->dir, t->spec.base_name, t->spec.save_type,
			e);
}

/* Writes the state beside the result, and runs the other evaluation on it. */
static int evaluate(void *arg, uint64_t step, struct buf *json, double *score, struct err *e)
{
	const struct tuning *t = arg;
	const struct tuning_spec *s = &t->spec;
	const char *dir = t->trainer.run->candidate;
	int rc = run_save(t->trainer.model, dir, s->base_name, s->save_type, e) ||
				 corpus_put_tokenizer(s->data, dir, e)
			 ? -1
			 : 0;
	if (!rc)
		rc = outside_run(s->outside, s->full ? dir : s->data->base, s->full ? "" : dir,
				 step, json, score, e);
	return rc && s->stopping && s->stopping() ? 1 : rc;
}

static void give_row(void *arg, struct span json)
{
	const struct tuning *t = arg;
	if (t->spec.row)
		t->spec.row(t->spec.arg, json);
}

static void give_progress(void *arg, const struct trainer_state *state)
{
	const struct tuning *t = arg;
	if (t->spec.progress)
		t->spec.progress(t->spec.arg, state);
}

int tuning_open(struct tuning *t, const struct tuning_spec *spec, struct err *e)
{
	const struct corpus *d = spec->data;
	t->spec = *spec;
	t->memory = spec->memory ? spec->memory : mem_available() / 4 * 3;
	about_options(&spec->about, &t->fingerprint);
	t->trainer = (struct trainer){
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
	const struct lm_work_spec need = {
		.memory = t->memory,
		.max_tokens =
			d->train.longest > d->valid.longest ? d->train.longest : d->valid.longest,
	};
	return lm_work_new(&t->trainer.work, t->trainer.model, t->trainer.pool, &need, e);
}

void tuning_release(struct tuning *t)
{
	if (t->trainer.work)
		lm_work_free(t->trainer.work);
	if (t->trainer.pool)
		pool_free(t->trainer.pool);
	if (t->trainer.model)
		lm_model_free(t->trainer.model);
	buf_release(&t->fingerprint);
	*t = (struct tuning){0};
}

int tuning_estimate(struct tuning *t, struct buf *out, struct err *e)
{
	return estimate_run(&t->trainer, t->memory, out, e);
}

static int write_about(struct tuning *t, const struct trainer_state *s, struct err *e)
{
	struct buf b = BUF_INIT;
	about_run(&t->spec.about, &t->trainer, s, &b);
	int rc = run_about(t->trainer.run, buf_span(&b), e);
	buf_release(&b);
	return rc;
}

/* Brings the run's directory into being. The other ranks only need to know where a checkpoint
 * is. */
static int begin(struct tuning *t, const char *dir, struct err *e)
{
	const struct corpus *d = t->spec.data;
	struct run *run = t->trainer.run;
	size_t metrics = 0;
	if (!ranks_agree(d->train.hash, sizeof d->train.hash) ||
	    !ranks_agree(d->valid.hash, sizeof d->valid.hash))
		return err_set(e,
			       "the ranks read different rows: name files that all of them see, not standard input");
	if (!ranks_rank() && ((run->resumes && trainer_peek(&t->trainer, &metrics, e)) ||
			      run_begin(run, metrics, e) || corpus_put_tokenizer(d, run->dir, e) ||
			      write_about(t, NULL, e)))
		return -1;
	if (ranks_size() > 1)
		ranks_share(&run->resumes, sizeof run->resumes);
	if (ranks_rank() && run->resumes)
		run->checkpoint = file_join(dir, "checkpoint.safetensors");
	return 0;
}

int tuning_run(struct tuning *t, struct run *run, const char *dir, struct trainer_state *s,
	       enum trainer_end *how, struct err *e)
{
	int done = !ranks_rank() && span_eq(buf_span(&run->finished), buf_span(&t->fingerprint));
	t->trainer.run = run;
	t->trainer.arg = t;
	if (ranks_size() > 1)
		ranks_share(&done, sizeof done);
	if (done) {
		*how = TRAINER_ALREADY;
		return 0;
	}
	if (begin(t, dir, e) || trainer_run(&t->trainer, s, how, e))
		return -1;
	if (ranks_rank())
		return 0;
	if (*how == TRAINER_STOPPED)
		return run_sync(run, e) < 0 ? -1 : 0;
	return run_finish(run, e) || write_about(t, s, e) ? -1 : 0;
}

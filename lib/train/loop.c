/* The training loop; see loop.h. */
#include "loop.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "../base/file.h"
#include "../base/mem.h"
#include "../base/progress.h"
#include "../json/jw.h"
#include "../nn/adamw.h"
#include "checkpoint.h"
#include "objective.h"
#include "ranks.h"

#define BAD_STEPS 3 /* steps in a row without a finite loss that end the run */

void loop_plan(struct loop_spec *s, size_t rows, double epochs, double warmup)
{
	if (s->batch > rows)
		s->batch = rows;
	if (!s->steps) {
		size_t batches = rows / s->batch + (rows % s->batch != 0);
		double steps = ceil(epochs * (double)batches - 1e-9);
		s->steps = steps < 1 ? 1 : (size_t)steps;
	}
	s->warmup = (size_t)(warmup < 1 ? warmup * (double)s->steps + .5 : warmup);
}

double loop_rate(const struct loop_spec *s, size_t step)
{
	if (step < s->warmup)
		return s->lr * (double)(step + 1) / (double)s->warmup;
	double left = s->steps > s->warmup ? (double)(s->steps - s->warmup) : 1;
	double share = (double)(step - s->warmup) / left;
	switch (s->schedule) {
	case LOOP_LINEAR:
		return s->lr * (1 - share);
	case LOOP_COSINE:
		return s->lr * 0.5 * (1 + cos(3.14159265358979323846 * share));
	case LOOP_CONSTANT:
		break;
	}
	return s->lr;
}

void loop_note(const struct loop_state *s, char *note, size_t size)
{
	double speed = s->seconds > 0 ? (double)s->tokens / s->seconds : 0;
	char valid[32] = "", waited[48] = "";
	if (!isnan(s->valid_loss))
		snprintf(valid, sizeof valid, "valid %.4f, ", s->valid_loss);
	if (ranks_size() > 1 && s->seconds > 0)
		snprintf(waited, sizeof waited, ", %.0f %% of it waiting for ranks",
			 100 * s->cost.waited / s->seconds);
	snprintf(note, size, "loss %.4f, %s%.0f tokens/s%s", s->loss, valid, speed, waited);
}

/* --- state as JSON --- */

static void state_write(const struct loop_state *s, const char *fingerprint, struct buf *b)
{
	struct jw w;
	jw_init(&w, b);
	jw_object(&w);
	const struct {
		const char *name;
		uint64_t value;
	} counts[] = {
		{"step", s->step},	     {"updates", s->updates},
		{"tokens", s->tokens},	     {"supervised", s->supervised},
		{"best_step", s->best_step}, {"stale", s->stale},
		{"metrics", s->metrics},     {"bad", s->bad},
		{"due", (uint64_t)s->due},
	};
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
		jw_put_int(&w, counts[i].name, (int64_t)counts[i].value);
	const struct {
		const char *name;
		double value;
	} figures[] = {
		{"best", s->best},
		{"valid_loss", s->valid_loss},
		{"loss", s->loss},
		{"seconds", s->seconds},
		{"joules", s->joules},
		{"sent", s->cost.sent},
		{"transferred", s->cost.busy},
		{"waited", s->cost.waited},
	};
	for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
		jw_put_num(&w, figures[i].name, figures[i].value);
	jw_put_raw(&w, "fingerprint", span_of(fingerprint));
	jw_end(&w);
}

static int state_read(struct loop_state *s, const char *path, struct span json, struct err *e)
{
	int64_t counts[9];
	static const char *const count_names[] = {"step",	"updates",   "tokens",
						  "supervised", "best_step", "stale",
						  "metrics",	"bad",	     "due"};
	for (size_t i = 0; i < 9; i++)
		if (json_int(json_member(json, count_names[i]), &counts[i]) || counts[i] < 0)
			return err_set(e, "%s: checkpoint without %s", path, count_names[i]);
	double figures[8];
	static const char *const figure_names[] = {"best",   "valid_loss", "loss",	  "seconds",
						   "joules", "sent",	   "transferred", "waited"};
	for (size_t i = 0; i < 8; i++)
		if (json_number(json_member(json, figure_names[i]), &figures[i]))
			figures[i] = NAN;
	*s = (struct loop_state){
		.step = (uint64_t)counts[0],
		.updates = (uint64_t)counts[1],
		.tokens = (uint64_t)counts[2],
		.supervised = (uint64_t)counts[3],
		.best_step = (uint64_t)counts[4],
		.stale = (uint64_t)counts[5],
		.metrics = (size_t)counts[6],
		.bad = (unsigned)counts[7],
		.due = counts[8] > 0,
		.best = figures[0],
		.valid_loss = figures[1],
		.loss = figures[2],
		.seconds = figures[3],
		.joules = figures[4],
		.cost = {figures[5], figures[6], figures[7]},
	};
	return 0;
}

/* The first member in which two fingerprints differ goes into e. */
static int fingerprint_check(const char *path, struct span then, const char *now, struct err *e)
{
	struct json_iter it = {0};
	struct span key, value, text = span_of(now);
	struct buf name = BUF_INIT;
	int rc = 0;
	while (!rc && json_next(&it, text, &key, &value)) {
		buf_clear(&name);
		json_string(key, &name);
		struct span old = json_member(then, name.data);
		if (!json_equal(old, value))
			rc = err_set(e, "%s: cannot be taken up: %s was %.*s and is now %.*s", path,
				     name.data, (int)(old.n < 200 ? old.n : 200),
				     old.s ? old.s : "", (int)(value.n < 200 ? value.n : 200),
				     value.s);
	}
	buf_release(&name);
	return rc;
}

static int load_state(const struct loop *t, struct loop_state *s, struct err *e)
{
	struct buf text = BUF_INIT;
	struct span json;
	const char *path = t->run->checkpoint;
	int rc = -1;
	if (checkpoint_state(path, &text, e))
		goto cleanup;
	if (json_check(buf_span(&text), &json, e)) {
		err_prefix(e, "%s", path);
		goto cleanup;
	}
	rc = fingerprint_check(path, json_member(json, "fingerprint"), t->fingerprint, e) ||
			     state_read(s, path, json, e)
		     ? -1
		     : 0;
cleanup:
	buf_release(&text);
	return rc;
}

int loop_peek(const struct loop *t, size_t *metrics, struct err *e)
{
	struct loop_state s;
	if (load_state(t, &s, e))
		return -1;
	*metrics = s.metrics;
	return 0;
}

/* --- the run --- */

/* What lives as long as one sitting. */
struct sitting {
	struct loop *t;
	struct loop_state *s;
	struct objective objective;
	struct batch_order order;
	struct adamw adam;
	struct grads grads; /* of this rank's shard, as adam is */
	size_t *share;	    /* this rank's rows of the batch */
	size_t cap_share;
	double *reference, *reference_valid; /* where there is one */
	size_t batches;			     /* in an epoch */
	uint64_t epoch;			     /* whose order is laid out; (uint64_t)-1: none */
	double began, before; /* clock at the start of the sitting; seconds of earlier sittings */
	double joules_began;
	struct buf row;
};

/* Energy counter of the processor package in joules (Linux powercap); NaN where it cannot be
 * read. */
static double energy_now(void)
{
	double uj;
	FILE *f = fopen("/sys/class/powercap/intel-rapl:0/energy_uj", "r");
	if (!f)
		return NAN;
	int got = fscanf(f, "%lf", &uj);
	fclose(f);
	return got == 1 ? uj * 1e-6 : NAN;
}

static void clock_update(struct sitting *k)
{
	k->s->seconds = k->before + progress_clock() - k->began;
}

/* Peak resident memory in bytes. */
static int64_t rss_now(void)
{
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	return (int64_t)u.ru_maxrss * 1024;
}

static double epochs_done(const struct sitting *k)
{
	return (double)k->s->step / (double)k->batches;
}

static int has_valid(const struct loop *t)
{
	return t->valid && t->valid->n;
}

/* For preference losses: how often the preferred answer is ahead, and by how much. */
static void put_preferences(struct jw *w, const struct objective_sums *l)
{
	if (!l->pairs)
		return;
	jw_put_num(w, "accuracy", (double)l->preferred / (double)l->pairs);
	jw_put_num(w, "margin", l->margin / (double)l->pairs);
}

/* For KTO: what answers of each label have gained over the reference, null where there are none. */
static void put_labels(struct jw *w, const struct objective_sums *l)
{
	double rows[] = {(double)l->labelled[0], (double)l->labelled[1]};
	if (rows[0] + rows[1] == 0)
		return;
	jw_put_num(w, "reward_desirable", l->reward[1] / rows[1]);
	jw_put_num(w, "reward_undesirable", l->reward[0] / rows[0]);
	jw_put_num(w, "kl", l->kl / (rows[0] + rows[1]));
}

static int put_row(struct sitting *k, struct err *e)
{
	if (ranks_rank())
		return 0;
	struct span row = buf_span(&k->row);
	if (rundir_row(k->t->run, row, e))
		return -1;
	if (k->t->row)
		k->t->row(k->t->arg, row);
	return 0;
}

static int is_good(const struct sitting *k)
{
	return !k->s->bad &&
	       isfinite(nn_norm(k->t->model->params, k->t->model->n_params, k->t->pool));
}

/* Leaves the last checkpoint as it is where the state is not worth keeping. */
static int save_checkpoint(struct sitting *k, struct err *e)
{
	if (!is_good(k))
		return 0;
	struct buf state = BUF_INIT;
	long at = ranks_rank() ? 0 : rundir_sync(k->t->run, e);
	if (at < 0)
		return -1;
	k->s->metrics = (size_t)at;
	clock_update(k);
	state_write(k->s, k->t->fingerprint, &state);
	int rc = checkpoint_save(k->t->run->checkpoint, k->t->model, &k->adam, &k->grads.shard,
				 buf_span(&state), e);
	buf_release(&state);
	return rc;
}

/* Adds up what the ranks have, and the squares of what they own. */
static void sum_up(struct objective_sums *l, double *squares)
{
	double x[] = {l->loss,
		      l->weight,
		      (double)l->tokens,
		      (double)l->supervised,
		      (double)l->pairs,
		      (double)l->preferred,
		      l->margin,
		      (double)l->labelled[0],
		      (double)l->labelled[1],
		      l->reward[0],
		      l->reward[1],
		      l->kl,
		      *squares};
	ranks_sum_doubles(x, sizeof x / sizeof *x);
	*l = (struct objective_sums){x[0],	    x[1],
				     (size_t)x[2],  (size_t)x[3],
				     (size_t)x[4],  (size_t)x[5],
				     x[6],	    {(size_t)x[7], (size_t)x[8]},
				     {x[9], x[10]}, x[11]};
	*squares = x[12];
}

/* This rank's share of the next batch: its sums, and its gradient on the way to k->grads. */
static int share_of_batch(struct sitting *k, struct objective_sums *l, struct err *e)
{
	const struct loop *t = k->t;
	uint64_t step = k->s->step, epoch = step / k->batches;
	size_t n, mine = 0, ranks = (size_t)ranks_size(), rank = (size_t)ranks_rank();
	if (epoch != k->epoch) {
		batch_order_epoch(&k->order, t->spec.seed, epoch);
		k->epoch = epoch;
	}
	const size_t *rows = batch_order_at(&k->order, (size_t)(step % k->batches), &n);
	k->share = mem_grow(k->share, &k->cap_share, n, sizeof *k->share);
	for (size_t i = rank; i < n; i += ranks)
		k->share[mine++] = rows[i];
	grads_clear(&k->grads);
	work_noise(t->work, t->spec.neftune,
		   (t->spec.seed * 0x9e3779b97f4a7c15u + step) * ranks + rank);
	return objective_batch(&k->objective, t->train, k->reference, k->share, mine, &k->grads, l,
			       e);
}

/* Each rank updates its part of the parameters and has the others' from them. */
static void update(struct sitting *k, float scale, float rate)
{
	const struct shard *s = &k->grads.shard;
	float *params = k->t->model->params;
	adamw_step(&k->adam, params, k->grads.own, s->parts, s->n_units, scale, rate,
		   (float)k->t->spec.wd, k->t->pool);
	ranks_gather(params, s->units, s->n_units);
}

static struct ranks_cost cost_since(const struct ranks_cost *then)
{
	struct ranks_cost now = ranks_cost();
	return (struct ranks_cost){now.sent - then->sent, now.busy - then->busy,
				   now.waited - then->waited};
}

static void put_cost(struct jw *w, const struct ranks_cost *c)
{
	jw_put_int(w, "ranks", ranks_size());
	jw_put_num(w, "sent", c->sent);
	jw_put_num(w, "transferred_s", progress_milli(c->busy));
	jw_put_num(w, "waited_s", progress_milli(c->waited));
}

/* One step over the next batch. The parameters stay as they are where loss or gradient is not
 * finite. */
static int take_step(struct sitting *k, struct err *e)
{
	const struct loop *t = k->t;
	struct loop_state *s = k->s;
	struct objective_sums l = {0};
	double start = progress_clock();
	const struct ranks_cost before = ranks_cost();
	if (share_of_batch(k, &l, e))
		return -1;
	grads_settle(&k->grads);
	double norm = nn_norm(k->grads.own, k->grads.shard.own, t->pool);
	norm *= norm;
	sum_up(&l, &norm);
	norm = sqrt(norm) / l.weight;
	double rate = loop_rate(&t->spec, (size_t)s->step);
	double loss = l.loss / l.weight;
	int good = isfinite(loss) && isfinite(norm);
	if (good) {
		double scale = 1 / l.weight;
		if (t->spec.clip > 0 && norm > t->spec.clip)
			scale *= t->spec.clip / norm;
		update(k, (float)scale, (float)rate);
		s->updates++;
		s->bad = 0;
	} else {
		s->bad++;
	}
	struct ranks_cost cost = cost_since(&before);
	s->cost.sent += cost.sent;
	s->cost.busy += cost.busy;
	s->cost.waited += cost.waited;
	s->step++;
	s->loss = loss;
	s->tokens += l.tokens;
	s->supervised += l.supervised;

	struct jw w;
	buf_clear(&k->row);
	jw_init(&w, &k->row);
	jw_object(&w);
	jw_put_int(&w, "step", s->step);
	jw_put_num(&w, "epoch", epochs_done(k));
	jw_put_num(&w, "loss", loss);
	jw_put_num(&w, "lr", rate);
	jw_put_num(&w, "grad_norm", norm);
	jw_put_int(&w, "tokens", l.tokens);
	jw_put_int(&w, "supervised_tokens", l.supervised);
	jw_put_num(&w, "tokens_per_s",
		   round((double)l.tokens / (progress_clock() - start) * 10) / 10);
	jw_put_int(&w, "rss", rss_now());
	if (ranks_size() > 1)
		put_cost(&w, &cost);
	put_preferences(&w, &l);
	put_labels(&w, &l);
	if (!good)
		jw_put_bool(&w, "skipped", 1);
	jw_end(&w);
	return put_row(k, e);
}

/* Appends what the other evaluation says; 1 where it was interrupted. */
static int evaluate_outside(struct sitting *k, struct jw *w, double *score, struct err *e)
{
	const struct loop *t = k->t;
	struct buf json = BUF_INIT;
	int rc = 0;
	if (!ranks_rank() && (rc = t->evaluate(t->arg, k->s->step, &json, score, e)) == 0)
		jw_put_raw(w, "eval", buf_span(&json));
	if (ranks_size() > 1 && rc >= 0) {
		ranks_share(&rc, sizeof rc);
		ranks_share(score, sizeof *score);
	}
	buf_release(&json);
	return rc;
}

static int save_result(struct sitting *k, struct err *e)
{
	return ranks_rank() ? 0 : k->t->save(k->t->arg, e);
}

static int is_better(const struct loop *t, double score, double best)
{
	if (!isfinite(score))
		return 0;
	return isnan(best) ||
	       (t->spec.best_by && !t->spec.best_is_least ? score > best : score < best);
}

/* 0, 1 where it was interrupted, or -1. */
static int evaluate(struct sitting *k, struct err *e)
{
	const struct loop *t = k->t;
	struct loop_state *s = k->s;
	struct objective_sums l = {0};
	struct jw w;
	double score = NAN;
	int rc;
	buf_clear(&k->row);
	jw_init(&w, &k->row);
	jw_object(&w);
	jw_put_int(&w, "step", s->step);
	jw_put_num(&w, "epoch", epochs_done(k));
	if (has_valid(t)) {
		if (objective_all(&k->objective, t->valid, k->reference_valid, (size_t)ranks_rank(),
				  (size_t)ranks_size(), &l, e))
			return -1;
		sum_up(&l, &(double){0});
		s->valid_loss = l.loss / l.weight;
		jw_put_num(&w, "valid_loss", s->valid_loss);
		jw_put_int(&w, "valid_rows", t->valid->rows);
		jw_put_int(&w, "valid_tokens", l.supervised);
		put_preferences(&w, &l);
		put_labels(&w, &l);
	}
	if (t->evaluate && (rc = evaluate_outside(k, &w, &score, e)))
		return rc;
	if (!t->spec.best_by)
		score = s->valid_loss;
	int better = is_better(t, score, s->best);
	if (better) {
		s->best = score;
		s->best_step = s->step;
		s->stale = 0;
		if (!t->spec.keep_last && save_result(k, e))
			return -1;
	} else {
		s->stale++;
	}
	jw_put_bool(&w, "best", better);
	jw_end(&w);
	return put_row(k, e);
}

static int last_row(struct sitting *k, enum loop_end how, struct err *e)
{
	static const char *const names[] = {"done", "early", "stopped"};
	const struct loop_state *s = k->s;
	struct jw w;
	int kept_last = k->t->spec.keep_last || !s->best_step;
	clock_update(k);
	double energy = energy_now() - k->joules_began;
	k->s->joules = energy >= 0 ? (isnan(s->joules) ? energy : s->joules + energy) : NAN;
	buf_clear(&k->row);
	jw_init(&w, &k->row);
	jw_object(&w);
	jw_put_str(&w, "end", names[how]);
	jw_put_int(&w, "step", s->step);
	jw_put_int(&w, "best_step", (int64_t)(kept_last ? s->step : s->best_step));
	jw_put_str(&w, "best_by",
		   kept_last		? NULL
		   : k->t->spec.best_by ? k->t->spec.best_by
					: "valid_loss");
	jw_put_num(&w, "best", kept_last ? NAN : s->best);
	jw_put_num(&w, "last_valid_loss", s->valid_loss);
	jw_put_num(&w, "loss", s->loss);
	jw_put_int(&w, "tokens", s->tokens);
	jw_put_int(&w, "supervised_tokens", s->supervised);
	jw_put_int(&w, "skipped_steps", (int64_t)(s->step - s->updates));
	jw_put_num(&w, "seconds", progress_milli(s->seconds));
	jw_put_num(&w, "joules", s->joules);
	jw_put_int(&w, "rss", rss_now());
	put_cost(&w, &s->cost);
	jw_end(&w);
	return put_row(k, e);
}

/* The reference is the model as it was before the first step, so this comes before a checkpoint is
 * loaded. */
static int take_reference(struct sitting *k, struct err *e)
{
	const struct loop *t = k->t;
	int without_adapter = t->model->adapter != NULL;
	k->reference = mem_alloc(t->train->n + t->train->mismatched, sizeof *k->reference);
	if (objective_reference(&k->objective, t->train, without_adapter, k->reference, e))
		return -1;
	if (!has_valid(t))
		return 0;
	k->reference_valid =
		mem_alloc(t->valid->n + t->valid->mismatched, sizeof *k->reference_valid);
	return objective_reference(&k->objective, t->valid, without_adapter, k->reference_valid, e);
}

static int is_due(const struct sitting *k, size_t every)
{
	return k->s->step % (every ? every : k->batches) == 0 || k->s->step == k->t->spec.steps;
}

/* Whether any rank was told to stop. */
static int told_to_stop(const struct loop *t)
{
	double told = t->stopping && t->stopping();
	ranks_sum_doubles(&told, 1);
	return told > 0;
}

static int loop(struct sitting *k, enum loop_end *how, struct err *e)
{
	const struct loop *t = k->t;
	struct loop_state *s = k->s;
	*how = LOOP_DONE;
	while (s->step < t->spec.steps || s->due) {
		if (told_to_stop(t)) {
			*how = LOOP_STOPPED;
			return save_checkpoint(k, e);
		}
		if (!s->due && take_step(k, e))
			return -1;
		if (s->bad >= BAD_STEPS) {
			const char *kept = file_exists(t->run->checkpoint)
						   ? t->run->checkpoint
						   : "nowhere: no checkpoint was due yet";
			return err_set(e,
				       "step %llu: loss or gradient was not finite %d times in a row; the last good state is %s (a "
				       "smaller --lr may help)",
				       (unsigned long long)s->step, BAD_STEPS, kept);
		}
		int evaluated = (has_valid(t) || t->evaluate) && is_due(k, t->spec.eval_every),
		    interrupted = 0;
		s->due = evaluated;
		/* Other programs may take long or fail: what was trained until then is kept. */
		if (evaluated && t->evaluate && save_checkpoint(k, e))
			return -1;
		if (evaluated && (interrupted = evaluate(k, e)) < 0)
			return -1;
		if (interrupted) {
			*how = LOOP_STOPPED;
			return 0;
		}
		s->due = 0;
		if (t->progress && !ranks_rank())
			t->progress(t->arg, s);
		if (t->spec.patience && s->stale >= t->spec.patience) {
			*how = LOOP_EARLY;
			return 0;
		}
		if (s->step < t->spec.steps &&
		    (t->spec.save_every
			     ? is_due(k, t->spec.save_every)
			     : evaluated || (!has_valid(t) && !t->evaluate && is_due(k, 0))) &&
		    save_checkpoint(k, e))
			return -1;
	}
	return 0;
}

int loop_run(struct loop *t, struct loop_state *s, enum loop_end *how, struct err *e)
{
	struct sitting k = {.t = t,
			    .s = s,
			    .epoch = (uint64_t)-1,
			    .began = progress_clock(),
			    .joules_began = energy_now()};
	int rc = -1;
	*s = (struct loop_state){.best = NAN, .valid_loss = NAN, .loss = NAN, .joules = NAN};
	objective_init(&k.objective, t->work, t->spec.objective, t->spec.beta,
		       t->spec.label_weight);
	batch_order_init(&k.order, objective_rows(&k.objective, t->train), t->spec.batch);
	grads_init(&k.grads, t->model);
	adamw_init(&k.adam, k.grads.shard.own);
	k.batches = batch_order_batches(&k.order);
	if (objective_has_reference(t->spec.objective) && take_reference(&k, e))
		goto cleanup;
	if (t->run->resumes) {
		if (load_state(t, s, e) ||
		    checkpoint_load(t->run->checkpoint, t->model, &k.adam, &k.grads.shard, e))
			goto cleanup;
		k.adam.t = s->updates;
		k.before = s->seconds;
	}
	if (loop(&k, how, e))
		goto cleanup;
	if (*how == LOOP_STOPPED) {
		rc = 0;
		goto cleanup;
	}
	if (t->spec.keep_last || !s->best_step) {
		if (!is_good(&k)) {
			err_set(e,
				"the last step's values are not finite, so nothing was written (a smaller --lr may help)");
			goto cleanup;
		}
		if (save_result(&k, e))
			goto cleanup;
	}
	if (last_row(&k, *how, e))
		goto cleanup;
	rc = 0;
cleanup:
	clock_update(&k);
	objective_release(&k.objective);
	batch_order_release(&k.order);
	adamw_release(&k.adam);
	grads_release(&k.grads);
	free(k.share);
	free(k.reference);
	free(k.reference_valid);
	buf_release(&k.row);
	return rc;
}

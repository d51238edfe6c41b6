/* What a run would take; see estimate.h. */
#include "estimate.h"

#include <math.h>
#include <stdlib.h>

#include "../base/mem.h"
#include "../base/progress.h"
#include "../json/jw.h"
#include "../nn/adamw.h"
#include "objective.h"
#include "ranks.h"

/* A rank's rows of one step, evenly from the whole set, so that their lengths are typical. */
static size_t *typical_rows(const struct loop *t, size_t rows, size_t *n)
{
	size_t ranks = (size_t)ranks_size();
	*n = (t->spec.batch + ranks - 1) / ranks;
	*n = *n < rows ? *n : rows;
	size_t *pick = mem_alloc(*n, sizeof *pick);
	for (size_t i = 0; i < *n; i++)
		pick[i] = i * rows / *n;
	return pick;
}

/* Seconds of one step without its update (time_update); the second of two, for the first one warms the caches. */
static int time_step(struct objective *o, const struct loop *t, const size_t *rows, size_t n,
		     struct objective_sums *s, double *seconds, struct err *e)
{
	struct grads grads;
	/* its values do not change the time */
	double *reference = mem_alloc(t->train->n + t->train->mismatched, sizeof *reference);
	int rc = 0;
	grads_init(&grads, t->model);
	for (int i = 0; i < 2 && !rc; i++) {
		double start = progress_clock();
		*s = (struct objective_sums){0};
		rc = objective_batch(o, t->train, reference, rows, n, &grads, s, e);
		grads_settle(&grads);
		*seconds = progress_clock() - start;
	}
	grads_release(&grads);
	free(reference);
	return rc;
}

/* Seconds that the norm of `all` gradients and the optimiser's step take, from those over a part of
 * them. */
static double time_update(const struct loop *t, size_t all)
{
	enum { MOST = 1 << 24 };
	size_t n = all < MOST ? all : MOST;
	float *params = mem_alloc(n, sizeof *params), *grads = mem_alloc(n, sizeof *grads);
	struct adamw adam;
	double seconds = 0;
	adamw_init(&adam, n);
	for (int i = 0; i < 2; i++) {
		double start = progress_clock();
		nn_norm(grads, n, t->pool);
		adamw_step(&adam, params, grads, &(struct adamw_run){0, 0, n}, 1, 1, 1e-4f, 0,
			   t->pool);
		seconds = progress_clock() - start;
	}
	adamw_release(&adam);
	free(params);
	free(grads);
	return n ? seconds * (double)all / (double)n : 0;
}

/* What one of so many ranks needs for steps of that many tokens in all, and sends in each. */
static void put_rank(struct jw *w, const struct loop *t, size_t memory, size_t tokens, size_t ranks,
		     size_t weights, size_t data, double *sent)
{
	struct shard shard;
	size_t mine = (tokens + ranks - 1) / ranks, rows = work_rows(t->work),
	       work = work_bytes(t->model, mine, t->train->longest, work_again(t->work)), trained;
	shard_init(&shard, t->model, 0, ranks);
	trained = shard_bytes(&shard);
	if (memory && work > memory)
		work = memory;
	jw_put_int(w, "gradients_and_optimiser", trained);
	jw_put_int(w, "activations", work);
	jw_put_int(w, "total", (int64_t)(weights + trained + work + data));
	*sent = shard_sent(&shard, (mine + rows - 1) / rows);
	shard_release(&shard);
}

int estimate_run(const struct loop *t, size_t memory, struct buf *out, struct err *e)
{
	const struct model *m = t->model;
	struct objective o;
	struct objective_sums s = {0};
	objective_init(&o, t->work, t->spec.objective, t->spec.beta, t->spec.label_weight);
	size_t n, rows = objective_rows(&o, t->train), *pick = typical_rows(t, rows, &n);
	double seconds;
	int rc = time_step(&o, t, pick, n, &s, &seconds, e);
	double flops = rc ? 0 : work_flops(m, o.views, o.packs.packs);
	objective_release(&o);
	free(pick);
	if (rc)
		return -1;
	struct shard shard;
	size_t ranks = (size_t)ranks_size();
	shard_init(&shard, m, (size_t)ranks_rank(), ranks);
	double update = time_update(t, shard.own), steps = (double)t->spec.steps,
	       epoch = (double)(rows / t->spec.batch + (rows % t->spec.batch != 0));
	double all = (double)t->train->tokens * steps / epoch;
	/* an average step against the one that was timed */
	double share = all / steps / (double)(s.tokens * ranks);
	shard_release(&shard);
	size_t weights = model_bytes(m), tokens = s.tokens * ranks,
	       examples = t->train->n + t->train->mismatched, last = examples - 1,
	       data = (t->train->examples[last].at + t->train->length[last]) * 8 + examples * 40;
	double sent;
	struct jw w;
	jw_init(&w, out);
	jw_object(&w);
	jw_put_int(&w, "rows", rows);
	jw_put_int(&w, "tokens", t->train->tokens);
	jw_put_int(&w, "supervised_tokens", t->train->supervised);
	jw_put_int(&w, "steps", t->spec.steps);
	jw_put_num(&w, "tokens_trained", round(all));
	jw_put_object(&w, "memory");
	jw_put_int(&w, "weights", weights);
	jw_put_int(&w, "rows", data);
	put_rank(&w, t, memory, tokens, ranks, weights, data, &sent);
	jw_end(&w);
	jw_put_array(&w, "ranks");
	for (size_t of = 1; of <= 64; of *= 2) {
		jw_object(&w);
		jw_put_int(&w, "ranks", of);
		put_rank(&w, t, memory, tokens, of, weights, data, &sent);
		jw_put_num(&w, "sent_per_step", sent);
		jw_end(&w);
	}
	jw_end(&w);
	jw_put_int(&w, "recomputed_layers", work_again(t->work));
	jw_put_num(&w, "flops_per_step", round(flops * share * (double)ranks));
	jw_put_num(&w, "tokens_per_s",
		   round((double)(s.tokens * ranks) / (seconds + update / share) * 10) / 10);
	jw_put_num(&w, "seconds", progress_milli((seconds * share + update) * steps));
	jw_put_num(&w, "cost", 0);
	jw_end(&w);
	return 0;
}

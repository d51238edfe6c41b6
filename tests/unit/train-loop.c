/* The training loop: schedule, equal results for equal work however it is cut, and a run taken up
 * where it stopped. */
#include <stdlib.h>
#include <unistd.h>
#include "../../lib/base/file.h"
#include "../../lib/base/mem.h"
#include "../../lib/base/rng.h"
#include "../../lib/train/objective.h"
#include "../../lib/train/loop.h"
#include "tap.h"

static const char config_text[] =
	"{\"model_type\":\"llama\",\"hidden_size\":32,\"intermediate_size\":48,\"num_hidden_layers\":2,\"num_attention_heads\":4,"
	"\"num_key_value_heads\":2,\"vocab_size\":64,\"max_position_embeddings\":128,\"tie_word_embeddings\":true,\"initializer_range\":0.1}";

static struct config config;
static struct dataset data, valid, lengthy;

static void schedule(void)
{
	struct loop_spec s = {.lr = 1, .steps = 110, .warmup = 10, .schedule = LOOP_COSINE};
	ok_near(loop_rate(&s, 0), .1, 1e-12, "the first step of the warm-up");
	ok_near(loop_rate(&s, 9), 1, 1e-12, "its last reaches the rate");
	ok_near(loop_rate(&s, 60), .5, 1e-12, "cosine: half of it half way down");
	ok_near(loop_rate(&s, 109), .5 * (1 + cos(3.14159265358979 * .99)), 1e-9,
		"and nearly nothing at the end");
	s.schedule = LOOP_LINEAR;
	ok_near(loop_rate(&s, 85), .25, 1e-12, "linear");
	s.schedule = LOOP_CONSTANT;
	ok_near(loop_rate(&s, 109), 1, 1e-12, "constant");
	struct loop_spec p = {.batch = 4}, q = p, r = {.batch = 40};
	loop_plan(&p, 10, 3, .3);
	ok(p.steps == 9, "three epochs of ten rows by four are nine steps");
	ok(p.warmup == 3, "a warm-up below 1 is a share of them, rounded");
	loop_plan(&q, 10, .5, 7);
	ok(q.steps == 2 && q.warmup == 7, "half an epoch is rounded up to whole steps");
	loop_plan(&r, 10, .001, 0);
	ok(r.steps == 1 && r.batch == 10, "at least one, and a batch is no more than the rows");
}

/* n more examples of least to least + 25 random tokens of which the last third is trained on. */
static void fill(struct dataset *d, size_t n, size_t least, uint64_t seed)
{
	struct rng r;
	rng_seed(&r, seed, 0);
	for (size_t i = 0; i < n; i++) {
		size_t len = least + (size_t)rng_below(&r, 26);
		d->ids = mem_grow(d->ids, &d->cap_tokens[0], d->tokens + len, sizeof *d->ids);
		d->weights = mem_grow(d->weights, &d->cap_tokens[1], d->tokens + len,
				      sizeof *d->weights);
		d->examples =
			mem_grow(d->examples, &d->cap_examples[0], d->n + 1, sizeof *d->examples);
		d->length = mem_grow(d->length, &d->cap_examples[1], d->n + 1, sizeof *d->length);
		d->examples[d->n] =
			(struct dataset_example){.at = d->tokens, .file = "made", .line = i + 1};
		for (size_t k = 0; k < len; k++) {
			d->ids[d->tokens + k] = (int32_t)rng_below(&r, 64);
			d->weights[d->tokens + k] = k >= len - len / 3 ? 1 : 0;
		}
		d->supervised += len / 3;
		d->length[d->n++] = (uint32_t)len;
		d->tokens += len;
		d->longest = len > d->longest ? len : d->longest;
	}
	d->rows = d->n;
}

static struct model *make_model(void)
{
	struct err e = ERR_INIT;
	struct model *m;
	if (model_new(&m, &config, 5, &e)) {
		printf("Bail out! %s\n", e.msg);
		exit(1);
	}
	return m;
}

static struct work *make_work(const struct model *m, struct pool *pool, size_t longest,
			      int checkpoint)
{
	struct err e = ERR_INIT;
	struct work *w;
	struct work_spec spec = {.max_tokens = longest, .checkpoint = checkpoint};
	if (work_new(&w, m, pool, &spec, &e)) {
		printf("Bail out! %s\n", e.msg);
		exit(1);
	}
	return w;
}

/* Gradient of d's first n examples in calls of `cut`; free() it. */
static float *gradient_of(const struct dataset *d, size_t n, size_t cut, int threads,
			  int checkpoint, struct objective_sums *l)
{
	struct err e = ERR_INIT;
	struct pool *pool = pool_new(threads);
	struct model *m = make_model();
	struct work *work = make_work(m, pool, d->longest, checkpoint);
	struct objective o;
	size_t examples[64];
	float *g = mem_alloc(m->n_params, sizeof *g);
	*l = (struct objective_sums){0};
	objective_init(&o, work, OBJECTIVE_SFT, 0, NULL);
	for (size_t at = 0; at < n; at += cut) {
		for (size_t i = 0; i < cut; i++)
			examples[i] = at + i;
		if (objective_batch(&o, d, NULL, examples, cut, &(struct grads){.own = g}, l, &e))
			printf("Bail out! %s\n", e.msg);
	}
	objective_release(&o);
	work_free(work);
	model_free(m);
	pool_free(pool);
	return g;
}

static float *gradient(size_t n, size_t cut, int threads, int checkpoint, struct objective_sums *l)
{
	return gradient_of(&data, n, cut, threads, checkpoint, l);
}

static double distance(const float *a, const float *b, size_t n)
{
	double d = 0, s = 0;
	for (size_t i = 0; i < n; i++) {
		d += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
		s += (double)a[i] * a[i];
	}
	return sqrt(d / s);
}

static void equivalences(void)
{
	struct model *m = make_model();
	size_t n = m->n_params;
	struct objective_sums one, other;
	float *whole = gradient(16, 16, 1, -1, &one), *g;
	model_free(m);
	ok(one.weight > 0 && isfinite(one.loss), "a batch has a loss");
	g = gradient(16, 8, 1, -1, &other);
	ok(distance(whole, g, n) < 1e-5 && fabs(one.loss - other.loss) < 1e-4,
	   "a batch of 16 is two of 8 accumulated");
	free(g);
	g = gradient(16, 1, 1, -1, &other);
	ok(distance(whole, g, n) < 1e-5 && one.weight == other.weight,
	   "packed together is one by one");
	free(g);
	for (int threads = 2; threads <= 4; threads *= 2) {
		g = gradient(16, 16, threads, -1, &other);
		ok(memcmp(whole, g, n * sizeof *g) == 0 && one.loss == other.loss,
		   "%d threads give the same bits as one", threads);
		free(g);
	}
	g = gradient(16, 16, 1, 1, &other);
	ok(distance(whole, g, n) < 1e-6, "with recomputation of layers as without");
	free(g);
	free(whole);
}

/* Examples of several of attention's blocks, beside short ones. */
static void lengthy_alike(void)
{
	struct objective_sums one, other;
	struct model *m = make_model();
	size_t n = m->n_params;
	float *whole = gradient_of(&lengthy, 5, 5, 1, -1, &one), *g;

	model_free(m);
	for (int threads = 2; threads <= 5; threads++) {
		g = gradient_of(&lengthy, 5, 5, threads, -1, &other);
		ok(memcmp(whole, g, n * sizeof *g) == 0 && one.loss == other.loss,
		   "examples of 600 tokens: %d threads give the same bits as one", threads);
		free(g);
	}
	g = gradient_of(&lengthy, 5, 1, 3, -1, &other);
	ok(distance(whole, g, n) < 1e-5 && one.weight == other.weight,
	   "and packed together is one by one");
	free(g);
	free(whole);
}

/* --- runs --- */

struct outcome {
	float *params;
	size_t n;
	struct loop_state state;
	enum loop_end how;
	int rc, saves;
	struct err e;
	size_t stop_after; /* rows of steps; 0: never */
	size_t rows;
};

static struct outcome *current;

static int count_save(void *arg, struct err *e)
{
	(void)arg, (void)e;
	current->saves++;
	return 0;
}

static void count_row(void *arg, struct span json)
{
	(void)arg;
	current->rows += json.n > 0;
}

static int stop_now(void)
{
	return current->stop_after && current->rows >= current->stop_after;
}

static void go(struct outcome *o, const char *dir, struct loop_spec spec, int resume,
	       const struct dataset *validation, const char *fingerprint)
{
	struct rundir run;
	struct pool *pool = pool_new(2);
	struct model *m = make_model();
	size_t metrics = 0;
	current = o;
	o->rows = 0;
	o->rc = rundir_init(&run, dir, NULL, NULL, resume, &o->e);
	struct loop t = {
		.model = m,
		.work = make_work(m, pool, data.longest, -1),
		.pool = pool,
		.train = &data,
		.valid = validation,
		.spec = spec,
		.run = &run,
		.fingerprint = fingerprint,
		.save = count_save,
		.row = count_row,
		.stopping = stop_now,
	};
	if (!o->rc && run.resumes)
		o->rc = loop_peek(&t, &metrics, &o->e);
	if (!o->rc)
		o->rc = rundir_begin(&run, metrics, span_of("{}"), &o->e);
	if (!o->rc)
		o->rc = loop_run(&t, &o->state, &o->how, &o->e);
	if (!o->rc && o->how != LOOP_STOPPED)
		o->rc = rundir_finish(&run, span_of("{}"), &o->e);
	o->n = m->n_params;
	free(o->params);
	o->params = mem_alloc(o->n, sizeof *o->params);
	memcpy(o->params, m->params, o->n * sizeof *o->params);
	rundir_release(&run);
	work_free(t.work);
	model_free(m);
	pool_free(pool);
}

static void runs(const char *top)
{
	struct loop_spec spec = {.batch = 8,
				 .steps = 24,
				 .warmup = 2,
				 .lr = 3e-3,
				 .clip = 1,
				 .seed = 1,
				 .eval_every = 5};
	char *whole_dir = file_join(top, "whole"), *cut_dir = file_join(top, "cut"),
	     *bad_dir = file_join(top, "bad");
	struct outcome whole = {0}, cut = {.stop_after = 9}, bad = {0};
	go(&whole, whole_dir, spec, 0, &valid, "{\"a\":1}");
	ok(whole.rc == 0 && whole.how == LOOP_DONE && whole.state.step == 24,
	   "a run ends after its steps: %s", whole.e.msg);
	ok(isfinite(whole.state.valid_loss) && whole.saves >= 1,
	   "it was validated and its best state written");
	char *checkpoint = file_join(whole_dir, "checkpoint.safetensors");
	ok(!file_exists(checkpoint), "no checkpoint is left behind");
	free(checkpoint);

	go(&cut, cut_dir, spec, 0, &valid, "{\"a\":1}");
	ok(cut.rc == 0 && cut.how == LOOP_STOPPED && cut.state.step < 24,
	   "a run stops when told to");
	bad.rc = 0;
	go(&bad, cut_dir, spec, 0, &valid, "{\"a\":1}");
	ok(bad.rc == -1 && strstr(bad.e.msg, "--resume"),
	   "an unfinished run is not written over: %s", bad.e.msg);
	go(&bad, cut_dir, spec, 1, &valid, "{\"a\":2}");
	ok(bad.rc == -1 && strstr(bad.e.msg, "a was 1 and is now 2"),
	   "nor taken up with other options: %s", bad.e.msg);
	cut.stop_after = 0;
	go(&cut, cut_dir, spec, 1, &valid, "{\"a\":1}");
	ok(cut.rc == 0 && cut.state.step == 24, "it is taken up: %s", cut.e.msg);
	ok(memcmp(whole.params, cut.params, whole.n * sizeof *whole.params) == 0,
	   "and gives the uninterrupted run's bits");
	ok(whole.state.best == cut.state.best && whole.state.best_step == cut.state.best_step &&
		   whole.state.tokens == cut.state.tokens,
	   "and its figures");

	spec.lr = INFINITY;
	go(&bad, bad_dir, spec, 0, NULL, "{}");
	ok(bad.rc == -1 && strstr(bad.e.msg, "not finite 3 times"),
	   "three steps in a row that are not finite end the run: %s", bad.e.msg);
	ok(bad.state.step - bad.state.updates == 3, "they changed nothing and were counted");

	free(whole.params), free(cut.params), free(bad.params);
	free(whole_dir), free(cut_dir), free(bad_dir);
}

static void by_heart(const char *top)
{
	struct loop_spec spec =
		{.batch = 4, .steps = 150, .warmup = 5, .lr = 1e-2, .clip = 1, .seed = 1};
	struct dataset all = data;
	char *dir = file_join(top, "heart");
	struct outcome o = {0};
	data.n = 4;
	go(&o, dir, spec, 0, NULL, "{}");
	data = all;
	ok(o.rc == 0 && o.state.loss < .02, "four rows are learned by heart (loss %g)",
	   o.state.loss);
	spec.patience = 2;
	spec.eval_every = 5;
	data.n = 4;
	go(&o, dir, spec, 0, &valid, "{}");
	data = all;
	ok(o.rc == 0 && o.how == LOOP_EARLY && o.state.step < 150,
	   "validation that gets worse ends the run early (step %d)", (int)o.state.step);
	free(o.params);
	free(dir);
}

int main(void)
{
	struct err e = ERR_INIT;
	char top[] = "/tmp/ft-trainer.XXXXXX";
	if (config_parse(&config, config_text, sizeof config_text - 1, "test", &e) ||
	    !mkdtemp(top)) {
		ok(0, "configuration: %s", e.msg);
		return tap_done();
	}
	fill(&data, 40, 5, 1);
	fill(&valid, 10, 5, 2);
	fill(&lengthy, 2, 600, 3);
	fill(&lengthy, 3, 5, 4);
	schedule();
	equivalences();
	lengthy_alike();
	runs(top);
	by_heart(top);
	char command[64];
	snprintf(command, sizeof command, "rm -rf %s", top);
	ok(system(command) == 0, "nothing is left in /tmp");
	dataset_release(&data);
	dataset_release(&lengthy);
	dataset_release(&valid);
	config_release(&config);
	return tap_done();
}

/* The engine on packs of tokens, as a program: what it computes is compared with an independent
 * implementation by tests/reference.bats. Without arguments it is a unit test that runs on the
 * committed fixture (tests/fixtures/tiny-lm).
 *
 *	train-reference logits MODEL [ADAPTER] < packs.jsonl	one line a pack: {"loss", "logits"}
 *	train-reference grads MODEL ADAPTER OUT [bf16] < packs.jsonl	gradients of loss / weight as
 *								safetensors
 *	train-reference train MODEL ADAPTER LR STEPS < packs.jsonl	one line a step: {"step", "loss", "grad_norm"}
 *	train-reference adapter MODEL OUT RANK SEED [dora|rslora]	an adapter with random A and B
 *	train-reference model CONFIG OUT SEED			a model with random weights
 *	train-reference mxfp4 MODEL OUT				a gpt_oss model with its experts as MXFP4
 *	train-reference bench MODEL lora|full ROWS LENGTH STEPS	[TYPE|- [MEMORY|- [bf16]]] speed of
 *								training steps, and of sgemm: one JSON line
 *	train-reference rates N ROWS COLS			GFLOP/s of one thread: of multiply-adds alone, of
 *								sgemm, of N rows with ROWS x COLS weights of each
 *								type, and in bf16
 *	train-reference memory					GB/s of all threads: read, and copied
 *								(both ways)
 */
#include <stdlib.h>
#include <cblas.h>
#include "../../lib/base/file.h"
#include "../../lib/base/mem.h"
#include "../../lib/base/pool.h"
#include "../../lib/base/progress.h"
#include "../../lib/base/rng.h"
#include "../../lib/json/json.h"
#include "../../lib/json/jw.h"
#include "../../lib/model/adapter.h"
#include "../../lib/model/safetensors.h"
#include "../../lib/train/gradient.h"
#include "../../lib/nn/adamw.h"
#include "mxfp4.h"
#include "random-model.h"
#include "rates.h"
#include "tap.h"

struct packs {
	struct train_pack *p;
	size_t n, tokens, longest;
};

static int die(const struct err *e)
{
	fprintf(stderr, "train-reference: %s\n", e->msg);
	exit(2);
}

static double number(struct span array, long long i)
{
	double x = 0;

	json_number(json_element(array, i), &x);
	return x;
}

static void read_packs(struct packs *k, const char *path)
{
	struct err e = ERR_INIT;
	struct buf b = BUF_INIT;
	const char *line, *end;

	*k = (struct packs){0};
	if (file_read(path, (size_t)1 << 28, &b, &e) < 0)
		die(&e);
	for (line = b.data; line && *line; line = end + 1) {
		struct span v = {0}, ids, weights, starts, x, key;
		struct json_iter it = {0}, wt = {0};
		struct train_pack *p;
		int32_t *id;
		float *w;
		size_t *s, i;

		end = strchr(line, '\n');
		if (!end || json_check((struct span){line, (size_t)(end - line)}, &v, &e) < 0)
			die(&e);
		ids = json_member(v, "ids");
		weights = json_member(v, "weights");
		starts = json_member(v, "starts");
		k->p = mem_realloc(k->p, k->n + 1, sizeof *k->p);
		p = &k->p[k->n++];
		*p = (struct train_pack){.n = json_count(ids), .n_starts = json_count(starts)};
		p->ids = id = mem_alloc(p->n, sizeof *id);
		p->weights = w = mem_alloc(p->n, sizeof *w);
		p->starts = s = mem_alloc(p->n_starts, sizeof *s);
		for (i = 0; json_next(&it, ids, &key, &x); i++) {
			int64_t n = 0;

			json_int(x, &n);
			id[i] = (int32_t)n;
		}
		for (i = 0; json_next(&wt, weights, &key, &x); i++) {
			double f = 0;

			json_number(x, &f);
			w[i] = (float)f;
		}
		for (i = 0; i < p->n_starts; i++)
			s[i] = (size_t)number(starts, (long long)i);
		k->tokens += p->n;
		k->longest = p->n > k->longest ? p->n : k->longest;
	}
	buf_release(&b);
}

static void free_packs(struct packs *k)
{
	for (size_t i = 0; i < k->n; i++) {
		free((void *)k->p[i].ids);
		free((void *)k->p[i].weights);
		free((void *)k->p[i].starts);
	}
	free(k->p);
}

struct engine {
	struct model *m;
	struct work *w;
	struct pool *pool;
};

static void engine_open_in(struct engine *g, const char *model, const char *adapter, size_t longest,
			   int checkpoint, int threads, const struct nn_bf16 *half)
{
	struct err e = ERR_INIT;
	struct work_spec spec = {.max_tokens = longest, .checkpoint = checkpoint, .half = half};

	g->pool = pool_new(threads);
	if (model_open(&g->m, model, NULL, &e) < 0 ||
	    (adapter && adapter_open(g->m, adapter, 1, &e) < 0) ||
	    work_new(&g->w, g->m, g->pool, &spec, &e) < 0)
		die(&e);
}

static void engine_open(struct engine *g, const char *model, const char *adapter, size_t longest,
			int checkpoint, int threads)
{
	engine_open_in(g, model, adapter, longest, checkpoint, threads, NULL);
}

static void engine_close(struct engine *g)
{
	work_free(g->w);
	model_free(g->m);
	pool_free(g->pool);
}

static float *logits_of(struct engine *g, const struct train_pack *p, double *loss)
{
	struct err e = ERR_INIT;
	struct train_loss l = {0};
	float *z = mem_alloc(p->n * g->m->config.vocab, sizeof *z);

	if (train_logits(g->w, p, z, &e) < 0 || train_loss(g->w, p, 1, 0, &l, NULL, &e) < 0)
		die(&e);
	*loss = l.loss / l.weight;
	return z;
}

static void print_logits(const char *model, const char *adapter)
{
	struct packs k;
	struct engine g;
	struct buf b = BUF_INIT;

	read_packs(&k, "-");
	engine_open(&g, model, adapter, k.longest, 0, 0);
	for (size_t i = 0; i < k.n; i++) {
		struct jw w;
		double loss;
		float *z = logits_of(&g, &k.p[i], &loss);

		buf_clear(&b);
		jw_init(&w, &b);
		jw_object(&w);
		jw_put_num(&w, "loss", loss);
		jw_put_array(&w, "logits");
		for (size_t r = 0; r < k.p[i].n; r++) {
			jw_array(&w);
			for (size_t v = 0; v < g.m->config.vocab; v++)
				jw_num(&w, z[r * g.m->config.vocab + v]);
			jw_end(&w);
		}
		jw_end(&w);
		jw_end(&w);
		puts(b.data);
		free(z);
	}
	buf_release(&b);
	engine_close(&g);
	free_packs(&k);
}

/* Gradients of the mean loss; returns the loss. */
static double gradients(struct engine *g, const struct packs *k, float *grads)
{
	struct err e = ERR_INIT;
	struct train_loss l = {0};

	memset(grads, 0, g->m->n_params * sizeof *grads);
	if (train_gradients(g->w, k->p, k->n, &(struct grads){.own = grads}, &l, NULL, &e) < 0)
		die(&e);
	for (size_t i = 0; i < g->m->n_params; i++)
		grads[i] = (float)(grads[i] / l.weight);
	return l.loss / l.weight;
}

static void write_grads(const char *model, const char *adapter, const char *out, int in_bf16)
{
	struct err e = ERR_INIT;
	struct packs k;
	struct engine g;
	struct st_out o = {0};
	float *grads;

	read_packs(&k, "-");
	engine_open_in(&g, model, adapter, k.longest, 0, 0, in_bf16 ? nn_bf16_emulated() : NULL);
	grads = mem_alloc(g.m->n_params, sizeof *grads);
	gradients(&g, &k, grads);
	for (size_t i = 0; i < g.m->n_tensors; i++) {
		const struct model_tensor *t = &g.m->tensors[i];
		uint64_t shape[2] = {t->dims == 2 ? t->rows : t->cols, t->cols};

		if (t->trained)
			st_add(&o, t->name, ST_F32, t->dims, shape, grads + t->offset);
	}
	if (st_write(&o, out, NULL, NULL, &e) < 0)
		die(&e);
	st_out_release(&o);
	free(grads);
	engine_close(&g);
	free_packs(&k);
}

/* AdamW at a constant rate; losses [steps] before each step. */
static void train(struct engine *g, const struct packs *k, double lr, int steps, double *losses,
		  double *norms)
{
	struct adamw opt;
	float *grads = mem_alloc(g->m->n_params, sizeof *grads);

	adamw_init(&opt, g->m->n_params);
	for (int i = 0; i < steps; i++) {
		losses[i] = gradients(g, k, grads);
		norms[i] = nn_norm(grads, g->m->n_params, g->pool);
		adamw_step(&opt, g->m->params, grads, &(struct adamw_run){0, 0, opt.n}, 1, 1,
			   (float)lr, 0, g->pool);
	}
	adamw_release(&opt);
	free(grads);
}

static void print_training(const char *model, const char *adapter, double lr, int steps)
{
	struct packs k;
	struct engine g;
	double *losses = mem_alloc((size_t)steps, sizeof *losses),
	       *norms = mem_alloc((size_t)steps, sizeof *norms);

	read_packs(&k, "-");
	engine_open(&g, model, adapter, k.longest, 0, 0);
	train(&g, &k, lr, steps, losses, norms);
	for (int i = 0; i < steps; i++)
		printf("{\"step\": %d, \"loss\": %.9g, \"grad_norm\": %.9g}\n", i + 1, losses[i],
		       norms[i]);
	engine_close(&g);
	free_packs(&k);
	free(losses);
	free(norms);
}

/* B of a fresh adapter is zero, which would hide A's gradient. */
static void write_adapter(const char *model, const char *out, size_t rank, uint64_t seed,
			  const char *kind)
{
	struct err e = ERR_INIT;
	struct model *m;
	struct adapter s = {.rank = rank,
			    .alpha = 2 * (double)rank,
			    .targets = "all",
			    .dora = strcmp(kind, "dora") == 0,
			    .rslora = strcmp(kind, "rslora") == 0};
	struct rng r;

	if (model_open(&m, model, NULL, &e) < 0 || adapter_new(m, &s, seed, &e) < 0)
		die(&e);
	rng_seed(&r, seed, 1000000);
	for (size_t i = 0; i < m->n_tensors; i++) {
		const struct model_tensor *t = &m->tensors[i];

		for (size_t k = 0; t->trained && k < t->rows * t->cols; k++) {
			float *x = &m->params[t->offset + k], n = (float)(0.1 * rng_normal(&r));

			*x = t->role == MODEL_LORA_M ? *x * (1 + n) : n;
		}
	}
	if (adapter_save(m, out, model, &e) < 0)
		die(&e);
	model_free(m);
}

static void write_mxfp4(const char *model, const char *out)
{
	struct err e = ERR_INIT;

	if (mxfp4_rewrite(model, out, NULL, &e))
		die(&e);
}

static void write_model(const char *config, const char *out, uint64_t seed)
{
	struct err e = ERR_INIT;
	struct config c;
	struct model *m = NULL;

	if (config_read_file(&c, config, &e) < 0 || random_model(&m, &c, seed, &e) < 0)
		die(&e);
	if (model_save(m, out, &(struct model_save){.type = NN_F32}, &e) < 0)
		die(&e);
	model_free(m);
	config_release(&c);
}

/* --- speed --- */

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *x, int n)
{
	qsort(x, (size_t)n, sizeof *x, by_value);
	return n % 2 ? x[n / 2] : (x[n / 2 - 1] + x[n / 2]) / 2;
}

/* Training steps, and between them sgemm, since processors that others share change their speed
 * from one second to the next: medians of the steps, of the sgemm rates, and of the share of each
 * step in the mean of the sgemm rates before and after it. */
static void bench(const char *model, int full, size_t rows, size_t length, int steps,
		  const char *type, const char *memory, int in_bf16)
{
	struct err e = ERR_INIT;
	struct model_load load = {0};
	struct work_spec spec = {.max_tokens = length,
				 .most_tokens = rows * length,
				 .memory = memory ? (size_t)strtoull(memory, NULL, 10) << 20 : 0};
	struct adapter adapter = {.rank = 8, .alpha = 16, .targets = "all"};
	const struct nn_bf16 *unit = in_bf16 ? nn_bf16_unit() : NULL;
	struct packs k = {.p = mem_alloc(1, sizeof *k.p), .n = 1};
	struct engine g;
	struct adamw opt;
	double *seconds = mem_alloc((size_t)steps, sizeof *seconds),
	       *rates = mem_alloc((size_t)steps, sizeof *rates);
	double *cpus = mem_alloc((size_t)steps, sizeof *cpus),
	       *shares = mem_alloc((size_t)steps, sizeof *shares),
	       *cpu_shares = mem_alloc((size_t)steps, sizeof *cpu_shares);
	double flops, step_s, loss = 0, peak;
	struct speed before, after;
	float *grads, *weights = mem_alloc(rows * length, sizeof *weights);
	int32_t *ids = mem_alloc(rows * length, sizeof *ids);
	size_t *starts = mem_alloc(rows, sizeof *starts);
	struct rusage usage;
	struct rng r;

	load.quantize = type && nn_type_parse(type, &load.type) == 0;
	spec.half = in_bf16 && !unit ? nn_bf16_emulated() : unit;
	g.pool = pool_new(0);
	if (model_open(&g.m, model, &load, &e) < 0 ||
	    (full ? model_train_all(g.m, &e) : adapter_new(g.m, &adapter, 1, &e)) < 0 ||
	    work_new(&g.w, g.m, g.pool, &spec, &e) < 0)
		die(&e);
	rng_seed(&r, 1, 0);
	for (size_t i = 0; i < rows * length; i++) {
		ids[i] = (int32_t)rng_below(&r, g.m->config.vocab);
		weights[i] = 1;
	}
	for (size_t i = 0; i < rows; i++)
		starts[i] = i * length;
	k.p[0] = (struct train_pack){ids, weights, rows * length, starts, rows};
	grads = mem_aligned(g.m->n_params, sizeof *grads);
	adamw_init(&opt, g.m->n_params);
	flops = work_flops(g.m, k.p, 1);
	before = sgemm_rate(g.pool, 0.5);
	for (int i = 0; i < steps; i++) {
		struct train_loss l = {0};
		double t = progress_clock(), cpu = cpu_seconds();

		memset(grads, 0, g.m->n_params * sizeof *grads);
		if (train_gradients(g.w, k.p, 1, &(struct grads){.own = grads}, &l, NULL, &e) < 0)
			die(&e);
		nn_norm(grads, g.m->n_params, g.pool);
		adamw_step(&opt, g.m->params, grads, &(struct adamw_run){0, 0, opt.n}, 1,
			   (float)(1 / l.weight), 1e-4f, 0, g.pool);
		seconds[i] = progress_clock() - t;
		cpus[i] = cpu = cpu_seconds() - cpu;
		loss = l.loss / l.weight;
		after = sgemm_rate(g.pool, 0.5);
		rates[i] = (before.wall + after.wall) / 2;
		shares[i] = flops / seconds[i] / rates[i];
		cpu_shares[i] = flops / cpu / ((before.cpu + after.cpu) / 2);
		before = after;
	}
	getrusage(RUSAGE_SELF, &usage);
	peak = (double)usage.ru_maxrss / 1024;
	step_s = median(seconds, steps);
	printf("{\"tokens\": %zu, \"step_s\": %.4f, \"step_cpu_s\": %.4f, \"tokens_per_s\": %.1f, \"useful_gflops\": %.1f, \"sgemm_gflops\": %.1f, \"share\": %.3f, "
	       "\"cpu_share\": %.3f, \"rss_mb\": %.0f, \"recomputed_layers\": %zu, \"loss\": %.6f, \"core\": \"%s\", \"compute\": \"%s\"}\n",
	       rows * length, step_s, median(cpus, steps), (double)(rows * length) / step_s,
	       flops / step_s / 1e9, median(rates, steps) / 1e9, median(shares, steps),
	       median(cpu_shares, steps), peak, work_again(g.w), loss, openblas_get_corename(),
	       spec.half ? spec.half->name : "f32");
	free(seconds);
	free(rates);
	free(cpus);
	free(shares);
	free(cpu_shares);
	adamw_release(&opt);
	engine_close(&g);
	free(grads);
	free(weights);
	free(ids);
	free(starts);
	free(k.p);
}

/* --- the unit test: what an independent implementation computed in double precision, kept as files
 * --- */

#define FIXTURES "tests/fixtures/"
#define FIXTURE FIXTURES "tiny-lm/"

static void read_lines(struct buf *b, const char *path)
{
	struct err e = ERR_INIT;

	if (file_read(path, (size_t)1 << 24, b, &e) < 0)
		die(&e);
}

static struct span next_line(const char **at)
{
	const char *end = strchr(*at, '\n');
	struct span line = {*at, end ? (size_t)(end - *at) : strlen(*at)};

	*at += line.n + (end != NULL);
	return line;
}

/* what: a folder with logits.jsonl, named by its path below tests/fixtures. */
static void test_logits(const struct packs *k, const char *what, const char *model,
			const char *adapter)
{
	char path[160];
	struct buf b = BUF_INIT;
	const char *at;
	double worst = 0, worst_loss = 0;
	struct engine g;

	engine_open(&g, model, adapter, k->longest, 0, 2);
	snprintf(path, sizeof path, FIXTURES "%s/logits.jsonl", what);
	read_lines(&b, path);
	at = b.data;
	for (size_t i = 0; i < k->n; i++) {
		struct span line = next_line(&at), rows = json_member(line, "logits"), row, key, x;
		struct json_iter rt = {0};
		double loss, want = NAN;
		float *z = logits_of(&g, &k->p[i], &loss);
		size_t n = 0;

		json_number(json_member(line, "loss"), &want);
		worst_loss = isnan(want) ? INFINITY : fmax(worst_loss, fabs(want - loss));
		while (json_next(&rt, rows, &key, &row)) {
			struct json_iter xt = {0};

			while (json_next(&xt, row, &key, &x)) {
				double v = INFINITY;

				json_number(x, &v);
				worst = fmax(worst, fabs(v - z[n++]));
			}
		}
		ok(n == k->p[i].n * g.m->config.vocab, "%s: pack %zu has as many logits", what, i);
		free(z);
	}
	ok(worst < 1e-4, "%s: logits within 1e-4 (%.1e)", what, worst);
	ok(worst_loss < 1e-5, "%s: losses within 1e-5 (%.1e)", what, worst_loss);
	buf_release(&b);
	engine_close(&g);
}

static void test_grads(const struct packs *k, const char *adapter)
{
	char path[128], dir[128];
	struct err e = ERR_INIT;
	struct st_set want;
	struct engine g;
	double worst = 0;
	size_t found = 0;
	float *grads;

	snprintf(dir, sizeof dir, FIXTURE "%s", adapter);
	engine_open(&g, FIXTURE "model", dir, k->longest, 0, 2);
	snprintf(path, sizeof path, FIXTURE "%s/grads.safetensors", adapter);
	grads = mem_alloc(g.m->n_params, sizeof *grads);
	gradients(&g, k, grads);
	if (st_open(&want, path, &e) < 0)
		die(&e);
	for (size_t i = 0; i < g.m->n_tensors; i++) {
		const struct model_tensor *t = &g.m->tensors[i];
		const struct st_tensor *s = t->trained ? st_find(&want, t->name) : NULL;
		double d = 0, n = 0;

		for (size_t j = 0; s && j < s->count; j++) {
			double x = ((const float *)s->data)[j];

			d += (grads[t->offset + j] - x) * (grads[t->offset + j] - x);
			n += x * x;
		}
		found += s != NULL;
		worst = fmax(worst, n > 0 ? sqrt(d / n) : 0);
	}
	ok(found == want.n, "%s: every tensor of the adapter has a gradient", adapter);
	ok(worst < 1e-3, "%s: gradients of whole tensors within 1e-3 in relative norm (%.1e)",
	   adapter, worst);
	st_close(&want);
	free(grads);
	engine_close(&g);
}

/* In f32 and in bf16, on two threads and on one. */
static void test_again(const struct packs *k, const char *adapter)
{
	char dir[128];
	float *grads[2];

	snprintf(dir, sizeof dir, FIXTURE "%s", adapter);
	for (int in_bf16 = 0; in_bf16 < 2; in_bf16++) {
		const struct nn_bf16 *half = in_bf16 ? nn_bf16_emulated() : NULL;
		size_t n = 0, again[2];

		for (int i = 0; i < 2; i++) {
			struct engine g;

			engine_open_in(&g, FIXTURE "model", dir, k->longest, i, 2 - i, half);
			n = g.m->n_params;
			again[i] = work_again(g.w);
			grads[i] = mem_alloc(n, sizeof *grads[i]);
			gradients(&g, k, grads[i]);
			engine_close(&g);
		}
		ok(again[0] == 0 && again[1] > 0 &&
			   memcmp(grads[0], grads[1], n * sizeof *grads[0]) == 0,
		   "%s: gradients of layers computed again in %s have the bits of those kept",
		   adapter, in_bf16 ? "bf16" : "f32");
		free(grads[0]);
		free(grads[1]);
	}
}

/* Twenty steps by the processor's instructions and by other means with their order of sums. */
static void test_unit(const struct packs *k, const char *adapter, const char *dir)
{
	const struct nn_bf16 *unit = nn_bf16_unit(), *other;
	double losses[2][20], norms[2][20];
	struct engine g[2];

	if (!unit) {
		ok(1, "%s: by instructions for bf16 the bits are the same # SKIP none here",
		   adapter);
		return;
	}
	other = unit->order == NN_BF16_PAIRS ? nn_bf16_emulated() : nn_bf16_plain(unit->order);
	for (int i = 0; i < 2; i++) {
		engine_open_in(&g[i], FIXTURE "model", dir, k->longest, 0, 2, i ? other : unit);
		train(&g[i], k, 1e-2, 20, losses[i], norms[i]);
	}
	ok(memcmp(losses[0], losses[1], sizeof *losses) == 0 &&
		   memcmp(norms[0], norms[1], sizeof *norms) == 0,
	   "%s: by %s losses and norms are those of the %s ones, bit for bit", adapter, unit->name,
	   other->name);
	ok(memcmp(g[0].m->params, g[1].m->params, g[0].m->n_params * sizeof *g[0].m->params) == 0,
	   "%s: so are the weights", adapter);
	engine_close(&g[0]);
	engine_close(&g[1]);
}

static void test_training(const struct packs *k, const char *adapter)
{
	char path[128], dir[128];
	struct buf b = BUF_INIT;
	const char *at;
	double losses[20], in_bf16[20], norms[20], worst = 0;
	struct engine g;

	snprintf(dir, sizeof dir, FIXTURE "%s", adapter);
	engine_open(&g, FIXTURE "model", dir, k->longest, 0, 2);
	train(&g, k, 1e-2, 20, losses, norms);
	snprintf(path, sizeof path, FIXTURE "%s/train.jsonl", adapter);
	read_lines(&b, path);
	at = b.data;
	for (int i = 0; i < 20; i++) {
		double want = NAN;

		json_number(json_member(next_line(&at), "loss"), &want);
		worst = isnan(want) ? INFINITY : fmax(worst, fabs(want - losses[i]));
	}
	ok(worst < 1e-3, "%s: losses of 20 AdamW steps within 1e-3 (%.1e)", adapter, worst);
	ok(losses[19] < losses[0] - 0.5, "%s: and they fall", adapter);
	engine_close(&g);
	engine_open_in(&g, FIXTURE "model", dir, k->longest, 0, 2, nn_bf16_emulated());
	train(&g, k, 1e-2, 20, in_bf16, norms);
	worst = 0;
	for (int i = 0; i < 20; i++)
		worst = fmax(worst, fabs(in_bf16[i] / losses[i] - 1));
	ok(worst < 2e-2, "%s: in bf16 they are within 2e-2 of that (%.1e)", adapter, worst);
	buf_release(&b);
	engine_close(&g);
	test_unit(k, adapter, dir);
}

static int unit_test(void)
{
	static const char *const adapters[] = {"lora", "rslora", "dora"};
	struct packs k;

	read_packs(&k, FIXTURE "packs.jsonl");
	for (size_t i = 0; i < sizeof adapters / sizeof *adapters; i++) {
		char what[64], dir[128];

		snprintf(what, sizeof what, "tiny-lm/%s", adapters[i]);
		snprintf(dir, sizeof dir, FIXTURE "%s", adapters[i]);
		test_logits(&k, what, FIXTURE "model", dir);
		test_grads(&k, adapters[i]);
		test_again(&k, adapters[i]);
		test_training(&k, adapters[i]);
	}
	free_packs(&k);
	return tap_done();
}

int main(int argc, char **argv)
{
	if (argc == 1)
		return unit_test();
	if (argc >= 3 && strcmp(argv[1], "logits") == 0)
		print_logits(argv[2], argc > 3 ? argv[3] : NULL);
	else if (argc >= 5 && strcmp(argv[1], "grads") == 0)
		write_grads(argv[2], argv[3], argv[4], argc > 5 && strcmp(argv[5], "bf16") == 0);
	else if (argc == 6 && strcmp(argv[1], "train") == 0)
		print_training(argv[2], argv[3], atof(argv[4]), atoi(argv[5]));
	else if (argc >= 6 && strcmp(argv[1], "adapter") == 0)
		write_adapter(argv[2], argv[3], (size_t)atoi(argv[4]), (uint64_t)atoi(argv[5]),
			      argc > 6 ? argv[6] : "");
	else if (argc >= 7 && strcmp(argv[1], "bench") == 0)
		bench(argv[2], strcmp(argv[3], "full") == 0, (size_t)atoi(argv[4]),
		      (size_t)atoi(argv[5]), atoi(argv[6]), argc > 7 ? argv[7] : NULL,
		      argc > 8 ? argv[8] : NULL, argc > 9 && strcmp(argv[9], "bf16") == 0);
	else if (argc == 5 && strcmp(argv[1], "rates") == 0)
		print_rates((size_t)atoi(argv[2]), (size_t)atoi(argv[3]), (size_t)atoi(argv[4]));
	else if (argc == 2 && strcmp(argv[1], "memory") == 0)
		print_memory();
	else if (argc == 4 && strcmp(argv[1], "mxfp4") == 0)
		write_mxfp4(argv[2], argv[3]);
	else if (argc == 5 && strcmp(argv[1], "model") == 0)
		write_model(argv[2], argv[3], (uint64_t)atoi(argv[4]));
	else {
		fprintf(stderr, "usage: see the top of tests/unit/train-reference.c\n");
		return 2;
	}
	return 0;
}

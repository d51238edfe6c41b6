/* Every family of ft-model(5), with the models of tests/fixtures/families: what PyTorch computes of
 * them in double precision, generation beside training, and each way to train. */
#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>
#include "../../lib/base/file.h"
#include "../../lib/base/mem.h"
#include "../../lib/infer/decoder.h"
#include "../../lib/json/json.h"
#include "../../lib/model/adapter.h"
#include "../../lib/model/family.h"
#include "../../lib/train/loop.h"
#include "random-model.h"
#include "tap.h"

#define FOLDER "tests/fixtures/families/"
#define PACKS 2
#define TOKENS 64

static struct err e = ERR_INIT;
static char top[] = "/tmp/ft-families.XXXXXX";

static void need(int rc)
{
	if (rc) {
		printf("Bail out! %s\n", e.msg);
		exit(1);
	}
}

/* --- fixtures --- */

static int32_t ids[PACKS][TOKENS];
static float weights[PACKS][TOKENS];
static size_t starts[PACKS][TOKENS];
static struct train_pack packs[PACKS];

static double number_at(struct span list, size_t i)
{
	double x = NAN;

	json_number(json_element(list, (long long)i), &x);
	return x;
}

static struct span line_of(const char **at)
{
	const char *end = strchr(*at, '\n');
	struct span line = {*at, (size_t)(end - *at)};

	*at = end + 1;
	return line;
}

static void read_packs(void)
{
	struct buf b = BUF_INIT;
	const char *at;

	need(file_read(FOLDER "packs.jsonl", 1 << 20, &b, &e));
	at = b.data;
	for (size_t p = 0; p < PACKS; p++) {
		struct span line = line_of(&at), i = json_member(line, "ids"),
			    w = json_member(line, "weights"), s = json_member(line, "starts");

		packs[p] = (struct train_pack){ids[p], weights[p], json_count(i), starts[p],
					       json_count(s)};
		for (size_t k = 0; k < packs[p].n; k++) {
			ids[p][k] = (int32_t)number_at(i, k);
			weights[p][k] = (float)number_at(w, k);
		}
		for (size_t k = 0; k < packs[p].n_starts; k++)
			starts[p][k] = (size_t)number_at(s, k);
	}
	buf_release(&b);
}

/* --- beside PyTorch --- */

/* Row k of the signs of tests/peer/families.py. */
static double sign(uint64_t k, uint64_t i)
{
	uint32_t h = (uint32_t)(i * 2654435761u + k * 2246822519u + 374761393u);

	h ^= h >> 15;
	h *= 2654435769u;
	h ^= h >> 13;
	h *= 3266489917u;
	h ^= h >> 16;
	return h & 1 ? 1 : -1;
}

/* Where value i of tensor t stands in the file, which has turned ones, or each of their planes, the
 * other way round. */
static size_t in_file(const struct model_tensor *t, size_t i)
{
	size_t rows = t->rows / (t->planes ? t->planes : 1), in = i % (rows * t->cols);

	return t->transposed ? i - in + in % t->cols * rows + in / t->cols : i;
}

/* How far tensor t's gradient is from what `want` says of it, squared. */
static double square_off(const struct model_tensor *t, const float *g, double weight,
			 struct span want)
{
	size_t n = t->rows * t->cols;
	double off = 0;

	for (uint64_t k = 0; k < 8; k++) {
		double sum = 0, d;

		for (size_t i = 0; i < n; i++)
			sum += sign(k, in_file(t, i)) * g[i] / weight;
		d = sum - number_at(want, k + 1);
		off += d * d / 8;
	}
	return off;
}

/* In relative length. There is one that is 0: keys that are not turned may all be moved by a bias, and
 * no query sees a difference. */
static double gradient_off(const struct model_tensor *t, const float *g, double weight,
			   struct span want)
{
	return sqrt(square_off(t, g, weight, want)) / fmax(number_at(want, 0), 1e-4);
}

/* The same of all tensors together. */
static double whole_off(const struct model *m, const float *g, double weight, struct span want)
{
	double off = 0, length = 0;

	for (size_t i = 0; i < m->n_tensors; i++) {
		const struct model_tensor *t = &m->tensors[i];
		struct span one = json_member(want, t->name);

		if (json_kind(one) != JSON_ARRAY)
			continue;
		off += square_off(t, g + t->offset, weight, one);
		length += number_at(one, 0) * number_at(one, 0);
	}
	return sqrt(off / length);
}

/* How far the gradient of m is in relative length, by one set of products; g [params] gets it. */
static double gradient_by(const struct nn_bf16 *half, const struct model *m, struct span want,
			  float *g, struct train_loss *l)
{
	struct work_spec spec = {.max_tokens = TOKENS, .half = half};
	struct work *w;
	double off;

	need(work_new(&w, m, NULL, &spec, &e));
	*l = (struct train_loss){0};
	memset(g, 0, m->n_params * sizeof *g);
	need(train_gradients(w, packs, PACKS, &(struct grads){.own = g}, l, NULL, &e));
	off = whole_off(m, g, l->weight, want);
	work_free(w);
	return off;
}

/* Gradients by way of the buckets that two ranks have, all of whose values belong to this one. */
static void in_buckets(struct work *w, const struct model *m, float *out)
{
	struct grads g = {.m = m, .own = out};
	struct train_loss l = {0};

	shard_init_fine(&g.shard, m, 0, 2, 64);
	for (size_t i = 0; i < g.shard.n_units; i++)
		g.shard.parts[i].at = g.shard.units[i].at;
	g.at = mem_alloc(m->n_tensors, sizeof *g.at);
	g.whole = mem_alloc(g.shard.n_buckets, sizeof *g.whole);
	need(train_gradients(w, packs, PACKS, &g, &l, NULL, &e));
	grads_settle(&g);
	g.own = NULL;
	grads_release(&g);
}

/* What rounding the operands of products does to loss and gradient. These models' values are large and
 * their rows few: rounding the weights once, and computing in f32, moves some of their gradients by a
 * tenth. */
static void in_bf16(const char *name, struct model *m, struct span want, double loss)
{
	float *exact = mem_alloc(m->n_params, sizeof *exact),
	      *g = mem_alloc(m->n_params, sizeof *g), *other = mem_alloc(m->n_params, sizeof *g);
	const struct nn_bf16 *unit = nn_bf16_unit();
	struct train_loss l, unused;
	double off = gradient_by(nn_bf16_emulated(), m, want, g, &l), alone;

	memcpy(exact, m->params, m->n_params * sizeof *exact);
	for (size_t i = 0; i < m->n_params; i++) {
		uint16_t b;

		nn_encode(NN_BF16, &b, exact + i, 1);
		nn_decode(m->params + i, NN_BF16, &b, 1);
	}
	alone = gradient_by(NULL, m, want, other, &unused);
	memcpy(m->params, exact, m->n_params * sizeof *exact);
	ok(fabs(l.loss / l.weight / loss - 1) < 5e-3, "%s: in bf16 its loss within 5e-3 (%.1e)",
	   name, fabs(l.loss / l.weight / loss - 1));
	ok(off < 2e-2 || off < 5 * alone,
	   "%s: and the gradient is about as far off (%.1e) as with rounded weights (%.1e)", name,
	   off, alone);
	if (unit && unit->order == NN_BF16_PAIRS) {
		gradient_by(unit, m, want, other, &unused);
		ok(memcmp(g, other, m->n_params * sizeof *g) == 0,
		   "%s: by %s it is the same, bit for bit", name, unit->name);
	} else {
		ok(1,
		   "%s: by AVX512-BF16 it is the same, bit for bit # SKIP no such instructions here",
		   name);
	}
	free(exact);
	free(g);
	free(other);
}

static void beside_torch(const char *name, struct model *m, struct span want)
{
	struct work_spec spec = {.max_tokens = TOKENS};
	struct work *w;
	struct train_loss l = {0}, again = {0};
	struct span logits = json_member(want, "logits"), grads = json_member(want, "grads");
	size_t v = m->config.vocab, at = 0, found = 0;
	float *z = mem_alloc(TOKENS * v, sizeof *z), *g = mem_alloc(m->n_params, sizeof *g),
	      *recomputed = mem_alloc(m->n_params, sizeof *g);
	double worst = 0, worst_grad = 0, loss = NAN;

	need(work_new(&w, m, NULL, &spec, &e));
	for (size_t p = 0; p < PACKS; p++) {
		need(train_logits(w, &packs[p], z, &e));
		for (size_t r = 0; r < packs[p].n; r++)
			for (size_t i = 0; i < v; i += 5) {
				double x = number_at(logits, at++);

				worst = isnan(x) ? INFINITY : fmax(worst, fabs(x - z[r * v + i]));
			}
	}
	ok(worst < 1e-4 && at == json_count(logits), "%s: logits within 1e-4 (%.1e)", name, worst);
	need(train_gradients(w, packs, PACKS, &(struct grads){.own = g}, &l, NULL, &e));
	json_number(json_member(want, "loss"), &loss);
	ok(fabs(l.loss / l.weight - loss) < 1e-5, "%s: its loss (%.6f)", name, loss);
	for (size_t i = 0; i < m->n_tensors; i++) {
		const struct model_tensor *t = &m->tensors[i];
		struct span one = json_member(grads, t->name);
		double off = gradient_off(t, g + t->offset, l.weight, one);

		found += json_kind(one) == JSON_ARRAY;
		if (!(off < 1e-3))
			printf("# %s: %g\n", t->name, off);
		worst_grad = off > worst_grad || isnan(off) ? off : worst_grad;
	}
	ok(worst_grad < 1e-3 && found == json_count(grads),
	   "%s: gradients of %zu tensors within 1e-3 (%.1e)", name, found, worst_grad);
	in_buckets(w, m, recomputed);
	ok(memcmp(g, recomputed, m->n_params * sizeof *g) == 0,
	   "%s: gradients in the buckets of two ranks are the same", name);
	memset(recomputed, 0, m->n_params * sizeof *g);
	work_free(w);
	spec.checkpoint = 1;
	need(work_new(&w, m, NULL, &spec, &e));
	need(train_gradients(w, packs, PACKS, &(struct grads){.own = recomputed}, &again, NULL,
			     &e));
	ok(memcmp(g, recomputed, m->n_params * sizeof *g) == 0,
	   "%s: layers computed again give the same gradients", name);
	work_free(w);
	in_bf16(name, m, grads, loss);
	free(recomputed);
	free(z);
	free(g);
}

/* --- generation --- */

struct off {
	double worst, squares;
	size_t n;
};

/* Sequences of n tokens that share a page of them as far as n goes, fed one token a step, against
 * the trainer's logits: adds up how far the logits are off. */
static void generation_off(const struct model *m, size_t sequences, int threads, struct off *off)
{
	static int32_t text[64][TOKENS];
	size_t v = m->config.vocab, n = m->config.max_positions < 44 ? m->config.max_positions : 44,
	       shared = n > KVCACHE_PAGE ? KVCACHE_PAGE : 0, start = 0;
	struct pool *pool = pool_new(threads);
	struct work_spec spec = {.max_tokens = TOKENS};
	struct decoder_row rows[TOKENS];
	uint32_t pages[64][2], states[64];
	struct kvcache kv;
	struct decoder *d;
	struct work *w;
	struct rng r;
	float *z = mem_alloc(64 * v, sizeof *z), *want = mem_alloc(64 * n * v, sizeof *want);

	need(decoder_new(&d, m, NN_F32, 0, TOKENS, pool, &e));
	need(work_new(&w, m, pool, &spec, &e));
	kvcache_init(&kv, &m->config, 0, 200, 64);
	rng_seed(&r, 5, sequences);
	for (size_t s = 0; s < sequences; s++) {
		struct train_pack pack = {text[s], NULL, n, &start, 1};

		for (size_t i = 0; i < n; i++)
			text[s][i] = i < shared && s ? text[0][i] : (int32_t)rng_below(&r, v);
		need(train_logits(w, &pack, want + s * n * v, &e));
		pages[s][0] = shared && s ? pages[0][0] : kvcache_take(&kv);
		pages[s][1] = kvcache_take(&kv);
		states[s] = kvcache_state_take(&kv);
	}
	for (size_t i = 0; i < shared; i++)
		rows[i] = (struct decoder_row){text[0][i], (uint32_t)i, pages[0], -1, states[0]};
	decoder_step(d, &kv, rows, shared, z);
	for (size_t s = 1; s < sequences && kv.state_floats; s++)
		kvcache_state_copy(&kv, states[s], states[0]);
	for (size_t i = shared; i < n; i++) {
		for (size_t s = 0; s < sequences; s++)
			rows[s] = (struct decoder_row){text[s][i], (uint32_t)i, pages[s], (int)s,
						       states[s]};
		decoder_step(d, &kv, rows, sequences, z);
		for (size_t s = 0; s < sequences; s++)
			for (size_t k = 0; k < v; k++) {
				double one = fabs(z[s * v + k] - want[(s * n + i) * v + k]);

				off->worst = one > off->worst || isnan(one) ? one : off->worst;
				off->squares += one * one;
				off->n++;
			}
	}
	kvcache_release(&kv);
	decoder_free(d);
	work_free(w);
	pool_free(pool);
	free(want);
	free(z);
}

/* Both ways add in other orders, and so do processors. A random model of the delta rule may have a key of
 * next to no length, which makes much of the last bit in that row: the bound on all of them is the
 * narrow one. */
static void generation(const char *name, const struct model *m)
{
	static const size_t sequences[] = {1, 2, 64};
	struct off off = {0};
	double typical;

	for (size_t i = 0; i < 3; i++)
		generation_off(m, sequences[i], 1 + (int)(i == 2), &off);
	typical = sqrt(off.squares / (double)off.n);
	ok(typical < 1e-5 && off.worst < 5e-4,
	   "%s: generation by 1, 2 and 64 has training's logits (%.1e, at worst %.1e)", name,
	   typical, off.worst);
}

/* --- training --- */

enum way { LORA, DORA, FULL, DPO, EXPERTS, WAYS };
static const char *const way_names[WAYS] = {"LoRA", "DoRA", "full", "DPO", "LoRA over experts"};

static struct dataset data;

/* Pairs of answers to one beginning, which are rows of their own where there are no preferences. */
static void fill(size_t pairs)
{
	struct rng r;

	rng_seed(&r, 9, 0);
	data.n = 2 * pairs;
	data.rows = pairs;
	data.ids = mem_alloc(data.n * 16, sizeof *data.ids);
	data.weights = mem_alloc(data.n * 16, sizeof *data.weights);
	data.examples = mem_alloc(data.n, sizeof *data.examples);
	data.length = mem_alloc(data.n, sizeof *data.length);
	for (size_t i = 0; i < data.n; i++) {
		size_t len = 6 + (size_t)rng_below(&r, 8);

		data.examples[i] =
			(struct dataset_example){.at = data.tokens, .file = "made", .line = i + 1};
		data.length[i] = (uint32_t)len;
		for (size_t k = 0; k < len; k++) {
			data.ids[data.tokens + k] = i % 2 && k < 4
							    ? data.ids[data.examples[i - 1].at + k]
							    : (int32_t)rng_below(&r, 37);
			data.weights[data.tokens + k] = k < 4 ? 0 : 1;
			data.supervised += k >= 4;
		}
		data.tokens += len;
		data.longest = len > data.longest ? len : data.longest;
	}
}

struct outcome {
	float *params;
	size_t n, rows, stop_after;
	enum loop_end how;
};

static void count_row(void *arg, struct span json)
{
	struct outcome *o = arg;

	o->rows += json.n > 0;
}

static struct outcome *current;

static int stop_now(void)
{
	return current->stop_after && current->rows >= current->stop_after;
}

static int saved(void *arg, struct err *err)
{
	(void)arg;
	(void)err;
	return 0;
}

/* Three steps of training the model of base, or as many as stop_after says. */
static void train(struct outcome *o, const char *base, const char *into, enum way way, int threads,
		  int resume)
{
	struct loop_spec spec = {.batch = 4,
				 .steps = 3,
				 .lr = 1e-2,
				 .clip = 1,
				 .seed = 1,
				 .save_every = 1,
				 .objective = way == DPO ? OBJECTIVE_DPO : OBJECTIVE_SFT,
				 .beta = .5};
	struct adapter adapter = {.rank = 3,
				  .alpha = 6,
				  .targets =
					  (char *)(way == EXPERTS ? "gate_proj,down_proj" : "all"),
				  .dropout = way == EXPERTS ? .2 : 0,
				  .dora = way == DORA};
	struct work_spec work = {.max_tokens = data.longest};
	struct pool *pool = pool_new(threads);
	struct loop_state state;
	struct loop t = {.pool = pool,
			 .train = &data,
			 .spec = spec,
			 .fingerprint = "{}",
			 .save = saved,
			 .row = count_row,
			 .stopping = stop_now,
			 .arg = o};
	struct rundir run;
	size_t metrics = 0;

	current = o;
	o->rows = 0;
	need(model_open(&t.model, base, NULL, &e));
	need(way == FULL ? model_train_all(t.model, &e) : adapter_new(t.model, &adapter, 3, &e));
	need(work_new(&t.work, t.model, pool, &work, &e));
	need(rundir_init(&run, into, NULL, NULL, resume, &e));
	t.run = &run;
	if (run.resumes)
		need(loop_peek(&t, &metrics, &e));
	need(rundir_begin(&run, metrics, span_of("{}"), &e));
	need(loop_run(&t, &state, &o->how, &e));
	if (o->how != LOOP_STOPPED)
		need(rundir_finish(&run, span_of("{}"), &e));
	free(o->params);
	o->n = t.model->n_params;
	o->params = mem_alloc(o->n, sizeof *o->params);
	memcpy(o->params, t.model->params, o->n * sizeof *o->params);
	rundir_release(&run);
	work_free(t.work);
	model_free(t.model);
	pool_free(pool);
}

static int same(const struct outcome *a, const struct outcome *b)
{
	return a->n == b->n && memcmp(a->params, b->params, a->n * sizeof *a->params) == 0;
}

static void training(const char *name, const struct model *m)
{
	char *base = file_join(top, name), into[160];
	int runs = 0;

	need(model_save(m, base, &(struct model_save){.type = NN_F32}, &e));
	for (enum way way = 0; way < WAYS; way++) {
		struct outcome one = {0}, other = {0};
		int alike = 1, resumed;

		if (way == EXPERTS && !adapter_over_experts(m))
			continue;

		for (int threads = 1; threads <= 4; threads *= 2) {
			snprintf(into, sizeof into, "%s-%d", base, runs++);
			train(threads == 1 ? &one : &other, base, into, way, threads, 0);
			alike = alike && (threads == 1 || same(&one, &other));
		}
		ok(alike && one.how == LOOP_DONE, "%s: %s on 1, 2 and 4 threads is one", name,
		   way_names[way]);
		snprintf(into, sizeof into, "%s-%d", base, runs++);
		other.stop_after = 1;
		train(&other, base, into, way, 2, 0);
		resumed = other.how == LOOP_STOPPED && !same(&one, &other);
		other.stop_after = 0;
		train(&other, base, into, way, 2, 1);
		ok(resumed && same(&one, &other), "%s: %s taken up is as if it had not stopped",
		   name, way_names[way]);
		free(one.params);
		free(other.params);
	}
	free(base);
}

/* --- adapters over experts --- */

/* Gradients of the model as it is, or of its adapter. */
static float *gradients(const struct model *m)
{
	struct work_spec spec = {.max_tokens = TOKENS};
	float *g = mem_alloc(m->n_params, sizeof *g);
	struct train_loss l = {0};
	struct work *w;

	need(work_new(&w, m, NULL, &spec, &e));
	need(train_gradients(w, packs, PACKS, &(struct grads){.own = g}, &l, NULL, &e));
	work_free(w);
	return g;
}

/* How far got [n, k] is from by a b, a [n, m] and b [m, k]; turned ones stand the other way round. */
static double off_product(const float *got, const float *a, int a_turned, const float *b,
			  int b_turned, size_t n, size_t m, size_t k, double by)
{
	double off = 0, length = 1e-12;

	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < k; j++) {
			double want = 0;

			for (size_t p = 0; p < m; p++)
				want += by * (a_turned ? a[p * n + i] : a[i * m + p]) *
					(b_turned ? b[j * m + p] : b[p * k + j]);
			off += (got[i * k + j] - want) * (got[i * k + j] - want);
			length += want * want;
		}
	return sqrt(off / length);
}

/* With D the gradient by the merged weight, that by B is scale D A^T and that by A scale B^T D. */
static void over_experts(const char *name, const struct model *from)
{
	struct adapter spec = {.rank = 2,
			       .alpha = 6,
			       .targets = (char *)"q_proj,gate_proj,up_proj,down_proj"};
	char *base = file_join(top, "experts"), *merged = file_join(top, "merged");
	struct model *m, *whole;
	float *g, *d;
	double worst = 0;
	size_t found = 0;
	struct rng r;
	struct off off = {0};

	need(model_save(from, base, &(struct model_save){.type = NN_F32}, &e));
	need(model_open(&m, base, NULL, &e));
	need(adapter_new(m, &spec, 3, &e));
	rng_seed(&r, 4, 4);
	for (size_t i = 0; i < m->n_params; i++)
		m->params[i] = (float)(0.2 * rng_normal(&r));
	need(model_save(m, merged, &(struct model_save){.type = NN_F32}, &e));
	need(model_open(&whole, merged, NULL, &e));
	need(model_train_all(whole, &e));
	g = gradients(m);
	d = gradients(whole);
	for (size_t l = 0; l < m->config.layers; l++)
		for (size_t i = 0; i < model_products(m, l); i++) {
			const struct model_linear *lin = model_product(m, l, i);
			const float *dw;
			size_t rows = lin->w.rows, cols = lin->w.cols;

			if (!lin->a)
				continue;
			found++;
			dw = d + whole->tensors[lin->t_w].offset;
			worst = fmax(worst, off_product(g + m->tensors[lin->t_b].offset, dw, 0,
							lin->a, 1, rows, cols, 2, 3));
			worst = fmax(worst, off_product(g + m->tensors[lin->t_a].offset, lin->b, 1,
							dw, 0, 2, rows, cols, 3));
		}
	ok(worst < 1e-3 && found > m->config.layers,
	   "%s: gradients of %zu adapters, over experts too, are those of the merged weights (%.1e)",
	   name, found, worst);
	generation_off(m, 2, 2, &off);
	ok(off.worst < 1e-4, "%s: generation with them has training's logits (%.1e)", name,
	   off.worst);
	free(g);
	free(d);
	model_free(m);
	model_free(whole);
	free(base);
	free(merged);
}

/* --- all families --- */

static void one_file(const char *file)
{
	struct buf b = BUF_INIT, path = BUF_INIT;
	const char *at;
	int variant = 0;

	buf_addf(&path, FOLDER "%s", file);
	need(file_read(path.data, 1 << 22, &b, &e));
	for (at = b.data; *at; variant++) {
		struct span line = line_of(&at), text = json_member(line, "config");
		struct config c;
		struct model *m;
		char name[80];
		double seed = 0;

		json_number(json_member(line, "seed"), &seed);
		snprintf(name, sizeof name, "%.*s-%g", (int)strcspn(file, "."), file, seed);
		need(config_parse(&c, text.s, text.n, name, &e));
		need(random_model(&m, &c, (uint64_t)seed, &e));
		beside_torch(name, m, line);
		generation(name, m);
		if (variant == 0)
			training(name, m);
		if (variant == 0 && adapter_over_experts(m))
			over_experts(name, m);
		model_free(m);
		config_release(&c);
	}
	ok(variant == 3, "%s holds three models", file);
	buf_release(&path);
	buf_release(&b);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int main(void)
{
	DIR *d = opendir(FOLDER);
	struct dirent *entry;
	struct buf names = BUF_INIT;
	char *files[64];
	size_t n = 0, families = 1;

	if (!d || !mkdtemp(top)) {
		printf("Bail out! no fixtures, or no /tmp\n");
		return 1;
	}
	while ((entry = readdir(d)) && n < 64)
		if (strstr(entry->d_name, ".jsonl") && strcmp(entry->d_name, "packs.jsonl") != 0)
			files[n++] = mem_strdup(entry->d_name);
	closedir(d);
	qsort(files, n, sizeof *files, by_name);
	family_names(&names);
	for (const char *p = names.data; *p; p++)
		families += *p == ',' || strncmp(p, " and ", 5) == 0;
	ok(n == families, "each of the %zu families has its models (%zu)", families, n);
	read_packs();
	fill(6);
	for (size_t i = 0; i < n; i++) {
		one_file(files[i]);
		free(files[i]);
	}
	char command[64];
	snprintf(command, sizeof command, "rm -rf %s", top);
	ok(system(command) == 0, "nothing is left in /tmp");
	dataset_release(&data);
	buf_release(&names);
	return tap_done();
}

/* The decoder on tiny models made here: gradients against central differences, and all the ways of
 * running that must not change a result. */
#include <stdlib.h>
#include <unistd.h>
#include "../../lib/base/file.h"
#include "../../lib/base/mem.h"
#include "../../lib/base/rng.h"
#include "../../lib/model/adapter.h"
#include "../../lib/model/family.h"
#include "../../lib/model/safetensors.h"
#include "../../lib/train/gradient.h"
#include "tap.h"

#define SHAPE \
	"\"num_hidden_layers\": 3, \"hidden_size\": 32, \"num_attention_heads\": 4, " \
	"\"num_key_value_heads\": 2, \"intermediate_size\": 48, \"vocab_size\": 97, " \
	"\"max_position_embeddings\": 512, \"rms_norm_eps\": 1e-5, \"initializer_range\": 0.2, "

static const char *const llama =
	"{\"model_type\": \"llama\", " SHAPE "\"tie_word_embeddings\": true}";
static const char *const llama3 =
	"{\"model_type\": \"llama\", " SHAPE
	"\"tie_word_embeddings\": false, \"attention_bias\": true, \"mlp_bias\": true, "
	"\"rope_scaling\": {\"rope_type\": \"llama3\", \"factor\": 8, \"low_freq_factor\": 1, \"high_freq_factor\": 4, "
	"\"original_max_position_embeddings\": 32}}";
static const char *const mistral = "{\"model_type\": \"mistral\", " SHAPE "\"sliding_window\": 9}";
static const char *const qwen2 =
	"{\"model_type\": \"qwen2\", " SHAPE "\"tie_word_embeddings\": true, \"rope_theta\": 1e6}";
static const char *const qwen3 = "{\"model_type\": \"qwen3\", " SHAPE "\"head_dim\": 16}";

#define GEMMA SHAPE "\"head_dim\": 12, "
static const char *const gemma = "{\"model_type\": \"gemma\", " GEMMA "\"hidden_act\": \"gelu\"}";
static const char *const gemma2 =
	"{\"model_type\": \"gemma2\", " GEMMA
	"\"sliding_window\": 20, \"query_pre_attn_scalar\": 10, "
	"\"attn_logit_softcapping\": 5.0, \"final_logit_softcapping\": 8.0}";
static const char *const gemma3 =
	"{\"model_type\": \"gemma3_text\", " GEMMA
	"\"sliding_window\": 20, \"sliding_window_pattern\": 3, "
	"\"query_pre_attn_scalar\": 10, \"rope_theta\": 1e6, \"rope_local_base_freq\": 1e4}";

#define HYBRID \
	"\"position_embedding_type\": \"rope\", \"num_local_experts\": 0, " \
	"\"layer_types\": [\"attention\", "

#define DELTA \
	SHAPE "\"head_dim\": 16, \"full_attention_interval\": 3, \"linear_conv_kernel_dim\": 3, " \
	      "\"linear_num_key_heads\": 2, \"linear_num_value_heads\": 4, " \
	      "\"linear_key_head_dim\": 18, \"linear_value_head_dim\": 11"
static const char *const qwen3_5 = "{\"model_type\": \"qwen3_5_text\", " DELTA "}";

static const char *const lfm2 =
	"{\"model_type\": \"lfm2\", " SHAPE "\"full_attn_idxs\": [1], \"block_multiple_of\": 16}";

static const char *const gpt2 =
	"{\"model_type\": \"gpt2\", \"n_layer\": 2, \"n_embd\": 32, \"n_head\": 4, \"vocab_size\": 97, "
	"\"n_positions\": 150, \"initializer_range\": 0.2}";

static struct err e;

static struct model *made(const char *config, uint64_t seed)
{
	struct config c;
	struct model *m;
	struct rng r;

	if (config_parse(&c, config, strlen(config), "config", &e) < 0 ||
	    model_new(&m, &c, seed, &e) < 0) {
		printf("Bail out! %s\n", e.msg);
		exit(1);
	}
	/* Norms and biases off their start, so that nothing hides behind ones and zeros. */
	rng_seed(&r, seed, 99);
	for (size_t i = 0; i < m->n_tensors; i++)
		for (size_t k = 0; k < m->tensors[i].cols && m->tensors[i].dims == 1; k++)
			m->params[m->tensors[i].offset + k] += (float)(0.2 * rng_normal(&r));
	config_release(&c);
	return m;
}

/* Three packs with examples of many lengths, some of one token, some with nothing supervised. */
#define PACKS 3
static int32_t ids[PACKS][400];
static float weights[PACKS][400];
static size_t starts[PACKS][8];
static struct train_pack packs[PACKS];

static void make_packs(void)
{
	static const size_t lengths[PACKS][5] = {{30, 1, 75, 2, 9},
						 {140, 66, 3, 0, 0},
						 {17, 0, 0, 0, 0}};
	struct rng r;

	rng_seed(&r, 5, 0);
	for (int p = 0; p < PACKS; p++) {
		packs[p] = (struct train_pack){ids[p], weights[p], 0, starts[p], 0};
		for (int s = 0; s < 5 && lengths[p][s]; s++) {
			starts[p][packs[p].n_starts++] = packs[p].n;
			for (size_t i = 0; i < lengths[p][s]; i++, packs[p].n++) {
				ids[p][packs[p].n] = (int32_t)rng_below(&r, 97);
				weights[p][packs[p].n] =
					i > lengths[p][s] / 2 || s == 1 ? (i % 3 ? 1 : 0.5f) : 0;
			}
		}
	}
}

struct how {
	int threads, checkpoint;
	size_t memory;
	const struct nn_bf16 *half;
};

static int noisy; /* gradients with dropout and embedding noise; losses too, then */

static struct train_loss run(const struct model *m, struct how h, const struct train_pack *p,
			     size_t n, float *grads, double *logp)
{
	struct work_spec spec = {.max_tokens = 140,
				 .checkpoint = h.checkpoint,
				 .memory = h.memory,
				 .half = h.half};
	struct pool *pool = pool_new(h.threads);
	struct train_loss l = {0};
	struct work *w;
	int bad = work_new(&w, m, pool, &spec, &e);

	if (grads)
		memset(grads, 0, m->n_params * sizeof *grads);
	if (bad == 0 && noisy) {
		float *unused = mem_alloc(m->n_params, sizeof *unused);

		work_noise(w, 3, 17);
		bad = train_gradients(w, p, n, &(struct grads){.own = grads ? grads : unused}, &l,
				      logp, &e);
		free(unused);
	} else if (bad == 0)
		bad = grads ? train_gradients(w, p, n, &(struct grads){.own = grads}, &l, logp, &e)
			    : train_loss(w, p, n, 0, &l, logp, &e);
	if (bad < 0) {
		printf("Bail out! %s\n", e.msg);
		exit(1);
	}
	work_free(w);
	pool_free(pool);
	return l;
}

static double loss_of(const struct model *m)
{
	return run(m, (struct how){1, -1, 0, NULL}, packs, PACKS, NULL, NULL).loss;
}

static double distance(const float *a, const float *b, size_t n)
{
	double d = 0, s = 0;

	for (size_t i = 0; i < n; i++) {
		d += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
		s += (double)b[i] * b[i];
	}
	return s > 0 ? sqrt(d / s) : sqrt(d);
}

/* For every trained tensor the derivative along a random direction, against the central difference
 * of the loss. */
static void differences(struct model *m, const char *what)
{
	float *g = mem_alloc(m->n_params, sizeof *g), *keep = mem_alloc(m->n_params, sizeof *keep);
	double worst = 0;
	const char *which = "";
	struct rng r;

	rng_seed(&r, 3, 0);
	run(m, (struct how){1, -1, 0, NULL}, packs, PACKS, g, NULL);
	memcpy(keep, m->params, m->n_params * sizeof *keep);
	for (size_t i = 0; i < m->n_tensors; i++) {
		const struct model_tensor *t = &m->tensors[i];
		size_t n = t->rows * t->cols;
		double exact = 0, length = 0, slope[2], error;
		float *v = mem_alloc(n, sizeof *v);

		if (!t->trained) {
			free(v);
			continue;
		}
		/* Mostly along the gradient, so that the difference stands out of the rounding;
		 * partly across. */
		for (size_t k = 0; k < n; k++)
			length += (double)g[t->offset + k] * g[t->offset + k];
		length = sqrt(length / (double)n);
		for (size_t k = 0; k < n; k++) {
			v[k] = (float)(g[t->offset + k] / (length + 1e-30) + 0.5 * rng_normal(&r));
			exact += (double)v[k] * g[t->offset + k];
		}
		/* Two steps, so that the third derivative cancels (Richardson). */
		for (int half = 0; half < 2; half++) {
			double step = (half ? 4e-3 : 8e-3) / sqrt((double)n), side[2];

			for (int down = 0; down < 2; down++) {
				for (size_t k = 0; k < n; k++)
					m->params[t->offset + k] =
						keep[t->offset + k] +
						(float)(down ? -step * v[k] : step * v[k]);
				side[down] = loss_of(m);
			}
			slope[half] = (side[0] - side[1]) / (2 * step);
		}
		memcpy(m->params + t->offset, keep + t->offset, n * sizeof *keep);
		error = fabs((4 * slope[1] - slope[0]) / 3 - exact) / (fabs(exact) + 1e-3);
		if (error > worst) {
			worst = error;
			which = t->name;
		}
		free(v);
	}
	ok(worst < 1e-2, "%s: every tensor's gradient is the loss's central difference", what);
	if (!(worst < 1e-2))
		printf("# %s is off by %g\n", which, worst);
	free(g);
	free(keep);
}

static void add_adapter(struct model **m, const char *config, struct adapter spec)
{
	struct model *base = made(config, 7);
	char dir[] = "/tmp/ft-lm-model.XXXXXX", cmd[64];
	struct rng r;

	/* Through a directory: an adapter goes over a frozen base, and this one is all trained. */
	if (!mkdtemp(dir) || model_save(base, dir, &(struct model_save){.type = NN_F32}, &e) < 0 ||
	    model_open(m, dir, NULL, &e) < 0 || adapter_new(*m, &spec, 1, &e) < 0) {
		printf("Bail out! %s\n", e.msg);
		exit(1);
	}
	rng_seed(&r, 11, 0);
	for (size_t i = 0; i < (*m)->n_params; i++)
		(*m)->params[i] = (float)(0.2 * rng_normal(&r));
	model_free(base);
	snprintf(cmd, sizeof cmd, "rm -r %s", dir);
	if (system(cmd) != 0)
		printf("# could not remove %s\n", dir);
}

static void gradients(void)
{
	static const struct {
		const char *name, *config;
	} families[] = {{"llama", llama},
			{"llama with biases, untied, rope llama3", llama3},
			{"mistral with a window", mistral},
			{"qwen2", qwen2},
			{"qwen3", qwen3},
			{"gemma", gemma},
			{"gemma2", gemma2},
			{"gemma3", gemma3},
			{"qwen3_5", qwen3_5},
			{"gpt2", gpt2}};
	struct model *m;

	for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
		m = made(families[i].config, i);
		differences(m, families[i].name);
		model_free(m);
	}
	add_adapter(&m, llama, (struct adapter){.rank = 4, .alpha = 8, .targets = "all"});
	differences(m, "LoRA on all");
	model_free(m);
	add_adapter(&m, gpt2, (struct adapter){.rank = 4, .alpha = 8, .targets = "c_attn,c_fc"});
	differences(m, "LoRA on GPT-2's fused q k v");
	model_free(m);
	add_adapter(&m, qwen3,
		    (struct adapter){.rank = 4,
				     .alpha = 8,
				     .rslora = 1,
				     .targets = "q_proj,v_proj",
				     .top_layers = 2});
	differences(m, "rsLoRA on q and v of the top layers");
	model_free(m);
}

static void noise(void)
{
	struct model *m;
	struct train_loss a, b, c;
	float *g, *h;

	add_adapter(&m, llama,
		    (struct adapter){.rank = 4, .alpha = 8, .dropout = 0.3, .targets = "all"});
	g = mem_alloc(m->n_params, sizeof *g);
	h = mem_alloc(m->n_params, sizeof *h);
	a = run(m, (struct how){1, -1, 0, NULL}, packs, PACKS, NULL, NULL);
	noisy = 1;
	differences(m, "LoRA with dropout, and noise on embeddings");
	b = run(m, (struct how){1, -1, 0, NULL}, packs, PACKS, g, NULL);
	ok(fabs(a.loss - b.loss) > 0.1, "dropout and noise change the loss");
	c = run(m, (struct how){2, 1, work_bytes(m, 200, 140, SIZE_MAX), NULL}, packs, PACKS, h,
		NULL);
	ok(fabs(c.loss / b.loss - 1) < 1e-6 && distance(h, g, m->n_params) < 1e-5,
	   "and are the same in groups of another size, computed again, on two threads");
	noisy = 0;
	ok(run(m, (struct how){1, -1, 0, NULL}, packs, PACKS, NULL, NULL).loss == a.loss,
	   "but validation has none");
	free(g);
	free(h);
	model_free(m);
}

static void same_however(const char *config)
{
	struct model *m = made(config, 1);
	float *a = mem_alloc(m->n_params, sizeof *a), *b = mem_alloc(m->n_params, sizeof *b);
	struct train_loss l = run(m, (struct how){1, -1, 0, NULL}, packs, PACKS, a, NULL), k;
	double logp[9], sum = 0;

	for (int threads = 2; threads <= 4; threads++) {
		k = run(m, (struct how){threads, -1, 0, NULL}, packs, PACKS, b, NULL);
		ok(k.loss == l.loss && memcmp(a, b, m->n_params * sizeof *a) == 0,
		   "%d threads give the very same bits as one", threads);
	}
	l = run(m, (struct how){1, -1, 0, nn_bf16_emulated()}, packs, PACKS, a, NULL);
	for (int threads = 2; threads <= 4; threads += 2) {
		k = run(m, (struct how){threads, 1, 0, nn_bf16_emulated()}, packs, PACKS, b, NULL);
		ok(k.loss == l.loss && memcmp(a, b, m->n_params * sizeof *a) == 0,
		   "in bf16 too, on %d threads and with layers computed again", threads);
	}
	l = run(m, (struct how){1, -1, 0, NULL}, packs, PACKS, a, NULL);
	k = run(m, (struct how){2, 1, 0, NULL}, packs, PACKS, b, NULL);
	ok(k.loss == l.loss && memcmp(a, b, m->n_params * sizeof *a) == 0,
	   "layers computed again give the very same bits");
	for (size_t again = m->config.layers - 1; again > 1; again--) {
		size_t memory = work_bytes(m, 1024, 140, again);

		k = run(m, (struct how){2, 0, memory, NULL}, packs, PACKS, b, NULL);
		ok(k.loss == l.loss && memcmp(a, b, m->n_params * sizeof *a) == 0,
		   "and so do those that memory has no room for, %zu of %zu", again - 1,
		   m->config.layers);
	}
	k = run(m, (struct how){2, 0, work_bytes(m, 150, 140, 0), NULL}, packs, PACKS, b, NULL);
	ok(fabs(k.loss - l.loss) < 1e-5 * l.loss && distance(b, a, m->n_params) < 1e-5,
	   "groups cut by memory add up to the same");
	ok(k.weight == l.weight && k.tokens == l.tokens && k.supervised == l.supervised,
	   "and count the same");

	memset(b, 0, m->n_params * sizeof *b);
	k = (struct train_loss){0};
	for (int p = 0; p < PACKS; p++) {
		float *one = mem_alloc(m->n_params, sizeof *one);
		struct train_loss x = run(m, (struct how){2, -1, 0, NULL}, packs + p, 1, one, NULL);

		k.loss += x.loss;
		k.weight += x.weight;
		for (size_t i = 0; i < m->n_params; i++)
			b[i] += one[i];
		free(one);
	}
	ok(fabs(k.loss - l.loss) < 1e-6 * l.loss && k.weight == l.weight &&
		   distance(b, a, m->n_params) < 1e-5,
	   "packs one by one add up to the batch");

	run(m, (struct how){1, -1, 0, NULL}, packs, PACKS, NULL, logp);
	for (int i = 0; i < 9; i++)
		sum -= logp[i];
	ok_near(sum, l.loss, 1e-9 * l.loss, "log-probabilities by example add up to the loss");
	free(a);
	free(b);
	model_free(m);
}

static void examples_do_not_leak(void)
{
	struct model *m = made(llama, 2);
	double logp[9], changed[9];
	int32_t was = ids[0][3];

	run(m, (struct how){1, -1, 0, NULL}, packs, PACKS, NULL, logp);
	ids[0][3] = (was + 1) % 97;
	run(m, (struct how){1, -1, 0, NULL}, packs, PACKS, NULL, changed);
	ids[0][3] = was;
	ok(logp[0] != changed[0], "a changed token changes its own example");
	for (int i = 1; i < 9; i++)
		if (fabs(logp[i] - changed[i]) > 1e-9)
			printf("# example %d: %g, then %g\n", i, logp[i], changed[i]);
	ok(memcmp(logp + 1, changed + 1, 8 * sizeof *logp) == 0,
	   "and no other example of its pack");
	model_free(m);
}

static void kept_on_disk(const char *what, const char *config)
{
	char dir[] = "/tmp/ft-lm-model.XXXXXX", cmd[64];
	struct model *m = made(config, 4), *back = NULL, *half = NULL;
	struct adapter spec = {.rank = 4, .alpha = 8, .targets = "all"};
	double want = loss_of(m), tuned;

	if (!mkdtemp(dir))
		return;
	ok(model_save(m, dir, &(struct model_save){.type = NN_F32}, &e) == 0 &&
		   model_open(&back, dir, NULL, &e) == 0,
	   "%s: a saved model opens again", what);
	ok(back && loss_of(back) == want, "%s: and computes the same to the bit", what);
	ok(model_save(m, dir, &(struct model_save){.type = NN_BF16}, &e) == 0 &&
		   model_open(&half, dir, NULL, &e) == 0 && half->embed.type == NN_BF16,
	   "%s: bf16 stays bf16 in memory", what);
	ok_near(loss_of(half) / want, 1, 0.02, "%s: and computes nearly the same", what);
	model_free(half);

	ok(adapter_new(back, &spec, 3, &e) == 0 && loss_of(back) == want,
	   "%s: a fresh adapter (B = 0) is the base", what);
	for (size_t i = 0; i < back->n_params; i++)
		back->params[i] += 0.05f * (float)((int)(i % 7) - 3);
	tuned = loss_of(back);
	ok(fabs(tuned - want) > 1, "%s: a filled one is not", what);
	ok(adapter_save(back, dir, "base", &e) == 0, "%s: it is saved", what);
	model_free(back);
	back = NULL;
	model_save(m, dir, &(struct model_save){.type = NN_F32}, &e);
	ok(model_open(&back, dir, NULL, &e) == 0 && adapter_open(back, dir, 0, &e) == 0 &&
		   loss_of(back) == tuned,
	   "%s: opened again it computes the same to the bit", what);
	model_save(back, dir, &(struct model_save){.type = NN_F32}, &e);
	model_free(back);
	ok(model_open(&back, dir, NULL, &e) == 0 && fabs(loss_of(back) / tuned - 1) < 1e-5,
	   "%s: merged into the weights it computes the same", what);
	model_free(back);
	model_free(m);
	snprintf(cmd, sizeof cmd, "rm -r %s", dir);
	ok(system(cmd) == 0, "%s: the directory is removed", what);
}

/* The same model through a directory, opened as told. */
static struct model *reopened(const struct model *m, const struct model_load *how)
{
	char dir[] = "/tmp/ft-lm-model.XXXXXX", cmd[64];
	struct model *back;

	if (!mkdtemp(dir) || model_save(m, dir, &(struct model_save){.type = NN_F32}, &e) < 0 ||
	    model_open(&back, dir, how, &e) < 0) {
		printf("Bail out! %s\n", e.msg);
		exit(1);
	}
	snprintf(cmd, sizeof cmd, "rm -r %s", dir);
	if (system(cmd) != 0)
		printf("# could not remove %s\n", dir);
	return back;
}

static void top_layers(void)
{
	struct model *all = made(llama3, 6), *top = reopened(all, NULL);
	float *a = mem_alloc(all->n_params, sizeof *a), *b;
	size_t below = 0, trained = 0;
	double worst = 0;

	ok(model_train_top(top, 1, &e) == 0, "the top layer is chosen");
	b = mem_alloc(top->n_params, sizeof *b);
	run(all, (struct how){2, -1, 0, NULL}, packs, PACKS, a, NULL);
	run(top, (struct how){2, -1, 0, NULL}, packs, PACKS, b, NULL);
	for (size_t i = 0; i < top->n_tensors; i++) {
		const struct model_tensor *t = &top->tensors[i], *u = &all->tensors[i];

		trained += t->trained != 0;
		below += t->trained && t->layer >= 0 && t->layer < 2;
		if (t->trained)
			worst = fmax(worst,
				     distance(b + t->offset, a + u->offset, t->rows * t->cols));
	}
	ok(below == 0 && trained > 9 && top->tensors[top->t_head].trained &&
		   !top->tensors[top->t_embed].trained,
	   "only its tensors, the final norm and the head are trained");
	ok(worst < 1e-6, "with the gradients they have when all are");
	ok(model_train_top(top, 4, &e) < 0 && strstr(e.msg, "3 layers"),
	   "more layers than there are is refused");
	free(a);
	free(b);
	model_free(all);
	model_free(top);
}

/* A base held as `type`, against the same values as f32: gradients of an adapter over both. */
static void held_as(enum nn_type type)
{
	struct adapter spec = {.rank = 4, .alpha = 8, .targets = "all"};
	struct model *m =
		made("{\"model_type\": \"llama\", \"num_hidden_layers\": 2, \"hidden_size\": 64, \"num_attention_heads\": 4, "
		     "\"num_key_value_heads\": 2, \"intermediate_size\": 96, \"vocab_size\": 97, \"initializer_range\": 0.2}",
		     8);
	struct model_load how = {1, type};
	struct model *held = reopened(m, &how), *plain;
	float *a, *b;
	struct train_loss x, y;

	for (size_t i = 0; i < held->n_tensors; i++)
		model_tensor_values(held, i, 0, m->params + m->tensors[i].offset);
	plain = reopened(m, NULL);
	if (adapter_new(held, &spec, 1, &e) < 0 || adapter_new(plain, &spec, 1, &e) < 0)
		printf("Bail out! %s\n", e.msg);
	for (size_t i = 0; i < held->n_params; i++)
		held->params[i] = plain->params[i] = 0.05f * (float)((int)(i % 7) - 3);
	a = mem_alloc(held->n_params, sizeof *a);
	b = mem_alloc(held->n_params, sizeof *b);
	x = run(held, (struct how){2, 1, 0, NULL}, packs, PACKS, a, NULL);
	y = run(plain, (struct how){1, -1, 0, NULL}, packs, PACKS, b, NULL);
	ok(held->layers[0].lin[MODEL_Q].w.type == type && fabs(x.loss / y.loss - 1) < 1e-6 &&
		   distance(a, b, held->n_params) < 1e-5,
	   "an adapter over a base held as %s has the gradients it has over its values",
	   nn_type_name(type));
	ok(model_train_all(held, &e) < 0, "which itself is not trained with an adapter over it");
	free(a);
	free(b);
	model_free(m);
	model_free(held);
	model_free(plain);
}

static int refused(const char *config, const char *because)
{
	struct config c;

	e.msg[0] = 0;
	if (config_parse(&c, config, strlen(config), "config.json", &e) == 0) {
		config_release(&c);
		return 0;
	}
	if (!strstr(e.msg, because))
		printf("# %s\n", e.msg);
	return strstr(e.msg, because) != NULL;
}

/* --- text models inside multimodal ones --- */

/* m as a file of the multimodal model around it has it: below `prefix`, the head below `head`, and
 * beside it tensors that no text goes through. */
static void write_wrapped(const struct model *m, const char *dir, const char *config,
			  const char *prefix, const char *head)
{
	struct st_out o = {0};
	char path[128], name[200];
	float image[4] = {1, 2, 3, 4};
	uint64_t four = 4;

	for (size_t i = 0; i < m->n_tensors; i++) {
		const struct model_tensor *t = &m->tensors[i];
		int conv = t->role == MODEL_CONV;
		uint64_t shape[3] = {t->dims == 2 ? t->rows : t->cols, conv ? 1 : t->cols, t->cols};

		snprintf(name, sizeof name, "%s%s", t->role == MODEL_HEAD ? head : prefix,
			 t->name + (t->role == MODEL_HEAD ? 0 : strlen("model.")));
		st_add(&o, name, ST_F32, t->dims + conv, shape, t->data);
	}
	st_add(&o, "mtp.norm.weight", ST_F32, 1, &four, image);
	st_add(&o, "vision_tower.vision_model.embeddings.patch_embedding.bias", ST_F32, 1, &four,
	       image);
	st_add(&o, "model.visual.patch_embed.proj.bias", ST_F32, 1, &four, image);
	st_add(&o, "multi_modal_projector.mm_soft_emb_norm.weight", ST_F32, 1, &four, image);
	snprintf(path, sizeof path, "%s/model.safetensors", dir);
	if (st_write(&o, path, NULL, NULL, &e))
		printf("Bail out! %s\n", e.msg);
	snprintf(path, sizeof path, "%s/config.json", dir);
	if (file_write(path, config, strlen(config), &e))
		printf("Bail out! %s\n", e.msg);
	st_out_release(&o);
}

static void text_inside(void)
{
#define INSIDE GEMMA "\"sliding_window\": 20, \"query_pre_attn_scalar\": 10, \"rope_theta\": 1e6"
	static const struct {
		const char *outer, *text, *prefix, *head, *class;
	} all[] = {
		{"{\"model_type\": \"gemma3\", \"eos_token_id\": [7, 9], \"text_config\": {"
		 "\"model_type\": \"gemma3_text\", " INSIDE
		 "}, \"vision_config\": {\"hidden_size\": 8}}",
		 "{\"model_type\": \"gemma3_text\", " INSIDE "}", "language_model.model.", "",
		 "Gemma3ForCausalLM"},
		{"{\"model_type\": \"gemma3\", \"eos_token_id\": [7, 9], \"text_config\": {" INSIDE
		 "}}",
		 "{\"model_type\": \"gemma3_text\", " INSIDE "}", "model.language_model.", "",
		 "Gemma3ForCausalLM"},
		{"{\"model_type\": \"mistral3\", \"text_config\": {\"model_type\": \"mistral\", " SHAPE
		 "\"eos_token_id\": [7, 9]}}",
		 "{\"model_type\": \"mistral\", " SHAPE "\"x\": 0}", "language_model.model.",
		 "language_model.", "MistralForCausalLM"},
		{"{\"model_type\": \"qwen2_5_vl\", " SHAPE
		 "\"eos_token_id\": [7, 9], \"rope_scaling\": {\"type\": \"mrope\", \"mrope_section\": [2, 1, 1]}, "
		 "\"vision_config\": {}}",
		 "{\"model_type\": \"qwen2\", " SHAPE "\"x\": 0}", "model.", "",
		 "Qwen2ForCausalLM"},
		{"{\"model_type\": \"qwen3_vl\", \"text_config\": {\"model_type\": \"qwen3_vl_text\", " SHAPE
		 "\"eos_token_id\": [7, 9], \"rope_scaling\": {\"rope_type\": \"default\", \"mrope_section\": [2, 1, 1]}}}",
		 "{\"model_type\": \"qwen3\", " SHAPE "\"x\": 0}", "model.language_model.", "",
		 "Qwen3ForCausalLM"},
		{"{\"model_type\": \"qwen3_5\", \"text_config\": {\"model_type\": \"qwen3_5_text\", " DELTA
		 ", \"eos_token_id\": [7, 9], \"mtp_num_hidden_layers\": 1, \"attn_output_gate\": true, "
		 "\"rope_parameters\": {\"rope_type\": \"default\", \"mrope_interleaved\": true, "
		 "\"mrope_section\": [1, 1, 0], \"partial_rotary_factor\": 0.25}}}",
		 "{\"model_type\": \"qwen3_5_text\", " DELTA "}", "model.language_model.", "",
		 "Qwen3_5ForCausalLM"},
	};

	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		char dir[] = "/tmp/ft-lm-model.XXXXXX", cmd[64];
		struct model *m = made(all[i].text, i + 1), *back = NULL;
		const char *type = m->config.family->type;
		double want = loss_of(m);

		if (!mkdtemp(dir))
			return;
		write_wrapped(m, dir, all[i].outer, all[i].prefix, all[i].head);
		ok(model_open(&back, dir, NULL, &e) == 0 && loss_of(back) == want,
		   "%s inside another model computes what it is alone (%s)", type, e.msg);
		ok(back && back->config.n_eos == 2 && back->config.eos[1] == 9,
		   "%s: and ends where it says", type);
		ok(back && model_warning(back) && strstr(model_warning(back), "3 tensors") &&
			   strstr(model_warning(back), "1 tensors for guessing"),
		   "%s: what is left out is said: %s", type, back ? model_warning(back) : "");
		model_save(back, dir, &(struct model_save){.type = NN_F32}, &e);
		ok(strstr(back->config.text, all[i].class) != NULL, "%s: is %s", type,
		   all[i].class);
		model_free(back);
		ok(model_open(&back, dir, NULL, &e) == 0 && loss_of(back) == want &&
			   !model_warning(back),
		   "%s: and saved it is a text model", type);
		model_free(back);
		model_free(m);
		snprintf(cmd, sizeof cmd, "rm -r %s", dir);
		ok(system(cmd) == 0, "%s: the directory is removed", type);
	}
}

/* The text_config of google/gemma-3-4b-it as it was published: what agrees with the class's own
 * numbers is left out. */
static void published_defaults(void)
{
	static const char text[] =
		"{\"model_type\": \"gemma3\", \"architectures\": [\"Gemma3ForConditionalGeneration\"], \"eos_token_id\": [1, 106], "
		"\"text_config\": {\"hidden_size\": 2560, \"intermediate_size\": 10240, \"model_type\": \"gemma3_text\", "
		"\"num_hidden_layers\": 34, \"rope_scaling\": {\"factor\": 8.0, \"rope_type\": \"linear\"}, "
		"\"sliding_window\": 1024}, \"vision_config\": {\"hidden_size\": 1152}}";
	struct config c;

	ok(config_parse(&c, text, sizeof text - 1, "config.json", &e) == 0, "%s", e.msg);
	ok(c.heads == 8 && c.kv_heads == 4 && c.head_dim == 256 && c.vocab == 262208 &&
		   c.max_positions == 131072 && c.tied,
	   "what the file of Gemma 3 leaves out is the class's");
	ok(c.window == 1024 && c.windowed[4] && !c.windowed[5] && c.rope_factor == 8 &&
		   c.rope_theta == 1e6 && c.rope_local_theta == 1e4 && c.n_eos == 2,
	   "and what it says is its own");
	config_release(&c);
}

/* What LiquidAI/LFM2-1.2B was published with, whose width of the MLP goes by another name. */
static void published_names(void)
{
	static const char text[] =
		"{\"architectures\": [\"Lfm2ForCausalLM\"], \"block_auto_adjust_ff_dim\": true, \"block_dim\": 2048, \"block_ff_dim\": 12288, "
		"\"block_ffn_dim_multiplier\": 1.0, \"block_mlp_init_scale\": 1.0, \"block_multiple_of\": 256, \"block_norm_eps\": 1e-05, "
		"\"block_out_init_scale\": 1.0, \"block_use_swiglu\": true, \"block_use_xavier_init\": true, \"bos_token_id\": 1, "
		"\"conv_L_cache\": 3, \"conv_bias\": false, \"conv_dim\": 2048, \"conv_dim_out\": 2048, \"conv_use_xavier_init\": true, "
		"\"eos_token_id\": 7, \"full_attn_idxs\": [2, 5, 8, 10, 12, 14], \"hidden_size\": 2048, \"initializer_range\": 0.02, "
		"\"max_position_embeddings\": 128000, \"model_type\": \"lfm2\", \"norm_eps\": 1e-05, \"num_attention_heads\": 32, "
		"\"num_heads\": 32, \"num_hidden_layers\": 16, \"num_key_value_heads\": 8, \"pad_token_id\": 0, "
		"\"rope_theta\": 1000000.0, \"torch_dtype\": \"bfloat16\", \"use_cache\": true, \"use_pos_enc\": true, "
		"\"vocab_size\": 65536}";
	/* and ibm-granite's granite-4.0-micro, its list of layers shortened */
	static const char granite[] =
		"{\"architectures\": [\"GraniteMoeHybridForCausalLM\"], \"attention_bias\": false, \"attention_multiplier\": 0.015625, "
		"\"embedding_multiplier\": 12, \"hidden_act\": \"silu\", \"hidden_size\": 2560, \"intermediate_size\": 8192, "
		"\"layer_types\": [\"attention\", \"attention\"], \"logits_scaling\": 10, \"mamba_d_conv\": 4, \"mamba_n_heads\": 128, "
		"\"max_position_embeddings\": 131072, \"model_type\": \"granitemoehybrid\", \"normalization_function\": \"rmsnorm\", "
		"\"num_attention_heads\": 40, \"num_experts_per_tok\": 0, \"num_hidden_layers\": 2, \"num_key_value_heads\": 8, "
		"\"num_local_experts\": 0, \"position_embedding_type\": \"rope\", \"residual_multiplier\": 0.22, "
		"\"rms_norm_eps\": 1e-05, \"rope_scaling\": null, \"rope_theta\": 10000000, \"shared_intermediate_size\": 8192, "
		"\"tie_word_embeddings\": true, \"vocab_size\": 100352}";
	struct config c;

	ok(config_parse(&c, text, sizeof text - 1, "config.json", &e) == 0, "%s", e.msg);
	ok(c.ffn == 8192 && c.layers == 16 && c.head_dim == 64 && c.kv_heads == 8 && c.tied &&
		   !c.conv[2] && c.conv[3] && c.conv_taps == 3,
	   "LFM2's file says by other names how wide the MLP is and which layers see all");
	config_release(&c);
	ok(config_parse(&c, granite, sizeof granite - 1, "config.json", &e) == 0, "%s", e.msg);
	ok(c.ffn == 8192 && c.experts == 0 && c.attn_scale == 0.015625F && c.logit_scale == 0.1F,
	   "dense Granite 4 is called a hybrid of experts, of which there are none");
	config_release(&c);
}

/* What ends in the residual stream begins smaller, in whatever kind of layer. */
static void begun_smaller(const char *text, size_t layer, int product)
{
	struct model *m = made(text, 3);
	double sum = 0;
	const struct model_tensor *t;

	t = &m->tensors[m->layers[layer].lin[product].t_w];
	for (size_t i = 0; i < t->rows * t->cols; i++)
		sum += pow(m->params[t->offset + i], 2);
	sum = sqrt(sum / (double)(t->rows * t->cols)) / m->config.init_range;
	ok(fabs(sum * sqrt(2 * (double)m->config.layers) - 1) < 0.1,
	   "%s begins with %g of the range", t->name, sum);
	model_free(m);
}

/* --- FP8 --- */

/* E4M3 by its definition. */
static double e4m3(uint8_t x)
{
	double v = x >> 3 & 15 ? ldexp(8 + (x & 7), (x >> 3 & 15) - 10) : ldexp(x & 7, -9);

	return x & 128 ? -v : v;
}

/* m's products as FP8 into dir with scales of that shape (0: one, 1: one a row, 2: blocks of 5 x 7),
 * and into m what that file means, rounded to bf16. */
static void write_fp8(struct model *m, const char *dir, int kind, const char *suffix)
{
	struct st_out o = {0};
	struct rng r;
	char path[128], name[200];
	void *keep[200];
	size_t n = 0;

	rng_seed(&r, 4, (uint64_t)kind);
	for (size_t i = 0; i < m->n_tensors; i++) {
		const struct model_tensor *t = &m->tensors[i];
		size_t rows = t->rows, cols = t->cols,
		       down = kind == 0	  ? rows
			      : kind == 1 ? 1
					  : 5,
		       across = kind == 2 ? 7 : cols, high = (rows + down - 1) / down,
		       wide = (cols + across - 1) / across;
		uint64_t shape[2] = {t->dims == 2 ? rows : cols, cols}, scales[2] = {high, wide};
		uint8_t *x;
		float *s, *w = m->params + t->offset;

		if (t->role != MODEL_WEIGHT) {
			st_add(&o, t->name, ST_F32, t->dims, shape, t->data);
			continue;
		}
		keep[n++] = x = mem_alloc(rows * cols, 1);
		keep[n++] = s = mem_alloc(high * wide, sizeof *s);
		for (size_t k = 0; k < high * wide; k++)
			s[k] = (float)(0.01 + 0.01 * rng_uniform(&r));
		for (size_t k = 0; k < rows * cols; k++) {
			float exact;
			uint16_t rounded;

			do
				x[k] = (uint8_t)rng_below(&r, 256);
			while ((x[k] & 127) >= 0x58); /* large ones and NaN left out */
			exact = (float)(e4m3(x[k]) *
					(double)s[k / cols / down * wide + k % cols / across]);
			nn_encode(NN_BF16, &rounded, &exact, 1);
			nn_decode(w + k, NN_BF16, &rounded, 1);
		}
		st_add(&o, t->name, ST_F8, 2, shape, x);
		snprintf(name, sizeof name, "%s%s", t->name, suffix);
		st_add(&o, name, ST_F32, kind == 0 ? 0 : 2, scales, s);
		snprintf(name, sizeof name, "%.*s.activation_scale", (int)strlen(t->name) - 7,
			 t->name);
		st_add(&o, name, ST_F32, 0, scales, s);
	}
	snprintf(path, sizeof path, "%s/model.safetensors", dir);
	if (st_write(&o, path, NULL, NULL, &e))
		printf("Bail out! %s\n", e.msg);
	st_out_release(&o);
	while (n)
		free(keep[--n]);
}

static void fp8(void)
{
	static const struct {
		const char *suffix, *config;
	} kinds[] = {
		{"_scale_inv", "{\"quant_method\": \"fp8\", \"activation_scheme\": \"static\"}"},
		{"_scale",
		 "{\"quant_method\": \"compressed-tensors\", \"format\": \"float-quantized\"}"},
		{"_scale_inv", "{\"quant_method\": \"fp8\", \"weight_block_size\": [5, 7]}"},
	};

	for (int k = 0; k < 3; k++) {
		char dir[] = "/tmp/ft-lm-model.XXXXXX", cmd[64], path[64], config[800];
		struct model *m = made(qwen3, 3), *back = NULL;
		double want;

		if (!mkdtemp(dir))
			return;
		write_fp8(m, dir, k, kinds[k].suffix);
		want = loss_of(m);
		snprintf(path, sizeof path, "%s/config.json", dir);
		snprintf(config, sizeof config,
			 "{\"model_type\": \"qwen3\", " SHAPE
			 "\"head_dim\": 16, \"quantization_config\": %s}",
			 kinds[k].config);
		file_write(path, config, strlen(config), &e);
		ok(model_open(&back, dir, NULL, &e) == 0 && loss_of(back) == want,
		   "FP8 with scales, kind %d, is what its numbers mean (%s)", k, e.msg);
		model_save(back, dir, &(struct model_save){.type = NN_BF16}, &e);
		model_free(back);
		ok(model_open(&back, dir, NULL, &e) == 0 && !back->config.fp8 &&
			   fabs(loss_of(back) / want - 1) < 1e-2,
		   "and is saved as bf16 (%s)", e.msg);
		model_free(back);
		/* Scales of another shape, and none. */
		write_fp8(m, dir, 2, k == 2 ? "_other" : kinds[k].suffix);
		file_write(path, config, strlen(config), &e);
		ok(model_open(&back, dir, NULL, &e) &&
			   strstr(e.msg, k == 2 ? "without a scale" : "not the shape of scales"),
		   "refused: %s", e.msg);
		model_free(m);
		snprintf(cmd, sizeof cmd, "rm -r %s", dir);
		ok(system(cmd) == 0, "the directory is removed");
	}
}

static void unknown_is_refused(void)
{
	ok(refused("{\"model_type\": \"mamba\"}", "mamba"), "an unknown model_type is named");
	ok(refused("{\"model_type\": \"llama\", " SHAPE
		   "\"rope_scaling\": {\"rope_type\": \"resonance\"}}",
		   "resonance"),
	   "an unknown rope scaling is named");
	ok(refused("{\"model_type\": \"mamba\"}", "smollm3"), "and the families there are, too");
	ok(refused("{\"model_type\": \"llama\", " SHAPE "\"hidden_act\": \"relu\"}", "relu"),
	   "an unknown activation is named");
	ok(refused("{\"model_type\": \"llama\", " SHAPE "\"quantization_config\": {\"bits\": 4}}",
		   "quantization_config"),
	   "weights quantised elsewhere are refused");
	ok(refused("{\"model_type\": \"llama\", " SHAPE "\"partial_rotary_factor\": 0.5}",
		   "partial_rotary_factor"),
	   "partial rotation is refused");
	ok(refused("{\"model_type\": \"llama\", \"num_hidden_layers\": 99999999999}",
		   "num_hidden_layers"),
	   "a size beyond reason is refused");
	ok(refused("{\"model_type\": \"llama\"}", "missing"), "a missing size is named");
	ok(refused("[1]", "no JSON object"), "an array is refused");

	static const struct {
		const char *config, *because;
	} bad[] = {
		/* members of other families */
		{"{\"model_type\": \"llama\", " SHAPE "\"attn_logit_softcapping\": 50.0}",
		 "config.json: attn_logit_softcapping: 50.0 has no place in a llama model"},
		{"{\"model_type\": \"qwen3\", " SHAPE "\"residual_multiplier\": 0.22}",
		 "residual_multiplier"},
		{"{\"model_type\": \"qwen3\", " SHAPE "\"num_experts\": 128}", "num_experts"},
		{"{\"model_type\": \"llama\", " SHAPE "\"num_experts_per_tok\": 2}",
		 "num_experts_per_tok: 2 has no place in a llama model"},
		{"{\"model_type\": \"olmoe\", " SHAPE
		 "\"num_experts\": 4, \"num_experts_per_tok\": 5}",
		 "num_experts_per_tok 5 is more than the 4 experts there are"},
		{"{\"model_type\": \"olmoe\", " SHAPE "\"num_experts\": 4}",
		 "num_experts_per_tok 8 is more than the 4"},
		{"{\"model_type\": \"olmoe\", " SHAPE
		 "\"num_experts\": 4, \"num_local_experts\": 8}",
		 "num_experts is 4 and num_local_experts 8"},
		{"{\"model_type\": \"olmoe\", " SHAPE "\"num_experts\": 0}", "num_experts"},
		{"{\"model_type\": \"olmoe\", " SHAPE "\"num_experts\": 9999}", "num_experts"},
		{"{\"model_type\": \"olmoe\", " SHAPE "\"moe_intermediate_size\": 8}",
		 "moe_intermediate_size: 8 has no place in a olmoe model"},
		{"{\"model_type\": \"olmoe\", " SHAPE "\"shared_expert_intermediate_size\": 8}",
		 "shared_expert_intermediate_size"},
		{"{\"model_type\": \"olmoe\", " SHAPE "\"clip_qkv\": 8.0}", "clip_qkv"},
		{"{\"model_type\": \"qwen3_moe\", " SHAPE "\"mlp_only_layers\": [3]}",
		 "mlp_only_layers must list layers from 0 to 2"},
		{"{\"model_type\": \"qwen3_moe\", " SHAPE "\"decoder_sparse_step\": 0}",
		 "decoder_sparse_step"},
		{"{\"model_type\": \"granitemoe\", " SHAPE "\"norm_topk_prob\": true}",
		 "norm_topk_prob: true has no place in a granitemoe model"},
		{"{\"model_type\": \"gpt_oss\", " SHAPE "\"num_local_experts\": 4}",
		 "rope_scaling is missing"},
		{"{\"model_type\": \"gpt_oss\", " SHAPE
		 "\"rope_parameters\": {\"rope_type\": \"default\"}, \"swiglu_alpha\": 1.5}",
		 "swiglu_alpha 1.5"},
		{"{\"model_type\": \"qwen3\", " SHAPE "\"swiglu_limit\": 7.0}", "swiglu_limit"},
		{"{\"model_type\": \"mistral\", " SHAPE "\"no_rope_layers\": [1, 1, 0]}",
		 "no_rope_layers"},
		{"{\"model_type\": \"qwen2\", " SHAPE "\"query_pre_attn_scalar\": 10}",
		 "query_pre_attn_scalar"},
		{"{\"model_type\": \"olmo2\", " SHAPE "\"clip_qkv\": 8}", "clip_qkv"},
		{"{\"model_type\": \"phi3\", " SHAPE "\"lm_head_bias\": true}", "lm_head_bias"},
		/* lists of layers */
		{"{\"model_type\": \"olmo3\", " SHAPE "\"layer_types\": [\"full_attention\"]}",
		 "layer_types has 1 entries for 3 layers"},
		{"{\"model_type\": \"qwen3\", " SHAPE
		 "\"layer_types\": [\"full_attention\", \"full_attention\", \"linear_attention\"]}",
		 "linear_attention"},
		{"{\"model_type\": \"llama\", " SHAPE
		 "\"layer_types\": [\"full_attention\", \"sliding_attention\", \"full_attention\"]}",
		 "sliding_attention has no place in a llama model"},
		{"{\"model_type\": \"smollm3\", " SHAPE "\"no_rope_layers\": [1, 0]}",
		 "each of the 3 layers"},
		{"{\"model_type\": \"smollm3\", " SHAPE "\"no_rope_layers\": [1, 0, 2]}",
		 "no_rope_layers"},
		{"{\"model_type\": \"exaone4\", " SHAPE "\"sliding_window_pattern\": \"LLX\"}",
		 "letters L and G"},
		{"{\"model_type\": \"lfm2\", " SHAPE
		 "\"layer_types\": [\"conv\", \"full_attention\"]}",
		 "layer_types has 2 entries for 3 layers"},
		{"{\"model_type\": \"lfm2\", " SHAPE "\"full_attn_idxs\": [3]}", "from 0 to 2"},
		{"{\"model_type\": \"lfm2\", " SHAPE
		 "\"full_attn_idxs\": [1], \"conv_L_cache\": 0}",
		 "conv_L_cache must be a whole number from 1"},
		{"{\"model_type\": \"lfm2\", " SHAPE "\"x\": 0}", "full_attn_idxs"},
		{"{\"model_type\": \"qwen3\", " SHAPE "\"conv_L_cache\": 3}", "conv_L_cache"},
		{"{\"model_type\": \"qwen3_5_text\", " SHAPE
		 "\"layer_types\": [\"linear_attention\", \"full_attention\"]}",
		 "layer_types has 2 entries for 3 layers"},
		{"{\"model_type\": \"qwen3_5_text\", " SHAPE
		 "\"layer_types\": [\"linear_attention\", \"full_attention\", \"conv\"]}",
		 "layer_types: \"conv\" is not supported"},
		{"{\"model_type\": \"qwen3_5_text\", " SHAPE "\"layer_types\": 3}",
		 "layer_types must be a list"},
		{"{\"model_type\": \"qwen3_5_text\", " SHAPE "\"linear_conv_kernel_dim\": 0}",
		 "linear_conv_kernel_dim must be a whole number from 1"},
		{"{\"model_type\": \"qwen3_5_text\", " SHAPE "\"linear_key_head_dim\": -8}",
		 "linear_key_head_dim"},
		{"{\"model_type\": \"qwen3_5_text\", " SHAPE
		 "\"linear_num_key_heads\": 3, \"linear_num_value_heads\": 4}",
		 "linear_num_value_heads 4 is no multiple of linear_num_key_heads 3"},
		{"{\"model_type\": \"qwen3_5_text\", " SHAPE "\"full_attention_interval\": 0}",
		 "full_attention_interval"},
		{"{\"model_type\": \"qwen3_5_text\", " SHAPE "\"attn_output_gate\": false}",
		 "attn_output_gate false"},
		{"{\"model_type\": \"qwen3_5_text\", " SHAPE "\"conv_L_cache\": 3}",
		 "conv_L_cache"},
		{"{\"model_type\": \"qwen3\", " SHAPE "\"linear_num_key_heads\": 2}",
		 "linear_num_key_heads: 2 has no place in a qwen3 model"},
		{"{\"model_type\": \"qwen3_5\", \"text_config\": {\"linear_num_value_heads\": 0}}",
		 "text_config: linear_num_value_heads"},
		/* scaling without its members */
		{"{\"model_type\": \"llama\", " SHAPE "\"rope_scaling\": {\"type\": \"linear\"}}",
		 "rope scaling linear: factor"},
		{"{\"model_type\": \"llama\", " SHAPE
		 "\"rope_scaling\": {\"rope_type\": \"llama3\", \"factor\": 8}}",
		 "rope scaling llama3: original_max_position_embeddings"},
		{"{\"model_type\": \"qwen3\", " SHAPE
		 "\"rope_scaling\": {\"type\": \"yarn\", \"factor\": 4, \"beta_fast\": 1, \"beta_slow\": 2}}",
		 "beta_fast"},
		{"{\"model_type\": \"phi3\", " SHAPE
		 "\"original_max_position_embeddings\": 16, \"rope_scaling\": {\"type\": \"longrope\", \"short_factor\": [1, 1, 1, 1]}}",
		 "long_factor is missing"},
		{"{\"model_type\": \"phi3\", " SHAPE
		 "\"original_max_position_embeddings\": 16, \"rope_scaling\": {\"type\": \"su\", \"short_factor\": [1, 1, 1]}}",
		 "short_factor has 3 numbers for 4 pairs"},
		{"{\"model_type\": \"phi3\", " SHAPE
		 "\"rope_scaling\": {\"type\": \"longrope\", \"short_factor\": [1, 1, 1, 1], \"long_factor\": [1, 1, 1, 1]}}",
		 "original_max_position_embeddings"},
		{"{\"model_type\": \"phi3\", " SHAPE
		 "\"original_max_position_embeddings\": 16, \"rope_scaling\": {\"type\": \"longrope\", \"short_factor\": [1, 1, -1, 1]}}",
		 "numbers above 0"},
		/* how much of a head is turned */
		{"{\"model_type\": \"phi3\", " SHAPE "\"partial_rotary_factor\": 0}",
		 "partial_rotary_factor 0 of head_dim 8"},
		{"{\"model_type\": \"glm4\", " SHAPE
		 "\"head_dim\": 8, \"partial_rotary_factor\": 0.4}",
		 "makes 3 values to turn"},
		{"{\"model_type\": \"phi3\", " SHAPE "\"partial_rotary_factor\": 1.5}", "above 1"},
		{"{\"model_type\": \"granite\", " SHAPE "\"logits_scaling\": 0}", "logits_scaling"},
		{"{\"model_type\": \"hunyuan_v1_dense\", " SHAPE "\"use_qk_norm\": false}",
		 "use_qk_norm"},
		/* numbers that no float holds, or whose inverse none does */
		{"{\"model_type\": \"llama\", " SHAPE "\"initializer_range\": 1e65}",
		 "initializer_range must be a number, 0 or more and below 1e+30"},
		{"{\"model_type\": \"granite\", " SHAPE "\"logits_scaling\": 1e-50}",
		 "logits_scaling must be more than 0"},
		{"{\"model_type\": \"gemma2\", " SHAPE "\"query_pre_attn_scalar\": 1e-80}",
		 "query_pre_attn_scalar must be more than 0"},
		/* weights in other tools' forms */
		{"{\"model_type\": \"qwen3\", " SHAPE
		 "\"quantization_config\": {\"quant_method\": \"gptq\", \"bits\": 4}}",
		 "quantised by \"gptq\" are not supported; take the model they were made from"},
		{"{\"model_type\": \"qwen3\", " SHAPE
		 "\"quantization_config\": {\"quant_method\": \"bitsandbytes\", \"load_in_4bit\": true}}",
		 "without -bnb-4bit"},
		{"{\"model_type\": \"qwen3\", " SHAPE
		 "\"quantization_config\": {\"quant_method\": \"mxfp4\"}}",
		 "MXFP4"},
		{"{\"model_type\": \"gemma3\", \"text_config\": [1]}",
		 "text_config must be an object"},
		{"{\"model_type\": \"gemma3\"}", "text_config is missing"},
		{"{\"model_type\": \"qwen3\", " SHAPE "\"quantization\": {\"bits\": 4}}", "MLX"},
		{"{\"model_type\": \"qwen3\", " SHAPE
		 "\"quantization_config\": {\"load_in_4bit\": true}}",
		 "bitsandbytes"},
		{"{\"model_type\": \"gemma3_text\", " SHAPE
		 "\"head_dim\": 8, \"use_bidirectional_attention\": true}",
		 "use_bidirectional_attention"},
		{"{\"model_type\": \"hunyuan_v1_dense\", " SHAPE "\"num_experts\": 8}",
		 "num_experts: 8 has no place"},
		{"{\"model_type\": \"hunyuan_v1_dense\", " SHAPE "\"use_cla\": true}", "use_cla"},
		{"{\"model_type\": \"lfm2\", " SHAPE
		 "\"full_attn_idxs\": [1], \"block_ffn_dim_multiplier\": 1e12}",
		 "block_ffn_dim_multiplier"},
		{"{\"model_type\": \"granitemoehybrid\", " SHAPE "\"num_local_experts\": 0}",
		 "layer_types must say"},
		{"{\"model_type\": \"granitemoehybrid\", " SHAPE HYBRID
		 "\"mamba\", \"attention\"]}",
		 "layer_types: \"mamba\" is not supported"},
		{"{\"model_type\": \"granitemoehybrid\", " SHAPE "\"num_local_experts\": 62}",
		 "num_local_experts: 62 has no place"},
		{"{\"model_type\": \"gemma3\", \"text_config\": {\"model_type\": \"mamba\"}}",
		 "config.json: text_config: model_type mamba is not supported"},
		{"{\"model_type\": \"gemma3\", \"text_config\": {\"hidden_size\": -1}}",
		 "text_config: hidden_size"},
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ok(refused(bad[i].config, bad[i].because), "refused: %s", bad[i].because);
}

int main(void)
{
	make_packs();
	gradients();
	noise();
	same_however(llama3);
	same_however(qwen3_5); /* of more rows than one chunk has */
	examples_do_not_leak();
	kept_on_disk("qwen2", qwen2);
	kept_on_disk("gpt2", gpt2);
	top_layers();
	held_as(NN_BF16);
	held_as(NN_F16);
	held_as(NN_Q8_0);
	held_as(NN_Q4_0);
	text_inside();
	published_defaults();
	published_names();
	begun_smaller(lfm2, 0, MODEL_O);
	begun_smaller(lfm2, 1, MODEL_O);
	begun_smaller(lfm2, 1, MODEL_DOWN);
	begun_smaller(qwen3_5, 0, MODEL_O);
	begun_smaller(qwen3_5, 2, MODEL_O);
	fp8();
	unknown_is_refused();
	return tap_done();
}

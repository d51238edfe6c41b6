/* Preference losses: the formulas against PyTorch, and the gradient of a whole batch against
 * central differences. */
#include <stdlib.h>
#include "../../lib/base/mem.h"
#include "../../lib/base/rng.h"
#include "../../lib/train/objective.h"
#include "tap.h"

static const struct {
	enum objective_kind kind;
	double beta, logp[2], aux[2], loss, d[2];
} torch[] = {
#include "../fixtures/preferences.inc"
};

static void formulas(void)
{
	double worst = 0, z, d[2];
	for (size_t i = 0; i < sizeof torch / sizeof *torch; i++) {
		double loss = objective_pair(torch[i].kind, torch[i].beta, torch[i].logp,
					     torch[i].aux, d, &z);
		worst = fmax(worst, fabs(loss - torch[i].loss));
		for (int j = 0; j < 2; j++)
			worst = fmax(worst, fabs(d[j] - torch[i].d[j]) / (1 + fabs(d[j])));
	}
	ok_near(worst, 0, 1e-9, "losses and derivatives are PyTorch's");
	const double sure[2] = {0, -3}, tokens[2] = {4, 4};
	ok(isfinite(objective_pair(OBJECTIVE_ORPO, .1, sure, tokens, d, &z)) && isfinite(d[0]),
	   "a certain answer has finite odds");
	const double far[2] = {-2000, 0}, zero[2] = {0, 0};
	ok_near(objective_pair(OBJECTIVE_DPO, 1, far, zero, d, &z), 2000, 1e-9,
		"a large margin does not overflow");
}

static struct config config;
static struct dataset data;

/* Pairs that share their first tokens, the rest is the answer; the second pair weighs half. */
static void fill(size_t pairs)
{
	struct rng r;
	rng_seed(&r, 9, 0);
	data.n = 2 * pairs;
	data.ids = mem_alloc(data.n * 16, sizeof *data.ids);
	data.weights = mem_alloc(data.n * 16, sizeof *data.weights);
	data.examples = mem_alloc(data.n, sizeof *data.examples);
	data.length = mem_alloc(data.n, sizeof *data.length);
	for (size_t i = 0; i < data.n; i++) {
		size_t len = 8 + (size_t)rng_below(&r, 8);
		data.examples[i].at = data.tokens;
		data.length[i] = (uint32_t)len;
		for (size_t k = 0; k < len; k++) {
			int shared = i % 2 && k < 4;
			data.ids[data.tokens + k] = shared ? data.ids[data.examples[i - 1].at + k]
							   : (int32_t)rng_below(&r, 32);
			data.weights[data.tokens + k] = k < 4 ? 0 : i / 2 == 1 ? .5f : 1;
		}
		data.tokens += len;
		data.longest = len > data.longest ? len : data.longest;
	}
}

static double mean_loss(struct objective *o, const double *reference, size_t rows, float *grads,
			struct objective_sums *s)
{
	struct err e = ERR_INIT;
	size_t all[8] = {0, 1, 2, 3, 4, 5, 6, 7};
	*s = (struct objective_sums){0};
	if (objective_batch(o, &data, reference, all, rows, grads, s, &e))
		printf("Bail out! %s\n", e.msg);
	return s->loss / s->weight;
}

static void gradient(enum objective_kind kind, const char *name)
{
	struct err e = ERR_INIT;
	struct model *m;
	struct work *w;
	struct work_spec spec = {.max_tokens = data.longest, .checkpoint = -1};
	struct pool *pool = pool_new(1);
	if (model_new(&m, &config, 4, &e) || work_new(&w, m, pool, &spec, &e)) {
		ok(0, "a model: %s", e.msg);
		return;
	}
	struct objective o;
	struct objective_sums s;
	struct rng r;
	double reference[16];
	objective_init(&o, w, kind, .7);
	ok(objective_reference(&o, &data, 0, reference, &e) == 0 && reference[0] < 0,
	   "%s: the reference has log p", name);
	rng_seed(&r, 1, 1);
	if (kind == OBJECTIVE_DPO) {
		ok_near(mean_loss(&o, reference, 4, NULL, &s), log(2), 1e-6, "DPO begins at log 2");
		for (size_t i = 0; i < data.n; i++)
			reference[i] += rng_normal(&r);
	}
	float *g = mem_alloc(m->n_params, sizeof *g);
	mean_loss(&o, reference, 4, g, &s);
	ok_near(s.weight, 3.5, 1e-12, "%s: records weigh what they say", name);
	/* along random directions: differences by single values would drown in rounding */
	double worst = 0;
	for (int t = 0; t < 5; t++) {
		float *at = mem_alloc(m->n_params, sizeof *at),
		      *way = mem_alloc(m->n_params, sizeof *way);
		double along = 0, h = 2e-3, loss[2];
		memcpy(at, m->params, m->n_params * sizeof *at);
		for (size_t i = 0; i < m->n_params; i++) {
			way[i] = (float)(rng_normal(&r) * .1);
			along += (double)way[i] * g[i] / s.weight;
		}
		for (int side = 0; side < 2; side++) {
			struct objective_sums ignored;
			for (size_t i = 0; i < m->n_params; i++)
				m->params[i] = at[i] + (float)((side ? h : -h) * way[i]);
			loss[side] = mean_loss(&o, reference, 4, NULL, &ignored);
		}
		memcpy(m->params, at, m->n_params * sizeof *at);
		worst = fmax(worst,
			     fabs((loss[1] - loss[0]) / (2 * h) - along) / fmax(.1, fabs(along)));
		free(at), free(way);
	}
	ok_near(worst, 0, 5e-3, "%s: the gradient is that of central differences", name);
	free(g);
	objective_release(&o);
	work_free(w);
	model_free(m);
	pool_free(pool);
}

int main(void)
{
	static const char text[] =
		"{\"model_type\":\"llama\",\"hidden_size\":16,\"intermediate_size\":24,\"num_hidden_layers\":1,"
		"\"num_attention_heads\":2,\"num_key_value_heads\":1,\"vocab_size\":32,\"max_position_embeddings\":64,"
		"\"tie_word_embeddings\":true,\"initializer_range\":0.2}";
	struct err e = ERR_INIT;
	formulas();
	if (config_parse(&config, text, sizeof text - 1, "test", &e)) {
		ok(0, "configuration: %s", e.msg);
		return tap_done();
	}
	fill(4);
	gradient(OBJECTIVE_DPO, "DPO");
	gradient(OBJECTIVE_ORPO, "ORPO");
	dataset_release(&data);
	config_release(&config);
	return tap_done();
}

/* Preference losses: the formulas against PyTorch (KTO's against a computation with 60 digits), and
 * the gradient of a whole batch against central differences. */
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

static const struct {
	double beta, weight[2];
	int label[4];
	double logp[4], reference[4], other[4], other_reference[4], z0, loss[4], d[4];
} decimal[] = {
#include "../fixtures/kto.inc"
};

static void label_formulas(void)
{
	double worst_z0 = 0, worst = 0, d, gain[4];
	size_t clamped = 0;
	for (size_t i = 0; i < sizeof decimal / sizeof *decimal; i++) {
		for (int j = 0; j < 4; j++)
			gain[j] = decimal[i].other[j] - decimal[i].other_reference[j];
		double z0 = objective_z0(gain, 4);
		clamped += z0 == 0;
		worst_z0 = fmax(worst_z0, fabs(z0 - decimal[i].z0));
		for (int j = 0; j < 4; j++) {
			int label = decimal[i].label[j];
			double r = decimal[i].logp[j] - decimal[i].reference[j],
			       loss = objective_label(decimal[i].beta, label,
						      decimal[i].weight[label], r, z0, &d);
			/* relative where they are small: a row that is sure still has a slope */
			worst = fmax(worst, fabs(loss - decimal[i].loss[j]) /
						    (1e-30 + fabs(decimal[i].loss[j])));
			worst = fmax(worst,
				     fabs(d - decimal[i].d[j]) / (1e-30 + fabs(decimal[i].d[j])));
		}
	}
	ok_near(worst_z0, 0, 1e-12, "z0 is the mean of what the mismatched examples gained");
	ok(clamped == 5, "or 0 where they lost");
	ok_near(worst, 0, 1e-9, "KTO's losses and derivatives are those of the formula");
	ok_near(objective_label(1, 1, 1, -2000, 3, &d), 1, 1e-15, "a large loss does not overflow");
	ok(d == 0, "and moves nothing");
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
	struct grads g = {.own = grads};
	if (objective_batch(o, &data, reference, all, rows, grads ? &g : NULL, s, &e))
		printf("Bail out! %s\n", e.msg);
	return s->loss / s->weight;
}

struct at {
	struct objective *o;
	const double *reference;
	double z0; /* KTO, which does not differentiate it */
};

static double pairs_loss(const struct at *at)
{
	struct objective_sums ignored;
	return mean_loss(at->o, at->reference, 4, NULL, &ignored);
}

/* How far the gradient g of weight * loss is from central differences, along random directions:
 * differences by single values would drown in rounding. */
static double slopes_differ(struct model *m, const float *g, double weight,
			    double (*loss)(const struct at *at), const struct at *arg)
{
	struct rng r;
	double worst = 0;
	rng_seed(&r, 1, 2);
	for (int t = 0; t < 5; t++) {
		float *at = mem_alloc(m->n_params, sizeof *at),
		      *way = mem_alloc(m->n_params, sizeof *way);
		double along = 0, h = 2e-3, side[2];
		memcpy(at, m->params, m->n_params * sizeof *at);
		for (size_t i = 0; i < m->n_params; i++) {
			way[i] = (float)(rng_normal(&r) * .1);
			along += (double)way[i] * g[i] / weight;
		}
		for (int k = 0; k < 2; k++) {
			for (size_t i = 0; i < m->n_params; i++)
				m->params[i] = at[i] + (float)((k ? h : -h) * way[i]);
			side[k] = loss(arg);
		}
		memcpy(m->params, at, m->n_params * sizeof *at);
		worst = fmax(worst,
			     fabs((side[1] - side[0]) / (2 * h) - along) / fmax(.1, fabs(along)));
		free(at), free(way);
	}
	return worst;
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
	objective_init(&o, w, kind, .7, NULL);
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
	double worst = slopes_differ(m, g, s.weight, pairs_loss, &(struct at){&o, reference});
	ok_near(worst, 0, 5e-3, "%s: the gradient is that of central differences", name);
	free(g);
	objective_release(&o);
	work_free(w);
	model_free(m);
	pool_free(pool);
}

static const double label_weight[2] = {.5, 2};

/* KTO's mean loss as the paper writes it; gain [8] may be NULL. */
static double kto(const struct at *at, double *gain)
{
	static const double record[4] = {1, 1, .5, .5};
	struct err e = ERR_INIT;
	double g[8], loss = 0;
	if (objective_reference(at->o, &data, 0, g, &e))
		printf("Bail out! %s\n", e.msg);
	for (int i = 0; i < 8; i++)
		g[i] -= at->reference[i];
	for (int i = 0; i < 4; i++) {
		int label = data.examples[i].label;
		double x = at->o->beta * (label ? g[i] - at->z0 : at->z0 - g[i]);
		loss += record[i] * label_weight[label] * (1 - 1 / (1 + exp(-x)));
	}
	if (gain)
		memcpy(gain, g, sizeof g);
	return loss / 3;
}

static double labels_loss(const struct at *at)
{
	return kto(at, NULL);
}

/* The same examples as four rows, whose mismatched ones the last four are; these have gained about
 * `shift`. */
static void labels_gradient(double shift, double beta)
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
	struct objective_sums s, all = {0};
	struct rng r;
	double reference[8], gain[8];
	struct at at = {&o, reference, 0};
	objective_init(&o, w, OBJECTIVE_KTO, beta, label_weight);
	ok(objective_rows(&o, &data) == 4, "KTO: a row is one example");
	objective_reference(&o, &data, 0, reference, &e);
	ok_near(mean_loss(&o, reference, 4, NULL, &s), (2 + .5 + 1 + .25) / 2 / 3, 1e-6,
		"KTO begins at half of what the labels weigh");
	rng_seed(&r, 2, 2);
	for (int i = 0; i < 8; i++)
		reference[i] += rng_normal(&r) - (i < 4 ? 0 : shift);
	kto(&at, gain);
	at.z0 = fmax(0, (gain[4] + gain[5] + gain[6] + gain[7]) / 4);
	float *g = mem_alloc(m->n_params, sizeof *g);
	ok_near(mean_loss(&o, reference, 4, g, &s), labels_loss(&at), 1e-6,
		"KTO's mean loss is the paper's, beta %g", beta);
	ok_near(s.kl / 4, at.z0, 1e-4, "and z0, %g", at.z0);
	ok((at.z0 > 0) == (shift > 0), "which is as large as it should be");
	ok_near(s.weight, 3, 1e-12, "records weigh what they say");
	ok_near(s.reward[1], beta * (gain[0] + gain[2]), 1e-4 * beta, "rewards are the labels'");
	ok_near(s.reward[0], beta * (gain[1] + gain[3]), 1e-4 * beta, "each its own");
	ok(s.labelled[0] == 2 && s.labelled[1] == 2, "of two rows each");
	ok(objective_all(&o, &data, reference, 0, 1, &all, &e) == 0 &&
		   fabs(all.loss - s.loss) < 1e-6 && fabs(all.kl - s.kl) < 1e-4 &&
		   all.tokens == s.tokens && all.supervised == s.supervised,
	   "all rows are taken as one batch");
	ok_near(slopes_differ(m, g, s.weight, labels_loss, &at), 0, 5e-3,
		"KTO: the gradient is that of central differences, z0 held");
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
	label_formulas();
	if (config_parse(&config, text, sizeof text - 1, "test", &e)) {
		ok(0, "configuration: %s", e.msg);
		return tap_done();
	}
	fill(4);
	gradient(OBJECTIVE_DPO, "DPO");
	gradient(OBJECTIVE_ORPO, "ORPO");
	data.n = data.mismatched = 4;
	data.examples[0].label = data.examples[2].label = 1;
	labels_gradient(1.5, .7);
	labels_gradient(-1.5, .7);
	labels_gradient(1.5, 5);
	labels_gradient(1.5, .01);
	dataset_release(&data);
	config_release(&config);
	return tap_done();
}

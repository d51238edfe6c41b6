/* Scores of given answers agree with the trainer's forward pass, and probabilities of choices with
 * a computation of all of them one by one. */
#include <stdlib.h>
#include "../../lib/base/mem.h"
#include "../../lib/base/rng.h"
#include "../../lib/infer/score.h"
#include "../../lib/train/gradient.h"
#include "tap.h"

static const char llama[] =
	"{\"model_type\":\"llama\",\"hidden_size\":64,\"intermediate_size\":172,\"num_hidden_layers\":2,"
	"\"num_attention_heads\":4,\"num_key_value_heads\":2,\"vocab_size\":60,\"rms_norm_eps\":1e-5,"
	"\"max_position_embeddings\":128,\"initializer_range\":0.2}";
/* whose states are branched off where answers part */
static const char qwen3_5[] =
	"{\"model_type\":\"qwen3_5_text\",\"hidden_size\":64,\"intermediate_size\":96,\"num_hidden_layers\":3,"
	"\"num_attention_heads\":4,\"num_key_value_heads\":2,\"head_dim\":16,\"vocab_size\":60,"
	"\"full_attention_interval\":2,\"linear_num_key_heads\":2,\"linear_num_value_heads\":2,"
	"\"linear_key_head_dim\":8,\"linear_value_head_dim\":8,"
	"\"max_position_embeddings\":128,\"initializer_range\":0.2}";
/* whose angles are others for texts of more than 25 tokens */
static const char longrope[] =
	"{\"model_type\":\"phi3\",\"hidden_size\":64,\"intermediate_size\":96,\"num_hidden_layers\":2,"
	"\"num_attention_heads\":4,\"num_key_value_heads\":2,\"vocab_size\":60,"
	"\"rope_scaling\":{\"type\":\"longrope\",\"short_factor\":[1,1.1,1.2,1.3,1.4,1.5,1.6,1.7],"
	"\"long_factor\":[1.5,2,3,4,5,6,7,8]},\"original_max_position_embeddings\":25,"
	"\"max_position_embeddings\":128,\"initializer_range\":0.2}";
#define VOCAB 60
#define JOBS 9
#define CHOICES 40
#define END 59
#define LONGEST 5

static struct model *m;
static struct work *work;

/* Logits behind each of n tokens. */
static void logits_of(const int32_t *ids, size_t n, float *out)
{
	struct err e = ERR_INIT;
	static const size_t start = 0;
	struct train_pack pack = {.ids = ids, .n = n, .starts = &start, .n_starts = 1};
	if (train_logits(work, &pack, out, &e) < 0) {
		printf("Bail out! %s\n", e.msg);
		exit(1);
	}
}

struct answers {
	int32_t ids[CHOICES][LONGEST];
	size_t n[CHOICES];
};

/* Different answers that begin alike often. */
static void make_answers(struct answers *a, struct rng *g)
{
	for (int i = 0; i < CHOICES; i++) {
		int same;
		do {
			a->n[i] = 2 + rng_below(g, LONGEST - 1);
			for (size_t k = 0; k + 1 < a->n[i]; k++)
				a->ids[i][k] = (int32_t)rng_below(g, 4);
			a->ids[i][a->n[i] - 1] = END;
			same = 0;
			for (int j = 0; j < i; j++)
				same |= a->n[i] == a->n[j] &&
					memcmp(a->ids[i], a->ids[j], a->n[i] * sizeof(int32_t)) ==
						0;
		} while (same);
	}
}

/* p of answer c among all, each step shared by the tokens with which some answer goes on. */
static double probability(const struct answers *a, int c, const int32_t *prompt, size_t n)
{
	static float logits[128 * VOCAB];
	int32_t ids[128];
	double p = 1;
	memcpy(ids, prompt, n * sizeof *ids);
	memcpy(ids + n, a->ids[c], a->n[c] * sizeof *ids);
	logits_of(ids, n + a->n[c], logits);
	for (size_t k = 0; k < a->n[c]; k++) {
		const float *at = logits + (n + k - 1) * VOCAB;
		int counted[VOCAB] = {0};
		double sum = 0;
		for (int i = 0; i < CHOICES; i++)
			if (a->n[i] > k && memcmp(a->ids[i], a->ids[c], k * sizeof *ids) == 0 &&
			    !counted[a->ids[i][k]]++)
				sum += exp((double)at[a->ids[i][k]]);
		p *= exp((double)at[a->ids[c][k]]) / sum;
	}
	return p;
}

static double log_p(const int32_t *prompt, size_t n, const int32_t *answer, size_t k)
{
	static float logits[128 * VOCAB];
	int32_t ids[128];
	double sum = 0;
	memcpy(ids, prompt, n * sizeof *ids);
	memcpy(ids + n, answer, k * sizeof *ids);
	logits_of(ids, n + k, logits);
	for (size_t i = 0; i < k; i++) {
		double all = 0;
		for (int v = 0; v < VOCAB; v++)
			all += exp((double)logits[(n + i - 1) * VOCAB + (size_t)v]);
		sum += (double)logits[(n + i - 1) * VOCAB + (size_t)answer[i]] - log(all);
	}
	return sum;
}

static void scores(const char *name, const char *config)
{
	struct err e = ERR_INIT;
	struct config c;
	struct decoder *d;
	struct pool *pool = pool_new(2);
	struct work_spec spec = {.max_tokens = 128};
	struct score_choices choices = {0};
	struct answers a;
	struct rng g;
	rng_seed(&g, 11, 0);
	if (config_parse(&c, config, strlen(config), name, &e) < 0 ||
	    model_new(&m, &c, 7, &e) < 0 || work_new(&work, m, pool, &spec, &e) < 0 ||
	    decoder_new(&d, m, NN_F16, 0, 40, pool, &e) < 0) {
		printf("Bail out! %s\n", e.msg);
		exit(1);
	}
	make_answers(&a, &g);
	for (int i = 0; i < CHOICES; i++)
		score_choices_add(&choices, a.ids[i], a.n[i]);
	struct scorer *s = scorer_new(d, m, SCORE_STATE_BYTES);
	struct score_job jobs[JOBS];
	int32_t prompt[JOBS][70];
	static double p[JOBS][CHOICES], floored[CHOICES];
	/* Prompts that end just before, at and behind the border of a page. */
	for (int i = 0; i < JOBS; i++) {
		size_t n = i < 6 ? (size_t[]){1, 30, 31, 32, 33, 65}[i] : 5 + (size_t)i;
		for (size_t k = 0; k < n; k++)
			prompt[i][k] = (int32_t)rng_below(&g, VOCAB);
		jobs[i] = (struct score_job){.prompt = prompt[i],
					     .n = n,
					     .answer = a.ids[i],
					     .m = a.n[i],
					     .own = 1,
					     .choices = p[i]};
	}
	score_run(s, jobs, JOBS, &choices, 0);
	double worst = 0, worst_p = 0, off = 0;
	for (int i = 0; i < JOBS; i++) {
		double sum = 0;
		worst = fmax(worst,
			     fabs(jobs[i].logp - log_p(prompt[i], jobs[i].n, a.ids[i], a.n[i])));
		for (int k = 0; k < CHOICES; k++) {
			worst_p = fmax(worst_p,
				       fabs(p[i][k] - probability(&a, k, prompt[i], jobs[i].n)));
			sum += p[i][k];
		}
		off = fmax(off, fabs(sum - 1));
	}
	ok(worst < 1e-4, "%s: log p of given answers is the trainer's (off by %.1e)", name, worst);
	ok(worst_p < 1e-4, "probabilities of choices are those computed one by one (off by %.1e)",
	   worst_p);
	ok(off < 1e-9, "and sum to 1");
	if (kvcache_state_bytes(&m->config)) {
		/* Where states are few, prompts and branches wait for one another. */
		static double again[JOBS][CHOICES];
		size_t most = 24, many = scorer_states(s);
		struct scorer *few = scorer_new(d, m, most * kvcache_state_bytes(&m->config));
		struct score_job same[JOBS];
		memcpy(same, jobs, sizeof same);
		for (int i = 0; i < JOBS; i++)
			same[i].choices = again[i];
		score_run(few, same, JOBS, &choices, 0);
		int alike = memcmp(p, again, sizeof p) == 0;
		for (int i = 0; i < JOBS; i++)
			alike &= same[i].logp == jobs[i].logp;
		ok(alike, "with room for few states all is the same, to the bit");
		ok(scorer_states(few) <= most && many > most, "%zu states at most, of %zu",
		   scorer_states(few), many);
		scorer_free(few);
	}
	struct score_job alone = jobs[5];
	alone.choices = floored;
	score_run(s, &alone, 1, &choices, 0.02);
	int same = alone.logp == jobs[5].logp, left = 0;
	for (int k = 0; k < CHOICES; k++) {
		int told = p[5][k] >= 0.02 || k == 5;
		same &= told ? floored[k] == p[5][k] : floored[k] == 0 || floored[k] == p[5][k];
		left += floored[k] == 0;
	}
	ok(same,
	   "a prompt alone gives the same bytes, and what is under the floor is left out, but never the own answer");
	ok(left > 0, "(there is something under the floor)");
	struct score_job long_one = {.prompt = prompt[5], .n = 65, .answer = prompt[5], .m = 65};
	score_run(s, &long_one, 1, NULL, 0);
	ok(isnan(long_one.logp), "what does not fit into the context has no score");
	scorer_free(s);
	score_choices_release(&choices);
	decoder_free(d);
	work_free(work);
	model_free(m);
	config_release(&c);
	pool_free(pool);
}

int main(void)
{
	scores("llama", llama);
	scores("qwen3_5", qwen3_5);
	scores("longrope", longrope);
	return tap_done();
}

/* Generation agrees with the trainer's forward pass, and an answer depends on its request alone. */
#include <stdlib.h>
#include "../../lib/base/mem.h"
#include "../../lib/lm/generate.h"
#include "../../lib/lm/train.h"
#include "tap.h"

static const char llama[] = "{\"model_type\":\"llama\",\"hidden_size\":64,\"intermediate_size\":172,\"num_hidden_layers\":2,"
			    "\"num_attention_heads\":4,\"num_key_value_heads\":2,\"vocab_size\":260,\"rms_norm_eps\":1e-5,"
			    "\"max_position_embeddings\":256,\"initializer_range\":0.2,\"eos_token_id\":258}";
static const char qwen2[] = "{\"model_type\":\"qwen2\",\"hidden_size\":64,\"intermediate_size\":96,\"num_hidden_layers\":3,"
			    "\"num_attention_heads\":4,\"num_key_value_heads\":1,\"vocab_size\":260,\"rms_norm_eps\":1e-6,"
			    "\"max_position_embeddings\":256,\"initializer_range\":0.2,\"tie_word_embeddings\":true}";
static const char qwen3[] = "{\"model_type\":\"qwen3\",\"hidden_size\":64,\"intermediate_size\":96,\"num_hidden_layers\":2,"
			    "\"num_attention_heads\":4,\"num_key_value_heads\":2,\"head_dim\":40,\"vocab_size\":260,"
			    "\"rms_norm_eps\":1e-6,\"max_position_embeddings\":256,\"initializer_range\":0.2}";
static const char mistral[] = "{\"model_type\":\"mistral\",\"hidden_size\":64,\"intermediate_size\":96,\"num_hidden_layers\":2,"
			      "\"num_attention_heads\":4,\"num_key_value_heads\":2,\"vocab_size\":260,\"sliding_window\":37,"
			      "\"max_position_embeddings\":256,\"initializer_range\":0.2}";

/* Every byte is a token: generation needs a tokenizer only to print. */
static struct tokenizer *bytes(void)
{
	struct err e = ERR_INIT;
	char dir[] = "/tmp/ft-generate-XXXXXX", file[64];
	struct tokenizer *t;

	if (!mkdtemp(dir) || tokenizer_write_bytes(dir, &e) != 0 || !(t = tokenizer_load(dir, &e))) {
		printf("Bail out! %s\n", e.msg);
		exit(1);
	}
	snprintf(file, sizeof file, "%s/tokenizer.json", dir);
	remove(file);
	snprintf(file, sizeof file, "%s/tokenizer_config.json", dir);
	remove(file);
	remove(dir);
	return t;
}

static struct lm_model *model(const char *config, uint64_t seed)
{
	struct err e = ERR_INIT;
	struct lm_config c;
	struct lm_model *m;

	if (lm_config_parse(&c, config, strlen(config), "config", &e) < 0 || lm_model_new(&m, &c, seed, &e) < 0) {
		printf("Bail out! %s\n", e.msg);
		exit(1);
	}
	lm_config_release(&c);
	return m;
}

#define REQUESTS 24
#define MAX_TEXT 4096

struct results {
	char finish[REQUESTS][8];
	size_t tokens[REQUESTS], text_len[REQUESTS], cached[REQUESTS];
	char text[REQUESTS][MAX_TEXT];
	struct lm_token token[REQUESTS][64];
	char error[REQUESTS][64];
	int n;
};

static void keep(void *arg, uint64_t ticket, const struct lm_answer *a)
{
	struct results *r = arg;

	snprintf(r->finish[ticket], sizeof r->finish[ticket], "%s", a->finish ? a->finish : "");
	snprintf(r->error[ticket], sizeof r->error[ticket], "%s", a->error_type ? a->error_type : "");
	r->tokens[ticket] = a->tokens;
	r->cached[ticket] = a->cached;
	r->text_len[ticket] = a->text.n;
	if (a->text.n)
		memcpy(r->text[ticket], a->text.s, a->text.n < MAX_TEXT ? a->text.n : MAX_TEXT);
	for (size_t i = 0; a->token && i < a->tokens && i < 64; i++)
		r->token[ticket][i] = a->token[i];
	r->n++;
}

/* Prompt i: a beginning shared by all, one shared by some, and an end of its own. */
static size_t prompt(int32_t *ids, size_t i)
{
	struct rng r;
	size_t n = 0;

	rng_seed(&r, 1, 0);
	for (size_t k = 0; k < 50; k++)
		ids[n++] = (int32_t)rng_below(&r, 256);
	rng_seed(&r, 2, i % 3);
	for (size_t k = 0; k < 21 * (i % 3); k++)
		ids[n++] = (int32_t)rng_below(&r, 256);
	rng_seed(&r, 3, i);
	for (size_t k = 0; k < i % 7 + 1; k++)
		ids[n++] = (int32_t)rng_below(&r, 256);
	return n;
}

struct how {
	int threads;
	size_t sequences, cache;
	double temperature;
	enum nn_type type;
	int backwards; /* order of arrival */
	int stops;
};

static struct results *answers(const struct lm_model *m, const struct tokenizer *t, struct how how,
			       struct lm_generator_stats *stats)
{
	static const int32_t stop[] = {258, 'e', 'q', 7};
	struct results *r = mem_alloc(1, sizeof *r);
	struct err e = ERR_INIT;
	struct pool *pool = pool_new(how.threads);
	struct lm_decoder *d;
	struct lm_generator *g;
	struct lm_generator_spec spec = {how.sequences, how.cache, stop, how.stops ? 4 : 1};
	int32_t ids[128];

	if (lm_decoder_new(&d, m, how.type, 40 + how.sequences, pool, &e) != 0 ||
	    lm_generator_new(&g, d, m, t, pool, &spec, &e) != 0) {
		printf("Bail out! %s\n", e.msg);
		exit(1);
	}
	for (size_t k = 0; k < REQUESTS; k++) {
		size_t i = how.backwards ? REQUESTS - 1 - k : k;
		struct lm_request q = {.ids = ids, .n = prompt(ids, i), .max_tokens = 40, .seed = 5, .stream = i,
				       .sampling = {how.temperature, .9, 0, 0, 1}, .logprobs = 2, .keep_start = 1};

		lm_generator_submit(g, i, &q);
	}
	while (lm_generator_step(g, keep, r) > 0)
		;
	if (stats)
		*stats = lm_generator_statistics(g);
	lm_generator_free(g);
	lm_decoder_free(d);
	pool_free(pool);
	return r;
}

static int same(const struct results *a, const struct results *b)
{
	for (size_t i = 0; i < REQUESTS; i++) {
		if (a->tokens[i] != b->tokens[i] || strcmp(a->finish[i], b->finish[i]) || a->text_len[i] != b->text_len[i] ||
		    memcmp(a->text[i], b->text[i], a->text_len[i]) != 0)
			return 0;
		for (size_t k = 0; k < a->tokens[i]; k++)
			if (a->token[i][k].id != b->token[i][k].id || a->token[i][k].logprob != b->token[i][k].logprob)
				return 0;
	}
	return a->n == REQUESTS && b->n == REQUESTS;
}

/* Greedy answers and their log-probabilities against the logits of the trainer. */
static void against_trainer(const char *name, const char *config, const struct tokenizer *t)
{
	struct lm_model *m = model(config, 3);
	struct results *r = answers(m, t, (struct how){.threads = 2, .sequences = 8, .cache = 1 << 24, .type = NN_F32}, NULL);
	struct err e = ERR_INIT;
	struct lm_work *w;
	struct lm_work_spec spec = {.max_tokens = 256};
	float *logits = mem_alloc(256 * 260, sizeof *logits);
	double worst = 0;
	size_t wrong = 0, checked = 0;

	if (lm_work_new(&w, m, NULL, &spec, &e) != 0) {
		printf("Bail out! %s\n", e.msg);
		exit(1);
	}
	for (size_t i = 0; i < REQUESTS; i++) {
		int32_t ids[256];
		size_t n = prompt(ids, i), start = 0, at = n;
		struct lm_pack pack = {.ids = ids, .starts = &start, .n_starts = 1};

		for (size_t k = 0; k < r->tokens[i]; k++)
			ids[n++] = r->token[i][k].id;
		pack.n = n;
		lm_logits(w, &pack, logits, &e);
		for (size_t k = 0; k < r->tokens[i]; k++, checked++) {
			const float *z = logits + (at + k - 1) * 260;
			double sum = lm_log_sum(z, 260);
			int32_t id = r->token[i][k].id;

			for (int32_t v = 0; v < 260; v++)
				wrong += z[v] > z[id] + 1e-3;
			worst = fmax(worst, fabs(z[id] - sum - r->token[i][k].logprob));
		}
	}
	ok(checked > 800 && wrong == 0 && worst < 1e-4,
	   "%s: %zu greedy tokens are the trainer's, log-probabilities too (off by %.2g)", name, checked, worst);
	lm_work_free(w);
	lm_model_free(m);
	free(logits);
	free(r);
}

int main(void)
{
	struct tokenizer *t = bytes();
	struct lm_model *m = model(llama, 3);
	struct lm_generator_stats stats;
	static const enum nn_type types[] = {NN_F32, NN_BF16, NN_Q8_0, NN_Q4_0};

	against_trainer("llama", llama, t);
	against_trainer("qwen2", qwen2, t);
	against_trainer("qwen3", qwen3, t);
	against_trainer("mistral with a window", mistral, t);

	for (size_t i = 0; i < 4; i++) {
		struct how how = {1, 1, 1 << 24, 0, types[i], 0, 0}, other = {2, 16, 1 << 24, 0, types[i], 1, 0};
		struct results *one = answers(m, t, how, NULL), *many = answers(m, t, other, &stats);

		ok(same(one, many), "%s: one at a time on one thread or 16 on two, backwards: the same bits",
		   nn_type_name(types[i]));
		free(one);
		free(many);
	}
	{
		struct how how = {1, 1, 1 << 24, .8, NN_F32, 0, 1}, other = {2, 16, 1 << 24, .8, NN_F32, 1, 1};
		struct results *one = answers(m, t, how, NULL), *many = answers(m, t, other, &stats);
		size_t stopped = 0, longest = 0, shared = 0;

		ok(same(one, many), "sampled answers do not depend on the order of arrival or what runs beside them");
		for (size_t i = 0; i < REQUESTS; i++) {
			stopped += strcmp(one->finish[i], "stop") == 0;
			longest += strcmp(one->finish[i], "length") == 0 && one->tokens[i] == 40;
			shared += many->cached[i] >= 49;
		}
		ok(stopped > 0 && longest > 0 && stopped + longest == REQUESTS, "answers end at a stop token or at max_tokens");
		ok(shared >= REQUESTS - 1, "what prompts share is computed once (%zu of %d)", shared, REQUESTS);
		ok(stats.computed < stats.prompt_tokens / 2, "%zu of %zu prompt tokens were computed", stats.computed,
		   stats.prompt_tokens);
		free(one);

		/* Room for about six sequences of the sixteen. */
		other.cache = 24 * lm_kv_page_bytes(&m->config);
		one = answers(m, t, other, &stats);
		ok(same(one, many), "a cache too small for all gives the same answers");
		ok(stats.preempted > 0 && stats.cache_bytes <= other.cache, "and %zu sequences gave way to keep within it",
		   stats.preempted);
		free(one);
		free(many);
	}
	lm_model_free(m);
	tokenizer_free(t);
	return tap_done();
}

/* Generation agrees with the trainer's forward pass, and an answer depends on its request alone. */
#include <stdlib.h>
#include "../../lib/base/mem.h"
#include "../../lib/model/adapter.h"
#include "../../lib/infer/generator.h"
#include "../../lib/train/gradient.h"
#include "tap.h"

static const char llama[] =
	"{\"model_type\":\"llama\",\"hidden_size\":64,\"intermediate_size\":172,\"num_hidden_layers\":2,"
	"\"num_attention_heads\":4,\"num_key_value_heads\":2,\"vocab_size\":260,\"rms_norm_eps\":1e-5,"
	"\"max_position_embeddings\":256,\"initializer_range\":0.2,\"eos_token_id\":258}";
static const char qwen2[] =
	"{\"model_type\":\"qwen2\",\"hidden_size\":64,\"intermediate_size\":96,\"num_hidden_layers\":3,"
	"\"num_attention_heads\":4,\"num_key_value_heads\":1,\"vocab_size\":260,\"rms_norm_eps\":1e-6,"
	"\"max_position_embeddings\":256,\"initializer_range\":0.2,\"tie_word_embeddings\":true}";
static const char qwen3[] =
	"{\"model_type\":\"qwen3\",\"hidden_size\":64,\"intermediate_size\":96,\"num_hidden_layers\":2,"
	"\"num_attention_heads\":4,\"num_key_value_heads\":2,\"head_dim\":40,\"vocab_size\":260,"
	"\"rms_norm_eps\":1e-6,\"max_position_embeddings\":256,\"initializer_range\":0.2}";
static const char mistral[] =
	"{\"model_type\":\"mistral\",\"hidden_size\":64,\"intermediate_size\":96,\"num_hidden_layers\":2,"
	"\"num_attention_heads\":4,\"num_key_value_heads\":2,\"vocab_size\":260,\"sliding_window\":37,"
	"\"max_position_embeddings\":256,\"initializer_range\":0.2}";

static const char qwen3_5[] =
	"{\"model_type\":\"qwen3_5_text\",\"hidden_size\":64,\"intermediate_size\":96,\"num_hidden_layers\":3,"
	"\"num_attention_heads\":4,\"num_key_value_heads\":2,\"head_dim\":16,\"vocab_size\":260,"
	"\"full_attention_interval\":2,\"linear_num_key_heads\":2,\"linear_num_value_heads\":4,"
	"\"linear_key_head_dim\":12,\"linear_value_head_dim\":16,"
	"\"max_position_embeddings\":256,\"initializer_range\":0.2}";

/* Angles are others from the beginning on once a sequence passes 64 tokens: some prompts are longer,
 * some answers go beyond. */
static const char longrope[] =
	"{\"model_type\":\"phi3\",\"hidden_size\":64,\"intermediate_size\":96,\"num_hidden_layers\":2,"
	"\"num_attention_heads\":4,\"num_key_value_heads\":2,\"vocab_size\":260,"
	"\"rope_scaling\":{\"type\":\"longrope\",\"short_factor\":[1,1.1,1.2,1.3,1.4,1.5,1.6,1.7],"
	"\"long_factor\":[1.5,2,3,4,5,6,7,8]},\"original_max_position_embeddings\":64,"
	"\"max_position_embeddings\":256,\"initializer_range\":0.2}";
static const char yarn[] =
	"{\"model_type\":\"qwen3\",\"hidden_size\":64,\"intermediate_size\":96,\"num_hidden_layers\":2,"
	"\"num_attention_heads\":4,\"num_key_value_heads\":2,\"head_dim\":16,\"vocab_size\":260,"
	"\"rope_scaling\":{\"rope_type\":\"yarn\",\"factor\":4.0,\"original_max_position_embeddings\":64},"
	"\"max_position_embeddings\":256,\"initializer_range\":0.2}";
/* An answer ends where the angles would change. */
static const char dynamic[] =
	"{\"model_type\":\"llama\",\"hidden_size\":64,\"intermediate_size\":96,\"num_hidden_layers\":2,"
	"\"num_attention_heads\":4,\"num_key_value_heads\":2,\"vocab_size\":260,"
	"\"rope_scaling\":{\"rope_type\":\"dynamic\",\"factor\":2.0},"
	"\"max_position_embeddings\":128,\"initializer_range\":0.2}";

/* Bytes of a cache of so many pages, in which a model that has states has a few of them. */
static size_t small_cache(const struct model *m, size_t pages)
{
	size_t bytes = pages * kvcache_page_bytes(&m->config),
	       states = 5 * kvcache_state_bytes(&m->config);

	return states == 0 ? bytes : 2 * (bytes > states ? bytes : states);
}

/* Every byte is a token: generation needs a tokenizer only to print. */
static struct tokenizer *bytes(void)
{
	struct err e = ERR_INIT;
	char dir[] = "/tmp/ft-generate-XXXXXX", file[64];
	struct tokenizer *t;

	if (!mkdtemp(dir) || tokenizer_write_bytes(dir, &e) != 0 ||
	    !(t = tokenizer_load(dir, &e))) {
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

static struct model *model(const char *config, uint64_t seed)
{
	struct err e = ERR_INIT;
	struct config c;
	struct model *m;

	if (config_parse(&c, config, strlen(config), "config", &e) < 0 ||
	    model_new(&m, &c, seed, &e) < 0) {
		printf("Bail out! %s\n", e.msg);
		exit(1);
	}
	config_release(&c);
	return m;
}

#define REQUESTS 24
#define MAX_TEXT 4096

struct results {
	char finish[REQUESTS][8];
	size_t tokens[REQUESTS], text_len[REQUESTS], cached[REQUESTS];
	char text[REQUESTS][MAX_TEXT];
	struct generator_token token[REQUESTS][64];
	char error[REQUESTS][64];
	int n;
};

static void keep(void *arg, uint64_t ticket, const struct generator_answer *a)
{
	struct results *r = arg;

	snprintf(r->finish[ticket], sizeof r->finish[ticket], "%s", a->finish ? a->finish : "");
	snprintf(r->error[ticket], sizeof r->error[ticket], "%s",
		 a->error_type ? a->error_type : "");
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
	int unmerged;
};

static struct results *answers(const struct model *m, const struct tokenizer *t, struct how how)
{
	static const int32_t stop[] = {258, 'e', 'q', 7};
	struct results *r = mem_alloc(1, sizeof *r);
	struct err e = ERR_INIT;
	struct pool *pool = pool_new(how.threads);
	struct decoder *d;
	struct generator *g;
	struct generator_spec spec = {how.sequences, how.cache, stop, how.stops ? 4 : 1};
	int32_t ids[128];

	if (decoder_new(&d, m, how.type, how.unmerged, 40 + how.sequences, pool, &e) != 0 ||
	    generator_new(&g, d, m, t, pool, &spec, &e) != 0) {
		printf("Bail out! %s\n", e.msg);
		exit(1);
	}
	for (size_t k = 0; k < REQUESTS; k++) {
		size_t i = how.backwards ? REQUESTS - 1 - k : k;
		struct generator_request q = {.ids = ids,
					      .n = prompt(ids, i),
					      .max_tokens = 40,
					      .seed = 5,
					      .stream = i,
					      .sampling = {how.temperature, .9, 0, 0, 1},
					      .logprobs = 2,
					      .keep_start = 1};

		generator_submit(g, i, &q);
	}
	while (generator_step(g, keep, r) > 0)
		;
	generator_free(g);
	decoder_free(d);
	pool_free(pool);
	return r;
}

static int same(const struct results *a, const struct results *b)
{
	for (size_t i = 0; i < REQUESTS; i++) {
		if (a->tokens[i] != b->tokens[i] || strcmp(a->finish[i], b->finish[i]) ||
		    a->text_len[i] != b->text_len[i] ||
		    memcmp(a->text[i], b->text[i], a->text_len[i]) != 0)
			return 0;
		for (size_t k = 0; k < a->tokens[i]; k++)
			if (a->token[i][k].id != b->token[i][k].id ||
			    a->token[i][k].logprob != b->token[i][k].logprob)
				return 0;
	}
	return a->n == REQUESTS && b->n == REQUESTS;
}

/* Greedy answers and their log-probabilities against the logits of the trainer. */
static void against_trainer(const char *name, const char *config, const struct tokenizer *t)
{
	struct model *m = model(config, 3);
	struct results *r = answers(m, t,
				    (struct how){.threads = 2,
						 .sequences = 8,
						 .cache = 1 << 24,
						 .type = NN_F32});
	struct err e = ERR_INIT;
	struct work *w;
	struct work_spec spec = {.max_tokens = 256};
	float *logits = mem_alloc(256 * 260, sizeof *logits);
	double worst = 0;
	size_t wrong = 0, checked = 0;

	if (work_new(&w, m, NULL, &spec, &e) != 0) {
		printf("Bail out! %s\n", e.msg);
		exit(1);
	}
	for (size_t i = 0; i < REQUESTS; i++) {
		int32_t ids[256];
		size_t n = prompt(ids, i), start = 0, at = n;
		struct train_pack pack = {.ids = ids, .starts = &start, .n_starts = 1};

		for (size_t k = 0; k < r->tokens[i]; k++)
			ids[n++] = r->token[i][k].id;
		pack.n = n;
		train_logits(w, &pack, logits, &e);
		for (size_t k = 0; k < r->tokens[i]; k++, checked++) {
			/* Of a text up to here: further tokens may change what stands before. */
			pack.n = at + k;
			if (m->config.long_positions)
				train_logits(w, &pack, logits, &e);
			const float *z = logits + (at + k - 1) * 260;
			double sum = sample_log_sum(z, 260);
			int32_t id = r->token[i][k].id;

			for (int32_t v = 0; v < 260; v++)
				wrong += z[v] > z[id] + 1e-3;
			worst = fmax(worst, fabs(z[id] - sum - r->token[i][k].logprob));
		}
	}
	ok(checked > 500 && wrong == 0 && worst < 1e-4,
	   "%s: %zu greedy tokens are the trainer's, log-probabilities too (off by %.2g)", name,
	   checked, worst);
	work_free(w);
	model_free(m);
	free(logits);
	free(r);
}

/* An adapter beside the weights gives what it gives merged into them, but for rounding. */
static void adapters(const struct tokenizer *t)
{
	static const enum nn_type types[] = {NN_F32, NN_Q8_0};
	struct model *m = model(qwen2, 3);
	struct adapter spec = {.rank = 5,
			       .alpha = 10,
			       .targets = (char *)"q_proj,v_proj,o_proj,gate_proj,down_proj"};
	struct how merged = {.threads = 1, .sequences = 8, .cache = 1 << 24}, beside = merged,
		   alone;
	struct err e = ERR_INIT;
	struct pool *pool = pool_new(1);
	struct decoder *d;
	struct rng r;

	if (adapter_new(m, &spec, 4, &e) != 0) {
		printf("Bail out! %s\n", e.msg);
		exit(1);
	}
	rng_seed(&r, 6, 0);
	for (size_t i = 0; i < m->n_params; i++)
		m->params[i] = (float)rng_normal(&r) * .1f;
	beside.unmerged = 1;
	for (size_t i = 0; i < 2; i++) {
		struct results *one, *two, *three;
		double worst = 0, longest = 0;
		size_t alike = 0;

		merged.type = beside.type = types[i];
		alone = beside;
		alone.threads = 2;
		alone.sequences = 1;
		alone.backwards = 1;
		one = answers(m, t, merged);
		two = answers(m, t, beside);
		three = answers(m, t, alone);
		/* The first token of each is chosen after the same prompt. */
		for (size_t k = 0; k < REQUESTS; k++) {
			double off = fabs(one->token[k][0].logprob - two->token[k][0].logprob);

			alike += one->token[k][0].id == two->token[k][0].id;
			worst = off > worst ? off : worst;
			longest = fmax(longest, fabs(one->token[k][0].logprob));
		}
		/* Quantised, the base alone is rounded in one and the sum in the other. */
		if (types[i] == NN_F32)
			ok(alike == REQUESTS && worst < 1e-4 && longest > 1e-2,
			   "f32: an adapter beside the weights is one merged into them (off by %.2g)",
			   worst);
		else
			ok(alike >= REQUESTS - 4 && worst > 1e-6,
			   "%s: and here but for what is rounded (off by %.2g, %zu of %d alike)",
			   nn_type_name(types[i]), worst, alike, REQUESTS);
		ok(same(two, three),
		   "%s, beside: one at a time or eight, one thread or two: the same bits",
		   nn_type_name(types[i]));
		free(one);
		free(two);
		free(three);
	}
	m->adapter->dora = 1;
	ok(decoder_new(&d, m, NN_F32, 1, 8, pool, &e) == -1 && strstr(e.msg, "DoRA"),
	   "DoRA beside the weights is refused");
	m->adapter->dora = 0;
	pool_free(pool);
	model_free(m);
}

static void note(void *arg, uint64_t ticket, const struct generator_answer *a)
{
	struct buf *order = arg;

	(void)a;
	buf_addc(order, 'a' + (int)ticket);
}

/* In which order prompts of these lengths are answered, `sequences` at a time. */
static struct buf order_of(const struct model *m, const struct tokenizer *t, const size_t *lengths,
			   size_t n, size_t sequences)
{
	struct generator_spec spec = {sequences, 1 << 24, NULL, 0};
	struct pool *pool = pool_new(1);
	struct buf order = BUF_INIT;
	struct err e = ERR_INIT;
	struct decoder *d;
	struct generator *g;

	if (decoder_new(&d, m, NN_F32, 0, 80, pool, &e) != 0 ||
	    generator_new(&g, d, m, t, pool, &spec, &e) != 0) {
		printf("Bail out! %s\n", e.msg);
		exit(1);
	}
	for (size_t i = 0; i < n; i++) {
		int32_t ids[64];

		for (size_t k = 0; k < lengths[i]; k++)
			ids[k] = (int32_t)((i * 31 + k * 7) % 256);
		generator_submit(g, i,
				 &(struct generator_request){.ids = ids,
							     .n = lengths[i],
							     .max_tokens = 2,
							     .sampling = {.top_p = 1, .repeat = 1},
							     .logprobs = -1});
	}
	while (generator_step(g, note, &order) > 0)
		;
	generator_free(g);
	decoder_free(d);
	pool_free(pool);
	return order;
}

static void admission(const struct model *m, const struct tokenizer *t)
{
	struct buf order = order_of(m, t, (size_t[]){5, 40, 8}, 3, 1);
	ok(span_is(buf_span(&order), "bac"),
	   "the longest prompt comes first, but nobody is passed twice where one runs at a time (%s)",
	   order.data);
	buf_release(&order);
	order = order_of(m, t, (size_t[]){5, 40, 8, 40, 60, 20, 50}, 7, 2);
	ok(order.len == 7 && memchr(order.data, 'a', 4),
	   "with two at a time the first is passed by two (%s)", order.data);
	buf_release(&order);
}

/* --- an answer watched while it is written, and requests that are dropped --- */

struct watched {
	struct results *r;
	size_t seen[REQUESTS], length[REQUESTS], wrong;
	char so_far[REQUESTS][MAX_TEXT];
};

static void grown(void *arg, uint64_t ticket, const struct generator_answer *a)
{
	struct watched *w = arg;

	w->wrong += a->text.n < w->length[ticket] ||
		    memcmp(w->so_far[ticket], a->text.s, w->length[ticket]) != 0;
	memcpy(w->so_far[ticket], a->text.s, a->text.n);
	w->length[ticket] = a->text.n;
	w->seen[ticket]++;
}

static void keep_watched(void *arg, uint64_t ticket, const struct generator_answer *a)
{
	struct watched *w = arg;

	w->wrong += a->text.n < w->length[ticket] ||
		    memcmp(w->so_far[ticket], a->text.s, w->length[ticket]) != 0;
	w->wrong += a->stopped_by && strcmp(a->stopped_by, "ab") != 0 &&
		    strcmp(a->stopped_by, "e") != 0;
	keep(w->r, ticket, a);
}

/* All requests at once, or those of the second half one by one as the steps go; of those whose number
 * is divided by `every` (0: none) each is dropped at a step of its own. */
static struct watched *watched_answers(const struct model *m, const struct tokenizer *t,
				       struct how how, size_t every, int late)
{
	static const char *const stop[] = {"ab", "e"};
	struct watched *w = mem_alloc(1, sizeof *w);
	struct generator_spec spec = {how.sequences, how.cache, NULL, 0};
	struct pool *pool = pool_new(how.threads);
	struct err e = ERR_INIT;
	struct decoder *d;
	struct generator *g;
	size_t next = 0, step = 0;
	int32_t ids[128];

	w->r = mem_alloc(1, sizeof *w->r);
	if (decoder_new(&d, m, how.type, 0, 8 + how.sequences, pool, &e) != 0 ||
	    generator_new(&g, d, m, t, pool, &spec, &e) != 0) {
		printf("Bail out! %s\n", e.msg);
		exit(1);
	}
	generator_watch(g, grown, w);
	do {
		for (; next < REQUESTS && (!late || next < REQUESTS / 2 || next < step); next++)
			generator_submit(g, next,
					 &(struct generator_request){.ids = ids,
								     .n = prompt(ids, next),
								     .max_tokens = 40,
								     .seed = 5,
								     .stream = next,
								     .sampling = {how.temperature,
										  1, 0, 0, 1},
								     .stop = stop,
								     .stops = 2,
								     .logprobs = 2,
								     .keep_start = 1});
		for (size_t i = 0; every && i < next; i += every)
			if (step == i + 1)
				generator_drop(g, i);
		generator_drop(g, REQUESTS + 7); /* never in hand */
		step++;
	} while (generator_step(g, keep_watched, w) > 0 || next < REQUESTS);
	generator_free(g);
	decoder_free(d);
	pool_free(pool);
	return w;
}

static void watched_free(struct watched *w)
{
	free(w->r);
	free(w);
}

/* How many of those that were not dropped got another answer, or none. */
static size_t others_differ(const struct watched *a, const struct watched *b, size_t every)
{
	size_t n = 0;

	for (size_t i = 0; i < REQUESTS; i++)
		n += (!every || i % every != 0) &&
		     (a->r->tokens[i] != b->r->tokens[i] ||
		      a->r->text_len[i] != b->r->text_len[i] ||
		      strcmp(a->r->finish[i], b->r->finish[i]) != 0 ||
		      memcmp(a->r->text[i], b->r->text[i], a->r->text_len[i]) != 0 ||
		      memcmp(a->r->token[i], b->r->token[i],
			     a->r->tokens[i] * sizeof *a->r->token[i]) != 0);
	return n;
}

static void text_of(void *arg, uint64_t ticket, const struct generator_answer *a)
{
	struct buf *texts = arg;

	buf_clear(&texts[ticket]);
	buf_addspan(&texts[ticket], a->text);
}

#define SHARING 5

/* Prompts with a long common beginning, of which the first is dropped while it reads it: the others
 * have taken its pages over. */
static void shared_beginning(const struct model *m, const struct tokenizer *t, size_t dropped_after,
			     struct buf *texts)
{
	struct generator_spec spec = {SHARING, 1 << 24, NULL, 0};
	struct pool *pool = pool_new(2);
	struct err e = ERR_INIT;
	struct decoder *d;
	struct generator *g;
	struct rng r;
	int32_t ids[200];
	size_t step = 0;

	if (decoder_new(&d, m, NN_F32, 0, 20, pool, &e) != 0 ||
	    generator_new(&g, d, m, t, pool, &spec, &e) != 0) {
		printf("Bail out! %s\n", e.msg);
		exit(1);
	}
	for (size_t i = 0; i < SHARING; i++) {
		rng_seed(&r, 9, 0);
		for (size_t k = 0; k < 200; k++)
			ids[k] = (int32_t)rng_below(&r, 256);
		/* They part where a page ends and within one; the longest comes first. */
		ids[96 + 24 * i] = (int32_t)i;
		generator_submit(g, i,
				 &(struct generator_request){.ids = ids,
							     .n = 200 - i,
							     .max_tokens = 12,
							     .sampling = {.top_p = 1, .repeat = 1},
							     .logprobs = -1});
	}
	while (generator_step(g, text_of, texts) > 0)
		if (step++ == dropped_after) {
			generator_drop(g, 0);
			generator_drop(g, dropped_after % 2 ? 1 : 3);
		}
	generator_free(g);
	decoder_free(d);
	pool_free(pool);
}

static void dropping_the_reader(const struct model *m, const struct tokenizer *t)
{
	struct buf whole[SHARING] = {{0}}, rest[SHARING] = {{0}};

	shared_beginning(m, t, SIZE_MAX, whole);
	for (size_t after = 0; after < 8; after++) {
		size_t same_texts = 0;

		for (size_t i = 0; i < SHARING; i++)
			buf_clear(&rest[i]);
		shared_beginning(m, t, after, rest);
		for (size_t i = 0; i < SHARING; i++)
			same_texts += i == 0 || i == (after % 2 ? 1 : 3) ||
				      span_eq(buf_span(&whole[i]), buf_span(&rest[i]));
		ok(same_texts == SHARING && rest[2].len > 0 && rest[0].len == 0,
		   "a prompt dropped after %zu steps leaves what others took over of it",
		   after + 1);
	}
	for (size_t i = 0; i < SHARING; i++) {
		buf_release(&whole[i]);
		buf_release(&rest[i]);
	}
}

static void watching_and_dropping(const struct model *m, const struct tokenizer *t)
{
	struct how how = {1, 1, 1 << 24, .8, NN_F32, 0, 0, 0};
	struct watched *alone = watched_answers(m, t, how, 0, 0);
	size_t pieces = 0, stopped = 0;

	for (size_t i = 0; i < REQUESTS; i++) {
		pieces += alone->seen[i];
		stopped += strcmp(alone->r->finish[i], "stop") == 0;
	}
	ok(alone->wrong == 0 && pieces > 200 && stopped > 1 && stopped < REQUESTS,
	   "each text that is seen begins with the one before, and the answer with the last (%zu, %zu stopped)",
	   pieces, stopped);
	for (size_t every = 2; every <= 5; every++) {
		/* The longest cache holds all; the shortest makes sequences give way. */
		size_t caches[] = {1 << 24, small_cache(m, 24)};

		for (size_t c = 0; c < 2; c++) {
			struct watched *w;

			how = (struct how){2, 16, caches[c], .8, NN_F32, 0, 0, 0};
			w = watched_answers(m, t, how, every, every % 2);
			ok(others_differ(alone, w, every) == 0 && w->wrong == 0 &&
				   w->r->n < REQUESTS &&
				   w->r->n >= REQUESTS - 1 - REQUESTS / (int)every,
			   "dropping every %zuth changes no other answer, cache %zu (%d answered)",
			   every, c, w->r->n);
			watched_free(w);
		}
	}
	watched_free(alone);
}

/* Prompts one after another that begin alike: where a copy of the state is there to go on from. */
static void keeping_copies(const struct model *m, const struct tokenizer *t)
{
	/* Of 160 tokens each as many are the same as the first's; the last goes on from the first. */
	static const size_t alike[] = {0, 100, 101, 70, 75, 100, 160},
			    copied[] = {0, 0, 96, 0, 64, 96, 128};
	struct generator_spec spec = {1, 1 << 24, NULL, 0};
	struct results *r = mem_alloc(1, sizeof *r);
	struct pool *pool = pool_new(1);
	struct err e = ERR_INIT;
	struct decoder *d;
	struct generator *g;
	size_t right = 0;

	if (decoder_new(&d, m, NN_F32, 0, 100, pool, &e) != 0 ||
	    generator_new(&g, d, m, t, pool, &spec, &e) != 0) {
		printf("Bail out! %s\n", e.msg);
		exit(1);
	}
	for (size_t i = 0; i < 7; i++) {
		int32_t ids[170];
		struct generator_request q = {.ids = ids,
					      .n = i == 6 ? 170 : 160,
					      .max_tokens = 2,
					      .sampling = {.top_p = 1, .repeat = 1},
					      .logprobs = -1};

		for (size_t k = 0; k < q.n; k++)
			ids[k] = (int32_t)((k * 7 + (k >= alike[i] ? 31 * i : 0)) % 256);
		generator_submit(g, i, &q);
		while (generator_step(g, keep, r) > 0)
			;
		right += r->cached[i] == copied[i];
		if (r->cached[i] != copied[i])
			printf("# prompt %zu: %zu, not %zu\n", i, r->cached[i], copied[i]);
	}
	ok(right == 7, "a state is copied where prompts were seen to part, and where one ended");
	generator_free(g);
	decoder_free(d);
	pool_free(pool);
	free(r);
}

/* Answers are the same whatever runs beside them and whatever was cached. */
static void alike(const char *name, const struct model *m, const struct tokenizer *t)
{
	static const enum nn_type types[] = {NN_F32, NN_BF16, NN_Q8_0, NN_Q4_0};

	for (size_t i = 0; i < 4; i++) {
		struct how how = {1, 1, 1 << 24, 0, types[i], 0, 0, 0},
			   other = {2, 16, 1 << 24, 0, types[i], 1, 0, 0};
		struct results *one = answers(m, t, how), *many = answers(m, t, other);

		ok(same(one, many),
		   "%s, %s: one at a time on one thread or 16 on two, backwards: the same bits",
		   name, nn_type_name(types[i]));
		free(one);
		free(many);
	}
	{
		struct how how = {1, 1, 1 << 24, .8, NN_F32, 0, 1, 0},
			   other = {2, 16, 1 << 24, .8, NN_F32, 1, 1, 0};
		struct results *one = answers(m, t, how), *many = answers(m, t, other);
		size_t stopped = 0, longest = 0, shared = 0;

		ok(same(one, many),
		   "sampled answers do not depend on the order of arrival or what runs beside them");
		for (size_t i = 0; i < REQUESTS; i++) {
			stopped += strcmp(one->finish[i], "stop") == 0;
			longest += strcmp(one->finish[i], "length") == 0 && one->tokens[i] == 40;
			/* States are kept at the ends of pages alone. */
			shared += many->cached[i] >= (kvcache_state_bytes(&m->config) ? 32 : 49);
		}
		ok(stopped > 0 && longest > 0 && stopped + longest == REQUESTS,
		   "answers end at a stop token or at max_tokens");
		/* and long texts and others have their beginnings apart */
		ok(shared >= REQUESTS - (kvcache_state_bytes(&m->config) || m->config.long_positions
						 ? 2
						 : 1),
		   "what prompts share is computed once (%zu of %d)", shared, REQUESTS);
		free(one);

		/* Room for about six sequences of the sixteen. */
		other.cache = small_cache(m, 24);
		one = answers(m, t, other);
		ok(same(one, many), "a cache too small for all gives the same answers");
		free(one);
		free(many);
	}
}

int main(void)
{
	struct tokenizer *t = bytes();
	struct model *m = model(llama, 3);
	struct model *states = model(qwen3_5, 3), *lengthened = model(longrope, 3);

	against_trainer("llama", llama, t);
	against_trainer("qwen2", qwen2, t);
	against_trainer("qwen3", qwen3, t);
	against_trainer("mistral with a window", mistral, t);
	against_trainer("qwen3_5", qwen3_5, t);
	against_trainer("longrope", longrope, t);
	against_trainer("yarn", yarn, t);
	against_trainer("dynamic", dynamic, t);

	alike("llama", m, t);
	alike("qwen3_5", states, t);
	alike("longrope", lengthened, t);
	admission(m, t);
	watching_and_dropping(m, t);
	dropping_the_reader(m, t);
	dropping_the_reader(states, t);
	keeping_copies(states, t);
	model_free(m);
	model_free(states);
	model_free(lengthened);
	adapters(t);
	tokenizer_free(t);
	return tap_done();
}

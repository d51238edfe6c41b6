/* Experts stored as MXFP4: what is computed with them is what is computed with their values, which
 * are worked out here from the format's table. */
#include <unistd.h>
#include "../../lib/infer/decoder.h"
#include "../../lib/model/adapter.h"
#include "../../lib/train/gradient.h"
#include "mxfp4.h"
#include "random-model.h"
#include "tap.h"

#define TOKENS 20

static struct err e = ERR_INIT;
static char top[] = "/tmp/ft-mxfp4.XXXXXX", plain[64], packed[64], saved[64];

static const char config_text[] =
	"{\"model_type\": \"gpt_oss\", \"num_hidden_layers\": 2, \"hidden_size\": 64,"
	" \"num_attention_heads\": 4, \"num_key_value_heads\": 2, \"head_dim\": 16,"
	" \"intermediate_size\": 32, \"vocab_size\": 37, \"num_local_experts\": 3,"
	" \"num_experts_per_tok\": 2, \"sliding_window\": 8, \"initializer_range\": 0.3,"
	" \"rope_scaling\": {\"rope_type\": \"yarn\", \"factor\": 2.0,"
	" \"original_max_position_embeddings\": 16, \"truncate\": false}}";

static void need(int rc)
{
	if (rc) {
		printf("Bail out! %s\n", e.msg);
		exit(1);
	}
}

static void logits(float *out, const struct model *m)
{
	static int32_t ids[TOKENS];
	size_t start = 0;
	struct train_pack pack = {ids, NULL, TOKENS, &start, 1};
	struct work_spec spec = {.max_tokens = TOKENS};
	struct work *w;

	for (int i = 0; i < TOKENS; i++)
		ids[i] = i * 7 % 37;
	need(work_new(&w, m, NULL, &spec, &e));
	need(train_logits(w, &pack, out, &e));
	work_free(w);
}

/* Logits of the text, so many of its tokens a step. */
static void generated(float *out, const struct model *m, enum nn_type type, size_t many)
{
	struct pool *pool = pool_new(2);
	struct decoder_row rows[TOKENS];
	struct kvcache kv;
	struct decoder *d;
	uint32_t page;

	kvcache_init(&kv, &m->config, 0, 4, 1);
	page = kvcache_take(&kv);
	need(decoder_new(&d, m, type, 0, TOKENS, pool, &e));
	for (int i = 0; i < TOKENS; i++)
		rows[i] = (struct decoder_row){i * 7 % 37, (uint32_t)i, &page, i};
	for (size_t i = 0; i < TOKENS; i += many) {
		for (size_t k = 0; k < many; k++)
			rows[i + k].logits = (int)k;
		decoder_step(d, &kv, rows + i, many, out + i * 37);
	}
	decoder_free(d);
	kvcache_release(&kv);
	pool_free(pool);
}

static double apart(const float *a, const float *b, size_t n)
{
	double worst = 0;

	for (size_t i = 0; i < n; i++)
		worst = fmax(worst, fabs((double)a[i] - b[i]));
	return worst;
}

/* The values of a tensor with blocks and scales as [experts, in, out], from the table. */
static void unpacked(float *out, const struct st_tensor *blocks, const struct st_tensor *scales)
{
	size_t rows = blocks->shape[1], groups = blocks->shape[2];

	for (size_t b = 0; b < scales->count; b++) {
		size_t row = b / groups, x = row / rows;

		for (size_t i = 0; i < 32; i++) {
			unsigned char byte = ((const unsigned char *)blocks->data)[b * 16 + i / 2];
			double v = mxfp4_values[i % 2 ? byte >> 4 : byte & 15];

			out[(x * groups * 32 + b % groups * 32 + i) * rows + row % rows] =
				(float)ldexp(v, ((const unsigned char *)scales->data)[b] - 127);
		}
	}
}

/* How many of a saved model's experts are, value for value, those of the blocks. */
static void values_are_kept(void)
{
	struct st_set a = {0}, b = {0};
	int same = 0;

	need(st_open_dir(&a, packed, "model", &e));
	need(st_open_dir(&b, saved, "model", &e));
	for (size_t i = 0; i < b.n; i++) {
		char name[200];
		const struct st_tensor *blocks, *scales;
		float *want;

		snprintf(name, sizeof name, "%s_blocks", b.t[i].name);
		blocks = st_find(&a, name);
		snprintf(name, sizeof name, "%s_scales", b.t[i].name);
		scales = st_find(&a, name);
		if (!blocks || !scales)
			continue;
		want = mem_alloc(b.t[i].count, sizeof *want);
		unpacked(want, blocks, scales);
		same += apart(want, b.t[i].data, b.t[i].count) == 0;
		free(want);
	}
	ok(same == 4, "saved as f32, both products of both layers have the table's values");
	st_close(&a);
	st_close(&b);
}

static void refused(const char *leave, const char *because)
{
	char dir[64];
	struct model *m = NULL;

	snprintf(dir, sizeof dir, "%s/without-%s", top, leave);
	need(mxfp4_rewrite(plain, dir, leave, &e));
	ok(model_open(&m, dir, NULL, &e) && strstr(e.msg, because) && strstr(e.msg, dir),
	   "without %s: %s", leave, e.msg);
	model_free(m);
}

int main(void)
{
	static float a[TOKENS * 37], b[TOKENS * 37];
	struct adapter adapter = {.rank = 2, .alpha = 4, .targets = (char *)"all"};
	struct model_load q4 = {1, NN_Q4_0};
	struct config c;
	struct model *m, *wide, *again;
	int stays = 1;

	if (!mkdtemp(top))
		return 1;
	snprintf(plain, sizeof plain, "%s/plain", top);
	snprintf(packed, sizeof packed, "%s/packed", top);
	snprintf(saved, sizeof saved, "%s/saved", top);
	need(config_parse(&c, config_text, strlen(config_text), "config", &e));
	need(random_model(&m, &c, 1, &e));
	need(model_save(m, plain, &(struct model_save){.type = NN_F32}, &e));
	model_free(m);
	need(mxfp4_rewrite(plain, packed, NULL, &e));

	need(model_open(&m, packed, NULL, &e));
	for (size_t i = 0; i < m->n_tensors; i++)
		stays = stays && (m->tensors[i].dims == 3) == (m->tensors[i].type == NN_MXFP4);
	ok(stays, "experts stay as they are stored, and nothing else is so");
	need(model_save(m, saved, &(struct model_save){.type = NN_F32}, &e));
	values_are_kept();
	need(model_open(&wide, saved, NULL, &e));
	logits(a, m);
	logits(b, wide);
	ok(apart(a, b, TOKENS * 37) < 1e-5, "logits are those of their values (%.1e)",
	   apart(a, b, TOKENS * 37));
	generated(b, m, NN_F32, TOKENS);
	ok(apart(a, b, TOKENS * 37) < 1e-4, "generation has training's logits (%.1e)",
	   apart(a, b, TOKENS * 37));
	generated(a, m, NN_F16, TOKENS);
	ok(apart(a, b, TOKENS * 37) == 0, "and as the file has them, too");
	generated(a, m, NN_F32, 1);
	ok(apart(a, b, TOKENS * 37) == 0, "and the same bytes one token at a time");
	need(model_save(wide, saved, &(struct model_save){.type = NN_BF16}, &e));
	need(model_open(&again, saved, NULL, &e));
	generated(a, again, NN_F16, 4);
	generated(b, again, NN_F32, 4);
	ok(apart(a, b, TOKENS * 37) < 1e-4, "experts that are packed are those stored (%.1e)",
	   apart(a, b, TOKENS * 37));
	generated(a, again, NN_F32, 1);
	ok(apart(a, b, TOKENS * 37) == 0, "and the same bytes one token at a time");
	model_free(again);
	generated(a, wide, NN_Q4_0, 1);
	generated(b, wide, NN_Q4_0, TOKENS);
	ok(apart(a, b, TOKENS * 37) == 0, "as those of q4_0 are");
	need(model_open(&again, packed, &q4, &e));
	stays = 1;
	for (size_t i = 0; i < again->n_tensors; i++)
		stays = stays &&
			(again->tensors[i].dims != 3 || again->tensors[i].type == NN_MXFP4);
	ok(stays, "a base held as q4_0 has them as they are stored");
	model_free(again);
	ok(model_train_all(wide, &e) == 0, "their values are trained");
	ok(model_train_all(m, &e) && strstr(e.msg, "quantised weights"),
	   "as MXFP4 they are not: %s", e.msg);
	ok(adapter_new(m, &adapter, 1, &e) == 0, "an adapter goes over attention");
	model_free(m);
	model_free(wide);
	refused("down_proj_scales", "mlp.experts.down_proj_scales is missing");
	refused("gate_up_proj_blocks", "mlp.experts.gate_up_proj_blocks is missing");
	refused("gate_up_proj_bias", "mlp.experts.gate_up_proj_bias is missing");
	config_release(&c);
	snprintf(packed, sizeof packed, "rm -rf %s", top);
	ok(system(packed) == 0, "nothing is left in /tmp");
	return tap_done();
}

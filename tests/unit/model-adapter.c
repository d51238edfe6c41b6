/* Adapters as PEFT writes them: each variant of the files, made here from the format's definition,
 * against a base whose weights were changed by hand; and the files that are refused. */
#include <math.h>
#include <stdlib.h>
#include <unistd.h>
#include "../../lib/base/file.h"
#include "../../lib/base/mem.h"
#include "../../lib/model/adapter.h"
#include "../../lib/model/safetensors.h"
#include "../../lib/train/gradient.h"
#include "random-model.h"
#include "tap.h"

#define SHAPE \
	"\"num_hidden_layers\": 2, \"hidden_size\": 16, \"num_attention_heads\": 4, \"num_key_value_heads\": 2, " \
	"\"intermediate_size\": 20, \"vocab_size\": 37, \"max_position_embeddings\": 64, \"initializer_range\": 0.3"
static const char untied[] =
	"{\"model_type\": \"llama\", " SHAPE
	", \"attention_bias\": true, \"mlp_bias\": true, \"tie_word_embeddings\": false}";
static const char tied[] = "{\"model_type\": \"llama\", " SHAPE ", \"tie_word_embeddings\": true}";
static const char parted[] =
	"{\"model_type\": \"llama\", " SHAPE ", \"tie_word_embeddings\": false}";
static const char mixed[] =
	"{\"model_type\": \"qwen3_moe\", " SHAPE
	", \"head_dim\": 4, \"num_experts\": 4, \"num_experts_per_tok\": 2, \"moe_intermediate_size\": 12, "
	"\"mlp_only_layers\": [0]}";
static const char fused[] = "{\"model_type\": \"phi3\", " SHAPE "}";

static struct err e = ERR_INIT;
static char top[] = "/tmp/ft-adapter.XXXXXX";
static int made;

static void need(int rc)
{
	if (rc) {
		printf("Bail out! %s\n", e.msg);
		exit(1);
	}
}

static double loss_of(const struct model *m, int base)
{
	static int32_t ids[30];
	static float weights[30];
	size_t start = 0;
	struct train_pack p = {ids, weights, 30, &start, 1};
	struct work_spec spec = {.max_tokens = 30};
	struct train_loss l = {0};
	struct work *w;

	for (int i = 0; i < 30; i++) {
		ids[i] = i * 7 % 37;
		weights[i] = 1;
	}
	need(work_new(&w, m, NULL, &spec, &e));
	need(train_loss(w, &p, 1, base, &l, NULL, &e));
	work_free(w);
	return l.loss;
}

/* --- a file in the making, and the base as it is meant to become --- */

struct making {
	struct model *want;
	struct st_out out;
	const char *form;   /* of a name: %s is the module's, then "lora_A" and so on behind it */
	const char *behind; /* "" or ".default" */
	float *keep[200];
	size_t n;
	struct rng r;
};

static float *random_values(struct making *k, size_t n)
{
	float *x = k->keep[k->n++] = mem_alloc(n, sizeof *x);

	for (size_t i = 0; i < n; i++)
		x[i] = (float)(0.1 * rng_normal(&k->r));
	return x;
}

static void put(struct making *k, const char *module, const char *what, int dims, size_t rows,
		size_t cols, const float *x)
{
	uint64_t shape[2] = {dims == 2 ? rows : cols, cols};
	char full[256], name[300];

	snprintf(full, sizeof full, k->form, module);
	if (strncmp(what, "lora_embedding", 14) == 0)
		snprintf(name, sizeof name, "%s.%s%s", full, what, k->behind);
	else
		snprintf(name, sizeof name, "%s.%s%s%s", full, what, k->behind,
			 strchr(what, '.') || strcmp(what, "weight") == 0 ? "" : ".weight");
	st_add(&k->out, name, ST_F32, dims, shape, x);
}

static float *weight_of(struct model *m, const char *module, size_t *rows, size_t *cols)
{
	char name[200];

	snprintf(name, sizeof name, "%s.weight", module);
	for (size_t i = 0; i < m->n_tensors; i++)
		if (strcmp(m->tensors[i].name, name) == 0) {
			*rows = m->tensors[i].rows;
			*cols = m->tensors[i].cols;
			return m->params + m->tensors[i].offset;
		}
	printf("Bail out! there is no %s\n", name);
	exit(1);
}

/* LoRA of that rank and scale over a module, in the file and in the model that is wanted. */
static void lora(struct making *k, const char *module, size_t rank, double scale)
{
	size_t rows, cols;
	float *w = weight_of(k->want, module, &rows, &cols), *a = random_values(k, rank * cols),
	      *b = random_values(k, rows * rank);

	put(k, module, "lora_A", 2, rank, cols, a);
	put(k, module, "lora_B", 2, rows, rank, b);
	for (size_t o = 0; o < rows; o++)
		for (size_t i = 0; i < cols; i++)
			for (size_t p = 0; p < rank; p++)
				w[o * cols + i] +=
					(float)(scale * b[o * rank + p] * a[p * cols + i]);
}

/* Over the embedding: row i grows by scale B A's column i. */
static void lora_embedding(struct making *k, size_t rank, double scale)
{
	size_t rows, cols;
	float *w = weight_of(k->want, "model.embed_tokens", &rows, &cols),
	      *a = random_values(k, rank * rows), *b = random_values(k, cols * rank);

	put(k, "model.embed_tokens", "lora_embedding_A", 2, rank, rows, a);
	put(k, "model.embed_tokens", "lora_embedding_B", 2, cols, rank, b);
	for (size_t o = 0; o < rows; o++)
		for (size_t i = 0; i < cols; i++)
			for (size_t p = 0; p < rank; p++)
				w[o * cols + i] +=
					(float)(scale * b[i * rank + p] * a[p * rows + o]);
}

static void lora_bias(struct making *k, const char *module, double scale)
{
	size_t rows, cols;
	float *x;
	char name[200];

	weight_of(k->want, module, &rows, &cols);
	x = random_values(k, rows);
	snprintf(name, sizeof name, "lora_B%s.bias", k->behind);
	put(k, module, name, 1, 1, rows, x);
	snprintf(name, sizeof name, "%s.bias", module);
	for (size_t i = 0; i < k->want->n_tensors; i++)
		for (size_t j = 0; strcmp(k->want->tensors[i].name, name) == 0 && j < rows; j++)
			k->want->params[k->want->tensors[i].offset + j] += (float)(scale * x[j]);
}

/* A module that is in the file as a whole. */
static void saved(struct making *k, const char *module)
{
	size_t rows, cols;
	float *w = weight_of(k->want, module, &rows, &cols), *x = random_values(k, rows * cols);

	put(k, module, "weight", 2, rows, cols, x);
	memcpy(w, x, rows * cols * sizeof *w);
}

static void begin(struct making *k, char base[64], const char *config, const char *want)
{
	struct config c;

	*k = (struct making){.form = "base_model.model.%s", .behind = ""};
	rng_seed(&k->r, 3, (uint64_t)made);
	snprintf(base, 64, "%s/base%d", top, made);
	need(config_parse(&c, config, strlen(config), "config", &e));
	need(random_model(&k->want, &c, 5, &e));
	need(model_save(k->want, base, &(struct model_save){.type = NN_F32}, &e));
	config_release(&c);
	if (!want)
		return;
	/* A tied pair that comes apart: the head begins as the embedding. */
	struct model *apart;

	need(config_parse(&c, want, strlen(want), "config", &e));
	need(random_model(&apart, &c, 5, &e));
	config_release(&c);
	for (size_t i = 0; i < apart->n_tensors; i++) {
		struct model_tensor *t = &apart->tensors[i];
		const struct model_tensor *from =
			&k->want->tensors[t->role == MODEL_HEAD ? (size_t)k->want->t_embed : i];

		memcpy(apart->params + t->offset, k->want->params + from->offset,
		       t->rows * t->cols * sizeof(float));
	}
	model_free(k->want);
	k->want = apart;
}

static void write_to(struct making *k, const char *dir, const char *config)
{
	char path[160];

	need(file_mkdir(dir, &e));
	snprintf(path, sizeof path, "%s/adapter_model.safetensors", dir);
	need(st_write(&k->out, path, NULL, NULL, &e));
	snprintf(path, sizeof path, "%s/adapter_config.json", dir);
	need(file_write(path, config, strlen(config), &e));
}

static void end(struct making *k)
{
	st_out_release(&k->out);
	for (size_t i = 0; i < k->n; i++)
		free(k->keep[i]);
	model_free(k->want);
}

#define CONFIG(members) \
	"{\"peft_type\": \"LORA\", \"r\": 3, \"lora_alpha\": 6, \"target_modules\": \"all-linear\"" members \
	"}"

/* What was made loads, is merged and written again, and computes what is wanted each time. */
static void check(struct making *k, const char *base, const char *config, const char *what)
{
	char dir[64], again[64], merged[64];
	struct model *m;
	double want = loss_of(k->want, 0), plain, got;

	snprintf(dir, sizeof dir, "%s/a%d", top, made);
	snprintf(again, sizeof again, "%s/b%d", top, made);
	snprintf(merged, sizeof merged, "%s/m%d", top, made);
	made++;
	write_to(k, dir, config);
	need(model_open(&m, base, NULL, &e));
	plain = loss_of(m, 0);
	if (adapter_open(m, dir, 0, &e)) {
		ok(0, "%s: %s", what, e.msg);
		model_free(m);
		end(k);
		return;
	}
	got = loss_of(m, 0);
	ok(fabs(got / want - 1) < 1e-5 && fabs(want / plain - 1) > 1e-4,
	   "%s: loaded it computes what was meant (%.6f, %.6f)", what, got, want);
	ok(loss_of(m, 1) == plain, "%s: and the base alone is still the base", what);
	need(model_save(m, merged, &(struct model_save){.type = NN_F32}, &e));
	need(adapter_save(m, again, "base", &e));
	model_free(m);
	need(model_open(&m, merged, NULL, &e));
	ok(fabs(loss_of(m, 0) / want - 1) < 1e-5, "%s: merged too", what);
	model_free(m);
	need(model_open(&m, base, NULL, &e));
	ok(adapter_open(m, again, 1, &e) == 0 && loss_of(m, 0) == got,
	   "%s: written again and opened to go on from, to the bit (%s)", what, e.msg);
	model_free(m);
	end(k);
}

static void names(void)
{
	static const struct {
		const char *form, *behind, *what;
	} forms[] = {
		{"base_model.model.%s", "", "PEFT's own names"},
		{"base_model.model.%s", ".default", "names with the adapter's"},
		{"%s", "", "names without prefix"},
		{"base_model.%s", ".default", "names with half of it"},
		{"_orig_mod.base_model.model.%s", "", "names of a compiled model"},
		{"base_model.model._orig_mod.%s", ".default", "names of a compiled base"},
		{"base_model.model.language_model.%s", "", "names inside a multimodal model"},
		{"base_model.model.model.language_model.%s", "", "the same in the newer order"},
	};
	char base[64];

	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		struct making k;

		begin(&k, base, untied, NULL);
		k.form = forms[i].form;
		k.behind = forms[i].behind;
		lora(&k, "model.layers.0.self_attn.q_proj", 3, 2);
		lora(&k, "model.layers.1.mlp.down_proj", 3, 2);
		check(&k, base, CONFIG(""), forms[i].what);
	}
}

static void patterns(void)
{
	struct making k;
	char base[64];

	begin(&k, base, untied, NULL);
	lora(&k, "model.layers.0.self_attn.q_proj", 3, 4. / 3);
	lora(&k, "model.layers.1.self_attn.q_proj", 3, 4. / 3);
	lora(&k, "model.layers.0.self_attn.v_proj", 2, 3);
	lora(&k, "model.layers.1.self_attn.v_proj", 5, 9. / 5);
	lora(&k, "model.layers.1.mlp.up_proj", 3, 2);
	check(&k, base,
	      CONFIG(", \"rank_pattern\": {\"layers.1.self_attn.v_proj\": 5, \"v_proj\": 2}, "
		     "\"alpha_pattern\": {\"q_proj\": 4, \".*\\\\.1\\\\..*v_proj\": 9}"),
	      "rank_pattern and alpha_pattern");

	begin(&k, base, untied, NULL);
	lora(&k, "model.layers.0.self_attn.q_proj", 4, 6 / 2.);
	lora(&k, "model.layers.0.self_attn.k_proj", 3, 12 / sqrt(3));
	check(&k, base,
	      CONFIG(", \"use_rslora\": true, \"rank_pattern\": {\"^model.layers.0.self_attn.q_proj\": 4}, "
		     "\"alpha_pattern\": {\"k_proj\": 12}"),
	      "the same with rsLoRA");

	begin(&k, base, untied, NULL);
	lora(&k, "model.layers.1.self_attn.o_proj", 3, 2);
	check(&k, base, CONFIG(", \"layers_to_transform\": [1], \"layers_pattern\": \"layers\""),
	      "layers_pattern");

	begin(&k, base, fused, NULL);
	lora(&k, "model.layers.0.self_attn.qkv_proj", 3, 2);
	lora(&k, "model.layers.1.mlp.gate_up_proj", 2, 3);
	check(&k, base, CONFIG(", \"rank_pattern\": {\"gate_up_proj\": 2}"), "fused products");
}

/* One layer has an MLP, the other experts: of these some, and not all products, have one. */
static void over_experts(void)
{
	struct making k;
	char base[64];

	begin(&k, base, mixed, NULL);
	lora(&k, "model.layers.0.self_attn.q_proj", 3, 2);
	lora(&k, "model.layers.0.mlp.gate_proj", 3, 2);
	lora(&k, "model.layers.1.mlp.experts.0.gate_proj", 3, 2);
	lora(&k, "model.layers.1.mlp.experts.2.gate_proj", 3, 2);
	lora(&k, "model.layers.1.mlp.experts.1.up_proj", 2, 3);
	lora(&k, "model.layers.1.mlp.experts.3.down_proj", 3, 8. / 3);
	check(&k, base,
	      CONFIG(", \"rank_pattern\": {\"up_proj\": 2}, \"alpha_pattern\": {\"experts.3.down_proj\": 8}"),
	      "adapters over experts");
}

static void outside(void)
{
	struct making k;
	char base[64];

	begin(&k, base, untied, NULL);
	lora(&k, "model.layers.0.self_attn.q_proj", 3, 2);
	lora(&k, "lm_head", 3, 2);
	lora_embedding(&k, 2, 3);
	check(&k, base, CONFIG(", \"rank_pattern\": {\"embed_tokens\": 2}"),
	      "LoRA on embedding and head");

	begin(&k, base, tied, parted);
	lora_embedding(&k, 3, 2);
	check(&k, base, CONFIG(", \"modules_to_save\": null"),
	      "LoRA on the embedding of a tied pair");

	begin(&k, base, untied, NULL);
	lora(&k, "model.layers.0.self_attn.q_proj", 3, 2);
	saved(&k, "lm_head");
	check(&k, base, CONFIG(", \"modules_to_save\": [\"lm_head\"]"),
	      "modules_to_save, the head");

	begin(&k, base, untied, NULL);
	k.form = "base_model.model.%s.modules_to_save.default";
	saved(&k, "lm_head");
	saved(&k, "model.embed_tokens");
	check(&k, base, CONFIG(", \"modules_to_save\": [\"lm_head\", \"embed_tokens\"]"),
	      "modules_to_save, both, by their names in memory");

	begin(&k, base, tied, parted);
	lora(&k, "model.layers.1.mlp.gate_proj", 3, 2);
	saved(&k, "model.embed_tokens");
	check(&k, base, CONFIG(", \"modules_to_save\": [\"embed_tokens\"]"),
	      "modules_to_save, the embedding of a tied pair");

	begin(&k, base, untied, NULL);
	k.behind = ".default";
	lora(&k, "model.layers.0.self_attn.q_proj", 3, 2);
	lora_bias(&k, "model.layers.0.self_attn.q_proj", 2);
	lora(&k, "model.layers.1.mlp.down_proj", 3, 2);
	lora_bias(&k, "model.layers.1.mlp.down_proj", 2);
	check(&k, base, CONFIG(", \"lora_bias\": true"), "lora_bias");
}

/* A bias of B over a product without one is computed beside it, but has nowhere to be merged. */
static void no_bias_to_merge(void)
{
	static float bias[16];
	struct making k;
	struct model *m;
	char base[64], dir[64], merged[64];

	begin(&k, base, tied, NULL);
	lora(&k, "model.layers.0.self_attn.q_proj", 3, 2);
	for (int i = 0; i < 16; i++)
		bias[i] = (float)i / 8;
	put(&k, "model.layers.0.self_attn.q_proj", "lora_B.bias", 1, 1, 16, bias);
	snprintf(dir, sizeof dir, "%s/a%d", top, made);
	snprintf(merged, sizeof merged, "%s/m%d", top, made++);
	write_to(&k, dir, CONFIG(", \"lora_bias\": true"));
	need(model_open(&m, base, NULL, &e));
	ok(adapter_open(m, dir, 0, &e) == 0 && fabs(loss_of(m, 0) / loss_of(k.want, 0) - 1) > 1e-4,
	   "a bias of B over a product without one is computed");
	ok(model_save(m, merged, &(struct model_save){.type = NN_F32}, &e) &&
		   strstr(e.msg, "self_attn.q_proj of the base has no bias"),
	   "and not merged: %s", e.msg);
	model_free(m);
	end(&k);
}

static void no_such_expert(void)
{
	static const char *const modules[] = {"model.layers.1.mlp.experts.4.gate_proj",
					      "model.layers.0.mlp.experts.0.gate_proj",
					      "model.layers.1.mlp.gate_proj",
					      "model.layers.1.mlp.experts.00x.gate_proj"};
	static float x[3 * 16];

	for (size_t i = 0; i < sizeof modules / sizeof *modules; i++) {
		struct making k;
		struct model *m;
		char base[64], dir[64];

		begin(&k, base, mixed, NULL);
		put(&k, modules[i], "lora_A", 2, 3, 16, x);
		snprintf(dir, sizeof dir, "%s/a%d", top, made++);
		write_to(&k, dir, CONFIG(""));
		need(model_open(&m, base, NULL, &e));
		ok(adapter_open(m, dir, 0, &e) && strstr(e.msg, modules[i]) &&
			   strstr(e.msg, "no module in this base model"),
		   "refused: %s", e.msg);
		model_free(m);
		end(&k);
	}
}

static void refusals(void)
{
	static const struct {
		const char *config, *because;
		int what; /* 0: as it should be, 1.. see below */
	} all[] = {
		{"{\"peft_type\": \"LOHA\", \"r\": 3, \"lora_alpha\": 6}", "peft_type \"LOHA\"", 0},
		{CONFIG(", \"modules_to_save\": [\"score\"]"),
		 "modules_to_save: \"score\" is not supported (embed_tokens and lm_head are)", 0},
		{CONFIG(", \"modules_to_save\": [\"lm_head\"]"),
		 "modules_to_save names lm_head, and the file has no weights of it", 0},
		{CONFIG(", \"bias\": \"all\""), "bias", 0},
		{CONFIG(", \"init_lora_weights\": \"pissa\""), "pissa", 0},
		{CONFIG(", \"trainable_token_indices\": [1, 2]"), "trainable_token_indices", 0},
		{CONFIG(", \"rank_pattern\": {\"q_proj\": 4}"), "shape [4, 16]", 0},
		{CONFIG(", \"rank_pattern\": {\"(\": 4}"), "rank_pattern: \"(\" is no pattern", 0},
		{CONFIG(", \"rank_pattern\": {\"q_proj\": 2.5}"), "rank_pattern: 2.5", 0},
		{CONFIG(", \"alpha_pattern\": {\"q_proj\": -1}"), "alpha_pattern: -1", 0},
		{CONFIG(""), "is not whole", 1},
		{CONFIG(""), "no module in this base model", 2},
		{CONFIG(""), "no module in this base model", 3},
		{CONFIG(""), "lm_head.weight has not the shape [37, 16]", 4},
		{CONFIG(", \"use_dora\": true"), "DoRA on embeddings and head", 5},
		{CONFIG(""), "lora_C.weight is of a kind that is not supported", 6},
		{CONFIG(""), "is stored as I32", 7},
	};
	static float x[40 * 16];

	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		struct making k;
		struct model *m;
		char base[64], dir[64];
		uint64_t shape[2] = {3, 16};

		begin(&k, base, untied, NULL);
		if (all[i].what == 1)
			put(&k, "model.layers.1.self_attn.k_proj", "lora_A", 2, 3, 16, x);
		else
			lora(&k, "model.layers.0.self_attn.q_proj", 3, 2);
		if (all[i].what == 2)
			put(&k, "model.layers.2.self_attn.q_proj", "lora_A", 2, 3, 16, x);
		if (all[i].what == 3)
			put(&k, "model.vision_tower.encoder.layers.0.self_attn.q_proj", "lora_A", 2,
			    3, 16, x);
		if (all[i].what == 4)
			put(&k, "lm_head", "weight", 2, 40, 16, x);
		if (all[i].what == 5)
			put(&k, "lm_head", "lora_A", 2, 3, 16, x);
		if (all[i].what == 6)
			put(&k, "model.layers.0.self_attn.q_proj", "lora_C", 2, 3, 16, x);
		if (all[i].what == 7)
			st_add(&k.out,
			       "base_model.model.model.layers.1.self_attn.q_proj.lora_A.weight",
			       ST_I32, 2, shape, x);
		snprintf(dir, sizeof dir, "%s/a%d", top, made++);
		write_to(&k, dir, all[i].config);
		need(model_open(&m, base, NULL, &e));
		e.msg[0] = 0;
		ok(adapter_open(m, dir, 0, &e) && strstr(e.msg, all[i].because) &&
			   strstr(e.msg, dir),
		   "refused: %s", e.msg);
		model_free(m);
		end(&k);
	}
}

int main(void)
{
	char command[64];

	if (!mkdtemp(top))
		return 1;
	names();
	patterns();
	over_experts();
	outside();
	no_bias_to_merge();
	no_such_expert();
	refusals();
	snprintf(command, sizeof command, "rm -rf %s", top);
	ok(system(command) == 0, "nothing is left in /tmp");
	return tap_done();
}

/* A model's and an adapter's tensors under GGUF's names. See gguf.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "adapter.h"
#include "quantize.h"
#include "gguf.h"

/* Where a tensor of the file comes from. */
struct source {
	int tensor;			/* in the model's table; -1: values below */
	const struct model_linear *lin; /* with an adapter to merge, or whose a or b is written */
	enum { WHOLE, LORA_A, LORA_B } part;
	int permute; /* rows go from (heads, 2, half) to (heads, half, 2) */
	float plus;  /* added to every value */
	const float *values;
};

struct job {
	struct gguf g;
	const struct model *m;
	const struct model_save *how;
	struct source *s;
	size_t n, cap;
	float alpha; /* of the adapter file */
	float *divisors;
};

/* NULL where the family has no GGUF form here. */
static const char *architecture(const struct config *c)
{
	static const char *const same[] = {"llama", "qwen2", "qwen3", "gemma", "gemma2"};

	for (size_t i = 0; i < sizeof same / sizeof *same; i++)
		if (strcmp(c->model_type, same[i]) == 0)
			return same[i];
	if (strcmp(c->model_type, "mistral") == 0)
		return "llama";
	return strcmp(c->model_type, "gemma3_text") == 0 ? "gemma3" : NULL;
}

static void add(struct job *j, const char *name, enum nn_type type, size_t rows, size_t cols,
		struct source s)
{
	gguf_tensor(&j->g, name, type, rows, cols);
	j->s = mem_grow(j->s, &j->cap, j->n + 1, sizeof *j->s);
	j->s[j->n++] = s;
}

/* Row of the model's tensor that becomes row r of the file's. */
static size_t row_from(const struct job *j, const struct source *s, size_t r)
{
	size_t hd = j->m->config.head_dim, in = r % hd;

	return s->permute ? r - in + in % 2 * (hd / 2) + in / 2 : r;
}

static int write_rows(const struct job *j, size_t i, FILE *f, struct err *e)
{
	const struct gguf_tensor *t = &j->g.t[i];
	const struct source *s = &j->s[i];
	size_t cols = t->ne[0], rows = t->dims == 2 ? t->ne[1] : 1,
	       bytes = nn_row_bytes(t->type, cols);
	const struct model_tensor *from = s->tensor >= 0 ? &j->m->tensors[s->tensor] : NULL;
	struct nn_mat w = {0};
	float *row = mem_alloc(cols, sizeof *row), *merged = NULL;
	void *coded = mem_alloc(bytes, 1);
	int rc = 0;

	if (from && s->part == WHOLE && s->lin && s->lin->a) {
		merged = mem_alloc(rows * cols, sizeof *merged);
		model_tensor_values(j->m, (size_t)s->tensor, 1, merged);
	} else if (from) {
		w = (struct nn_mat){from->type, rows, cols, from->data};
	}
	for (size_t r = 0; r < rows && !rc; r++) {
		size_t at = row_from(j, s, r);

		if (s->part == LORA_A)
			memcpy(row, s->lin->a + at * cols, cols * sizeof *row);
		else if (s->part == LORA_B)
			/* The file has one alpha for all: what a module's own scale differs by goes
			 * into its b. */
			for (size_t k = 0; k < cols; k++)
				row[k] = s->lin->b[at * cols + k] *
					 (s->lin->scale * (float)s->lin->rank / j->alpha);
		else if (merged)
			memcpy(row, merged + at * cols, cols * sizeof *row);
		else if (from && t->dims == 1 && s->permute)
			for (size_t k = 0; k < cols; k++)
				nn_decode(row + k, from->type,
					  (const char *)from->data +
						  row_from(j, s, k) * nn_row_bytes(from->type, 1),
					  1);
		else if (from)
			nn_mat_rows(row, &w, at, 1);
		else
			memcpy(row, s->values, cols * sizeof *row);
		for (size_t k = 0; s->plus != 0 && k < cols; k++)
			row[k] += s->plus;
		nn_encode(t->type, coded, row, cols);
		if (fwrite(coded, 1, bytes, f) != bytes)
			rc = err_errno(e, "tensor %s", t->name);
	}
	if (from)
		model_forget(j->m, from->data, nn_row_bytes(from->type, from->rows * from->cols));
	free(row);
	free(merged);
	free(coded);
	return rc;
}

static int fill(void *arg, size_t i, FILE *f, struct err *e)
{
	const struct job *j = arg;
	const struct gguf_tensor *t = &j->g.t[i];

	if (write_rows(j, i, f, e))
		return -1;
	if (j->how->step && j->how->step(j->how->arg, t->ne[0] * (t->dims == 2 ? t->ne[1] : 1)))
		return err_set(e, "interrupted");
	return 0;
}

static void add_vector(struct job *j, const char *name, int tensor, float plus, int permute)
{
	const struct model_tensor *t;

	if (tensor < 0)
		return;
	t = &j->m->tensors[tensor];
	add(j, name, NN_F32, 0, t->cols,
	    (struct source){.tensor = tensor, .plus = plus, .permute = permute});
}

static const char *const linear_names[MODEL_LINEARS] = {"attn_q",      "attn_k",   "attn_v",
							"attn_output", "ffn_gate", "ffn_up",
							"ffn_down"};

static void add_layer(struct job *j, size_t l, enum nn_type type, int tied, int permute)
{
	const struct model_layer *layer = &j->m->layers[l];
	float plus = j->m->config.norm_plus;
	char name[96];
	const struct {
		const char *name;
		const struct model_norm *w;
	} norms[] = {{"attn_norm", &layer->norm_attn},
		     {"ffn_norm", &layer->norm_mlp},
		     {"post_attention_norm", &layer->post_attn},
		     {"post_ffw_norm", &layer->post_mlp},
		     {"attn_q_norm", &layer->norm_q},
		     {"attn_k_norm", &layer->norm_k}};

	for (size_t i = 0; i < sizeof norms / sizeof *norms; i++) {
		snprintf(name, sizeof name, "blk.%zu.%s.weight", l, norms[i].name);
		if (norms[i].w->w)
			add_vector(j, name, norms[i].w->t_w, plus, 0);
	}
	for (int i = 0; i < MODEL_LINEARS; i++) {
		const struct model_linear *lin = &layer->lin[i];
		int turn = permute && (i == MODEL_Q || i == MODEL_K);

		if (lin->w.rows == 0)
			continue;
		snprintf(name, sizeof name, "blk.%zu.%s.weight", l, linear_names[i]);
		add(j, name, quantize_held_as(type, MODEL_WEIGHT, tied, lin->w.cols), lin->w.rows,
		    lin->w.cols, (struct source){.tensor = lin->t_w, .lin = lin, .permute = turn});
		snprintf(name, sizeof name, "blk.%zu.%s.bias", l, linear_names[i]);
		if (lin->bias)
			add_vector(j, name, lin->t_bias, 0, turn);
	}
}

/* Divisors of the rotary frequencies, as llama.cpp wants llama3's scaling. */
static void add_divisors(struct job *j)
{
	const struct config *c = &j->m->config;
	size_t half = c->head_dim / 2;
	double *scaled = mem_alloc(half, sizeof *scaled);

	config_rope(c, 0, scaled);
	j->divisors = mem_alloc(half, sizeof *j->divisors);
	for (size_t i = 0; i < half; i++)
		j->divisors[i] =
			(float)(pow(c->rope_theta, -(double)(2 * i) / (double)c->head_dim) /
				scaled[i]);
	add(j, "rope_freqs.weight", NN_F32, 0, half,
	    (struct source){.tensor = -1, .values = j->divisors});
	free(scaled);
}

static uint32_t file_type(enum nn_type t)
{
	return t == NN_Q4_0 ? 2 : t == NN_Q8_0 ? 7 : t == NN_BF16 ? 32 : 0;
}

static void add_config(struct gguf *g, const struct config *c, const char *arch)
{
	char key[96];
#define KEY(name) (snprintf(key, sizeof key, "%s." name, arch), key)

	gguf_u32(g, KEY("context_length"), (uint32_t)c->max_positions);
	gguf_u32(g, KEY("embedding_length"), (uint32_t)c->hidden);
	gguf_u32(g, KEY("block_count"), (uint32_t)c->layers);
	gguf_u32(g, KEY("feed_forward_length"), (uint32_t)c->ffn);
	gguf_u32(g, KEY("attention.head_count"), (uint32_t)c->heads);
	gguf_u32(g, KEY("attention.head_count_kv"), (uint32_t)c->kv_heads);
	gguf_u32(g, KEY("attention.key_length"), (uint32_t)c->head_dim);
	gguf_u32(g, KEY("attention.value_length"), (uint32_t)c->head_dim);
	gguf_f32(g, KEY("attention.layer_norm_rms_epsilon"), c->norm_eps);
	gguf_f32(g, KEY("rope.freq_base"), (float)c->rope_theta);
	gguf_u32(g, KEY("rope.dimension_count"), (uint32_t)c->head_dim);
	gguf_u32(g, KEY("vocab_size"), (uint32_t)c->vocab);
	if (c->rope == CONFIG_ROPE_LINEAR) {
		gguf_string(g, KEY("rope.scaling.type"), span_of("linear"));
		gguf_f32(g, KEY("rope.scaling.factor"), (float)c->rope_factor);
	}
	if (c->window > 0)
		gguf_u32(g, KEY("attention.sliding_window"), (uint32_t)c->window);
	if (c->attn_softcap > 0)
		gguf_f32(g, KEY("attn_logit_softcapping"), c->attn_softcap);
	if (c->logit_softcap > 0)
		gguf_f32(g, KEY("final_logit_softcapping"), c->logit_softcap);
#undef KEY
}

static void job_release(struct job *j)
{
	gguf_release(&j->g);
	free(j->s);
	free(j->divisors);
}

int gguf_export_model(const struct model *m, const struct tokenizer *t,
		      const struct model_save *how, const char *name, const char *path,
		      struct gguf_report *report, struct err *e)
{
	const struct config *c = &m->config;
	const char *arch = architecture(c);
	struct job j = {.m = m, .how = how};
	enum nn_type type = how->type;
	int tied = m->t_head == m->t_embed, permute, rc;

	if (!arch)
		return err_set(e,
			       "models of type %s have no GGUF form here; --format hf has all of them",
			       c->model_type);
	permute = strcmp(arch, "llama") == 0;
	gguf_string(&j.g, "general.architecture", span_of(arch));
	gguf_string(&j.g, "general.type", span_of("model"));
	gguf_string(&j.g, "general.name", span_of(name));
	gguf_u32(&j.g, "general.file_type", file_type(type));
	gguf_u32(&j.g, "general.quantization_version", 2);
	add_config(&j.g, c, arch);
	if (gguf_add_tokenizer(&j.g, t, m->dir, c->vocab, e)) {
		job_release(&j);
		return -1;
	}
	add(&j, "token_embd.weight", quantize_held_as(type, MODEL_EMBED, tied, m->embed.cols),
	    m->embed.rows, m->embed.cols, (struct source){.tensor = m->t_embed});
	add_vector(&j, "output_norm.weight", m->norm_final.t_w, c->norm_plus, 0);
	if (!tied)
		add(&j, "output.weight", quantize_held_as(type, MODEL_HEAD, 0, m->head.cols),
		    m->head.rows, m->head.cols, (struct source){.tensor = m->t_head});
	if (c->rope == CONFIG_ROPE_LLAMA3)
		add_divisors(&j);
	for (size_t l = 0; l < c->layers; l++)
		add_layer(&j, l, type, tied, permute);
	rc = gguf_write(&j.g, path, fill, &j, &report->bytes, e);
	report->tensors = j.n;
	job_release(&j);
	return rc;
}

int gguf_export_adapter(const struct model *m, const struct model_save *how, const char *name,
			const char *path, struct gguf_report *report, struct err *e)
{
	const char *arch = architecture(&m->config);
	struct job j = {.m = m, .how = how};
	int rc, permute;
	char key[96];

	if (!m->adapter)
		return err_set(e, "there is no adapter to write");
	if (!arch)
		return err_set(e, "models of type %s have no GGUF form here", m->config.model_type);
	if (m->adapter->dora)
		return err_set(e,
			       "a DoRA adapter cannot be written alone: merge it (leave --adapter-only out)");
	permute = strcmp(arch, "llama") == 0;
	j.alpha = (float)(m->adapter->alpha > 0 ? m->adapter->alpha : 1);
	gguf_string(&j.g, "general.architecture", span_of(arch));
	gguf_string(&j.g, "general.type", span_of("adapter"));
	gguf_string(&j.g, "general.name", span_of(name));
	gguf_u32(&j.g, "general.file_type", 0);
	gguf_string(&j.g, "adapter.type", span_of("lora"));
	gguf_f32(&j.g, "adapter.lora.alpha", j.alpha);
	for (size_t l = 0; l < m->config.layers; l++)
		for (int i = 0; i < MODEL_LINEARS; i++) {
			const struct model_linear *lin = &m->layers[l].lin[i];

			if (!lin->a)
				continue;
			snprintf(key, sizeof key, "blk.%zu.%s.weight.lora_a", l, linear_names[i]);
			add(&j, key, NN_F32, lin->rank, lin->w.cols,
			    (struct source){.tensor = -1, .lin = lin, .part = LORA_A});
			snprintf(key, sizeof key, "blk.%zu.%s.weight.lora_b", l, linear_names[i]);
			add(&j, key, NN_F32, lin->w.rows, lin->rank,
			    (struct source){.tensor = -1,
					    .lin = lin,
					    .part = LORA_B,
					    .permute = permute && (i == MODEL_Q || i == MODEL_K)});
		}
	rc = gguf_write(&j.g, path, fill, &j, &report->bytes, e);
	report->tensors = j.n;
	job_release(&j);
	return rc;
}

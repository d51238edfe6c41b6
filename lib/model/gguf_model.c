/* A model's and an adapter's tensors under GGUF's names. See gguf.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "adapter.h"
#include "family.h"
#include "quantize.h"
#include "gguf.h"

/* Where a tensor of the file comes from. */
struct source {
	int tensor;			/* in the model's table; -1: values below */
	const struct model_linear *lin; /* with an adapter to merge, or whose a or b is written */
	/* EXPERTS: lin is one product of a layer's first expert, or with two dimensions one of the
	 * layer; EXPERTS_BIAS: the biases of all */
	enum { WHOLE, LORA_A, LORA_B, EXPERTS, EXPERTS_BIAS } part;
	int permute; /* rows go from (heads, 2, half) to (heads, half, 2) */
	/* Heads of values, of so many rows each (0: none) from row `heads_from` on, or of so many columns,
	 * go from groups of one head of keys each to one of each group after the other. */
	size_t head_rows, heads_from, head_cols;
	float plus;   /* added to every value */
	int negative; /* e^x is meant, and -e^x wanted */
	const float *values;
};

struct job {
	struct gguf g;
	const struct model *m;
	const struct model_save *how;
	struct source *s;
	size_t n, cap;
	float alpha; /* of the adapter file */
	float *divisors[2];
};

static void add_planes(struct job *j, const char *name, enum nn_type type, size_t planes,
		       size_t rows, size_t cols, struct source s)
{
	gguf_tensor(&j->g, name, type, planes, rows, cols);
	j->s = mem_grow(j->s, &j->cap, j->n + 1, sizeof *j->s);
	j->s[j->n++] = s;
}

static void add(struct job *j, const char *name, enum nn_type type, size_t rows, size_t cols,
		struct source s)
{
	add_planes(j, name, type, 0, rows, cols, s);
}

/* Where what becomes place i of heads of values, n each, comes from. */
static size_t head_from(const struct job *j, size_t i, size_t n)
{
	const struct config_delta *c = &j->m->config.delta;
	size_t head = i / n, group = c->v_heads / c->k_heads;

	return (head % c->k_heads * group + head / c->k_heads) * n + i % n;
}

/* Row of the model's tensor that becomes row r of the file's. */
static size_t row_from(const struct job *j, const struct source *s, size_t r)
{
	size_t hd = j->m->config.head_dim, in = r % hd;

	if (s->head_rows && r >= s->heads_from)
		return s->heads_from + head_from(j, r - s->heads_from, s->head_rows);
	return s->permute ? r - in + in % 2 * (hd / 2) + in / 2 : r;
}

/* The row as the file has it, whose columns of heads stand in another order. */
static void order_columns(const struct job *j, const struct source *s, float *row, float *kept,
			  size_t cols)
{
	if (!s->head_cols)
		return;
	memcpy(kept, row, cols * sizeof *row);
	for (size_t k = 0; k < cols; k++)
		row[k] = kept[head_from(j, k, s->head_cols)];
}

static int write_rows(const struct job *j, size_t i, FILE *f, struct err *e)
{
	const struct gguf_tensor *t = &j->g.t[i];
	const struct source *s = &j->s[i];
	size_t cols = t->ne[0], rows = t->dims == 2 ? t->ne[1] : 1,
	       bytes = nn_row_bytes(t->type, cols);
	const struct model_tensor *from = s->tensor >= 0 ? &j->m->tensors[s->tensor] : NULL;
	struct nn_mat w = {0};
	float *row = mem_alloc(cols, sizeof *row), *kept = mem_alloc(cols, sizeof *kept),
	      *merged = NULL;
	void *coded = mem_alloc(bytes, 1);
	int rc = 0;

	if (from && s->part == WHOLE && (t->dims == 1 || (s->lin && s->lin->a))) {
		merged = mem_alloc(rows * cols, sizeof *merged);
		model_tensor_values(j->m, (size_t)s->tensor, 1, merged);
	} else if (from) {
		w = (struct nn_mat){from->type, rows, cols, from->data};
	}
	for (size_t r = 0; r < rows && !rc; r++) {
		size_t at = s->part == LORA_A ? r : row_from(j, s, r);

		if (s->part == LORA_A)
			memcpy(row, s->lin->a + at * cols, cols * sizeof *row);
		else if (s->part == LORA_B)
			/* The file has one alpha for all: what a module's own scale differs by goes
			 * into its b. */
			for (size_t k = 0; k < cols; k++)
				row[k] = s->lin->b[at * cols + k] *
					 (s->lin->scale * (float)s->lin->rank / j->alpha);
		else if (merged && t->dims == 1)
			for (size_t k = 0; k < cols; k++)
				row[k] = merged[row_from(j, s, k)];
		else if (merged)
			memcpy(row, merged + at * cols, cols * sizeof *row);
		else if (from)
			nn_mat_rows(row, &w, at, 1);
		else
			memcpy(row, s->values, cols * sizeof *row);
		if (s->part != LORA_B)
			order_columns(j, s, row, kept, cols);
		for (size_t k = 0; s->plus != 0 && k < cols; k++)
			row[k] += s->plus;
		for (size_t k = 0; s->negative && k < cols; k++)
			row[k] = -expf(row[k]);
		nn_encode(t->type, coded, row, cols);
		if (fwrite(coded, 1, bytes, f) != bytes)
			rc = err_errno(e, "tensor %s", t->name);
	}
	if (from)
		model_forget(j->m, from->data, nn_row_bytes(from->type, from->rows * from->cols));
	free(row);
	free(kept);
	free(merged);
	free(coded);
	return rc;
}

/* A row of MXFP4 in the layout of ggml: of a block the scale, then its values, those of the second
 * half in the upper halves of the bytes. */
static void recode_mxfp4(unsigned char *out, const struct nn_mat *w, size_t r)
{
	size_t at = r * (w->step ? w->step : 1) * (w->cols / 32);
	const unsigned char *x = (const unsigned char *)w->data + at * 16, *s = w->scales + at;

	for (size_t b = 0; b < w->cols / 32; b++, x += 16, out += 17) {
		out[0] = s[b];
		for (int k = 0; k < 16; k++) {
			int low = x[k / 2] >> k % 2 * 4 & 15, high = x[8 + k / 2] >> k % 2 * 4 & 15;

			out[1 + k] = (unsigned char)(low | high << 4);
		}
	}
}

/* One product of every expert, plane after plane, or one of a layer. */
static int write_experts(const struct job *j, size_t i, FILE *f, struct err *e)
{
	const struct gguf_tensor *t = &j->g.t[i];
	size_t cols = t->ne[0], rows = t->ne[1], planes = t->dims == 3 ? t->ne[2] : 1,
	       bytes = gguf_row_bytes(t->type, cols);
	float *values = mem_alloc(rows * cols, sizeof *values);
	void *coded = mem_alloc(bytes, 1);
	int rc = 0;

	for (size_t x = 0; x < planes && !rc; x++) {
		const struct model_linear *lin = j->s[i].lin + x * MODEL_EXPERT_LINEARS;

		if (t->type != NN_MXFP4)
			model_linear_values(lin, 1, values);
		for (size_t r = 0; r < rows && !rc; r++) {
			if (t->type == NN_MXFP4)
				recode_mxfp4(coded, &lin->w, r);
			else
				nn_encode(t->type, coded, values + r * cols, cols);
			if (fwrite(coded, 1, bytes, f) != bytes)
				rc = err_errno(e, "tensor %s", t->name);
		}
		model_forget(j->m, lin->w.data, rows * nn_row_bytes(lin->w.type, cols));
	}
	free(values);
	free(coded);
	return rc;
}

static int write_expert_biases(const struct job *j, size_t i, FILE *f, struct err *e)
{
	const struct gguf_tensor *t = &j->g.t[i];
	float *values = mem_alloc(t->ne[0], sizeof *values);
	int rc = 0;

	for (size_t x = 0; x < t->ne[1] && !rc; x++) {
		memset(values, 0, t->ne[0] * sizeof *values);
		model_add_bias(j->s[i].lin + x * MODEL_EXPERT_LINEARS, values, 0, t->ne[0]);
		if (fwrite(values, sizeof *values, t->ne[0], f) != t->ne[0])
			rc = err_errno(e, "tensor %s", t->name);
	}
	free(values);
	return rc;
}

static int fill(void *arg, size_t i, FILE *f, struct err *e)
{
	const struct job *j = arg;
	const struct gguf_tensor *t = &j->g.t[i];
	size_t values = t->ne[0];

	for (int d = 1; d < t->dims; d++)
		values *= t->ne[d];
	if (j->s[i].part == EXPERTS	   ? write_experts(j, i, f, e)
	    : j->s[i].part == EXPERTS_BIAS ? write_expert_biases(j, i, f, e)
					   : write_rows(j, i, f, e))
		return -1;
	if (j->how->step && j->how->step(j->how->arg, values))
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

/* Product j's name, where it is the first of those in its tensor. */
static const char *linear_name(const struct model *m, size_t l, int j)
{
	static const char *const names[MODEL_LINEARS] = {"attn_q", "attn_k",	  "attn_v",
							 NULL,	   "attn_output", "ffn_gate",
							 "ffn_up", "ffn_down"},
				 *const delta[] = {"attn_qkv", "attn_gate", "ssm_beta", "ssm_alpha",
						   "ssm_out"};
	const struct model_linear *lin = m->layers[l].lin;

	if (m->layers[l].delta && j <= MODEL_O)
		return delta[j];
	if (m->layers[l].taps && j <= MODEL_O)
		return j == MODEL_O ? "shortconv.out_proj" : "shortconv.in_proj";
	if (j == MODEL_Q && lin[MODEL_K].t_w == lin[j].t_w)
		return "attn_qkv";
	if (j == MODEL_GATE && lin[MODEL_UP].t_w == lin[j].t_w && !m->config.family->gguf_split)
		return "ffn_up"; /* holds both, the gate first */
	return names[j];
}

/* Whether the product is a tensor of its own there, a run of rows of one here. */
static int is_split(const struct model *m, size_t l, int j)
{
	const struct model_linear *lin = m->layers[l].lin;

	return m->config.family->gguf_split && (j == MODEL_GATE || j == MODEL_UP) &&
	       lin[MODEL_GATE].t_w == lin[MODEL_UP].t_w;
}

/* Rows of the tensor that product j begins there; 0: it begins none. */
static size_t rows_there(const struct model *m, size_t l, int j)
{
	const struct model_linear *lin = &m->layers[l].lin[j];

	if (lin->w.rows == 0 || is_split(m, l, j))
		return lin->w.rows;
	return lin->row0 ? 0 : m->tensors[lin->t_w].rows;
}

static void add_norm(struct job *j, const char *name, const struct model_norm *w)
{
	char full[96];

	if (!w->w)
		return;
	snprintf(full, sizeof full, "%s.weight", name);
	add_vector(j, full, w->t_w, w->plus, 0);
	snprintf(full, sizeof full, "%s.bias", name);
	add_vector(j, full, w->t_b, 0, 0);
}

static void add_experts(struct job *j, size_t l, enum nn_type type, int tied)
{
	static const char *const names[MODEL_EXPERT_LINEARS] = {"gate", "up", "down"};
	const struct model_layer *layer = &j->m->layers[l];
	char name[96];

	snprintf(name, sizeof name, "blk.%zu.ffn_gate_inp.weight", l);
	add(j, name, NN_F32, layer->router.w.rows, layer->router.w.cols,
	    (struct source){.tensor = layer->router.t_w});
	snprintf(name, sizeof name, "blk.%zu.ffn_gate_inp.bias", l);
	add_vector(j, name, layer->router.t_bias, 0, 0);
	for (int i = 0; i < MODEL_EXPERT_LINEARS; i++) {
		const struct model_linear *lin = &layer->experts[0][i];

		snprintf(name, sizeof name, "blk.%zu.ffn_%s_exps.weight", l, names[i]);
		add_planes(j, name,
			   lin->w.type == NN_MXFP4 && type != NN_F32
				   ? NN_MXFP4
				   : quantize_held_as(type, MODEL_WEIGHT, tied, lin->w.cols),
			   j->m->config.experts, lin->w.rows, lin->w.cols,
			   (struct source){.tensor = -1, .lin = lin, .part = EXPERTS});
		snprintf(name, sizeof name, "blk.%zu.ffn_%s_exps.bias", l, names[i]);
		if (lin->bias)
			add(j, name, NN_F32, j->m->config.experts, lin->w.rows,
			    (struct source){.tensor = -1, .lin = lin, .part = EXPERTS_BIAS});
	}
}

/* What of product i of a layer with the delta rule belongs to heads of values. */
static struct source heads_of(const struct config *c, int i)
{
	const struct config_delta *d = &c->delta;

	return (struct source){
		.head_rows = i == MODEL_Q || i == MODEL_K	? d->v_dim
			     : i == MODEL_V || i == MODEL_DECAY ? 1
								: 0,
		.heads_from = i == MODEL_Q ? 2 * d->k_heads * d->k_dim : 0,
		.head_cols = i == MODEL_O ? d->v_dim : 0,
	};
}

/* What the delta rule has beside its products. */
static void add_delta(struct job *j, size_t l)
{
	const struct model_layer *y = &j->m->layers[l];
	const struct config *c = &j->m->config;
	struct source taps = heads_of(c, MODEL_Q);
	char name[96];

	taps.tensor = y->t_conv;
	snprintf(name, sizeof name, "blk.%zu.ssm_conv1d.weight", l);
	add(j, name, NN_F32, config_delta_width(c), y->taps, taps);
	snprintf(name, sizeof name, "blk.%zu.ssm_a", l);
	add(j, name, NN_F32, 0, c->delta.v_heads,
	    (struct source){.tensor = y->t_a_log, .head_rows = 1, .negative = 1});
	snprintf(name, sizeof name, "blk.%zu.ssm_dt.bias", l);
	add(j, name, NN_F32, 0, c->delta.v_heads,
	    (struct source){.tensor = y->t_dt_bias, .head_rows = 1});
	snprintf(name, sizeof name, "blk.%zu.ssm_norm", l);
	add_norm(j, name, &y->norm_mixed);
}

static void add_layer(struct job *j, size_t l, enum nn_type type, int tied)
{
	const struct model_layer *layer = &j->m->layers[l];
	const struct family *f = j->m->config.family;
	char name[96];
	const struct {
		const char *name;
		const struct model_norm *w;
	} norms[] = {{"attn_norm", &layer->norm_attn},
		     {f->gguf_norm_mlp ? f->gguf_norm_mlp : "ffn_norm", &layer->norm_mlp},
		     {"post_attention_norm", &layer->post_attn},
		     {"post_ffw_norm", &layer->post_mlp},
		     {"attn_q_norm", &layer->norm_q},
		     {"attn_k_norm", &layer->norm_k}};

	for (size_t i = 0; i < sizeof norms / sizeof *norms; i++) {
		snprintf(name, sizeof name, "blk.%zu.%s", l, norms[i].name);
		add_norm(j, name, norms[i].w);
	}
	if (layer->delta)
		add_delta(j, l);
	else if (layer->taps) {
		snprintf(name, sizeof name, "blk.%zu.shortconv.conv.weight", l);
		add(j, name, NN_F32, j->m->config.hidden, layer->taps,
		    (struct source){.tensor = layer->t_conv});
	}
	if (layer->experts)
		add_experts(j, l, type, tied);
	snprintf(name, sizeof name, "blk.%zu.attn_sinks.weight", l);
	add_vector(j, name, layer->t_sinks, 0, 0);
	for (int i = 0; i < MODEL_LINEARS; i++) {
		const struct model_linear *lin = &layer->lin[i];
		int turn = f->gguf_permuted && (i == MODEL_Q || i == MODEL_K);
		struct source s = layer->delta ? heads_of(&j->m->config, i) : (struct source){0};

		if (rows_there(j->m, l, i) == 0)
			continue;
		s.tensor = is_split(j->m, l, i) ? -1 : lin->t_w;
		s.part = is_split(j->m, l, i) ? EXPERTS : WHOLE;
		s.lin = lin;
		s.permute = turn;
		snprintf(name, sizeof name, "blk.%zu.%s.weight", l, linear_name(j->m, l, i));
		add(j, name, quantize_held_as(type, MODEL_WEIGHT, tied, lin->w.cols),
		    rows_there(j->m, l, i), lin->w.cols, s);
		snprintf(name, sizeof name, "blk.%zu.%s.bias", l, linear_name(j->m, l, i));
		if (lin->bias)
			add_vector(j, name, lin->t_bias, 0, turn);
	}
}

static void add_divisors(struct job *j, int i, const char *name, enum config_angles which)
{
	const struct config *c = &j->m->config;
	size_t half = c->rope_dims / 2;
	double *scaled = mem_alloc(half, sizeof *scaled);

	config_frequencies(c, which, scaled);
	j->divisors[i] = mem_alloc(half, sizeof *j->divisors[i]);
	for (size_t k = 0; k < half; k++)
		j->divisors[i][k] =
			(float)(pow(c->rope_theta, -(double)(2 * k) / (double)c->rope_dims) /
				scaled[k]);
	add(j, name, NN_F32, 0, half, (struct source){.tensor = -1, .values = j->divisors[i]});
	free(scaled);
}

/* Divisors of the rotary frequencies, as llama.cpp wants llama3's scaling and longrope's. */
static void add_rope(struct job *j)
{
	if (j->m->config.rope == CONFIG_ROPE_LLAMA3)
		add_divisors(j, 0, "rope_freqs.weight", CONFIG_ANGLES);
	if (j->m->config.rope == CONFIG_ROPE_LONG) {
		add_divisors(j, 0, "rope_factors_short.weight", CONFIG_ANGLES);
		add_divisors(j, 1, "rope_factors_long.weight", CONFIG_ANGLES_LONG);
	}
}

static uint32_t file_type(enum nn_type t)
{
	return t == NN_Q4_0 ? 2 : t == NN_Q8_0 ? 7 : t == NN_BF16 ? 32 : 0;
}

static void add_scaling(struct gguf *g, const struct config *c, const char *arch)
{
	char key[96];
#define KEY(name) (snprintf(key, sizeof key, "%s." name, arch), key)

	switch (c->rope) {
	case CONFIG_ROPE_LINEAR:
		gguf_string(g, KEY("rope.scaling.type"), span_of("linear"));
		gguf_f32(g, KEY("rope.scaling.factor"), (float)c->rope_factor);
		break;
	case CONFIG_ROPE_YARN:
		gguf_string(g, KEY("rope.scaling.type"), span_of("yarn"));
		gguf_f32(g, KEY("rope.scaling.factor"), (float)c->rope_factor);
		gguf_u32(g, KEY("rope.scaling.original_context_length"),
			 (uint32_t)c->rope_original);
		gguf_f32(g, KEY("rope.scaling.yarn_beta_fast"), (float)c->rope_fast);
		gguf_f32(g, KEY("rope.scaling.yarn_beta_slow"), (float)c->rope_slow);
		/* llama.cpp multiplies the paper's own factor by this. */
		gguf_f32(g, KEY("rope.scaling.attn_factor"),
			 (float)(c->rope_attention /
				 (c->rope_factor > 1 ? 0.1 * log(c->rope_factor) + 1 : 1)));
		break;
	case CONFIG_ROPE_LONG:
		gguf_string(g, KEY("rope.scaling.type"), span_of("longrope"));
		gguf_u32(g, KEY("rope.scaling.original_context_length"),
			 (uint32_t)c->rope_original);
		gguf_f32(g, KEY("rope.scaling.attn_factor"), (float)c->rope_attention);
		break;
	case CONFIG_ROPE_NONE:
	case CONFIG_ROPE_PLAIN:
	case CONFIG_ROPE_LLAMA3:
		break;
	}
	if (c->query_beta > 0)
		gguf_f32(g, KEY("attention.temperature_scale"), (float)c->query_beta);
#undef KEY
}

/* The window, and where layers have it by a rule of the family's, which have it. */
static void add_windows(struct gguf *g, const struct config *c, const char *arch)
{
	char key[96];
#define KEY(name) (snprintf(key, sizeof key, "%s." name, arch), key)

	/* Told from the later Phi-3 models by a window of 0, which says that there is none. */
	if (c->window > 0 || strcmp(arch, "phi3") == 0)
		gguf_u32(g, KEY("attention.sliding_window"), (uint32_t)c->window);
	if (c->window == 0 || c->family->window_every <= 2)
		return;
	gguf_array(g, KEY("attention.sliding_window_pattern"), GGUF_BOOL, c->layers);
	for (size_t l = 0; l < c->layers; l++)
		buf_addc(&g->pairs, (char)c->windowed[l]);
	if (c->family->local_plain)
		gguf_f32(g, KEY("rope.freq_base_swa"), (float)c->rope_local_theta);
#undef KEY
}

static void add_delta_config(struct gguf *g, const struct config *c, const char *arch)
{
	/* How many pairs each of an image's three positions turns, in turns; of a text they are one. */
	uint32_t pairs = (uint32_t)c->rope_dims / 2;
	const uint32_t sections[4] = {(pairs + 2) / 3, (pairs + 1) / 3, pairs / 3, 0};
	char key[96];
#define KEY(name) (snprintf(key, sizeof key, "%s." name, arch), key)

	gguf_u32(g, KEY("ssm.conv_kernel"), (uint32_t)c->conv_taps);
	gguf_u32(g, KEY("ssm.state_size"), (uint32_t)c->delta.k_dim);
	gguf_u32(g, KEY("ssm.group_count"), (uint32_t)c->delta.k_heads);
	gguf_u32(g, KEY("ssm.time_step_rank"), (uint32_t)c->delta.v_heads);
	gguf_u32(g, KEY("ssm.inner_size"), (uint32_t)(c->delta.v_heads * c->delta.v_dim));
	gguf_array(g, KEY("attention.recurrent_layers"), GGUF_BOOL, c->layers);
	for (size_t l = 0; l < c->layers; l++)
		buf_addc(&g->pairs, (char)c->conv[l]);
	gguf_array(g, KEY("rope.dimension_sections"), GGUF_U32, 4);
	buf_add(&g->pairs, sections, sizeof sections);
#undef KEY
}

static void add_config(struct gguf *g, const struct config *c, const char *arch)
{
	char key[96];
#define KEY(name) (snprintf(key, sizeof key, "%s." name, arch), key)

	gguf_u32(g, KEY("context_length"), (uint32_t)config_context(c));
	gguf_u32(g, KEY("embedding_length"), (uint32_t)c->hidden);
	gguf_u32(g, KEY("block_count"), (uint32_t)c->layers);
	gguf_u32(g, KEY("feed_forward_length"), (uint32_t)c->ffn);
	gguf_u32(g, KEY("attention.head_count"), (uint32_t)c->heads);
	if (c->conv_taps && !c->delta.k_heads) {
		gguf_array(g, KEY("attention.head_count_kv"), GGUF_U32, c->layers);
		for (size_t l = 0; l < c->layers; l++) {
			uint32_t heads = c->conv[l] ? 0 : (uint32_t)c->kv_heads;

			buf_add(&g->pairs, &heads, sizeof heads);
		}
		gguf_u32(g, KEY("shortconv.l_cache"), (uint32_t)c->conv_taps);
	} else {
		gguf_u32(g, KEY("attention.head_count_kv"), (uint32_t)c->kv_heads);
	}
	gguf_u32(g, KEY("attention.key_length"), (uint32_t)c->head_dim);
	gguf_u32(g, KEY("attention.value_length"), (uint32_t)c->head_dim);
	gguf_f32(g,
		 c->norm == CONFIG_RMS ? KEY("attention.layer_norm_rms_epsilon")
				       : KEY("attention.layer_norm_epsilon"),
		 c->norm_eps);
	gguf_f32(g, KEY("rope.freq_base"), (float)c->rope_theta);
	gguf_u32(g, KEY("rope.dimension_count"), (uint32_t)c->rope_dims);
	gguf_u32(g, KEY("vocab_size"), (uint32_t)c->vocab);
	if (c->experts) {
		gguf_u32(g, KEY("expert_count"), (uint32_t)c->experts);
		gguf_u32(g, KEY("expert_used_count"), (uint32_t)c->experts_used);
		gguf_u32(g, KEY("expert_feed_forward_length"), (uint32_t)c->expert_ffn);
	}
	if (c->delta.k_heads)
		add_delta_config(g, c, arch);
	add_scaling(g, c, arch);
	add_windows(g, c, arch);
	if (c->attn_softcap > 0)
		gguf_f32(g, KEY("attn_logit_softcapping"), c->attn_softcap);
	if (c->logit_softcap > 0)
		gguf_f32(g, KEY("final_logit_softcapping"), c->logit_softcap);
	if (strncmp(arch, "granite", 7) == 0) {
		gguf_f32(g, KEY("attention.scale"), c->attn_scale);
		gguf_f32(g, KEY("embedding_scale"), c->embed_scale);
		gguf_f32(g, KEY("residual_scale"), c->residual_scale);
		gguf_f32(g, KEY("logit_scale"), 1 / c->logit_scale);
	}
#undef KEY
}

/* What llama.cpp does in one way for every model of an architecture and this one in another; NULL:
 * nothing. */
static const char *other_there(const struct config *c, const char *arch)
{
	if (strcmp(arch, "smollm3") == 0)
		for (size_t l = 0; l < c->layers; l++)
			if (c->no_rope[l] != ((l + 1) % 4 == 0))
				return "leaves every fourth layer without rotation, and this model others";
	if (strcmp(arch, "exaone4") == 0 && c->window > 0 && c->layers != 64)
		return "has windows in models of 64 layers only, and this one has them in others";
	if (strcmp(arch, "olmoe") == 0 && c->experts_normed)
		return "leaves the shares of experts as they are, and this model makes them add up to 1 (norm_topk_prob)";
	if (strcmp(arch, "gpt-oss") == 0) {
		for (size_t l = 0; l < c->layers; l++)
			if (c->windowed[l] != (l % 2 == 0))
				return "has windows in every other layer, and this model in others";
		if (!c->window || !c->qkv_bias || fabsf(c->act_limit - 7) > 1e-6f)
			return "has windows, biases of attention and a swiglu_limit of 7, and this model has not all of them";
	}
	if (strcmp(arch, "qwen3moe") == 0 && !c->experts_normed)
		return "makes the shares of experts add up to 1, and this model leaves them as they are (norm_topk_prob)";
	if (c->experts && memchr(c->sparse, 0, c->layers))
		return "has experts in every layer, and this model in some";
	if (c->conv_bias)
		return "has convolutions without bias only, and this model has one";
	if (c->delta.k_heads && c->delta.k_dim != c->delta.v_dim)
		return "has heads of keys and values of one size in linear attention (linear_key_head_dim, linear_value_head_dim)";
	/* Of gpt-oss there is no other file. */
	if (c->rope == CONFIG_ROPE_YARN && !c->rope_truncate && strcmp(arch, "gpt-oss") != 0)
		return "rounds yarn's bounds, and this model does not (truncate)";
	return NULL;
}

/* The architecture's name, where the model can be written. */
static int find_architecture(const struct config *c, const char **arch, struct err *e)
{
	*arch = c->family->gguf;
	if (!*arch)
		return err_set(e,
			       "models of type %s have no GGUF form here; --format hf has all of them",
			       c->family->type);
	if (other_there(c, *arch))
		return err_set(e, "llama.cpp %s; --format hf has all of it", other_there(c, *arch));
	return 0;
}

static void job_release(struct job *j)
{
	gguf_release(&j->g);
	free(j->s);
	free(j->divisors[0]);
	free(j->divisors[1]);
}

int gguf_export_model(const struct model *m, const struct tokenizer *t,
		      const struct model_save *how, const char *name, const char *path,
		      struct gguf_report *report, struct err *e)
{
	const struct config *c = &m->config;
	const char *arch;
	struct job j = {.m = m, .how = how};
	enum nn_type type = how->type;
	int tied = m->t_head == m->t_embed, rc;

	if (find_architecture(c, &arch, e) || model_merges(m, e))
		return -1;
	gguf_string(&j.g, "general.architecture", span_of(arch));
	gguf_string(&j.g, GGUF_WRITER, span_of("ft-export " FT_VERSION));
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
	add_norm(&j, c->family->gguf_norm_final ? c->family->gguf_norm_final : "output_norm",
		 &m->norm_final);
	/* These architectures have no tied form. */
	if (!tied || strncmp(arch, "olmo", 4) == 0 || strcmp(arch, "gpt-oss") == 0)
		add(&j, "output.weight", quantize_held_as(type, MODEL_HEAD, 0, m->head.cols),
		    m->head.rows, m->head.cols, (struct source){.tensor = m->t_head});
	add_rope(&j);
	for (size_t l = 0; l < c->layers; l++)
		add_layer(&j, l, type, tied);
	rc = gguf_write(&j.g, path, fill, &j, &report->bytes, e);
	report->tensors = j.n;
	job_release(&j);
	return rc;
}

int gguf_export_adapter(const struct model *m, const struct model_save *how, const char *name,
			const char *path, struct gguf_report *report, struct err *e)
{
	const char *arch;
	struct job j = {.m = m, .how = how};
	int rc, permute = m->config.family->gguf_permuted;
	char key[96];

	if (!m->adapter)
		return err_set(e, "there is no adapter to write");
	if (find_architecture(&m->config, &arch, e))
		return -1;
	for (size_t i = 0; i < m->n_tensors; i++)
		if (m->tensors[i].role == MODEL_LORA_KEPT)
			return err_set(e,
				       "%s cannot be written alone: merge it (leave --adapter-only out)",
				       m->tensors[i].name);
	for (size_t l = 0; l < m->config.layers; l++)
		for (size_t i = MODEL_LINEARS; i < model_products(m, l); i++)
			if (model_product(m, l, i)->a)
				return err_set(e,
					       "an adapter over experts cannot be written alone: merge it (leave --adapter-only out)");
	if (m->adapter->dora)
		return err_set(e,
			       "a DoRA adapter cannot be written alone: merge it (leave --adapter-only out)");
	j.alpha = (float)(m->adapter->alpha > 0 ? m->adapter->alpha : 1);
	gguf_string(&j.g, "general.architecture", span_of(arch));
	gguf_string(&j.g, GGUF_WRITER, span_of("ft-export " FT_VERSION));
	gguf_string(&j.g, "general.type", span_of("adapter"));
	gguf_string(&j.g, "general.name", span_of(name));
	gguf_u32(&j.g, "general.file_type", 0);
	gguf_string(&j.g, "adapter.type", span_of("lora"));
	gguf_f32(&j.g, "adapter.lora.alpha", j.alpha);
	for (size_t l = 0; l < m->config.layers; l++)
		for (int i = 0; i < MODEL_LINEARS; i++) {
			const struct model_linear *lin = &m->layers[l].lin[i];
			struct source s =
				m->layers[l].delta ? heads_of(&m->config, i) : (struct source){0};

			if (!lin->a || rows_there(m, l, i) == 0)
				continue;
			s.tensor = -1;
			s.lin = lin;
			s.part = LORA_A;
			snprintf(key, sizeof key, "blk.%zu.%s.weight.lora_a", l,
				 linear_name(m, l, i));
			add(&j, key, NN_F32, lin->rank, lin->w.cols, s);
			snprintf(key, sizeof key, "blk.%zu.%s.weight.lora_b", l,
				 linear_name(m, l, i));
			s.part = LORA_B;
			s.permute = permute && (i == MODEL_Q || i == MODEL_K);
			add(&j, key, NN_F32, rows_there(m, l, i), lin->rank, s);
		}
	rc = gguf_write(&j.g, path, fill, &j, &report->bytes, e);
	report->tensors = j.n;
	job_release(&j);
	return rc;
}

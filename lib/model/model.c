/* The table of tensors: built from the configuration, filled from files or at random, bound to the
 * layers. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "../base/mem.h"
#include "../base/rng.h"
#include "../nn/kern.h"
#include "adapter.h"
#include "family.h"
#include "model.h"
#include "model_impl.h"

const char *model_linear_name(const struct model *m, int conv, int j)
{
	const struct family *f = m->config.family;

	if (conv && j <= MODEL_O)
		return f->mixer[j];
	return f->linear[j];
}

const char *model_product_name(const struct model *m, size_t layer, size_t product, char *out,
			       size_t size)
{
	size_t x = product < MODEL_LINEARS ? 0 : product - MODEL_LINEARS;

	if (product < MODEL_LINEARS)
		return model_linear_name(m, m->config.conv[layer], (int)product);
	snprintf(out, size, m->config.family->experts->expert, x / MODEL_EXPERT_LINEARS,
		 m->config.family->experts->linear[x % MODEL_EXPERT_LINEARS]);
	return out;
}

size_t model_products(const struct model *m, size_t layer)
{
	return MODEL_LINEARS +
	       (m->layers[layer].experts ? MODEL_EXPERT_LINEARS * m->config.experts : 0);
}

struct model_linear *model_product(const struct model *m, size_t layer, size_t i)
{
	struct model_layer *y = &m->layers[layer];

	return i < MODEL_LINEARS ? &y->lin[i]
				 : &y->experts[(i - MODEL_LINEARS) / MODEL_EXPERT_LINEARS]
					      [(i - MODEL_LINEARS) % MODEL_EXPERT_LINEARS];
}

void *model_keep(struct model *m, size_t n, size_t size)
{
	struct model_memory *mem = m->memory;

	mem->blocks = mem_grow(mem->blocks, &mem->cap, mem->n + 1, sizeof *mem->blocks);
	mem->bytes += n * size;
	return mem->blocks[mem->n++] = mem_aligned(n, size);
}

int model_table_add(struct model *m, const char *name, enum model_role role, int layer, int dims,
		    size_t rows, size_t cols)
{
	struct model_tensor *t;

	/* Grown to the next power of two: the table has no capacity of its own. */
	if ((m->n_tensors & (m->n_tensors - 1)) == 0)
		m->tensors = mem_realloc(m->tensors, m->n_tensors ? 2 * m->n_tensors : 1,
					 sizeof *m->tensors);
	t = &m->tensors[m->n_tensors];
	*t = (struct model_tensor){.name = mem_strdup(name),
				   .role = role,
				   .layer = layer,
				   .dims = dims,
				   .rows = rows,
				   .cols = cols};
	return (int)m->n_tensors++;
}

/* A tensor of a layer (layer < 0: of none). what NULL: its name has no such end. */
static int add(struct model *m, int layer, const char *name, const char *what, enum model_role role,
	       int dims, size_t rows, size_t cols)
{
	char in_layer[120], full[160];

	if (layer >= 0)
		snprintf(in_layer, sizeof in_layer, m->config.family->layer, (size_t)layer, name);
	snprintf(full, sizeof full, "%s%s%s", layer >= 0 ? in_layer : name, what ? "." : "",
		 what ? what : "");
	return model_table_add(m, full, role, layer, dims, rows, cols);
}

/* name NULL: the family has none. */
static void add_norm(struct model *m, struct model_norm *w, int layer, const char *name, size_t d)
{
	*w = (struct model_norm){.t_w = -1, .t_b = -1, .plus = m->config.norm_plus};
	if (!name)
		return;
	w->t_w = add(m, layer, name, "weight", MODEL_NORM, 1, 1, d);
	if (m->config.norm == CONFIG_LAYERNORM)
		w->t_b = add(m, layer, name, "bias", MODEL_BIAS, 1, 1, d);
}

struct model_linear *model_first(const struct model *m, size_t l, int j)
{
	struct model_linear *lin = m->layers[l].lin;
	int i = 0;

	while (i < j && lin[i].t_w != lin[j].t_w)
		i++;
	return &lin[i];
}

static const struct model_linear no_linear =
	{.t_w = -1, .t_bias = -1, .t_a = -1, .t_b = -1, .t_m = -1, .t_extra = -1};

/* Products of one name are runs of rows of one tensor, in their order. out [MODEL_LINEARS]. */
static void add_linear(struct model *m, size_t l, int j, const size_t *out, size_t in, int bias)
{
	struct model_linear *all = m->layers[l].lin, *lin = &all[j];
	int conv = m->config.conv[l];
	const char *name = model_linear_name(m, conv, j);
	size_t rows = 0;

	*lin = no_linear;
	if (!name || (j >= MODEL_GATE && m->config.sparse[l]))
		return;
	lin->w = (struct nn_mat){.rows = out[j], .cols = in};
	for (int i = 0; i < MODEL_LINEARS; i++) {
		const char *other = model_linear_name(m, conv, i);

		if (!other || strcmp(other, name) != 0)
			continue;
		rows += out[i];
		if (i < j) {
			lin->t_w = all[i].t_w;
			lin->t_bias = all[i].t_bias;
			lin->row0 += out[i];
		}
	}
	if (lin->t_w >= 0)
		return;
	lin->t_w = add(m, (int)l, name, "weight", MODEL_WEIGHT, 2, rows, in);
	m->tensors[lin->t_w].transposed = m->config.family->transposed;
	if (bias)
		lin->t_bias = add(m, (int)l, name, "bias", MODEL_BIAS, 1, 1, rows);
}

/* Each expert's own three tensors. */
static void add_apart(struct model *m, size_t l)
{
	const struct config *c = &m->config;
	const struct family_experts *f = c->family->experts;

	for (size_t x = 0; x < c->experts; x++)
		for (int j = 0; j < MODEL_EXPERT_LINEARS; j++) {
			struct model_linear *lin = &m->layers[l].experts[x][j];
			int down = j == MODEL_DOWN - MODEL_GATE;
			char name[96];

			lin->w.rows = down ? c->hidden : c->expert_ffn;
			lin->w.cols = down ? c->expert_ffn : c->hidden;
			snprintf(name, sizeof name, f->expert, x, f->linear[j]);
			lin->t_w = add(m, (int)l, name, "weight", MODEL_WEIGHT, 2, lin->w.rows,
				       lin->w.cols);
		}
}

/* One product of all experts in one tensor, a plane for each; products of one name share a tensor. */
static void add_plane(struct model *m, size_t l, int j)
{
	const struct config *c = &m->config;
	const struct family_experts *f = c->family->experts;
	struct model_linear(*experts)[MODEL_EXPERT_LINEARS] = m->layers[l].experts;
	const char *name_of[] = {"", f->linear[0], f->linear[1], f->linear[2], ""};
	int down = j == MODEL_DOWN - MODEL_GATE, second = strcmp(name_of[j + 1], name_of[j]) == 0,
	    two = second || strcmp(name_of[j + 1], name_of[j + 2]) == 0;
	size_t rows = down ? c->hidden : c->expert_ffn, cols = down ? c->expert_ffn : c->hidden,
	       plane = two ? 2 * rows : rows;
	int t = second ? experts[0][j - 1].t_w
		       : add(m, (int)l, f->linear[j], f->bare ? NULL : "weight", MODEL_WEIGHT, 3,
			     c->experts * plane, cols),
	    bias = experts[0][second ? j - 1 : j].t_bias;
	char name[96];

	m->tensors[t].planes = c->experts;
	m->tensors[t].transposed = f->bare;
	snprintf(name, sizeof name, "%s_bias", f->linear[j]);
	if (f->bare && !second)
		bias = add(m, (int)l, name, NULL, MODEL_BIAS, 2, c->experts, plane);
	for (size_t x = 0; x < c->experts; x++) {
		struct model_linear *lin = &experts[x][j];

		lin->w = (struct nn_mat){.rows = rows, .cols = cols};
		lin->t_w = t;
		lin->t_bias = bias;
		lin->step = f->bare && two ? 2 : 1;
		lin->row0 = x * plane + (!second ? 0 : f->bare ? 1 : rows);
	}
}

static void add_experts(struct model *m, size_t l)
{
	const struct config *c = &m->config;
	const struct family_experts *f = c->family->experts;
	struct model_layer *y = &m->layers[l];

	y->router = no_linear;
	if (!c->sparse[l])
		return;
	y->experts = mem_alloc(c->experts, sizeof *y->experts);
	for (size_t x = 0; x < c->experts; x++)
		for (int j = 0; j < MODEL_EXPERT_LINEARS; j++)
			y->experts[x][j] = no_linear;
	y->router.w = (struct nn_mat){.rows = c->experts, .cols = c->hidden};
	y->router.t_w = add(m, (int)l, f->router, "weight", MODEL_ROUTER, 2, c->experts, c->hidden);
	if (f->bare)
		y->router.t_bias = add(m, (int)l, f->router, "bias", MODEL_BIAS, 1, 1, c->experts);
	if (f->expert)
		add_apart(m, l);
	for (int j = 0; !f->expert && j < MODEL_EXPERT_LINEARS; j++)
		add_plane(m, l, j);
}

/* What the delta rule has beside its products. */
static void add_delta(struct model *m, size_t l)
{
	const struct config *c = &m->config;
	const struct family *f = c->family;
	struct model_layer *y = &m->layers[l];

	y->delta = 1;
	y->t_a_log = add(m, (int)l, f->a_log, NULL, MODEL_RATE, 1, 1, c->delta.v_heads);
	y->t_dt_bias = add(m, (int)l, f->dt_bias, NULL, MODEL_RATE, 1, 1, c->delta.v_heads);
	add_norm(m, &y->norm_mixed, (int)l, f->norm_mixed, c->delta.v_dim);
	y->norm_mixed.plus = 0;
}

/* Rows of the products up to o, and what o reads. */
static size_t mixer_sizes(const struct config *c, int conv, size_t out[MODEL_O + 1])
{
	size_t q = c->heads * c->head_dim, kv = c->kv_heads * c->head_dim,
	       v = c->delta.v_heads * c->delta.v_dim;
	int delta = conv && c->delta.k_heads;

	out[MODEL_Q] = delta ? config_delta_width(c) : c->out_gate ? 2 * q : q;
	out[MODEL_K] = delta ? v : conv ? q : kv;
	out[MODEL_V] = delta ? c->delta.v_heads : out[MODEL_K];
	out[MODEL_DECAY] = c->delta.v_heads;
	out[MODEL_O] = c->hidden;
	return delta ? v : q;
}

static void add_layer(struct model *m, size_t l)
{
	const struct config *c = &m->config;
	const struct family *f = c->family;
	struct model_layer *y = &m->layers[l];
	size_t q = c->heads * c->head_dim, kv = c->kv_heads * c->head_dim;
	int conv = c->conv[l];
	size_t out[MODEL_LINEARS] =
		{[MODEL_GATE] = c->ffn, [MODEL_UP] = c->ffn, [MODEL_DOWN] = c->hidden},
	       mixed = mixer_sizes(c, conv, out);
	int whole = c->qk_norm == CONFIG_QK_WHOLE;

	add_norm(m, &y->norm_attn, (int)l, f->norm_attn, c->hidden);
	add_norm(m, &y->post_attn, (int)l, f->post_attn, c->hidden);
	add_norm(m, &y->norm_mlp, (int)l, f->norm_mlp, c->hidden);
	add_norm(m, &y->post_mlp, (int)l, f->post_mlp, c->hidden);
	add_norm(m, &y->norm_q, (int)l, conv ? NULL : f->norm_q, whole ? q : c->head_dim);
	add_norm(m, &y->norm_k, (int)l, conv ? NULL : f->norm_k, whole ? kv : c->head_dim);
	for (int j = 0; j < MODEL_LINEARS; j++)
		add_linear(m, l, j, out,
			   j == MODEL_O	     ? mixed
			   : j == MODEL_DOWN ? c->ffn
					     : c->hidden,
			   j > MODEL_O	  ? c->mlp_bias
			   : conv	  ? c->conv_bias
			   : j <= MODEL_V ? c->qkv_bias
					  : c->o_bias);
	add_experts(m, l);
	y->t_sinks = f->sinks ? add(m, (int)l, f->sinks, NULL, MODEL_BIAS, 1, 1, c->heads) : -1;
	y->t_conv = y->t_conv_bias = -1;
	y->t_a_log = y->t_dt_bias = y->norm_mixed.t_w = y->norm_mixed.t_b = -1;
	if (conv) {
		y->taps = c->conv_taps;
		y->t_conv = add(m, (int)l, f->conv, "weight", MODEL_CONV, 2,
				c->delta.k_heads ? config_delta_width(c) : c->hidden, y->taps);
		if (c->delta.k_heads)
			add_delta(m, l);
		if (c->conv_bias)
			y->t_conv_bias =
				add(m, (int)l, f->conv, "bias", MODEL_BIAS, 1, 1, c->hidden);
	}
	y->window = config_window(c, l);
	y->local = c->windowed[l];
	y->rope = c->rope != CONFIG_ROPE_NONE && !c->no_rope[l] && !conv;
}

struct model *model_of(struct config *c)
{
	struct model *m = mem_alloc(1, sizeof *m);
	const struct family *f = c->family;

	m->config = *c;
	*c = (struct config){0};
	c = &m->config;
	m->memory = mem_alloc(1, sizeof *m->memory);
	m->layers = mem_alloc(c->layers, sizeof *m->layers);
	m->t_positions = -1;
	m->t_embed = m->t_head =
		add(m, -1, f->embed, "weight", MODEL_EMBED, 2, c->vocab, c->hidden);
	if (f->positions)
		m->t_positions = add(m, -1, f->positions, "weight", MODEL_POSITION, 2,
				     c->max_positions, c->hidden);
	for (size_t l = 0; l < c->layers; l++)
		add_layer(m, l);
	add_norm(m, &m->norm_final, -1, f->norm_final, c->hidden);
	if (!c->tied)
		m->t_head = add(m, -1, "lm_head", "weight", MODEL_HEAD, 2, c->vocab, c->hidden);
	return m;
}

static const void *data_of(const struct model *m, int t)
{
	return t < 0 ? NULL : m->tensors[t].data;
}

static const float *floats_at(const struct model *m, int t, size_t at)
{
	const float *p = data_of(m, t);

	return p ? p + at : NULL;
}

static void bind_mat(const struct model *m, struct nn_mat *w, int t)
{
	const struct model_tensor *x = &m->tensors[t];

	*w = (struct nn_mat){x->type, x->rows, x->cols, x->data};
}

static void bind_norm(const struct model *m, struct model_norm *w)
{
	w->w = data_of(m, w->t_w);
	w->b = data_of(m, w->t_b);
}

static void bind_linear(const struct model *m, struct model_linear *lin)
{
	if (lin->t_w < 0)
		return;
	lin->w.type = m->tensors[lin->t_w].type;
	lin->w.step = lin->step;
	lin->w.data = (const char *)data_of(m, lin->t_w) +
		      lin->row0 * nn_row_bytes(lin->w.type, lin->w.cols);
	if (m->tensors[lin->t_w].scales)
		lin->w.scales = m->tensors[lin->t_w].scales + lin->row0 * (lin->w.cols / 32);
	lin->bias = floats_at(m, lin->t_bias, lin->row0);
	lin->a = floats_at(m, lin->t_a, 0);
	lin->b = floats_at(m, lin->t_b, lin->row0 * lin->rank);
	lin->magnitude = floats_at(m, lin->t_m, lin->row0);
	lin->extra = floats_at(m, lin->t_extra, lin->row0);
}

void model_bind(struct model *m)
{
	for (size_t l = 0; l < m->config.layers; l++) {
		struct model_layer *y = &m->layers[l];

		for (size_t i = 0; i < model_products(m, l); i++)
			bind_linear(m, model_product(m, l, i));
		if (y->experts)
			bind_linear(m, &y->router);
		y->sinks = data_of(m, y->t_sinks);
		bind_norm(m, &y->norm_attn);
		bind_norm(m, &y->norm_mlp);
		bind_norm(m, &y->post_attn);
		bind_norm(m, &y->post_mlp);
		bind_norm(m, &y->norm_q);
		bind_norm(m, &y->norm_k);
		bind_norm(m, &y->norm_mixed);
		y->a_log = data_of(m, y->t_a_log);
		y->dt_bias = data_of(m, y->t_dt_bias);
		y->conv = data_of(m, y->t_conv);
		y->conv_bias = data_of(m, y->t_conv_bias);
	}
	bind_norm(m, &m->norm_final);
	bind_mat(m, &m->embed, m->t_embed);
	bind_mat(m, &m->head, m->t_head);
	m->positions = data_of(m, m->t_positions);
}

/* One access brings in the pages around it, as many as this in Linux; a neighbour that is needed
 * again comes from the file. */
#define FAULT_WINDOW ((uintptr_t)65536)

/* The mapped file that data stands in, NULL where that is memory of the model. */
static const struct file_map *map_of(const struct model *m, const void *data)
{
	const struct st_set *files = &m->memory->files;

	for (size_t i = 0; i < files->files; i++) {
		uintptr_t map = (uintptr_t)files->maps[i].data;

		if ((uintptr_t)data >= map && (uintptr_t)data < map + files->maps[i].len)
			return &files->maps[i];
	}
	return NULL;
}

void model_forget(const struct model *m, const void *data, size_t bytes)
{
	const struct file_map *map = map_of(m, data);
	uintptr_t from = (uintptr_t)data / FAULT_WINDOW * FAULT_WINDOW,
		  to = (uintptr_t)data + bytes, begin, end;

	if (!map)
		return;
	begin = (uintptr_t)map->data;
	end = begin + map->len;
	from = from < begin ? begin : from;
	to = (to + FAULT_WINDOW - 1) / FAULT_WINDOW * FAULT_WINDOW;
	madvise((void *)from, (to < end ? to : end) - from, MADV_DONTNEED);
}

void model_table_settle(struct model *m)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n_tensors; i++)
		if (m->tensors[i].trained) {
			m->tensors[i].offset = n;
			n += m->tensors[i].rows * m->tensors[i].cols;
		}
	m->n_params = n;
	m->params = model_keep(m, n, sizeof *m->params);
	for (size_t i = 0; i < m->n_tensors; i++) {
		struct model_tensor *t = &m->tensors[i];

		if (!t->trained)
			continue;
		if (t->data) {
			model_tensor_values(m, i, 0, m->params + t->offset);
			model_forget(m, t->data, nn_row_bytes(t->type, t->rows * t->cols));
		}
		t->type = NN_F32;
		t->data = m->params + t->offset;
	}
	model_bind(m);
}

void model_untie(struct model *m)
{
	int t = add(m, -1, "lm_head", "weight", MODEL_HEAD, 2, m->config.vocab, m->config.hidden);

	m->tensors[t].type = m->tensors[m->t_embed].type;
	m->tensors[t].data = m->tensors[m->t_embed].data;
	m->t_head = t;
	m->config.tied = 0;
	m->untied = 1;
}

/* --- from nothing --- */

/* As Transformers begins: rates of 0.01 to 16, a bias of 1, a norm of 1. */
static void begin_delta(struct model *m, const struct model_layer *y, struct rng *r)
{
	for (size_t h = 0; h < m->config.delta.v_heads; h++) {
		m->params[m->tensors[y->t_a_log].offset + h] =
			logf((float)(0.01 + 15.99 * rng_uniform(r)));
		m->params[m->tensors[y->t_dt_bias].offset + h] = 1;
	}
	for (size_t i = 0; i < m->config.delta.v_dim; i++)
		m->params[m->tensors[y->norm_mixed.t_w].offset + i] = 1;
}

/* Whether tensor i is a product that ends in the residual stream. */
static int is_residual(const struct model *m, size_t i)
{
	int l = m->tensors[i].layer;

	for (size_t j = 0, n = l < 0 ? 0 : model_products(m, (size_t)l); j < n; j++)
		if (model_product(m, (size_t)l, j)->t_w == (int)i &&
		    (j < MODEL_LINEARS ? j == MODEL_O || j == MODEL_DOWN
				       : (j - MODEL_LINEARS) % MODEL_EXPERT_LINEARS ==
						 MODEL_DOWN - MODEL_GATE))
			return 1;
	return 0;
}

int model_new(struct model **out, const struct config *c, uint64_t seed, struct err *e)
{
	struct config copy;
	struct model *m;
	float residual = 1 / sqrtf(2 * (float)c->layers);

	(void)e;
	config_copy(&copy, c);
	m = model_of(&copy);
	for (size_t i = 0; i < m->n_tensors; i++)
		m->tensors[i].trained = 1;
	model_table_settle(m);
	for (size_t i = 0; i < m->n_tensors; i++) {
		struct model_tensor *t = &m->tensors[i];
		float *x = m->params + t->offset, by = m->config.init_range;
		struct rng r;

		rng_seed(&r, seed, i);
		if (is_residual(m, i))
			by *= residual;
		for (size_t k = 0; k < t->rows * t->cols; k++)
			x[k] = t->role == MODEL_NORM   ? 1 - m->config.norm_plus
			       : t->role == MODEL_BIAS ? 0
						       : by * (float)rng_normal(&r);
	}
	for (size_t l = 0; l < c->layers; l++) {
		struct rng r;

		rng_seed(&r, seed, m->n_tensors + l);
		if (m->layers[l].delta)
			begin_delta(m, &m->layers[l], &r);
	}
	*out = m;
	return 0;
}

/* --- what is trained --- */

static int train(struct model *m, size_t from_layer, int outside, struct err *e)
{
	if (m->adapter)
		return err_set(e, "the weights below an adapter stay frozen");
	for (size_t i = 0; i < m->n_tensors; i++)
		if (m->tensors[i].type >= NN_Q8_0)
			return err_set(e,
				       "quantised weights cannot be trained; train an adapter over them");
	for (size_t i = 0; i < m->n_tensors; i++) {
		struct model_tensor *t = &m->tensors[i];

		if (t->layer >= 0)
			t->trained = (size_t)t->layer >= from_layer;
		else
			t->trained = outside || (int)i == m->norm_final.t_w ||
				     (int)i == m->norm_final.t_b || t->role == MODEL_HEAD;
	}
	model_table_settle(m);
	return 0;
}

int model_train_all(struct model *m, struct err *e)
{
	return train(m, 0, 1, e);
}

int model_train_top(struct model *m, size_t n, struct err *e)
{
	if (n > m->config.layers)
		return err_set(e, "the model has %zu layers, not %zu", m->config.layers, n);
	return train(m, m->config.layers - n, 0, e);
}

void model_free(struct model *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->n_tensors; i++)
		free(m->tensors[i].name);
	for (size_t i = 0; i < m->memory->n; i++)
		free(m->memory->blocks[i]);
	st_close(&m->memory->files);
	free(m->memory->blocks);
	free(m->memory);
	free(m->tensors);
	for (size_t l = 0; l < m->config.layers; l++)
		free(m->layers[l].experts);
	free(m->layers);
	free(m->dir);
	buf_release(&m->warning);
	if (m->adapter)
		free(m->adapter->targets);
	free(m->adapter);
	config_release(&m->config);
	free(m);
}

size_t model_count(const struct model *m)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n_tensors; i++)
		if (m->tensors[i].role < MODEL_LORA_A)
			n += m->tensors[i].rows * m->tensors[i].cols;
	return n;
}

size_t model_bytes(const struct model *m)
{
	size_t n = m->memory->bytes;

	for (size_t i = 0; i < m->n_tensors; i++) {
		const struct model_tensor *t = &m->tensors[i];

		/* An untied head may have the embedding's values still. */
		if (map_of(m, t->data) &&
		    ((int)i == m->t_embed || t->data != m->tensors[m->t_embed].data))
			n += t->rows * nn_row_bytes(t->type, t->cols);
		if (map_of(m, t->scales))
			n += t->rows * (t->cols / 32);
	}
	return n;
}

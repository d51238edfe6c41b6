/* config.json: shape, windows and tokens of a model, gathered into one description; what families
 * do otherwise stands in family.c. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../base/file.h"
#include "../base/mem.h"
#include "../json/foreign.h"
#include "../json/json.h"
#include "config_impl.h"

#define CONFIG_MAX ((size_t)16 << 20)

int config_absent(struct span v)
{
	return json_kind(v) == JSON_NONE || json_kind(v) == JSON_NULL;
}

int config_size(struct span c, const char *name, size_t hi, size_t otherwise, size_t *out,
		struct err *e)
{
	struct span v = json_member(c, name);
	int64_t x;

	if (config_absent(v)) {
		if (otherwise == 0)
			return err_set(e, "%s is missing", name);
		*out = otherwise;
		return 0;
	}
	if (json_int(v, &x) || x < 1 || (uint64_t)x > hi)
		return err_set(e, "%s must be a whole number from 1 to %zu", name, hi);
	*out = (size_t)x;
	return 0;
}

int config_real(struct span c, const char *name, double otherwise, double *out, struct err *e)
{
	struct span v = json_member(c, name);

	*out = otherwise;
	if (config_absent(v))
		return 0;
	if (json_number(v, out) || !isfinite(*out) || *out < 0 || *out > CONFIG_REAL_MAX)
		return err_set(e, "%s must be a number, 0 or more and below %g", name,
			       CONFIG_REAL_MAX);
	return 0;
}

int config_flag(struct span c, const char *name, int otherwise, int *out, struct err *e)
{
	enum json_kind k = json_kind(json_member(c, name));

	*out = otherwise;
	if (k == JSON_TRUE || k == JSON_FALSE)
		*out = k == JSON_TRUE;
	else if (k != JSON_NONE && k != JSON_NULL)
		return err_set(e, "%s must be true or false", name);
	return 0;
}

static int token_id(struct span v)
{
	int64_t x;

	return json_int(v, &x) == 0 && x >= 0 && x < 1 << 30 ? (int)x : -1;
}

/* eos_token_id is a number or a list. An absent one leaves what was there. */
static int get_eos(struct config *c, struct span from, struct err *e)
{
	struct span v = json_member(from, "eos_token_id"), key, item;
	struct json_iter it = {0};

	if (config_absent(v))
		return 0;
	c->n_eos = 0;
	if (json_kind(v) == JSON_NUMBER && token_id(v) >= 0) {
		c->eos[c->n_eos++] = token_id(v);
		return 0;
	}
	if (json_kind(v) != JSON_ARRAY)
		return err_set(e, "eos_token_id must be a token id or a list of them");
	while (json_next(&it, v, &key, &item)) {
		if (token_id(item) < 0 || c->n_eos == CONFIG_EOS_MAX)
			return err_set(e, "eos_token_id must list at most %d token ids",
				       CONFIG_EOS_MAX);
		c->eos[c->n_eos++] = token_id(item);
	}
	return 0;
}

/* --- lists of layers --- */

static int is_one_of(struct span item, const char *const types[])
{
	for (; *types; types++)
		if (json_is(item, *types))
			return 1;
	return 0;
}

int config_layer_types(struct span c, size_t layers, const char *const types[], unsigned char *out,
		       struct err *e)
{
	struct span list = json_member(c, "layer_types"), key, item;
	struct json_iter it = {0};

	if (config_absent(list))
		return 0;
	if (json_kind(list) != JSON_ARRAY)
		return err_set(e, "layer_types must be a list");
	if (json_count(list) != layers)
		return err_set(e, "layer_types has %zu entries for %zu layers", json_count(list),
			       layers);
	while (json_next(&it, list, &key, &item)) {
		if (!is_one_of(item, types))
			return err_set(e, "layer_types: %.*s is not supported",
				       (int)(item.n < 40 ? item.n : 40), item.s);
		*out++ = (unsigned char)json_is(item, types[0]);
	}
	return 1;
}

int config_places(struct span c, const char *name, size_t layers, int value, unsigned char *out,
		  struct err *e)
{
	struct span list = json_member(c, name), key, item;
	struct json_iter it = {0};

	if (json_kind(list) != JSON_ARRAY)
		return err_set(e, "%s must be a list", name);
	while (json_next(&it, list, &key, &item)) {
		int64_t l;

		if (json_int(item, &l) || l < 0 || (size_t)l >= layers)
			return err_set(e, "%s must list layers from 0 to %zu", name, layers - 1);
		out[l] = (unsigned char)value;
	}
	return 0;
}

/* --- windows --- */

/* layer_types says layer by layer which see all and which through a window. 1: there is such a list. */
static int get_layer_types(struct config *c, struct span j, struct err *e)
{
	static const char *const types[] = {"sliding_attention", "full_attention", "attention",
					    NULL};

	return c->family->conv ? 0 : config_layer_types(j, c->layers, types, c->windowed, e);
}

/* A pattern of letters that is repeated, L for a windowed layer and G for one that sees all. */
static int get_letters(struct config *c, struct span v, struct err *e)
{
	struct buf b = BUF_INIT;
	int rc = json_string(v, &b) || b.len == 0 || strspn(b.data, "LG") != b.len
			 ? err_set(e, "sliding_window_pattern must be a number, or letters L and G")
			 : 0;

	for (size_t l = 0; rc == 0 && l < c->layers; l++)
		c->windowed[l] = b.data[l % b.len] == 'L';
	buf_release(&b);
	return rc;
}

static int get_window_rule(struct config *c, struct span j, struct err *e)
{
	const struct family *f = c->family;
	struct span pattern = json_member(j, "sliding_window_pattern"),
		    first = json_member(j, "max_window_layers");
	size_t from = 0, every = f->window_every;

	if (f->window_pattern && json_kind(pattern) == JSON_STRING)
		return get_letters(c, pattern, e);
	if (f->window_pattern &&
	    config_size(j, "sliding_window_pattern", CONFIG_LAYERS_MAX, every, &every, e))
		return -1;
	if (f->window_switch && !config_absent(first)) {
		int64_t x;

		if (json_int(first, &x) || x < 0)
			return err_set(e, "max_window_layers must be a whole number");
		from = f->rope == FAMILY_ROPE_LISTED || f->experts ? 0 : (size_t)x;
	}
	for (size_t l = from; l < c->layers; l++)
		c->windowed[l] = f->rope == FAMILY_ROPE_LISTED
					 ? c->no_rope[l]
					 : (unsigned char)(every == 0 || (l + 1) % every != 0);
	return 0;
}

/* Which layers look through a window: layer_types says so layer by layer; older files leave it to a
 * rule of the family. */
static int get_windows(struct config *c, struct span j, struct err *e)
{
	const struct family *f = c->family;
	struct span window = json_member(j, "sliding_window");
	int use, listed = get_layer_types(c, j, e);

	if (listed < 0 || config_flag(j, "use_sliding_window", !f->window_switch, &use, e))
		return -1;
	if (!f->windows && memchr(c->windowed, 1, c->layers))
		return err_set(e, "layer_types: sliding_attention has no place in a %s model",
			       f->type);
	if (!f->windows || !use || json_kind(window) == JSON_NULL ||
	    (config_absent(window) && f->window == 0)) {
		memset(c->windowed, 0, sizeof c->windowed);
		return 0;
	}
	if (config_size(j, "sliding_window", 1 << 30, f->window, &c->window, e))
		return -1;
	return listed ? 0 : get_window_rule(c, j, e);
}

/* --- layers without rotation --- */

static int get_no_rope(struct config *c, struct span j, struct err *e)
{
	struct span list = json_member(j, "no_rope_layers"), key, item;
	struct json_iter it = {0};
	size_t every, l = 0;

	if (c->family->rope != FAMILY_ROPE_LISTED)
		return 0;
	if (config_size(j, "no_rope_layer_interval", CONFIG_LAYERS_MAX, 4, &every, e))
		return -1;
	if (config_absent(list)) {
		for (; l < c->layers; l++)
			c->no_rope[l] = (l + 1) % every == 0;
		return 0;
	}
	if (json_kind(list) != JSON_ARRAY || json_count(list) != c->layers)
		return err_set(e, "no_rope_layers must list 1 or 0 for each of the %zu layers",
			       c->layers);
	while (json_next(&it, list, &key, &item)) {
		int64_t x;

		if (json_int(item, &x) || (x != 0 && x != 1))
			return err_set(e, "no_rope_layers must list 1 (turned) or 0 (not)");
		c->no_rope[l++] = x == 0;
	}
	return 0;
}

/* --- shape --- */

static int get_activation(const struct config *c, struct span j, struct err *e)
{
	const struct family *f = c->family;
	const char *name = f->keys->act;
	struct span v = json_member(j, name);

	if (f->keys->act_first && !config_absent(json_member(j, f->keys->act_first)))
		v = json_member(j, f->keys->act_first);
	if (config_absent(v))
		return 0;
	for (size_t i = 0; i < sizeof f->acts / sizeof *f->acts && f->acts[i]; i++)
		if (json_is(v, f->acts[i]))
			return 0;
	return err_set(e, "%s %.*s is not supported for %s", name, (int)(v.n < 40 ? v.n : 40), v.s,
		       f->type);
}

static int get_shape(struct config *c, struct span j, struct err *e)
{
	const struct family *f = c->family;
	const struct family_keys *k = f->keys;
	double eps, range;

	if (config_size(j, k->layers, CONFIG_LAYERS_MAX, f->layers, &c->layers, e) ||
	    config_size(j, k->hidden, 1 << 17, f->hidden, &c->hidden, e) ||
	    config_size(j, k->heads, 4096, f->heads, &c->heads, e) ||
	    config_size(j, "vocab_size", 1 << 23, f->vocab, &c->vocab, e) ||
	    config_size(j, k->ffn, 1 << 20, f->transposed ? 4 * c->hidden : f->ffn, &c->ffn, e) ||
	    config_size(j, k->positions, 1 << 30, f->max_positions ? f->max_positions : 2048,
			&c->max_positions, e) ||
	    config_size(j, "num_key_value_heads", 4096, f->kv_heads ? f->kv_heads : c->heads,
			&c->kv_heads, e) ||
	    config_size(j, "head_dim", 4096,
			f->head_dim ? f->head_dim : (c->hidden + c->heads - 1) / c->heads,
			&c->head_dim, e) ||
	    config_real(j, k->eps, f->eps, &eps, e) ||
	    config_real(j, "initializer_range", 0.02, &range, e) ||
	    config_flag(j, "tie_word_embeddings", f->tied, &c->tied, e))
		return -1;
	c->norm_eps = (float)eps;
	c->init_range = (float)range;
	if (f->transposed)
		c->kv_heads = c->heads;
	if (c->heads % c->kv_heads != 0)
		return err_set(e,
			       "num_attention_heads %zu is no multiple of num_key_value_heads %zu",
			       c->heads, c->kv_heads);
	if (config_absent(json_member(j, "head_dim")) && !f->head_dim && c->hidden % c->heads != 0)
		return err_set(e, "hidden_size %zu is no multiple of the %zu heads", c->hidden,
			       c->heads);
	if (c->head_dim % 2 != 0 && !f->positions)
		return err_set(e, "head_dim %zu is odd", c->head_dim);
	return 0;
}

static int get_bias(struct span j, struct family_switch s, int *out, struct err *e)
{
	*out = s.otherwise;
	return s.key ? config_flag(j, s.key, s.otherwise, out, e) : 0;
}

static int get_parts(struct config *c, struct span j, struct err *e)
{
	const struct family *f = c->family;

	c->norm = f->norm;
	c->norm_plus = f->norm_plus;
	c->act = f->act;
	c->qk_norm = !f->norm_q ? CONFIG_QK_NONE : f->qk_whole ? CONFIG_QK_WHOLE : CONFIG_QK_HEADS;
	c->rope_first = f->rope_first;
	c->out_gate = f->out_gate;
	c->embed_scale = c->residual_scale = c->logit_scale = 1;
	c->attn_scale = 1 / sqrtf((float)c->head_dim);
	if (get_bias(j, f->bias_qkv, &c->qkv_bias, e) || get_bias(j, f->bias_o, &c->o_bias, e) ||
	    get_bias(j, f->bias_mlp, &c->mlp_bias, e) || (f->read && f->read(c, j, e)))
		return -1;
	return f->positions ? 0 : config_read_rope(c, j, e);
}

/* --- experts --- */

/* How many experts there are goes by two names. */
static int count_experts(struct config *c, struct span j, struct err *e)
{
	static const char *const names[] = {"num_experts", "num_local_experts"};
	const struct family_experts *x = c->family->experts;

	for (int i = 0; i < 2; i++) {
		size_t n;

		if (config_absent(json_member(j, names[i])))
			continue;
		if (config_size(j, names[i], CONFIG_EXPERTS_MAX, 0, &n, e))
			return -1;
		if (c->experts && c->experts != n)
			return err_set(e, "num_experts is %zu and num_local_experts %zu",
				       c->experts, n);
		c->experts = n;
	}
	if (c->experts == 0)
		c->experts = x->n;
	return c->experts ? 0 : err_set(e, "num_experts is missing");
}

/* Which layers have experts: each of every so many, but for those listed. */
static int get_sparse(struct config *c, struct span j, struct err *e)
{
	size_t every = 1;

	if (c->family->experts->some &&
	    config_size(j, "decoder_sparse_step", CONFIG_LAYERS_MAX, 1, &every, e))
		return -1;
	for (size_t l = 0; l < c->layers; l++)
		c->sparse[l] = (l + 1) % every == 0;
	if (!c->family->experts->some || config_absent(json_member(j, "mlp_only_layers")))
		return 0;
	return config_places(j, "mlp_only_layers", c->layers, 0, c->sparse, e);
}

static int get_experts(struct config *c, struct span j, struct err *e)
{
	const struct family_experts *x = c->family->experts;

	if (!x)
		return 0;
	c->expert_ffn = c->ffn;
	c->experts_normed = x->normed > 0;
	if (count_experts(c, j, e) ||
	    config_size(j, "num_experts_per_tok", CONFIG_EXPERTS_MAX, x->used, &c->experts_used,
			e) ||
	    (x->ffn && config_size(j, x->ffn, 1 << 20, x->ffn_otherwise, &c->expert_ffn, e)) ||
	    (x->normed < 0 && config_flag(j, "norm_topk_prob", 0, &c->experts_normed, e)))
		return -1;
	if (c->experts_used > c->experts)
		return err_set(e, "num_experts_per_tok %zu is more than the %zu experts there are",
			       c->experts_used, c->experts);
	return get_sparse(c, j, e);
}

/* --- weights in other forms --- */

static int get_blocks(struct config *c, struct span v, struct err *e)
{
	c->fp8_block[0] = c->fp8_block[1] = 128;
	if (config_absent(v))
		return 0;
	for (int i = 0; i < 2; i++) {
		int64_t x;

		if (json_count(v) != 2 || json_int(json_element(v, i), &x) || x < 1 || x > 1 << 20)
			return err_set(e, "weight_block_size must be a list of two whole numbers");
		c->fp8_block[i] = (size_t)x;
	}
	return 0;
}

/* FP8 with scales beside the weights is read; what takes another tool's code is refused with what
 * to take instead. */
static int get_quantization(struct config *c, struct span j, struct err *e)
{
	struct span q = json_member(j, "quantization_config"),
		    method = json_member(q, "quant_method");

	if (json_kind(json_member(j, "quantization")) == JSON_OBJECT)
		return err_set(e,
			       "quantization: weights quantised by MLX are not supported; take the model they were made from and ft's own --quantize");
	if (config_absent(q))
		return 0;
	if (json_is(method, "fp8") || (json_is(method, "compressed-tensors") &&
				       json_is(json_member(q, "format"), "float-quantized"))) {
		c->fp8 = 1;
		return get_blocks(c, json_member(q, "weight_block_size"), e);
	}
	if (json_is(method, "mxfp4")) {
		c->mxfp4 = 1;
		return c->family->experts && c->family->experts->bare
			       ? 0
			       : err_set(e,
					 "quantization_config: weights stored as MXFP4 are supported for gpt_oss only; take a repository of the model in bf16");
	}
	if (json_is(method, "gptq") || json_is(method, "awq"))
		return err_set(e,
			       "quantization_config: weights quantised by %.*s are not supported; take the model they were made from (ft-pull ORG/NAME without -GPTQ or -AWQ) and ft's own --quantize",
			       (int)method.n, method.s);
	if (json_is(method, "bitsandbytes") || !config_absent(json_member(q, "load_in_4bit")))
		return err_set(e,
			       "quantization_config: weights quantised by bitsandbytes are not supported; take the model they were made from (without -bnb-4bit) and ft's own --quantize");
	if (json_kind(method) == JSON_STRING)
		return err_set(e,
			       "quantization_config: weights quantised by %.*s are not supported; take the original model",
			       (int)(method.n < 40 ? method.n : 40), method.s);
	return err_set(e,
		       "quantization_config: weights quantised by other tools are not supported; take the original model");
}

static int read_config(struct config *c, struct span j, struct err *e)
{
	struct span type = json_member(j, "model_type");
	struct buf name = BUF_INIT, names = BUF_INIT;

	if (json_string(type, &name))
		return err_set(e,
			       "model_type is missing: this is no model of the Hugging Face layout");
	c->family = family_find(buf_span(&name));
	if (!c->family) {
		family_names(&names);
		err_set(e, "model_type %.60s is not supported (%s are)", name.data, names.data);
	}
	buf_release(&name);
	buf_release(&names);
	if (!c->family || get_quantization(c, j, e) || family_check_keys(c->family, j, e) ||
	    get_shape(c, j, e) || get_experts(c, j, e) || get_activation(c, j, e) ||
	    get_parts(c, j, e) || get_no_rope(c, j, e) || get_windows(c, j, e))
		return -1;
	for (size_t l = 0; l < c->layers && c->window && c->family->rope == FAMILY_ROPE_WINDOWED;
	     l++)
		c->no_rope[l] = !c->windowed[l];
	c->bos = token_id(json_member(j, "bos_token_id"));
	c->pad = token_id(json_member(j, "pad_token_id"));
	return get_eos(c, j, e);
}

static int read_any(struct config *c, struct span j, struct err *e)
{
	struct buf text = BUF_INIT;
	struct span inner;
	int rc = config_unwrap(c, j, &text, e);

	if (rc > 0) {
		rc = json_check(buf_span(&text), &inner, e) ? -1 : read_config(c, inner, e);
		if (rc)
			err_prefix(e, "text_config");
		else
			c->text = mem_strndup(text.data, text.len);
	} else if (rc == 0) {
		rc = read_config(c, j, e);
	}
	buf_release(&text);
	return rc;
}

int config_parse(struct config *c, const char *text, size_t n, const char *where, struct err *e)
{
	struct span all;

	*c = (struct config){0};
	if (json_check((struct span){text, n}, &all, e))
		return err_prefix(e, "%s", where);
	if (json_kind(all) != JSON_OBJECT) {
		err_set(e, "%s: no JSON object", where);
		return -1;
	}
	if (read_any(c, all, e)) {
		config_release(c);
		return err_prefix(e, "%s", where);
	}
	if (!c->text)
		c->text = mem_strndup(text, n);
	return 0;
}

int config_read_file(struct config *c, const char *path, struct err *e)
{
	struct buf text = BUF_INIT;
	int rc = file_read(path, CONFIG_MAX, &text, e);

	if (rc == 0)
		rc = foreign_file(path, buf_span(&text), e);
	if (rc == 0)
		rc = config_parse(c, text.data ? text.data : "", text.len, path, e);
	buf_release(&text);
	return rc;
}

int config_read(struct config *c, const char *dir, struct err *e)
{
	char *path = file_join(dir, "config.json"),
	     *generation = file_join(dir, "generation_config.json");
	struct buf text = BUF_INIT;
	struct span all;
	int rc = config_read_file(c, path, e);

	if (rc == 0 && file_exists(generation)) {
		rc = json_file(generation, CONFIG_MAX, &text, &all, e);
		if (rc == 0 && get_eos(c, all, e))
			rc = err_prefix(e, "%s", generation);
		if (rc)
			config_release(c);
	}
	buf_release(&text);
	free(generation);
	free(path);
	return rc;
}

void config_release(struct config *c)
{
	free(c->text);
	free(c->rope_short);
	free(c->rope_long);
	*c = (struct config){0};
}

static double *copied(const double *x, size_t n)
{
	double *copy = x ? mem_alloc(n, sizeof *copy) : NULL;

	if (copy)
		memcpy(copy, x, n * sizeof *copy);
	return copy;
}

void config_copy(struct config *to, const struct config *from)
{
	*to = *from;
	to->text = from->text ? mem_strdup(from->text) : NULL;
	to->rope_short = copied(from->rope_short, from->rope_dims / 2);
	to->rope_long = copied(from->rope_long, from->rope_dims / 2);
}

size_t config_window(const struct config *c, size_t l)
{
	return c->windowed[l] ? c->window : 0;
}

/* config.json: what each family means by its members, gathered into one description. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../base/file.h"
#include "../base/mem.h"
#include "../json/foreign.h"
#include "../json/json.h"
#include "config.h"

#define CONFIG_MAX ((size_t)16 << 20)

enum family { LLAMA, MISTRAL, QWEN2, QWEN3, GEMMA, GEMMA2, GEMMA3, GPT2, FAMILIES };

static const char *const families[FAMILIES] = {"llama", "mistral", "qwen2",	  "qwen3",
					       "gemma", "gemma2",  "gemma3_text", "gpt2"};

static int absent(struct span v)
{
	return json_kind(v) == JSON_NONE || json_kind(v) == JSON_NULL;
}

/* A whole number of lo..hi; where it is absent or null, otherwise (0: it must be there). */
static int get_size(struct span c, const char *name, size_t hi, size_t otherwise, size_t *out,
		    struct err *e)
{
	struct span v = json_member(c, name);
	int64_t x;

	if (absent(v)) {
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

static int get_real(struct span c, const char *name, double otherwise, double *out, struct err *e)
{
	struct span v = json_member(c, name);

	*out = otherwise;
	if (absent(v))
		return 0;
	if (json_number(v, out) || !isfinite(*out) || *out < 0)
		return err_set(e, "%s must be a number, 0 or more", name);
	return 0;
}

static int get_flag(struct span c, const char *name, int otherwise, int *out, struct err *e)
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

	if (absent(v))
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

/* One description of rotary scaling: rope_scaling, or an entry of rope_parameters. */
static int get_rope_scaling(struct config *c, struct span v, struct err *e)
{
	struct span kind = json_member(v, "rope_type");

	if (absent(kind))
		kind = json_member(v, "type");
	if (absent(kind) || json_is(kind, "default"))
		return 0;
	if (json_is(kind, "linear")) {
		c->rope = CONFIG_ROPE_LINEAR;
	} else if (json_is(kind, "llama3")) {
		c->rope = CONFIG_ROPE_LLAMA3;
	} else {
		return err_set(e,
			       "rope scaling %.*s is not supported (default, linear and llama3 are)",
			       (int)(kind.n < 40 ? kind.n : 40), kind.s);
	}
	if (get_real(v, "factor", 0, &c->rope_factor, e))
		return -1;
	if (c->rope_factor < 1)
		return err_set(e, "rope scaling: factor must be 1 or more");
	if (c->rope != CONFIG_ROPE_LLAMA3)
		return 0;
	if (get_real(v, "low_freq_factor", 1, &c->rope_low, e) ||
	    get_real(v, "high_freq_factor", 4, &c->rope_high, e) ||
	    get_real(v, "original_max_position_embeddings", 0, &c->rope_original, e))
		return -1;
	if (c->rope_original < 1 || !(c->rope_high > c->rope_low) || c->rope_low <= 0)
		return err_set(e,
			       "rope scaling llama3: original_max_position_embeddings, low_freq_factor < high_freq_factor needed");
	return 0;
}

static int get_rope(struct config *c, struct span j, double theta, struct err *e)
{
	struct span scaling = json_member(j, "rope_scaling"), p = json_member(j, "rope_parameters");
	double partial;

	c->rope = CONFIG_ROPE_PLAIN;
	if (get_real(j, "rope_theta", theta, &c->rope_theta, e) ||
	    get_real(j, "partial_rotary_factor", 1, &partial, e))
		return -1;
	if (partial != 1)
		return err_set(e, "partial_rotary_factor %g is not supported", partial);
	if (json_kind(scaling) == JSON_OBJECT && get_rope_scaling(c, scaling, e))
		return -1;
	if (json_kind(p) == JSON_OBJECT) {
		struct span full = json_member(p, "full_attention"),
			    sliding = json_member(p, "sliding_attention");

		if (json_kind(full) == JSON_OBJECT) {
			if (get_real(sliding, "rope_theta", c->rope_local_theta,
				     &c->rope_local_theta, e))
				return -1;
			p = full;
		}
		if (get_real(p, "rope_theta", c->rope_theta, &c->rope_theta, e) ||
		    get_rope_scaling(c, p, e))
			return -1;
	}
	if (c->rope_local_theta == 0)
		c->rope_local_theta = c->rope_theta;
	if (c->rope_theta < 1 || c->rope_local_theta < 1)
		return err_set(e, "rope_theta must be 1 or more");
	return 0;
}

/* Which layers look through a window: layer_types says so layer by layer; older files leave it to a
 * rule of the family. */
static int get_windows(struct config *c, struct span j, enum family f, struct err *e)
{
	struct span types = json_member(j, "layer_types"),
		    window = json_member(j, "sliding_window"), key, item;
	struct json_iter it = {0};
	size_t from = 0, pattern = 0, l = 0;
	int use;

	if (get_flag(j, "use_sliding_window", f != QWEN2 && f != QWEN3, &use, e))
		return -1;
	if (f == LLAMA || f == GEMMA || f == GPT2 || !use ||
	    (absent(window) && f != GEMMA2 && f != GEMMA3))
		return 0;
	if (get_size(j, "sliding_window", 1 << 30, 4096, &c->window, e))
		return -1;
	if (json_kind(types) == JSON_ARRAY) {
		if (json_count(types) != c->layers)
			return err_set(e, "layer_types has %zu entries for %zu layers",
				       json_count(types), c->layers);
		while (json_next(&it, types, &key, &item)) {
			if (!json_is(item, "sliding_attention") && !json_is(item, "full_attention"))
				return err_set(e, "layer_types: %.*s is not supported",
					       (int)(item.n < 40 ? item.n : 40), item.s);
			c->windowed[l++] = (unsigned char)json_is(item, "sliding_attention");
		}
		return 0;
	}
	if ((f == QWEN2 || f == QWEN3) && !absent(json_member(j, "max_window_layers"))) {
		int64_t x;

		if (json_int(json_member(j, "max_window_layers"), &x) || x < 0)
			return err_set(e, "max_window_layers must be a whole number");
		from = (size_t)x;
	}
	if (f == GEMMA2)
		pattern = 2;
	if (f == GEMMA3 && get_size(j, "sliding_window_pattern", CONFIG_LAYERS_MAX, 6, &pattern, e))
		return -1;
	for (l = from; l < c->layers; l++)
		c->windowed[l] = pattern == 0 || (l + 1) % pattern != 0;
	return 0;
}

static int get_activation(struct config *c, struct span j, enum family f, struct err *e)
{
	const char *name = f == GPT2 ? "activation_function" : "hidden_act";
	struct span v = json_member(j, name);

	if (f >= GEMMA && f <= GEMMA3 && !absent(json_member(j, "hidden_activation")))
		v = json_member(j, "hidden_activation");
	if (f >= GEMMA && f <= GEMMA3) {
		c->act = CONFIG_GEGLU;
		/* The first Gemma files say "gelu" and mean the tanh form, as Transformers computes
		 * it. */
		if (absent(v) || json_is(v, "gelu_pytorch_tanh") ||
		    (f == GEMMA && json_is(v, "gelu")))
			return 0;
	} else if (f == GPT2) {
		c->act = CONFIG_GELU;
		if (absent(v) || json_is(v, "gelu_new") || json_is(v, "gelu_pytorch_tanh"))
			return 0;
	} else {
		c->act = CONFIG_SWIGLU;
		if (absent(v) || json_is(v, "silu") || json_is(v, "swish"))
			return 0;
	}
	return err_set(e, "%s %.*s is not supported for %s", name, (int)(v.n < 40 ? v.n : 40), v.s,
		       families[f]);
}

static int get_shape(struct config *c, struct span j, enum family f, struct err *e)
{
	int gpt = f == GPT2, gemma = f >= GEMMA && f <= GEMMA3;
	double eps, range;

	if (get_size(j, gpt ? "n_layer" : "num_hidden_layers", CONFIG_LAYERS_MAX, 0, &c->layers,
		     e) ||
	    get_size(j, gpt ? "n_embd" : "hidden_size", 1 << 17, 0, &c->hidden, e) ||
	    get_size(j, gpt ? "n_head" : "num_attention_heads", 4096, 0, &c->heads, e) ||
	    get_size(j, "vocab_size", 1 << 23, 0, &c->vocab, e) ||
	    get_size(j, gpt ? "n_inner" : "intermediate_size", 1 << 20, gpt ? 4 * c->hidden : 0,
		     &c->ffn, e) ||
	    get_size(j, gpt ? "n_positions" : "max_position_embeddings", 1 << 30,
		     gpt     ? 1024
		     : gemma ? 8192
			     : 2048,
		     &c->max_positions, e) ||
	    get_size(j, "num_key_value_heads", 4096, c->heads, &c->kv_heads, e) ||
	    get_size(j, "head_dim", 4096, gemma ? 256 : (c->hidden + c->heads - 1) / c->heads,
		     &c->head_dim, e) ||
	    get_real(j, gpt ? "layer_norm_epsilon" : "rms_norm_eps", gpt ? 1e-5 : 1e-6, &eps, e) <
		    0 ||
	    get_real(j, "initializer_range", 0.02, &range, e) ||
	    get_flag(j, "tie_word_embeddings", gemma || gpt, &c->tied, e))
		return -1;
	c->norm_eps = (float)eps;
	c->init_range = (float)range;
	if (gpt)
		c->kv_heads = c->heads;
	if (c->heads % c->kv_heads != 0)
		return err_set(e,
			       "num_attention_heads %zu is no multiple of num_key_value_heads %zu",
			       c->heads, c->kv_heads);
	if (absent(json_member(j, "head_dim")) && !gemma && c->hidden % c->heads != 0)
		return err_set(e, "hidden_size %zu is no multiple of the %zu heads", c->hidden,
			       c->heads);
	if (c->head_dim % 2 != 0 && !gpt)
		return err_set(e, "head_dim %zu is odd", c->head_dim);
	return 0;
}

static int get_family(struct config *c, struct span j, enum family f, struct err *e)
{
	double scalar = 0, cap = 0, logit_cap = 0, local = 0;
	int attention_bias = 0, mlp_bias = 0;

	c->embed_scale = 1;
	c->attn_scale = 1 / sqrtf((float)c->head_dim);
	if (get_flag(j, "attention_bias", f == QWEN2, &attention_bias, e) ||
	    get_flag(j, "mlp_bias", 0, &mlp_bias, e))
		return -1;
	switch (f) {
	case LLAMA:
		c->qkv_bias = c->o_bias = attention_bias;
		c->mlp_bias = mlp_bias;
		return get_rope(c, j, 1e4, e);
	case MISTRAL:
		return get_rope(c, j, 1e4, e);
	case QWEN2:
		c->qkv_bias = 1;
		return get_rope(c, j, 1e4, e);
	case QWEN3:
		c->qkv_bias = c->o_bias = attention_bias;
		c->qk_norm = 1;
		return get_rope(c, j, 1e4, e);
	case GPT2: {
		int layer_scale, scaled;

		if (get_flag(j, "scale_attn_by_inverse_layer_idx", 0, &layer_scale, e) ||
		    get_flag(j, "scale_attn_weights", 1, &scaled, e))
			return -1;
		if (layer_scale || !scaled)
			return err_set(e, "attention scaled by layer is not supported");
		c->norm = CONFIG_LAYERNORM;
		c->qkv_bias = c->o_bias = c->mlp_bias = 1;
		c->transposed = 1;
		c->rope = CONFIG_ROPE_NONE;
		return 0;
	}
	case GEMMA3:
		c->qk_norm = 1;
		if (get_real(j, "rope_local_base_freq", 1e4, &local, e))
			return -1;
		c->rope_local_theta = local;
		/* fall through */
	case GEMMA2:
		c->post_norms = 1;
		if (get_real(j, "query_pre_attn_scalar", 256, &scalar, e) ||
		    get_real(j, "attn_logit_softcapping", f == GEMMA2 ? 50 : 0, &cap, e) ||
		    get_real(j, "final_logit_softcapping", f == GEMMA2 ? 30 : 0, &logit_cap, e))
			return -1;
		/* null says that there is none; only an absent member has the family's default. */
		if (json_kind(json_member(j, "attn_logit_softcapping")) == JSON_NULL)
			cap = 0;
		if (json_kind(json_member(j, "final_logit_softcapping")) == JSON_NULL)
			logit_cap = 0;
		if (scalar <= 0)
			return err_set(e, "query_pre_attn_scalar must be more than 0");
		c->attn_scale = 1 / sqrtf((float)scalar);
		c->attn_softcap = (float)cap;
		c->logit_softcap = (float)logit_cap;
		/* fall through */
	case GEMMA:
		c->qkv_bias = c->o_bias = attention_bias;
		c->norm_plus = 1;
		c->embed_scale = sqrtf((float)c->hidden);
		return get_rope(c, j, f == GEMMA3 ? 1e6 : 1e4, e);
	case FAMILIES:
		break;
	}
	return 0;
}

static int read_config(struct config *c, struct span j, struct err *e)
{
	struct span type = json_member(j, "model_type");
	struct buf name = BUF_INIT;
	int f, quantized = !absent(json_member(j, "quantization_config"));

	if (json_string(type, &name))
		return err_set(e,
			       "model_type is missing: this is no model of the Hugging Face layout");
	for (f = 0; f < FAMILIES; f++)
		if (span_is(buf_span(&name), families[f]))
			break;
	if (f == FAMILIES) {
		err_set(e,
			"model_type %.60s is not supported (llama, mistral, qwen2, qwen3, gemma, gemma2, gemma3_text and gpt2 are)",
			name.data);
		buf_release(&name);
		return -1;
	}
	buf_release(&name);
	strcpy(c->model_type, families[f]);
	if (quantized)
		return err_set(e,
			       "quantization_config: weights quantised by other tools are not supported; take the original model");
	if (get_shape(c, j, (enum family)f, e) || get_activation(c, j, (enum family)f, e) ||
	    get_family(c, j, (enum family)f, e) || get_windows(c, j, (enum family)f, e))
		return -1;
	c->bos = token_id(json_member(j, "bos_token_id"));
	c->pad = token_id(json_member(j, "pad_token_id"));
	return get_eos(c, j, e);
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
	if (read_config(c, all, e))
		return err_prefix(e, "%s", where);
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
	*c = (struct config){0};
}

void config_copy(struct config *to, const struct config *from)
{
	*to = *from;
	to->text = from->text ? mem_strdup(from->text) : NULL;
}

size_t config_window(const struct config *c, size_t l)
{
	return c->windowed[l] ? c->window : 0;
}

void config_rope(const struct config *c, int local, double *out)
{
	double theta = local ? c->rope_local_theta : c->rope_theta;
	/* Scaling stretches the long range; windowed layers with a base of their own never see it
	 * (Gemma 3). */
	enum config_rope kind =
		local && c->rope_local_theta != c->rope_theta ? CONFIG_ROPE_PLAIN : c->rope;

	for (size_t i = 0; i < c->head_dim / 2; i++) {
		double f = pow(theta, -2.0 * (double)i / (double)c->head_dim);

		if (kind == CONFIG_ROPE_LINEAR) {
			f /= c->rope_factor;
		} else if (kind == CONFIG_ROPE_LLAMA3) {
			double wavelength = 2 * 3.14159265358979323846 / f;
			double s = (c->rope_original / wavelength - c->rope_low) /
				   (c->rope_high - c->rope_low);

			s = s < 0 ? 0 : s > 1 ? 1 : s;
			f = (1 - s) * f / c->rope_factor + s * f;
		}
		out[i] = f;
	}
}

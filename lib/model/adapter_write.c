/* Adapters written into PEFT's files. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../base/file.h"
#include "../base/mem.h"
#include "../json/jw.h"
#include "adapter.h"
#include "family.h"
#include "safetensors.h"
#include "model_impl.h"

/* The alpha that a product's scale comes from. */
static double alpha_of(const struct adapter *s, const struct model_linear *lin)
{
	return (double)lin->scale * (s->rslora ? sqrt((double)lin->rank) : (double)lin->rank);
}

/* A module whose rank, or alpha, is not the adapter's own, by its whole name. */
static void put_own(const struct adapter *s, struct jw *w, const char *weight, size_t rank,
		    double alpha, int which)
{
	char *module = mem_strndup(weight, strlen(weight) - strlen(".weight"));

	if (which && fabs(alpha - s->alpha) >= 1e-6 * s->alpha)
		jw_put_num(w, module, (float)alpha);
	else if (!which && rank != s->rank)
		jw_put_int(w, module, rank);
	free(module);
}

/* which: 0 for ranks, 1 for alphas */
static void put_pattern(const struct model *m, struct jw *w, const char *name, int which)
{
	const struct adapter *s = m->adapter;

	jw_put_object(w, name);
	for (int head = 0; head < 2; head++)
		if (s->outside[head].rank)
			put_own(s, w, m->tensors[head ? m->t_head : m->t_embed].name,
				s->outside[head].rank, s->outside[head].alpha, which);
	for (size_t l = 0; l < m->config.layers; l++)
		for (size_t j = 0; j < model_products(m, l); j++) {
			const struct model_linear *lin = model_product(m, l, j);

			if (lin->a && !lin->row0)
				put_own(s, w, m->tensors[lin->t_w].name, lin->rank,
					alpha_of(s, lin), which);
		}
	jw_end(w);
}

/* The embedding or the head among what is written as it was read: with lora, an adapter over it, or
 * without its weights. */
static int keeps(const struct model *m, int head, int lora)
{
	const char *embed = strrchr(m->config.family->embed, '.') + 1;

	for (size_t i = 0; i < m->n_tensors; i++) {
		const struct model_tensor *t = &m->tensors[i];

		if (t->role == MODEL_LORA_KEPT && t->dims == 2 &&
		    strstr(t->name, head ? "lm_head." : embed) &&
		    (strstr(t->name, ".lora_") != NULL) == lora)
			return 1;
	}
	return 0;
}

static int has_bias(const struct model *m)
{
	for (size_t l = 0; l < m->config.layers; l++)
		for (size_t j = 0; j < model_products(m, l); j++)
			if (model_product(m, l, j)->extra)
				return 1;
	return 0;
}

/* Those of embedding and head that are kept so; null where there are none. */
static void put_outside(const struct model *m, struct jw *w, int lora)
{
	for (int head = 0; head < 2; head++)
		if (keeps(m, head, lora))
			jw_str(w, head ? "lm_head" : strrchr(m->config.family->embed, '.') + 1);
}

/* Names of the modules that have one, each once. */
static void put_targets(const struct model *m, struct jw *w, unsigned char on[2][MODEL_LINEARS],
			const unsigned char *experts)
{
	const char *all[2 * MODEL_LINEARS];
	size_t n = 0, k;

	for (int i = 0; i < 2 * MODEL_LINEARS; i++) {
		if (!on[i / MODEL_LINEARS][i % MODEL_LINEARS])
			continue;
		all[n] = model_adapter_target_name(m, i / MODEL_LINEARS, i % MODEL_LINEARS);
		for (k = 0; strcmp(all[k], all[n]) != 0; k++)
			;
		if (k == n)
			jw_str(w, all[n++]);
	}
	for (int j = 0; j < MODEL_EXPERT_LINEARS; j++) {
		const char *name = experts[j] ? m->config.family->experts->linear[j] : NULL;

		for (k = 0; name && k < n && strcmp(all[k], name) != 0; k++)
			;
		if (name && k == n)
			jw_str(w, name);
	}
}

static void write_config(const struct model *m, const char *base, struct buf *b)
{
	const struct adapter *s = m->adapter;
	unsigned char on[2][MODEL_LINEARS] = {{0}}, experts[MODEL_EXPERT_LINEARS] = {0},
		      in_layer[CONFIG_LAYERS_MAX] = {0};
	size_t layers = 0;
	struct jw w;

	for (size_t l = 0; l < m->config.layers; l++) {
		for (int j = 0; j < MODEL_LINEARS; j++) {
			on[m->config.conv[l]][j] |=
				m->layers[l].lin[j].a != NULL && m->layers[l].lin[j].row0 == 0;
			in_layer[l] |= m->layers[l].lin[j].a != NULL;
		}
		for (size_t j = MODEL_LINEARS; j < model_products(m, l); j++) {
			int has = model_product(m, l, j)->a != NULL;

			experts[(j - MODEL_LINEARS) % MODEL_EXPERT_LINEARS] |= has;
			in_layer[l] |= has;
		}
		layers += in_layer[l];
	}
	jw_init(&w, b);
	jw_object(&w);
	jw_put_str(&w, "peft_type", "LORA");
	jw_put_str(&w, "task_type", "CAUSAL_LM");
	jw_put_str(&w, "base_model_name_or_path", base);
	jw_put_int(&w, "r", s->rank);
	jw_put_num(&w, "lora_alpha", s->alpha);
	jw_put_num(&w, "lora_dropout", s->dropout);
	jw_put_array(&w, "target_modules");
	put_targets(m, &w, on, experts);
	put_outside(m, &w, 1);
	jw_end(&w);
	jw_put_str(&w, "bias", "none");
	jw_put_bool(&w, "fan_in_fan_out", m->config.family->transposed);
	jw_put_bool(&w, "inference_mode", 1);
	jw_put_bool(&w, "init_lora_weights", 1);
	if (keeps(m, 0, 0) || keeps(m, 1, 0)) {
		jw_put_array(&w, "modules_to_save");
		put_outside(m, &w, 0);
		jw_end(&w);
	} else {
		jw_put_null(&w, "modules_to_save");
	}
	if (has_bias(m))
		jw_put_bool(&w, "lora_bias", 1);
	jw_put_bool(&w, "use_rslora", s->rslora);
	jw_put_bool(&w, "use_dora", s->dora);
	put_pattern(m, &w, "rank_pattern", 0);
	put_pattern(m, &w, "alpha_pattern", 1);
	jw_key(&w, "layers_to_transform");
	if (layers < m->config.layers) {
		jw_array(&w);
		for (size_t l = 0; l < m->config.layers; l++)
			if (in_layer[l])
				jw_int(&w, l);
		jw_end(&w);
	} else {
		jw_null(&w);
	}
	jw_put_null(&w, "layers_pattern");
	jw_end(&w);
	buf_addc(b, '\n');
}

int adapter_save(const struct model *m, const char *dir, const char *base, struct err *e)
{
	char *weights = file_join(dir, "adapter_model.safetensors"),
	     *config = file_join(dir, "adapter_config.json");
	struct buf b = BUF_INIT;
	struct st_out o = {0};
	int rc = -1;

	if (!m->adapter) {
		err_set(e, "the model has no adapter to save");
		goto cleanup;
	}
	for (size_t i = 0; i < m->n_tensors; i++) {
		const struct model_tensor *t = &m->tensors[i];
		uint64_t shape[2] = {t->dims == 2 ? t->rows : t->cols, t->cols};

		if (t->role >= MODEL_LORA_A)
			st_add(&o, t->name, ST_F32, t->dims, shape, t->data);
	}
	write_config(m, base, &b);
	if (file_mkdir(dir, e) == 0 && st_write(&o, weights, NULL, NULL, e) == 0)
		rc = file_write(config, b.data, b.len, e);
cleanup:
	st_out_release(&o);
	buf_release(&b);
	free(weights);
	free(config);
	return rc;
}

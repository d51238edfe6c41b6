/* Adapters: which modules get one, and fresh ones. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../base/rng.h"
#include "../nn/kern.h"
#include "adapter.h"
#include "family.h"
#include "family.h"
#include "model_impl.h"

/* The last part of a module's name, which is how target_modules name it: q_proj. */
static const char *short_name(const struct model *m, int conv, int j)
{
	const char *name = model_linear_name(m, conv, j);

	return strrchr(name, '.') + 1;
}

const char *model_adapter_target_name(const struct model *m, int conv, int j)
{
	return m->config.family->transposed ? model_linear_name(m, conv, j)
					    : short_name(m, conv, j);
}

/* Whether any layer of that kind has product j. */
static int is_there(const struct model *m, int conv, int j)
{
	for (size_t l = 0; l < m->config.layers; l++)
		if (m->config.conv[l] == conv && m->layers[l].lin[j].t_w >= 0)
			return 1;
	return 0;
}

int adapter_over_experts(const struct model *m)
{
	return m->config.family->experts && m->config.family->experts->expert;
}

/* The modules that can have an adapter, each name once. */
static void list_targets(const struct model *m, struct buf *names)
{
	const char *all[2 * MODEL_LINEARS];
	size_t n = 0, i;

	for (int conv = 0; conv < 2; conv++)
		for (int j = 0; j < MODEL_LINEARS; j++) {
			if (!is_there(m, conv, j))
				continue;
			all[n] = model_adapter_target_name(m, conv, j);
			for (i = 0; strcmp(all[i], all[n]) != 0; i++)
				;
			if (i < n)
				continue;
			buf_addf(names, "%s%s", n ? ", " : "", all[n]);
			n++;
		}
	for (int j = 0; adapter_over_experts(m) && j < MODEL_EXPERT_LINEARS; j++)
		if (!is_there(m, 0, MODEL_GATE + j))
			buf_addf(names, ", %s", m->config.family->experts->linear[j]);
}

/* Which linear modules are named, in layers with attention and in those with a convolution, and of
 * experts. */
struct targets {
	unsigned char on[2][MODEL_LINEARS], expert[MODEL_EXPERT_LINEARS];
};

static int is_named(const struct model *m, const struct targets *t, size_t layer, size_t product)
{
	return product >= MODEL_LINEARS
		       ? t->expert[(product - MODEL_LINEARS) % MODEL_EXPERT_LINEARS]
		       : t->on[m->config.conv[layer]][product] &&
				 m->layers[layer].lin[product].t_w >= 0;
}

static int name_expert(const struct model *m, struct targets *t, const char *p, size_t n)
{
	int found = 0;

	for (int j = 0; adapter_over_experts(m) && j < MODEL_EXPERT_LINEARS; j++) {
		const char *name = m->config.family->experts->linear[j];

		if (strlen(name) == n && memcmp(p, name, n) == 0)
			t->expert[j] = 1, found = 1;
	}
	return found;
}

/* From a comma-separated list; "all" is all but the experts. */
static int parse_targets(const struct model *m, const char *list, struct targets *t, struct err *e)
{
	int all_of_them = strcmp(list, "all") == 0 || strcmp(list, "all-linear") == 0;

	*t = (struct targets){0};
	for (int i = 0; all_of_them && i < 2 * MODEL_LINEARS; i++)
		t->on[i / MODEL_LINEARS][i % MODEL_LINEARS] =
			(unsigned char)is_there(m, i / MODEL_LINEARS, i % MODEL_LINEARS);
	for (const char *p = list + strspn(list, " "); *p && !all_of_them;) {
		size_t all = strcspn(p, ","), n = all;
		int found;

		while (n && p[n - 1] == ' ')
			n--;
		found = name_expert(m, t, p, n);
		for (int i = 0; i < 2 * MODEL_LINEARS; i++) {
			int conv = i / MODEL_LINEARS, j = i % MODEL_LINEARS;
			const char *full = is_there(m, conv, j) ? model_linear_name(m, conv, j)
								: NULL,
				   *last = full ? short_name(m, conv, j) : NULL;

			if (full && ((strlen(last) == n && memcmp(p, last, n) == 0) ||
				     (strlen(full) == n && memcmp(p, full, n) == 0)))
				t->on[conv][j] = 1, found = 1;
		}
		if (!found) {
			struct buf names = BUF_INIT;

			list_targets(m, &names);
			err_set(e,
				"%.*s is no module that can have an adapter; there are %s, or all",
				(int)(n < 60 ? n : 60), p, names.data);
			buf_release(&names);
			return -1;
		}
		p += all + (p[all] == ',');
		p += strspn(p, " ");
	}
	return 0;
}

void model_adapter_module_name(const struct model *m, int tensor, const char *what, char *out,
			       size_t size)
{
	const char *name = m->tensors[tensor].name;
	size_t n = strlen(name) - strlen(".weight");
	int inside = m->config.wrapper[0] && strncmp(name, "model.", 6) == 0;

	/* Transformers calls a text model inside another one so, whatever the file of its weights
	 * does. */
	snprintf(out, size, ADAPTER_PREFIX "%s%.*s.%s", inside ? "model.language_model." : "",
		 (int)(inside ? n - 6 : n), inside ? name + 6 : name, what);
}

void model_adapter_add_pair(struct model *m, size_t layer, size_t product, const struct adapter *s,
			    int trained)
{
	struct model_linear *lin = model_product(m, layer, product);
	size_t rows = m->tensors[lin->t_w].rows;
	char name[256];

	lin->rank = s->rank;
	lin->scale =
		(float)(s->rslora ? s->alpha / sqrt((double)s->rank) : s->alpha / (double)s->rank);
	if (lin->row0) { /* of one tensor with the first, and of one adapter */
		const struct model_linear *first = model_first(m, layer, (int)product);

		lin->t_a = first->t_a;
		lin->t_b = first->t_b;
		lin->t_m = first->t_m;
		return;
	}
	model_adapter_module_name(m, lin->t_w, "lora_A.weight", name, sizeof name);
	lin->t_a = model_table_add(m, name, MODEL_LORA_A, (int)layer, 2, s->rank, lin->w.cols);
	model_adapter_module_name(m, lin->t_w, "lora_B.weight", name, sizeof name);
	lin->t_b = model_table_add(m, name, MODEL_LORA_B, (int)layer, 2, rows, s->rank);
	if (s->dora) {
		model_adapter_module_name(m, lin->t_w, "lora_magnitude_vector", name, sizeof name);
		lin->t_m = model_table_add(m, name, MODEL_LORA_M, (int)layer, 1, 1, rows);
		m->tensors[lin->t_m].trained = trained;
	}
	m->tensors[lin->t_a].trained = m->tensors[lin->t_b].trained = trained;
}

static int check_spec(const struct model *m, const struct adapter *s, struct err *e)
{
	if (m->adapter)
		return err_set(e, "the model has an adapter already");
	if (s->rank < 1 || s->rank > ADAPTER_RANK_MAX)
		return err_set(e, "the rank of an adapter must be 1 to %zu", ADAPTER_RANK_MAX);
	if (!(s->alpha > 0) || !isfinite(s->alpha))
		return err_set(e, "the alpha of an adapter must be more than 0");
	if (!(s->dropout >= 0 && s->dropout < 1))
		return err_set(e, "the dropout of an adapter must be at least 0 and below 1");
	if (s->top_layers > m->config.layers)
		return err_set(e, "the model has %zu layers, not %zu", m->config.layers,
			       s->top_layers);
	return 0;
}

void model_adapter_take_spec(struct model *m, const struct adapter *s)
{
	m->adapter = mem_alloc(1, sizeof *m->adapter);
	*m->adapter = *s;
	m->adapter->targets = mem_strdup(s->targets);
}

/* Lengths of the rows of W: where DoRA's magnitudes begin. */
static void row_lengths(const struct nn_mat *w, float *out)
{
	float *row = mem_aligned(w->cols, sizeof *row);

	for (size_t r = 0; r < w->rows; r++) {
		nn_mat_rows(row, w, r, 1);
		out[r] = (float)sqrt(nn_kern()->sum_squares(row, w->cols));
	}
	free(row);
}

int adapter_new(struct model *m, const struct adapter *s, uint64_t seed, struct err *e)
{
	struct targets on;
	size_t from = s->top_layers ? m->config.layers - s->top_layers : 0;

	if (check_spec(m, s, e) || parse_targets(m, s->targets, &on, e))
		return -1;
	for (int j = 0; s->dora && j < MODEL_EXPERT_LINEARS; j++)
		if (on.expert[j])
			return err_set(e, "DoRA over experts (%s) is not supported; LoRA is",
				       m->config.family->experts->linear[j]);
	model_adapter_take_spec(m, s);
	for (size_t l = from; l < m->config.layers; l++)
		for (size_t j = 0; j < model_products(m, l); j++)
			if (is_named(m, &on, l, j))
				model_adapter_add_pair(m, l, j, s, 1);
	model_table_settle(m);
	for (size_t l = from; l < m->config.layers; l++)
		for (size_t j = 0; j < model_products(m, l); j++) {
			struct model_linear *lin = model_product(m, l, j);
			int has = is_named(m, &on, l, j);
			float *a = m->params + m->tensors[has ? lin->t_a : 0].offset;
			double bound = 1 / sqrt((double)lin->w.cols);
			struct rng r;

			if (!has)
				continue;
			if (s->dora)
				row_lengths(&lin->w,
					    m->params + m->tensors[lin->t_m].offset + lin->row0);
			if (lin->row0)
				continue;
			/* Experts have numbers of their own, so that those of the others stay. */
			rng_seed(&r, seed,
				 j < MODEL_LINEARS ? l * MODEL_LINEARS + j
						   : (uint64_t)(l + 1) << 32 | j);
			for (size_t i = 0; i < s->rank * lin->w.cols; i++)
				a[i] = (float)((2 * rng_uniform(&r) - 1) * bound);
		}
	return 0;
}

/* Adapters: fresh ones, and those in PEFT's files. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../base/file.h"
#include "../base/mem.h"
#include "../base/rng.h"
#include "../json/json.h"
#include "../json/jw.h"
#include "../nn/kern.h"
#include "adapter.h"
#include "family.h"
#include "hub.h"
#include "model_impl.h"

#define CONFIG_MAX ((size_t)1 << 20)
#define RANK_MAX ((size_t)4096)
#define PREFIX "base_model.model."

/* The last part of a module's name, which is how target_modules name it: q_proj. */
static const char *short_name(const struct model *m, int j)
{
	const char *name = model_linear_name(m, j);

	return strrchr(name, '.') + 1;
}

/* What target_modules is told: the last part, or two where the last means several modules (GPT-2's
 * c_proj). */
static const char *target_name(const struct model *m, int j)
{
	return m->config.family->transposed ? model_linear_name(m, j) : short_name(m, j);
}

static int is_there(const struct model *m, int j)
{
	return m->layers[0].lin[j].t_w >= 0;
}

/* Which linear modules a comma-separated list names. */
static int parse_targets(const struct model *m, const char *list, unsigned char *on, struct err *e)
{
	memset(on, 0, MODEL_LINEARS);
	if (strcmp(list, "all") == 0 || strcmp(list, "all-linear") == 0) {
		for (int j = 0; j < MODEL_LINEARS; j++)
			on[j] = (unsigned char)is_there(m, j);
		return 0;
	}
	for (const char *p = list + strspn(list, " "); *p;) {
		size_t all = strcspn(p, ","), n = all;
		int found = 0;

		while (n && p[n - 1] == ' ')
			n--;

		for (int j = 0; j < MODEL_LINEARS; j++) {
			const char *full = is_there(m, j) ? model_linear_name(m, j) : NULL,
				   *last = full ? short_name(m, j) : NULL;

			if (full && ((strlen(last) == n && memcmp(p, last, n) == 0) ||
				     (strlen(full) == n && memcmp(p, full, n) == 0)))
				on[j] = 1, found = 1;
		}
		if (!found) {
			struct buf names = BUF_INIT;

			for (int j = 0; j < MODEL_LINEARS; j++)
				if (is_there(m, j) && m->layers[0].lin[j].row0 == 0)
					buf_addf(&names, "%s%s", names.len ? ", " : "",
						 target_name(m, j));
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

static void module_name(const struct model *m, size_t layer, int j, const char *what, char *out,
			size_t size)
{
	const struct model_tensor *w = &m->tensors[m->layers[layer].lin[j].t_w];
	size_t n = strlen(w->name) - strlen(".weight");

	snprintf(out, size, PREFIX "%.*s.%s", (int)n, w->name, what);
}

static void add_pair(struct model *m, size_t layer, int j, const struct adapter *s, int trained)
{
	struct model_linear *lin = &m->layers[layer].lin[j], *first = model_first(m, layer, j);
	size_t rows = m->tensors[lin->t_w].rows;
	char name[256];

	lin->rank = s->rank;
	lin->scale =
		(float)(s->rslora ? s->alpha / sqrt((double)s->rank) : s->alpha / (double)s->rank);
	if (lin->row0) { /* of one tensor with the first, and of one adapter */
		lin->t_a = first->t_a;
		lin->t_b = first->t_b;
		lin->t_m = first->t_m;
		return;
	}
	module_name(m, layer, j, "lora_A.weight", name, sizeof name);
	lin->t_a = model_table_add(m, name, MODEL_LORA_A, (int)layer, 2, s->rank, lin->w.cols);
	module_name(m, layer, j, "lora_B.weight", name, sizeof name);
	lin->t_b = model_table_add(m, name, MODEL_LORA_B, (int)layer, 2, rows, s->rank);
	if (s->dora) {
		module_name(m, layer, j, "lora_magnitude_vector", name, sizeof name);
		lin->t_m = model_table_add(m, name, MODEL_LORA_M, (int)layer, 1, 1, rows);
		m->tensors[lin->t_m].trained = trained;
	}
	m->tensors[lin->t_a].trained = m->tensors[lin->t_b].trained = trained;
}

static int check_spec(const struct model *m, const struct adapter *s, struct err *e)
{
	if (m->adapter)
		return err_set(e, "the model has an adapter already");
	if (s->rank < 1 || s->rank > RANK_MAX)
		return err_set(e, "the rank of an adapter must be 1 to %zu", RANK_MAX);
	if (!(s->alpha > 0) || !isfinite(s->alpha))
		return err_set(e, "the alpha of an adapter must be more than 0");
	if (!(s->dropout >= 0 && s->dropout < 1))
		return err_set(e, "the dropout of an adapter must be at least 0 and below 1");
	if (s->top_layers > m->config.layers)
		return err_set(e, "the model has %zu layers, not %zu", m->config.layers,
			       s->top_layers);
	return 0;
}

static void take_spec(struct model *m, const struct adapter *s)
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
	unsigned char on[MODEL_LINEARS];
	size_t from = s->top_layers ? m->config.layers - s->top_layers : 0;

	if (check_spec(m, s, e) || parse_targets(m, s->targets, on, e))
		return -1;
	take_spec(m, s);
	for (size_t l = from; l < m->config.layers; l++)
		for (int j = 0; j < MODEL_LINEARS; j++)
			if (on[j])
				add_pair(m, l, j, s, 1);
	model_table_settle(m);
	for (size_t l = from; l < m->config.layers; l++)
		for (int j = 0; j < MODEL_LINEARS; j++) {
			struct model_linear *lin = &m->layers[l].lin[j];
			float *a = m->params + m->tensors[on[j] ? lin->t_a : 0].offset;
			double bound = 1 / sqrt((double)lin->w.cols);
			struct rng r;

			if (!on[j])
				continue;
			if (s->dora)
				row_lengths(&lin->w,
					    m->params + m->tensors[lin->t_m].offset + lin->row0);
			if (lin->row0)
				continue;
			rng_seed(&r, seed, l * MODEL_LINEARS + (size_t)j);
			for (size_t i = 0; i < s->rank * lin->w.cols; i++)
				a[i] = (float)((2 * rng_uniform(&r) - 1) * bound);
		}
	return 0;
}

/* --- PEFT's files --- */

static int flag(struct span c, const char *name)
{
	return json_kind(json_member(c, name)) == JSON_TRUE;
}

/* A member of PEFT's configuration that ft does not cover must say that it is not used. */
static int unused(struct span c, const char *name, struct err *e)
{
	struct span v = json_member(c, name);
	enum json_kind k = json_kind(v);

	if (k == JSON_NONE || k == JSON_NULL || k == JSON_FALSE ||
	    ((k == JSON_OBJECT || k == JSON_ARRAY) && json_count(v) == 0))
		return 0;
	return err_set(e, "%s is not supported", name);
}

static int read_config(struct adapter *s, struct span c, int transposed, struct err *e)
{
	static const char *const not_covered[] = {"modules_to_save",
						  "rank_pattern",
						  "alpha_pattern",
						  "layer_replication",
						  "trainable_token_indices",
						  "lora_bias",
						  "exclude_modules",
						  "target_parameters",
						  "use_qalora",
						  "alora_invocation_tokens",
						  "arrow_config",
						  "megatron_config"};
	struct span init = json_member(c, "init_lora_weights"), bias = json_member(c, "bias");
	int64_t rank;

	*s = (struct adapter){0};
	if (!json_is(json_member(c, "peft_type"), "LORA"))
		return err_set(e, "peft_type is not LORA");
	if (json_int(json_member(c, "r"), &rank) || rank < 1 || (size_t)rank > RANK_MAX)
		return err_set(e, "r must be 1 to %zu", RANK_MAX);
	s->rank = (size_t)rank;
	if (json_number(json_member(c, "lora_alpha"), &s->alpha) || !(s->alpha > 0) ||
	    !isfinite(s->alpha))
		return err_set(e, "lora_alpha must be a number more than 0");
	if (json_kind(json_member(c, "lora_dropout")) == JSON_NUMBER)
		json_number(json_member(c, "lora_dropout"), &s->dropout);
	if (!(s->dropout >= 0 && s->dropout < 1))
		return err_set(e, "lora_dropout must be at least 0 and below 1");
	s->rslora = flag(c, "use_rslora");
	s->dora = flag(c, "use_dora");
	for (size_t i = 0; i < sizeof not_covered / sizeof *not_covered; i++)
		if (unused(c, not_covered[i], e))
			return -1;
	if (flag(c, "fan_in_fan_out") && !transposed)
		return err_set(e,
			       "fan_in_fan_out is for models that store their weights transposed, which this base does not");
	if (json_kind(bias) == JSON_STRING && !json_is(bias, "none"))
		return err_set(e, "bias %.*s is not supported", (int)(bias.n < 20 ? bias.n : 20),
			       bias.s);
	/* these begin with B = 0, so the base stays what it is */
	if (json_kind(init) == JSON_STRING && !json_is(init, "gaussian") && !json_is(init, "eva") &&
	    !json_is(init, "orthogonal"))
		return err_set(e,
			       "init_lora_weights %.*s changes the base model and is not supported",
			       (int)(init.n < 20 ? init.n : 20), init.s);
	return 0;
}

/* Where a tensor of the file belongs: the layer and module whose name it carries. what gets the
 * text after the module. */
static int find_module(const struct model *m, const char *name, size_t *layer, int *j,
		       const char **what)
{
	size_t p = strlen(PREFIX);

	if (strncmp(name, PREFIX, p) != 0)
		return -1;
	name += p;
	for (*layer = 0; *layer < m->config.layers; ++*layer)
		for (*j = 0; *j < MODEL_LINEARS; ++*j) {
			int t = m->layers[*layer].lin[*j].t_w;
			size_t n = t < 0 ? 0 : strlen(m->tensors[t].name) - strlen("weight");

			if (n && strncmp(name, m->tensors[t].name, n) == 0) {
				*what = name + n;
				return 0;
			}
		}
	return -1;
}

struct pair {
	const struct st_tensor *a, *b, *m;
};

static int shaped(const struct st_tensor *t, int dims, size_t rows, size_t cols, struct err *e)
{
	if (t->dims == dims && t->shape[0] == rows && (dims == 1 || t->shape[1] == cols))
		return 0;
	if (dims == 1)
		return err_set(e, "tensor %s has not the shape [%zu] that fits this base model",
			       t->name, rows);
	return err_set(e, "tensor %s has not the shape [%zu, %zu] that fits this base model and r",
		       t->name, rows, cols);
}

static int match(const struct model *m, const struct adapter *s, const struct st_set *f,
		 struct pair *pairs, struct err *e)
{
	size_t found = 0;

	for (size_t i = 0; i < f->n; i++) {
		const struct st_tensor *t = &f->t[i];
		const struct model_linear *lin;
		const char *what;
		struct pair *p;
		size_t l;
		int j, bad;

		if (find_module(m, t->name, &l, &j, &what))
			return err_set(e, "tensor %s has no module in this base model", t->name);
		if (t->type != ST_F32 && t->type != ST_F16 && t->type != ST_BF16)
			return err_set(e,
				       "tensor %s is stored as %s; F32, F16 and BF16 are supported",
				       t->name, st_type_name(t->type));
		lin = &m->layers[l].lin[j];
		p = &pairs[l * MODEL_LINEARS + (size_t)j];
		if (strcmp(what, "lora_A.weight") == 0) {
			bad = shaped(t, 2, s->rank, lin->w.cols, e);
			p->a = t;
		} else if (strcmp(what, "lora_B.weight") == 0) {
			bad = shaped(t, 2, m->tensors[lin->t_w].rows, s->rank, e);
			p->b = t;
		} else if (s->dora && (strcmp(what, "lora_magnitude_vector") == 0 ||
				       strcmp(what, "lora_magnitude_vector.weight") == 0)) {
			bad = shaped(t, 1, m->tensors[lin->t_w].rows, 0, e);
			p->m = t;
		} else {
			bad = err_set(e, "tensor %s is of a kind that is not supported", t->name);
		}
		if (bad < 0)
			return -1;
	}
	for (size_t i = 0; i < m->config.layers * MODEL_LINEARS; i++) {
		const struct pair *p = &pairs[i];

		if ((!p->a) != (!p->b) || (s->dora && p->a && !p->m))
			return err_set(e, "the adapter of %s in layer %zu is not whole",
				       model_linear_name(m, (int)(i % MODEL_LINEARS)),
				       i / MODEL_LINEARS);
		found += p->a != NULL;
	}
	if (found == 0)
		return err_set(e, "there is no adapter in the file");
	return 0;
}

static void load_values(struct model *m, int t, const struct st_tensor *s)
{
	float *values = model_keep(m, s->count, sizeof *values);

	nn_decode(values,
		  s->type == ST_F32   ? NN_F32
		  : s->type == ST_F16 ? NN_F16
				      : NN_BF16,
		  s->data, s->count);
	m->tensors[t].type = NN_F32;
	m->tensors[t].data = values;
}

int adapter_open(struct model *m, const char *name, int trained, struct err *e)
{
	char *dir = hub_find_adapter(name, e), *path = NULL;
	struct buf text = BUF_INIT, targets = BUF_INIT;
	struct st_set files = {0};
	struct adapter s;
	struct pair *pairs = mem_alloc(m->config.layers * MODEL_LINEARS, sizeof *pairs);
	struct span c;
	int rc = -1, used[MODEL_LINEARS] = {0};

	if (m->adapter) {
		err_set(e, "the model has an adapter already");
		goto cleanup;
	}
	if (!dir)
		goto cleanup;
	path = file_join(dir, "adapter_config.json");
	if (json_file(path, CONFIG_MAX, &text, &c, e))
		goto cleanup;
	if (read_config(&s, c, m->config.family->transposed, e)) {
		err_prefix(e, "%s", path);
		goto cleanup;
	}
	if (st_open_dir(&files, dir, "adapter_model", e))
		goto cleanup;
	if (match(m, &s, &files, pairs, e)) {
		err_prefix(e, "%s", dir);
		goto cleanup;
	}
	for (size_t i = 0; i < m->config.layers * MODEL_LINEARS; i++)
		used[i % MODEL_LINEARS] |= pairs[i].a != NULL;
	for (int j = 0; j < MODEL_LINEARS; j++)
		if (used[j])
			buf_addf(&targets, "%s%s", targets.len ? "," : "", target_name(m, j));
	s.targets = targets.data;
	take_spec(m, &s);
	for (size_t l = 0, i = 0; l < m->config.layers; l++)
		for (int j = 0; j < MODEL_LINEARS; j++, i++) {
			struct model_linear *lin = &m->layers[l].lin[j];

			if (lin->row0 && model_first(m, l, j)->t_a >= 0)
				add_pair(m, l, j, &s, trained);
			if (!pairs[i].a)
				continue;
			if (m->adapter->top_layers == 0)
				m->adapter->top_layers = m->config.layers - l;
			add_pair(m, l, j, &s, trained);
			load_values(m, lin->t_a, pairs[i].a);
			load_values(m, lin->t_b, pairs[i].b);
			if (s.dora)
				load_values(m, lin->t_m, pairs[i].m);
		}
	if (trained)
		model_table_settle(m);
	else
		model_bind(m);
	rc = 0;
cleanup:
	st_close(&files);
	buf_release(&text);
	buf_release(&targets);
	free(pairs);
	free(path);
	free(dir);
	return rc;
}

static void write_config(const struct model *m, const char *base, struct buf *b)
{
	const struct adapter *s = m->adapter;
	unsigned char on[MODEL_LINEARS] = {0}, in_layer[CONFIG_LAYERS_MAX] = {0};
	size_t layers = 0;
	struct jw w;

	for (size_t l = 0; l < m->config.layers; l++) {
		for (int j = 0; j < MODEL_LINEARS; j++) {
			on[j] |= m->layers[l].lin[j].a != NULL && m->layers[l].lin[j].row0 == 0;
			in_layer[l] |= m->layers[l].lin[j].a != NULL;
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
	for (int j = 0; j < MODEL_LINEARS; j++)
		if (on[j])
			jw_str(&w, target_name(m, j));
	jw_end(&w);
	jw_put_str(&w, "bias", "none");
	jw_put_bool(&w, "fan_in_fan_out", m->config.family->transposed);
	jw_put_bool(&w, "inference_mode", 1);
	jw_put_bool(&w, "init_lora_weights", 1);
	jw_put_null(&w, "modules_to_save");
	jw_put_bool(&w, "use_rslora", s->rslora);
	jw_put_bool(&w, "use_dora", s->dora);
	jw_put_object(&w, "rank_pattern");
	jw_end(&w);
	jw_put_object(&w, "alpha_pattern");
	jw_end(&w);
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

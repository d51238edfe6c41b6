/* Adapters in PEFT's files: their configuration, and where each tensor belongs, whatever its name
 * has before the module's (see place_of). */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <ctype.h>
#include <math.h>
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../base/file.h"
#include "../base/mem.h"
#include "../json/json.h"
#include "../nn/kern.h"
#include "adapter.h"
#include "family.h"
#include "hub.h"
#include "model_impl.h"

#define CONFIG_MAX ((size_t)1 << 20)

/* --- adapter_config.json --- */

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
	static const char *const not_covered[] = {"layer_replication",
						  "trainable_token_indices",
						  "target_parameters",
						  "use_qalora",
						  "alora_invocation_tokens",
						  "arrow_config",
						  "megatron_config",
						  "use_bdlora"};
	struct span init = json_member(c, "init_lora_weights"), bias = json_member(c, "bias"),
		    type = json_member(c, "peft_type");
	int64_t rank;

	*s = (struct adapter){0};
	if (!json_is(type, "LORA"))
		return err_set(e, "peft_type %.*s is not supported (LORA is)",
			       (int)(type.n < 30 ? type.n : 30), type.n ? type.s : "");
	if (json_int(json_member(c, "r"), &rank) || rank < 1 || (size_t)rank > ADAPTER_RANK_MAX)
		return err_set(e, "r must be 1 to %zu", ADAPTER_RANK_MAX);
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

/* Whether PEFT takes a pattern's key for that module: (.*\.)?(KEY)$ from the beginning on. -1: KEY
 * is no pattern. */
static int key_matches(const char *key, const char *module)
{
	struct buf pattern = BUF_INIT;
	pcre2_match_data *data;
	pcre2_code *code;
	int error, rc;
	size_t at;

	buf_addf(&pattern, key[0] == '^' ? "(?:%s)$" : "^(?:.*\\.)?(?:%s)$", key);
	code = pcre2_compile((PCRE2_SPTR)pattern.data, pattern.len, 0, &error, &at, NULL);
	buf_release(&pattern);
	if (!code)
		return -1;
	data = mem_or_end(pcre2_match_data_create_from_pattern(code, NULL));
	rc = pcre2_match(code, (PCRE2_SPTR)module, strlen(module), 0, 0, data, NULL);
	pcre2_match_data_free(data);
	pcre2_code_free(code);
	return rc >= 0;
}

/* What rank_pattern or alpha_pattern says of a module, otherwise *x as it is. */
static int by_pattern(struct span c, const char *name, const char *module, double *x, struct err *e)
{
	struct span patterns = json_member(c, name), key, value;
	struct json_iter it = {0};

	if (json_kind(patterns) != JSON_OBJECT)
		return 0;
	while (json_next(&it, patterns, &key, &value)) {
		struct buf text = BUF_INIT;
		int matches = json_string(key, &text) ? -1 : key_matches(text.data, module);
		double y = 0;

		buf_release(&text);
		if (matches < 0)
			return err_set(e, "%s: %.*s is no pattern", name,
				       (int)(key.n < 60 ? key.n : 60), key.s);
		if (!matches)
			continue;
		if (json_number(value, &y) || !(y > 0) || !isfinite(y) ||
		    (strcmp(name, "rank_pattern") == 0 &&
		     (y != floor(y) || y > (double)ADAPTER_RANK_MAX)))
			return err_set(e, "%s: %.*s of %.*s is out of range", name,
				       (int)(value.n < 20 ? value.n : 20), value.s,
				       (int)(key.n < 60 ? key.n : 60), key.s);
		*x = y;
		return 0;
	}
	return 0;
}

/* Rank and alpha of one module. */
static int spec_of(const struct adapter *s, struct span c, const char *weight, struct adapter *own,
		   struct err *e)
{
	char *module = mem_strndup(weight, strlen(weight) - strlen(".weight"));
	double rank = (double)s->rank;
	int rc;

	*own = *s;
	rc = by_pattern(c, "rank_pattern", module, &rank, e) ||
			     by_pattern(c, "alpha_pattern", module, &own->alpha, e)
		     ? -1
		     : 0;
	own->rank = (size_t)rank;
	free(module);
	return rc;
}

/* --- names --- */

enum place_kind { IN_LAYER, EMBEDDING, HEAD };

struct place {
	enum place_kind kind;
	size_t layer, product;
	char what[64]; /* "lora_A.weight" */
};

#define PARTS_MAX 24

static int among(const char *part, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(part, list[i]) == 0)
			return 1;
	return 0;
}

/* The parts from..n-1 with dots between them. */
static void joined(char **parts, size_t from, size_t n, char *out, size_t size)
{
	size_t at = 0;

	out[0] = 0;
	for (size_t i = from; i < n && at + 1 < size; i++)
		at += (size_t)snprintf(out + at, size - at, "%s%s", i > from ? "." : "", parts[i]);
}

#define NO_PRODUCT SIZE_MAX

static size_t expert_product(const struct model *m, const char *module)
{
	const struct family_experts *f = m->config.family->experts;
	size_t n = strcspn(f->expert, "%"), x;
	char *end;

	if (strncmp(module, f->expert, n) != 0 || !isdigit((unsigned char)module[n]))
		return NO_PRODUCT;
	x = strtoul(module + n, &end, 10);
	for (size_t j = 0; *end == '.' && x < m->config.experts && j < MODEL_EXPERT_LINEARS; j++)
		if (strcmp(end + 1, f->linear[j]) == 0)
			return MODEL_LINEARS + x * MODEL_EXPERT_LINEARS + j;
	return NO_PRODUCT;
}

/* The layer's product that is called so. A layer with experts has no MLP, whatever the name of that
 * would be. */
static size_t product_called(const struct model *m, size_t layer, const char *module)
{
	const struct model_layer *y = &m->layers[layer];

	for (size_t j = 0; j < MODEL_LINEARS; j++) {
		const char *name = model_linear_name(m, m->config.conv[layer], (int)j);

		if (name && y->lin[j].t_w >= 0 && strcmp(name, module) == 0)
			return j;
	}
	return y->experts && adapter_over_experts(m) ? expert_product(m, module) : NO_PRODUCT;
}

static int place_in_layer(const struct model *m, char **parts, size_t n, struct place *p)
{
	char module[96];
	char *end;

	p->layer = strtoul(parts[1], &end, 10);
	if (*end || end == parts[1] || p->layer >= m->config.layers)
		return -1;
	for (size_t to = 3; to < n; to++) {
		joined(parts, 2, to, module, sizeof module);
		p->product = product_called(m, p->layer, module);
		if (p->product != NO_PRODUCT) {
			joined(parts, to, n, p->what, sizeof p->what);
			p->kind = IN_LAYER;
			return 0;
		}
	}
	return -1;
}

/* Where a tensor of the file belongs. Before the module's name there may be the wrappers of PEFT,
 * torch.compile and multimodal models, or none of them; behind it the adapter's own name. */
static int place_of(const struct model *m, const char *name, struct place *p)
{
	static const char *const before[] = {"base_model", "model", "language_model",
					     "transformer"},
				 *const within[] = {"_orig_mod", "default", "modules_to_save"};
	const char *layer = m->config.family->layer, *embed = strrchr(m->config.family->embed, '.');
	char *copy = mem_strdup(name), *parts[PARTS_MAX], *save = NULL, word[16];
	size_t n = 0, from = 0;
	int rc = -1;

	for (char *part = strtok_r(copy, ".", &save); part && n < PARTS_MAX;
	     part = strtok_r(NULL, ".", &save))
		if (!among(part, within, sizeof within / sizeof *within))
			parts[n++] = part;
	while (from < n && among(parts[from], before, sizeof before / sizeof *before))
		from++;
	/* "model.layers.%zu.%s": the word before the number */
	layer = strchr(layer, '.') + 1;
	snprintf(word, sizeof word, "%.*s", (int)strcspn(layer, "."), layer);
	if (from + 3 < n && strcmp(parts[from], word) == 0) {
		rc = place_in_layer(m, parts + from, n - from, p);
	} else if (from + 1 < n &&
		   (strcmp(parts[from], embed + 1) == 0 || strcmp(parts[from], "lm_head") == 0)) {
		p->kind = strcmp(parts[from], "lm_head") == 0 ? HEAD : EMBEDDING;
		joined(parts, from + 1, n, p->what, sizeof p->what);
		rc = 0;
	}
	free(copy);
	return rc;
}

/* --- tensors --- */

struct pair {
	const struct st_tensor *a, *b, *m, *bias;
};

/* What the file has outside the layers: weights in place of the base's, and LoRA over them. */
struct outside {
	const struct st_tensor *weight, *a, *b;
};

struct reading {
	struct model *m;
	struct adapter s;
	struct span config;
	struct st_set files;
	size_t products;	   /* most of a layer */
	struct pair *pairs;	   /* [layers, products] */
	struct outside outside[2]; /* embedding, head */
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

static int unknown(const struct st_tensor *t, struct err *e)
{
	return err_set(e, "tensor %s is of a kind that is not supported", t->name);
}

static int place_pair(struct reading *r, const struct place *at, const struct st_tensor *t,
		      struct err *e)
{
	struct model *m = r->m;
	const struct model_linear *lin = model_product(m, at->layer, at->product);
	struct pair *p = &r->pairs[at->layer * r->products + at->product];
	size_t rows = m->tensors[lin->t_w].rows;
	struct adapter own;

	if (spec_of(&r->s, r->config, m->tensors[lin->t_w].name, &own, e))
		return -1;
	if (r->s.dora && at->product >= MODEL_LINEARS)
		return err_set(e, "tensor %s: DoRA over experts is not supported", t->name);
	if (strcmp(at->what, "lora_A.weight") == 0) {
		p->a = t;
		return shaped(t, 2, own.rank, lin->w.cols, e);
	}
	if (strcmp(at->what, "lora_B.weight") == 0) {
		p->b = t;
		return shaped(t, 2, rows, own.rank, e);
	}
	if (strcmp(at->what, "lora_B.bias") == 0) {
		p->bias = t;
		return shaped(t, 1, rows, 0, e);
	}
	if (r->s.dora && (strcmp(at->what, "lora_magnitude_vector") == 0 ||
			  strcmp(at->what, "lora_magnitude_vector.weight") == 0)) {
		p->m = t;
		return shaped(t, 1, rows, 0, e);
	}
	return unknown(t, e);
}

static int place_outside(struct reading *r, const struct place *at, const struct st_tensor *t,
			 struct err *e)
{
	const struct config *c = &r->m->config;
	int head = at->kind == HEAD;
	struct outside *o = &r->outside[head];
	struct adapter own;

	if (spec_of(&r->s, r->config, head ? "lm_head.weight" : r->m->tensors[r->m->t_embed].name,
		    &own, e))
		return -1;
	if (strcmp(at->what, "weight") == 0 || strcmp(at->what, "base_layer.weight") == 0) {
		o->weight = t;
		return shaped(t, 2, c->vocab, c->hidden, e);
	}
	if (r->s.dora)
		return err_set(e, "tensor %s: DoRA on embeddings and head is not supported",
			       t->name);
	if (strcmp(at->what, head ? "lora_A.weight" : "lora_embedding_A") == 0) {
		o->a = t;
		return shaped(t, 2, own.rank, head ? c->hidden : c->vocab, e);
	}
	if (strcmp(at->what, head ? "lora_B.weight" : "lora_embedding_B") == 0) {
		o->b = t;
		return shaped(t, 2, head ? c->vocab : c->hidden, own.rank, e);
	}
	return unknown(t, e);
}

/* modules_to_save may name the embedding and the head, and then the file has them. */
static int check_saved(const struct reading *r, struct err *e)
{
	struct span list = json_member(r->config, "modules_to_save"), key, item;
	const char *embed = strrchr(r->m->config.family->embed, '.') + 1;
	struct json_iter it = {0};

	if (json_kind(list) != JSON_ARRAY)
		return unused(r->config, "modules_to_save", e);
	while (json_next(&it, list, &key, &item)) {
		int head = json_is(item, "lm_head");

		if (!head && !json_is(item, embed))
			return err_set(e,
				       "modules_to_save: %.*s is not supported (%s and lm_head are)",
				       (int)(item.n < 40 ? item.n : 40), item.s, embed);
		if (!r->outside[head].weight)
			return err_set(e,
				       "modules_to_save names %s, and the file has no weights of it",
				       head ? "lm_head" : embed);
	}
	return 0;
}

static int match(struct reading *r, struct err *e)
{
	const struct model *m = r->m;
	size_t found = 0;

	for (size_t i = 0; i < r->files.n; i++) {
		const struct st_tensor *t = &r->files.t[i];
		struct place at;

		if (place_of(m, t->name, &at))
			return err_set(e, "tensor %s has no module in this base model", t->name);
		if (t->type != ST_F32 && t->type != ST_F16 && t->type != ST_BF16)
			return err_set(e,
				       "tensor %s is stored as %s; F32, F16 and BF16 are supported",
				       t->name, st_type_name(t->type));
		if (at.kind == IN_LAYER ? place_pair(r, &at, t, e) : place_outside(r, &at, t, e))
			return -1;
	}
	for (size_t i = 0; i < m->config.layers * r->products; i++) {
		const struct pair *p = &r->pairs[i];
		char name[96];

		if ((!p->a) != (!p->b) || (r->s.dora && p->a && !p->m) || (p->bias && !p->a))
			return err_set(e, "the adapter of %s in layer %zu is not whole",
				       model_product_name(m, i / r->products, i % r->products, name,
							  sizeof name),
				       i / r->products);
		found += p->a != NULL;
	}
	for (int i = 0; i < 2; i++) {
		if ((!r->outside[i].a) != (!r->outside[i].b))
			return err_set(e, "the adapter of the %s is not whole",
				       i ? "head" : "embedding");
		found += r->outside[i].a || r->outside[i].weight;
	}
	return found ? check_saved(r, e) : err_set(e, "there is no adapter in the file");
}

static float *values_of(struct model *m, const struct st_tensor *s)
{
	float *values = model_keep(m, s->count, sizeof *values);

	nn_decode(values,
		  s->type == ST_F32   ? NN_F32
		  : s->type == ST_F16 ? NN_F16
				      : NN_BF16,
		  s->data, s->count);
	return values;
}

static void load_values(struct model *m, int t, const struct st_tensor *s)
{
	m->tensors[t].data = values_of(m, s);
	m->tensors[t].type = NN_F32;
}

/* An entry of the table that is there to be written back. */
static int keep(struct model *m, int tensor, const char *what, const struct st_tensor *s)
{
	char name[256];
	int t;

	model_adapter_module_name(m, tensor, what, name, sizeof name);
	t = model_table_add(m, name, MODEL_LORA_KEPT, -1, s->dims,
			    s->dims == 2 ? (size_t)s->shape[0] : 1, (size_t)s->shape[s->dims - 1]);
	load_values(m, t, s);
	return t;
}

/* --- embedding and head --- */

/* The values of the embedding or the head with what the file says of them, in the table; what the
 * base has stays for the reference of preference losses. */
static int take_outside(struct reading *r, int head, struct err *e)
{
	struct model *m = r->m;
	const struct outside *o = &r->outside[head];
	const struct config *c = &m->config;
	int tensor = head ? m->t_head : m->t_embed;
	size_t n = c->vocab * c->hidden;
	struct adapter own;
	float *values, scale;

	if (!o->weight && !o->a)
		return 0;
	values = model_keep(m, n, sizeof *values);
	nn_decode(values, m->tensors[tensor].type, m->tensors[tensor].data, n);
	if (o->weight) {
		int t = keep(m, tensor, "weight", o->weight);

		memcpy(values, m->tensors[t].data, n * sizeof *values);
	}
	if (o->a) {
		int a = keep(m, tensor, head ? "lora_A.weight" : "lora_embedding_A", o->a),
		    b = keep(m, tensor, head ? "lora_B.weight" : "lora_embedding_B", o->b);

		if (spec_of(&r->s, r->config, m->tensors[tensor].name, &own, e))
			return -1;
		m->adapter->outside[head] = (struct adapter_outside){own.rank, own.alpha};
		scale = (float)(own.rslora ? own.alpha / sqrt((double)own.rank)
					   : own.alpha / (double)own.rank);
		if (head) /* [vocab, r] [r, hidden] */
			nn_gemm(0, 0, c->vocab, c->hidden, own.rank, scale, m->tensors[b].data,
				own.rank, m->tensors[a].data, c->hidden, 1, values, c->hidden);
		else /* ([hidden, r] [r, vocab])^T */
			nn_gemm(1, 1, c->vocab, c->hidden, own.rank, scale, m->tensors[a].data,
				c->vocab, m->tensors[b].data, own.rank, 1, values, c->hidden);
	}
	m->tensors[tensor].type = NN_F32;
	m->tensors[tensor].data = values;
	return 0;
}

/* A tied pair of which one is replaced is a pair no longer. */
static void part(struct reading *r)
{
	struct model *m = r->m;
	int changes = 0;

	for (int i = 0; i < 2; i++)
		changes |= r->outside[i].weight || r->outside[i].a;
	if (!changes)
		return;
	m->base_embed = m->embed;
	m->base_head = m->head;
	if (m->t_head == m->t_embed)
		model_untie(m);
}

static int take_products(struct reading *r, int trained, struct err *e)
{
	struct model *m = r->m;

	for (size_t l = 0; l < m->config.layers; l++)
		for (size_t j = 0; j < model_products(m, l); j++) {
			struct model_linear *lin = model_product(m, l, j);
			const struct pair *p = &r->pairs[l * r->products + j];
			struct adapter own;

			if (lin->t_w < 0 ||
			    spec_of(&r->s, r->config, m->tensors[lin->t_w].name, &own, e)) {
				if (lin->t_w < 0)
					continue;
				return -1;
			}
			if (j < MODEL_LINEARS && lin->row0 && model_first(m, l, (int)j)->t_a >= 0) {
				model_adapter_add_pair(m, l, j, &own, trained);
				lin->t_extra = model_first(m, l, (int)j)->t_extra;
			}
			if (!p->a)
				continue;
			if (m->adapter->top_layers == 0)
				m->adapter->top_layers = m->config.layers - l;
			model_adapter_add_pair(m, l, j, &own, trained);
			load_values(m, lin->t_a, p->a);
			load_values(m, lin->t_b, p->b);
			if (r->s.dora)
				load_values(m, lin->t_m, p->m);
			if (p->bias)
				lin->t_extra = keep(m, lin->t_w, "lora_B.bias", p->bias);
		}
	return 0;
}

static void name_targets(const struct reading *r, struct buf *targets)
{
	int used[2][MODEL_LINEARS] = {{0}}, experts[MODEL_EXPERT_LINEARS] = {0};

	for (size_t i = 0; i < r->m->config.layers * r->products; i++) {
		size_t j = i % r->products;

		if (j < MODEL_LINEARS)
			used[r->m->config.conv[i / r->products]][j] |= r->pairs[i].a != NULL;
		else
			experts[(j - MODEL_LINEARS) % MODEL_EXPERT_LINEARS] |=
				r->pairs[i].a != NULL;
	}
	for (int j = 0; j < MODEL_EXPERT_LINEARS; j++)
		if (experts[j])
			buf_addf(targets, "%s%s", targets->len ? "," : "",
				 r->m->config.family->experts->linear[j]);
	for (int i = 0; i < 2 * MODEL_LINEARS; i++)
		if (used[i / MODEL_LINEARS][i % MODEL_LINEARS])
			buf_addf(targets, "%s%s", targets->len ? "," : "",
				 model_adapter_target_name(r->m, i / MODEL_LINEARS,
							   i % MODEL_LINEARS));
}

int adapter_open(struct model *m, const char *name, int trained, struct err *e)
{
	char *dir = hub_find_adapter(name, e), *path = NULL;
	struct buf text = BUF_INIT, targets = BUF_INIT;
	struct reading r = {.m = m};
	int rc = -1;

	for (size_t l = 0; l < m->config.layers; l++)
		if (model_products(m, l) > r.products)
			r.products = model_products(m, l);
	r.pairs = mem_alloc(m->config.layers * r.products, sizeof *r.pairs);
	if (m->adapter) {
		err_set(e, "the model has an adapter already");
		goto cleanup;
	}
	if (nn_init(e)) /* for whoever merges it */
		goto cleanup;
	if (!dir)
		goto cleanup;
	path = file_join(dir, "adapter_config.json");
	if (json_file(path, CONFIG_MAX, &text, &r.config, e))
		goto cleanup;
	if (read_config(&r.s, r.config, m->config.family->transposed, e)) {
		err_prefix(e, "%s", path);
		goto cleanup;
	}
	if (st_open_dir(&r.files, dir, "adapter_model", e))
		goto cleanup;
	if (match(&r, e)) {
		err_prefix(e, "%s", dir);
		goto cleanup;
	}
	name_targets(&r, &targets);
	buf_adds(&targets, "");
	r.s.targets = targets.data;
	model_adapter_take_spec(m, &r.s);
	part(&r);
	if (take_outside(&r, 0, e) || take_outside(&r, 1, e) || take_products(&r, trained, e))
		goto cleanup;
	if (trained)
		model_table_settle(m);
	else
		model_bind(m);
	rc = 0;
cleanup:
	st_close(&r.files);
	buf_release(&text);
	buf_release(&targets);
	free(r.pairs);
	free(path);
	free(dir);
	return rc;
}

/* A model on this machine as a backend: loading, requests in, answers out. See local.h. */
#include "local.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../base/file.h"
#include "../base/mem.h"
#include "../chat/chat.h"
#include "../json/json.h"
#include "../json/jw.h"
#include "../model/adapter.h"
#include "../model/hub.h"
#include "../model/quantize.h"
#include "../text/hash.h"
#include "generator.h"

#define SEQUENCES 64	 /* at once, where the caller names no number */
#define PREFILL_ROWS 512 /* of a step, beside one for each sequence */

struct local {
	char *dir, *adapter, *name;
	const struct backend_params *params;
	enum nn_type type;
	int unmerged;
	struct pool *pool;
	struct tokenizer *tokenizer;
	struct chat *chat;
	struct model *model;
	struct decoder *decoder;
	struct generator *generator;
	size_t sequences;
	struct buf warning;
	struct buf text, tools; /* scratch */
	struct tokens ids;
	size_t lost[CHAT_PARTS]; /* requests of which the template left such a part out */
	struct backend_answer answer;
	struct grammar_vocabulary *vocabulary;
	struct held *held;     /* schemas compiled so far */
	struct failed *failed; /* requests that could not be put to the model */
};

/* A schema that answers are held to, for as long as the backend lives: records of a run mostly ask
 * for the same one. */
struct held {
	char *text;
	size_t n;
	struct schema *schema;
	struct grammar *grammar;
	struct held *next;
};

struct failed {
	uint64_t ticket;
	char *why;
	struct failed *next;
};

static void local_free(void *self)
{
	struct local *l = self;

	if (!l)
		return;
	while (l->failed) {
		struct failed *f = l->failed;

		l->failed = f->next;
		free(f->why);
		free(f);
	}
	generator_free(l->generator);
	while (l->held) {
		struct held *h = l->held;

		l->held = h->next;
		grammar_free(h->grammar);
		schema_free(h->schema);
		free(h->text);
		free(h);
	}
	grammar_vocabulary_free(l->vocabulary);
	decoder_free(l->decoder);
	model_free(l->model);
	chat_free(l->chat);
	tokenizer_free(l->tokenizer);
	pool_free(l->pool);
	buf_release(&l->text);
	buf_release(&l->tools);
	buf_release(&l->warning);
	tokens_release(&l->ids);
	backend_answer_release(&l->answer);
	free(l->dir);
	free(l->adapter);
	free(l->name);
	free(l);
}

/* The grammar of a schema's text; NULL with the reason where answers cannot be held to it. */
static struct grammar *grammar_of(struct local *l, struct span text, struct err *e)
{
	struct schema *schema;
	struct grammar *g;
	struct held *h;
	const int32_t *stops;
	size_t n;

	for (h = l->held; h; h = h->next)
		if (h->n == text.n && memcmp(h->text, text.s, text.n) == 0)
			return h->grammar;
	if (!l->vocabulary) {
		stops = chat_stops(l->chat, &n);
		l->vocabulary =
			grammar_vocabulary_new(l->tokenizer, l->model->config.vocab, stops, n);
	}
	if (!(schema = schema_compile(text, e)))
		return NULL;
	if (!(g = grammar_new(schema, l->vocabulary, e))) {
		schema_free(schema);
		return NULL;
	}
	h = mem_alloc(1, sizeof *h);
	*h = (struct held){span_dup(text), text.n, schema, g, l->held};
	l->held = h;
	return g;
}

/* What a request's answer is held to: its schema, the run's, or what its response_format says. 0
 * with *g (NULL: nothing), or -1. */
static int choose_grammar(struct local *l, const struct backend_request *q, struct grammar **g,
			  struct err *e)
{
	struct span schema = q->schema.s ? q->schema : l->params->schema,
		    type = json_member(q->response_format, "type");

	*g = NULL;
	if (!schema.s && q->response_format.s && json_kind(q->response_format) != JSON_NULL &&
	    !json_is(type, "text")) {
		if (json_is(type, "json_object"))
			schema = span_of("{\"type\": \"object\"}");
		else if (json_is(type, "json_schema"))
			schema = json_member(json_member(q->response_format, "json_schema"),
					     "schema");
		if (!schema.s)
			return err_set(e,
				       "response_format is none of text, json_object and json_schema with its schema");
	}
	return schema.s && !(*g = grammar_of(l, schema, e)) ? -1 : 0;
}

static size_t local_wants(void *self)
{
	struct local *l = self;
	size_t hand = generator_in_hand(l->generator), most = 2 * l->sequences;

	return hand < most ? most - hand : 0;
}

/* The prompt as text in l->text and as tokens in l->ids. */
static int render(struct local *l, const struct backend_request *q, struct err *e)
{
	struct chat_input in = {.messages = q->messages,
				.prompt = q->prompt,
				.vars = q->template_vars};
	size_t lost[CHAT_PARTS];

	buf_clear(&l->text);
	buf_clear(&l->tools);
	tokens_clear(&l->ids);
	if (chat_tools_of(q->tools, &l->tools, e))
		return -1;
	in.tools = buf_span(&l->tools);
	if (chat_encode_prompt(l->chat, &in, &l->text, &l->ids, e) ||
	    chat_lost(l->chat, &in, lost, e))
		return -1;
	for (size_t k = 0; k < CHAT_PARTS; k++)
		l->lost[k] += lost[k] != 0;
	for (size_t i = 0; i < l->ids.n; i++)
		if (l->ids.ids[i] < 0 || (size_t)l->ids.ids[i] >= l->model->config.vocab)
			return err_set(e,
				       "token %d is beyond the model's vocabulary of %zu: the tokenizer belongs to another model",
				       (int)l->ids.ids[i], l->model->config.vocab);
	return 0;
}

/* Whether the answer goes on from the prompt's text, a space between them included. */
static int keeps_start(const struct backend_request *q)
{
	return !q->messages.s;
}

static void local_remark(void *self, struct buf *text)
{
	static const char *const what[CHAT_PARTS] = {
		[CHAT_MESSAGE] = "the text of a message",
		[CHAT_REASONING] = "reasoning",
		[CHAT_CALLS] = "calls of tools",
		[CHAT_TOOLS] = "the tools",
		[CHAT_VARS] = "variables set by chat_template_kwargs",
	};
	const struct local *l = self;

	for (size_t k = 0; k < CHAT_PARTS; k++)
		if (l->lost[k])
			buf_addf(text, "\n%s: the chat template left %s out of %zu request%s",
				 l->name, what[k], l->lost[k], l->lost[k] == 1 ? "" : "s");
}

static int local_build(void *self, const struct backend_request *q, struct buf *body, struct err *e)
{
	struct local *l = self;
	struct jw w;

	if (render(l, q, e))
		return -1;
	jw_init(&w, body);
	jw_object(&w);
	jw_put_text(&w, "prompt", buf_span(&l->text));
	jw_put_array(&w, "ids");
	for (size_t i = 0; i < l->ids.n; i++)
		jw_int(&w, l->ids.ids[i]);
	jw_end(&w);
	/* What this answer alone is held to decides it as the prompt does. */
	if (q->schema.s)
		jw_put_raw(&w, "schema", q->schema);
	if (q->response_format.s) {
		jw_put_raw(&w, "response_format", q->response_format);
	}
	/* A chat and a prompt may come to the same tokens; what begins the answer is then not the
	 * same text. */
	if (keeps_start(q))
		jw_put_bool(&w, "keep_start", 1);
	jw_end(&w);
	return 0;
}

/* Adds "path hash" of a file, where there is one. */
static int add_file(struct buf *text, const char *dir, const char *name, struct err *e)
{
	char *path = file_join(dir, name);
	struct file_map map;
	struct span bytes;
	int rc = 0;

	if (file_exists(path)) {
		rc = file_map(path, &map, e);
		if (!rc) {
			bytes = (struct span){map.data ? (const char *)map.data : "", map.len};
			buf_addf(text, " %s %016llx%016llx", name,
				 (unsigned long long)hash64(bytes, 0),
				 (unsigned long long)hash64(bytes, 1));
			file_unmap(&map);
		}
	}
	free(path);
	return rc;
}

/* An index and the shards that it names, so that every weight counts. */
static int add_shards(struct buf *text, const char *dir, const char *name, struct err *e)
{
	char *path = file_join(dir, name);
	cJSON *index = NULL, *item;
	char last[256] = "";
	int rc = add_file(text, dir, name, e);

	if (!rc && file_exists(path)) {
		index = json_tree_file(path, (size_t)256 << 20, e);
		rc = !index;
		cJSON_ArrayForEach(item, json_get(index, "weight_map"))
		{
			/* Tensors of a shard mostly stand together; one named twice is only hashed
			 * twice. */
			if (rc || !cJSON_IsString(item) || strcmp(last, item->valuestring) == 0 ||
			    strchr(item->valuestring, '/'))
				continue;
			snprintf(last, sizeof last, "%s", item->valuestring);
			rc = add_file(text, dir, last, e);
		}
	}
	cJSON_Delete(index);
	free(path);
	return rc;
}

static int local_identity(void *self, struct buf *text, struct err *e)
{
	static const char *const files[] =
		{"config.json",		  "generation_config.json",  "tokenizer.json",
		 "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja",
		 "chat_template.json",	  "model.safetensors"};
	static const char *const adapter[] = {"adapter_config.json", "adapter_model.safetensors"};
	struct local *l = self;
	const struct backend_params *p = l->params;
	struct jw w;

	buf_adds(text, "local");
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		if (add_file(text, l->dir, files[i], e))
			return -1;
	if (add_shards(text, l->dir, "model.safetensors.index.json", e))
		return -1;
	for (size_t i = 0; l->adapter && i < sizeof adapter / sizeof *adapter; i++)
		if (add_file(text, l->adapter, adapter[i], e))
			return -1;
	if (l->adapter && add_shards(text, l->adapter, "adapter_model.safetensors.index.json", e))
		return -1;
	buf_addf(text, " %s%s ", l->type == NN_F16 ? "stored" : nn_type_name(l->type),
		 l->unmerged ? " unmerged" : "");
	jw_init(&w, text);
	jw_object(&w);
	jw_put_num(&w, "temperature", p->temperature);
	jw_put_num(&w, "top_p", p->top_p);
	jw_put_int(&w, "top_k", p->top_k);
	jw_put_num(&w, "min_p", p->min_p);
	jw_put_num(&w, "repeat_penalty", p->repeat_penalty);
	jw_put_int(&w, "max_tokens", p->max_tokens);
	jw_put_int(&w, "seed", p->seeded ? p->seed : 0);
	jw_put_array(&w, "stop");
	for (size_t i = 0; i < p->stops; i++)
		jw_str(&w, p->stop[i]);
	jw_end(&w);
	jw_put_int(&w, "logprobs", p->logprobs);
	if (p->schema.s)
		jw_put_raw(&w, "schema", p->schema);
	jw_end(&w);
	return 0;
}

/* Keeps a request that cannot be asked until run, which alone gives answers. */
static int put_aside(struct local *l, uint64_t ticket, const char *why)
{
	struct failed *f = mem_alloc(1, sizeof *f), **at = &l->failed;

	f->ticket = ticket;
	f->why = mem_strdup(why);
	while (*at)
		at = &(*at)->next;
	*at = f;
	return 0;
}

static int local_submit(void *self, uint64_t ticket, const struct backend_request *q,
			struct span body, struct err *e)
{
	struct local *l = self;
	const struct backend_params *p = l->params;
	struct generator_request r = {
		.sampling = {.temperature = isnan(p->temperature) ? 0 : p->temperature,
			     .top_p = isnan(p->top_p) ? 1 : p->top_p,
			     .top_k = (size_t)p->top_k,
			     .min_p = p->min_p,
			     .repeat = p->repeat_penalty}};
	struct err why = ERR_INIT;
	struct json_iter it = {0};
	struct span key, id;
	int64_t n;

	(void)e;
	if (q->model.s && !span_is(q->model, l->name))
		return put_aside(l, ticket, "the record asks for another model than the local one");
	if (choose_grammar(l, q, &r.grammar, &why))
		return put_aside(l, ticket, why.msg);
	/* local_build has rendered and tokenised it, and reading numbers costs less than that. */
	tokens_clear(&l->ids);
	while (json_next(&it, json_member(body, "ids"), &key, &id))
		if (!json_int(id, &n))
			tokens_add(&l->ids, (int32_t)n);
	r.ids = l->ids.ids;
	r.n = l->ids.n;
	r.seed = (uint64_t)(p->seeded ? p->seed : 0) + (uint64_t)q->sample;
	r.stream = hash_mix(hash64((struct span){(const char *)l->ids.ids,
						 l->ids.n * sizeof *l->ids.ids},
				   0),
			    (uint64_t)q->attempt);
	r.max_tokens = p->max_tokens > 0 ? (size_t)p->max_tokens : 0;
	r.stop = p->stop;
	r.stops = p->stops;
	r.logprobs = p->logprobs;
	r.keep_start = keeps_start(q);
	generator_submit(l->generator, ticket, &r);
	return 0;
}

static void write_token(const struct local *l, struct jw *w, int32_t id, float logprob)
{
	struct span bytes = tokenizer_bytes(l->tokenizer, id);

	if (!bytes.s)
		bytes = tokenizer_token(l->tokenizer, id);
	jw_put_text(w, "token", bytes);
	jw_put_num(w, "logprob", isfinite(logprob) ? logprob : -9999);
	jw_put_array(w, "bytes");
	for (size_t i = 0; i < bytes.n; i++)
		jw_int(w, (unsigned char)bytes.s[i]);
	jw_end(w);
}

static void write_logprobs(const struct local *l, const struct generator_answer *a, struct buf *to)
{
	size_t k = l->params->logprobs > 0 ? (size_t)l->params->logprobs : 0;
	struct jw w;

	jw_init(&w, to);
	jw_array(&w);
	for (size_t i = 0; i < a->tokens; i++) {
		jw_object(&w);
		write_token(l, &w, a->token[i].id, a->token[i].logprob);
		jw_put_array(&w, "top_logprobs");
		for (size_t j = 0; j < k && a->top[i * k + j].id >= 0; j++) {
			jw_object(&w);
			write_token(l, &w, a->top[i * k + j].id, a->top[i * k + j].logprob);
			jw_end(&w);
		}
		jw_end(&w);
		jw_end(&w);
	}
	jw_end(&w);
}

struct delivery {
	struct local *l;
	backend_done *done;
	void *arg;
};

static void answered(void *arg, uint64_t ticket, const struct generator_answer *a)
{
	struct delivery *to = arg;
	struct local *l = to->l;
	struct backend_answer *b = &l->answer;

	backend_answer_clear(b);
	snprintf(b->model, sizeof b->model, "%s", l->name);
	b->attempts = 1;
	b->latency = a->latency;
	b->ttft = a->ttft;
	if (a->error_type) {
		backend_answer_fail(b, a->error_type, 0, "%s", a->error);
	} else {
		b->has_output = 1;
		buf_addspan(&b->output, a->text);
		snprintf(b->finish_reason, sizeof b->finish_reason, "%s", a->finish);
		buf_addf(&b->usage,
			 "{\"prompt_tokens\":%zu,\"completion_tokens\":%zu,\"total_tokens\":%zu}",
			 a->prompt_tokens, a->tokens, a->prompt_tokens + a->tokens);
		if (l->params->logprobs >= 0)
			write_logprobs(l, a, &b->logprobs);
	}
	to->done(to->arg, ticket, b);
}

static void give_failed(struct local *l, backend_done *done, void *arg)
{
	while (l->failed) {
		struct failed *f = l->failed;

		l->failed = f->next;
		backend_answer_clear(&l->answer);
		snprintf(l->answer.model, sizeof l->answer.model, "%s", l->name);
		backend_answer_fail(&l->answer, "invalid_request", 0, "%s", f->why);
		done(arg, f->ticket, &l->answer);
		free(f->why);
		free(f);
	}
}

static long local_run(void *self, double wait, backend_done *done, void *arg, struct err *e)
{
	struct local *l = self;
	struct delivery to = {l, done, arg};
	size_t left;

	(void)wait;
	(void)e;
	give_failed(l, done, arg);
	left = generator_step(l->generator, answered, &to);
	for (struct failed *f = l->failed; f; f = f->next)
		left++;
	return (long)left;
}

static void local_cancel(void *self, backend_done *done, void *arg)
{
	struct local *l = self;
	struct delivery to = {l, done, arg};

	give_failed(l, done, arg);
	generator_cancel(l->generator, "interrupted", "stopped before the answer was complete",
			 answered, &to);
}

/* Keys and values may take a quarter of the machine's memory. */
static size_t cache_bytes(void)
{
	long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);

	return pages > 0 && size > 0 ? (size_t)pages / 4 * (size_t)size : (size_t)1 << 30;
}

static int load(struct local *l, const struct backend_local *how, struct err *e)
{
	struct generator_spec spec = {.cache_bytes = cache_bytes()};
	struct chat_options chat;
	struct buf vars = BUF_INIT;

	if (!how->quantize || strcmp(how->quantize, "none") == 0)
		l->type = NN_F16; /* as they are stored */
	else if (quantize_parse(how->quantize, &l->type, e))
		return -1;
	if (!(l->dir = hub_find(how->model, e)))
		return -1;
	if (chat_options_parse(how->template_vars, how->template_date, &vars, &chat, e) ||
	    !(l->tokenizer = tokenizer_load(l->dir, e)) ||
	    !(l->chat = chat_load(l->dir, l->tokenizer, &chat, e)) ||
	    model_open(&l->model, l->dir, NULL, e)) {
		buf_release(&vars);
		return -1;
	}
	buf_release(&vars);
	if (model_warning(l->model))
		buf_adds(&l->warning, model_warning(l->model));
	if (chat_warning(l->chat))
		buf_addf(&l->warning, "%s%s", l->warning.len ? "; " : "", chat_warning(l->chat));
	if (how->adapter && (!(l->adapter = hub_find_adapter(how->adapter, e)) ||
			     adapter_open(l->model, l->adapter, 0, e)))
		return -1;
	l->pool = pool_new(how->threads);
	l->sequences = how->jobs > 0 ? (size_t)how->jobs : SEQUENCES;
	if (decoder_new(&l->decoder, l->model, l->type, l->unmerged, PREFILL_ROWS + l->sequences,
			l->pool, e))
		return -1;
	spec.sequences = l->sequences;
	spec.stops = chat_stops(l->chat, &spec.n_stops);
	if (generator_new(&l->generator, l->decoder, l->model, l->tokenizer, l->pool, &spec, e) !=
	    0)
		return -1;
	/* A schema that cannot be kept is said before the first record is asked. */
	return how->params->schema.s && !grammar_of(l, how->params->schema, e)
		       ? err_prefix(e, "--schema")
		       : 0;
}

int local_open(struct backend *b, const struct backend_local *how, struct err *e)
{
	struct local *l = mem_alloc(1, sizeof *l);
	struct buf name = BUF_INIT;

	l->params = how->params;
	l->unmerged = how->unmerged;
	if (load(l, how, e)) {
		local_free(l);
		return -1;
	}
	/* Two adapters over one base, or two roundings of one model, are not the same model. */
	buf_adds(&name, how->model);
	if (how->adapter)
		buf_addf(&name, "+%s", how->adapter);
	if (l->type != NN_F16)
		buf_addf(&name, ":%s", nn_type_name(l->type));
	l->name = buf_detach(&name, NULL);
	*b = (struct backend){
		.self = l,
		.model = l->name,
		.local = 1,
		.warning = l->warning.data,
		.remark = local_remark,
		.wants = local_wants,
		.build = local_build,
		.identity = local_identity,
		.submit = local_submit,
		.run = local_run,
		.cancel = local_cancel,
		.free = local_free,
	};
	return 0;
}

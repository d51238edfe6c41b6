/* A model on this machine as a backend: requests in, answers out. See local.h; what it loads and how
 * a request becomes tokens is in loaded.h. */
#include "local.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../base/file.h"
#include "../base/mem.h"
#include "../json/json.h"
#include "../json/jw.h"
#include "../text/hash.h"
#include "loaded.h"

struct local {
	struct loaded m;
	const struct backend_params *params;
	struct buf text, tools; /* scratch */
	struct tokens ids;
	size_t lost[CHAT_PARTS]; /* requests of which the template left such a part out */
	size_t unforced;	 /* requests whose tool_choice was not kept */
	struct backend_answer answer;
	struct asked *asked;   /* in hand */
	struct failed *failed; /* requests that could not be put to the model */
};

/* What is needed to read an answer. */
struct asked {
	uint64_t ticket, calls_id;
	struct buf tools; /* JSON array of those that may be called, or empty */
	struct grammar *grammar;
	struct asked *next;
};

struct failed {
	uint64_t ticket;
	char *why;
	struct failed *next;
};

/* Takes the entry of a ticket out; to be freed. */
static struct asked *asked_take(struct local *l, uint64_t ticket)
{
	struct asked **at = &l->asked, *a;

	while ((*at)->ticket != ticket)
		at = &(*at)->next;
	a = *at;
	*at = a->next;
	return a;
}

static void asked_free(struct local *l, struct asked *a)
{
	loaded_drop(&l->m, a->grammar);
	buf_release(&a->tools);
	free(a);
}

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
	while (l->asked)
		asked_free(l, asked_take(l, l->asked->ticket));
	loaded_release(&l->m);
	buf_release(&l->text);
	buf_release(&l->tools);
	tokens_release(&l->ids);
	backend_answer_release(&l->answer);
	free(l);
}

/* What a request's answer is held to: its schema, the run's, or what its response_format says. 0
 * with *g (NULL: nothing), or -1. */
static int choose_grammar(struct local *l, const struct backend_request *q, struct grammar **g,
			  struct err *e)
{
	struct span schema = q->schema.s ? q->schema : l->params->schema;

	*g = NULL;
	if (!schema.s && loaded_schema(q->response_format, &schema, e))
		return -1;
	return schema.s && !(*g = loaded_grammar(&l->m, schema, e)) ? -1 : 0;
}

static size_t local_wants(void *self)
{
	struct local *l = self;
	size_t hand = generator_in_hand(l->m.generator), most = 2 * l->m.sequences;

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
	if (loaded_render(&l->m, &in, &l->text, &l->ids, lost, e))
		return -1;
	for (size_t k = 0; k < CHAT_PARTS; k++)
		l->lost[k] += lost[k] != 0;
	return 0;
}

/* Whether the answer goes on from the prompt's text, a space between them included. */
static int keeps_start(const struct backend_request *q)
{
	return !q->messages.s;
}

static int local_without_system(void *self, struct span model)
{
	const struct local *l = self;

	(void)model;
	return !chat_has_system(l->m.chat);
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
				 l->m.name, what[k], l->lost[k], l->lost[k] == 1 ? "" : "s");
	if (l->unforced)
		buf_addf(text,
			 "\n%s: %zu request%s asked for a call of a tool (tool_choice), which was left to the model",
			 l->m.name, l->unforced, l->unforced == 1 ? "" : "s");
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
	/* What is read as a call depends on what may be called. */
	if (l->tools.len && l->m.calls) {
		jw_put_raw(&w, "tools", buf_span(&l->tools));
		if (q->tool_choice.s)
			jw_put_raw(&w, "tool_choice", q->tool_choice);
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
		if (add_file(text, l->m.dir, files[i], e))
			return -1;
	if (add_shards(text, l->m.dir, "model.safetensors.index.json", e))
		return -1;
	for (size_t i = 0; l->m.adapter && i < sizeof adapter / sizeof *adapter; i++)
		if (add_file(text, l->m.adapter, adapter[i], e))
			return -1;
	if (l->m.adapter &&
	    add_shards(text, l->m.adapter, "adapter_model.safetensors.index.json", e))
		return -1;
	buf_addf(text, " %s%s ", l->m.type == NN_F16 ? "stored" : nn_type_name(l->m.type),
		 l->m.unmerged ? " unmerged" : "");
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
	struct asked *a;
	struct span key, id;
	int64_t n;

	(void)e;
	if (q->model.s && !span_is(q->model, l->m.name))
		return put_aside(l, ticket, "the record asks for another model than the local one");
	if (choose_grammar(l, q, &r.grammar, &why))
		return put_aside(l, ticket, why.msg);
	/* local_build has rendered and tokenised it, and reading numbers costs less than that. */
	tokens_clear(&l->ids);
	struct span list = json_member(body, "ids");
	while (json_next(&it, list, &key, &id))
		if (!json_int(id, &n))
			tokens_add(&l->ids, (int32_t)n);
	r.ids = l->ids.ids;
	r.n = l->ids.n;
	r.seed = (uint64_t)(p->seeded ? p->seed : 0) + (uint64_t)q->sample;
	r.stream = loaded_stream(&l->ids, q->attempt);
	r.max_tokens = p->max_tokens > 0 ? (size_t)p->max_tokens : 0;
	r.stop = p->stop;
	r.stops = p->stops;
	r.logprobs = p->logprobs;
	r.keep_start = keeps_start(q);
	a = mem_alloc(1, sizeof *a);
	*a = (struct asked){ticket, hash_mix(r.stream, r.seed), BUF_INIT, r.grammar, l->asked};
	l->asked = a;
	/* It was read once to be rendered. */
	if (chat_tools_of(q->tools, &a->tools, NULL) || !loaded_may_call(q->tool_choice))
		buf_clear(&a->tools);
	l->unforced += a->tools.len && loaded_may_call(q->tool_choice) < 0;
	generator_submit(l->m.generator, ticket, &r);
	return 0;
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
	struct asked *asked = asked_take(l, ticket);
	size_t calls;

	backend_answer_clear(b);
	snprintf(b->model, sizeof b->model, "%s", l->m.name);
	b->attempts = 1;
	b->latency = a->latency;
	b->ttft = a->ttft;
	b->latency_batch = a->latency_batch;
	b->machine = a->machine;
	if (a->error_type) {
		backend_answer_fail(b, a->error_type, 0, "%s", a->error);
	} else {
		calls = chat_calls_read(l->m.calls, a->text, buf_span(&asked->tools), 0,
					asked->calls_id, &b->output, &b->tool_calls);
		b->has_output = b->output.len || !calls;
		snprintf(b->finish_reason, sizeof b->finish_reason, "%s",
			 calls && strcmp(a->finish, "stop") == 0 ? "tool_calls" : a->finish);
		buf_addf(&b->usage,
			 "{\"prompt_tokens\":%zu,\"completion_tokens\":%zu,\"total_tokens\":%zu}",
			 a->prompt_tokens, a->tokens, a->prompt_tokens + a->tokens);
		if (l->params->logprobs >= 0)
			loaded_logprobs(&l->m, a, 0,
					l->params->logprobs > 0 ? (size_t)l->params->logprobs : 0,
					&b->logprobs);
	}
	asked_free(l, asked);
	to->done(to->arg, ticket, b);
}

static void give_failed(struct local *l, backend_done *done, void *arg)
{
	while (l->failed) {
		struct failed *f = l->failed;

		l->failed = f->next;
		backend_answer_clear(&l->answer);
		snprintf(l->answer.model, sizeof l->answer.model, "%s", l->m.name);
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
	left = generator_step(l->m.generator, answered, &to);
	for (struct failed *f = l->failed; f; f = f->next)
		left++;
	return (long)left;
}

static void local_cancel(void *self, backend_done *done, void *arg)
{
	struct local *l = self;
	struct delivery to = {l, done, arg};

	give_failed(l, done, arg);
	generator_cancel(l->m.generator, "interrupted", "stopped before the answer was complete",
			 answered, &to);
}

int local_open(struct backend *b, const struct backend_local *how, struct err *e)
{
	struct local *l = mem_alloc(1, sizeof *l);

	l->params = how->params;
	if (loaded_open(&l->m, how, 0, e)) {
		local_free(l);
		return -1;
	}
	/* A schema that cannot be kept is said before the first record is asked. */
	if (how->params->schema.s && !loaded_grammar(&l->m, how->params->schema, e)) {
		local_free(l);
		return err_prefix(e, "--schema");
	}
	*b = (struct backend){
		.self = l,
		.model = l->m.name,
		.local = 1,
		.warning = l->m.warning.data,
		.remark = local_remark,
		.without_system = local_without_system,
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

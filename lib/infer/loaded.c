/* loaded: see loaded.h. */
#include "loaded.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../base/mem.h"
#include "../json/json.h"
#include "../json/jw.h"
#include "../model/adapter.h"
#include "../model/hub.h"
#include "../model/quantize.h"
#include "../text/hash.h"

#define SEQUENCES 64	 /* at once, where the caller names no number */
#define PREFILL_ROWS 512 /* of a step, beside one for each sequence */
#define GRAMMARS 32	 /* kept though nobody uses them */

/* A schema that answers are held to. */
struct loaded_held {
	char *text;
	size_t n;
	struct schema *schema;
	struct grammar *grammar;
	size_t uses;
	struct loaded_held *next;
};

static void held_free(struct loaded_held *h)
{
	while (h) {
		struct loaded_held *next = h->next;

		grammar_free(h->grammar);
		schema_free(h->schema);
		free(h->text);
		free(h);
		h = next;
	}
}

void loaded_release(struct loaded *l)
{
	generator_free(l->generator);
	held_free(l->held);
	grammar_vocabulary_free(l->vocabulary);
	decoder_free(l->decoder);
	model_free(l->model);
	chat_calls_free(l->calls);
	chat_free(l->chat);
	tokenizer_free(l->tokenizer);
	pool_free(l->pool);
	buf_release(&l->warning);
	if (l->name)
		pthread_mutex_destroy(&l->lock);
	free(l->dir);
	free(l->adapter);
	free(l->name);
	memset(l, 0, sizeof *l);
}

/* Keys and values may take a quarter of the machine's memory. */
static size_t quarter(void)
{
	long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);

	return pages > 0 && size > 0 ? (size_t)pages / 4 * (size_t)size : (size_t)1 << 30;
}

static int open_parts(struct loaded *l, const struct backend_local *how, size_t sharing,
		      struct err *e)
{
	static const struct opt_list no_vars = {0};
	struct generator_spec spec = {.cache_bytes = quarter() / (sharing ? sharing : 1)};
	struct chat_options chat;
	struct buf vars = BUF_INIT;

	if (!how->quantize || strcmp(how->quantize, "none") == 0)
		l->type = NN_F16; /* as they are stored */
	else if (quantize_parse(how->quantize, &l->type, e))
		return -1;
	if (!(l->dir = hub_find(how->model, e)))
		return -1;
	if (chat_options_parse(how->template_vars ? how->template_vars : &no_vars,
			       how->template_date, &vars, &chat, e) ||
	    !(l->tokenizer = tokenizer_load(l->dir, e)) ||
	    !(l->chat = chat_load(l->dir, l->tokenizer, &chat, e)) ||
	    model_open(&l->model, l->dir, NULL, e)) {
		buf_release(&vars);
		return -1;
	}
	buf_release(&vars);
	l->calls = chat_calls_learn(l->chat);
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
	return generator_new(&l->generator, l->decoder, l->model, l->tokenizer, l->pool, &spec, e);
}

int loaded_open(struct loaded *l, const struct backend_local *how, size_t sharing, struct err *e)
{
	struct buf name = BUF_INIT;

	memset(l, 0, sizeof *l);
	l->unmerged = how->unmerged;
	if (open_parts(l, how, sharing, e)) {
		loaded_release(l);
		return -1;
	}
	buf_adds(&name, how->model);
	if (how->adapter)
		buf_addf(&name, "+%s", how->adapter);
	if (l->type != NN_F16)
		buf_addf(&name, ":%s", nn_type_name(l->type));
	l->name = buf_detach(&name, NULL);
	pthread_mutex_init(&l->lock, NULL);
	return 0;
}

int loaded_render(const struct loaded *l, const struct chat_input *in, struct buf *text,
		  struct tokens *ids, size_t lost[CHAT_PARTS], struct err *e)
{
	if (chat_encode_prompt(l->chat, in, text, ids, e) || chat_lost(l->chat, in, lost, e))
		return -1;
	for (size_t i = 0; i < ids->n; i++)
		if (ids->ids[i] < 0 || (size_t)ids->ids[i] >= l->model->config.vocab)
			return err_set(e,
				       "token %d is beyond the model's vocabulary of %zu: the tokenizer belongs to another model",
				       (int)ids->ids[i], l->model->config.vocab);
	return 0;
}

int loaded_schema(struct span response_format, struct span *schema, struct err *e)
{
	struct span type = json_member(response_format, "type");

	*schema = (struct span){NULL, 0};
	if (!response_format.s || json_kind(response_format) == JSON_NULL || json_is(type, "text"))
		return 0;
	if (json_is(type, "json_object"))
		*schema = span_of("{\"type\": \"object\"}");
	else if (json_is(type, "json_schema"))
		*schema = json_member(json_member(response_format, "json_schema"), "schema");
	return schema->s
		       ? 0
		       : err_set(e,
				 "response_format is none of text, json_object and json_schema with its schema");
}

int loaded_may_call(struct span tool_choice)
{
	if (json_is(tool_choice, "none"))
		return 0;
	return json_kind(tool_choice) == JSON_NONE || json_kind(tool_choice) == JSON_NULL ||
			       json_is(tool_choice, "auto")
		       ? 1
		       : -1;
}

/* Takes the entries out that nobody uses and that are not among the last used. Under the lock. */
static struct loaded_held *superfluous(struct loaded *l)
{
	struct loaded_held *out = NULL, **at = &l->held;

	for (size_t i = 0; *at; i++) {
		struct loaded_held *h = *at;

		if (i < GRAMMARS || h->uses > 0) {
			at = &h->next;
			continue;
		}
		*at = h->next;
		h->next = out;
		out = h;
	}
	return out;
}

struct grammar *loaded_grammar(struct loaded *l, struct span text, struct err *e)
{
	struct loaded_held *h, **at, *old;
	struct schema *schema;
	struct grammar *g;
	const int32_t *stops;
	size_t n;

	pthread_mutex_lock(&l->lock);
	for (at = &l->held; (h = *at); at = &h->next)
		if (h->n == text.n && memcmp(h->text, text.s, text.n) == 0)
			break;
	if (h) {
		*at = h->next;
		h->next = l->held;
		l->held = h;
		h->uses++;
	}
	pthread_mutex_unlock(&l->lock);
	if (h)
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
	*h = (struct loaded_held){span_dup(text), text.n, schema, g, 1, NULL};
	pthread_mutex_lock(&l->lock);
	h->next = l->held;
	l->held = h;
	old = superfluous(l);
	pthread_mutex_unlock(&l->lock);
	held_free(old);
	return g;
}

void loaded_drop(struct loaded *l, struct grammar *g)
{
	if (!g)
		return;
	pthread_mutex_lock(&l->lock);
	for (struct loaded_held *h = l->held; h; h = h->next)
		if (h->grammar == g)
			h->uses--;
	pthread_mutex_unlock(&l->lock);
}

uint64_t loaded_stream(const struct tokens *ids, int attempt)
{
	struct span bytes = {(const char *)ids->ids, ids->n * sizeof *ids->ids};

	return hash_mix(hash64(bytes, 0), (uint64_t)attempt);
}

struct span loaded_token(const struct loaded *l, int32_t id)
{
	struct span bytes = tokenizer_bytes(l->tokenizer, id);

	return bytes.s ? bytes : tokenizer_token(l->tokenizer, id);
}

static void write_token(const struct loaded *l, struct jw *w, int32_t id, float logprob)
{
	struct span bytes = loaded_token(l, id);

	jw_put_text(w, "token", bytes);
	jw_put_num(w, "logprob", isfinite(logprob) ? logprob : -9999);
	jw_put_array(w, "bytes");
	for (size_t i = 0; i < bytes.n; i++)
		jw_int(w, (unsigned char)bytes.s[i]);
	jw_end(w);
}

void loaded_logprobs(const struct loaded *l, const struct generator_answer *a, size_t from,
		     size_t top, struct buf *json)
{
	struct jw w;

	jw_init(&w, json);
	jw_array(&w);
	for (size_t i = from; i < a->tokens; i++) {
		jw_object(&w);
		write_token(l, &w, a->token[i].id, a->token[i].logprob);
		jw_put_array(&w, "top_logprobs");
		for (size_t j = 0; j < top && a->top[i * top + j].id >= 0; j++) {
			jw_object(&w);
			write_token(l, &w, a->top[i * top + j].id, a->top[i * top + j].logprob);
			jw_end(&w);
		}
		jw_end(&w);
		jw_end(&w);
	}
	jw_end(&w);
}

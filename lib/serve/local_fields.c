/* The members of a request: each is read, has no bearing on the answer, or is refused by its name. One
 * that is null is absent. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "local_impl.h"

#define STOPS 16	/* texts that may end an answer, at most */
#define ALTERNATIVES 20 /* to a token, at most */

int local_refuse(struct local_refusal *r, const char *param, const char *fmt, ...)
{
	va_list ap;

	r->status = 400;
	r->code = NULL;
	snprintf(r->param, sizeof r->param, "%s", param ? param : "");
	va_start(ap, fmt);
	vsnprintf(r->why.msg, sizeof r->why.msg, fmt, ap);
	va_end(ap);
	return -1;
}

struct reading {
	struct local_want *w;
	struct local_refusal *r;
	const char *name; /* of the member in hand */
};

static int wrong(const struct reading *g, const char *must)
{
	return local_refuse(g->r, g->name, "`%s` must be %s", g->name, must);
}

static int cannot(const struct reading *g)
{
	return local_refuse(g->r, g->name, "`%s` can't be honoured by a local model", g->name);
}

static int get_bool(const struct reading *g, struct span v, int *to)
{
	if (json_kind(v) != JSON_TRUE && json_kind(v) != JSON_FALSE)
		return wrong(g, "true or false");
	*to = json_kind(v) == JSON_TRUE;
	return 0;
}

static int get_number(const struct reading *g, struct span v, double lo, double hi, double *to)
{
	char must[80];

	if (!json_number(v, to) && *to >= lo && *to <= hi)
		return 0;
	snprintf(must, sizeof must, "a number from %g to %g", lo, hi);
	return wrong(g, must);
}

static int get_count(const struct reading *g, struct span v, int64_t lo, int64_t hi, int64_t *to)
{
	char must[80];

	if (!json_int(v, to) && *to >= lo && *to <= hi)
		return 0;
	snprintf(must, sizeof must, "a whole number from %lld to %lld", (long long)lo,
		 (long long)hi);
	return wrong(g, must);
}

/* --- members --- */

static int stream(const struct reading *g, struct span v)
{
	return get_bool(g, v, &g->w->stream);
}

static int stream_options(const struct reading *g, struct span v)
{
	struct json_iter it = {0};
	struct span key, x;
	struct reading inner = *g;

	if (json_kind(v) != JSON_OBJECT)
		return wrong(g, "an object");
	while (json_next(&it, v, &key, &x)) {
		int yes = 0;

		inner.name = json_is(key, "include_usage") ? "stream_options.include_usage"
			     : json_is(key, "include_obfuscation")
				     ? "stream_options.include_obfuscation"
				     : "stream_options";
		if (inner.name == g->name)
			return cannot(g);
		if (json_kind(x) != JSON_NULL && get_bool(&inner, x, &yes))
			return -1;
		if (json_is(key, "include_usage"))
			g->w->include_usage = yes;
		else if (yes)
			return cannot(&inner);
	}
	return 0;
}

static int choices(const struct reading *g, struct span v)
{
	int64_t n;

	if (get_count(g, v, 1, LOCAL_CHOICES, &n))
		return -1;
	g->w->n = (size_t)n;
	return 0;
}

static int best_of(const struct reading *g, struct span v)
{
	return get_count(g, v, 1, LOCAL_CHOICES, &g->w->best_of);
}

static int max_tokens(const struct reading *g, struct span v)
{
	int64_t n;

	if (get_count(g, v, 1, INT32_MAX, &n))
		return -1;
	if (g->w->limited && g->w->max_tokens != (size_t)n)
		return local_refuse(g->r, g->name,
				    "`max_tokens` and `max_completion_tokens` differ");
	g->w->max_tokens = (size_t)n;
	g->w->limited = 1;
	return 0;
}

static int temperature(const struct reading *g, struct span v)
{
	return get_number(g, v, 0, 2, &g->w->sampling.temperature);
}

static int top_p(const struct reading *g, struct span v)
{
	return get_number(g, v, 0, 1, &g->w->sampling.top_p);
}

static int top_k(const struct reading *g, struct span v)
{
	int64_t n;

	if (get_count(g, v, 0, INT32_MAX, &n))
		return -1;
	g->w->sampling.top_k = (size_t)n;
	return 0;
}

static int min_p(const struct reading *g, struct span v)
{
	return get_number(g, v, 0, 1, &g->w->sampling.min_p);
}

static int repetition_penalty(const struct reading *g, struct span v)
{
	return get_number(g, v, 0.01, 10, &g->w->sampling.repeat);
}

static int seed(const struct reading *g, struct span v)
{
	g->w->seeded = 1;
	return get_count(g, v, INT64_MIN, INT64_MAX, &g->w->seed);
}

static int add_stop(const struct reading *g, struct span v)
{
	struct local_want *w = g->w;
	struct buf text = BUF_INIT;

	if (json_string(v, &text) || !text.len || memchr(text.data, 0, text.len)) {
		buf_release(&text);
		return wrong(g, "a text that is not empty, or a list of such");
	}
	if (w->stops == STOPS) {
		buf_release(&text);
		return wrong(g, "at most 16 texts");
	}
	w->stop = mem_realloc(w->stop, w->stops + 1, sizeof *w->stop);
	w->stop[w->stops++] = buf_detach(&text, NULL);
	return 0;
}

static int stop(const struct reading *g, struct span v)
{
	struct json_iter it = {0};
	struct span key, x;

	if (json_kind(v) != JSON_ARRAY)
		return add_stop(g, v);
	while (json_next(&it, v, &key, &x))
		if (add_stop(g, x))
			return -1;
	return 0;
}

static int logprobs(const struct reading *g, struct span v)
{
	int64_t n;

	if (g->w->dialect == LOCAL_CHAT)
		return get_bool(g, v, &g->w->wants_logprobs);
	if (get_count(g, v, 0, ALTERNATIVES, &n))
		return -1;
	g->w->wants_logprobs = 1;
	g->w->top_logprobs = (int)n;
	return 0;
}

static int top_logprobs(const struct reading *g, struct span v)
{
	int64_t n;

	if (get_count(g, v, 0, g->w->dialect == LOCAL_CHAT ? ALTERNATIVES : 0, &n))
		return g->w->dialect == LOCAL_CHAT ? -1 : cannot(g);
	g->w->top_logprobs = (int)n;
	return 0;
}

static int one_call(const struct reading *g, struct span v)
{
	int many;

	if (get_bool(g, v, &many))
		return -1;
	g->w->most_calls = many ? 0 : 1;
	return 0;
}

static int template_vars(const struct reading *g, struct span v)
{
	if (json_kind(v) != JSON_OBJECT)
		return wrong(g, "an object");
	g->w->vars = v;
	return 0;
}

static int add_prompt(const struct reading *g, struct span v)
{
	struct local_want *w = g->w;
	struct buf text = BUF_INIT;

	if (json_kind(v) == JSON_NUMBER || json_kind(v) == JSON_ARRAY)
		return local_refuse(g->r, g->name,
				    "`prompt` is given as tokens, which can't be honoured: give its text");
	if (json_string(v, &text))
		return wrong(g, "a text, or a list of texts");
	if (w->n_prompts == LOCAL_CHOICES) {
		buf_release(&text);
		return wrong(g, "at most 128 texts");
	}
	w->prompts = mem_realloc(w->prompts, w->n_prompts + 1, sizeof *w->prompts);
	w->prompts[w->n_prompts++] = text;
	return 0;
}

static int prompt(const struct reading *g, struct span v)
{
	struct json_iter it = {0};
	struct span key, x;

	if (json_kind(v) != JSON_ARRAY)
		return add_prompt(g, v);
	while (json_next(&it, v, &key, &x))
		if (add_prompt(g, x))
			return -1;
	return g->w->n_prompts ? 0 : wrong(g, "a text, or a list of texts");
}

/* --- members that have one value alone --- */

static int only_false(const struct reading *g, struct span v)
{
	int yes;

	if (get_bool(g, v, &yes))
		return -1;
	return yes ? cannot(g) : 0;
}

static int only_zero(const struct reading *g, struct span v)
{
	double x;

	return json_number(v, &x) || x != 0 ? cannot(g) : 0;
}

static int only_empty(const struct reading *g, struct span v)
{
	return json_count(v) || json_kind(v) < JSON_ARRAY ? cannot(g) : 0;
}

/* Every member of it is null. */
static int only_nulls(const struct reading *g, struct span v)
{
	struct json_iter it = {0};
	struct span key, x;

	if (json_kind(v) != JSON_OBJECT)
		return cannot(g);
	while (json_next(&it, v, &key, &x))
		if (json_kind(x) != JSON_NULL)
			return cannot(g);
	return 0;
}

static int only_text(const struct reading *g, struct span v)
{
	return json_count(v) == 1 && json_is(json_element(v, 0), "text") ? 0 : cannot(g);
}

static int only_disabled(const struct reading *g, struct span v)
{
	struct span is = json_kind(v) == JSON_OBJECT ? json_member(v, "type") : v;

	return json_is(is, "disabled") ? 0 : cannot(g);
}

static int plain_tier(const struct reading *g, struct span v)
{
	return json_is(v, "auto") || json_is(v, "default") || json_is(v, "standard_only")
		       ? 0
		       : cannot(g);
}

static int format(const struct reading *g, struct span v)
{
	struct span type = json_member(v, "type");

	return json_is(type, "text") || json_is(type, "json_object") || json_is(type, "json_schema")
		       ? 0
		       : cannot(g);
}

/* {"format": ...} and nothing else that says anything; the format is read with the conversation. */
static int only_format(const struct reading *g, struct span v)
{
	struct json_iter it = {0};
	struct span key, x;

	if (json_kind(v) != JSON_OBJECT)
		return wrong(g, "an object");
	while (json_next(&it, v, &key, &x))
		if (json_kind(x) != JSON_NULL && (!json_is(key, "format") || format(g, x)))
			return cannot(g);
	return 0;
}

static int is_text(const struct reading *g, struct span v)
{
	return json_kind(v) == JSON_STRING ? 0 : wrong(g, "a text");
}

/* --- the table --- */

/* read NULL: it has no bearing on the answer, or is read elsewhere. */
static const struct field {
	const char *name;
	int in;
	int (*read)(const struct reading *g, struct span v);
} fields[] = {
	{"model", LOCAL_ALL, NULL},
	{"messages", LOCAL_CHAT | LOCAL_MESSAGES, NULL},
	{"system", LOCAL_MESSAGES, NULL},
	{"input", LOCAL_RESPONSES, NULL},
	{"instructions", LOCAL_RESPONSES, is_text},
	{"prompt", LOCAL_COMPLETIONS, prompt},
	{"tools", LOCAL_CHAT | LOCAL_MESSAGES | LOCAL_RESPONSES, NULL},
	{"tool_choice", LOCAL_CHAT | LOCAL_MESSAGES | LOCAL_RESPONSES, NULL},
	{"parallel_tool_calls", LOCAL_CHAT | LOCAL_RESPONSES, one_call},
	{"response_format", LOCAL_CHAT, NULL},
	{"output_format", LOCAL_MESSAGES, format},
	{"output_config", LOCAL_MESSAGES, only_format},
	{"text", LOCAL_RESPONSES, only_format},
	{"chat_template_kwargs", LOCAL_CHAT, template_vars},
	{"stream", LOCAL_ALL, stream},
	{"stream_options", LOCAL_CHAT | LOCAL_COMPLETIONS | LOCAL_RESPONSES, stream_options},
	{"n", LOCAL_CHAT | LOCAL_COMPLETIONS, choices},
	{"best_of", LOCAL_COMPLETIONS, best_of},
	{"max_tokens", LOCAL_CHAT | LOCAL_COMPLETIONS | LOCAL_MESSAGES, max_tokens},
	{"max_completion_tokens", LOCAL_CHAT, max_tokens},
	{"max_output_tokens", LOCAL_RESPONSES, max_tokens},
	{"temperature", LOCAL_ALL, temperature},
	{"top_p", LOCAL_ALL, top_p},
	{"top_k", LOCAL_CHAT | LOCAL_COMPLETIONS | LOCAL_MESSAGES, top_k},
	{"min_p", LOCAL_CHAT | LOCAL_COMPLETIONS, min_p},
	{"repetition_penalty", LOCAL_CHAT | LOCAL_COMPLETIONS, repetition_penalty},
	{"seed", LOCAL_CHAT | LOCAL_COMPLETIONS, seed},
	{"stop", LOCAL_CHAT | LOCAL_COMPLETIONS, stop},
	{"stop_sequences", LOCAL_MESSAGES, stop},
	{"logprobs", LOCAL_CHAT | LOCAL_COMPLETIONS, logprobs},
	{"top_logprobs", LOCAL_CHAT | LOCAL_RESPONSES, top_logprobs},
	{"frequency_penalty", LOCAL_CHAT | LOCAL_COMPLETIONS, only_zero},
	{"presence_penalty", LOCAL_CHAT | LOCAL_COMPLETIONS, only_zero},
	{"logit_bias", LOCAL_CHAT | LOCAL_COMPLETIONS, only_empty},
	{"modalities", LOCAL_CHAT, only_text},
	{"echo", LOCAL_COMPLETIONS, only_false},
	{"thinking", LOCAL_MESSAGES, only_disabled},
	{"reasoning", LOCAL_RESPONSES, only_nulls},
	{"include", LOCAL_RESPONSES, only_empty},
	{"truncation", LOCAL_RESPONSES, only_disabled},
	{"background", LOCAL_RESPONSES, only_false},
	{"store", LOCAL_RESPONSES, only_false},
	{"store", LOCAL_CHAT, NULL},
	{"service_tier", LOCAL_CHAT | LOCAL_MESSAGES | LOCAL_RESPONSES, plain_tier},
	{"metadata", LOCAL_CHAT | LOCAL_MESSAGES | LOCAL_RESPONSES, NULL},
	{"user", LOCAL_CHAT | LOCAL_COMPLETIONS | LOCAL_RESPONSES, NULL},
	{"safety_identifier", LOCAL_CHAT | LOCAL_RESPONSES, NULL},
	{"prompt_cache_key", LOCAL_CHAT | LOCAL_RESPONSES, NULL},
	{"prompt_cache_retention", LOCAL_CHAT | LOCAL_RESPONSES, NULL},
};

static const struct field *field_of(struct span name, int dialect)
{
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
		if (fields[i].in & dialect && span_is(name, fields[i].name))
			return &fields[i];
	return NULL;
}

/* What members say of each other. */
static int together(struct local_want *w, struct local_refusal *r)
{
	if (w->dialect == LOCAL_CHAT && w->top_logprobs && !w->wants_logprobs)
		return local_refuse(r, "top_logprobs", "`top_logprobs` needs `logprobs`: true");
	w->logprobs = w->wants_logprobs ? w->top_logprobs : -1;
	if (w->best_of && (size_t)w->best_of != w->n)
		return local_refuse(r, "best_of",
				    "`best_of` other than `n` can't be honoured by a local model");
	if (w->dialect == LOCAL_MESSAGES && !w->limited)
		return local_refuse(r, "max_tokens", "`max_tokens` is required");
	if (w->dialect == LOCAL_COMPLETIONS && !w->n_prompts)
		return local_refuse(r, "prompt", "`prompt` is required");
	if (w->dialect == LOCAL_COMPLETIONS && w->n * w->n_prompts > LOCAL_CHOICES)
		return local_refuse(r, "n", "`n` answers to each prompt are more than %d in all",
				    LOCAL_CHOICES);
	/* As their own API has it. */
	if (w->dialect == LOCAL_COMPLETIONS && !w->limited)
		w->max_tokens = 16;
	if (w->stream && w->include_usage)
		return 0;
	return w->include_usage
		       ? local_refuse(r, "stream_options", "`stream_options` needs `stream`: true")
		       : 0;
}

int local_fields_read(struct local_want *w, struct local_refusal *r)
{
	struct reading g = {w, r, NULL};

	w->n = 1;
	w->sampling = (struct sample_how){.top_p = 1, .repeat = 1};
	for (size_t i = 0; i < w->record.n; i++) {
		const struct member *m = &w->record.members[i];
		const struct field *f = field_of(m->key, w->dialect);
		char name[100];

		if (json_kind(m->value) == JSON_NULL)
			continue;
		snprintf(name, sizeof name, "%.*s", (int)m->key.n, m->key.s);
		g.name = f ? f->name : name;
		if (!f)
			return cannot(&g);
		if (f->read && f->read(&g, m->value))
			return -1;
	}
	return together(w, r);
}

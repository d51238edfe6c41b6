/* options: from what the user wrote to an open model: keys from the environment or a file, never a
 * slip that sends data out, and checks that come before the first request. */
#include <math.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include "../base/file.h"
#include "../base/mem.h"
#include "../json/strict.h"
#include "../model/hub.h"
#include "../net/http.h"
#include "../net/url.h"
#include "ask_impl.h"

#define KEY_MAX ((size_t)64 << 10)

void ask_options_init(struct ask_options *o)
{
	memset(o, 0, sizeof *o);
	o->temperature = o->top_p = o->min_p = o->repeat_penalty = o->max_cost = NAN;
	o->seed = LLONG_MIN;
	o->logprobs = -1;
	o->retries = 5;
	o->timeout = 300;
	o->deadline = 900;
}

static const char *set_or(const char *value, const char *otherwise)
{
	return value && *value ? value : otherwise;
}

/* A key must fit a header line, and a file ends with a newline as a rule. */
static int read_key(const char *path, struct buf *key, struct err *e)
{
	if (file_read(path, KEY_MAX, key, e))
		return -1;
	while (key->len && strchr(" \t\r\n", key->data[key->len - 1]))
		key->data[--key->len] = 0;
	if (!key->len)
		return err_set(e, "%s: holds no key", path);
	return 0;
}

static int find_key(struct ask *a, struct err *e)
{
	const struct ask_options *o = a->o;
	const char *value = NULL;

	a->api.key_name =
		a->api.dialect == DIALECT_ANTHROPIC ? "ANTHROPIC_API_KEY" : "OPENAI_API_KEY";
	if (o->key_file) {
		if (read_key(o->key_file, &a->key, e))
			return -1;
	} else {
		if (a->api.dialect == DIALECT_AZURE ||
		    (a->api.dialect == DIALECT_RESPONSES && dialect_at_azure(a->api.base_url)))
			value = getenv("AZURE_OPENAI_API_KEY");
		value = set_or(value, getenv(a->api.key_name));
		if (value && *value)
			buf_adds(&a->key, value);
	}
	if (http_check_key(buf_span(&a->key), o->key_file ? o->key_file : a->api.key_name, e))
		return -1;
	a->api.key = a->key.len ? a->key.data : NULL;
	if (!a->api.key && a->default_url && !a->dry)
		return err_set(e, "no API key: set %s or give --key-file", a->api.key_name);
	return 0;
}

static int find_url(struct ask *a, struct err *e)
{
	const struct ask_options *o = a->o;
	const char *env = getenv("OPENAI_BASE_URL"), *otherwise = "https://api.openai.com/v1", *url;

	if (o->api == DIALECT_ANTHROPIC) {
		env = getenv("ANTHROPIC_BASE_URL");
		otherwise = "https://api.anthropic.com/v1";
	} else if (o->api == DIALECT_AZURE) {
		env = set_or(getenv("AZURE_OPENAI_ENDPOINT"), env);
		otherwise = NULL;
	}
	url = o->base_url ? o->base_url : set_or(env, otherwise);
	if (!url)
		return err_set(e,
			       "no address: give -u https://NAME.openai.azure.com or set AZURE_OPENAI_ENDPOINT");
	a->api.base_url = url;
	a->default_url = url == otherwise;
	if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0) {
		struct buf shown = BUF_INIT;

		url_show(&shown, url);
		err_set(e, "base URL %s: must begin with http:// or https://",
			shown.data ? shown.data : "");
		buf_release(&shown);
		return -1;
	}
	a->api.dialect = o->api ? (enum dialect_kind)o->api : dialect_of(url);
	return 0;
}

/* An API may refuse each request for a schema that is not strict: then it is sent as one that is not,
 * or made strict. Said to the user through the backend's warning. */
static int make_strict(struct ask *a, struct err *e)
{
	struct err why = ERR_INIT;
	int rc;

	if (!a->schema)
		return 0;
	rc = strict_make(a->params.schema, &a->strict, &why);
	if (a->o->strict_schema && rc < 0)
		return err_set(e, "--strict-schema: %s cannot be made strict: %s", a->o->schema,
			       why.msg);
	if (rc > 0 && a->o->strict_schema)
		a->params.schema = buf_span(&a->strict);
	else
		buf_clear(&a->strict);
	if (!rc || a->o->strict_schema || a->api.dialect == DIALECT_ANTHROPIC)
		return 0;
	a->params.loose = 1;
	buf_addf(&a->warning,
		 "--schema %s: %s, which strict structured output does not know: it is sent with strict false, and answers are checked here%s",
		 a->o->schema, why.msg, rc > 0 ? "; --strict-schema makes it strict" : "");
	return 0;
}

/* Puts our own warning before the backend's. */
static void take_warning(struct ask *a)
{
	if (a->warning.len && a->backend.warning)
		buf_addf(&a->warning, "; %s", a->backend.warning);
	if (a->warning.len)
		a->backend.warning = a->warning.data;
}

static int open_api(struct ask *a, struct err *e)
{
	const struct ask_options *o = a->o;

	if (file_is_dir(o->model))
		return err_set(e, "%s is a directory here: write ./%s for the local model",
			       o->model, o->model);
	if (o->adapter || o->quantize || o->unmerged || o->template_vars.n || o->template_date)
		return err_set(e, "--%s needs a local model; %s is the name of one behind an API",
			       o->adapter	    ? "adapter"
			       : o->quantize	    ? "quantize"
			       : o->unmerged	    ? "unmerged"
			       : o->template_vars.n ? "template-var"
						    : "template-date",
			       o->model);
	if (o->top_k || !isnan(o->min_p) || !isnan(o->repeat_penalty))
		return err_set(e,
			       "--%s is for local models; what this API has of the kind goes into --extra",
			       o->top_k		  ? "top-k"
			       : !isnan(o->min_p) ? "min-p"
						  : "repeat-penalty");
	if (find_url(a, e) || find_key(a, e))
		return -1;
	prices_provider(a->prices, a->api.base_url);
	if (a->api.dialect == DIALECT_RESPONSES && (a->params.seeded || a->params.stops))
		return err_set(e, "--%s: the Responses API has no such thing",
			       a->params.seeded ? "seed" : "stop");
	if (o->steady && isnan(o->temperature)) {
		a->params.temperature = 0;
		a->api.temperature_if_known = 1;
	}
	if (a->api.dialect == DIALECT_ANTHROPIC && (a->params.seeded || o->logprobs >= 0))
		return err_set(e, "--%s: Anthropic's API has no such thing",
			       a->params.seeded ? "seed" : "logprobs");
	if (!(a->headers = api_headers(a->api.dialect, o->headers.v, o->headers.n, e)))
		return -1;
	a->api.headers = (const char *const *)a->headers;
	a->api.model = o->model;
	a->api.api_version = o->api_version ? o->api_version
					    : set_or(getenv("OPENAI_API_VERSION"), "2024-10-21");
	a->api.stream = o->stream;
	a->api.jobs = o->jobs ? (int)o->jobs : 16;
	a->api.rpm = o->rpm;
	a->api.tpm = o->tpm;
	a->api.retries = (int)o->retries;
	a->api.timeout = o->timeout;
	a->api.deadline = o->deadline;
	a->api.prices = a->prices;
	a->api.max_cost = o->max_cost;
	a->api.params = &a->params;
	if (make_strict(a, e) || api_open(&a->backend, &a->api, e))
		return -1;
	take_warning(a);
	return 0;
}

static int open_local(struct ask *a, backend_open_local *local, struct err *e)
{
	const struct ask_options *o = a->o;

	if (!local)
		return err_set(e, "%s: this program asks no local models", o->model);
	if (!isnan(o->max_cost))
		return err_set(e,
			       "--max-cost is for APIs: what a local model costs is known afterwards");
	if (o->strict_schema)
		return err_set(e,
			       "--strict-schema is for APIs; a local model is held to the schema as it is");
	if (o->effort)
		return err_set(e,
			       "--reasoning-effort is for APIs; what a local model's chat template has of the kind goes into --template-var");
	a->local = (struct backend_local){.model = o->model,
					  .adapter = o->adapter,
					  .quantize = o->quantize,
					  .unmerged = o->unmerged,
					  .template_vars = &o->template_vars,
					  .template_date = o->template_date,
					  .threads = (int)o->threads,
					  .jobs = (int)o->jobs,
					  .params = &a->params};
	if (local(&a->backend, &a->local, e))
		return -1;
	a->second = prices_second(a->prices, a->backend.model);
	if (a->prices && isnan(a->second)) {
		buf_addf(&a->warning,
			 "%s has neither price_per_hour nor watts and price_per_kwh for %s or local: its cost will be null",
			 o->prices, a->backend.model);
		take_warning(a);
	}
	return 0;
}

static int read_extra(struct ask *a, struct err *e)
{
	struct span v;

	if (!a->o->extra)
		return 0;
	if (json_check(span_of(a->o->extra), &v, e))
		return err_prefix(e, "--extra");
	if (json_kind(v) != JSON_OBJECT)
		return err_set(e, "--extra: must be a JSON object");
	if (!isnan(a->o->max_cost) && json_kind(json_member(v, "model")) != JSON_NONE)
		return err_set(e,
			       "--max-cost: the model is named by -m, whose price is known, not by --extra");
	a->api.extra = v;
	return 0;
}

static int read_schema(struct ask *a, struct err *e)
{
	if (!a->o->schema)
		return 0;
	a->schema = schema_read(a->o->schema, e);
	if (!a->schema)
		return -1;
	a->params.schema = schema_text(a->schema);
	return 0;
}

struct cache_key ask_learned_key(const struct ask *a)
{
	return cache_key(buf_span(&a->identity), span_of(a->backend.model),
			 span_of("what models do not take"), 0, 0);
}

/* Begins with what an earlier run found out. */
static int recall(struct ask *a, struct err *e)
{
	struct cache_key key = ask_learned_key(a);
	struct buf json = BUF_INIT;
	struct span v;
	int rc = 0;

	if (a->backend.recall && (rc = cache_get(a->cache, &key, &json, e)) > 0 &&
	    !json_check(buf_span(&json), &v, NULL))
		a->backend.recall(a->backend.self, v);
	buf_release(&json);
	return rc < 0 ? -1 : 0;
}

static int open_cache(struct ask *a, struct err *e)
{
	const char *path = a->o->cache ? a->o->cache : set_or(getenv("FT_CACHE"), NULL);

	if (path && !*path)
		return err_set(e, "--cache needs the name of a file");
	if (!path || a->dry)
		return 0;
	a->cache = cache_open(path, e);
	return a->cache && !a->backend.identity(a->backend.self, &a->identity, e) && !recall(a, e)
		       ? 0
		       : -1;
}

struct ask *ask_open(const struct ask_options *o, backend_open_local *local, int dry, struct err *e)
{
	struct ask *a = mem_alloc(1, sizeof *a);

	a->o = o;
	a->dry = dry;
	a->second = NAN;
	backend_params_init(&a->params);
	a->params.temperature = o->temperature;
	a->params.top_p = o->top_p;
	a->params.top_k = o->top_k;
	a->params.min_p = isnan(o->min_p) ? 0 : o->min_p;
	a->params.repeat_penalty = isnan(o->repeat_penalty) ? 1 : o->repeat_penalty;
	a->params.max_tokens = o->max_tokens;
	a->params.seeded = o->seed != LLONG_MIN;
	a->params.seed = a->params.seeded ? o->seed : 0;
	a->params.stop = o->stop.v;
	a->params.stops = o->stop.n;
	a->params.logprobs = (int)o->logprobs;
	a->params.effort = o->effort;
	if (!o->model) {
		err_set(e, "no model: give -m NAME, or -m ./DIR for a local one");
		goto fail;
	}
	if (read_extra(a, e) || read_schema(a, e))
		goto fail;
	if (o->prices && !(a->prices = prices_load(o->prices, e)))
		goto fail;
	if (hub_is_local(o->model) ? open_local(a, local, e) : open_api(a, e))
		goto fail;
	if (open_cache(a, e))
		goto fail;
	return a;
fail:
	ask_close(a);
	return NULL;
}

struct backend *ask_backend(struct ask *a)
{
	return &a->backend;
}

const struct api_options *ask_api(const struct ask *a)
{
	return a->backend.local ? NULL : &a->api;
}

void ask_close(struct ask *a)
{
	if (!a)
		return;
	if (a->backend.free)
		a->backend.free(a->backend.self);
	ask_pipeline_release(a);
	cache_close(a->cache);
	prices_free(a->prices);
	if (a->key.data)
		memset(a->key.data, 0, a->key.len);
	buf_release(&a->key);
	schema_free(a->schema);
	buf_release(&a->strict);
	buf_release(&a->warning);
	api_headers_free(a->headers);
	buf_release(&a->identity);
	free(a);
}

/* prices: the file stays as text; the few models that a run asks are looked up in it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "../base/file.h"
#include "../base/mem.h"
#include "prices.h"
#include "dialect.h"

#define FILE_MAX_BYTES ((size_t)64 << 20)

/* The model asked last; a run asks one, seldom a few. */
struct tariff {
	char *model;
	int known;
	double input, output, cache_read, cache_write;
	double input_batch, output_batch;
	double input_128k, output_128k, input_200k, output_200k;
	long long max_output;
};

struct prices {
	struct buf text;
	struct span all;
	struct tariff *tariffs;
	size_t n, cap;
	const char *provider; /* "groq", or NULL; a literal */
};

struct prices *prices_load(const char *path, struct err *e)
{
	struct prices *p = mem_alloc(1, sizeof *p);

	if (json_file(path, FILE_MAX_BYTES, &p->text, &p->all, e))
		goto fail;
	if (json_kind(p->all) != JSON_OBJECT) {
		err_set(e, "%s: not an object of models and their prices", path);
		goto fail;
	}
	return p;
fail:
	prices_free(p);
	return NULL;
}

void prices_free(struct prices *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n; i++)
		free(p->tariffs[i].model);
	free(p->tariffs);
	buf_release(&p->text);
	free(p);
}

void prices_provider(struct prices *p, const char *url)
{
	/* Ends of host names, and what the file calls them. */
	static const char *const hosts[][2] = {
		{".openai.azure.com", "azure"},
		{".cognitiveservices.azure.com", "azure"},
		{"api.groq.com", "groq"},
		{"openrouter.ai", "openrouter"},
		{"api.together.xyz", "together_ai"},
		{"api.together.ai", "together_ai"},
		{"api.fireworks.ai", "fireworks_ai"},
		{"api.deepseek.com", "deepseek"},
		{"api.mistral.ai", "mistral"},
		{"api.x.ai", "xai"},
		{"api.cerebras.ai", "cerebras"},
		{"api.deepinfra.com", "deepinfra"},
	};
	const char *host = strstr(url, "://");
	size_t n, k;

	host = host ? host + 3 : url;
	n = strcspn(host, ":/?#");
	for (size_t i = 0; p && i < sizeof hosts / sizeof *hosts; i++) {
		k = strlen(hosts[i][0]);
		if (n >= k && strncasecmp(host + n - k, hosts[i][0], k) == 0)
			p->provider = hosts[i][1];
	}
}

static struct span look_up(const struct prices *p, const char *model)
{
	struct buf name = BUF_INIT;
	struct span m = {NULL, 0};

	if (p->provider) {
		buf_addf(&name, "%s/%s", p->provider, model);
		m = json_member(p->all, name.data);
		buf_release(&name);
	}
	return m.s ? m : json_member(p->all, model);
}

static double price(struct span model, const char *name, double otherwise)
{
	double x;

	return json_number(json_member(model, name), &x) || x < 0 ? otherwise : x;
}

static const struct tariff *find(struct prices *p, const char *model)
{
	struct tariff *t;
	struct span m;
	double most;

	for (size_t i = 0; i < p->n; i++)
		if (strcmp(p->tariffs[i].model, model) == 0)
			return &p->tariffs[i];
	p->tariffs = mem_grow(p->tariffs, &p->cap, p->n + 1, sizeof *p->tariffs);
	t = &p->tariffs[p->n++];
	memset(t, 0, sizeof *t);
	t->model = mem_strdup(model);
	m = look_up(p, model);
	t->input = price(m, "input_cost_per_token", NAN);
	t->output = price(m, "output_cost_per_token", NAN);
	t->cache_read = price(m, "cache_read_input_token_cost", t->input);
	t->cache_write = price(m, "cache_creation_input_token_cost", t->input);
	t->input_batch = price(m, "input_cost_per_token_batches", NAN);
	t->output_batch = price(m, "output_cost_per_token_batches", NAN);
	t->input_128k = price(m, "input_cost_per_token_above_128k_tokens", t->input);
	t->output_128k = price(m, "output_cost_per_token_above_128k_tokens", t->output);
	t->input_200k = price(m, "input_cost_per_token_above_200k_tokens", t->input_128k);
	t->output_200k = price(m, "output_cost_per_token_above_200k_tokens", t->output_128k);
	most = price(m, "max_output_tokens", price(m, "max_tokens", 0));
	t->max_output = most < 1e12 ? (long long)most : 0;
	t->known = !isnan(t->input) && !isnan(t->output);
	return t;
}

int prices_known(struct prices *p, const char *model)
{
	return p && find(p, model)->known;
}

double prices_cost(struct prices *p, const char *model, int batch, const struct dialect_usage *u)
{
	const struct tariff *t = p ? find(p, model) : NULL;
	long long cached = u->cached > 0 ? u->cached : 0,
		  written = u->cache_written > 0 ? u->cache_written : 0;
	double input, output;

	if (!t || !t->known || u->prompt < 0 || u->completion < 0)
		return NAN;
	if (batch)
		return (double)u->prompt * t->input_batch + (double)u->completion * t->output_batch;
	input = u->prompt > 200000 ? t->input_200k : u->prompt > 128000 ? t->input_128k : t->input;
	output = u->prompt > 200000   ? t->output_200k
		 : u->prompt > 128000 ? t->output_128k
				      : t->output;
	if (cached + written > u->prompt)
		cached = written = 0;
	return (double)(u->prompt - cached - written) * input + (double)cached * t->cache_read +
	       (double)written * t->cache_write + (double)u->completion * output;
}

double prices_worst(struct prices *p, const char *model, double prompt, double completion)
{
	const struct tariff *t = p ? find(p, model) : NULL;

	if (!t || !t->known)
		return NAN;
	return prompt * fmax(fmax(t->input, t->input_128k), fmax(t->input_200k, t->cache_write)) +
	       completion * fmax(t->output, fmax(t->output_128k, t->output_200k));
}

long long prices_max_output(struct prices *p, const char *model)
{
	return p ? find(p, model)->max_output : 0;
}

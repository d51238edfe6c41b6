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

#define RATES 8

/* Dollars a token of a prompt that is longer than `above` tokens. */
struct rate {
	double above;
	double input, output, reasoning, cache_read, cache_write;
	double write_1h; /* NaN where not known */
};

/* The model asked last; a run asks one, seldom a few. */
struct tariff {
	char *model;
	int known;
	struct rate rates[RATES]; /* the shortest prompts first */
	size_t n;
	double input_batch, output_batch;
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

static double price_above(struct span model, const char *name, double thousands, double otherwise)
{
	char full[96];

	snprintf(full, sizeof full, "%s_above_%.0fk_tokens", name, thousands);
	return price(model, full, otherwise);
}

/* The prices of longer prompts, where the model has such; what is not said of them stays as it is for
 * shorter ones. */
static void find_rates(struct tariff *t, struct span m)
{
	static const char begin[] = "input_cost_per_token_above_";
	struct json_iter it = {0};
	struct span key, value;

	while (json_next(&it, m, &key, &value) && t->n < RATES) {
		double k;
		size_t at = t->n;

		if (key.n < sizeof begin || memcmp(key.s + 1, begin, sizeof begin - 1) != 0 ||
		    (k = atof(key.s + sizeof begin)) <= 0)
			continue;
		for (; at > 1 && t->rates[at - 1].above > k * 1000; at--)
			t->rates[at] = t->rates[at - 1];
		t->rates[at].above = k * 1000;
		t->n++;
	}
	for (size_t i = 1; i < t->n; i++) {
		const struct rate *r = &t->rates[i - 1];
		double above = t->rates[i].above, k = above / 1000,
		       output = price_above(m, "output_cost_per_token", k, r->output);

		t->rates[i] =
			(struct rate){.above = above,
				      .input = price_above(m, "input_cost_per_token", k, r->input),
				      .output = output,
				      .reasoning = fmax(r->reasoning, output),
				      .cache_read = price_above(m, "cache_read_input_token_cost", k,
								r->cache_read),
				      .cache_write =
					      price_above(m, "cache_creation_input_token_cost", k,
							  r->cache_write),
				      .write_1h = r->write_1h};
	}
}

static const struct tariff *find(struct prices *p, const char *model)
{
	struct tariff *t;
	struct rate *r;
	struct span m;
	double most;

	for (size_t i = 0; i < p->n; i++)
		if (strcmp(p->tariffs[i].model, model) == 0)
			return &p->tariffs[i];
	p->tariffs = mem_grow(p->tariffs, &p->cap, p->n + 1, sizeof *p->tariffs);
	t = &p->tariffs[p->n++];
	memset(t, 0, sizeof *t);
	t->model = mem_strdup(model);
	t->n = 1;
	r = t->rates;
	m = look_up(p, model);
	r->input = price(m, "input_cost_per_token", NAN);
	r->output = price(m, "output_cost_per_token", NAN);
	r->reasoning = price(m, "output_cost_per_reasoning_token", r->output);
	r->cache_read = price(m, "cache_read_input_token_cost",
			      price(m, "input_cost_per_token_cache_hit", r->input));
	r->cache_write = price(m, "cache_creation_input_token_cost", r->input);
	r->write_1h = price(m, "cache_creation_input_token_cost_above_1hr", NAN);
	find_rates(t, m);
	t->input_batch = price(m, "input_cost_per_token_batches", NAN);
	t->output_batch = price(m, "output_cost_per_token_batches", NAN);
	most = price(m, "max_output_tokens", price(m, "max_tokens", 0));
	t->max_output = most < 1e12 ? (long long)most : 0;
	t->known = !isnan(r->input) && !isnan(r->output);
	return t;
}

int prices_known(struct prices *p, const char *model)
{
	return p && find(p, model)->known;
}

static double part(long long n)
{
	return n > 0 ? (double)n : 0;
}

double prices_cost(struct prices *p, const char *model, int batch, const struct dialect_usage *u)
{
	const struct tariff *t = p ? find(p, model) : NULL;
	const struct rate *r;
	double prompt = part(u->prompt), cached = part(u->cached), written = part(u->cache_written),
	       hour = part(u->written_1h), reasoning = part(u->reasoning), cost;

	if (!isnan(u->cost))
		return u->cost;
	if (!t || !t->known || u->prompt < 0 || u->completion < 0 || u->odd)
		return NAN;
	if (batch)
		return prompt * t->input_batch + (double)u->completion * t->output_batch;
	r = t->rates;
	for (size_t i = 1; i < t->n; i++)
		if (prompt > t->rates[i].above)
			r = &t->rates[i];
	cost = (prompt - cached - written) * r->input + cached * r->cache_read +
	       (written - hour) * r->cache_write + ((double)u->completion - reasoning) * r->output +
	       reasoning * r->reasoning;
	return hour > 0 ? cost + hour * r->write_1h : cost;
}

double prices_worst(struct prices *p, const char *model, double prompt, double completion)
{
	const struct tariff *t = p ? find(p, model) : NULL;
	double in = 0, out = 0;

	if (!t || !t->known)
		return NAN;
	for (size_t i = 0; i < t->n; i++) {
		const struct rate *r = &t->rates[i];

		/* fmax passes over an unknown price */
		in = fmax(fmax(in, r->input),
			  fmax(fmax(r->cache_read, r->cache_write), r->write_1h));
		out = fmax(out, fmax(r->output, r->reasoning));
	}
	return prompt * in + completion * out;
}

long long prices_max_output(struct prices *p, const char *model)
{
	return p ? find(p, model)->max_output : 0;
}

int prices_temperature(struct prices *p, const char *model)
{
	return prices_known(p, model) &&
	       json_kind(json_member(look_up(p, model), "supports_reasoning")) != JSON_TRUE;
}

double prices_second(struct prices *p, const char *model)
{
	struct span m;
	double hour;

	if (!p)
		return NAN;
	m = json_member(p->all, model);
	if (!m.s)
		m = json_member(p->all, "local");
	hour = price(m, "price_per_hour", NAN);
	if (isnan(hour))
		hour = price(m, "watts", NAN) / 1000 * price(m, "price_per_kwh", NAN);
	return hour / 3600;
}

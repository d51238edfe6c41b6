/* dialect: addresses and keys of all dialects, the bodies of chat completions, errors. Other bodies
 * are in dialect_anthropic.c and dialect_responses.c. Answers: how they come is in dialect_stream.c,
 * what they mean in dialect_openai.c, dialect_anthropic.c and dialect_responses_answer.c, what all of
 * them are made of in dialect_gather.c. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "../base/mem.h"
#include "../json/jw.h"
#include "dialect_impl.h"

static int ends_with(struct span s, const char *end)
{
	size_t n = strlen(end);

	return s.n >= n && memcmp(s.s + s.n - n, end, n) == 0;
}

/* The base as given, less what stands behind the path and a closing slash. */
static struct span base_path(const char *base)
{
	struct span path = {base, strcspn(base, "?#")};

	while (path.n && path.s[path.n - 1] == '/')
		path.n--;
	return path;
}

static struct span host_of(const char *url)
{
	const char *host = strstr(url, "://");

	host = host ? host + 3 : url;
	return (struct span){host, strcspn(host, ":/?#")};
}

int dialect_at_azure(const char *url)
{
	static const char *const azure[] = {".openai.azure.com", ".cognitiveservices.azure.com",
					    ".services.ai.azure.com"};
	struct span h = host_of(url);

	for (size_t i = 0; i < sizeof azure / sizeof *azure; i++) {
		size_t n = strlen(azure[i]);

		if (h.n > n && strncasecmp(h.s + h.n - n, azure[i], n) == 0)
			return 1;
	}
	return 0;
}

enum dialect_kind dialect_of(const char *url)
{
	if (span_is(host_of(url), "api.anthropic.com"))
		return DIALECT_ANTHROPIC;
	if (ends_with(base_path(url), "/responses"))
		return DIALECT_RESPONSES;
	return dialect_at_azure(url) ? DIALECT_AZURE : DIALECT_OPENAI;
}

/* The base's own query, and Azure's version where it is wanted and not there. */
static void put_query(enum dialect_kind d, const char *base, const char *api_version,
		      struct buf *url)
{
	const char *query = base + strcspn(base, "?#");

	if (*query == '?')
		buf_addf(url, "%c%s", memchr(url->data, '?', url->len) ? '&' : '?', query + 1);
	if (d == DIALECT_AZURE && !ends_with(base_path(base), "/v1") &&
	    !strstr(query, "api-version="))
		buf_addf(url, "%capi-version=%s", memchr(url->data, '?', url->len) ? '&' : '?',
			 api_version);
}

/* One segment of a path (RFC 3986). */
static void put_segment(struct buf *url, const char *text)
{
	for (; *text; text++)
		if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~",
			   *text))
			buf_addc(url, *text);
		else
			buf_addf(url, "%%%02X", (unsigned char)*text);
}

int dialect_url(enum dialect_kind d, const char *base, const char *model, const char *api_version,
		struct buf *url)
{
	const char *endpoint = d == DIALECT_ANTHROPIC	? "/messages"
			       : d == DIALECT_RESPONSES ? "/responses"
							: "/chat/completions";
	struct span path = base_path(base);
	int deployments;

	buf_addspan(url, path);
	/* Azure's newer addresses (.../openai/v1, .../models) are OpenAI's own; the older ones name
	 * a deployment. */
	deployments = d == DIALECT_AZURE && !ends_with(path, "/v1") &&
		      !ends_with(path, "/models") && !ends_with(path, endpoint);
	if (deployments && !memmem(path.s, path.n, "/openai/deployments/", 20)) {
		buf_adds(url,
			 ends_with(path, "/openai") ? "/deployments/" : "/openai/deployments/");
		put_segment(url, model);
	}
	/* Azure has the Responses API at its newer addresses. */
	if (d == DIALECT_RESPONSES && dialect_at_azure(base) &&
	    !memmem(path.s, path.n, "/openai", 7))
		buf_adds(url, "/openai/v1");
	if (!ends_with(path, endpoint))
		buf_adds(url, endpoint);
	put_query(d, base, api_version, url);
	return url->full ? -1 : 0;
}

int dialect_side_url(enum dialect_kind d, const char *base, const char *side,
		     const char *api_version, struct buf *url)
{
	static const char *const endpoints[] = {"/chat/completions", "/responses"};
	struct span path = base_path(base);
	const char *deployments;

	for (size_t i = 0; i < 2; i++)
		if (ends_with(path, endpoints[i]))
			path.n -= strlen(endpoints[i]);
	deployments = memmem(path.s, path.n, "/deployments/", 13);
	if (d == DIALECT_AZURE && deployments)
		path.n = (size_t)(deployments - path.s);
	buf_addspan(url, path);
	if (d == DIALECT_AZURE && !ends_with(path, "/v1") && !ends_with(path, "/openai"))
		buf_adds(url, "/openai");
	if (d == DIALECT_RESPONSES && dialect_at_azure(base) &&
	    !memmem(path.s, path.n, "/openai", 7))
		buf_adds(url, "/openai/v1");
	buf_adds(url, side);
	put_query(d, base, api_version, url);
	return url->full ? -1 : 0;
}

void dialect_secret(enum dialect_kind d, const char *base, const char *key, struct buf *header)
{
	int azure = d == DIALECT_AZURE || (d == DIALECT_RESPONSES && dialect_at_azure(base));

	buf_adds(header, azure			  ? "api-key: "
			 : d == DIALECT_ANTHROPIC ? "x-api-key: "
						  : "Authorization: Bearer ");
	buf_adds(header, key);
}

int dialect_overridden(const struct dialect *c, const char *name)
{
	return json_kind(json_member(c->extra, name)) != JSON_NONE;
}

char *dialect_asked(struct span body, const char *otherwise)
{
	struct buf name = BUF_INIT;

	if (json_string(json_member(body, "model"), &name) == 0 && name.len)
		return buf_detach(&name, NULL);
	buf_release(&name);
	return mem_strdup(otherwise);
}

/* One message as it stands, less `weight`, which is for training and unknown to APIs. */
static void put_message(struct jw *w, struct span m)
{
	struct json_iter it = {0};
	struct span key, value;

	if (json_kind(json_member(m, "weight")) == JSON_NONE) {
		jw_raw(w, m);
		return;
	}
	jw_object(w);
	while (json_next(&it, m, &key, &value)) {
		struct buf name = BUF_INIT;

		json_string(key, &name);
		if (strcmp(name.data, "weight") != 0) {
			jw_keyn(w, name.data, name.len);
			jw_raw(w, value);
		}
		buf_release(&name);
	}
	jw_end(w);
}

static void put_format(const struct dialect *c, const struct backend_request *q, struct jw *w)
{
	struct span schema = q->schema.s ? q->schema : c->params->schema;

	if (!schema.s) {
		if (q->response_format.s)
			jw_put_raw(w, "response_format", q->response_format);
		return;
	}
	jw_put_object(w, "response_format");
	jw_put_str(w, "type", "json_schema");
	jw_put_object(w, "json_schema");
	jw_put_str(w, "name", "answer");
	jw_put_bool(w, "strict", q->schema.s || !c->params->loose);
	jw_put_raw(w, "schema", schema);
	jw_end(w);
	jw_end(w);
}

static void put_number(const struct dialect *c, struct jw *w, const char *name, double x)
{
	if (isnan(x) || dialect_overridden(c, name))
		return;
	jw_put_num(w, name, x);
}

static void openai_params(const struct dialect *c, const struct backend_request *q, struct jw *w)
{
	const struct backend_params *p = c->params;
	const char *limit = c->completion_limit ? "max_completion_tokens" : "max_tokens";

	/* Either name in extra replaces the limit, whatever it is called here: servers refuse both
	 * together. */
	if (!dialect_overridden(c, "max_tokens"))
		put_number(c, w, limit, p->max_tokens ? (double)p->max_tokens : NAN);
	if (p->effort && !dialect_overridden(c, "reasoning_effort"))
		jw_put_str(w, "reasoning_effort", p->effort);
	put_number(c, w, "temperature", p->temperature);
	put_number(c, w, "top_p", p->top_p);
	if (p->seeded && !dialect_overridden(c, "seed"))
		jw_put_int(w, "seed", p->seed + q->sample);
	if (p->stops && !dialect_overridden(c, "stop")) {
		jw_put_array(w, "stop");
		for (size_t i = 0; i < p->stops; i++)
			jw_str(w, p->stop[i]);
		jw_end(w);
	}
	if (p->logprobs >= 0 && !dialect_overridden(c, "logprobs")) {
		jw_put_bool(w, "logprobs", 1);
		if (p->logprobs > 0 && !dialect_overridden(c, "top_logprobs"))
			jw_put_int(w, "top_logprobs", p->logprobs);
	}
	if (json_count(q->template_vars) && !dialect_overridden(c, "chat_template_kwargs"))
		jw_put_raw(w, "chat_template_kwargs", q->template_vars);
	if (q->tools.s && !dialect_overridden(c, "tools"))
		jw_put_raw(w, "tools", q->tools);
	if (q->tool_choice.s && !dialect_overridden(c, "tool_choice")) {
		jw_put_raw(w, "tool_choice", q->tool_choice);
	}
	if (!dialect_overridden(c, "response_format"))
		put_format(c, q, w);
	if (c->stream && !dialect_overridden(c, "stream"))
		jw_put_bool(w, "stream", 1);
	if (c->stream && !dialect_overridden(c, "stream_options")) {
		jw_put_object(w, "stream_options");
		jw_put_bool(w, "include_usage", 1);
		jw_end(w);
	}
}

static void put_extra(const struct dialect *c, struct jw *w)
{
	struct json_iter it = {0};
	struct span key, value;

	while (c->extra.s && json_next(&it, c->extra, &key, &value)) {
		struct buf name = BUF_INIT;

		/* dialect_responses_members wrote them, with what else belongs there */
		if (c->dialect == DIALECT_RESPONSES && json_kind(value) == JSON_OBJECT &&
		    (json_is(key, "text") || json_is(key, "reasoning")))
			continue;
		json_string(key, &name);
		jw_keyn(w, name.data ? name.data : "", name.len);
		jw_raw(w, value);
		buf_release(&name);
	}
}

int dialect_body(const struct dialect *c, const struct backend_request *q, struct buf *body,
		 struct err *e)
{
	struct jw w;
	struct json_iter it = {0};
	struct span key, m;

	if (!q->messages.s)
		return err_set(e,
			       "no messages; an API answers chats: write a template, such as -t '{{prompt}}'");
	jw_init(&w, body);
	jw_object(&w);
	if (!dialect_overridden(c, "model")) {
		jw_key(&w, "model");
		if (q->model.s)
			jw_strn(&w, q->model.s, q->model.n);
		else
			jw_str(&w, c->model);
	}
	if (c->dialect == DIALECT_ANTHROPIC) {
		if (dialect_anthropic_members(c, q, &w, e))
			return -1;
	} else if (c->dialect == DIALECT_RESPONSES) {
		if (dialect_responses_members(c, q, &w, e))
			return -1;
	} else {
		if (!dialect_overridden(c, "messages")) {
			jw_put_array(&w, "messages");
			while (json_next(&it, q->messages, &key, &m))
				put_message(&w, m);
			jw_end(&w);
		}
		openai_params(c, q, &w);
	}
	put_extra(c, &w);
	jw_end(&w);
	return body->full ? err_set(e, "the request is too large") : 0;
}

/* The status that an error inside a 200 answer, or inside a stream, would have had: a number in
 * `code` (OpenRouter, vLLM), or a name that stands for one (Anthropic's types; OpenAI's types and
 * codes). 0 unknown. */
static int error_status(struct span error)
{
	static const struct {
		const char *name;
		int status;
	} names[] = {
		{"overloaded_error", 529}, {"rate_limit_error", 429}, {"api_error", 500},
		{"timeout_error", 504},	   {"server_error", 500},     {"rate_limit_exceeded", 429},
	};
	struct span code = json_member(error, "code"), type = json_member(error, "type");
	int64_t n = 0;

	if (!json_int(code, &n) && n >= 100 && n <= 599)
		return (int)n;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (json_is(type, names[i].name) || json_is(code, names[i].name))
			return names[i].status;
	return 0;
}

/* The error inside a body, or the body. */
static struct span error_in(struct span body)
{
	struct span error;

	if (json_kind(body) == JSON_ARRAY) /* Gemini's compatible endpoint */
		body = json_element(body, 0);
	error = json_member(body, "error");
	return json_kind(error) <= JSON_NULL ? body : error;
}

int dialect_quota(struct span body)
{
	static const struct {
		const char *name;
		int sure;
	} names[] = {
		{"credit_balance_exhausted", 2},
		{"billing_hard_limit_reached", 2},
		{"billing_error", 2},
		{"credit_limit", 2},
		{"billing_not_active", 2},
		{"access_terminated", 2},
		{"insufficient_quota", 1},
		{"quota_exceeded", 1},
	};
	/* Those that have no name for it */
	static const char *const texts[] =
		{"credit balance is too low",  "insufficient balance", "insufficient credits",
		 "used all available credits", "run out of credits",   "monthly included credits",
		 "monthly spending limit",     "credit limit exceeded"};
	struct span error = error_in(body), code = json_member(error, "code"),
		    type = json_member(error, "type");
	struct buf message = BUF_INIT;
	int64_t n = 0;
	int sure = !json_int(code, &n) && n == 402 ? 2 : 0;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if ((json_is(type, names[i].name) || json_is(code, names[i].name)) &&
		    names[i].sure > sure)
			sure = names[i].sure;
	dialect_error(body, &message);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (message.len && strcasestr(message.data, texts[i]))
			sure = 2;
	buf_release(&message);
	return sure;
}

int dialect_error(struct span body, struct buf *message)
{
	static const char *const places[] = {"message", "detail", "error", "type"};
	struct span error = error_in(body), raw, v;
	size_t before = message->len;

	if (json_kind(error) == JSON_STRING)
		json_string(error, message);
	for (size_t i = 0; i < sizeof places / sizeof *places && message->len == before; i++) {
		v = json_member(error, places[i]);
		if (json_kind(v) == JSON_STRING)
			json_string(v, message);
		else if (json_kind(v) > JSON_NULL)
			buf_addspan(message, v);
	}
	if (message->len == before && json_kind(error) != JSON_NONE)
		buf_addspan(message, error);
	/* OpenRouter: what the provider behind it said. */
	raw = json_member(json_member(error, "metadata"), "raw");
	if (json_kind(raw) == JSON_STRING) {
		buf_adds(message, ": ");
		json_string(raw, message);
	}
	return error_status(error);
}

/* api_end: what becomes of a request: an answer, an error, another attempt, or the end of all asking. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "../base/mem.h"
#include "../base/progress.h"
#include "../net/retry.h"
#include "api_impl.h"

/* Settles an attempt: what it cost where that is known, else the worst where the server may have
 * worked for it. Returns the cost. */
static double settle(struct api *a, struct call *c, int worked)
{
	const struct backend_answer *an = &a->answer;
	struct dialect_usage u;
	double cost;

	dialect_usage(buf_span(&an->usage), &u);
	cost = prices_cost(a->o->prices,
			   prices_known(a->o->prices, c->asked) ? c->asked : an->model, 0, &u);
	if (u.prompt >= 0 && u.completion >= 0)
		bucket_take(&a->tokens, (double)(u.prompt + u.completion) - c->tokens);
	if (!an->error_type[0])
		purse_learn(&a->purse, c->asked, api_most_input(c), api_most_output(a, c->asked),
			    &u, cost);
	purse_settle(&a->purse, c->reserved, cost, worked);
	c->reserved = 0;
	return cost;
}

/* A server may send back what it was sent, piece by piece in a stream too. */
static void mask_answer(const struct secrets *s, struct backend_answer *an)
{
	struct buf *const bufs[] = {&an->output,   &an->tool_calls,    &an->refusal,  &an->usage,
				    &an->logprobs, &an->error_message, &an->reasoning};
	char *const texts[] = {an->model, an->finish_reason, an->request_id};

	for (size_t i = 0; i < sizeof bufs / sizeof *bufs; i++)
		secrets_mask(s, bufs[i]->data, bufs[i]->len);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		secrets_mask(s, texts[i], strlen(texts[i]));
}

void api_deliver(struct api *a, struct call *c, struct backend_answer *answer)
{
	mask_answer(http_secrets(a->http), answer);
	answer->attempts = c->attempts;
	if (c->changed)
		buf_addspan(&answer->asked, buf_span(&c->body));
	a->delivered++;
	if (!answer->model[0])
		snprintf(answer->model, sizeof answer->model, "%s", c->asked);
	a->done(a->arg, c->ticket, answer);
	api_call_free(c);
}

static void wait_until(struct api *a, struct call *c, double ready)
{
	const struct backend_answer *an = &a->answer;

	c->ready = ready;
	c->throttled = an->error_status == 429;
	a->throttled += (size_t)c->throttled;
	free(c->why);
	c->why = mem_strdup(an->error_message.data ? an->error_message.data : an->error_type);
	c->why_status = an->error_status;
	api_list_append(&a->waiting, c);
}

void api_wait_over(struct api *a, struct call *c)
{
	api_list_remove(&a->waiting, c);
	a->throttled -= (size_t)c->throttled;
	c->throttled = 0;
}

/* Ends a call for which there is no time left; what became of its last attempt is told too. */
void api_out_of_time(struct api *a, struct call *c, double asked)
{
	struct backend_answer *an = &a->answer;

	if (isnan(asked))
		backend_answer_fail(an, "deadline", c->why_status,
				    "%.500s; no time for another attempt before --deadline %.4g",
				    c->why, a->o->deadline);
	else
		backend_answer_fail(an, "deadline", c->why_status,
				    "%.500s; the server asks to wait %.3g s, which passes --deadline %.4g",
				    c->why, asked, a->o->deadline);
	api_deliver(a, c, an);
}

/* Waits for another attempt, or ends the call with the error that stands in a->answer. asked:
 * seconds that the server wants, or NaN. */
static void again_or_fail(struct api *a, struct call *c, int worth, double asked)
{
	double now = progress_clock(),
	       wait = isnan(asked) ? retry_backoff(c->attempts, &a->rng) : asked;

	if (!worth || c->attempts > a->o->retries) {
		api_deliver(a, c, &a->answer);
		return;
	}
	wait_until(a, c, now + wait);
	if (c->ready >= c->begun + a->o->deadline) {
		api_wait_over(a, c);
		api_out_of_time(a, c, asked);
	}
}

static const char *failure_type(enum http_failure f)
{
	switch (f) {
	case HTTP_NO_HOST:
	case HTTP_NO_CONNECT:
		return "connect";
	case HTTP_TLS:
		return "tls";
	case HTTP_TIMEOUT:
		return "timeout";
	case HTTP_DROPPED:
		return "dropped";
	case HTTP_CANCELLED:
		return "interrupted";
	default:
		return "bad_answer";
	}
}

/* Whether an error names the model as what is wrong. */
static int names_model(const struct call *c, int status, struct span error)
{
	static const char *const codes[] = {"model_not_found", "DeploymentNotFound",
					    "model_not_available", "invalid_model"};
	static const char *const words[] = {"not found",    "not exist",     "not_found",
					    "no access",    "not available", "not a valid model",
					    "unknown model"};
	struct buf text = BUF_INIT;
	int model = 0, wrong = 0;

	if (status < 400 || status >= 500 || status == 429)
		return 0;
	buf_addspan(&text, error);
	for (size_t i = 0; text.len && i < sizeof codes / sizeof *codes; i++)
		model |= wrong |= strstr(text.data, codes[i]) != NULL;
	if (text.len && !model)
		model = strcasestr(text.data, "model") && strstr(text.data, c->asked);
	for (size_t i = 0; model && i < sizeof words / sizeof *words; i++)
		wrong |= strcasestr(text.data, words[i]) != NULL;
	buf_release(&text);
	return model && wrong;
}

/* Whether it names the run's schema as what is wrong. */
static int names_schema(const struct api *a, int status, struct span error)
{
	static const char *const words[] = {"response_format", "schema", "structured output",
					    "text.format"};
	struct buf text = BUF_INIT;
	int yes = 0;

	if ((status != 400 && status != 422) || !a->o->params->schema.s)
		return 0;
	buf_addspan(&text, error);
	for (size_t i = 0; text.len && i < sizeof words / sizeof *words; i++)
		yes |= strcasestr(text.data, words[i]) != NULL;
	buf_release(&text);
	return yes;
}

static void fail_status(struct api *a, const struct http_response *r)
{
	struct backend_answer *an = &a->answer;
	struct buf message = BUF_INIT, where = BUF_INIT;
	struct span body;
	const char *type = r->status == 429			  ? "rate_limit"
			   : r->status == 401 || r->status == 403 ? "auth"
								  : "http";
	char hint[128] = "";
	int quota = r->status == 402 ? 2 : 0;

	if (!http_json(r, &body, NULL)) {
		dialect_error(body, &message);
		if (!quota)
			quota = dialect_quota(body);
		/* A limit that passes says when. */
		if (quota == 2 || (quota && isnan(retry_after(r, (double)time(NULL)))))
			type = "quota";
	} else {
		buf_add(&message, r->body.data, r->body.len < 200 ? r->body.len : 200);
		type = quota ? "quota" : type;
	}
	if (r->status >= 300 && r->status < 400) {
		type = "redirect";
		buf_clear(&message);
		http_show_redirect(&message, r);
		buf_adds(&message, "; redirects are not followed: set --base-url");
	}
	if (names_schema(a, r->status, buf_span(&r->body))) {
		type = "schema";
		snprintf(hint, sizeof hint, " (the provider refuses the schema of --schema)");
	}
	if (r->status == 401 && !a->o->key)
		snprintf(hint, sizeof hint, " (no key was sent: set %s or give --key-file)",
			 a->o->key_name);
	if (r->status == 404 && r->body.len < 4096 && !message.len)
		snprintf(hint, sizeof hint, " (should --base-url end in /v1?)");
	backend_answer_fail(an, type, r->status, "HTTP %d%s%.600s%s", r->status,
			    message.len ? ": " : "", message.len ? message.data : "", hint);
	buf_release(&message);
	buf_release(&where);
}

/* Some gateways create what they answer. */
static int answered(const struct http_response *r)
{
	return r->status == 200 || r->status == 201;
}

/* An answer that is JSON, though a stream was asked for. */
static int begins_json(struct span text)
{
	while (text.n && strchr(" \t\r\n", *text.s))
		text.s++, text.n--;
	return text.n && (*text.s == '{' || *text.s == '[');
}

/* Reads an answer of success into a->answer. Returns whether another attempt may do better. */
static int read_answer(struct api *a, struct call *c, const struct http_response *r)
{
	struct backend_answer *an = &a->answer;
	struct span text = buf_span(&r->body), body, type = http_header(r, "content-type");
	enum dialect_kind d = a->chat.dialect;
	struct err e = ERR_INIT;
	int again;

	if (text.n >= 3 && memcmp(text.s, "\xef\xbb\xbf", 3) == 0) /* a BOM */
		text.s += 3, text.n -= 3;
	if (!a->chat.stream && type.n >= 17 && memcmp(type.s, "text/event-stream", 17) == 0)
		/* Some servers know nothing else. */
		dialect_stream_add(d, &c->stream, text.s, text.n, 0);
	if ((a->chat.stream || c->stream.lines) && !begins_json(text)) {
		again = dialect_stream_answer(d, &c->stream, c->forced_schema, an);
		if (c->stream.first > 0)
			an->ttft = c->stream.first - c->started;
	} else {
		again = json_check(text, &body, &e) != 0;
		if (again)
			backend_answer_fail(an, "bad_answer", r->status,
					    "the answer is not a JSON object (%.*s%s%s)",
					    (int)(type.n > 80 ? 80 : type.n),
					    type.s ? type.s : "no content type",
					    e.msg[0] ? "; " : "", e.msg);
		else
			dialect_answer(d, body, c->forced_schema, an);
	}
	/* Some gateways wrap an upstream's status into a 200. */
	return again || (strcmp(an->error_type, "api") == 0 &&
			 (an->error_status == 429 || an->error_status >= 500));
}

/* Ends the asking where no other request could fare better: what was paid for is used up; the key, the
 * model or the schema was refused before anything was answered, or of late as often as requests go
 * out at once. */
static void give_up(struct api *a, const struct call *c, const struct http_response *r)
{
	struct backend_answer *an = &a->answer;
	int quota = strcmp(an->error_type, "quota") == 0, refused = 0;

	if (!an->error_type[0]) {
		a->answers++;
		a->refused = 0;
	} else if (r->failure == HTTP_DONE && !answered(r)) {
		/* Of several models another may be there. */
		refused = r->status == 401 || strcmp(an->error_type, "schema") == 0 ||
			  (!a->fits.first->next && names_model(c, r->status, buf_span(&r->body)));
	}
	a->refused += (size_t)refused;
	if (a->over[0] || !(quota || (refused && (!a->answers || a->refused > (size_t)a->o->jobs))))
		return;
	snprintf(a->over, sizeof a->over, "%s", an->error_type);
	a->over_status = an->error_status;
	buf_addf(&a->over_why, "not asked, as before: %.600s", an->error_message.data);
}

/* Whether the request is to go out once more, without a parameter that the server has just refused. */
static int refit(struct api *a, const struct call *c, const struct http_response *r)
{
	struct fit *f = fit_of(&a->fits, c->asked);
	const unsigned limits = fit_bit("max_tokens") | fit_bit("max_completion_tokens");
	unsigned bit = 0;

	if (r->failure == HTTP_DONE && (r->status == 400 || r->status == 422))
		bit = fit_refused(&a->fits, buf_span(&r->body), buf_span(&c->body));
	/* Without it already, or under neither name */
	if (!bit || c->without & bit || (bit & limits && c->without & limits))
		return 0;
	if (f->without & bit) /* another was told the same meanwhile */
		return 1;
	buf_addf(&a->notice, "%s is asked ", c->asked);
	fit_say(bit, &a->notice);
	buf_addf(&a->notice, " from here on, as the server wants it (%.300s)",
		 a->answer.error_message.data);
	if (f->answers)
		buf_addf(&a->notice, "; the %zu answer%s before were given otherwise", f->answers,
			 f->answers == 1 ? "" : "s");
	buf_addc(&a->notice, 0);
	f->without |= bit;
	f->refused |= bit;
	f->proven = 0;
	f->since = 0;
	return 1;
}

static void copy_span(char *to, size_t size, struct span s)
{
	snprintf(to, size, "%.*s", (int)(s.n < size ? s.n : size - 1), s.s ? s.s : "");
}

void api_on_done(void *arg, uint64_t ticket, struct http_response *r)
{
	struct api *a = arg;
	struct call *c = (struct call *)(uintptr_t)ticket;
	struct backend_answer *an = &a->answer;
	double now = progress_clock(), wall = (double)time(NULL), cost, pause;
	int again, more;

	api_list_remove(&a->running, c);
	backend_answer_clear(an);
	an->latency = now - c->started;
	copy_span(an->request_id, sizeof an->request_id, http_header(r, "x-request-id"));
	if (!an->request_id[0])
		copy_span(an->request_id, sizeof an->request_id, http_header(r, "request-id"));

	again = retry_worth(r);
	if (r->failure != HTTP_DONE)
		backend_answer_fail(an, failure_type(r->failure), r->status, "%s", r->reason);
	else if (answered(r))
		again = read_answer(a, c, r);
	else
		fail_status(a, r);
	if (strcmp(an->error_type, "quota") == 0)
		again = 0;
	more = an->error_type[0] ? refit(a, c, r) : 0;
	if (!more)
		give_up(a, c, r);

	if (r->failure == HTTP_DONE) {
		if (r->status == 429 || (answered(r) && an->error_status == 429))
			window_throttled(&a->window, c->started, now);
		else if (answered(r))
			window_success(&a->window);
		pause = rate_pause(r, wall);
		if (pause > 0 && now + pause > a->pause)
			a->pause = now + pause;
	}
	cost = settle(a, c,
		      r->failure == HTTP_TIMEOUT || r->failure == HTTP_DROPPED ||
			      r->failure == HTTP_CANCELLED ||
			      (r->failure == HTTP_DONE && answered(r)));
	an->cost = an->error_type[0] ? NAN : cost;
	if (r->failure == HTTP_DONE && !more) {
		struct fit *f = fit_of(&a->fits, c->asked);

		f->proven = 1;
		f->answers += !an->error_type[0];
	}
	if (more)
		wait_until(a, c, now);
	else if (an->error_type[0])
		again_or_fail(a, c, again, retry_after(r, wall));
	else
		api_deliver(a, c, an);
}

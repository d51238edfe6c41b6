/* api: the loop that carries requests to an API: a queue, a window, one retry layer, one purse. The
 * policies it follows are in lib/net, retry.c and rate.c, the wording in dialect.c. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../base/mem.h"
#include "../base/progress.h"
#include "../net/url.h"
#include "api_impl.h"

#define ANSWER_MAX ((uint64_t)16 << 20) /* bytes, decoded */
#define SILENCE 90.0			/* seconds without a byte before a stream is given up */
#define IMAGE_TOKENS 5000 /* taken for an image that a body only names, where money is concerned */
#define AHEAD 1.0	  /* seconds that the first request has for itself */
#define WORTH_TELLING 20  /* seconds that nothing happens */
#define GUESS_OUTPUT 256  /* tokens of an answer, for --tpm, until it is known */
/* so many that wait for another attempt hold new requests back: an outage must not use up the
 * input */
#define WAITING_PER_JOB 4

void api_list_append(struct list *l, struct call *c)
{
	c->next = NULL;
	c->prev = l->last;
	*(l->last ? &l->last->next : &l->first) = c;
	l->last = c;
	l->n++;
}

void api_list_remove(struct list *l, struct call *c)
{
	*(c->prev ? &c->prev->next : &l->first) = c->next;
	*(c->next ? &c->next->prev : &l->last) = c->prev;
	l->n--;
}

void api_call_free(struct call *c)
{
	buf_release(&c->body);
	dialect_stream_release(&c->stream);
	free(c->model);
	free(c->asked);
	free(c->why);
	free(c);
}

/* --- what a request may come to --- */

static double body_number(const struct api *a, const char *name)
{
	double x;

	return json_number(json_member(a->o->extra, name), &x) ? NAN : x;
}

double api_most_output(const struct api *a, const char *model)
{
	double x = body_number(a, "max_completion_tokens"), n = body_number(a, "n");

	if (isnan(x))
		x = body_number(a, "max_output_tokens");
	if (isnan(x))
		x = body_number(a, "max_tokens");
	if (isnan(x))
		x = body_number(a, "max_output_tokens");
	if (isnan(x) && a->o->params->max_tokens)
		x = (double)a->o->params->max_tokens;
	if (isnan(x) && a->o->prices && prices_max_output(a->o->prices, model))
		x = (double)prices_max_output(a->o->prices, model);
	return n > 1 ? n * x : x;
}

/* Most tokens of a request. A token is at least one byte of the body, and what a server adds around
 * messages is shorter than their JSON. */
double api_most_input(const struct call *c)
{
	double tokens = (double)c->body.len;
	const char *p = c->body.data, *end = p + c->body.len;

	while ((p = memmem(p, (size_t)(end - p), "\"image_url\"", 11))) {
		tokens += IMAGE_TOKENS;
		p += 11;
	}
	return tokens;
}

static void on_data(void *arg, const char *p, size_t n)
{
	struct call *c = arg;

	dialect_stream_add(c->api->chat.dialect, &c->stream, p, n, progress_clock());
}

/* --- starting --- */

/* What is known of the model, and what is left out from the beginning. */
static struct fit *fit_for(struct api *a, const char *model)
{
	struct fit *f = fit_of(&a->fits, model);

	if (a->o->temperature_if_known && !prices_temperature(a->o->prices, model))
		f->without |= fit_bit("temperature");
	return f;
}

/* Rids the body of what the model was found not to take since it was built. */
static void adapt(struct api *a, struct call *c, const struct fit *f)
{
	struct buf body = BUF_INIT;

	if (c->without == f->without)
		return;
	fit_apply(&a->fits, f, buf_span(&c->body), &body);
	c->changed |= !span_eq(buf_span(&body), buf_span(&c->body));
	c->without = f->without;
	buf_release(&c->body);
	c->body = body;
	c->risky = fit_risky(&a->fits, buf_span(&c->body));
}

static int start(struct api *a, struct call *c, double now, struct err *e)
{
	struct http_request q = {.method = "POST"};
	struct fit *f = fit_for(a, c->asked);
	double left;

	adapt(a, c, f);
	q.body = buf_span(&c->body);
	if (f->since <= 0)
		f->since = now;
	if (c->begun <= 0)
		c->begun = now;
	left = c->begun + a->o->deadline - now;
	buf_clear(&a->url);
	dialect_url(a->chat.dialect, a->o->base_url, c->model, a->o->api_version, &a->url);
	q.url = a->url.data;
	q.headers = a->o->headers;
	q.most = ANSWER_MAX;
	q.secret = a->secret.len ? a->secret.data : NULL;
	q.timeout = fmin(a->o->timeout, left);
	if (a->chat.stream && !(c->without & fit_bit("stream"))) {
		q.silence = SILENCE;
		q.on_data = on_data;
		q.arg = c;
	}
	dialect_stream_release(&c->stream);
	c->started = now;
	c->attempts++;
	if (http_start(a->http, (uint64_t)(uintptr_t)c, &q, e))
		return -1;
	bucket_take(&a->requests, 1);
	bucket_take(&a->tokens, c->tokens);
	api_list_append(&a->running, c);
	return 0;
}

static void fail_unasked(struct api *a, struct call *c, const char *type, int status,
			 const char *why)
{
	backend_answer_clear(&a->answer);
	backend_answer_fail(&a->answer, type, status, "%s", why);
	api_deliver(a, c, &a->answer);
}

static void fail_all_unasked(struct api *a, const char *type, int status, const char *why)
{
	struct call *c;

	while ((c = a->queued.first)) {
		api_list_remove(&a->queued, c);
		fail_unasked(a, c, type, status, why);
	}
	while ((c = a->waiting.first)) {
		api_wait_over(a, c);
		fail_unasked(a, c, type, status, why);
	}
}

/* What becomes of a call that could go out now as far as the window is concerned. */
enum turn { TURN_GO, TURN_LATER, TURN_NEVER };

/* Reserves what it costs at its worst. *wait is shortened to the time when a rate allows it. */
static enum turn ask_turn(struct api *a, struct call *c, double now, double *wait)
{
	double w = fmax(a->pause - now, fmax(bucket_wait(&a->requests, 1, now),
					     bucket_wait(&a->tokens, c->tokens, now))),
	       worst = 0;
	enum purse_turn turn;

	/* What will be refused waits for no rate. */
	if (!isnan(a->o->max_cost)) {
		worst = purse_worst(&a->purse, c->asked, api_most_input(c),
				    api_most_output(a, c->asked));
		if (purse_is_spent(&a->purse, worst))
			return TURN_NEVER;
	}
	if (w > 0) {
		*wait = fmin(*wait, w);
		return TURN_LATER;
	}
	if (isnan(a->o->max_cost))
		return TURN_GO;
	turn = purse_take(&a->purse, worst, a->running.n);
	if (turn == PURSE_GO)
		c->reserved = worst;
	return turn == PURSE_GO ? TURN_GO : turn == PURSE_LATER ? TURN_LATER : TURN_NEVER;
}

/* Starts a call that stands in no list any more, or gives it up. */
static int take_turn(struct api *a, struct call *c, enum turn turn, double now, struct err *e)
{
	if (turn == TURN_NEVER) {
		fail_unasked(a, c, "max_cost", 0, "the request could pass --max-cost at its worst");
	} else if (start(a, c, now, e)) {
		api_call_free(c);
		return -1;
	}
	return 0;
}

/* Those asked before go first. Past its deadline one is given up even where the window has no room
 * for it. */
static int launch_again(struct api *a, double now, double *wait, struct err *e)
{
	struct call *c, *next;

	for (c = a->waiting.first; c; c = next) {
		double end = c->begun + a->o->deadline;
		enum turn turn = TURN_LATER;

		next = c->next;
		if (now >= end) {
			api_wait_over(a, c);
			backend_answer_clear(&a->answer);
			api_out_of_time(a, c, NAN);
			continue;
		}
		*wait = fmin(*wait, (c->ready > now ? c->ready : end) - now);
		if (c->ready <= now && a->running.n < (size_t)window_size(&a->window))
			turn = ask_turn(a, c, now, wait);
		if (turn == TURN_LATER)
			continue;
		api_wait_over(a, c);
		if (take_turn(a, c, turn, now, e))
			return -1;
	}
	return 0;
}

/* Room for requests that were never asked. Those that the server throttled keep their places while
 * they wait, for its limit is everyone's: new ones would only be refused in their turn. */
static size_t room(const struct api *a)
{
	size_t window = (size_t)window_size(&a->window), taken = a->running.n + a->throttled;

	return taken < window && a->waiting.n < WAITING_PER_JOB * (size_t)a->o->jobs
		       ? window - taken
		       : 0;
}

/* Whether the call is held back for another of its model that goes ahead, to be refused alone where a
 * parameter is not taken: a refusal is quick, so a model that thinks is not waited for. */
static int held(struct api *a, const struct call *c, double now, double *wait)
{
	const struct fit *f = fit_of(&a->fits, c->asked);
	double left = f->since + AHEAD - now;

	if (!c->risky || f->proven || f->since <= 0 || left <= 0)
		return 0;
	*wait = fmin(*wait, left);
	return 1;
}

/* Starts what may start now; *wait becomes the time until more may. */
static int launch(struct api *a, double *wait, struct err *e)
{
	double now = progress_clock();
	struct call *c;
	enum turn turn;

	if (a->over[0])
		fail_all_unasked(a, a->over, a->over_status, a->over_why.data);
	while (a->pause > now + a->o->deadline && (c = a->queued.first)) {
		char why[128];

		snprintf(why, sizeof why,
			 "the server's limit is reset in %.3g s, which passes --deadline %.4g",
			 a->pause - now, a->o->deadline);
		api_list_remove(&a->queued, c);
		fail_unasked(a, c, "deadline", 429, why);
	}
	if (launch_again(a, now, wait, e))
		return -1;
	while ((c = a->queued.first) && room(a) && !held(a, c, now, wait)) {
		turn = ask_turn(a, c, now, wait);
		if (turn == TURN_LATER)
			break;
		api_list_remove(&a->queued, c);
		if (take_turn(a, c, turn, now, e))
			return -1;
	}
	return 0;
}

/* --- the backend --- */

static size_t api_wants(void *self)
{
	struct api *a = self;
	size_t n = room(a);

	return n > a->queued.n ? n - a->queued.n : 0;
}

static int api_build(void *self, const struct backend_request *q, struct buf *body, struct err *e)
{
	struct api *a = self;
	struct buf whole = BUF_INIT;
	char *asked;
	int rc;

	rc = dialect_body(&a->chat, q, &whole, e);
	if (!rc) {
		asked = dialect_asked(buf_span(&whole), a->o->model);
		fit_apply(&a->fits, fit_for(a, asked), buf_span(&whole), body);
		free(asked);
	}
	buf_release(&whole);
	return rc;
}

static void api_notice(void *self, struct buf *text)
{
	struct api *a = self;

	/* It quotes the server. */
	secrets_mask(http_secrets(a->http), a->notice.data, a->notice.len);
	buf_addspan(text, buf_span(&a->notice));
	buf_clear(&a->notice);
}

static void api_learned(void *self, struct buf *json)
{
	struct api *a = self;

	fits_write(&a->fits, json);
}

static void api_recall(void *self, struct span json)
{
	struct api *a = self;

	fits_read(&a->fits, json);
	for (const struct fit *f = a->fits.first; f; f = f->next)
		if (f->refused) {
			buf_addf(&a->notice, "%s is asked ", f->model);
			fit_say(f->refused, &a->notice);
			buf_adds(&a->notice,
				 ", as an earlier run with this cache found the server to want it");
			buf_addc(&a->notice, 0);
		}
}

/* Tells once of a wait in which nothing happens. */
static void tell_wait(struct api *a, double wait)
{
	double now = progress_clock();
	const struct call *c = a->waiting.first;

	if (a->running.n || !(a->waiting.n + a->queued.n) || wait < WORTH_TELLING || isinf(wait) ||
	    now + wait < a->told + 1)
		return;
	a->told = now + wait;
	buf_addf(&a->notice, "nothing can be asked for the next %.0f s", wait);
	if (c && c->why)
		buf_addf(&a->notice, " (%.300s)", c->why);
	else
		buf_adds(&a->notice, ": the limits of the server, of --rpm or of --tpm want it so");
	buf_addc(&a->notice, 0);
}

static int api_identity(void *self, struct buf *text, struct err *e)
{
	struct api *a = self;

	(void)e;
	return dialect_url(a->chat.dialect, a->o->base_url, a->o->model, a->o->api_version, text);
}

static int api_submit(void *self, uint64_t ticket, const struct backend_request *q,
		      struct span body, struct err *e)
{
	struct api *a = self;
	struct call *c = mem_alloc(1, sizeof *c);

	(void)e;
	c->ticket = ticket;
	c->api = a;
	c->model = q->model.s ? span_dup(q->model) : mem_strdup(a->o->model);
	c->asked = dialect_asked(body, c->model);
	c->forced_schema =
		a->chat.dialect == DIALECT_ANTHROPIC && (q->schema.s || a->o->params->schema.s);
	buf_addspan(&c->body, body);
	c->risky = fit_risky(&a->fits, body);
	if (a->tokens.rate > 0)
		c->tokens = (double)body.n / 4 + (a->o->params->max_tokens
							  ? (double)a->o->params->max_tokens
							  : GUESS_OUTPUT);
	api_list_append(&a->queued, c);
	return 0;
}

static long in_hand(const struct api *a)
{
	return (long)(a->queued.n + a->waiting.n + a->running.n);
}

static long api_run(void *self, double wait, backend_done *done, void *arg, struct err *e)
{
	struct api *a = self;
	size_t before = a->delivered;
	double until = INFINITY;

	a->done = done;
	a->arg = arg;
	if (launch(a, &until, e))
		return -1;
	tell_wait(a, until);
	wait = fmin(wait, until);
	/* What was refused unasked makes room for others at once. */
	if (a->delivered > before)
		wait = 0;
	if (http_run(a->http, wait, api_on_done, a, e) < 0)
		return -1;
	/* Successors of what just ended go out now, not at the next call. */
	return launch(a, &wait, e) ? -1 : in_hand(a);
}

static void api_cancel(void *self, backend_done *done, void *arg)
{
	struct api *a = self;

	a->done = done;
	a->arg = arg;
	fail_all_unasked(a, "interrupted", 0, "interrupted");
	http_cancel(a->http, api_on_done, a);
}

static void api_free(void *self)
{
	struct api *a = self;
	struct list *all[] = {&a->queued, &a->waiting, &a->running};
	struct call *c;

	http_free(a->http);
	for (int i = 0; i < 3; i++)
		while ((c = all[i]->first)) {
			api_list_remove(all[i], c);
			api_call_free(c);
		}
	buf_release(&a->url);
	buf_release(&a->over_why);
	buf_release(&a->notice);
	fits_release(&a->fits);
	/* The key does not outlive its use. */
	if (a->secret.data)
		memset(a->secret.data, 0, a->secret.len);
	buf_release(&a->secret);
	backend_answer_release(&a->answer);
	free(a);
}

static int check_cost(struct api *a, struct err *e)
{
	if (isnan(a->o->max_cost))
		return 0;
	if (!prices_known(a->o->prices, a->o->model))
		return err_set(e,
			       "--max-cost: the price of %s is not known; give --prices a file that has it",
			       a->o->model);
	if (isnan(api_most_output(a, a->o->model)))
		return err_set(e,
			       "--max-cost: how long an answer of %s may become is not known; give --max-tokens",
			       a->o->model);
	return 0;
}

int api_open(struct backend *b, const struct api_options *o, struct err *e)
{
	struct api *a = mem_alloc(1, sizeof *a);
	double now = progress_clock();
	char *asked = dialect_asked(o->extra, o->model);

	a->o = o;
	a->fits.extra = o->extra;
	a->chat = (struct dialect){.dialect = o->dialect,
				   .model = o->model,
				   .params = o->params,
				   .extra = o->extra,
				   .stream = o->stream};
	a->chat.completion_limit =
		o->dialect == DIALECT_AZURE || strstr(o->base_url, "://api.openai.com") != NULL;
	if (check_cost(a, e) || !(a->http = http_new((size_t)o->jobs, e))) {
		free(asked);
		api_free(a);
		return -1;
	}
	window_init(&a->window, o->jobs);
	purse_init(&a->purse, o->prices, o->max_cost);
	bucket_init(&a->requests, o->rpm, now);
	bucket_init(&a->tokens, o->tpm, now);
	rng_seed(&a->rng, (uint64_t)getpid(), (uint64_t)(now * 1e6));
	if (o->key)
		dialect_secret(o->dialect, o->base_url, o->key, &a->secret);
	secrets_add(http_secrets(a->http), span_of(o->key));
	for (const char *const *line = o->headers; line && *line; line++)
		secrets_add_header(http_secrets(a->http), *line);
	if (o->prices && !prices_known(o->prices, asked))
		snprintf(a->warning, sizeof a->warning,
			 "the price of %.100s is not in the prices file: its cost will be null unless the answers state it",
			 asked);
	if (url_exposes(o->base_url, http_secrets(a->http)->n > 0))
		snprintf(a->warning + strlen(a->warning), sizeof a->warning - strlen(a->warning),
			 "%sthe key " URL_EXPOSED, a->warning[0] ? "; " : "");
	free(asked);
	*b = (struct backend){.self = a,
			      .model = o->model,
			      .wants = api_wants,
			      .build = api_build,
			      .identity = api_identity,
			      .submit = api_submit,
			      .run = api_run,
			      .cancel = api_cancel,
			      .free = api_free,
			      .notice = api_notice,
			      .learned = api_learned,
			      .recall = api_recall,
			      .warning = a->warning[0] ? a->warning : NULL};
	return 0;
}

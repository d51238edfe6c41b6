/* api: the loop that carries requests to an API: a queue, a window, one retry layer, one purse. The
 * policies it follows are in lib/net, retry.c and rate.c, the wording in dialect.c. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "../base/mem.h"
#include "../base/progress.h"
#include "../net/http.h"
#include "../net/rate.h"
#include "../net/retry.h"
#include "api.h"
#include "purse.h"

#define SILENCE 90.0	  /* seconds without a byte before a stream is given up */
#define IMAGE_TOKENS 5000 /* taken for an image that a body only names, where money is concerned */
#define GUESS_OUTPUT 256  /* tokens of an answer, for --tpm, until it is known */
/* so many that wait for another attempt hold new requests back: an outage must not use up the
 * input */
#define WAITING_PER_JOB 4

struct call {
	struct call *prev, *next;
	uint64_t ticket;
	struct buf body;
	char *model; /* in the address, where that has one */
	char *asked; /* in the body, where extra may name another: it answers, and is paid for */
	int forced_schema;
	int attempts;
	double begun;	/* of the first attempt; 0: none yet */
	double started; /* of this attempt */
	double ready;	/* of the next attempt, while it waits */
	int throttled;	/* it waits since the server said 429 */
	char *why;	/* what became of the attempt before; NULL: none yet */
	int why_status;
	double reserved; /* dollars of the attempt under way */
	double tokens;	 /* taken from the token bucket for it */
	struct dialect_stream stream;
	struct api *api;
};

struct list {
	struct call *first, *last;
	size_t n;
};

struct api {
	const struct api_options *o;
	struct dialect chat;
	struct http *http;
	struct list queued, waiting, running; /* never asked; asked before; being asked */
	size_t throttled;		      /* of those waiting */
	struct window window;
	struct bucket requests, tokens;
	double pause; /* nobody asks before this time */
	struct purse purse;
	size_t answers, delivered;
	/* Why nobody asks any more (no quota, no valid key), or an empty type. */
	char over[32];
	int over_status;
	struct buf over_why;
	struct rng rng;
	struct buf url, secret;
	struct backend_answer answer;
	char warning[256];
	backend_done *done; /* while run or cancel is on */
	void *arg;
};

static void list_append(struct list *l, struct call *c)
{
	c->next = NULL;
	c->prev = l->last;
	*(l->last ? &l->last->next : &l->first) = c;
	l->last = c;
	l->n++;
}

static void list_remove(struct list *l, struct call *c)
{
	*(c->prev ? &c->prev->next : &l->first) = c->next;
	*(c->next ? &c->next->prev : &l->last) = c->prev;
	l->n--;
}

static void call_free(struct call *c)
{
	buf_release(&c->body);
	dialect_stream_release(&c->stream);
	free(c->model);
	free(c->asked);
	free(c->why);
	free(c);
}

/* --- the purse --- */

static double body_number(const struct api *a, const char *name)
{
	double x;

	return json_number(json_member(a->o->extra, name), &x) ? NAN : x;
}

static double most_output(const struct api *a, const char *model)
{
	double x = body_number(a, "max_completion_tokens"), n = body_number(a, "n");

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
static double most_input(const struct call *c)
{
	double tokens = (double)c->body.len;
	const char *p = c->body.data, *end = p + c->body.len;

	while ((p = memmem(p, (size_t)(end - p), "\"image_url\"", 11))) {
		tokens += IMAGE_TOKENS;
		p += 11;
	}
	return tokens;
}

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
		purse_learn(&a->purse, c->asked, most_input(c), most_output(a, c->asked), &u, cost);
	purse_settle(&a->purse, c->reserved, cost, worked);
	c->reserved = 0;
	return cost;
}

/* --- ends of a call --- */

static void redact(char *text, size_t len, const char *key)
{
	size_t n = key ? strlen(key) : 0;
	char *p = text;

	if (n < 4 || !text)
		return;
	while ((p = memmem(p, len - (size_t)(p - text), key, n)))
		memset(p, '*', n);
}

/* A server may send back what it was sent. */
static void redact_answer(struct backend_answer *an, const char *key)
{
	struct buf *const bufs[] = {&an->output,   &an->tool_calls,    &an->refusal,  &an->usage,
				    &an->logprobs, &an->error_message, &an->reasoning};
	char *const texts[] = {an->model, an->finish_reason, an->request_id};

	for (size_t i = 0; i < sizeof bufs / sizeof *bufs; i++)
		redact(bufs[i]->data, bufs[i]->len, key);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		redact(texts[i], strlen(texts[i]), key);
}

static void deliver(struct api *a, struct call *c, struct backend_answer *answer)
{
	redact_answer(answer, a->o->key);
	answer->attempts = c->attempts;
	a->delivered++;
	if (!answer->model[0])
		snprintf(answer->model, sizeof answer->model, "%s", c->asked);
	a->done(a->arg, c->ticket, answer);
	call_free(c);
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
	list_append(&a->waiting, c);
}

static void wait_over(struct api *a, struct call *c)
{
	list_remove(&a->waiting, c);
	a->throttled -= (size_t)c->throttled;
	c->throttled = 0;
}

/* Ends a call for which there is no time left; what became of its last attempt is told too. */
static void out_of_time(struct api *a, struct call *c, double asked)
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
	deliver(a, c, an);
}

/* Waits for another attempt, or ends the call with the error that stands in a->answer. asked:
 * seconds that the server wants, or NaN. */
static void again_or_fail(struct api *a, struct call *c, int worth, double asked)
{
	double now = progress_clock(),
	       wait = isnan(asked) ? retry_backoff(c->attempts, &a->rng) : asked;

	if (!worth || c->attempts > a->o->retries) {
		deliver(a, c, &a->answer);
		return;
	}
	wait_until(a, c, now + wait);
	if (c->ready >= c->begun + a->o->deadline) {
		wait_over(a, c);
		out_of_time(a, c, asked);
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

	if (!json_check(buf_span(&r->body), &body, NULL)) {
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
		struct span to = http_header(r, "location");
		char *text = span_dup(to);

		type = "redirect";
		http_show_url(&where, text);
		free(text);
		buf_clear(&message);
		buf_addf(&message,
			 "the server redirects to %.300s; redirects are not followed: set --base-url",
			 where.len ? where.data : "nowhere");
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

/* Ends the asking where no other request could fare better: what was paid for is used up, or a key
 * was refused before anything was answered. */
static void give_up(struct api *a, int status)
{
	struct backend_answer *an = &a->answer;
	int quota = strcmp(an->error_type, "quota") == 0;

	if (a->over[0] || !(quota || (status == 401 && !a->answers)))
		return;
	snprintf(a->over, sizeof a->over, "%s", an->error_type);
	a->over_status = an->error_status;
	buf_addf(&a->over_why, "not asked, as before: %.600s", an->error_message.data);
}

static void copy_span(char *to, size_t size, struct span s)
{
	snprintf(to, size, "%.*s", (int)(s.n < size ? s.n : size - 1), s.s ? s.s : "");
}

static void on_done(void *arg, uint64_t ticket, struct http_response *r)
{
	struct api *a = arg;
	struct call *c = (struct call *)(uintptr_t)ticket;
	struct backend_answer *an = &a->answer;
	double now = progress_clock(), wall = (double)time(NULL), cost, pause;
	int again;

	list_remove(&a->running, c);
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
	give_up(a, r->failure == HTTP_DONE ? r->status : 0);
	a->answers += !an->error_type[0];

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
	if (an->error_type[0])
		again_or_fail(a, c, again, retry_after(r, wall));
	else
		deliver(a, c, an);
}

static void on_data(void *arg, const char *p, size_t n)
{
	struct call *c = arg;

	dialect_stream_add(c->api->chat.dialect, &c->stream, p, n, progress_clock());
}

/* --- starting --- */

static int start(struct api *a, struct call *c, double now, struct err *e)
{
	struct http_request q = {.method = "POST", .body = buf_span(&c->body)};
	double left;

	if (c->begun <= 0)
		c->begun = now;
	left = c->begun + a->o->deadline - now;
	buf_clear(&a->url);
	dialect_url(a->chat.dialect, a->o->base_url, c->model, a->o->api_version, &a->url);
	q.url = a->url.data;
	q.headers = a->o->headers;
	q.secret = a->secret.len ? a->secret.data : NULL;
	q.timeout = fmin(a->o->timeout, left);
	if (a->chat.stream) {
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
	list_append(&a->running, c);
	return 0;
}

static void fail_unasked(struct api *a, struct call *c, const char *type, int status,
			 const char *why)
{
	backend_answer_clear(&a->answer);
	backend_answer_fail(&a->answer, type, status, "%s", why);
	deliver(a, c, &a->answer);
}

static void fail_all_unasked(struct api *a, const char *type, int status, const char *why)
{
	struct call *c;

	while ((c = a->queued.first)) {
		list_remove(&a->queued, c);
		fail_unasked(a, c, type, status, why);
	}
	while ((c = a->waiting.first)) {
		wait_over(a, c);
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
	       worst;
	enum purse_turn turn;

	if (w > 0) {
		*wait = fmin(*wait, w);
		return TURN_LATER;
	}
	if (isnan(a->o->max_cost))
		return TURN_GO;
	worst = purse_worst(&a->purse, c->asked, most_input(c), most_output(a, c->asked));
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
		call_free(c);
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
			wait_over(a, c);
			backend_answer_clear(&a->answer);
			out_of_time(a, c, NAN);
			continue;
		}
		*wait = fmin(*wait, (c->ready > now ? c->ready : end) - now);
		if (c->ready <= now && a->running.n < (size_t)window_size(&a->window))
			turn = ask_turn(a, c, now, wait);
		if (turn == TURN_LATER)
			continue;
		wait_over(a, c);
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
		list_remove(&a->queued, c);
		fail_unasked(a, c, "deadline", 429, why);
	}
	if (launch_again(a, now, wait, e))
		return -1;
	while ((c = a->queued.first) && room(a)) {
		turn = ask_turn(a, c, now, wait);
		if (turn == TURN_LATER)
			break;
		list_remove(&a->queued, c);
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

	return dialect_body(&a->chat, q, body, e);
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
	if (a->tokens.rate > 0)
		c->tokens = (double)body.n / 4 + (a->o->params->max_tokens
							  ? (double)a->o->params->max_tokens
							  : GUESS_OUTPUT);
	list_append(&a->queued, c);
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

	a->done = done;
	a->arg = arg;
	if (launch(a, &wait, e))
		return -1;
	/* What was refused unasked makes room for others at once. */
	if (a->delivered > before)
		wait = 0;
	if (http_run(a->http, wait, on_done, a, e) < 0)
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
	http_cancel(a->http, on_done, a);
}

static void api_free(void *self)
{
	struct api *a = self;
	struct list *all[] = {&a->queued, &a->waiting, &a->running};
	struct call *c;

	http_free(a->http);
	for (int i = 0; i < 3; i++)
		while ((c = all[i]->first)) {
			list_remove(all[i], c);
			call_free(c);
		}
	buf_release(&a->url);
	buf_release(&a->over_why);
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
	if (isnan(most_output(a, a->o->model)))
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
	if (o->prices && !prices_known(o->prices, asked))
		snprintf(a->warning, sizeof a->warning,
			 "the price of %.128s is not in the prices file: its cost will be null",
			 asked);
	free(asked);
	*b = (struct backend){a,
			      o->model,
			      0,
			      api_wants,
			      api_build,
			      api_identity,
			      api_submit,
			      api_run,
			      api_cancel,
			      api_free,
			      a->warning[0] ? a->warning : NULL};
	return 0;
}

/* serve_call: a call from its body to its record: which route and target, who stands in where one fails
 * before the first byte, and what is written down about it, before the client is given the end. */
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../base/progress.h"
#include "../text/hash.h"
#include "serve_impl.h"

#define ENDED "the server ended"

static const struct serve_owner call_owner;

struct serve_call *serve_call_new(struct serve *s, const char *url)
{
	struct serve_call *c = mem_alloc(1, sizeof *c);

	c->s = s;
	c->plan = serve_plan_ref(s->plan);
	c->url = mem_strdup(url);
	c->length = -1;
	c->began = progress_clock();
	clock_gettime(CLOCK_REALTIME, &c->time);
	capture_id(c->id, &c->time);
	c->next = s->calls;
	if (s->calls)
		s->calls->prev = c;
	s->calls = c;
	s->n_calls++;
	return c;
}

static void count_held(struct serve_call *c)
{
	serve_hold(c->s, &c->held,
		   c->body.cap + c->out.cap + c->headers.cap +
			   (c->ask ? capture_answer_held(&c->ask->answer) : 0));
}

static void call_free(struct serve_call *c)
{
	struct serve *s = c->s;

	if (c->prev)
		c->prev->next = c->next;
	else
		s->calls = c->next;
	if (c->next)
		c->next->prev = c->prev;
	s->n_calls--;
	serve_hold(s, &c->held, 0);
	secrets_release(&c->secrets);
	if (c->headers.data)
		explicit_bzero(c->headers.data, c->headers.len);
	free(c->method);
	free(c->url);
	free(c->key_header);
	free(c->order);
	buf_release(&c->headers);
	buf_release(&c->body);
	buf_release(&c->session);
	buf_release(&c->head);
	buf_release(&c->out);
	capture_request_release(&c->request);
	serve_plan_drop(s, c->plan);
	free(c);
}

struct span serve_call_header(const struct serve_call *c, const char *name)
{
	return serve_line(buf_span(&c->headers), name);
}

void serve_call_resume(struct serve_call *c)
{
	if (!c->suspended || !c->connection)
		return;
	c->suspended = 0;
	MHD_resume_connection(c->connection);
	c->s->mhd_due = 1;
}

/* --- answers made here --- */

void serve_call_answer(struct serve_call *c, int status, const char *type, struct buf *body)
{
	c->status = status;
	buf_clear(&c->head);
	buf_addf(&c->head, "Content-Type: %s\n", type);
	c->length = (long long)body->len;
	buf_release(&c->out);
	c->out = *body;
	c->out_at = 0;
	memset(body, 0, sizeof *body);
	c->out_ended = 1;
	c->state = SERVE_ANSWERING;
	count_held(c);
	serve_call_resume(c);
}

void serve_call_refuse(struct serve_call *c, int status, const char *type, const char *code,
		       const char *fmt, ...)
{
	struct buf body = BUF_INIT;
	char message[600];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof message, fmt, ap);
	va_end(ap);
	serve_error_body(capture_kind(c->method ? c->method : "", c->url), status, type, code,
			 message, &body);
	serve_call_answer(c, status, "application/json", &body);
	if (status == 503)
		buf_adds(&c->head, "Retry-After: 1\n");
}

/* --- the record --- */

int serve_call_leaves_record(const struct serve_call *c)
{
	if (!c->route || c->no_log || c->request.kept_out)
		return 0;
	/* By the id, so that a call and its shadow agree. */
	return hash_unit(hash64(span_of(c->id), 3)) < c->route->log;
}

/* a: NULL where nobody was asked. Once a call. */
static void record(struct serve_call *c, struct serve_ask *a, const char *error_type,
		   const char *error)
{
	struct serve *s = c->s;
	struct capture_answer none = {0};
	struct capture_sums sums = {NAN, NAN, NAN, 0};
	struct meter_row *row;
	struct buf lines = BUF_INIT;
	struct span request_id;
	double now = progress_clock(), first = a ? capture_answer_first(&a->answer) : 0;
	struct capture_call how = {.id = c->id, .time = c->time, .client = c->client_name};
	char id[160];

	if (c->recorded || !c->route)
		return;
	c->recorded = 1;
	how.route = c->route->name;
	how.target = a ? a->target->name : NULL;
	how.fallback = c->fallback;
	how.session = buf_span(&c->session);
	how.latency = now - c->began;
	/* A whole answer has no first piece. */
	how.ttft = first > 0 ? first - c->began : NAN;
	how.status = a ? a->status : 0;
	how.error_type = error_type;
	how.error = error;
	how.secrets = &c->secrets;
	if (!c->plan->routes->any_name)
		how.routes_hash = c->plan->routes->hash;
	/* An API knows best what it is called; of routes and local models we know. */
	if (!c->plan->routes->any_name || (a && !a->target->url))
		how.model = how.target;
	if (a) {
		request_id = serve_line(buf_span(&a->head), "x-request-id");
		if (!request_id.s)
			request_id = serve_line(buf_span(&a->head), "request-id");
		if (request_id.s) {
			snprintf(id, sizeof id, "%.*s", (int)request_id.n, request_id.s);
			how.request_id = id;
		}
		if (a->encoded && !error_type) {
			how.error_type = "encoded";
			how.error = "the answer is compressed, which was not asked for";
		}
	}
	row = meter_row(&s->meter, c->route->name, a ? a->target->name : "");
	row->calls[a && a->status ? a->status / 100 % 6 : 0]++;
	if (c->request.kind != CAPTURE_NONE) {
		capture_write(&c->request, &how, a ? &a->answer : &none, s->o->prices,
			      c->route->redact, &lines, &sums);
		meter_time(&row->latency, how.latency);
		meter_time(&row->ttft, how.ttft);
		row->prompt_tokens += sums.prompt_tokens > 0 ? sums.prompt_tokens : 0;
		row->completion_tokens += sums.completion_tokens > 0 ? sums.completion_tokens : 0;
		row->cost += sums.cost > 0 ? sums.cost : 0;
		if (serve_call_leaves_record(c))
			serve_log(s, buf_span(&lines));
		else
			s->meter.count[METER_KEPT_OUT]++;
	}
	buf_release(&lines);
}

/* --- asking --- */

static int more_to_ask(const struct serve_call *c)
{
	double now = progress_clock();

	for (size_t i = c->at + 1; i < c->n_order; i++)
		if (serve_spot_open(c->plan->spots[c->order[i]], now))
			return 1;
	return 0;
}

static void pass_over(struct serve_call *c)
{
	const char *name = c->plan->routes->targets[c->order[c->at]].name;

	meter_row(&c->s->meter, c->route->name, name)->fallback++;
	if (!c->fallback)
		c->fallback = name;
	c->at++;
}

static void no_answer(struct serve_call *c, struct serve_ask *a, int status, const char *type,
		      const char *why)
{
	record(c, a, type, why);
	serve_call_refuse(c, status, "upstream_error", type, "%s: %s",
			  c->plan->routes->targets[c->order[c->at]].name, why);
}

static void ask_next(struct serve_call *c)
{
	struct serve_question q = {.method = c->method,
				   .url = c->url,
				   .headers = buf_span(&c->headers),
				   .body = buf_span(&c->body),
				   .request = &c->request,
				   .key_header = c->key_header};

	for (;; pass_over(c)) {
		size_t t = c->order[c->at];
		struct serve_spot *spot = c->plan->spots[t];

		if (!serve_spot_open(spot, progress_clock()) && more_to_ask(c))
			continue;
		if (spot->broken.msg[0]) {
			no_answer(c, NULL, 503, "not_loaded", "the model could not be loaded");
			return;
		}
		c->state = SERVE_ASKING;
		if (c->plan->routes->targets[t].key)
			secrets_add(&c->secrets, span_of(c->plan->routes->targets[t].key));
		c->ask = serve_ask_start(c->s, &q, &c->plan->routes->targets[t], spot, &call_owner,
					 c);
		if (c->ask)
			return;
		if (!more_to_ask(c)) {
			no_answer(c, NULL, 502, "no_connect", "the request could not be begun");
			return;
		}
	}
}

static int on_head(void *arg, struct serve_ask *a)
{
	struct serve_call *c = arg;

	if ((a->status == 429 || a->status >= 500) && more_to_ask(c))
		return 1;
	c->unfit = !serve_front_fits(c, buf_span(&a->head));
	if (c->unfit)
		return 1;
	c->status = a->status;
	c->length = a->length;
	buf_clear(&c->head);
	buf_addspan(&c->head, buf_span(&a->head));
	c->state = SERVE_ANSWERING;
	serve_call_resume(c);
	return 0;
}

static int on_data(void *arg, struct serve_ask *a, const char *p, size_t n)
{
	struct serve_call *c = arg;

	/* Whoever sees the end of an answer finds it in the log. */
	if (!c->recorded && (capture_answer_done(&a->answer) ||
			     (a->length >= 0 && a->received >= (unsigned long long)a->length)))
		record(c, a, NULL, NULL);
	buf_add(&c->out, p, n);
	count_held(c);
	serve_call_resume(c);
	return c->out.len - c->out_at > SERVE_OUT_HIGH;
}

static void on_end(void *arg, struct serve_ask *a, enum serve_end how)
{
	static const struct {
		const char *type, *why;
		int status;
	} ends[] = {
		[SERVE_DONE] = {"", "", 200},
		[SERVE_ABANDONED] = {"http", "no answer", 502},
		[SERVE_NO_CONNECT] = {"no_connect", "cannot be reached", 502},
		[SERVE_TIMEOUT] = {"timeout", "does not answer in time", 504},
		[SERVE_DROPPED] = {"dropped", "broke off", 502},
		[SERVE_BROKEN] = {"broken", "does not speak HTTP as it should", 502},
	};
	struct serve_call *c = arg;
	char why[CURL_ERROR_SIZE + 64];

	if (c->unfit)
		snprintf(a->reason, sizeof a->reason,
			 "its headers are larger than can be passed on (--header-max)");
	snprintf(why, sizeof why, "%s%s%s", ends[how].why, a->reason[0] ? ": " : "", a->reason);
	c->ask = NULL;
	c->unfit = 0;
	if (c->state == SERVE_ASKING) {
		if (more_to_ask(c)) {
			serve_ask_free(a);
			pass_over(c);
			ask_next(c);
			return;
		}
		no_answer(c, a, ends[how].status, ends[how].type, why);
		serve_ask_free(a);
		return;
	}
	if (how == SERVE_DONE) {
		record(c, a, NULL, NULL);
	} else {
		record(c, a, ends[how].type, why);
		if (a->events)
			serve_error_event(c->request.kind, ends[how].type, why, &c->out);
		else
			c->out_broken = 1;
	}
	c->out_ended = 1;
	if (how == SERVE_DONE && a->status < 400)
		serve_shadow_call(c);
	serve_ask_free(a);
	count_held(c);
	serve_call_resume(c);
}

static const struct serve_owner call_owner = {on_head, on_data, on_end};

/* --- the beginning --- */

static void find_session(struct serve_call *c)
{
	struct buf scratch = BUF_INIT;
	struct span v = {0};

	if (c->route->sticky_header) {
		buf_addspan(&c->session, serve_call_header(c, c->route->sticky_header));
	} else if (c->route->sticky_path && c->request.is_json) {
		v = path_get(c->route->sticky_path, &c->request.record, &scratch);
		if (json_kind(v) > JSON_NULL && json_string(v, &c->session))
			buf_addspan(&c->session, v);
	}
	buf_release(&scratch);
}

static void add_order(struct serve_call *c, size_t target)
{
	for (size_t i = 0; i < c->n_order; i++)
		if (c->order[i] == target)
			return;
	c->order[c->n_order++] = target;
}

/* What is no chat has no conversation, and can be answered elsewhere only. */
static int order_others(struct serve_call *c)
{
	const struct routes *r = c->plan->routes;

	for (size_t i = 0; i < c->route->targets.n; i++)
		if (r->targets[c->route->targets.v[i].target].url &&
		    c->route->targets.v[i].share > 0) {
			add_order(c, c->route->targets.v[i].target);
			return 0;
		}
	return -1;
}

static void order_targets(struct serve_call *c)
{
	struct span sticky = buf_span(&c->session);
	char key[33];

	if (!sticky.n) {
		if (capture_request_key(&c->request, key))
			snprintf(key, sizeof key, "%s", c->id);
		sticky = span_of(key);
	}
	add_order(c, c->route->targets.v[routes_choose(c->plan->routes, c->route, sticky)].target);
	for (size_t i = 0; i < c->route->fallback.n; i++)
		add_order(c, c->route->fallback.v[i].target);
}

static void refuse_model(struct serve_call *c)
{
	const struct routes *r = c->plan->routes;
	struct buf names = BUF_INIT;

	for (size_t i = 0; i < r->n && i < 20; i++)
		buf_addf(&names, "%s%s", i ? ", " : "", r->routes[i].name);
	c->s->meter.count[METER_UNKNOWN_MODEL]++;
	serve_call_refuse(c, 404, "invalid_request_error", "model_not_found",
			  "there is no route \"%.100s\" here; there are: %s",
			  c->request.model.data ? c->request.model.data : "", names.data);
	buf_release(&names);
}

static const struct route *any_route(const struct routes *r)
{
	return r->fallback_route >= 0 ? &r->routes[r->fallback_route] : r->routes;
}

void serve_call_begin(struct serve_call *c)
{
	const struct routes *r = c->plan->routes;
	enum capture_kind kind = capture_kind(c->method, c->url);
	struct span wish = serve_call_header(c, "x-ft-log");

	c->body_over = 1;
	count_held(c);
	if (serve_page(c))
		return;
	if (kind != CAPTURE_NONE || (!r->any_name && c->body.len))
		capture_request_read(&c->request, kind, buf_span(&c->body));
	c->no_log = span_is(wish, "no") || span_is(wish, "false") || span_is(wish, "0");
	if (kind != CAPTURE_NONE && !c->request.is_json && (!r->any_name || !r->targets->url)) {
		serve_call_refuse(c, 400, "invalid_request_error", "invalid_json",
				  "the body is no JSON object: %s", c->request.why.msg);
		return;
	}
	c->route =
		routes_find(r, c->request.model.data ? buf_span(&c->request.model) : span_of(""));
	if (!c->route && kind == CAPTURE_NONE)
		c->route = any_route(r);
	if (!c->route) {
		refuse_model(c);
		return;
	}
	if (!serve_log_works(c->s)) {
		c->route = NULL;
		serve_call_refuse(c, 503, "server_error", "log_failing",
				  "records cannot be written, and without them no call is answered (--log-must)");
		return;
	}
	c->order = mem_alloc(1 + c->route->fallback.n, sizeof *c->order);
	if (kind == CAPTURE_NONE && order_others(c)) {
		c->route = NULL;
		serve_call_refuse(c, 404, "invalid_request_error", "unknown_path",
				  "%s %.200s is nothing that is answered here", c->method, c->url);
		return;
	}
	if (kind != CAPTURE_NONE) {
		find_session(c);
		order_targets(c);
	}
	ask_next(c);
}

/* --- the end --- */

/* What was answered in whole is no worse for how the connections end: many clients hang up at the last
 * event. */
static void give_up(struct serve_call *c, const char *type, const char *why)
{
	struct serve_ask *a = c->ask;

	if (!a)
		return;
	c->ask = NULL;
	if (!c->recorded) {
		c->s->meter.count[METER_GONE] += strcmp(type, "client_gone") == 0;
		record(c, a, type, why);
	} else if (a->status < 400) {
		serve_shadow_call(c);
	}
	serve_ask_cancel(a);
}

void serve_call_gone(struct serve_call *c)
{
	if (c->state == SERVE_OVER)
		return;
	give_up(c, "client_gone", "the client went away");
	c->state = SERVE_OVER;
	c->out_broken = 1;
	serve_call_resume(c);
}

void serve_call_dismiss(struct serve_call *c)
{
	enum serve_state state = c->state;
	int events = c->ask && c->ask->events;

	give_up(c, "interrupted", ENDED);
	if (state == SERVE_ASKING) {
		serve_call_refuse(c, 503, "server_error", "ending", ENDED);
	} else if (state == SERVE_ANSWERING && !c->out_ended && events) {
		serve_error_event(c->request.kind, "interrupted", ENDED, &c->out);
		c->out_ended = 1;
		serve_call_resume(c);
	} else if (state != SERVE_ANSWERING || !c->out_ended) {
		serve_call_interrupt(c);
	}
}

void serve_call_interrupt(struct serve_call *c)
{
	give_up(c, "interrupted", ENDED);
	c->state = SERVE_OVER;
	c->out_broken = 1;
	serve_call_resume(c);
}

void serve_call_end(struct serve_call *c)
{
	c->connection = NULL;
	c->suspended = 0;
	if (c->client && c->client->call == c)
		c->client->call = NULL;
	give_up(c, "client_gone", "the client went away");
	call_free(c);
}

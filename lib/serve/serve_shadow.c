/* serve_shadow: candidates that are asked the same beside, once the client has its answer. They wait in a
 * queue with an end, each call with a deadline; what finds no place or misses it is counted, and nothing
 * of it ever reaches a client. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../base/progress.h"
#include "../text/hash.h"
#include "serve_impl.h"

/* One call for all its candidates: what was asked. */
struct asked {
	int refs;
	struct serve_plan *plan;
	const struct route *route;
	struct capture_request request;
	struct buf body, headers, session;
	char *method, *url, *key_header;
	char id[27];
	struct timespec time;
	const char *client_name;
	struct secrets secrets;
	const struct routes_target *main; /* who answered the client */
	size_t held;
};

struct serve_shadow {
	struct serve_shadow *next, *prev;
	struct serve *s;
	struct asked *asked;
	size_t target; /* of the plan */
	double due;
	double began;
	struct serve_ask *ask;
	struct buf clean; /* the body as another host may see it */
};

static void asked_drop(struct serve *s, struct asked *a)
{
	if (--a->refs)
		return;
	serve_hold(s, &a->held, 0);
	secrets_release(&a->secrets);
	if (a->headers.data)
		explicit_bzero(a->headers.data, a->headers.len);
	capture_request_release(&a->request);
	buf_release(&a->body);
	buf_release(&a->headers);
	buf_release(&a->session);
	free(a->method);
	free(a->url);
	free(a->key_header);
	serve_plan_drop(s, a->plan);
	free(a);
}

static struct meter_row *row_of(const struct serve_shadow *w)
{
	return meter_row(&w->s->meter, w->asked->route->name,
			 w->asked->plan->routes->targets[w->target].name);
}

/* Takes the buffers over: the call needs them no more. */
static struct asked *take_over(struct serve_call *c)
{
	struct asked *a = mem_alloc(1, sizeof *a);

	a->plan = serve_plan_ref(c->plan);
	a->route = c->route;
	a->main = &c->plan->routes->targets[c->order[c->at]];
	a->request = c->request;
	a->body = c->body;
	a->headers = c->headers;
	a->session = c->session;
	a->method = mem_strdup(c->method);
	a->url = mem_strdup(c->url);
	a->key_header = c->key_header ? mem_strdup(c->key_header) : NULL;
	a->client_name = c->client_name;
	a->time = c->time;
	memcpy(a->id, c->id, sizeof a->id);
	a->secrets = c->secrets;
	memset(&c->secrets, 0, sizeof c->secrets);
	memset(&c->request, 0, sizeof c->request);
	memset(&c->body, 0, sizeof c->body);
	memset(&c->headers, 0, sizeof c->headers);
	memset(&c->session, 0, sizeof c->session);
	/* The answer's head still asks what it is. */
	c->request.kind = a->request.kind;
	serve_hold(c->s, &a->held, a->body.cap + a->headers.cap);
	return a;
}

static void enqueue(struct serve *s, struct asked *a, size_t target)
{
	struct serve_shadow *w = mem_alloc(1, sizeof *w);

	w->s = s;
	w->asked = a;
	a->refs++;
	w->target = target;
	w->began = progress_clock();
	w->due = w->began + s->o->shadow_deadline;
	w->prev = s->shadow_last;
	if (s->shadow_last)
		s->shadow_last->next = w;
	else
		s->shadow_first = w;
	s->shadow_last = w;
	s->n_waiting++;
}

void serve_shadow_call(struct serve_call *c)
{
	struct serve *s = c->s;
	const struct route *route = c->route;
	struct asked *a = NULL;

	if (c->no_log || c->request.kept_out || c->request.kind == CAPTURE_NONE ||
	    !c->request.is_json)
		return;
	/* A call that is not written down has nothing to be compared with. */
	if (hash_unit(hash64(span_of(c->id), 3)) >= route->log)
		return;
	for (size_t i = 0; i < route->shadow.n; i++) {
		const struct routes_pick *p = &route->shadow.v[i];
		const char *name = c->plan->routes->targets[p->target].name;

		if (p->target == c->order[c->at] ||
		    !routes_shadows(c->plan->routes, p, span_of(c->id)))
			continue;
		if (s->n_waiting >= s->o->shadow_queue ||
		    s->held + c->body.cap > s->o->memory_max / 2) {
			meter_row(&s->meter, route->name, name)->shadow_dropped++;
			continue;
		}
		if (!a)
			a = take_over(c);
		enqueue(s, a, p->target);
	}
}

static void take_out(struct serve_shadow *w, struct serve_shadow **first,
		     struct serve_shadow **last)
{
	if (w->prev)
		w->prev->next = w->next;
	else
		*first = w->next;
	if (w->next)
		w->next->prev = w->prev;
	else if (last)
		*last = w->prev;
	w->next = w->prev = NULL;
}

static void shadow_free(struct serve_shadow *w)
{
	asked_drop(w->s, w->asked);
	buf_release(&w->clean);
	free(w);
}

/* --- its own answer --- */

static int on_head(void *arg, struct serve_ask *a)
{
	(void)arg;
	(void)a;
	return 0;
}

static int on_data(void *arg, struct serve_ask *a, const char *p, size_t n)
{
	(void)arg;
	(void)a;
	(void)p;
	(void)n;
	return 0;
}

static void write_record(struct serve_shadow *w, struct serve_ask *a, const char *error_type,
			 const char *error)
{
	const struct asked *q = w->asked;
	struct capture_answer none = {0};
	struct buf lines = BUF_INIT;
	struct capture_sums sums;
	double now = progress_clock(), first = a ? capture_answer_first(&a->answer) : 0;
	double began = a ? a->began : w->began;
	struct meter_row *row = row_of(w);
	struct capture_call how = {.id = q->id, .time = q->time, .route = q->route->name};

	how.target = how.model = q->plan->routes->targets[w->target].name;
	how.routes_hash = q->plan->routes->hash;
	how.client = q->client_name;
	how.session = buf_span(&q->session);
	how.shadow = 1;
	how.latency = now - began;
	how.ttft = first > 0 ? first - began : NAN;
	how.status = a ? a->status : 0;
	how.error_type = error_type;
	how.error = error;
	how.secrets = &q->secrets;
	capture_write(&q->request, &how, a ? &a->answer : &none, w->s->o->prices, q->route->redact,
		      &lines, &sums);
	row->prompt_tokens += sums.prompt_tokens > 0 ? sums.prompt_tokens : 0;
	row->completion_tokens += sums.completion_tokens > 0 ? sums.completion_tokens : 0;
	row->cost += sums.cost > 0 ? sums.cost : 0;
	if (sums.error)
		row->shadow_failed++;
	else
		row->shadow_answered++;
	serve_log(w->s, buf_span(&lines));
	buf_release(&lines);
}

static void finish(struct serve_shadow *w)
{
	take_out(w, &w->s->shadow_running, NULL);
	w->s->n_running--;
	shadow_free(w);
}

static void on_end(void *arg, struct serve_ask *a, enum serve_end how)
{
	struct serve_shadow *w = arg;
	static const char *const types[] = {
		[SERVE_ABANDONED] = "http",  [SERVE_NO_CONNECT] = "no_connect",
		[SERVE_TIMEOUT] = "timeout", [SERVE_DROPPED] = "dropped",
		[SERVE_BROKEN] = "broken",
	};

	write_record(w, a, how == SERVE_DONE ? NULL : types[how],
		     a->reason[0] ? a->reason : "no whole answer");
	w->ask = NULL;
	serve_ask_free(a);
	finish(w);
}

static const struct serve_owner shadow_owner = {on_head, on_data, on_end};

static int begin(struct serve_shadow *w)
{
	const struct asked *q = w->asked;
	const struct routes_target *t = &q->plan->routes->targets[w->target];
	struct serve_question ask = {.method = q->method,
				     .url = q->url,
				     .headers = buf_span(&q->headers),
				     .body = buf_span(&q->body),
				     .request = &q->request,
				     .key_header = q->key_header};
	struct capture_request clean = {0};
	struct redact_counts counts = {.steps = 0};

	/* Another host sees no more than the log does. */
	if (q->route->redact && t->origin &&
	    (!q->main->origin || strcmp(t->origin, q->main->origin))) {
		redact_json(q->route->redact, q->request.record.body, &w->clean, &counts);
		capture_request_read(&clean, q->request.kind, buf_span(&w->clean));
		ask.body = buf_span(&w->clean);
		ask.request = &clean;
	}
	w->ask = serve_ask_start(w->s, &ask, t, q->plan->spots[w->target], &shadow_owner, w);
	capture_request_release(&clean);
	return w->ask ? 0 : -1;
}

void serve_shadow_run(struct serve *s, double now)
{
	struct serve_shadow *w, *next;

	for (w = s->shadow_running; w; w = next) {
		next = w->next;
		if (now < w->due)
			continue;
		write_record(w, w->ask, "deadline", "no whole answer by the deadline");
		serve_ask_cancel(w->ask);
		finish(w);
	}
	while ((w = s->shadow_first)) {
		const struct serve_spot *spot = w->asked->plan->spots[w->target];
		int late = now >= w->due;

		if (!late && s->n_running >= s->o->shadow_jobs)
			return;
		take_out(w, &s->shadow_first, &s->shadow_last);
		s->n_waiting--;
		if (late || spot->broken.msg[0] ||
		    !serve_spot_open(w->asked->plan->spots[w->target], now)) {
			row_of(w)->shadow_dropped++;
			shadow_free(w);
			continue;
		}
		w->next = s->shadow_running;
		if (s->shadow_running)
			s->shadow_running->prev = w;
		s->shadow_running = w;
		s->n_running++;
		if (begin(w)) {
			row_of(w)->shadow_dropped++;
			finish(w);
		}
	}
}

void serve_shadow_close(struct serve *s)
{
	while (s->shadow_running) {
		struct serve_shadow *w = s->shadow_running;

		row_of(w)->shadow_dropped++;
		serve_ask_cancel(w->ask);
		finish(w);
	}
	while (s->shadow_first) {
		struct serve_shadow *w = s->shadow_first;

		row_of(w)->shadow_dropped++;
		take_out(w, &s->shadow_first, &s->shadow_last);
		s->n_waiting--;
		shadow_free(w);
	}
}

/* serve_pages: what is answered here: whether all is well, figures, the names of routes, and what
 * people say of answers. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../base/progress.h"
#include "serve_impl.h"

static int path_is(const struct serve_call *c, const char *path)
{
	size_t n = strcspn(c->url, "?#");

	return n == strlen(path) && memcmp(c->url, path, n) == 0;
}

static void health(struct serve_call *c)
{
	struct serve *s = c->s;
	struct buf b = BUF_INIT;
	struct jw w;
	int well = !s->draining && !(s->log_failing && s->o->log_must);

	jw_init(&w, &b);
	jw_object(&w);
	jw_put_str(&w, "status", well ? "ok" : s->draining ? "ending" : "log failing");
	jw_put_str(&w, "routes_hash", s->plan->routes->hash);
	jw_put_int(&w, "in_flight", (int64_t)s->n_asks);
	jw_put_array(&w, "targets");
	for (size_t i = 0; i < s->plan->routes->n_targets; i++) {
		const struct serve_spot *p = s->plan->spots[i];

		jw_object(&w);
		jw_put_str(&w, "name", p->name);
		jw_put_str(&w, "state",
			   p->broken.msg[0]				       ? "not loaded"
			   : p->failures && p->closed_until > progress_clock() ? "left alone"
									       : "ok");
		jw_end(&w);
	}
	jw_end(&w);
	jw_end(&w);
	buf_addc(&b, '\n');
	serve_call_answer(c, well ? 200 : 503, "application/json", &b);
}

static void metrics(struct serve_call *c)
{
	struct serve *s = c->s;
	struct buf b = BUF_INIT;

	meter_text(&s->meter, &b);
	meter_gauge(&b, "in_flight", "Requests that targets are busy with", NULL, NULL,
		    (double)s->n_asks);
	meter_gauge(&b, "in_flight_bytes", "Bytes held for calls", NULL, NULL, (double)s->held);
	meter_gauge(&b, "shadows_waiting", "Shadow calls that wait", NULL, NULL,
		    (double)s->n_waiting);
	meter_gauge(&b, "up_seconds", "Since the start", NULL, NULL, progress_clock() - s->started);
	for (size_t i = 0; i < s->plan->routes->n_targets; i++)
		meter_gauge(&b, "target_up", i ? NULL : "Whether calls are sent to the target",
			    "target", s->plan->spots[i]->name,
			    serve_spot_open(s->plan->spots[i], progress_clock()));
	serve_call_answer(c, 200, "text/plain; version=0.0.4; charset=utf-8", &b);
}

static void put_model(struct jw *w, const char *name)
{
	jw_object(w);
	jw_put_str(w, "id", name);
	jw_put_str(w, "object", "model");
	jw_put_int(w, "created", 0);
	jw_put_str(w, "owned_by", "ft-serve");
	jw_end(w);
}

/* The names of routes: the list, or one of them. */
static void models(struct serve_call *c, struct span name)
{
	const struct routes *r = c->plan->routes;
	const char *single = r->any_name ? r->targets->name : NULL;
	struct buf b = BUF_INIT;
	struct jw w;

	jw_init(&w, &b);
	if (name.s) {
		for (size_t i = 0; i < r->n; i++) {
			const char *known = single ? single : r->routes[i].name;

			if (!span_is(name, known))
				continue;
			put_model(&w, known);
			serve_call_answer(c, 200, "application/json", &b);
			return;
		}
		serve_call_refuse(c, 404, "invalid_request_error", "model_not_found",
				  "there is no route \"%.*s\" here",
				  (int)(name.n < 100 ? name.n : 100), name.s);
		return;
	}
	jw_object(&w);
	jw_put_str(&w, "object", "list");
	jw_put_array(&w, "data");
	for (size_t i = 0; i < r->n; i++)
		put_model(&w, single ? single : r->routes[i].name);
	jw_end(&w);
	jw_end(&w);
	serve_call_answer(c, 200, "application/json", &b);
}

/* The reason why it is no feedback, or NULL. */
static const char *check_feedback(const struct record *r)
{
	static const char *const names[] = {"record", "value", "comment", "ideal"};
	struct span id = record_get(r, "record"), value = record_get(r, "value"),
		    comment = record_get(r, "comment"), ideal = record_get(r, "ideal");
	enum json_kind kind = json_kind(value);

	for (size_t i = 0; i < r->n; i++) {
		int known = 0;

		for (size_t k = 0; k < sizeof names / sizeof *names; k++)
			known |= span_is(r->members[i].key, names[k]);
		if (!known)
			return "members are record, value, comment and ideal";
	}
	if (json_kind(id) != JSON_STRING || id.n < 3 || id.n > 300)
		return "record must be what the header x-ft-record said";
	if (kind != JSON_NONE && kind != JSON_TRUE && kind != JSON_FALSE && kind != JSON_NUMBER)
		return "value must be true, false or a number";
	if (json_kind(comment) != JSON_NONE && json_kind(comment) != JSON_STRING)
		return "comment must be a string";
	if (json_kind(ideal) != JSON_NONE && json_kind(ideal) != JSON_STRING &&
	    json_kind(ideal) != JSON_ARRAY)
		return "ideal must be a string or a list of them";
	if (json_kind(ideal) == JSON_ARRAY) {
		struct json_iter it = {0};
		struct span key, v;

		while (json_next(&it, ideal, &key, &v))
			if (json_kind(v) != JSON_STRING)
				return "ideal must be a string or a list of them";
	}
	if (kind == JSON_NONE && json_kind(comment) == JSON_NONE && json_kind(ideal) == JSON_NONE)
		return "there is neither a value nor a comment nor an ideal";
	return NULL;
}

static void write_feedback(struct serve_call *c, const struct record *r)
{
	static const char *const names[] = {"value", "comment"};
	const struct routes *routes = c->plan->routes;
	struct buf line = BUF_INIT, clean = BUF_INIT;
	struct redact_counts counts = {.steps = 0};
	struct span v;
	char time[32];
	struct jw w;

	capture_time(time, &c->time);
	jw_init(&w, &line);
	jw_object(&w);
	jw_put_raw(&w, "id", record_get(r, "record"));
	jw_put_str(&w, "time", time);
	if (c->client_name)
		jw_put_str(&w, "client", c->client_name);
	jw_put_object(&w, "feedback");
	for (size_t i = 0; i < 2; i++)
		if (json_kind(record_get(r, names[i])) != JSON_NONE)
			jw_put_raw(&w, names[i], record_get(r, names[i]));
	jw_end(&w);
	if (json_kind(record_get(r, "ideal")) != JSON_NONE)
		jw_put_raw(&w, "ideal", record_get(r, "ideal"));
	jw_end(&w);
	/* Which route the call took is not known any more: what any of them takes out goes. */
	for (size_t i = 0; i < routes->n; i++) {
		if (!routes->routes[i].redact || json_check(buf_span(&line), &v, NULL))
			continue;
		buf_clear(&clean);
		redact_json(routes->routes[i].redact, v, &clean, &counts);
		buf_clear(&line);
		buf_addspan(&line, buf_span(&clean));
	}
	buf_addc(&line, '\n');
	serve_log(c->s, buf_span(&line));
	buf_release(&line);
	buf_release(&clean);
}

static void feedback(struct serve_call *c)
{
	struct record r = {0};
	struct err e = ERR_INIT;
	struct buf b = BUF_INIT;
	const char *why;

	if (record_parse(&r, buf_span(&c->body), &e)) {
		serve_call_refuse(c, 400, "invalid_request_error", "invalid_json",
				  "the body is no JSON object: %s", e.msg);
	} else if ((why = check_feedback(&r))) {
		serve_call_refuse(c, 400, "invalid_request_error", "invalid_feedback", "%s", why);
	} else {
		write_feedback(c, &r);
		c->s->meter.count[METER_FEEDBACK]++;
		buf_adds(&b, "{\"ok\":true}");
		serve_call_answer(c, 200, "application/json", &b);
	}
	record_release(&r);
}

int serve_page(struct serve_call *c)
{
	int get = strcmp(c->method, "GET") == 0 || strcmp(c->method, "HEAD") == 0;
	/* An API's own list of models is passed on. */
	int own_models = !c->plan->routes->any_name || !c->plan->routes->targets->url;
	static const char prefix[] = "/v1/models/";

	if (get && path_is(c, "/health")) {
		health(c);
	} else if (get && path_is(c, "/metrics")) {
		metrics(c);
	} else if (get && own_models && path_is(c, "/v1/models")) {
		models(c, (struct span){0});
	} else if (get && own_models && strncmp(c->url, prefix, strlen(prefix)) == 0) {
		models(c, (struct span){c->url + strlen(prefix),
					strcspn(c->url + strlen(prefix), "?#")});
	} else if (strcmp(c->method, "POST") == 0 && path_is(c, "/v1/feedback")) {
		feedback(c);
	} else {
		return 0;
	}
	return 1;
}

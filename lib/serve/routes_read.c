/* routes_read: the routes file read and checked. Targets are kept once in the whole file, by their names:
 * two routes that name the same target share it, its breaker and its model in memory. */
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../text/hash.h"
#include "routes_impl.h"

#define TARGET_MEMBERS "name", "model", "url", "adapter", "quantize", "key", "timeout", "prune"

static int read_targets(const struct routes_reading *g, const char *where, struct span list,
			struct route *t)
{
	static const char *const names[] = {TARGET_MEMBERS, "weight", NULL};
	struct json_iter it = {0};
	struct span key, v;
	char at[200];
	double sum = 0;

	if (json_kind(list) != JSON_ARRAY || !json_count(list))
		return routes_fail(g, where, "targets: must be a list with a target or more");
	for (size_t i = 0; json_next(&it, list, &key, &v); i++) {
		double weight = 1;
		size_t place;

		snprintf(at, sizeof at, "%s.targets[%zu]", where, i);
		if (routes_only(g, at, v, names) ||
		    routes_number(g, at, v, "weight", 1e9, &weight) ||
		    routes_target_read(g, at, v, 1, &place) ||
		    routes_pick_add(g, at, &t->targets, place, weight))
			return -1;
		sum += weight;
	}
	if (!(sum > 0))
		return routes_fail(g, where, "targets: all weights are 0: nobody would answer");
	return 0;
}

static int read_shadows(const struct routes_reading *g, const char *where, struct span list,
			struct route *t)
{
	static const char *const names[] = {TARGET_MEMBERS, "share", NULL};
	struct json_iter it = {0};
	struct span key, v;
	char at[200];

	if (json_kind(list) == JSON_NONE)
		return 0;
	if (json_kind(list) != JSON_ARRAY)
		return routes_fail(g, where, "shadow: must be a list of targets");
	for (size_t i = 0; json_next(&it, list, &key, &v); i++) {
		double share = 1;
		size_t place;

		snprintf(at, sizeof at, "%s.shadow[%zu]", where, i);
		if (routes_only(g, at, v, names) || routes_number(g, at, v, "share", 1, &share) ||
		    routes_target_read(g, at, v, 0, &place) ||
		    routes_pick_add(g, at, &t->shadow, place, share))
			return -1;
	}
	return 0;
}

static int set_sticky(struct route *t, const char *text, struct err *e)
{
	if (strncmp(text, "header:", 7) == 0 && text[7]) {
		t->sticky_header = mem_strdup(text + 7);
		return 0;
	}
	t->sticky_path = path_compile(text, e);
	return t->sticky_path ? 0 : -1;
}

static int read_sticky(const struct routes_reading *g, const char *where, struct span v,
		       struct route *t)
{
	struct buf text = BUF_INIT;
	struct err why = ERR_INIT;
	int rc = 0;

	if (json_kind(v) == JSON_NONE)
		return 0;
	if (json_kind(v) != JSON_STRING || json_string(v, &text) || !text.len)
		rc = routes_fail(g, where,
				 "sticky: must be a member of requests (metadata.user) or header:NAME");
	else if (set_sticky(t, text.data, &why))
		rc = err_set(g->e, "%s: %s: sticky: %s", g->path, where, why.msg);
	buf_release(&text);
	return rc;
}

static int read_route(const struct routes_reading *g, struct span name, struct span v)
{
	static const char *const names[] = {"targets", "fallback", "shadow", "sticky",
					    "redact",  "log",	   NULL};
	struct routes *r = g->routes;
	struct span redact = json_member(v, "redact");
	struct err why = ERR_INIT;
	struct buf decoded = BUF_INIT;
	struct route *t;
	char where[160];

	json_string(name, &decoded);
	snprintf(where, sizeof where, "routes.%.120s", decoded.data ? decoded.data : "");
	if (!decoded.len || memchr(decoded.data, '\0', decoded.len)) {
		buf_release(&decoded);
		return routes_fail(g, where, "a route needs a name");
	}
	for (size_t i = 0; i < r->n; i++)
		if (strcmp(r->routes[i].name, decoded.data) == 0) {
			buf_release(&decoded);
			return routes_fail(g, where, "stands twice");
		}
	if (r->n == ROUTES_COUNT_MAX) {
		buf_release(&decoded);
		return routes_fail(g, where, "too many routes");
	}
	r->routes = mem_grow(r->routes, &r->cap, r->n + 1, sizeof *r->routes);
	t = &r->routes[r->n++];
	memset(t, 0, sizeof *t);
	t->name = buf_detach(&decoded, NULL);
	t->log = 1;
	if (routes_only(g, where, v, names) ||
	    read_targets(g, where, json_member(v, "targets"), t) ||
	    read_sticky(g, where, json_member(v, "sticky"), t) ||
	    routes_number(g, where, v, "log", 1, &t->log))
		return -1;
	if (json_kind(redact) != JSON_NONE && !(t->redact = redact_new(redact, &why)))
		return err_set(g->e, "%s: %s: redact: %s", g->path, where, why.msg);
	return 0;
}

static long find_route(const struct routes *r, struct span name)
{
	for (size_t i = 0; i < r->n; i++)
		if (json_is(name, r->routes[i].name))
			return (long)i;
	return -1;
}

/* Appends the stand-ins of the route `from` to those of `to`; a route among them brings its targets and
 * then its own. on[] marks those that are being followed. */
static int follow(const struct routes_reading *g, struct span all, size_t from, struct route *to,
		  char *on)
{
	static const char *const names[] = {TARGET_MEMBERS, "route", NULL};
	struct routes *r = g->routes;
	struct span key, v, list;
	struct json_iter it = {0}, walk = {0};
	char at[200];

	/* The route's text stands where its name does: routes are in the order of the file. */
	for (size_t i = 0; i <= from; i++)
		json_next(&walk, all, &key, &v);
	list = json_member(v, "fallback");
	snprintf(at, sizeof at, "routes.%.120s", r->routes[from].name);
	if (json_kind(list) == JSON_NONE)
		return 0;
	if (json_kind(list) != JSON_ARRAY)
		return routes_fail(g, at, "fallback: must be a list of targets");
	on[from] = 1;
	for (size_t i = 0; json_next(&it, list, &key, &v); i++) {
		struct span other = json_member(v, "route");
		size_t place;

		snprintf(at, sizeof at, "routes.%.120s.fallback[%zu]", r->routes[from].name, i);
		if (routes_only(g, at, v, names))
			return -1;
		if (json_kind(other) == JSON_NONE) {
			if (routes_target_read(g, at, v, 0, &place))
				return -1;
			/* Two ways to one target are one. */
			for (size_t k = 0; k < to->fallback.n; k++)
				if (to->fallback.v[k].target == place && &r->routes[from] != to)
					place = SIZE_MAX;
			if (place != SIZE_MAX && routes_pick_add(g, at, &to->fallback, place, 0))
				return -1;
			continue;
		}
		if (json_count(v) > 1)
			return routes_fail(g, at, "\"route\" stands alone");
		long n = find_route(r, other);
		if (n < 0)
			return routes_fail(g, at, "route: there is none of that name");
		if (on[n])
			return err_set(g->e, "%s: %s: a circle: %s falls back to itself in the end",
				       g->path, at, r->routes[n].name);
		for (size_t k = 0; k < r->routes[n].targets.n; k++) {
			const struct routes_pick *p = &r->routes[n].targets.v[k];
			int there = 0;

			for (size_t m = 0; m < to->fallback.n; m++)
				there |= to->fallback.v[m].target == p->target;
			if (!there && p->share > 0 &&
			    routes_pick_add(g, at, &to->fallback, p->target, 0))
				return -1;
		}
		if (follow(g, all, (size_t)n, to, on))
			return -1;
	}
	on[from] = 0;
	return 0;
}

/* The client's key goes to one host only, unless the file says so of each. */
static int check_hosts(const struct routes_reading *g, const struct route *t)
{
	const struct routes_list *const lists[] = {&t->targets, &t->fallback, &t->shadow};
	const char *first = NULL;

	for (size_t l = 0; l < 3; l++)
		for (size_t i = 0; i < lists[l]->n; i++) {
			const struct routes_target *a = &g->routes->targets[lists[l]->v[i].target];

			if (!a->origin || a->whose != ROUTES_KEY_CLIENT)
				continue;
			if (!first)
				first = a->origin;
			else if (strcmp(first, a->origin) != 0)
				return err_set(g->e,
					       "%s: routes.%s: the client's key would go to two hosts, %s and %s: give the targets of one \"key\": "
					       "\"none\", \"$VARIABLE\" or \"@FILE\"",
					       g->path, t->name, first, a->origin);
		}
	return 0;
}

static int read_all(const struct routes_reading *g, struct span v)
{
	static const char *const names[] = {"routes", "default", "keys", NULL};
	struct routes *r = g->routes;
	struct span all = json_member(v, "routes"), fallback = json_member(v, "default"), key, one;
	struct json_iter it = {0};
	char *on;
	int rc = 0;

	if (routes_only(g, "the file", v, names))
		return -1;
	if (json_kind(all) != JSON_OBJECT || !json_count(all))
		return routes_fail(g, "routes", "must be an object with a route or more");
	while (json_next(&it, all, &key, &one))
		if (read_route(g, key, one))
			return -1;
	on = mem_alloc(r->n, 1);
	for (size_t i = 0; i < r->n && !rc; i++) {
		memset(on, 0, r->n);
		rc = follow(g, all, i, &r->routes[i], on);
	}
	free(on);
	memset(&it, 0, sizeof it);
	for (size_t i = 0; i < r->n && !rc && json_next(&it, all, &key, &one); i++) {
		char where[160];

		snprintf(where, sizeof where, "routes.%.120s", r->routes[i].name);
		rc = read_shadows(g, where, json_member(one, "shadow"), &r->routes[i]) ||
		     check_hosts(g, &r->routes[i]);
	}
	if (rc)
		return -1;
	if (json_kind(fallback) != JSON_NONE && (r->fallback_route = find_route(r, fallback)) < 0)
		return routes_fail(g, "default", "must be the name of a route");
	if (routes_text(g, "the file", v, "keys", &r->keys))
		return -1;
	if (r->keys) {
		char *path = routes_beside(g, r->keys);

		free(r->keys);
		r->keys = path;
	}
	return 0;
}

static void put_hash(struct routes *r, struct span value)
{
	struct buf canonical = BUF_INIT;

	json_canonical(value, &canonical);
	snprintf(r->hash, sizeof r->hash, "%016llx",
		 (unsigned long long)hash64(buf_span(&canonical), 0));
	buf_release(&canonical);
}

struct routes *routes_read(const char *path, struct err *e)
{
	struct routes *r = mem_alloc(1, sizeof *r);
	struct routes_reading g = {r, path, e};
	struct buf text = BUF_INIT;
	struct span v;
	int rc;

	r->fallback_route = -1;
	rc = json_file(path, ROUTES_MAX_BYTES, &text, &v, e) || read_all(&g, v);
	if (!rc)
		put_hash(r, v);
	buf_release(&text);
	if (!rc)
		return r;
	routes_free(r);
	return NULL;
}

struct routes *routes_single(const char *url, const char *model, const char *adapter,
			     const char *quantize, const char *sticky, struct redact *redact,
			     struct err *e)
{
	struct routes *r = mem_alloc(1, sizeof *r);
	struct routes_target *t;
	struct buf origin = BUF_INIT;

	r->targets = mem_grow(NULL, &r->cap_targets, 1, sizeof *r->targets);
	r->routes = mem_grow(NULL, &r->cap, 1, sizeof *r->routes);
	t = r->targets;
	memset(t, 0, sizeof *t);
	r->fallback_route = -1;
	memset(r->routes, 0, sizeof *r->routes);
	r->n = r->n_targets = 1;
	r->any_name = 1;
	r->routes->name = mem_strdup("default");
	r->routes->log = 1;
	r->routes->redact = redact;
	r->routes->targets.v =
		mem_grow(NULL, &r->routes->targets.cap, 1, sizeof *r->routes->targets.v);
	r->routes->targets.v[0] = (struct routes_pick){0, 1};
	r->routes->targets.n = 1;
	if (url) {
		t->url = mem_strdup(url);
		if (routes_origin(url, &origin)) {
			err_set(e,
				"%s: must be http:// or https:// and a host, without user and password",
				url);
			buf_release(&origin);
			routes_free(r);
			return NULL;
		}
		t->origin = buf_detach(&origin, NULL);
		t->name = mem_strdup(t->origin);
		t->whose = ROUTES_KEY_CLIENT;
	} else {
		t->model = mem_strdup(model);
		t->name = mem_strdup(model);
		t->adapter = adapter ? mem_strdup(adapter) : NULL;
		t->quantize = quantize ? mem_strdup(quantize) : NULL;
		t->whose = ROUTES_KEY_NONE;
	}
	if (sticky && set_sticky(r->routes, sticky, e)) {
		err_prefix(e, "--sticky");
		routes_free(r);
		return NULL;
	}
	put_hash(r, span_of("null"));
	return r;
}

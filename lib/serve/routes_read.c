/* routes_read: the routes file read and checked. Targets are kept once in the whole file, by their names:
 * two routes that name the same target share it, its breaker and its model in memory. */

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "../base/file.h"
#include "../base/mem.h"
#include "../text/hash.h"
#include "routes_impl.h"

#define COUNT_MAX 1000 /* routes, targets of a route */
#define TEXT_MAX ((size_t)1 << 20)

/* What is being read, for reasons and relative names. */
struct reading {
	struct routes *routes;
	const char *path;
	struct err *e;
};

static int fail(const struct reading *g, const char *where, const char *what)
{
	return err_set(g->e, "%s: %s: %s", g->path, where, what);
}

/* --- members --- */

/* Refuses what is not among names (which ends with NULL), and what stands twice. */
static int only(const struct reading *g, const char *where, struct span object,
		const char *const *names)
{
	struct json_iter it = {0};
	struct span key, value;
	unsigned long seen = 0;

	if (json_kind(object) != JSON_OBJECT)
		return fail(g, where, "must be an object");
	while (json_next(&it, object, &key, &value)) {
		size_t i = 0;

		while (names[i] && !json_is(key, names[i]))
			i++;
		if (!names[i] || seen & 1ul << i) {
			struct buf list = BUF_INIT;

			for (size_t k = 0; names[k]; k++)
				buf_addf(&list, "%s%s", k ? ", " : "", names[k]);
			err_set(g->e, "%s: %s: %.*s %s: %s", g->path, where,
				(int)(key.n < 80 ? key.n : 80), key.s,
				names[i] ? "stands twice" : "is none of its members", list.data);
			buf_release(&list);
			return -1;
		}
		seen |= 1ul << i;
	}
	return 0;
}

/* *to stays where the member is missing. */
static int get_text(const struct reading *g, const char *where, struct span object,
		    const char *name, char **to)
{
	struct span v = json_member(object, name);
	struct buf b = {.max = TEXT_MAX};

	if (json_kind(v) == JSON_NONE)
		return 0;
	if (json_kind(v) != JSON_STRING || json_string(v, &b) || !b.len ||
	    memchr(b.data, '\0', b.len)) {
		buf_release(&b);
		return err_set(g->e, "%s: %s: %s: must be a string that is not empty", g->path,
			       where, name);
	}
	free(*to);
	*to = buf_detach(&b, NULL);
	return 0;
}

static int get_number(const struct reading *g, const char *where, struct span object,
		      const char *name, double most, double *to)
{
	struct span v = json_member(object, name);
	double x;

	if (json_kind(v) == JSON_NONE)
		return 0;
	if (json_number(v, &x) || !(x >= 0) || x > most)
		return err_set(g->e, "%s: %s: %s: must be a number from 0 to %g", g->path, where,
			       name, most);
	*to = x;
	return 0;
}

/* A name in the file is relative to the file. */
static char *beside(const struct reading *g, const char *name)
{
	const char *slash = strrchr(g->path, '/');
	char *dir, *joined;

	if (!slash || *name == '/')
		return mem_strdup(name);
	dir = mem_strndup(g->path, (size_t)(slash - g->path));
	joined = file_join(dir, name);
	free(dir);
	return joined;
}

/* "@FILE" is the text of a file; ends of lines at its end do not count for keys. */
static int text_of(const struct reading *g, const char *where, const char *value, struct buf *to)
{
	char *name;
	int rc;

	if (*value != '@') {
		buf_adds(to, value);
		return 0;
	}
	if (value[1] == '@') {
		buf_adds(to, value + 1);
		return 0;
	}
	name = beside(g, value + 1);
	rc = file_read(name, TEXT_MAX, to, g->e);
	free(name);
	return rc ? err_prefix(g->e, "%s: %s", g->path, where) : 0;
}

/* --- targets --- */

/* scheme://host:port in lower case, without user and password; -1 where url is none. */
static int origin_of(const char *url, struct buf *to)
{
	const char *host = strstr(url, "://"), *end, *at;

	if (!host || (strncasecmp(url, "http://", 7) && strncasecmp(url, "https://", 8)))
		return -1;
	host += 3;
	end = host + strcspn(host, "/?#");
	at = memrchr(host, '@', (size_t)(end - host));
	if (at)
		return -1;
	if (end == host)
		return -1;
	for (const char *p = url; p < end; p++) {
		if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 127)
			return -1;
		buf_addc(to, *p >= 'A' && *p <= 'Z' ? *p + 32 : *p);
	}
	for (const char *p = end; *p; p++)
		if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 127)
			return -1;
	return 0;
}

static int names_a_path(const char *model)
{
	return *model == '.' || *model == '/' || strncmp(model, "hf:", 3) == 0 ||
	       (strlen(model) > 5 && strcmp(model + strlen(model) - 5, ".gguf") == 0);
}

static int read_key(const struct reading *g, const char *where, struct routes_target *t,
		    char *value)
{
	struct buf b = BUF_INIT;
	const char *variable;
	int rc = 0;

	if (strcmp(value, "client") == 0) {
		t->whose = ROUTES_KEY_CLIENT;
		return 0;
	}
	if (strcmp(value, "none") == 0) {
		t->whose = ROUTES_KEY_NONE;
		return 0;
	}
	t->whose = ROUTES_KEY_OWN;
	if (*value == '$') {
		variable = getenv(value + 1);
		if (!variable || !*variable)
			return err_set(g->e, "%s: %s: key: the variable %s is not set", g->path,
				       where, value + 1);
		buf_adds(&b, variable);
	} else if (*value == '@') {
		rc = text_of(g, where, value, &b);
	} else {
		return fail(g, where,
			    "key: must be \"client\", \"none\", \"$VARIABLE\" or \"@FILE\": keys do not stand in this file");
	}
	while (b.len && (unsigned char)b.data[b.len - 1] <= ' ')
		b.data[--b.len] = '\0';
	for (size_t i = 0; i < b.len && !rc; i++)
		if ((unsigned char)b.data[i] < ' ' || b.data[i] == 127)
			rc = fail(g, where, "key: holds a control character");
	if (!rc && !b.len)
		rc = fail(g, where, "key: is empty");
	if (!rc)
		t->key = mem_strdup(b.data);
	if (b.data)
		explicit_bzero(b.data, b.len);
	buf_release(&b);
	return rc;
}

static int read_prune(const struct reading *g, const char *where, struct span list,
		      struct routes_target *t)
{
	struct json_iter it = {0};
	struct span key, v;
	struct buf text = BUF_INIT, value = BUF_INIT;
	int rc = 0;

	if (json_kind(list) == JSON_NONE)
		return 0;
	if (json_kind(list) != JSON_ARRAY || json_count(list) > COUNT_MAX)
		return fail(g, where, "prune: must be a list of texts or \"@FILE\"");
	t->prune = mem_alloc(json_count(list) + 1, sizeof *t->prune);
	while (!rc && json_next(&it, list, &key, &v)) {
		buf_clear(&text);
		buf_clear(&value);
		if (json_kind(v) != JSON_STRING || json_string(v, &text) || !text.len)
			rc = fail(g, where, "prune: must be a list of texts or \"@FILE\"");
		else
			rc = text_of(g, where, text.data, &value);
		/* What a file ends with is the editor's newline. */
		while (!rc && *text.data == '@' && value.len && value.data[value.len - 1] == '\n')
			value.data[--value.len] = '\0';
		if (!rc && !value.len)
			rc = fail(g, where, "prune: a text is empty");
		if (!rc)
			t->prune[t->prunes++] = span_dup(buf_span(&value));
	}
	buf_release(&text);
	buf_release(&value);
	return rc;
}

static int same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static int same_target(const struct routes_target *a, const struct routes_target *b)
{
	int same = same_text(a->model, b->model) && same_text(a->url, b->url) &&
		   same_text(a->adapter, b->adapter) && same_text(a->quantize, b->quantize) &&
		   same_text(a->key, b->key) && a->whose == b->whose && a->prunes == b->prunes &&
		   !(a->timeout < b->timeout) && !(a->timeout > b->timeout);

	for (size_t i = 0; same && i < a->prunes; i++)
		same = strcmp(a->prune[i], b->prune[i]) == 0;
	return same;
}

static long find_target(const struct routes *r, const char *name)
{
	for (size_t i = 0; i < r->n_targets; i++)
		if (strcmp(r->targets[i].name, name) == 0)
			return (long)i;
	return -1;
}

static int add_pick(const struct reading *g, const char *where, struct routes_list *list,
		    size_t target, double share)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->v[i].target == target)
			return err_set(g->e,
				       "%s: %s: %s stands there twice: give one of them a \"name\"",
				       g->path, where, g->routes->targets[target].name);
	if (list->n == COUNT_MAX)
		return fail(g, where, "too many");
	list->v = mem_grow(list->v, &list->cap, list->n + 1, sizeof *list->v);
	list->v[list->n++] = (struct routes_pick){target, share};
	return 0;
}

/* A target written out, or the mere name of one. *place is set. */
static int read_target(const struct reading *g, const char *where, struct span v, int written_out,
		       size_t *place)
{
	struct routes *r = g->routes;
	struct routes_target t = {0};
	struct buf origin = BUF_INIT;
	char *key = NULL;
	long known;
	int rc = -1, bare;

	t.whose = ROUTES_KEY_CLIENT;
	if (get_text(g, where, v, "name", &t.name) || get_text(g, where, v, "model", &t.model) ||
	    get_text(g, where, v, "url", &t.url) || get_text(g, where, v, "adapter", &t.adapter) ||
	    get_text(g, where, v, "quantize", &t.quantize) || get_text(g, where, v, "key", &key) ||
	    get_number(g, where, v, "timeout", 86400, &t.timeout) ||
	    read_prune(g, where, json_member(v, "prune"), &t))
		goto cleanup;
	if (!t.name && t.model)
		t.name = mem_strdup(t.model);
	if (!t.name) {
		fail(g, where, "needs a \"model\"");
		goto cleanup;
	}
	bare = !t.url && !key && !t.adapter && !t.quantize && !t.prunes &&
	       (!t.model || !names_a_path(t.model));
	known = find_target(r, t.name);
	if (bare && known >= 0) {
		*place = (size_t)known;
		rc = 0;
		goto cleanup;
	}
	if (!t.url && (!t.model || (bare && !written_out))) {
		err_set(g->e, "%s: %s: %s is no target of this file, and has no \"url\"", g->path,
			where, t.name);
		goto cleanup;
	}
	if (!t.url && !names_a_path(t.model) && !file_is_dir(t.model)) {
		err_set(g->e,
			"%s: %s: %s: needs a \"url\", or a model of this machine (./DIRECTORY, hf:ORG/NAME)",
			g->path, where, t.name);
		goto cleanup;
	}
	if (t.url) {
		if (t.adapter || t.quantize) {
			fail(g, where,
			     "adapter and quantize belong to a local model, not to a \"url\"");
			goto cleanup;
		}
		if (origin_of(t.url, &origin)) {
			fail(g, where,
			     "url: must be http:// or https:// and a host, without user and password");
			goto cleanup;
		}
		t.origin = mem_strdup(origin.data);
	} else {
		t.whose = ROUTES_KEY_NONE;
		if (*t.model == '.') {
			char *path = beside(g, t.model);

			free(t.model);
			t.model = path;
		}
	}
	if (key && read_key(g, where, &t, key))
		goto cleanup;
	if (!t.url && t.whose != ROUTES_KEY_NONE) {
		fail(g, where, "key: a local model needs none");
		goto cleanup;
	}
	if (known >= 0) {
		if (!same_target(&t, &r->targets[known])) {
			err_set(g->e,
				"%s: %s: two targets are called %s and are not the same: give one of them a \"name\"",
				g->path, where, t.name);
			goto cleanup;
		}
		*place = (size_t)known;
		rc = 0;
		goto cleanup;
	}
	r->targets = mem_grow(r->targets, &r->cap_targets, r->n_targets + 1, sizeof *r->targets);
	*place = r->n_targets;
	r->targets[r->n_targets++] = t;
	memset(&t, 0, sizeof t);
	rc = 0;
cleanup:
	if (key)
		explicit_bzero(key, strlen(key));
	free(key);
	routes_target_release(&t);
	buf_release(&origin);
	return rc;
}

/* --- routes --- */

#define TARGET_MEMBERS "name", "model", "url", "adapter", "quantize", "key", "timeout", "prune"

static int read_targets(const struct reading *g, const char *where, struct span list,
			struct route *t)
{
	static const char *const names[] = {TARGET_MEMBERS, "weight", NULL};
	struct json_iter it = {0};
	struct span key, v;
	char at[200];
	double sum = 0;

	if (json_kind(list) != JSON_ARRAY || !json_count(list))
		return fail(g, where, "targets: must be a list with a target or more");
	for (size_t i = 0; json_next(&it, list, &key, &v); i++) {
		double weight = 1;
		size_t place;

		snprintf(at, sizeof at, "%s.targets[%zu]", where, i);
		if (only(g, at, v, names) || get_number(g, at, v, "weight", 1e9, &weight) ||
		    read_target(g, at, v, 1, &place) || add_pick(g, at, &t->targets, place, weight))
			return -1;
		sum += weight;
	}
	if (!(sum > 0))
		return fail(g, where, "targets: all weights are 0: nobody would answer");
	return 0;
}

static int read_shadows(const struct reading *g, const char *where, struct span list,
			struct route *t)
{
	static const char *const names[] = {TARGET_MEMBERS, "share", NULL};
	struct json_iter it = {0};
	struct span key, v;
	char at[200];

	if (json_kind(list) == JSON_NONE)
		return 0;
	if (json_kind(list) != JSON_ARRAY)
		return fail(g, where, "shadow: must be a list of targets");
	for (size_t i = 0; json_next(&it, list, &key, &v); i++) {
		double share = 1;
		size_t place;

		snprintf(at, sizeof at, "%s.shadow[%zu]", where, i);
		if (only(g, at, v, names) || get_number(g, at, v, "share", 1, &share) ||
		    read_target(g, at, v, 0, &place) || add_pick(g, at, &t->shadow, place, share))
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

static int read_sticky(const struct reading *g, const char *where, struct span v, struct route *t)
{
	struct buf text = BUF_INIT;
	struct err why = ERR_INIT;
	int rc = 0;

	if (json_kind(v) == JSON_NONE)
		return 0;
	if (json_kind(v) != JSON_STRING || json_string(v, &text) || !text.len)
		rc = fail(g, where,
			  "sticky: must be a member of requests (metadata.user) or header:NAME");
	else if (set_sticky(t, text.data, &why))
		rc = err_set(g->e, "%s: %s: sticky: %s", g->path, where, why.msg);
	buf_release(&text);
	return rc;
}

static int read_route(const struct reading *g, struct span name, struct span v)
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
		return fail(g, where, "a route needs a name");
	}
	for (size_t i = 0; i < r->n; i++)
		if (strcmp(r->routes[i].name, decoded.data) == 0) {
			buf_release(&decoded);
			return fail(g, where, "stands twice");
		}
	if (r->n == COUNT_MAX) {
		buf_release(&decoded);
		return fail(g, where, "too many routes");
	}
	r->routes = mem_grow(r->routes, &r->cap, r->n + 1, sizeof *r->routes);
	t = &r->routes[r->n++];
	memset(t, 0, sizeof *t);
	t->name = buf_detach(&decoded, NULL);
	t->log = 1;
	if (only(g, where, v, names) || read_targets(g, where, json_member(v, "targets"), t) ||
	    read_sticky(g, where, json_member(v, "sticky"), t) ||
	    get_number(g, where, v, "log", 1, &t->log))
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
static int follow(const struct reading *g, struct span all, size_t from, struct route *to, char *on)
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
		return fail(g, at, "fallback: must be a list of targets");
	on[from] = 1;
	for (size_t i = 0; json_next(&it, list, &key, &v); i++) {
		struct span other = json_member(v, "route");
		size_t place;

		snprintf(at, sizeof at, "routes.%.120s.fallback[%zu]", r->routes[from].name, i);
		if (only(g, at, v, names))
			return -1;
		if (json_kind(other) == JSON_NONE) {
			if (read_target(g, at, v, 0, &place))
				return -1;
			/* Two ways to one target are one. */
			for (size_t k = 0; k < to->fallback.n; k++)
				if (to->fallback.v[k].target == place && &r->routes[from] != to)
					place = SIZE_MAX;
			if (place != SIZE_MAX && add_pick(g, at, &to->fallback, place, 0))
				return -1;
			continue;
		}
		if (json_count(v) > 1)
			return fail(g, at, "\"route\" stands alone");
		long n = find_route(r, other);
		if (n < 0)
			return fail(g, at, "route: there is none of that name");
		if (on[n])
			return err_set(g->e, "%s: %s: a circle: %s falls back to itself in the end",
				       g->path, at, r->routes[n].name);
		for (size_t k = 0; k < r->routes[n].targets.n; k++) {
			const struct routes_pick *p = &r->routes[n].targets.v[k];
			int there = 0;

			for (size_t m = 0; m < to->fallback.n; m++)
				there |= to->fallback.v[m].target == p->target;
			if (!there && p->share > 0 && add_pick(g, at, &to->fallback, p->target, 0))
				return -1;
		}
		if (follow(g, all, (size_t)n, to, on))
			return -1;
	}
	on[from] = 0;
	return 0;
}

/* The client's key goes to one host only, unless the file says so of each. */
static int check_hosts(const struct reading *g, const struct route *t)
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

static int read_all(const struct reading *g, struct span v)
{
	static const char *const names[] = {"routes", "default", "keys", NULL};
	struct routes *r = g->routes;
	struct span all = json_member(v, "routes"), fallback = json_member(v, "default"), key, one;
	struct json_iter it = {0};
	char *on;
	int rc = 0;

	if (only(g, "the file", v, names))
		return -1;
	if (json_kind(all) != JSON_OBJECT || !json_count(all))
		return fail(g, "routes", "must be an object with a route or more");
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
		return fail(g, "default", "must be the name of a route");
	if (get_text(g, "the file", v, "keys", &r->keys))
		return -1;
	if (r->keys) {
		char *path = beside(g, r->keys);

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
	struct reading g = {r, path, e};
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
		if (origin_of(url, &origin)) {
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

/* routes: see routes.h. What is done with routes once they were read. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../text/hash.h"
#include "routes_impl.h"

void routes_target_release(struct routes_target *t)
{
	char *const texts[] = {t->name, t->model, t->url, t->origin, t->adapter, t->quantize};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		free(texts[i]);
	if (t->key)
		explicit_bzero(t->key, strlen(t->key));
	free(t->key);
	prune_release(&t->prune);
}

void routes_free(struct routes *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->n_targets; i++)
		routes_target_release(&r->targets[i]);
	free(r->targets);
	for (size_t i = 0; i < r->n; i++) {
		struct route *t = &r->routes[i];

		free(t->name);
		free(t->targets.v);
		free(t->fallback.v);
		free(t->shadow.v);
		path_free(t->sticky_path);
		free(t->sticky_header);
		redact_free(t->redact);
	}
	free(r->routes);
	free(r->keys);
	free(r);
}

/* --- choosing --- */

const struct route *routes_find(const struct routes *r, struct span model)
{
	for (size_t i = 0; i < r->n; i++)
		if (span_is(model, r->routes[i].name))
			return &r->routes[i];
	if (r->any_name)
		return r->routes;
	return r->fallback_route >= 0 ? &r->routes[r->fallback_route] : NULL;
}

/* In (0, 1), of the value for this name. */
static double draw(struct span value, const char *name, uint64_t purpose)
{
	uint64_t h = hash_mix(hash64(value, purpose), hash64(span_of(name), purpose));

	return hash_unit(h) + 0x1p-54;
}

size_t routes_choose(const struct routes *r, const struct route *route, struct span sticky)
{
	size_t best = 0;
	double least = INFINITY;

	for (size_t i = 0; i < route->targets.n; i++) {
		const struct routes_pick *p = &route->targets.v[i];
		double x;

		if (!(p->share > 0))
			continue;
		x = -log(draw(sticky, r->targets[p->target].name, 1)) / p->share;
		if (x < least) {
			least = x;
			best = i;
		}
	}
	return best;
}

int routes_shadows(const struct routes *r, const struct routes_pick *shadow, struct span id)
{
	return draw(id, r->targets[shadow->target].name, 2) < shadow->share;
}

void routes_url(const char *base, const char *path, struct buf *url)
{
	static const char *const endpoints[] = {"/chat/completions", "/messages", "/responses",
						"/completions"};
	const char *host = strstr(base, "://"), *query = strchr(path, '?');
	size_t n = strcspn(base, "?#"), own;
	const char *slash;

	while (n && base[n - 1] == '/')
		n--;
	/* A base may be written with the endpoint itself. */
	for (size_t i = 0; i < sizeof endpoints / sizeof *endpoints; i++) {
		size_t k = strlen(endpoints[i]);

		if (n > k && memcmp(base + n - k, endpoints[i], k) == 0) {
			n -= k;
			break;
		}
	}
	host = host ? host + 3 : base;
	slash = memchr(host, '/', n - (size_t)(host - base));
	buf_add(url, base, n);
	/* A base with a path of its own (".../v1", ".../openai/v1") stands for the client's "/v1". */
	own = query ? (size_t)(query - path) : strlen(path);
	if (slash && strncmp(path, "/v1", 3) == 0 && (own == 3 || path[3] == '/'))
		path += 3, own -= 3;
	buf_add(url, path, own);
	if (base[strcspn(base, "?#")] == '?') {
		const char *q = strchr(base, '?');

		buf_add(url, q, strcspn(q, "#"));
		if (query && query[1])
			buf_addf(url, "&%s", query + 1);
	} else if (query) {
		buf_adds(url, query);
	}
}

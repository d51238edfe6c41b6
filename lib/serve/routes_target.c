/* routes_target: a target of a routes file, and the members that all its objects are read with. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "../base/file.h"
#include "../base/mem.h"
#include "../net/url.h"
#include "routes_impl.h"

#define TEXT_MAX ((size_t)1 << 20)

int routes_fail(const struct routes_reading *g, const char *where, const char *what)
{
	return err_set(g->e, "%s: %s: %s", g->path, where, what);
}

int routes_only(const struct routes_reading *g, const char *where, struct span object,
		const char *const *names)
{
	struct json_iter it = {0};
	struct span key, value;
	unsigned long seen = 0;

	if (json_kind(object) != JSON_OBJECT)
		return routes_fail(g, where, "must be an object");
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

int routes_text(const struct routes_reading *g, const char *where, struct span object,
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

int routes_number(const struct routes_reading *g, const char *where, struct span object,
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

char *routes_beside(const struct routes_reading *g, const char *name)
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
static int text_of(const struct routes_reading *g, const char *where, const char *value,
		   struct buf *to)
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
	name = routes_beside(g, value + 1);
	rc = file_read(name, TEXT_MAX, to, g->e);
	free(name);
	return rc ? err_prefix(g->e, "%s: %s", g->path, where) : 0;
}

/* --- targets --- */

int routes_target_is_exposed(const struct routes_target *t)
{
	return t->url && url_exposes(t->url, t->whose != ROUTES_KEY_NONE);
}

int routes_origin(const char *url, struct buf *to)
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

static int read_key(const struct routes_reading *g, const char *where, struct routes_target *t,
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
		return routes_fail(
			g, where,
			"key: must be \"client\", \"none\", \"$VARIABLE\" or \"@FILE\": keys do not stand in this file");
	}
	while (b.len && (unsigned char)b.data[b.len - 1] <= ' ')
		b.data[--b.len] = '\0';
	for (size_t i = 0; i < b.len && !rc; i++)
		if ((unsigned char)b.data[i] < ' ' || b.data[i] == 127)
			rc = routes_fail(g, where, "key: holds a control character");
	if (!rc && !b.len)
		rc = routes_fail(g, where, "key: is empty");
	if (!rc)
		t->key = mem_strdup(b.data);
	if (b.data)
		explicit_bzero(b.data, b.len);
	buf_release(&b);
	return rc;
}

static int read_prune(const struct routes_reading *g, const char *where, struct span list,
		      struct routes_target *t)
{
	struct json_iter it = {0};
	struct span key, v;
	struct buf text = BUF_INIT;
	int rc = 0;

	if (json_kind(list) == JSON_NONE)
		return 0;
	if (json_kind(list) != JSON_ARRAY || json_count(list) > ROUTES_COUNT_MAX)
		return routes_fail(g, where, "prune: must be a list of texts or \"@FILE\"");
	while (!rc && json_next(&it, list, &key, &v)) {
		char *file = NULL;

		buf_clear(&text);
		if (json_kind(v) != JSON_STRING || json_string(v, &text) || !text.len) {
			rc = routes_fail(g, where, "prune: must be a list of texts or \"@FILE\"");
			break;
		}
		if (*text.data == '@' && text.data[1] != '@')
			file = routes_beside(g, text.data + 1);
		rc = prune_add(&t->prune, text.data + (*text.data == '@'), file, g->e);
		if (rc)
			err_prefix(g->e, "%s: %s: prune", g->path, where);
		free(file);
	}
	buf_release(&text);
	return rc;
}

static int same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static int same_target(const struct routes_target *a, const struct routes_target *b)
{
	char pruned[2][17];

	prune_hash(&a->prune, pruned[0]);
	prune_hash(&b->prune, pruned[1]);
	return same_text(a->model, b->model) && same_text(a->url, b->url) &&
	       same_text(a->adapter, b->adapter) && same_text(a->quantize, b->quantize) &&
	       same_text(a->key, b->key) && a->whose == b->whose &&
	       strcmp(pruned[0], pruned[1]) == 0 && !(a->timeout < b->timeout) &&
	       !(a->timeout > b->timeout);
}

static long find_target(const struct routes *r, const char *name)
{
	for (size_t i = 0; i < r->n_targets; i++)
		if (strcmp(r->targets[i].name, name) == 0)
			return (long)i;
	return -1;
}

int routes_pick_add(const struct routes_reading *g, const char *where, struct routes_list *list,
		    size_t target, double share)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->v[i].target == target)
			return err_set(g->e,
				       "%s: %s: %s stands there twice: give one of them a \"name\"",
				       g->path, where, g->routes->targets[target].name);
	if (list->n == ROUTES_COUNT_MAX)
		return routes_fail(g, where, "too many");
	list->v = mem_grow(list->v, &list->cap, list->n + 1, sizeof *list->v);
	list->v[list->n++] = (struct routes_pick){target, share};
	return 0;
}

int routes_target_read(const struct routes_reading *g, const char *where, struct span v,
		       int written_out, size_t *place)
{
	struct routes *r = g->routes;
	struct routes_target t = {0};
	struct buf origin = BUF_INIT;
	char *key = NULL;
	long known;
	int rc = -1, bare;

	t.whose = ROUTES_KEY_CLIENT;
	if (routes_text(g, where, v, "name", &t.name) ||
	    routes_text(g, where, v, "model", &t.model) ||
	    routes_text(g, where, v, "url", &t.url) ||
	    routes_text(g, where, v, "adapter", &t.adapter) ||
	    routes_text(g, where, v, "quantize", &t.quantize) ||
	    routes_text(g, where, v, "key", &key) ||
	    routes_number(g, where, v, "timeout", 86400, &t.timeout) ||
	    read_prune(g, where, json_member(v, "prune"), &t))
		goto cleanup;
	if (!t.name && t.model)
		t.name = mem_strdup(t.model);
	if (!t.name) {
		routes_fail(g, where, "needs a \"model\"");
		goto cleanup;
	}
	bare = !t.url && !key && !t.adapter && !t.quantize && !t.prune.n &&
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
			routes_fail(g, where,
				    "adapter and quantize belong to a local model, not to a \"url\"");
			goto cleanup;
		}
		if (routes_origin(t.url, &origin)) {
			routes_fail(g, where,
				    "url: must be http:// or https:// and a host, without user and password");
			goto cleanup;
		}
		t.origin = mem_strdup(origin.data);
	} else {
		t.whose = ROUTES_KEY_NONE;
		if (*t.model == '.') {
			char *path = routes_beside(g, t.model);

			free(t.model);
			t.model = path;
		}
	}
	if (key && read_key(g, where, &t, key))
		goto cleanup;
	if (!t.url && t.whose != ROUTES_KEY_NONE) {
		routes_fail(g, where, "key: a local model needs none");
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

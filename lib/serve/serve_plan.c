/* serve_plan: the routes in force, read again at SIGHUP beside the traffic: a thread reads the file and
 * loads what models are new, and the loop puts the plan in force once it is whole. A target that stays
 * as it was keeps its model in memory and its breaker. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../base/file.h"
#include "../base/mem.h"
#include "../net/url.h"
#include "serve_impl.h"

/* Failures in a row after which a target is left alone, and for how long; then one call tries. */
#define BREAKER_FAILURES 5
#define BREAKER_SECONDS 10.0
#define FTJSON_MAX ((size_t)64 << 20)

static void put_what(const struct routes_target *t, struct buf *b)
{
	char pruned[17];
	const char *const texts[] = {t->name,	 t->url,      t->url ? NULL : t->model,
				     t->adapter, t->quantize, pruned};

	prune_hash(&t->prune, pruned);

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		buf_adds(b, texts[i] ? texts[i] : "");
		buf_addc(b, '\n');
	}
}

static struct serve_spot *find_spot(struct serve_spot *list, const char *what)
{
	for (; list; list = list->next)
		if (strcmp(list->what, what) == 0)
			return list;
	return NULL;
}

static char *copy(const char *text)
{
	return text ? mem_strdup(text) : NULL;
}

static void spot_free(struct serve_spot *p)
{
	local_target_free(p->local);
	free(p->name);
	free(p->what);
	free(p->model);
	free(p->adapter);
	free(p->quantize);
	free(p);
}

static size_t count_local(const struct routes *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n_targets; i++)
		n += !r->targets[i].url;
	return n;
}

/* A model answers as it was trained: a request that is pruned otherwise than its rows were is none that
 * it knows. What does not come from ft-train says nothing of it. */
static int check_pruning(const struct routes_target *t, struct err *e)
{
	char *path = file_join(t->adapter ? t->adapter : t->model, "ft.json");
	struct buf text = BUF_INIT, trained = BUF_INIT;
	char pruned[17];
	struct span v;
	int rc = 0;

	prune_hash(&t->prune, pruned);
	if (file_exists(path) && !json_file(path, FTJSON_MAX, &text, &v, NULL)) {
		json_string(json_member(v, "prune_hash"), &trained);
		if (!span_is(buf_span(&trained), pruned) && (trained.len || *pruned))
			rc = err_set(e,
				     "it was trained with other pruning (%s, here %s): give the target the texts of ft-train --prune",
				     trained.len ? trained.data : "none",
				     *pruned ? pruned : "none");
	}
	buf_release(&text);
	buf_release(&trained);
	free(path);
	return rc;
}

static struct serve_spot *spot_new(const struct serve *s, const struct routes *r, size_t i,
				   const char *what)
{
	const struct routes_target *t = &r->targets[i];
	struct serve_spot *p = mem_alloc(1, sizeof *p);
	struct local_options o = {.threads = s->o->threads,
				  .sharing = count_local(r),
				  .wake = s->wake};

	p->name = mem_strdup(t->name);
	p->what = mem_strdup(what);
	if (t->url)
		return p;
	p->model = copy(t->model);
	p->adapter = copy(t->adapter);
	p->quantize = copy(t->quantize);
	o.quantize = p->quantize;
	if (!check_pruning(t, &p->broken))
		p->local = local_target_open(p->model, p->adapter, &o, &p->broken);
	return p;
}

/* Why nothing could be answered with a plan whose targets all are models that could not be loaded;
 * NULL for any other. */
static const struct serve_spot *useless(const struct serve_plan *p)
{
	for (size_t i = 0; i < p->routes->n_targets; i++)
		if (!p->spots[i]->broken.msg[0])
			return NULL;
	return p->routes->n_targets ? p->spots[0] : NULL;
}

/* One that was never in force. */
static void unmake(struct serve_plan *p)
{
	while (p->fresh) {
		struct serve_spot *spot = p->fresh;

		p->fresh = spot->next;
		spot_free(spot);
	}
	clients_free(p->clients);
	routes_free(p->routes);
	free(p->spots);
	free(p);
}

struct serve_plan *serve_plan_make(struct serve *s, struct routes *r, struct err *e)
{
	struct serve_plan *p = mem_alloc(1, sizeof *p);
	const char *keys = s->o->keys ? s->o->keys : r->keys;
	struct buf what = BUF_INIT;

	p->routes = r;
	if (keys && !(p->clients = clients_read(keys, e))) {
		routes_free(r);
		free(p);
		return NULL;
	}
	p->spots = mem_alloc(r->n_targets, sizeof *p->spots);
	for (size_t i = 0; i < r->n_targets; i++) {
		struct serve_spot *spot;

		buf_clear(&what);
		put_what(&r->targets[i], &what);
		spot = find_spot(s->spots, what.data);
		/* A model that could not be loaded is tried again. */
		if (!spot || spot->broken.msg[0]) {
			spot = spot_new(s, r, i, what.data);
			spot->next = p->fresh;
			p->fresh = spot;
		}
		p->spots[i] = spot;
	}
	buf_release(&what);
	if (useless(p)) {
		err_set(e, "%s: cannot be served: %s", useless(p)->name, useless(p)->broken.msg);
		unmake(p);
		return NULL;
	}
	return p;
}

void serve_plan_install(struct serve *s, struct serve_plan *p)
{
	struct serve_plan *old = s->plan;

	while (p->fresh) {
		struct serve_spot *spot = p->fresh;

		p->fresh = spot->next;
		spot->next = s->spots;
		s->spots = spot;
		if (spot->broken.msg[0])
			s->o->say("%s: cannot be served: %s", spot->name, spot->broken.msg);
	}
	for (size_t i = 0; i < p->routes->n_targets; i++) {
		struct serve_spot *spot = p->spots[i];

		spot->refs++;
		if (!spot->told_exposed && routes_target_is_exposed(&p->routes->targets[i])) {
			s->o->say("%s: the key " URL_EXPOSED, spot->name);
			spot->told_exposed = 1;
		}
	}
	p->refs = 1;
	s->plan = p;
	if (old)
		serve_plan_drop(s, old);
}

struct serve_plan *serve_plan_ref(struct serve_plan *p)
{
	p->refs++;
	return p;
}

void serve_plan_drop(struct serve *s, struct serve_plan *p)
{
	if (--p->refs)
		return;
	for (size_t i = 0; i < p->routes->n_targets; i++)
		p->spots[i]->refs--;
	free(p->spots);
	clients_free(p->clients);
	routes_free(p->routes);
	free(p);
	serve_spots_tidy(s);
}

void serve_spots_tidy(struct serve *s)
{
	struct serve_spot **at = &s->spots;

	if (s->reading) /* the thread looks at them */
		return;
	while (*at) {
		struct serve_spot *p = *at;

		if (p->refs) {
			at = &p->next;
			continue;
		}
		*at = p->next;
		spot_free(p);
	}
}

/* --- again --- */

static void *read_again(void *arg)
{
	struct serve *s = arg;
	struct routes *r = routes_read(s->o->routes_file, &s->fresh_error);
	uint64_t one = 1;

	s->fresh = r ? serve_plan_make(s, r, &s->fresh_error) : NULL;
	__atomic_store_n(&s->fresh_ready, 1, __ATOMIC_RELEASE);
	if (write(s->wake, &one, sizeof one) < 0)
		return NULL; /* the loop looks every second anyway */
	return NULL;
}

void serve_reload(struct serve *s)
{
	if (!s->o->routes_file) {
		s->o->say("no routes file to read again");
		return;
	}
	if (s->reading) {
		s->again = 1;
		return;
	}
	listen_notify("RELOADING=1");
	s->fresh = NULL;
	s->fresh_error.msg[0] = '\0';
	s->fresh_ready = 0;
	s->reading = !pthread_create(&s->reader, NULL, read_again, s);
	if (!s->reading)
		s->o->say("the routes stay as they are: no thread to read them");
}

void serve_reload_end(struct serve *s, int wait)
{
	struct serve_plan *p;

	if (!s->reading || (!wait && !__atomic_load_n(&s->fresh_ready, __ATOMIC_ACQUIRE)))
		return;
	pthread_join(s->reader, NULL);
	s->reading = s->fresh_ready = 0;
	p = s->fresh;
	s->fresh = NULL;
	if (p && !p->clients && !s->at.loopback) {
		err_set(&s->fresh_error, "%s: without keys it may listen on loopback only",
			s->o->routes_file);
		unmake(p);
		p = NULL;
	}
	if (p) {
		serve_plan_install(s, p);
		s->meter.count[METER_RELOADS]++;
		s->o->say("routes %s are in force", s->plan->routes->hash);
	} else {
		s->meter.count[METER_BAD_RELOADS]++;
		s->o->say("the routes stay as they are: %s", s->fresh_error.msg);
	}
	serve_spots_tidy(s);
	listen_notify("READY=1");
	if (s->again && !wait) {
		s->again = 0;
		serve_reload(s);
	}
}

/* --- the breaker --- */

int serve_spot_open(struct serve_spot *p, double now)
{
	if (p->broken.msg[0])
		return 0;
	if (p->failures < BREAKER_FAILURES)
		return 1;
	if (now < p->closed_until || p->probing)
		return 0;
	return 1;
}

void serve_spot_went(struct serve_spot *p, int well, double now)
{
	p->probing = 0;
	if (well) {
		p->failures = 0;
		return;
	}
	p->failures++;
	if (p->failures >= BREAKER_FAILURES)
		p->closed_until = now + BREAKER_SECONDS;
}

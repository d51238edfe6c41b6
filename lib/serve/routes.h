/* routes: the routes file: which names clients may ask for, which targets answer, with what weight, and
 * who stands in for whom.
 *
 * A JSON file (ft-serve(1), ROUTES), read whole and checked strictly: unknown members, twin names,
 * weights and shares that add up to nothing and circles of fallbacks are refused in words. Nothing
 * changes once it was read; another reading gives another struct routes.
 *
 * The choice is weighted rendezvous hashing (Thaler and Ravishankar 1998; with weights, Schindelhauer and
 * Schomaker 2005): each target draws -ln(u)/weight with u from a hash of the sticky value and the
 * target's name, and the least wins. So when a target's share grows, values move to it from others
 * and none moves away from it, whatever order the file has.
 */
#ifndef FT_SERVE_ROUTES_H
#define FT_SERVE_ROUTES_H

#include <stddef.h>
#include <stdint.h>
#include "../json/json.h"
#include "../json/path.h"
#include "../text/prune.h"
#include "redact.h"

#define ROUTES_MAX_BYTES ((size_t)4 << 20)

enum routes_key {
	ROUTES_KEY_CLIENT, /* the client's own key goes along */
	ROUTES_KEY_NONE,   /* none does */
	ROUTES_KEY_OWN	   /* that of `key` */
};

struct routes_target {
	char *name;
	char *model;  /* what the target is asked for; NULL: what the client asked for */
	char *url;    /* base URL, or NULL: a local model */
	char *origin; /* scheme://host:port of url */
	char *adapter, *quantize;
	enum routes_key whose;
	char *key;	    /* secret; NULL where whose is another */
	double timeout;	    /* seconds to the first byte; 0: the program's */
	struct prune prune; /* taken out of messages */
};

struct routes_pick {
	size_t target; /* place in routes.targets */
	double share;  /* weight of a target, share of a shadow; of a fallback nothing */
};

struct routes_list {
	struct routes_pick *v;
	size_t n, cap;
};

struct route {
	char *name;
	struct routes_list targets, fallback, shadow; /* fallback: routes named there resolved */
	struct path *sticky_path;		      /* into the body, or NULL */
	char *sticky_header;			      /* or NULL */
	struct redact *redact;			      /* NULL: nothing is taken out */
	double log;				      /* share of calls that are written down */
};

struct routes {
	struct routes_target *targets;
	size_t n_targets, cap_targets;
	struct route *routes;
	size_t n, cap;
	long fallback_route; /* `default`: the place of the route that takes any name, or -1 */
	char *keys;	     /* file of the clients' keys, or NULL */
	char hash[17];	     /* of the file's canonical text */
	int any_name;	     /* of routes_single: the client's model name is passed on as it is */
};

/* NULL with the reason, which begins with the file's name and the place in it. Files that it names
 * are relative to it. */
struct routes *routes_read(const char *path, struct err *e);
/* One route, "default", to one target: url or local model, whichever is not NULL. sticky (as in the file)
 * may be NULL; redact too, and is taken over. */
struct routes *routes_single(const char *url, const char *model, const char *adapter,
			     const char *quantize, const char *sticky, struct redact *redact,
			     struct err *e);
void routes_free(struct routes *r);

/* Whether a key, the client's or its own, goes to the target over plain http to another machine. */
int routes_target_is_exposed(const struct routes_target *t);

/* The route for the model name of a request; NULL where there is none for it. */
const struct route *routes_find(const struct routes *r, struct span model);

/* The target for a sticky value: a place in route->targets, never one of weight 0. */
size_t routes_choose(const struct routes *r, const struct route *route, struct span sticky);

/* Whether a shadow of this share takes the call with that sticky value, decided apart from the choice of
 * the target and of other shadows. Raising the share adds calls and takes none away. */
int routes_shadows(const struct routes *r, const struct routes_pick *shadow, struct span id);

/* The path of a request as clients write it (raw, "/v1/chat/completions?x=y") at a target's URL,
 * appended. */
void routes_url(const char *base, const char *path, struct buf *url);

#endif

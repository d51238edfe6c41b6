/* retry: which failures are worth another attempt, when, and the loop that makes it (api.c, where
 * many requests wait at once, has its own queue in place of the loop).
 *
 * Follows what the providers' own clients do: 408, 409, 429 and 5xx, dropped connections and
 * timeouts are repeated; an `x-should-retry: true|false` header overrules the status;
 * `retry-after-ms`, then `retry-after` (seconds or an HTTP date) say how long to wait, otherwise
 * the wait doubles from half a second to eight, less up to a quarter of it at random so that
 * clients do not march in step.
 */
#ifndef FT_NET_RETRY_H
#define FT_NET_RETRY_H

#include "../base/rng.h"
#include "http.h"

/* Whether the answer (or the failure to get one) may turn out otherwise next time. */
int retry_worth(const struct http_response *r);

/* Seconds that the server asks to wait; NaN where it does not say. A date is measured against the
 * server's own clock (its Date header) where it gives one. now: seconds since 1970. */
double retry_after(const struct http_response *r, double now);

/* Seconds to wait before attempt n + 1 where the server does not say; n >= 1 were made. */
double retry_backoff(int n, struct rng *rng);

/* Whether the request may have been carried out although no answer says so. */
int retry_unsure(const struct http_response *r);

/* Sleeps, no longer than until stopping (may be NULL) says so; returns what it says. */
int retry_pause(double seconds, int (*stopping)(void));

struct retry {
	int most;	       /* repeated attempts */
	int accept;	       /* a status that is no failure, besides those below 400 */
	int once;	       /* not after a failure that is retry_unsure */
	int (*stopping)(void); /* may be NULL */
	struct rng *rng;
	void (*before)(struct http_request *q); /* each attempt; may be NULL */
};

/* http_fetch, repeated while that is worth it. 1 where it was told to stop on the way. */
int retry_fetch(const struct retry *t, struct http *h, struct http_request *q,
		struct http_response *r, struct err *e);

#endif

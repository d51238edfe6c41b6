/* retry: which failures are worth another attempt, and when.
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

#endif

/* rate: how fast one may ask. A token bucket for requests and tokens a minute, and the window of
 * requests in flight that gives way to a server that says 429.
 *
 * The window follows TCP's additive increase and multiplicative decrease (Chiu and Jain 1989): a
 * 429 halves it, at most once for all requests that were in flight together; each success adds
 * 1/window back, so a whole window of successes adds one. Errors of the server (5xx) never shrink
 * it. Times are seconds on the monotonic clock.
 */
#ifndef FT_NET_RATE_H
#define FT_NET_RATE_H

#include "http.h"

struct bucket {
	double rate;  /* per second; 0: no limit */
	double burst; /* most that may be taken at once */
	double level, last;
};

/* per_minute 0: no limit. A bucket starts with what six seconds give (at least one), so that a run
 * does not begin with a minute's burst. */
void bucket_init(struct bucket *b, double per_minute, double now);
/* Seconds until `need` may be taken; 0: now. A need beyond the burst waits for a full bucket, then
 * goes into debt. */
double bucket_wait(struct bucket *b, double need, double now);
void bucket_take(struct bucket *b, double need); /* negative gives back */

struct window {
	double size, most;
	double cut; /* when it was last halved */
};

void window_init(struct window *w, int most);
int window_size(const struct window *w); /* at least 1 */
void window_success(struct window *w);
/* started: of the request that was refused */
void window_throttled(struct window *w, double started, double now);

/* Seconds for which the server's x-ratelimit-* (or anthropic-ratelimit-*) headers ask everyone to
 * pause: nothing remains until the reset. 0: none. At most a minute, for a wrong header must not
 * stop a run. now: seconds since 1970. */
double rate_pause(const struct http_response *r, double now);

#endif

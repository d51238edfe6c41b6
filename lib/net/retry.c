/* retry: see retry.h. */
#include <curl/curl.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "../base/progress.h"
#include "retry.h"

#define FIRST_WAIT 0.5
#define LONGEST_WAIT 8.0
#define PIECE 0.05 /* of a pause, before stopping is asked again */

int retry_worth(const struct http_response *r)
{
	struct span say;

	switch (r->failure) {
	case HTTP_DONE:
		break;
	case HTTP_NO_CONNECT:
	case HTTP_TIMEOUT:
	case HTTP_DROPPED:
		return 1;
	default:
		return 0;
	}
	say = http_header(r, "x-should-retry");
	if (span_is(say, "true"))
		return 1;
	if (span_is(say, "false"))
		return 0;
	return r->status == 408 || r->status == 409 || r->status == 429 || r->status >= 500;
}

/* A number that is the whole header; NaN otherwise. */
static double header_number(struct span v)
{
	char text[64], *end;
	double x;

	if (!v.s || !v.n || v.n >= sizeof text)
		return NAN;
	memcpy(text, v.s, v.n);
	text[v.n] = 0;
	if (strspn(text, "0123456789.") != v.n)
		return NAN;
	x = strtod(text, &end);
	return *end ? NAN : x;
}

static double header_date(struct span v)
{
	char text[64];
	time_t t;

	if (!v.s || v.n >= sizeof text)
		return NAN;
	memcpy(text, v.s, v.n);
	text[v.n] = 0;
	t = curl_getdate(text, NULL);
	return t == (time_t)-1 ? NAN : (double)t;
}

double retry_after(const struct http_response *r, double now)
{
	struct span v = http_header(r, "retry-after");
	double x = header_number(http_header(r, "retry-after-ms")), date;

	if (!isnan(x))
		return x / 1000;
	x = header_number(v);
	if (!isnan(x))
		return x;
	x = header_date(v);
	if (isnan(x))
		return NAN;
	date = header_date(http_header(r, "date"));
	return fmax(0, x - (isnan(date) ? now : date));
}

double retry_backoff(int n, struct rng *rng)
{
	double wait = n > 8 ? LONGEST_WAIT : fmin(LONGEST_WAIT, FIRST_WAIT * exp2(n - 1));

	return wait * (1 - 0.25 * rng_uniform(rng));
}

int retry_unsure(const struct http_response *r)
{
	return r->failure == HTTP_DONE ? r->status >= 500 || r->status == 408
				       : r->failure == HTTP_TIMEOUT || r->failure == HTTP_DROPPED ||
						 r->failure == HTTP_BROKEN;
}

int retry_pause(double seconds, int (*stopping)(void))
{
	double end = progress_clock() + seconds, left;

	while ((left = end - progress_clock()) > 0 && !(stopping && stopping()))
		nanosleep(&(struct timespec){0, (long)(fmin(left, PIECE) * 1e9)}, NULL);
	return stopping && stopping();
}

int retry_fetch(const struct retry *t, struct http *h, struct http_request *q,
		struct http_response *r, struct err *e)
{
	for (int n = 1;; n++) {
		double wait;

		if (t->before)
			t->before(q);
		if (http_fetch(h, q, r, t->stopping, e))
			return -1;
		if (t->stopping && t->stopping() && r->failure == HTTP_CANCELLED)
			return 1;
		if ((r->failure == HTTP_DONE && (r->status < 400 || r->status == t->accept)) ||
		    n > t->most || !retry_worth(r) || (t->once && retry_unsure(r)))
			return 0;
		wait = retry_after(r, (double)time(NULL));
		if (retry_pause(isnan(wait) ? retry_backoff(n, t->rng) : wait, t->stopping))
			return 1;
	}
}

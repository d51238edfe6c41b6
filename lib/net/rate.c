/* rate: buckets and window are plain arithmetic on times that the caller passes in, so that tests
 * need no clock. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "rate.h"

#define LONGEST_PAUSE 60.0

void bucket_init(struct bucket *b, double per_minute, double now)
{
	b->rate = per_minute / 60;
	b->burst = fmax(1, per_minute / 10);
	b->level = b->burst;
	b->last = now;
}

double bucket_wait(struct bucket *b, double need, double now)
{
	if (b->rate <= 0)
		return 0;
	b->level = fmin(b->burst, b->level + (now - b->last) * b->rate);
	b->last = now;
	need = fmin(need, b->burst);
	/* A thousandth of slack: levels are sums of rounded products. */
	return b->level >= need * 0.999 ? 0 : (need - b->level) / b->rate;
}

void bucket_take(struct bucket *b, double need)
{
	if (b->rate > 0)
		b->level = fmin(b->burst, b->level - need);
}

void window_init(struct window *w, int most)
{
	w->size = w->most = most < 1 ? 1 : most;
	w->cut = -INFINITY;
}

int window_size(const struct window *w)
{
	return w->size < 1 ? 1 : (int)w->size;
}

void window_success(struct window *w)
{
	w->size = fmin(w->most, w->size + 1 / w->size);
}

void window_throttled(struct window *w, double started, double now)
{
	if (started < w->cut)
		return;
	w->size = fmax(1, w->size / 2);
	w->cut = now;
}

/* "1s", "6m0s", "20ms", "1h2m3.5s"; a bare number is seconds, or a time of day in seconds or
 * milliseconds since 1970 where it is too large for a wait; an RFC 3339 time (Anthropic) is
 * measured against now. NaN otherwise. */
static double reset_seconds(struct span v, double now)
{
	char text[64], *p = text;
	double sum = 0;
	struct tm tm = {0};

	if (!v.s || !v.n || v.n >= sizeof text)
		return NAN;
	memcpy(text, v.s, v.n);
	text[v.n] = 0;
	if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
		   &tm.tm_hour, &tm.tm_min, &tm.tm_sec) == 6) {
		tm.tm_year -= 1900;
		tm.tm_mon -= 1;
		return fmax(0, (double)timegm(&tm) - now);
	}
	while (*p) {
		char *end;
		double x;

		if (!strchr("0123456789.", *p))
			return NAN;
		x = strtod(p, &end);
		if (end == p)
			return NAN;
		if (strncmp(end, "ms", 2) == 0)
			x /= 1000, end += 2;
		else if (*end == 'h')
			x *= 3600, end++;
		else if (*end == 'm')
			x *= 60, end++;
		else if (*end == 's')
			end++;
		else if (*end)
			return NAN;
		sum += x;
		p = end;
	}
	if (sum > 1e9)
		sum = fmax(0, sum / (sum > 1e11 ? 1000 : 1) - now);
	return sum;
}

double rate_pause(const struct http_response *r, double now)
{
	static const struct {
		const char *remaining, *reset;
	} headers[] = {
		{"x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"},
		{"x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"},
		{"anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-requests-reset"},
		{"anthropic-ratelimit-tokens-remaining", "anthropic-ratelimit-tokens-reset"},
		{"anthropic-ratelimit-input-tokens-remaining",
		 "anthropic-ratelimit-input-tokens-reset"},
		{"anthropic-ratelimit-output-tokens-remaining",
		 "anthropic-ratelimit-output-tokens-reset"},
		{"x-ratelimit-remaining", "x-ratelimit-reset"}, /* Together, OpenRouter */
	};
	double pause = 0;

	for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
		if (span_is(http_header(r, headers[i].remaining), "0")) {
			double x = reset_seconds(http_header(r, headers[i].reset), now);

			if (!isnan(x))
				pause = fmax(pause, x);
		}
	return fmin(pause, LONGEST_PAUSE);
}

/* meter: what happened since the start, as Prometheus reads it
 * (prometheus.io/docs/instrumenting/exposition_formats).
 */
#ifndef FT_SERVE_METER_H
#define FT_SERVE_METER_H

#include "../base/buf.h"

enum { METER_BUCKETS = 12 };

struct meter_times {
	unsigned long long bucket[METER_BUCKETS + 1], n;
	double sum;
};

/* Of one target of a route. */
struct meter_row {
	char *route, *target;
	unsigned long long calls[6]; /* by the first digit of the status; 0: no answer */
	unsigned long long fallback; /* calls that this target passed on to another */
	unsigned long long shadow_answered, shadow_failed, shadow_dropped;
	double prompt_tokens, completion_tokens, cost;
	struct meter_times latency, ttft;
};

enum meter_count {
	METER_RECORDS,
	METER_LOST,
	METER_KEPT_OUT,
	METER_GONE,
	METER_UNKNOWN_KEY,
	METER_UNKNOWN_MODEL,
	METER_TOO_LARGE,
	METER_BUSY,
	METER_FEEDBACK,
	METER_RELOADS,
	METER_BAD_RELOADS,
	METER_UNPRUNED,
	METER_COUNTS
};

struct meter {
	unsigned long long count[METER_COUNTS];
	struct meter_row *rows;
	size_t n, cap;
};

void meter_release(struct meter *m);
/* The row, made where it is missing; valid until the next call. */
struct meter_row *meter_row(struct meter *m, const char *route, const char *target);
/* Adds a time in seconds; NaN is none. */
void meter_time(struct meter_times *t, double seconds);

/* Appends all; meter_gauge adds what only the caller knows. label and value may be NULL. */
void meter_text(const struct meter *m, struct buf *b);
void meter_gauge(struct buf *b, const char *name, const char *help, const char *label,
		 const char *value, double x);

#endif

/* meter: see meter.h. */
#include "meter.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"

static const double bounds[METER_BUCKETS] = {0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
					     1,	   2.5,	  5,	10,  30,   120};

static const struct {
	const char *name, *help;
} counts[METER_COUNTS] = {
	[METER_RECORDS] = {"records", "Records written"},
	[METER_LOST] = {"records_lost", "Records that could not be written"},
	[METER_KEPT_OUT] = {"kept_out",
			    "Calls that their clients or the route's share kept out of the log"},
	[METER_GONE] = {"clients_gone", "Calls whose client went away before the end"},
	[METER_UNKNOWN_KEY] = {"refused_keys", "Requests without a key that is known"},
	[METER_UNKNOWN_MODEL] = {"refused_models", "Requests for a model that no route has"},
	[METER_TOO_LARGE] = {"refused_sizes", "Requests that were too large"},
	[METER_BUSY] = {"refused_busy", "Requests that came while too much was in flight"},
	[METER_FEEDBACK] = {"feedback", "Feedback taken"},
	[METER_RELOADS] = {"reloads", "Times that the routes were read again"},
	[METER_BAD_RELOADS] = {"reloads_refused", "Times that they were not taken"},
	[METER_UNPRUNED] = {"unpruned", "Requests in which a text to prune was not found"},
};

void meter_release(struct meter *m)
{
	for (size_t i = 0; i < m->n; i++) {
		free(m->rows[i].route);
		free(m->rows[i].target);
	}
	free(m->rows);
	memset(m, 0, sizeof *m);
}

struct meter_row *meter_row(struct meter *m, const char *route, const char *target)
{
	for (size_t i = 0; i < m->n; i++)
		if (strcmp(m->rows[i].route, route) == 0 && strcmp(m->rows[i].target, target) == 0)
			return &m->rows[i];
	m->rows = mem_grow(m->rows, &m->cap, m->n + 1, sizeof *m->rows);
	memset(&m->rows[m->n], 0, sizeof *m->rows);
	m->rows[m->n].route = mem_strdup(route);
	m->rows[m->n].target = mem_strdup(target);
	return &m->rows[m->n++];
}

void meter_time(struct meter_times *t, double seconds)
{
	size_t i = 0;

	if (isnan(seconds))
		return;
	while (i < METER_BUCKETS && seconds > bounds[i])
		i++;
	t->bucket[i]++;
	t->n++;
	t->sum += seconds;
}

static void put_label(struct buf *b, const char *name, const char *value)
{
	buf_addf(b, "%s=\"", name);
	for (; value && *value; value++)
		if (*value == '\n')
			buf_adds(b, "\\n");
		else
			buf_addf(b, "%s%c", *value == '"' || *value == '\\' ? "\\" : "", *value);
	buf_addc(b, '"');
}

static void put_head(struct buf *b, const char *name, const char *kind, const char *help)
{
	buf_addf(b, "# HELP ft_serve_%s %s.\n# TYPE ft_serve_%s %s\n", name, help, name, kind);
}

/* A sample's name and its labels up to those of its own; more: one follows. */
static void put_name(struct buf *b, const char *name, const struct meter_row *r, const char *label,
		     const char *value)
{
	buf_addf(b, "ft_serve_%s{", name);
	put_label(b, "route", r->route);
	buf_addc(b, ',');
	put_label(b, "target", r->target);
	if (label) {
		buf_addc(b, ',');
		put_label(b, label, value);
	}
	buf_adds(b, "} ");
}

static void put_times(struct buf *b, const struct meter *m, const char *name, const char *help,
		      size_t offset)
{
	char part[64], bound[32];

	put_head(b, name, "histogram", help);
	for (size_t i = 0; i < m->n; i++) {
		const struct meter_times *t = (const void *)((const char *)&m->rows[i] + offset);
		unsigned long long sum = 0;

		if (!t->n)
			continue;
		snprintf(part, sizeof part, "%s_bucket", name);
		for (size_t k = 0; k <= METER_BUCKETS; k++) {
			sum += t->bucket[k];
			if (k < METER_BUCKETS)
				snprintf(bound, sizeof bound, "%g", bounds[k]);
			put_name(b, part, &m->rows[i], "le", k < METER_BUCKETS ? bound : "+Inf");
			buf_addf(b, "%llu\n", sum);
		}
		snprintf(part, sizeof part, "%s_sum", name);
		put_name(b, part, &m->rows[i], NULL, NULL);
		buf_addf(b, "%.6f\n", t->sum);
		snprintf(part, sizeof part, "%s_count", name);
		put_name(b, part, &m->rows[i], NULL, NULL);
		buf_addf(b, "%llu\n", t->n);
	}
}

static void put_calls(struct buf *b, const struct meter *m)
{
	static const char *const classes[] = {"none", "1xx", "2xx", "3xx", "4xx", "5xx"};

	put_head(b, "calls_total", "counter", "Answers by target and status");
	for (size_t i = 0; i < m->n; i++)
		for (size_t k = 0; k < 6; k++)
			if (m->rows[i].calls[k]) {
				put_name(b, "calls_total", &m->rows[i], "status", classes[k]);
				buf_addf(b, "%llu\n", m->rows[i].calls[k]);
			}
	put_head(b, "fallbacks_total", "counter",
		 "Calls that another target took over from this one");
	for (size_t i = 0; i < m->n; i++)
		if (m->rows[i].fallback) {
			put_name(b, "fallbacks_total", &m->rows[i], NULL, NULL);
			buf_addf(b, "%llu\n", m->rows[i].fallback);
		}
	put_head(b, "shadows_total", "counter", "Shadow calls by target and what became of them");
	for (size_t i = 0; i < m->n; i++) {
		const struct meter_row *r = &m->rows[i];
		const struct {
			const char *how;
			unsigned long long n;
		} ends[] = {{"answered", r->shadow_answered},
			    {"failed", r->shadow_failed},
			    {"dropped", r->shadow_dropped}};

		for (size_t k = 0; k < 3; k++)
			if (ends[k].n) {
				put_name(b, "shadows_total", r, "outcome", ends[k].how);
				buf_addf(b, "%llu\n", ends[k].n);
			}
	}
}

static void put_sums(struct buf *b, const struct meter *m)
{
	put_head(b, "tokens_total", "counter", "Tokens that answers reported");
	for (size_t i = 0; i < m->n; i++) {
		if (m->rows[i].prompt_tokens > 0) {
			put_name(b, "tokens_total", &m->rows[i], "kind", "prompt");
			buf_addf(b, "%.0f\n", m->rows[i].prompt_tokens);
		}
		if (m->rows[i].completion_tokens > 0) {
			put_name(b, "tokens_total", &m->rows[i], "kind", "completion");
			buf_addf(b, "%.0f\n", m->rows[i].completion_tokens);
		}
	}
	put_head(b, "cost_dollars_total", "counter", "What answers cost, where prices are known");
	for (size_t i = 0; i < m->n; i++)
		if (m->rows[i].cost > 0) {
			put_name(b, "cost_dollars_total", &m->rows[i], NULL, NULL);
			buf_addf(b, "%.9g\n", m->rows[i].cost);
		}
}

void meter_text(const struct meter *m, struct buf *b)
{
	char name[64];

	for (size_t i = 0; i < METER_COUNTS; i++) {
		snprintf(name, sizeof name, "%s_total", counts[i].name);
		put_head(b, name, "counter", counts[i].help);
		buf_addf(b, "ft_serve_%s %llu\n", name, m->count[i]);
	}
	put_calls(b, m);
	put_sums(b, m);
	put_times(b, m, "latency_seconds", "From the request to the end of its answer",
		  offsetof(struct meter_row, latency));
	put_times(b, m, "ttft_seconds", "From the request to the first text of its answer",
		  offsetof(struct meter_row, ttft));
}

void meter_gauge(struct buf *b, const char *name, const char *help, const char *label,
		 const char *value, double x)
{
	if (help)
		put_head(b, name, "gauge", help);
	buf_addf(b, "ft_serve_%s", name);
	if (label) {
		buf_addc(b, '{');
		put_label(b, label, value);
		buf_addc(b, '}');
	}
	buf_addf(b, " %.17g\n", x);
}

/* summary: what a run came to: counts, tokens, money, latencies, and the same foreseen for a dry
 * run. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../base/visible.h"
#include "ask_impl.h"

static void count_error(struct ask_totals *t, const struct backend_answer *an)
{
	size_t most = sizeof t->by_type / sizeof *t->by_type, i = 0;
	struct ask_error_count *c;

	t->errors++;
	while (i < most - 1 && t->by_type[i].n &&
	       (strcmp(t->by_type[i].type, an->error_type) != 0 ||
		t->by_type[i].status != an->error_status))
		i++;
	c = &t->by_type[i];
	if (!c->n++) {
		memcpy(c->type, an->error_type, sizeof c->type);
		c->status = an->error_status;
		if (an->error_message.data)
			strncpy(c->example, an->error_message.data, sizeof c->example - 1);
	}
}

static void count_latency(struct ask_totals *t, double x)
{
	size_t most = sizeof t->latencies / sizeof *t->latencies;
	double step;

	if (isnan(x))
		return;
	step = x > 1e-4 ? log(x / 1e-4) / log(1.02) : 0;
	t->latencies[step < (double)(most - 1) ? (size_t)step : most - 1]++;
}

/* Quantile of the latencies, within 1 %; NaN without any. */
static double latency(const struct ask_totals *t, double q)
{
	size_t most = sizeof t->latencies / sizeof *t->latencies, n = 0, seen = 0;

	for (size_t i = 0; i < most; i++)
		n += t->latencies[i];
	for (size_t i = 0; i < most; i++) {
		seen += t->latencies[i];
		if (n && (double)seen >= q * (double)n)
			return 1e-4 * pow(1.02, (double)i + 0.5);
	}
	return NAN;
}

void ask_count(struct ask *a, const struct backend_answer *an)
{
	struct ask_totals *t = &a->totals;
	struct dialect_usage u;

	t->attempts += (size_t)an->attempts;
	if (an->error_type[0]) {
		count_error(t, an);
		return;
	}
	t->answers++;
	count_latency(t, an->latency);
	if (an->cached) {
		t->cached++;
		return;
	}
	dialect_usage(buf_span(&an->usage), &u);
	if (u.prompt < 0 || u.completion < 0)
		t->no_usage++;
	t->odd_usage += u.odd != 0;
	t->prompt_tokens += u.prompt > 0 ? (double)u.prompt : 0;
	t->completion_tokens += u.completion > 0 ? (double)u.completion : 0;
	t->cached_tokens += u.cached > 0 ? (double)u.cached : 0;
	t->reasoning_tokens += u.reasoning > 0 ? (double)u.reasoning : 0;
	if (isnan(an->cost))
		t->no_cost++;
	else
		t->cost += an->cost;
}

void ask_count_row(struct ask *a, int failed)
{
	a->totals.rows++;
	a->totals.failed += failed != 0;
}

const struct ask_totals *ask_totals(const struct ask *a)
{
	return &a->totals;
}

void ask_foresee(struct ask *a, struct span body)
{
	struct ask_totals *t = &a->totals;
	/* A local model tells the tokens themselves; text has about four bytes for each. */
	double in = a->backend.local ? (double)json_count(json_member(body, "ids"))
				     : (double)body.n / 4;
	char *model = dialect_asked(body, a->backend.model);
	long long most =
		a->params.max_tokens ? a->params.max_tokens : prices_max_output(a->prices, model);
	struct dialect_usage u;

	t->foreseen++;
	t->foreseen_in += in;
	t->foreseen_out += (double)most;
	dialect_usage((struct span){NULL, 0}, &u);
	u.prompt = (long long)in;
	u.completion = 0;
	t->foreseen_low += prices_cost(a->prices, model, 0, &u);
	u.completion = most;
	t->foreseen_high += prices_cost(a->prices, model, 0, &u);
	free(model);
}

void ask_note(const struct ask *a, char *note, size_t size)
{
	const struct ask_totals *t = &a->totals;
	char cached[48] = "", cost[48] = "";

	if (t->cached)
		snprintf(cached, sizeof cached, ", %zu from the cache", t->cached);
	if (t->answers - t->cached > t->no_cost)
		snprintf(cost, sizeof cost, ", $%.4f", t->cost);
	snprintf(note, size, "%zu error%s%s%s", t->failed, t->failed == 1 ? "" : "s", cached, cost);
}

static void say_estimate(const struct ask *a, struct buf *text)
{
	const struct ask_totals *t = &a->totals;

	buf_addf(text, "%zu requests with %s%.0f tokens in", t->foreseen,
		 a->backend.local ? "" : "about ", t->foreseen_in);
	if (t->foreseen_out > 0)
		buf_addf(text, ", at most %.0f out", t->foreseen_out);
	if (a->backend.local)
		return;
	if (isnan(t->foreseen_low))
		buf_adds(text, "\ncost: unknown (give --prices)");
	else if (t->foreseen_out > 0)
		buf_addf(text,
			 "\ncost: about $%.4f for what goes in, at most $%.4f with what comes out",
			 t->foreseen_low, t->foreseen_high);
	else
		buf_addf(text,
			 "\ncost: about $%.4f for what goes in; give --max-tokens for a limit of the rest",
			 t->foreseen_low);
}

static void put_count(struct buf *text, size_t n, const char *what)
{
	buf_addf(text, "%zu %s%s", n, what, n == 1 ? "" : "s");
}

static void say_cost(const struct ask *a, struct buf *text)
{
	const struct ask_totals *t = &a->totals;

	if (t->no_cost == t->answers - t->cached)
		buf_adds(text, a->prices ? "\ncost: unknown" : "\ncost: unknown (give --prices)");
	else
		buf_addf(text, t->cost > 0 && t->cost < 1e-4 ? "\ncost: $%.3g" : "\ncost: $%.6f",
			 t->cost);
	if (t->no_cost && t->no_cost < t->answers - t->cached)
		buf_addf(text, " and unknown for %zu answers", t->no_cost);
}

void ask_summary(const struct ask *a, struct buf *text)
{
	const struct ask_totals *t = &a->totals;
	/* Of a local model nobody asks what it costs unless an hour has a price. */
	int priced = !a->backend.local || !isnan(a->second);
	size_t most = sizeof t->by_type / sizeof *t->by_type;

	if (!t->rows && !t->unwritten) {
		if (t->foreseen)
			say_estimate(a, text);
		return;
	}
	put_count(text, t->rows, "row");
	/* Answers joined from a batch took a time that nobody measured. */
	if (t->seconds > 0)
		buf_addf(text, " in %.1f s", t->seconds);
	buf_adds(text, ": ");
	put_count(text, t->answers, "answer");
	if (t->cached)
		buf_addf(text, " (%zu from the cache)", t->cached);
	buf_adds(text, ", ");
	put_count(text, t->errors, "error");
	buf_adds(text, ", ");
	put_count(text, t->attempts, "request");
	if (t->unwritten)
		buf_addf(text, "\nstopped: %zu in hand were given up and not written",
			 t->unwritten);
	for (size_t i = 0; i < most && t->by_type[i].n; i++) {
		buf_addf(text, "\n%s", t->by_type[i].type);
		if (t->by_type[i].status)
			buf_addf(text, " %d", t->by_type[i].status);
		buf_addf(text, ": %zu, such as: ", t->by_type[i].n);
		visible_put(text, span_of(t->by_type[i].example), "");
	}
	if (t->answers > t->cached) {
		buf_addf(text, "\ntokens: %.0f in", t->prompt_tokens);
		if (t->cached_tokens > 0)
			buf_addf(text, " (%.0f cached)", t->cached_tokens);
		buf_addf(text, ", %.0f out", t->completion_tokens);
		if (t->reasoning_tokens > 0)
			buf_addf(text, " (%.0f reasoning)", t->reasoning_tokens);
		if (t->no_usage)
			buf_addf(text, "; unknown for %zu answers", t->no_usage);
		if (priced)
			say_cost(a, text);
		if (t->odd_usage)
			buf_addf(text,
				 "\nusage: the counts of %zu answer%s contradict each other: what is not stated there of the cost is unknown",
				 t->odd_usage, t->odd_usage == 1 ? "" : "s");
	}
	if (!isnan(latency(t, 0.5)))
		buf_addf(text, "\nlatency: p50 %.3g s, p95 %.3g s, p99 %.3g s", latency(t, 0.5),
			 latency(t, 0.95), latency(t, 0.99));
	if (a->backend.remark)
		a->backend.remark(a->backend.self, text);
}

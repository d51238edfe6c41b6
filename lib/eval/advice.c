/* advice: see advice.h. */
#include "advice.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../stats/tally.h"

double advice_cost(const struct group *g)
{
	return g->cost.n > 0 && g->cost_unknown == 0 ? tally_mean(&g->cost) : NAN;
}

double advice_latency(const struct group *g)
{
	size_t n;
	struct tally_bin *sorted = tally_sorted(&g->latency, &n);
	double x = tally_quantile(sorted, n, g->latency.n, .5);

	free(sorted);
	return x;
}

/* Groups for which nothing is decided (the earlier run) are not up for choice. */
static int is_candidate(const struct group *g, const struct decided *d, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (d[i].g == g)
			return 1;
	return 0;
}

static int meets_all(const struct group *g, const struct decided *d, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (d[i].g == g && d[i].verdict != VERDICT_MET)
			return 0;
	return 1;
}

const struct group *advice_cheapest(const struct board *b, const struct decided *d, size_t n,
				    int *unknown)
{
	const struct group *best = NULL;

	*unknown = 1;
	for (size_t i = 0; i < b->n_groups; i++) {
		const struct group *g = b->groups + i;
		double cost = advice_cost(g);

		if (isnan(cost) || !is_candidate(g, d, n))
			continue;
		*unknown = 0;
		if (!meets_all(g, d, n))
			continue;
		if (!best || cost < advice_cost(best) ||
		    (cost == advice_cost(best) && advice_latency(g) < advice_latency(best)))
			best = g;
	}
	return best;
}

int advice_is_pareto(const struct board *b, const struct group *g)
{
	double quality = board_score(b, g, 0).value, cost = advice_cost(g),
	       latency = advice_latency(g);

	for (size_t i = 0; i < b->n_groups; i++) {
		const struct group *h = b->groups + i;
		double q = board_score(b, h, 0).value, c = advice_cost(h), l = advice_latency(h);

		/* Comparisons with what is not known are false, so they neither win nor lose. */
		if (h != g && !(q < quality) && !(c > cost) && !(l > latency) &&
		    (q > quality || c < cost || l < latency))
			return 0;
	}
	return 1;
}

double advice_break_even(const struct group *a, const struct group *b, double train_cost)
{
	double saved = advice_cost(a) - advice_cost(b);

	return saved > 0 ? ceil(train_cost / saved) : NAN;
}

/* A requirement of quality: on a check's figure, from below. */
static int is_quality(const struct board *b, const struct decided *d)
{
	if (d->r->relation != AT_LEAST && d->r->relation != ABOVE)
		return 0;
	return d->metric < b->n_metrics;
}

enum advice advice_of(const struct board *b, const struct decided *d, size_t n,
		      const struct group **of)
{
	enum advice best = ADVICE_NONE;

	for (size_t i = 0; i < b->n_groups; i++) {
		int missed = 0, undecided = 0, quality_missed = 0, far = 0, quality = 0;
		enum advice own;

		for (size_t k = 0; k < n; k++) {
			int is = d[k].g == b->groups + i && is_quality(b, d + k);

			if (d[k].g != b->groups + i)
				continue;
			quality |= is;
			missed |= d[k].verdict == VERDICT_MISSED;
			undecided |= d[k].verdict == VERDICT_INCONCLUSIVE;
			quality_missed |= is && d[k].verdict == VERDICT_MISSED;
			far |= is && d[k].verdict == VERDICT_MISSED &&
			       !(d[k].value.value >= ADVICE_HALF * d[k].r->bound);
		}
		if (!quality)
			continue;
		own = far	       ? ADVICE_NOT_YET
		      : quality_missed ? ADVICE_FINE_TUNE
		      : missed	       ? ADVICE_SMALLER
		      : undecided      ? ADVICE_UNDECIDED
				       : ADVICE_ENOUGH;
		/* They are listed from the best case to the worst. */
		if (best == ADVICE_NONE || own < best) {
			best = own;
			*of = b->groups + i;
		}
	}
	return best;
}

static const char *const texts[] = {
	[ADVICE_NONE] = "",
	[ADVICE_ENOUGH] =
		"every requirement is met; where prompting got there, prompting is enough: there is nothing to fine-tune for",
	[ADVICE_UNDECIDED] =
		"not decided: no requirement is missed, but these rows are too few to tell; evaluate more of them",
	[ADVICE_FINE_TUNE] =
		"worth fine-tuning: the task is possible (at least half of what is required is reached); of a model that is tuned already: worth more and better rows",
	[ADVICE_SMALLER] =
		"worth fine-tuning: the quality is there, but not at this latency or cost; a smaller tuned model may have both",
	[ADVICE_NOT_YET] =
		"not yet shown to be possible: less than half of what is required is reached; look at prompt, data and references first",
};

/* Answers that a requirement on `exact` lost to white space or the order of members. */
static uint64_t same_json(const struct board *b, const struct decided *d, size_t n,
			  const struct group *g)
{
	uint64_t most = 0;

	for (size_t i = 0; i < n; i++)
		if (d[i].g == g && is_quality(b, d + i) && d[i].verdict != VERDICT_MET &&
		    g->cells[d[i].metric].same_json > most)
			most = g->cells[d[i].metric].same_json;
	return most;
}

void advice_write(const struct board *b, const struct decided *d, size_t n, struct buf *text)
{
	const struct group *g = NULL;
	enum advice a = advice_of(b, d, n, &g);
	uint64_t lost;

	if (a == ADVICE_NONE)
		return;
	if (strcmp(g->label, "{}") != 0) {
		board_label(g, text);
		buf_adds(text, ": ");
	}
	lost = same_json(b, d, n, g);
	if (lost > 0)
		buf_addf(text,
			 "look at the check first: %" PRIu64
			 " answers that `exact` calls wrong equal their references as JSON, which -c json compares; by `exact`: ",
			 lost);
	buf_adds(text, texts[a]);
}

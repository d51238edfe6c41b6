/* advice: see advice.h. */
#include "advice.h"

#include <math.h>
#include <stdlib.h>
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
	struct interval v;
	size_t metric;

	if (d->r->relation != AT_LEAST && d->r->relation != ABOVE)
		return 0;
	return board_figure(b, d->g, d->r->figure, &v, &metric, NULL) == 0 && metric < b->n_metrics;
}

enum advice advice_of(const struct board *b, const struct decided *d, size_t n)
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
		if (best == ADVICE_NONE || own < best)
			best = own;
	}
	return best;
}

const char *advice_text(enum advice a)
{
	switch (a) {
	case ADVICE_ENOUGH:
		return "prompting is enough: every requirement is met, so there is nothing to fine-tune for";
	case ADVICE_UNDECIDED:
		return "not decided: no requirement is missed, but these rows are too few to tell; evaluate more of them";
	case ADVICE_FINE_TUNE:
		return "worth fine-tuning: the task is possible (at least half of what is required is reached), but prompting does not reach it";
	case ADVICE_SMALLER:
		return "worth fine-tuning: the quality is there, but not at this latency or cost; a smaller tuned model may have both";
	case ADVICE_NOT_YET:
		return "not yet shown to be possible: less than half of what is required is reached; look at prompt, data and references first";
	default:
		return "";
	}
}

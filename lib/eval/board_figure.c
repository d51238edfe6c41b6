/* board_figure: figures read from the groups' tallies. See board.h. */
#include "board.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../stats/betting.h"
#include "../stats/power.h"

struct interval board_rate(const struct board *b, double k, double n)
{
	return b->sequential ? betting_rate(k, n, b->level) : interval_wilson(k, n, b->level);
}

struct interval board_score(const struct board *b, const struct group *g, size_t metric)
{
	const struct tally *t = &g->cells[metric].scores;
	double sd = tally_sd(t);

	if (t->n == 0)
		return (struct interval){NAN, NAN, NAN};
	if (b->sequential)
		return betting_mean(t, 0, 1, b->level);
	if (board_is_clustered(b) && g->clusters.n < g->n)
		return interval_unit(clusters_mean(&g->clusters, metric,
						   b->boot.resamples > 0 ? &b->boot : NULL,
						   b->level));
	if (tally_is_binary(t))
		return interval_wilson((double)tally_count(t, 1), (double)t->n, b->level);
	if (sd < INTERVAL_CONSTANT)
		return interval_constant(tally_mean(t), (double)t->n, 0, 1, b->level);
	if (b->boot.resamples > 0)
		return boot_mean(t, &b->boot);
	return interval_unit(interval_t(tally_mean(t), sd, (double)t->n, b->level));
}

static struct interval mean_of(const struct tally *t, double level)
{
	return interval_t(tally_mean(t), tally_sd(t), (double)t->n, level);
}

static struct interval quantile_of(const struct tally *t, double q, double level)
{
	struct interval v = {NAN, NAN, NAN};
	size_t n;
	struct tally_bin *sorted = tally_sorted(t, &n);

	v.value = tally_quantile(sorted, n, t->n, q);
	tally_quantile_interval(sorted, n, t->n, q, level, &v.lo, &v.hi);
	free(sorted);
	return v;
}

/* pass@K or pass^K. */
static int pass_figure(const char *name, int *k)
{
	char *end;
	long n;

	if (strncmp(name, "pass@", 5) != 0 && strncmp(name, "pass^", 5) != 0)
		return 0;
	n = strtol(name + 5, &end, 10);
	if (*end || n < 1 || n > 1000000)
		return 0;
	*k = (int)n;
	return 1;
}

void board_pass_of(struct board *b, const char *figure)
{
	const char *rest = strrchr(figure, '.');
	int k;

	if (!rest || !pass_figure(rest + 1, &k) || b->n_pass_at == BOARD_PASS_AT)
		return;
	for (size_t i = 0; i < b->n_pass_at; i++)
		if (b->pass_at[i] == k)
			return;
	b->pass_at[b->n_pass_at++] = k;
}

struct interval board_pass(const struct board *b, const struct group *g, size_t metric, int k,
			   int all, uint64_t *too_few)
{
	size_t n;
	struct interval v = clusters_pass(&g->clusters, metric, k, all, b->level, &n);

	*too_few = clusters_scored(&g->clusters, metric) - n;
	return v;
}

/* CHECK.majority, CHECK.pass@K, CHECK.pass^K. */
static int sampled_figure(const struct board *b, const struct group *g, size_t metric,
			  const char *name, struct interval *v, uint64_t *too_few)
{
	int k;

	if (!board_is_clustered(b))
		return -1;
	if (strcmp(name, "majority") == 0) {
		*v = clusters_majority(&g->clusters, metric, b->level);
		return 0;
	}
	if (!pass_figure(name, &k))
		return -1;
	*v = board_pass(b, g, metric, k, name[4] == '^', too_few);
	return 0;
}

int board_usage(const struct board *b, const struct group *g, const char *name, struct interval *v)
{
	const struct {
		const char *name;
		const struct tally *tally;
		double q; /* 0: the mean */
	} figures[] = {{"latency.p50", &g->latency, .5},
		       {"latency.p95", &g->latency, .95},
		       {"latency.p99", &g->latency, .99},
		       {"latency.mean", &g->latency, 0},
		       {"tokens.prompt", &g->prompt_tokens, 0},
		       {"tokens.completion", &g->completion_tokens, 0},
		       {"tokens.total", &g->total_tokens, 0}};
	int total = strcmp(name, "cost.total") == 0;

	for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
		if (strcmp(name, figures[i].name) == 0) {
			*v = figures[i].q > 0
				     ? quantile_of(figures[i].tally, figures[i].q, b->level)
				     : mean_of(figures[i].tally, b->level);
			return 0;
		}
	if (strcmp(name, "errors") == 0) {
		*v = board_rate(b, (double)g->errors, (double)g->n);
		return 0;
	}
	if (!total && strcmp(name, "cost.per_1k") != 0)
		return -1;
	*v = (struct interval){NAN, NAN, NAN};
	if (g->cost_unknown > 0 || g->cost.n == 0)
		return 0;
	if (total) {
		v->value = v->lo = v->hi = tally_sum(&g->cost);
	} else {
		*v = mean_of(&g->cost, b->level);
		v->value *= 1000;
		v->lo *= 1000;
		v->hi *= 1000;
	}
	return 0;
}

static int no_figure(const struct board *b, const char *name, struct err *e)
{
	struct buf known = BUF_INIT;

	for (size_t i = 0; i < b->n_metrics; i++)
		buf_addf(&known, "%s, ", board_metric_name(b, i));
	err_set(e,
		"there is no figure '%.100s'; there are %slatency.p50, latency.p95, latency.p99, latency.mean, tokens.prompt, "
		"tokens.completion, tokens.total, cost.total, cost.per_1k, errors",
		name, known.len > 0 ? known.data : "");
	buf_release(&known);
	return -1;
}

int board_figure(const struct board *b, const struct group *g, const char *name, struct interval *v,
		 size_t *metric, uint64_t *too_few, struct err *e)
{
	const struct field *f;

	*metric = b->n_metrics;
	*too_few = 0;
	for (size_t i = 0; i < b->n_metrics; i++) {
		const char *metric_name = board_metric_name(b, i);
		size_t n = strlen(metric_name);

		if (strncmp(name, metric_name, n) != 0 || (name[n] && name[n] != '.'))
			continue;
		*metric = i;
		if (!name[n]) {
			*v = board_score(b, g, i);
			return 0;
		}
		if (sampled_figure(b, g, i, name + n + 1, v, too_few) == 0)
			return 0;
		f = fields_named(&g->cells[i].fields, name + n + 1);
		if (f) {
			*v = board_rate(b, (double)f->right, (double)f->rows);
			return 0;
		}
	}
	*metric = b->n_metrics;
	return board_usage(b, g, name, v) == 0 ? 0 : no_figure(b, name, e);
}

/* The same for k of n. */
static double rate_rows(const struct board *b, uint64_t k, uint64_t n, double bound)
{
	if (b->sequential)
		return betting_rate_rows((double)k, (double)n, bound, b->level);
	return n > 0 && bound > 0 && bound < 1
		       ? power_rate_rows((double)k / (double)n, bound, b->level, BOARD_POWER)
		       : NAN;
}

/* The same for values from 0 to 1. */
static double mean_rows(const struct board *b, const struct tally *t, double bound)
{
	double sd = tally_sd(t);

	if (b->sequential)
		return betting_rows(t, 0, 1, bound, b->level);
	if (tally_is_binary(t))
		return rate_rows(b, tally_count(t, 1), t->n, bound);
	return sd < INTERVAL_CONSTANT
		       ? NAN
		       : power_mean_rows(tally_mean(t) - bound, sd, b->level, BOARD_POWER);
}

double board_rows(const struct board *b, const struct group *g, const char *name, size_t metric,
		  double bound)
{
	const struct field *f;

	if (metric == b->n_metrics)
		return strcmp(name, "errors") == 0 ? rate_rows(b, g->errors, g->n, bound) : NAN;
	if (!b->sequential && board_is_clustered(b) && g->clusters.n < g->n)
		return NAN;
	name += strlen(board_metric_name(b, metric));
	if (!*name) {
		const struct tally *t = &g->cells[metric].scores;

		return mean_rows(b, t, bound) / (double)t->n * (double)g->n;
	}
	f = fields_named(&g->cells[metric].fields, name + 1);
	return f ? rate_rows(b, f->right, f->rows, bound) / (double)f->rows * (double)g->n : NAN;
}

int board_may_have(const struct board *b, const char *name, struct err *e)
{
	static const struct group empty;
	struct interval v;

	for (size_t i = 0; i < b->n_metrics; i++) {
		const char *metric = board_metric_name(b, i), *rest = name + strlen(metric);
		int k;

		if (strncmp(name, metric, strlen(metric)) != 0 || (*rest && *rest != '.'))
			continue;
		if (!*rest || board_has_fields(b, i))
			return 0;
		if (!b->sequential && (strcmp(rest, ".majority") == 0 || pass_figure(rest + 1, &k)))
			return 0;
	}
	if (b->sequential && strcmp(name, "errors") != 0)
		return err_set(e,
			       "--sequential bounds rates and scores: checks, their fields and errors, not '%.100s'",
			       name);
	return board_usage(b, &empty, name, &v) == 0 ? 0 : no_figure(b, name, e);
}

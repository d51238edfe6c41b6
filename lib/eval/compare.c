/* compare: pairing and the paired tests. See compare.h. */
#include "compare.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../stats/betting.h"
#include "../stats/cluster.h"
#include "../stats/dist.h"
#include "../stats/multiple.h"
#include "../stats/paired.h"
#include "../stats/power.h"

void comparisons_release(struct comparisons *c)
{
	free(c->v);
	memset(c, 0, sizeof *c);
}

/* Rows of `of` that `in` lacks, counted; the first few named. */
static size_t list_missing(const struct group *of, const struct group *in, struct buf *names)
{
	size_t missing = 0;

	for (size_t i = 0; i < of->n_rows; i++) {
		if (board_partner(in, of, i) != SIZE_MAX || missing++ >= 5)
			continue;
		buf_addf(names, "%s", missing > 1 ? ", " : "");
		buf_addspan(names, board_row_id(of, i));
		if (of->rows[i].sample > 0)
			buf_addf(names, " (sample %" PRId64 ")", of->rows[i].sample);
	}
	if (missing > 5)
		buf_adds(names, ", ...");
	return missing;
}

static int refuse_mismatch(const struct group *a, const struct group *b, int may_lack,
			   struct err *e)
{
	struct buf of_a = BUF_INIT, of_b = BUF_INIT;
	size_t not_in_b = list_missing(a, b, &of_a), not_in_a = list_missing(b, a, &of_b);
	int bad = not_in_a > 0 || (not_in_b > 0 && !may_lack);

	if (bad)
		err_set(e,
			"'%.100s' and '%.100s' do not hold the same rows: %zu of the first are missing in the second%s%.300s, %zu of the second in "
			"the first%s%.300s",
			a->side, b->side, not_in_b, not_in_b > 0 ? " - " : "",
			not_in_b > 0 ? of_a.data : "", not_in_a, not_in_a > 0 ? " - " : "",
			not_in_a > 0 ? of_b.data : "");
	buf_release(&of_a);
	buf_release(&of_b);
	return bad ? -1 : 0;
}

static int refuse_unscored(const struct board *b, const struct group *g, struct err *e)
{
	for (size_t m = 0; m < b->n_metrics; m++)
		if (g->cells[m].unscored > 0 && b->unscored == UNSCORED_KEEP)
			return err_set(e,
				       "%" PRIu64 " of %" PRIu64
				       " rows of '%.100s' could not be scored by %s (first: %s); say --errors fail (they are "
				       "wrong) or --errors drop (they are left out of the pairs)",
				       g->cells[m].unscored, g->n, g->side, board_metric_name(b, m),
				       g->cells[m].first);
	return 0;
}

/* What so many pairs could have shown, and how many the difference found would need; not known
 * where the pairs did not vary. */
static void plan(struct comparison *c, double sd, int binary, double level)
{
	double discordant = (double)(c->wins + c->losses) / (double)c->n;

	if (binary) {
		c->detectable =
			power_paired_rate_difference((double)c->n, discordant, level, BOARD_POWER);
		c->rows_needed =
			power_paired_rate_rows(c->diff.value, discordant, level, BOARD_POWER);
	} else if (!(sd < INTERVAL_CONSTANT)) {
		c->detectable = power_mean_difference((double)c->n, sd, level, BOARD_POWER);
		c->rows_needed = power_mean_rows(c->diff.value, sd, level, BOARD_POWER);
	}
}

/* Differences summed by the baseline's clusters. Returns the standard deviation that as many pairs
 * of their own would need to have the same standard error; NaN where it is not known. */
static double clustered(const struct board *b, const struct group *base, const double *differences,
			struct comparison *c)
{
	size_t n = 0;
	double *sum = mem_alloc(2 * base->clusters.n, sizeof *sum), *size = sum + base->clusters.n,
	       df, se;

	for (size_t i = 0; i < base->n_rows; i++) {
		if (isnan(differences[i]))
			continue;
		sum[base->rows[i].cluster] += differences[i];
		size[base->rows[i].cluster]++;
	}
	for (size_t g = 0; g < base->clusters.n; g++) {
		if (size[g] == 0)
			continue;
		sum[n] = sum[g];
		size[n++] = size[g];
	}
	c->test = "clustered-t";
	c->diff = cluster_bounded_mean(sum, size, n, -1, 1, b->level);
	df = (double)n - 1;
	/* Clusters that do not vary have bounds of another kind, and no standard error. */
	se = n > 1 && !cluster_is_constant(sum, size, n)
		     ? (c->diff.hi - c->diff.value) / dist_t_quantile((1 + b->level) / 2, df)
		     : NAN;
	c->p = isnan(se) ? interval_constant_p(c->diff.value, cluster_worth(size, n), -1, 1)
			 : fmin(1, 2 * dist_t_sf(fabs(c->diff.value) / se, df));
	free(sum);
	return se * sqrt((double)c->n);
}

static struct comparison compare_pair(const struct board *b, const struct group *base,
				      const struct group *other, size_t metric)
{
	struct comparison c = {.metric = metric,
			       .a = base,
			       .b = other,
			       .detectable = NAN,
			       .rows_needed = NAN};
	struct tally differences = {0};
	double *each = mem_alloc(base->n_rows, sizeof *each);
	double sd;
	int binary = 1;

	for (size_t i = 0; i < base->n_rows; i++) {
		size_t partner = board_partner(other, base, i);
		double x = base->scores[i * b->n_metrics + metric];
		double y =
			partner == SIZE_MAX ? NAN : other->scores[partner * b->n_metrics + metric];

		each[i] = y - x;
		if (isnan(x) || isnan(y))
			continue;
		c.n++;
		c.wins += y > x;
		c.losses += y < x;
		c.ties += y == x;
		binary &= (x == 0 || x == 1) && (y == 0 || y == 1);
		tally_add(&differences, y - x);
	}
	c.p = NAN;
	sd = tally_sd(&differences);
	if (b->sequential) {
		double margin = b->run ? b->margin : 0;

		c.test = "betting";
		c.diff = betting_mean(&differences, -1, 1, b->level);
		c.p = betting_p(&differences, -1, 1, -margin);
		c.rows_needed = betting_rows(&differences, -1, 1, -margin, b->level);
	} else if (board_is_clustered(b) && base->clusters.n < base->n) {
		sd = clustered(b, base, each, &c);
		binary = 0;
	} else if (binary) {
		c.test = "mcnemar";
		c.diff = paired_rate((double)c.wins, (double)c.losses, (double)c.n, b->level);
		if (c.n > 0)
			c.p = paired_mcnemar((double)c.wins, (double)c.losses);
	} else if (b->boot.resamples > 0 && !(sd < INTERVAL_CONSTANT)) {
		c.test = "permutation";
		c.diff = boot_mean(&differences, &b->boot);
		c.p = boot_signs(&differences, b->boot.resamples, b->boot.seed);
	} else {
		c.test = "paired-t";
		c.diff = paired_t(&differences, b->level, &c.p);
	}
	if (c.n > 0 && !b->sequential)
		plan(&c, sd, binary, b->level);
	tally_release(&differences);
	free(each);
	return c;
}

/* Holm over the comparisons from..n-1 of one metric, or (any) of all. */
static void adjust(struct comparisons *c, size_t from, size_t metric, int any)
{
	double *p = mem_alloc(c->n - from, sizeof *p);
	size_t n = 0;

	for (size_t i = from; i < c->n; i++)
		if (any || c->v[i].metric == metric)
			p[n++] = c->v[i].p;
	multiple_holm(p, n, p);
	n = 0;
	for (size_t i = from; i < c->n; i++)
		if (any || c->v[i].metric == metric)
			c->v[i].p_adj = p[n++];
	free(p);
}

/* Two runs: whether anything got worse is one question, whatever the number of checks and groups, so
 * one alpha is shared by all. */
static void judge(const struct board *b, struct comparisons *c)
{
	adjust(c, 0, 0, 1);
	for (size_t i = 0; i < c->n; i++) {
		struct comparison *x = c->v + i;

		if (x->diff.value < -b->margin && x->p_adj <= 1 - b->level)
			x->verdict = VERDICT_MISSED;
		else if (b->sequential && !(x->diff.lo > -b->margin))
			x->verdict = VERDICT_INCONCLUSIVE;
		else
			x->verdict = VERDICT_MET;
	}
}

double compare_more(const struct comparison *c)
{
	return fmax(0, ceil(c->rows_needed) - (double)c->n);
}

/* Groups in a field of their own: those that share g's other by-values. */
static const struct group *baseline_of(const struct board *b, const struct group *g,
				       const char *baseline)
{
	for (size_t i = 0; i < b->n_groups; i++)
		if (strcmp(b->groups[i].within, g->within) == 0 &&
		    (!baseline || strcmp(b->groups[i].side, baseline) == 0))
			return b->groups + i;
	return NULL;
}

static int compare_within(const struct board *b, const struct group *base, struct comparisons *c,
			  struct err *e)
{
	size_t from = c->n, others = 0;

	if (refuse_unscored(b, base, e))
		return -1;
	for (size_t i = 0; i < b->n_groups; i++) {
		const struct group *other = b->groups + i;

		if (other == base || strcmp(other->within, base->within) != 0)
			continue;
		others++;
		if (refuse_mismatch(base, other, b->sequential && b->run, e) ||
		    refuse_unscored(b, other, e))
			return -1;
		for (size_t m = 0; m < b->n_metrics; m++) {
			c->v = mem_grow(c->v, &c->cap, c->n + 1, sizeof *c->v);
			c->v[c->n++] = compare_pair(b, base, other, m);
		}
	}
	if (others == 0)
		return err_set(e, "nothing to compare: '%s' is the only value of %s%s%s",
			       base->side, b->compare ? path_text(b->compare) : "the run",
			       b->n_by > 0 ? " in group " : "", b->n_by > 0 ? base->within : "");
	for (size_t m = 0; m < b->n_metrics; m++)
		adjust(c, from, m, 0);
	return 0;
}

int compare_groups(const struct board *b, const char *baseline, struct comparisons *c,
		   struct err *e)
{
	if (b->n_groups == 0)
		return err_set(e, "nothing to compare: there are no records");
	for (size_t i = 0; i < b->n_groups; i++) {
		const struct group *g = b->groups + i, *base = baseline_of(b, g, baseline);
		int done = 0;

		if (!base)
			return err_set(e, "no group has the value '%s' at %s%s%s", baseline,
				       b->compare ? path_text(b->compare) : "the run",
				       b->n_by > 0 ? " within " : "", b->n_by > 0 ? g->within : "");
		for (size_t j = 0; j < i; j++)
			done |= strcmp(b->groups[j].within, g->within) == 0;
		if (!done && compare_within(b, base, c, e))
			return -1;
	}
	if (b->run)
		judge(b, c);
	return 0;
}

/* clusters: see clusters.h. */
#include "clusters.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../stats/cluster.h"
#include "../stats/tally.h"
#include "../text/hash.h"

void clusters_release(struct clusters *c)
{
	free(c->sum);
	free(c->size);
	free(c->passed);
	free(c->votes);
	free(c->vote_scores);
	free(c->first_vote);
	free(c->questions);
	map_release(&c->index);
	map_release(&c->vote_index);
	memset(c, 0, sizeof *c);
}

static size_t cluster_of(struct clusters *c, uint64_t key)
{
	int added;
	size_t g = (size_t)*map_put(&c->index, key, c->n, &added);

	if (!added)
		return g;
	c->sum = mem_grow(c->sum, &c->sum_cap, (g + 1) * c->metrics, sizeof *c->sum);
	c->size = mem_grow(c->size, &c->size_cap, (g + 1) * c->metrics, sizeof *c->size);
	c->first_vote = mem_grow(c->first_vote, &c->first_cap, g + 1, sizeof *c->first_vote);
	c->passed = mem_grow(c->passed, &c->passed_cap, (g + 1) * c->metrics, sizeof *c->passed);
	memset(c->passed + g * c->metrics, 0, c->metrics * sizeof *c->passed);
	memset(c->sum + g * c->metrics, 0, c->metrics * sizeof *c->sum);
	memset(c->size + g * c->metrics, 0, c->metrics * sizeof *c->size);
	c->first_vote[g] = 0;
	c->n++;
	return g;
}

size_t clusters_add(struct clusters *c, uint64_t key, const double *scores, uint64_t question,
		    uint64_t output)
{
	size_t clusters = c->n, g = cluster_of(c, key), v;
	int added;

	c->questions = mem_grow(c->questions, &c->questions_cap, c->n, sizeof *c->questions);
	if (g == clusters)
		c->questions[g] = question;
	else if (c->questions[g] == question)
		c->repeated = 1;
	else
		c->mixed = 1;

	for (size_t m = 0; m < c->metrics; m++)
		if (!isnan(scores[m])) {
			c->sum[g * c->metrics + m] += scores[m];
			c->size[g * c->metrics + m]++;
			c->passed[g * c->metrics + m] += scores[m] >= 1;
		}
	v = (size_t)*map_put(&c->vote_index, hash_mix(output, g), c->n_votes, &added);
	if (added) {
		c->votes = mem_grow(c->votes, &c->votes_cap, v + 1, sizeof *c->votes);
		c->vote_scores = mem_grow(c->vote_scores, &c->vote_scores_cap, (v + 1) * c->metrics,
					  sizeof *c->vote_scores);
		c->votes[v] = (struct vote){g, c->first_vote[g], 0};
		c->first_vote[g] = v + 1;
		memcpy(c->vote_scores + v * c->metrics, scores, c->metrics * sizeof *scores);
		c->n_votes++;
	}
	c->votes[v].n++;
	return g;
}

struct interval clusters_mean(const struct clusters *c, size_t metric, const struct boot *boot,
			      double level)
{
	double *sum = mem_alloc(2 * c->n, sizeof *sum), *size = sum + c->n;
	struct interval v;
	size_t n = 0;

	for (size_t g = 0; g < c->n; g++) {
		if (c->size[g * c->metrics + metric] == 0)
			continue;
		sum[n] = c->sum[g * c->metrics + metric];
		size[n++] = c->size[g * c->metrics + metric];
	}
	/* Draws of clusters that are all alike say nothing. */
	v = boot && !cluster_is_constant(sum, size, n)
		    ? boot_clusters(sum, size, n, boot)
		    : cluster_bounded_mean(sum, size, n, 0, 1, level);
	free(sum);
	return v;
}

/* The mean of one figure a cluster, each from 0 to 1; a rate by Wilson where all are 0 or 1. */
static struct interval mean_of(struct tally *t, double level)
{
	double mean = tally_mean(t), sd = tally_sd(t), n = (double)t->n;
	struct interval v;

	if (t->n > 0 && tally_is_binary(t))
		v = interval_wilson((double)tally_count(t, 1), n, level);
	else if (sd < INTERVAL_CONSTANT)
		v = interval_constant(mean, n, 0, 1, level);
	else
		v = interval_unit(interval_t(mean, sd, n, level));
	tally_release(t);
	return v;
}

size_t clusters_scored(const struct clusters *c, size_t metric)
{
	size_t n = 0;

	for (size_t g = 0; g < c->n; g++)
		n += c->size[g * c->metrics + metric] > 0;
	return n;
}

struct interval clusters_pass(const struct clusters *c, size_t metric, int k, int all, double level,
			      size_t *n)
{
	struct tally t = {0};

	for (size_t g = 0; g < c->n; g++) {
		double size = c->size[g * c->metrics + metric],
		       passed = c->passed[g * c->metrics + metric];

		if (size >= k)
			tally_add(&t, all ? cluster_pass_all(size, passed, k)
					  : cluster_pass_at(size, passed, k));
	}
	*n = (size_t)t.n;
	return mean_of(&t, level);
}

int clusters_vote(const struct clusters *c)
{
	return c->repeated && !c->mixed;
}

struct interval clusters_majority(const struct clusters *c, size_t metric, double level)
{
	struct tally t = {0};

	if (!clusters_vote(c))
		return (struct interval){NAN, NAN, NAN};

	for (size_t g = 0; g < c->n; g++) {
		double sum = 0, tied = 0;
		uint64_t most = 0;

		for (size_t v = c->first_vote[g]; v > 0; v = c->votes[v - 1].next) {
			double score = c->vote_scores[(v - 1) * c->metrics + metric];

			if (isnan(score) || c->votes[v - 1].n < most)
				continue;
			if (c->votes[v - 1].n > most)
				sum = tied = 0;
			most = c->votes[v - 1].n;
			sum += score;
			tied++;
		}
		if (tied > 0)
			tally_add(&t, sum / tied);
	}
	return mean_of(&t, level);
}

/* clusters: scores summed by cluster, for intervals that know which rows belong together, and what
 * several samples of one input give.
 *
 * Memory is some bytes a cluster and metric, and, where votes are kept, a different output.
 */
#ifndef FT_EVAL_CLUSTERS_H
#define FT_EVAL_CLUSTERS_H

#include <stddef.h>
#include <stdint.h>
#include "../base/map.h"
#include "../stats/boot.h"
#include "../stats/interval.h"

struct vote {
	size_t cluster, next; /* next vote of the cluster + 1, 0 for none */
	uint64_t n;
};

/* A zeroed struct with metrics set is empty and valid. */
struct clusters {
	size_t metrics, n;
	double *sum, *size, *passed; /* n x metrics; passed: rows that scored 1 */
	struct map index;	     /* by key of the cluster */
	struct vote *votes;
	double *vote_scores; /* votes x metrics */
	size_t *first_vote;  /* n: vote + 1 */
	/* Whether rows of one cluster ask the same: then its answers can be put to the vote. */
	int repeated, mixed;
	size_t n_votes;
	/* private */
	uint64_t *questions; /* n: of its first row */
	size_t sum_cap, size_cap, passed_cap, votes_cap, vote_scores_cap, first_cap, questions_cap;
	struct map vote_index;
};

void clusters_release(struct clusters *c);

/* A row of the cluster with this key; scores may be NaN. question and output are the hashes of what was
 * asked and answered. Returns the number of the cluster. */
size_t clusters_add(struct clusters *c, uint64_t key, const double *scores, uint64_t question,
		    uint64_t output);

/* Whether the answers of a cluster are answers to one question, and some cluster has several: else no
 * majority means anything, as of a customer's different questions. */
int clusters_vote(const struct clusters *c);

/* Mean over rows with a clustered interval: bootstrap where boot is given, else by the ratio's
 * standard error. */
struct interval clusters_mean(const struct clusters *c, size_t metric, const struct boot *boot,
			      double level);

/* Clusters in which a row was scored. */
size_t clusters_scored(const struct clusters *c, size_t metric);

/* Over clusters: at least one (all = 0) or each (all = 1) of k samples passes (scores 1). Clusters
 * with fewer than k samples are left out; *n counts the others. */
struct interval clusters_pass(const struct clusters *c, size_t metric, int k, int all, double level,
			      size_t *n);

/* Over clusters: the score of the answer given most often (ties: their mean). NaN where clusters_vote
 * is 0. */
struct interval clusters_majority(const struct clusters *c, size_t metric, double level);

#endif

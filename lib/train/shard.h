/* shard: which of the trained values a rank adds up and updates (ranks.h), and when the gradients of
 * each are final in a backward pass. ZeRO's second stage (Rajbhandari et al. 2020, arXiv 1910.02054):
 * weights are whole on every rank, gradients and the optimiser's moments are divided among them.
 *
 * A backward pass goes through stages: 0 is the head, 1 the top layer, and so on down to the lowest,
 * and the last one is the embedding. The trained values, in the table's order, are cut into buckets:
 * neighbours that are begun and final at the same stages, so that they travel together while the
 * layers below are computed. A bucket is cut into units of SHARD_UNIT values at most, and of each unit
 * a rank has the part that ranks_cut says.
 */
#ifndef FT_TRAIN_SHARD_H
#define FT_TRAIN_SHARD_H

#include <stddef.h>
#include "../model/model.h"
#include "../nn/adamw.h"
#include "ranks.h"

#define SHARD_UNIT ((size_t)1 << 20)

struct shard_bucket {
	size_t at, n;	    /* of all values */
	size_t first, last; /* stage before which nothing is added; after which all is */
	size_t unit, units;
};

struct shard {
	size_t ranks;
	size_t values, own; /* in all; this rank's */
	struct shard_bucket *buckets;
	struct ranks_span *units; /* of all values */
	struct adamw_run *parts; /* of each unit: this rank's, among all values and among its own */
	size_t n_buckets, n_units, cap_buckets, cap_units, cap_parts;
	size_t stages;
	size_t held; /* values of whole buckets in memory at once, those that travel included */
};

/* What is trained must be chosen. No rank needs to be there: a rank of many can be asked about. */
void shard_init(struct shard *s, const struct model *m, size_t rank, size_t ranks);
/* With buckets of about `good` values. */
void shard_init_fine(struct shard *s, const struct model *m, size_t rank, size_t ranks,
		     size_t good);
void shard_release(struct shard *s);

/* Bytes that gradients and the optimiser's moments take on this rank. */
size_t shard_bytes(const struct shard *s);

/* Bytes that this rank sends in a step of that many backward passes: of each unit the others' parts of
 * its gradients to those that own them, once a pass; then its own updated values to each of the others. With P values
 * on N ranks and G passes that is 4 P (G + 1) (N - 1) / N. */
double shard_sent(const struct shard *s, size_t passes);

#endif

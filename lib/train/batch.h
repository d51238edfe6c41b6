/* batch: which examples make a step, in which order, and how they are laid into packs.
 *
 * Everything here is a function of the seed, the epoch and the examples' lengths alone, so a run
 * can be taken up at any step and gives the same packs on any number of threads.
 */
#ifndef FT_TRAIN_BATCH_H
#define FT_TRAIN_BATCH_H

#include <stddef.h>
#include <stdint.h>

/* The order of one epoch: order[i] is an example, and batch b is order[b * size .. ) with size
 * examples, fewer in the last one. Examples are drawn without replacement (Fisher-Yates from stream
 * `epoch` of the seed). */
struct batch_order {
	size_t *order;
	size_t n, size;
};

void batch_order_init(struct batch_order *o, size_t examples, size_t size);
void batch_order_release(struct batch_order *o);
void batch_order_epoch(struct batch_order *o, uint64_t seed, uint64_t epoch);
size_t batch_order_batches(const struct batch_order *o);
/* Examples of batch b; *n receives their number. Borrowed until the next epoch. */
const size_t *batch_order_at(const struct batch_order *o, size_t b, size_t *n);

/* Packs of whole examples: pack p holds place[first[p]] .. place[first[p + 1] - 1], places in the
 * batch. */
struct batch_packs {
	size_t *place; /* [examples] */
	size_t *first; /* [packs + 1] */
	size_t packs;
	size_t cap_place, cap_first;
	size_t *scratch;
	size_t cap_scratch;
};

#define BATCH_PACK_TOKENS 512 /* a pack is about this long; one example may be longer */

/* Lays n examples (indices into length[]) into about ceil(tokens / BATCH_PACK_TOKENS) packs of
 * similar size: longest first, each into the emptiest pack (Graham 1969, LPT). Inside a pack
 * examples keep their order. */
void batch_pack(struct batch_packs *b, const size_t *examples, size_t n, const uint32_t *length);
void batch_packs_release(struct batch_packs *b);

#endif

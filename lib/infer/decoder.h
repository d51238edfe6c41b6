/* decoder: one pass of a model over the next tokens of many sequences.
 *
 * A decoder holds the weights packed for few rows (nn/pack.h) and the scratch of one pass. An
 * adapter is merged into the weights in f32 before they are rounded, as ft-export writes them; or
 * it is left beside them in f32, as it is where a server puts adapters over one base. The rows of a
 * step may be prompts being read and answers being written, mixed: each row is one token at its
 * position, and its sequence's keys and values stand in the pages it names.
 *
 * A row's logits are the same bytes whatever other rows stand in the step, whatever was cached, and
 * for any number of threads.
 */
#ifndef FT_INFER_DECODER_H
#define FT_INFER_DECODER_H

#include <stddef.h>
#include <stdint.h>
#include "../base/err.h"
#include "../base/pool.h"
#include "../model/model.h"
#include "kvcache.h"

struct decoder;

/* type: f32, bf16, q8_0 or q4_0, or f16 for "as the file has them". unmerged: the model's adapter
 * (not DoRA) stays beside the weights. model and pool are borrowed; max_rows bounds a step. The
 * model must not be changed while the decoder lives. */
int decoder_new(struct decoder **d, const struct model *m, enum nn_type type, int unmerged,
		size_t max_rows, struct pool *pool, struct err *e);
void decoder_free(struct decoder *d);
size_t decoder_max_rows(const struct decoder *d);

struct decoder_row {
	int32_t id;
	uint32_t position;
	const uint32_t *pages; /* of the sequence, position / KVCACHE_PAGE + 1 of them at least */
	int logits;	       /* which row of the result it gets, or -1 */
	uint32_t state;	       /* the sequence's own, where the model has such (kvcache.h) */
	int filed;	       /* its keys and values stand in the page already */
	int is_long;	       /* its sequence has the angles of long ones (config_is_long) */
};

/* Rows of one sequence must be in order of position, everything before them computed earlier or
 * standing before them in this step. Those of one state stand side by side, and it goes on from what
 * it knows to the last of them. Sequences that share pages go fastest side by side. logits
 * [number of rows with logits >= 0][vocab], numbered from 0 in the order of rows. */
void decoder_step(struct decoder *d, struct kvcache *kv, const struct decoder_row *rows, size_t n,
		  float *logits);

#endif

/* estimate: what a run would take, before it is begun.
 */
#ifndef FT_TRAIN_ESTIMATE_H
#define FT_TRAIN_ESTIMATE_H

#include "../base/buf.h"
#include "../base/err.h"
#include "loop.h"

/* Appends one JSON object: rows, tokens, steps; memory in bytes by what it is for, on this run's ranks
 * and on 1 to 64, with what each sends in a step; operations, and
 * the time of one step as measured here on one batch, taken over all steps. Nothing of the model is
 * changed. t needs model, work, pool, train and spec. */
int estimate_run(const struct loop *t, size_t memory, struct buf *out, struct err *e);

#endif

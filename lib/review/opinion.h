/* opinion: what a model on this machine thinks of the references.
 *
 * Every row gets the loss of its reference, the mean of -log p over its tokens, the one that ends
 * the turn included. Where the references are labels (few, and each found often), it also gets the
 * probability of each label that is not negligible, which is what confident learning wants.
 *
 * Two passes: opinion_count sees every row and learns what the labels are; opinion_add and
 * opinion_flush give the rows back in order, each with
 *
 *	"review": {"loss": 0.41, "probs": {"billing": 0.83, "delivery": 0.12}}
 *
 * (loss null where the row has no reference or cannot be put to the model; no probs where the
 * references are no labels).
 */
#ifndef FT_REVIEW_OPINION_H
#define FT_REVIEW_OPINION_H

#include "../base/err.h"
#include "../base/pool.h"
#include "../chat/chat.h"
#include "../json/record.h"

struct opinion;

/* As ft-prompt names models. adapter may be NULL. The pool is borrowed. */
int opinion_new(struct opinion **out, const char *model, const char *adapter, struct pool *pool,
		struct err *e);
void opinion_free(struct opinion *o);

void opinion_count(struct opinion *o, const struct record *r);

/* Called with each finished line, no newline at its end. */
typedef void opinion_done(void *arg, struct span line);
void opinion_add(struct opinion *o, const struct record *r, opinion_done *done, void *arg);
void opinion_flush(struct opinion *o, opinion_done *done, void *arg);

/* What to say once all rows are through, for remark 0 to OPINION_REMARKS - 1, appended; nothing where
 * there is nothing to say: how many labels the references are (0), how many rows could not be put to
 * the model and why the first could not, and which parts of rows the chat template left out
 * (chat_lost). */
#define OPINION_REMARKS (2 + CHAT_PARTS)
void opinion_remark(const struct opinion *o, int remark, struct buf *text);

#endif

/* pair: two answers to one input, judged blind.
 *
 * A pair row holds `a` and `b`, each with its `output` and mostly its `model` (ft-jsonl(5)). A person sees
 * the two texts beside each other, without whose they are, and which of them stands first follows from a
 * seed; the verdict is kept in the row's own terms.
 */
#ifndef FT_REVIEW_PAIR_H
#define FT_REVIEW_PAIR_H

#include <stdint.h>
#include "../base/err.h"
#include "../json/record.h"

int pair_is(const struct record *r);

/* The text of side "a" or "b", appended. */
void pair_text(const struct record *r, const char *side, struct buf *text);
/* Whose it is, appended; the side's own name where the row does not say. */
void pair_model(const struct record *r, const char *side, struct buf *name);

/* 32 hex digits and a NUL over the input and the two models, whichever is a; and over these and both
 * answers. Where the models have the same name only a and b tell the answers apart, and their order counts. */
int pair_key(const struct record *r, char key[33], struct err *e);
int pair_hash(const struct record *r, char hash[33], struct err *e);

/* Whether b is shown first. */
int pair_swapped(const char *key, const char *who, uint64_t seed);

/* The record as a person may see it: what was asked, the reference and the id; nothing that tells
 * whose an answer is, and neither of the two. Appended. */
int pair_shown(const struct record *r, struct buf *json);

/* An assistant's turn that says what the side does, its tool calls as calls, in an array. */
void pair_turn(const struct record *r, const char *side, struct buf *json);

#endif

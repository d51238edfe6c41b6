/* subject: what a verdict is about: the input and the reference of a row, and nothing else of it. How
 * an answer came (latency, cost, cached), what the row weighs and what other programs noted on it may
 * come, change and go, and the verdict stands.
 */
#ifndef FT_REVIEW_SUBJECT_H
#define FT_REVIEW_SUBJECT_H

#include "../base/err.h"
#include "../json/record.h"

/* What a row is known by, 32 hex digits and a NUL: its input key, of a pair row (pair.h) that of the input
 * and the two models. */
int subject_key(const struct record *r, char key[33], struct err *e);

/* Hash of the input and the reference (the final assistant message less its `weight`, `ideal`,
 * `completion`), or of the input and the two answers of a pair. */
int subject_hash(const struct record *r, char hash[33], struct err *e);

/* The same as 0.1.0 took it, for its journals: of the record less `split`, `eval`, `judge` and `review`. */
int subject_hash_before(const struct record *r, char hash[33], struct err *e);

#endif

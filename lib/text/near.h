/* near: near-duplicate texts among very many, found by MinHash and verified.
 *
 * A text is the set of its runs of three words (features.h; case and punctuation do not matter);
 * two texts are near-duplicates where the Jaccard similarity of their sets, shared over all, is at
 * least the threshold. Texts of fewer than three words have one run, themselves, so they are near
 * only to what says the same. Texts without a word are near to nothing.
 *
 * Candidates come from locality-sensitive hashing (Broder 1997; Leskovec, Rajaraman and Ullman, ch.
 * 3): b bands of r minima each, chosen so that a pair exactly at the threshold is found with a
 * probability of at least .995, more similar ones with more. Every candidate is compared in full,
 * so what is reported is true. Memory: 4 bytes a run of words and 56 a text.
 */
#ifndef FT_TEXT_NEAR_H
#define FT_TEXT_NEAR_H

#include <stddef.h>
#include <stdint.h>
#include "../base/err.h"
#include "../base/pool.h"
#include "../json/record.h"

struct near;

struct near_pair {
	uint32_t a, b; /* numbers of the texts, a < b */
	float jaccard;
};

/* 0 < threshold <= 1. */
struct near *near_new(double threshold, uint64_t seed);
void near_free(struct near *n);

/* Adds the next text; texts are numbered from 0. -1 beyond 4e9 texts. */
int near_add(struct near *n, struct span text, struct err *e);
size_t near_count(const struct near *n);

/* Pairs at or above the threshold, each once, the most similar first, then by number; *pairs_n of
 * them, free() the array. Equal sets are paired with their first text only. *unchecked counts texts
 * in crowds of look-alikes in which not every pair was compared. pool may be NULL. */
struct near_pair *near_pairs(struct near *n, struct pool *pool, size_t *pairs_n, size_t *unchecked);

/* The similarity of two texts that were added. */
double near_jaccard(const struct near *n, size_t a, size_t b);

/* What near-duplicates of a record are judged by: the text of the user's turns; without messages
 * `prompt`; else all strings of the record that are input. Appended to b. */
int near_text(const struct record *r, struct buf *b, struct err *e);

#endif

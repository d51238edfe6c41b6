/* twosets: were two sets of texts, each text a set of words, drawn from the same distribution?
 *
 * Two statistics are permuted together and the smaller of their p-values is judged by its own
 * permutation distribution: the squared distance between the mean vectors (MMD with a linear
 * kernel; Gretton et al. 2012), each text scaled to length one with rarer words weighing more,
 * which sees small changes of many words; and the largest standardised difference of a single
 * word's share, which sees one new word. No word is dropped for being short or a number; a word
 * that only one text has tells nothing and is left out.
 */
#ifndef FT_STATS_TWOSETS_H
#define FT_STATS_TWOSETS_H

#include <stddef.h>
#include <stdint.h>
#include "blocks.h"

/* Texts of the first set, then of the second. */
struct twosets {
	size_t n, m; /* texts of either */
	/* of text i: word[begin[i]] to word[begin[i + 1]]; n + m + 1 of them */
	const size_t *begin;
	const uint32_t *word; /* 0..words-1, no word twice in a text */
	size_t words;
};

struct twosets_result {
	double p, statistic; /* statistic: the squared distance */
	double largest;	     /* difference of shares of the word below */
	uint32_t where;	     /* the word whose share differs most beyond chance */
};

/* At most draws permutations; after 200 it stops where the answer is plainly "no difference" (p >
 * .2). *z (words of them, may be NULL) becomes each word's standardised difference, positive where
 * the second set has it more often. */
void twosets_test(const struct twosets *t, uint64_t seed, size_t draws, double *z,
		  struct twosets_result *r);
/* The p-value where texts come in blocks: b has a row for each text. */
double twosets_blocks_p(const struct twosets *t, const struct blocks *b);

#endif

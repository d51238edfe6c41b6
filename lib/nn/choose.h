/* choose: which of a layer's experts a row goes to, and what each of them counts for (Shazeer et al.
 * 2017; Fedus et al. 2022).
 */
#ifndef FT_NN_CHOOSE_H
#define FT_NN_CHOOSE_H

#include <stddef.h>
#include <stdint.h>

/* The k of n experts with the highest scores, the highest first, of equal ones the one that comes
 * first: chosen [k]. scores [n] become probabilities (softmax) in place. share [k] is the
 * probability of each, or normed, that over their sum. */
void nn_choose(int32_t *chosen, float *share, float *scores, size_t n, size_t k, int normed);

/* dscores [n] is set from dshare [k]; probs as nn_choose left scores. */
void nn_choose_back(float *dscores, const float *dshare, const float *probs, const int32_t *chosen,
		    const float *share, size_t n, size_t k, int normed);

/* Puts the picks (chosen [n k], k of each row) in the order of their experts, and of rows within one:
 * pick number i stands in place[i], place p holds pick[p]; expert x has places first[x] to
 * first[x + 1] - 1 of first [experts + 1]. */
void nn_choose_sort(int32_t *place, int32_t *pick, size_t *first, const int32_t *chosen,
		    size_t picks, size_t experts);

#endif

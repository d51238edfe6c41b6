/* See choose.h. */
#include <string.h>
#include "choose.h"
#include "kern.h"

static int is_among(const int32_t *chosen, size_t k, size_t i)
{
	for (size_t j = 0; j < k; j++)
		if ((size_t)chosen[j] == i)
			return 1;
	return 0;
}

/* The best that is not yet among the first k; where scores are no numbers, the first. */
static size_t best_left(const float *scores, size_t n, const int32_t *chosen, size_t k)
{
	size_t best = n;

	for (size_t i = 0; i < n; i++)
		if ((best == n || scores[i] > scores[best]) && !is_among(chosen, k, i))
			best = i;
	return best;
}

void nn_choose(int32_t *chosen, float *share, float *scores, size_t n, size_t k, int normed)
{
	float sum = 0;

	for (size_t j = 0; j < k; j++)
		chosen[j] = (int32_t)best_left(scores, n, chosen, j);
	nn_kern()->softmax(scores, 1, n);
	for (size_t j = 0; j < k; j++) {
		share[j] = scores[chosen[j]];
		sum += share[j];
	}
	for (size_t j = 0; normed && j < k; j++)
		share[j] /= sum;
}

void nn_choose_back(float *dscores, const float *dshare, const float *probs, const int32_t *chosen,
		    const float *share, size_t n, size_t k, int normed)
{
	float dot = 0;

	for (size_t j = 0; j < k; j++)
		dot += share[j] * dshare[j];
	for (size_t i = 0; i < n; i++)
		dscores[i] = normed ? 0 : -probs[i] * dot;
	for (size_t j = 0; j < k; j++)
		if (normed)
			dscores[chosen[j]] = share[j] * (dshare[j] - dot);
		else
			dscores[chosen[j]] += share[j] * dshare[j];
}

void nn_choose_sort(int32_t *place, int32_t *pick, size_t *first, const int32_t *chosen,
		    size_t picks, size_t experts)
{
	size_t at = 0;

	memset(first, 0, (experts + 1) * sizeof *first);
	for (size_t i = 0; i < picks; i++)
		first[chosen[i]]++;
	for (size_t x = 0; x <= experts; x++) {
		size_t n = first[x];

		first[x] = at;
		at += n;
	}
	for (size_t i = 0; i < picks; i++) {
		place[i] = (int32_t)first[chosen[i]]++;
		pick[place[i]] = (int32_t)i;
	}
	/* Each stands where the next begins by now. */
	memmove(first + 1, first, experts * sizeof *first);
	first[0] = 0;
}

/* Choosing the next token. See sample.h. */
#include "sample.h"

#include <math.h>
#include <stdlib.h>
#include "../base/mem.h"

void sample_scratch_release(struct sample_scratch *s)
{
	free(s->p);
	free(s->index);
	s->p = NULL;
	s->index = NULL;
	s->cap = 0;
}

static int32_t best(const float *x, size_t n)
{
	int32_t at = -1;
	float most = -INFINITY;

	for (size_t i = 0; i < n; i++)
		if (x[i] > most) {
			most = x[i];
			at = (int32_t)i;
		}
	return at;
}

/* Whether a stands above b in the order of choice. */
static int above(const float *p, int32_t a, int32_t b)
{
	return p[a] != p[b] ? p[a] > p[b] : a < b;
}

static void sift(int32_t *heap, size_t n, size_t i, const float *p)
{
	int32_t x = heap[i];

	for (size_t c; (c = 2 * i + 1) < n; i = c) {
		if (c + 1 < n && above(p, heap[c + 1], heap[c]))
			c++;
		if (!above(p, heap[c], x))
			break;
		heap[i] = heap[c];
	}
	heap[i] = x;
}

/* How many of the best tokens are drawn from. They end up, best first, at the end of index [n]: the
 * heap's top moves there. */
static size_t nucleus(float *p, int32_t *index, size_t n, double total,
		      const struct sample_how *how)
{
	size_t kept = 0, most = how->top_k > 0 && how->top_k < n ? how->top_k : n;
	double sum = 0, within = total;
	float first;

	for (size_t i = n / 2; i-- > 0;)
		sift(index, n, i, p);
	first = p[index[0]];
	while (kept < most) {
		int32_t top = index[0];

		if (p[top] <= 0 || p[top] < how->min_p * first)
			break;
		index[0] = index[n - 1 - kept];
		index[n - 1 - kept] = top;
		kept++;
		sift(index, n - kept, 0, p);
		sum += p[top];
		/* With top_k, top_p counts within the k best: their sum is known only at the end,
		 * so top_p is applied below. */
		if (most == n && sum >= how->top_p * within)
			break;
	}
	if (most < n && how->top_p < 1) {
		double part = 0;
		size_t i = 0;

		while (i < kept && part < how->top_p * sum)
			part += p[index[n - 1 - i++]];
		kept = i;
	}
	return kept;
}

int32_t sample_draw(float *logits, size_t vocab, const struct sample_how *how,
		    const uint32_t *allowed, const int32_t *seen, size_t n_seen, struct rng *r,
		    struct sample_scratch *s)
{
	int32_t top, chosen;
	double total = 0, at;
	size_t n = 0;

	for (size_t i = 0; allowed && i < vocab; i++)
		if (!(allowed[i / 32] >> i % 32 & 1))
			logits[i] = -INFINITY;
	if (how->repeat != 1) {
		/* Each id once, however often it was seen: what was changed is marked by its sign
		 * in a set of bits. */
		uint32_t *done = mem_alloc(vocab / 32 + 1, sizeof *done);

		for (size_t i = 0; i < n_seen; i++) {
			size_t id = (size_t)seen[i];

			if (id >= vocab || done[id / 32] >> id % 32 & 1)
				continue;
			done[id / 32] |= 1u << id % 32;
			logits[id] *= (float)(logits[id] > 0 ? 1 / how->repeat : how->repeat);
		}
		free(done);
	}
	top = best(logits, vocab);
	if (top < 0 || how->temperature <= 0)
		return top;

	if (s->cap < vocab) {
		s->p = mem_realloc(s->p, vocab, sizeof *s->p);
		s->index = mem_realloc(s->index, vocab, sizeof *s->index);
		s->cap = vocab;
	}
	for (size_t i = 0; i < vocab; i++) {
		s->p[i] = expf((float)((logits[i] - logits[top]) / how->temperature));
		if (s->p[i] > 0) /* NaN falls out here too */
			s->index[n++] = (int32_t)i;
		else
			s->p[i] = 0;
		total += s->p[i];
	}
	at = rng_uniform(r);
	chosen = top;
	if (how->top_p < 1 || how->min_p > 0 || (how->top_k > 0 && how->top_k < n)) {
		size_t kept = nucleus(s->p, s->index, n, total, how);

		total = 0;
		for (size_t i = 0; i < kept; i++)
			total += s->p[s->index[n - 1 - i]];
		at *= total;
		for (size_t i = 0; i < kept; i++) {
			chosen = s->index[n - 1 - i];
			at -= s->p[chosen];
			if (at < 0)
				break;
		}
		return chosen;
	}
	at *= total;
	for (size_t i = 0; i < n; i++) {
		chosen = s->index[i];
		at -= s->p[chosen];
		if (at < 0)
			break;
	}
	return chosen;
}

double sample_log_sum(const float *logits, size_t vocab)
{
	int32_t top = best(logits, vocab);
	double sum = 0;

	if (top < 0)
		return NAN;
	for (size_t i = 0; i < vocab; i++)
		sum += exp((double)logits[i] - logits[top]);
	return logits[top] + log(sum);
}

float sample_logprob(const float *logits, size_t vocab, int32_t id, double log_sum)
{
	return id >= 0 && (size_t)id < vocab ? (float)(logits[id] - log_sum) : -INFINITY;
}

void sample_top(const float *logits, size_t vocab, double log_sum, struct sample_alternative *top,
		size_t n)
{
	size_t have = 0;

	for (size_t i = 0; n > 0 && i < vocab; i++) {
		float logprob = (float)(logits[i] - log_sum);
		size_t at;

		if (have == n && !(logprob > top[n - 1].logprob))
			continue;
		at = have < n ? have++ : n - 1;
		for (; at > 0 && logprob > top[at - 1].logprob; at--)
			top[at] = top[at - 1];
		top[at] = (struct sample_alternative){(int32_t)i, logprob};
	}
}

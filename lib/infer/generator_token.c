/* One token of one answer: chosen, added to the text, and whether it ends there. See generator.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../base/progress.h"
#include "generator_impl.h"

void generator_choose(void *arg, size_t i)
{
	struct generator *g = arg;
	struct sequence *s = g->running[i];
	size_t vocab = g->m->config.vocab, at = s->n - s->prompt,
	       k = s->q.logprobs > 0 ? (size_t)s->q.logprobs : 0;
	double sum = NAN;
	float *logits;

	if (s->logits < 0)
		return;
	logits = g->logits + (size_t)s->logits * vocab;
	if (s->q.logprobs >= 0) {
		if (at >= s->top_cap) {
			size_t cap = at * 2 + 16;

			s->token = mem_realloc(s->token, cap, sizeof *s->token);
			s->top = mem_realloc(s->top, cap * (k ? k : 1), sizeof *s->top);
			s->top_cap = cap;
		}
		sum = sample_log_sum(logits, vocab);
		for (size_t j = 0; j < k; j++)
			s->top[at * k + j] = (struct sample_alternative){-1, -INFINITY};
		sample_top(logits, vocab, sum, s->top + at * k, k);
	}
	if (s->q.logprobs >= 0 && !isnan(sum)) {
		/* The logits are changed by choosing, so the choice is made on them last, and
		 * looked up before by its value. */
		float *copy = mem_alloc(vocab, sizeof *copy);

		memcpy(copy, logits, vocab * sizeof *copy);
		s->chosen = sample_draw(copy, vocab, &s->q.sampling, s->allowed, s->ids, s->n,
					&s->rng, &g->scratch[i]);
		free(copy);
		s->token[at] = (struct generator_token){s->chosen, sample_logprob(logits, vocab,
										  s->chosen, sum)};
		return;
	}
	s->chosen = sample_draw(logits, vocab, &s->q.sampling, s->allowed, s->ids, s->n, &s->rng,
				&g->scratch[i]);
}

static int is_stop(const struct generator *g, int32_t id)
{
	for (size_t i = 0; i < g->n_stops; i++)
		if (g->stops[i] == id)
			return 1;
	return 0;
}

/* Cuts the text before the first of the stop texts, looking only where one could have become
 * whole. */
static int cut_at_stop(struct sequence *s, size_t before)
{
	size_t cut = s->text.len;

	for (size_t i = 0; i < s->q.stops; i++) {
		size_t n = strlen(s->q.stop[i]), from = before >= n ? before - n + 1 : 0;
		const char *at;

		if (n == 0 || s->text.len < n)
			continue;
		at = memmem(s->text.data + from, s->text.len - from, s->q.stop[i], n);
		if (at && (size_t)(at - s->text.data) < cut) {
			cut = (size_t)(at - s->text.data);
			s->stopped_by = s->q.stop[i];
		}
	}
	if (cut == s->text.len)
		return 0;
	s->text.len = cut;
	return 1;
}

size_t generator_certain(const struct sequence *s)
{
	size_t n = s->text.len;

	for (size_t i = 0; i < s->q.stops; i++) {
		const char *stop = s->q.stop[i];
		size_t most = strlen(stop);

		for (size_t k = most < s->text.len ? most : s->text.len; k > s->text.len - n; k--)
			if (memcmp(s->text.data + s->text.len - k, stop, k) == 0) {
				n = s->text.len - k;
				break;
			}
	}
	return n;
}

const char *generator_take(struct generator *g, struct sequence *s)
{
	size_t before = s->text.len;

	if (isnan(s->first_own)) {
		s->first_own = s->own;
		s->first_shared = s->shared;
	}
	if (s->n == s->cap)
		s->ids = mem_grow(s->ids, &s->cap, s->n + 1, sizeof *s->ids);
	s->ids[s->n++] = s->chosen;
	s->reading = 0;
	if (is_stop(g, s->chosen)) {
		tokenizer_stream_end(&s->stream, &s->text);
		return "stop";
	}
	tokenizer_stream_add(&s->stream, s->chosen, &s->text);
	if (s->q.grammar)
		s->at = grammar_next(s->q.grammar, s->at, s->chosen);
	if (cut_at_stop(s, before))
		return "stop";
	if (s->q.grammar && grammar_ended(s->q.grammar, s->at)) {
		tokenizer_stream_end(&s->stream, &s->text);
		return "stop";
	}
	if ((s->q.max_tokens > 0 && s->n - s->prompt >= s->q.max_tokens) ||
	    s->n >= config_context(&g->m->config)) {
		tokenizer_stream_end(&s->stream, &s->text);
		return "length";
	}
	return NULL;
}

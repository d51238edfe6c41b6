/* Masks of tokens from an automaton over bytes. See grammar.h. */
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "constrain.h"
#include "grammar.h"

#define MASK_BYTES ((size_t)256 << 20) /* kept before all are forgotten */

struct word {
	struct span bytes;
	int32_t id;
	uint32_t shared; /* bytes that it begins with as the one before does */
};

struct grammar_vocabulary {
	struct word *words; /* in the order of their bytes */
	size_t n, size;	    /* ids there are */
	struct span *bytes; /* by id */
	int32_t *stops;
	size_t n_stops;
	uint32_t longest;
};

struct grammar {
	struct automaton *a;
	const struct grammar_vocabulary *v;
	uint32_t start;
	uint32_t **masks; /* by state of the automaton */
	size_t n_masks, cap_masks, made;
	uint32_t *path; /* states along a word */
};

static int by_bytes(const void *a, const void *b)
{
	const struct word *x = a, *y = b;
	int order = span_cmp(x->bytes, y->bytes);

	return order ? order : x->id < y->id ? -1 : x->id > y->id;
}

struct grammar_vocabulary *grammar_vocabulary_new(const struct tokenizer *t, size_t vocab,
						  const int32_t *stops, size_t n_stops)
{
	struct grammar_vocabulary *v = mem_alloc(1, sizeof *v);

	v->size = vocab;
	v->words = mem_alloc(vocab, sizeof *v->words);
	v->bytes = mem_alloc(vocab, sizeof *v->bytes);
	v->stops = mem_alloc(n_stops, sizeof *v->stops);
	if (n_stops)
		memcpy(v->stops, stops, n_stops * sizeof *stops);
	v->n_stops = n_stops;
	for (size_t i = 0; i < vocab; i++) {
		v->bytes[i] = tokenizer_bytes(t, (int32_t)i);
		if (v->bytes[i].s && v->bytes[i].n > 0)
			v->words[v->n++] = (struct word){v->bytes[i], (int32_t)i, 0};
	}
	mem_sort(v->words, v->n, sizeof *v->words, by_bytes);
	for (size_t i = 0; i < v->n; i++) {
		struct span now = v->words[i].bytes,
			    before = i ? v->words[i - 1].bytes : (struct span){"", 0};
		uint32_t k = 0;

		while (k < now.n && k < before.n && now.s[k] == before.s[k])
			k++;
		v->words[i].shared = k;
		v->longest = now.n > v->longest ? (uint32_t)now.n : v->longest;
	}
	return v;
}

void grammar_vocabulary_free(struct grammar_vocabulary *v)
{
	if (!v)
		return;
	free(v->words);
	free(v->bytes);
	free(v->stops);
	free(v);
}

struct grammar *grammar_new(const struct schema *s, const struct grammar_vocabulary *v,
			    struct err *e)
{
	struct automaton *a = constrain_compile(s, e);
	struct grammar *g;

	if (!a)
		return NULL;
	g = mem_alloc(1, sizeof *g);
	g->a = a;
	g->v = v;
	g->start = automaton_start(a);
	g->path = mem_alloc(v->longest + 1, sizeof *g->path);
	return g;
}

static void forget(struct grammar *g)
{
	for (size_t i = 0; i < g->n_masks; i++) {
		free(g->masks[i]);
		g->masks[i] = NULL;
	}
	g->made = 0;
}

void grammar_free(struct grammar *g)
{
	if (!g)
		return;
	forget(g);
	free(g->masks);
	free(g->path);
	automaton_free(g->a);
	free(g);
}

uint32_t grammar_start(struct grammar *g)
{
	return g->start;
}

static void allow(uint32_t *mask, size_t size, int32_t id)
{
	if (id >= 0 && (size_t)id < size)
		mask[id / 32] |= 1u << id % 32;
}

/* Words in order: what one shares with the one before is not followed again, and where that came to
 * an end all that begin so are left out. */
static void fill(struct grammar *g, uint32_t at, uint32_t *mask)
{
	const struct grammar_vocabulary *v = g->v;
	uint32_t alive = 0; /* bytes of the last word that could be followed */

	g->path[0] = at;
	for (size_t i = 0; i < v->n; i++) {
		const struct word *w = &v->words[i];
		uint32_t k = w->shared;

		if (k > alive)
			continue;
		for (; k < w->bytes.n; k++) {
			g->path[k + 1] =
				automaton_next(g->a, g->path[k], (unsigned char)w->bytes.s[k]);
			if (g->path[k + 1] == AUTOMATON_DEAD)
				break;
		}
		alive = k;
		if (k == w->bytes.n)
			allow(mask, v->size, w->id);
	}
	for (size_t i = 0; i < v->n_stops && automaton_accepts(g->a, at); i++)
		allow(mask, v->size, v->stops[i]);
}

const uint32_t *grammar_mask(struct grammar *g, uint32_t at)
{
	size_t words = g->v->size / 32 + 1;

	if (at >= g->n_masks) {
		size_t before = g->n_masks;

		g->masks = mem_grow(g->masks, &g->cap_masks, (size_t)at + 1, sizeof *g->masks);
		g->n_masks = (size_t)at + 1;
		memset(g->masks + before, 0, (g->n_masks - before) * sizeof *g->masks);
	}
	if (!g->masks[at]) {
		g->masks[at] = mem_alloc(words, sizeof(uint32_t));
		g->made++;
		fill(g, at, g->masks[at]);
	}
	return g->masks[at];
}

uint32_t grammar_next(struct grammar *g, uint32_t at, int32_t id)
{
	struct span s =
		id >= 0 && (size_t)id < g->v->size ? g->v->bytes[id] : (struct span){NULL, 0};

	if (g->made * (g->v->size / 8) > MASK_BYTES)
		forget(g);
	for (size_t k = 0; k < s.n; k++)
		at = automaton_next(g->a, at, (unsigned char)s.s[k]);
	return at;
}

int grammar_ended(struct grammar *g, uint32_t at)
{
	return automaton_ended(g->a, at);
}

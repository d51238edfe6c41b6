/* Pages of keys and values, and the tree that finds them by what they hold. See kvcache.h. */
#include "kvcache.h"

#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"

static size_t value_ld(size_t head_dim)
{
	return (head_dim + 15) / 16 * 16;
}

static int has_state(const struct config *c, size_t layer)
{
	return c->conv[layer] && c->delta.k_heads;
}

static size_t layers_with_state(const struct config *c)
{
	size_t n = 0;

	for (size_t l = 0; l < c->layers; l++)
		n += has_state(c, l) ? 1 : 0;
	return n;
}

static size_t state_layer_floats(const struct config *c)
{
	const struct config_delta *d = &c->delta;

	return d->v_heads * d->k_dim * d->v_dim + (c->conv_taps - 1) * config_delta_width(c);
}

size_t kvcache_state_bytes(const struct config *c)
{
	return c->delta.k_heads ? layers_with_state(c) * state_layer_floats(c) * sizeof(float) : 0;
}

/* Floats of one layer in a page: all have as much as the kind that takes most. */
static size_t layer_floats(const struct config *c)
{
	size_t attention = c->kv_heads * KVCACHE_PAGE * (c->head_dim + value_ld(c->head_dim)),
	       conv = c->conv_taps && !c->delta.k_heads ? KVCACHE_PAGE * c->hidden : 0;

	return attention > conv ? attention : conv;
}

size_t kvcache_page_bytes(const struct config *c)
{
	size_t layers = c->layers - layers_with_state(c);

	/* A page of nothing is a place in the tree still. */
	return layers ? layers * layer_floats(c) * sizeof(float) : sizeof(float);
}

static uint32_t capacity(size_t bytes, size_t each, size_t least)
{
	size_t n = bytes / each;

	n = n < least ? least : n;
	return (uint32_t)(n > KVCACHE_NO_PAGE / 2 ? KVCACHE_NO_PAGE / 2 : n);
}

void kvcache_init(struct kvcache *kv, const struct config *c, size_t bytes, size_t min_pages,
		  size_t min_states)
{
	size_t state = kvcache_state_bytes(c);
	uint16_t places[2] = {0, 0};

	memset(kv, 0, sizeof *kv);
	kv->layers = c->layers;
	kv->kv_heads = c->kv_heads;
	kv->head_dim = c->head_dim;
	kv->value_ld = value_ld(c->head_dim);
	kv->page_floats = kvcache_page_bytes(c) / sizeof(float);
	kv->layer_floats = layer_floats(c);
	kv->conv_width = c->conv_taps && !c->delta.k_heads ? c->hidden : 0;
	for (size_t l = 0; l < c->layers; l++)
		kv->place[l] = places[has_state(c, l)]++;
	if (state) {
		kv->state_floats = state / sizeof(float);
		kv->state_layer_floats = state_layer_floats(c);
		kv->states_cap = capacity(bytes / 2, state, min_states);
		bytes -= bytes / 2;
	}
	kv->cap = capacity(bytes, kvcache_page_bytes(c), min_pages);
	kv->root = KVCACHE_NO_PAGE;
}

void kvcache_release(struct kvcache *kv)
{
	for (uint32_t i = 0; i < kv->n; i++)
		free(kv->pages[i].data);
	for (uint32_t i = 0; i < kv->n_states; i++)
		free(kv->states[i]);
	free(kv->pages);
	free(kv->states);
	free(kv->state_taken);
	memset(kv, 0, sizeof *kv);
}

/* --- states --- */

static void forget_copy(struct kvcache *kv, uint32_t page)
{
	struct kvcache_page *p = &kv->pages[page];

	kvcache_state_drop(kv, p->state);
	p->state = KVCACHE_NO_STATE;
}

/* One that nobody has; 0 for which there is no room. */
static int find_state(struct kvcache *kv, uint32_t *state)
{
	size_t room = kv->n_states;

	for (*state = 0; *state < kv->n_states; ++*state)
		if (!kv->state_taken[*state])
			return 1;
	if (kv->n_states == kv->states_cap)
		return 0;
	if ((room & (room - 1)) == 0) { /* room doubles at powers of two */
		room = room ? 2 * room : 1;
		kv->states = mem_realloc(kv->states, room, sizeof *kv->states);
		kv->state_taken = mem_realloc(kv->state_taken, room, 1);
	}
	kv->states[kv->n_states++] = mem_aligned(kv->state_floats, sizeof(float));
	return 1;
}

uint32_t kvcache_state_take(struct kvcache *kv)
{
	uint32_t state, oldest = KVCACHE_NO_PAGE;

	if (kv->state_floats == 0)
		return KVCACHE_NO_STATE;
	if (!find_state(kv, &state)) {
		for (uint32_t i = 0; i < kv->n; i++)
			if (kv->pages[i].state != KVCACHE_NO_STATE &&
			    (oldest == KVCACHE_NO_PAGE ||
			     kv->pages[i].used < kv->pages[oldest].used))
				oldest = i;
		if (oldest == KVCACHE_NO_PAGE)
			return KVCACHE_NO_STATE;
		state = kv->pages[oldest].state;
		forget_copy(kv, oldest);
	}
	kv->state_taken[state] = 1;
	memset(kv->states[state], 0, kv->state_floats * sizeof(float));
	return state;
}

void kvcache_state_drop(struct kvcache *kv, uint32_t state)
{
	if (state != KVCACHE_NO_STATE)
		kv->state_taken[state] = 0;
}

void kvcache_state_copy(struct kvcache *kv, uint32_t to, uint32_t from)
{
	memcpy(kv->states[to], kv->states[from], kv->state_floats * sizeof(float));
}

void kvcache_state_keep(struct kvcache *kv, uint32_t page, uint32_t state)
{
	struct kvcache_page *p = &kv->pages[page];

	p->state_promised = 0;
	if (p->state == KVCACHE_NO_STATE)
		p->state = kvcache_state_take(kv);
	if (p->state != KVCACHE_NO_STATE)
		kvcache_state_copy(kv, p->state, state);
}

float *kvcache_state(const struct kvcache *kv, uint32_t state, size_t layer)
{
	return kv->states[state] + kv->place[layer] * kv->state_layer_floats;
}

/* --- pages --- */

static uint32_t *list_of(struct kvcache *kv, uint32_t parent)
{
	return parent == KVCACHE_NO_PAGE ? &kv->root : &kv->pages[parent].child;
}

static void unlist(struct kvcache *kv, uint32_t page)
{
	uint32_t *at = list_of(kv, kv->pages[page].parent);

	while (*at != page)
		at = &kv->pages[*at].next;
	*at = kv->pages[page].next;
	kv->pages[page].listed = 0;
}

static void hold(struct kvcache *kv, uint32_t page)
{
	struct kvcache_page *p = &kv->pages[page];

	if (p->refs++ == 0)
		kv->in_use++;
	p->used = ++kv->clock;
}

uint32_t kvcache_take(struct kvcache *kv)
{
	uint32_t best = KVCACHE_NO_PAGE;

	/* Pages out of the tree are free for the taking; else memory grows to its bound; else the
	 * leaf that was longest of no use. */
	for (uint32_t i = 0; kv->in_use < kv->n && i < kv->n; i++) {
		const struct kvcache_page *p = &kv->pages[i];

		if (p->refs > 0 || p->child != KVCACHE_NO_PAGE)
			continue;
		if (!p->listed) {
			best = i;
			break;
		}
		if (kv->n == kv->cap && (best == KVCACHE_NO_PAGE || p->used < kv->pages[best].used))
			best = i;
	}
	if (best == KVCACHE_NO_PAGE) {
		size_t room = kv->n;

		if (kv->n == kv->cap)
			return KVCACHE_NO_PAGE;
		if ((kv->n & (kv->n - 1)) == 0) /* room doubles at powers of two */
			kv->pages = mem_realloc(kv->pages, room ? 2 * room : 1, sizeof *kv->pages);
		best = kv->n++;
		memset(&kv->pages[best], 0, sizeof kv->pages[best]);
		kv->pages[best].data = mem_aligned(kv->page_floats, sizeof(float));
		kv->pages[best].state = KVCACHE_NO_STATE;
	}
	forget_copy(kv, best);
	kv->pages[best].state_promised = 0;
	if (kv->pages[best].listed)
		unlist(kv, best);
	kv->pages[best].child = kv->pages[best].next = kv->pages[best].parent = KVCACHE_NO_PAGE;
	kv->pages[best].n_ids = kv->pages[best].ready = 0;
	hold(kv, best);
	return best;
}

void kvcache_drop(struct kvcache *kv, uint32_t page)
{
	struct kvcache_page *p = &kv->pages[page];

	p->used = ++kv->clock;
	if (--p->refs > 0)
		return;
	kv->in_use--;
	/* What was promised and never computed is of no use to anyone. Nobody can hold a page below
	 * it. */
	if (p->listed && p->ready < p->n_ids && p->child == KVCACHE_NO_PAGE)
		unlist(kv, page);
}

static size_t agreement(const struct kvcache_page *p, const int32_t *ids, size_t n)
{
	size_t i = 0;

	while (i < n && i < p->n_ids && p->ids[i] == ids[i])
		i++;
	return i;
}

size_t kvcache_find(struct kvcache *kv, const int32_t *ids, size_t n, uint32_t *pages,
		    uint32_t *partial, size_t *agree)
{
	uint32_t parent = KVCACHE_NO_PAGE;
	size_t found = 0;

	for (;;) {
		const int32_t *rest = ids + found * KVCACHE_PAGE;
		size_t left = n - found * KVCACHE_PAGE, best = 0;
		uint32_t at = KVCACHE_NO_PAGE;

		for (uint32_t i = *list_of(kv, parent); i != KVCACHE_NO_PAGE && best < KVCACHE_PAGE;
		     i = kv->pages[i].next) {
			size_t same = agreement(&kv->pages[i], rest, left);

			if (same > best) {
				best = same;
				at = i;
			}
		}
		if (best < KVCACHE_PAGE) {
			*partial = at;
			*agree = best;
			return found;
		}
		hold(kv, at);
		pages[found++] = parent = at;
	}
}

void kvcache_list(struct kvcache *kv, uint32_t page, uint32_t parent, const int32_t *ids, size_t n,
		  size_t ready)
{
	struct kvcache_page *p = &kv->pages[page];
	uint32_t *list = list_of(kv, parent);

	memcpy(p->ids, ids, n * sizeof *ids);
	p->n_ids = (uint16_t)n;
	p->ready = (uint16_t)ready;
	p->parent = parent;
	p->next = *list;
	p->listed = 1;
	*list = page;
}

static float *keys_at(const struct kvcache *kv, uint32_t page, size_t place, size_t head)
{
	return kv->pages[page].data + place * kv->layer_floats +
	       head * KVCACHE_PAGE * (kv->head_dim + kv->value_ld);
}

void kvcache_copy(struct kvcache *kv, uint32_t to, uint32_t from, size_t n)
{
	size_t values = kv->head_dim * KVCACHE_PAGE;

	/* Whatever kind a layer is of: a convolution's inputs begin where keys do. */
	if (kv->conv_width) {
		memcpy(kv->pages[to].data, kv->pages[from].data, kv->page_floats * sizeof(float));
		return;
	}
	for (size_t i = 0; i < kv->page_floats / kv->layer_floats; i++)
		for (size_t h = 0; h < kv->kv_heads; h++) {
			float *k = keys_at(kv, to, i, h);
			const float *from_k = keys_at(kv, from, i, h);

			for (size_t d = 0; d < kv->head_dim; d++)
				memcpy(k + d * KVCACHE_PAGE, from_k + d * KVCACHE_PAGE,
				       n * sizeof *k);
			memcpy(k + values, from_k + values, n * kv->value_ld * sizeof *k);
		}
}

float *kvcache_conv(const struct kvcache *kv, uint32_t page, size_t layer)
{
	return keys_at(kv, page, kv->place[layer], 0);
}

float *kvcache_keys(const struct kvcache *kv, uint32_t page, size_t layer, size_t head)
{
	return keys_at(kv, page, kv->place[layer], head);
}

float *kvcache_values(const struct kvcache *kv, uint32_t page, size_t layer, size_t head)
{
	return kvcache_keys(kv, page, layer, head) + kv->head_dim * KVCACHE_PAGE;
}

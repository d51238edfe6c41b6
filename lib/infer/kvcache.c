/* Pages of keys and values, and the tree that finds them by what they hold. See kvcache.h. */
#include "kvcache.h"

#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"

static size_t value_ld(size_t head_dim)
{
	return (head_dim + 15) / 16 * 16;
}

/* Floats of one layer in a page: all have as much as the kind that takes most. */
static size_t layer_floats(const struct config *c)
{
	size_t attention = c->kv_heads * KVCACHE_PAGE * (c->head_dim + value_ld(c->head_dim)),
	       conv = c->conv_taps ? KVCACHE_PAGE * c->hidden : 0;

	return attention > conv ? attention : conv;
}

size_t kvcache_page_bytes(const struct config *c)
{
	return c->layers * layer_floats(c) * sizeof(float);
}

void kvcache_init(struct kvcache *kv, const struct config *c, size_t bytes, size_t min_pages)
{
	size_t pages = bytes / kvcache_page_bytes(c);

	memset(kv, 0, sizeof *kv);
	kv->layers = c->layers;
	kv->kv_heads = c->kv_heads;
	kv->head_dim = c->head_dim;
	kv->value_ld = value_ld(c->head_dim);
	kv->page_floats = kvcache_page_bytes(c) / sizeof(float);
	kv->layer_floats = layer_floats(c);
	kv->conv_width = c->conv_taps ? c->hidden : 0;
	if (pages < min_pages)
		pages = min_pages;
	if (pages > KVCACHE_NO_PAGE / 2)
		pages = KVCACHE_NO_PAGE / 2;
	kv->cap = (uint32_t)pages;
	kv->root = KVCACHE_NO_PAGE;
}

void kvcache_release(struct kvcache *kv)
{
	for (uint32_t i = 0; i < kv->n; i++)
		free(kv->pages[i].data);
	free(kv->pages);
	memset(kv, 0, sizeof *kv);
}

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
	}
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

void kvcache_copy(struct kvcache *kv, uint32_t to, uint32_t from, size_t n)
{
	for (size_t l = 0; l < kv->layers; l++) {
		/* Whatever kind the layer is of: a convolution's inputs begin where keys do. */
		if (kv->conv_width) {
			memcpy(kvcache_conv(kv, to, l), kvcache_conv(kv, from, l),
			       kv->layer_floats * sizeof(float));
			continue;
		}
		for (size_t h = 0; h < kv->kv_heads; h++) {
			float *k = kvcache_keys(kv, to, l, h), *v = kvcache_values(kv, to, l, h);
			const float *from_k = kvcache_keys(kv, from, l, h);

			for (size_t d = 0; d < kv->head_dim; d++)
				memcpy(k + d * KVCACHE_PAGE, from_k + d * KVCACHE_PAGE,
				       n * sizeof *k);
			memcpy(v, kvcache_values(kv, from, l, h), n * kv->value_ld * sizeof *v);
		}
	}
}

float *kvcache_conv(const struct kvcache *kv, uint32_t page, size_t layer)
{
	return kv->pages[page].data + layer * kv->layer_floats;
}

float *kvcache_keys(const struct kvcache *kv, uint32_t page, size_t layer, size_t head)
{
	return kv->pages[page].data + layer * kv->layer_floats +
	       head * KVCACHE_PAGE * (kv->head_dim + kv->value_ld);
}

float *kvcache_values(const struct kvcache *kv, uint32_t page, size_t layer, size_t head)
{
	return kvcache_keys(kv, page, layer, head) + kv->head_dim * KVCACHE_PAGE;
}

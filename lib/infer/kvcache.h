/* kvcache: keys and values of what a model has read, in pages that sequences share.
 *
 * A page holds KVCACHE_PAGE positions of one sequence, all layers. A sequence's cache is a list of page
 * numbers (Kwon et al. 2023). Pages that hold a prompt are also nodes of a tree by their token ids:
 * a later sequence that begins alike takes the same pages and computes only the rest; where it
 * departs inside a page, what agrees is copied. Pages that no sequence uses stay in the tree until
 * memory is wanted for something else, least recently used leaves first.
 *
 * Within a page, for each layer and key head: keys transposed [head_dim][KVCACHE_PAGE], then values
 * [KVCACHE_PAGE][value_ld], so that scores and sums are products of nn_small_mul. A layer with a short
 * convolution has the convolution's inputs [KVCACHE_PAGE][hidden] in their place: the last few of a
 * sequence are its state, and at whatever position another sequence departs they are there.
 *
 * Layers with the delta rule have nothing in pages. What they know of a sequence is a state of fixed
 * size, too large to be kept for every page: each sequence has one of its own, apart from the pages,
 * and another can only begin where a copy of it was kept. A page may hold such a copy, of the state
 * at its end; copies are given up, least recently used first, where a state is wanted for a
 * sequence.
 *
 * Not for several threads at once, but the floats of different positions may be written at the same
 * time.
 */
#ifndef FT_INFER_KVCACHE_H
#define FT_INFER_KVCACHE_H

#include <stddef.h>
#include <stdint.h>
#include "../model/config.h"

#define KVCACHE_PAGE 32
#define KVCACHE_NO_PAGE UINT32_MAX
#define KVCACHE_NO_STATE UINT32_MAX

struct kvcache_page {
	float *data;
	uint32_t refs;		      /* sequences that hold it */
	uint32_t parent, child, next; /* in the tree; parent KVCACHE_NO_PAGE: first of a prompt */
	int listed;		      /* stands in the tree */
	uint16_t n_ids;		      /* of its positions are known by ids */
	uint16_t ready;		      /* of those are computed */
	uint64_t used;		      /* when last taken or let go */
	uint32_t state;		      /* a copy of it at the page's end, or KVCACHE_NO_STATE */
	int state_promised;	      /* there will be one, by whoever reads the page */
	int32_t ids[KVCACHE_PAGE];
};

struct kvcache {
	size_t layers, kv_heads, head_dim, value_ld, page_floats;
	size_t layer_floats, conv_width;   /* of a page, one layer; hidden, or 0 */
	uint16_t place[CONFIG_LAYERS_MAX]; /* which of the layers in a page, or in a state */
	struct kvcache_page *pages;
	uint32_t n, cap; /* pages made so far; most there may be */
	uint32_t in_use; /* pages with refs */
	uint32_t root;	 /* first of those without parent */
	uint64_t clock;
	/* floats of a state, and of one layer in it; 0: the model has none */
	size_t state_floats, state_layer_floats;
	float **states;
	unsigned char *state_taken;
	uint32_t n_states, states_cap;
};

/* bytes bounds the memory, of which states may take half where a model has any; at least min_pages
 * pages and min_states states there may be in any case. */
void kvcache_init(struct kvcache *kv, const struct config *c, size_t bytes, size_t min_pages,
		  size_t min_states);
void kvcache_release(struct kvcache *kv);
size_t kvcache_page_bytes(const struct config *c);
size_t kvcache_state_bytes(const struct config *c);

/* A page with one reference, its contents undefined; KVCACHE_NO_PAGE where all are in use. */
uint32_t kvcache_take(struct kvcache *kv);
/* One reference fewer. Pages in the tree keep their contents until they are needed. */
void kvcache_drop(struct kvcache *kv, uint32_t page);

/* What of ids[0..n) is known. Whole pages that agree are put into pages (room for n / KVCACHE_PAGE),
 * each with a reference more, and their number is returned. *partial is a page that agrees in its
 * first *agree positions (fewer than KVCACHE_PAGE, 0: none) with what follows; no reference is taken on
 * it. Pages may not be computed yet: see kvcache_page.ready. */
size_t kvcache_find(struct kvcache *kv, const int32_t *ids, size_t n, uint32_t *pages,
		    uint32_t *partial, size_t *agree);

/* Enters a page under its parent (KVCACHE_NO_PAGE: none) with the n <= KVCACHE_PAGE ids it will hold; ready
 * of them are there already. */
void kvcache_list(struct kvcache *kv, uint32_t page, uint32_t parent, const int32_t *ids, size_t n,
		  size_t ready);

/* A state before the first position; KVCACHE_NO_STATE where all are in use, or the model has none. */
uint32_t kvcache_state_take(struct kvcache *kv);
/* Of no use any more. KVCACHE_NO_STATE: nothing happens. */
void kvcache_state_drop(struct kvcache *kv, uint32_t state);
void kvcache_state_copy(struct kvcache *kv, uint32_t to, uint32_t from);
/* Keeps a copy of the state at the end of the page, where there is room for one. */
void kvcache_state_keep(struct kvcache *kv, uint32_t page, uint32_t state);
/* A layer's part: v_heads states [k_dim][v_dim], and the last taps - 1 rows that its convolution
 * read. */
float *kvcache_state(const struct kvcache *kv, uint32_t state, size_t layer);

/* Copies the first n positions of a page. */
void kvcache_copy(struct kvcache *kv, uint32_t to, uint32_t from, size_t n);

/* Keys of a page [head_dim][KVCACHE_PAGE] for layer and key head, and its values [KVCACHE_PAGE][value_ld]. */
/* A convolution's inputs in a page [KVCACHE_PAGE][hidden]. */
float *kvcache_conv(const struct kvcache *kv, uint32_t page, size_t layer);
float *kvcache_keys(const struct kvcache *kv, uint32_t page, size_t layer, size_t head);
float *kvcache_values(const struct kvcache *kv, uint32_t page, size_t layer, size_t head);

#endif

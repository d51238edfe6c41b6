/* kvcache: keys and values of what a model has read, in pages that sequences share.
 *
 * A page holds LM_PAGE positions of one sequence, all layers. A sequence's cache is a list of page
 * numbers (Kwon et al. 2023). Pages that hold a prompt are also nodes of a tree by their token ids:
 * a later sequence that begins alike takes the same pages and computes only the rest; where it
 * departs inside a page, what agrees is copied. Pages that no sequence uses stay in the tree until
 * memory is wanted for something else, least recently used leaves first.
 *
 * Within a page, for each layer and key head: keys transposed [head_dim][LM_PAGE], then values
 * [LM_PAGE][value_ld], so that scores and sums are products of nn_small_mul.
 *
 * Not for several threads at once, but the floats of different positions may be written at the same
 * time.
 */
#ifndef FT_LM_KVCACHE_H
#define FT_LM_KVCACHE_H

#include <stddef.h>
#include <stdint.h>
#include "config.h"

#define LM_PAGE 32
#define LM_NO_PAGE UINT32_MAX

struct lm_page {
	float *data;
	uint32_t refs;		      /* sequences that hold it */
	uint32_t parent, child, next; /* in the tree; parent LM_NO_PAGE: first of a prompt */
	int listed;		      /* stands in the tree */
	uint16_t n_ids;		      /* of its positions are known by ids */
	uint16_t ready;		      /* of those are computed */
	uint64_t used;		      /* when last taken or let go */
	int32_t ids[LM_PAGE];
};

struct lm_kv {
	size_t layers, kv_heads, head_dim, value_ld, page_floats;
	struct lm_page *pages;
	uint32_t n, cap; /* pages made so far; most there may be */
	uint32_t in_use; /* pages with refs */
	uint32_t peak;	 /* most pages there ever were in use */
	uint32_t root;	 /* first of those without parent */
	uint64_t clock;
};

/* bytes bounds the memory; at least min_pages there may be in any case. */
void lm_kv_init(struct lm_kv *kv, const struct lm_config *c, size_t bytes, size_t min_pages);
void lm_kv_release(struct lm_kv *kv);
size_t lm_kv_page_bytes(const struct lm_config *c);

/* A page with one reference, its contents undefined; LM_NO_PAGE where all are in use. */
uint32_t lm_kv_take(struct lm_kv *kv);
/* One reference fewer. Pages in the tree keep their contents until they are needed. */
void lm_kv_drop(struct lm_kv *kv, uint32_t page);

/* What of ids[0..n) is known. Whole pages that agree are put into pages (room for n / LM_PAGE),
 * each with a reference more, and their number is returned. *partial is a page that agrees in its
 * first *agree positions (fewer than LM_PAGE, 0: none) with what follows; no reference is taken on
 * it. Pages may not be computed yet: see lm_page.ready. */
size_t lm_kv_find(struct lm_kv *kv, const int32_t *ids, size_t n, uint32_t *pages,
		  uint32_t *partial, size_t *agree);

/* Enters a page under its parent (LM_NO_PAGE: none) with the n <= LM_PAGE ids it will hold; ready
 * of them are there already. */
void lm_kv_list(struct lm_kv *kv, uint32_t page, uint32_t parent, const int32_t *ids, size_t n,
		size_t ready);

/* Copies the first n positions of a page. */
void lm_kv_copy(struct lm_kv *kv, uint32_t to, uint32_t from, size_t n);

/* Keys of a page [head_dim][LM_PAGE] for layer and key head, and its values [LM_PAGE][value_ld]. */
float *lm_kv_keys(const struct lm_kv *kv, uint32_t page, size_t layer, size_t head);
float *lm_kv_values(const struct lm_kv *kv, uint32_t page, size_t layer, size_t head);

#endif

/* Byte-pair encoding: the vocabulary, the merge loop and the cache before it.
 *
 * A pre-token becomes a row of symbols; the adjacent pair with the lowest rank (leftmost among
 * equals) is merged until no pair is in the table. Short rows are searched anew each time; long
 * ones keep a heap of pairs, in which entries that no longer stand are recognised by their rank
 * when they come up, so a megabyte of one letter takes n log n.
 */
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>
#include "../base/mem.h"
#include "tokenizer_impl.h"

#define SHORT 32 /* symbols up to which searching beats the heap */

static uint64_t tok_hash(const char *s, size_t n)
{
	return XXH3_64bits(s, n);
}

/* The power of two that leaves a third of the slots free. */
static size_t slots_for(size_t entries)
{
	size_t n = 16;

	while (n < entries + entries / 2)
		n *= 2;
	return n;
}

void tok_table_make(struct tok_table *t, size_t entries)
{
	size_t n = slots_for(entries);

	t->slots = mem_alloc(n, sizeof *t->slots);
	memset(t->slots, 0xff, n * sizeof *t->slots);
	t->mask = n - 1;
}

static struct span key_of(const struct tokenizer *t, const struct tok_table *table, int32_t id)
{
	return table == &t->by_bytes ? t->tokens[id].bytes : t->tokens[id].text;
}

int32_t tok_table_find(const struct tokenizer *t, const struct tok_table *table, const char *s,
		       size_t n)
{
	size_t i;

	if (!table->slots)
		return -1;
	for (i = tok_hash(s, n) & table->mask; table->slots[i] >= 0; i = (i + 1) & table->mask) {
		struct span k = key_of(t, table, table->slots[i]);

		if (k.n == n && !memcmp(k.s, s, n))
			return table->slots[i];
	}
	return -1;
}

void tok_table_add(const struct tokenizer *t, struct tok_table *table, int32_t id)
{
	struct span k = key_of(t, table, id);
	size_t i = tok_hash(k.s, k.n) & table->mask;

	while (table->slots[i] >= 0)
		i = (i + 1) & table->mask;
	table->slots[i] = id;
}

static size_t pair_slot(const struct tokenizer *t, uint64_t key)
{
	/* Fibonacci hashing; the high bits are the mixed ones */
	uint64_t h = key * 0x9e3779b97f4a7c15u;

	return (size_t)(h >> 32) & t->pairs_mask;
}

void tok_pairs_make(struct tokenizer *t, size_t merges)
{
	size_t i, n = slots_for(merges);

	t->pairs = mem_alloc(n, sizeof *t->pairs);
	t->pairs_mask = n - 1;
	for (i = 0; i < n; i++)
		t->pairs[i].id = -1;
}

static const struct tok_pair *pair_find(const struct tokenizer *t, int32_t left, int32_t right)
{
	uint64_t key = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
	size_t i;

	for (i = pair_slot(t, key); t->pairs[i].id >= 0; i = (i + 1) & t->pairs_mask)
		if (t->pairs[i].key == key)
			return &t->pairs[i];
	return NULL;
}

void tok_pairs_add(struct tokenizer *t, int32_t left, int32_t right, uint32_t rank, int32_t id)
{
	uint64_t key = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
	size_t i = pair_slot(t, key);

	while (t->pairs[i].id >= 0 && t->pairs[i].key != key)
		i = (i + 1) & t->pairs_mask;
	t->pairs[i] = (struct tok_pair){key, rank, id};
}

static uint32_t rank_of(const struct tokenizer *t, int32_t left, int32_t right)
{
	const struct tok_pair *p = pair_find(t, left, right);

	return p ? p->rank : TOK_RANK_NONE;
}

/* Merges id[0..n) in place, rank[i] being room for the rank of the pair at i; returns how many
 * symbols are left. */
static size_t merge_short(const struct tokenizer *t, int32_t *id, uint32_t *rank, size_t n)
{
	size_t i;

	for (i = 0; i + 1 < n; i++)
		rank[i] = rank_of(t, id[i], id[i + 1]);
	for (;;) {
		uint32_t best = TOK_RANK_NONE;
		size_t at = 0;

		for (i = 0; i + 1 < n; i++)
			if (rank[i] < best) {
				best = rank[i];
				at = i;
			}
		if (best == TOK_RANK_NONE)
			return n;
		id[at] = pair_find(t, id[at], id[at + 1])->id;
		memmove(id + at + 1, id + at + 2, (n - at - 2) * sizeof *id);
		if (at + 2 < n)
			memmove(rank + at, rank + at + 1, (n - at - 2) * sizeof *rank);
		n--;
		if (at + 1 < n)
			rank[at] = rank_of(t, id[at], id[at + 1]);
		if (at)
			rank[at - 1] = rank_of(t, id[at - 1], id[at]);
	}
}

static void heap_push(struct tok_work *w, uint64_t x)
{
	size_t i = w->heap_n++;

	w->heap = mem_grow(w->heap, &w->heap_cap, w->heap_n, sizeof *w->heap);
	while (i && w->heap[(i - 1) / 2] > x) {
		w->heap[i] = w->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	w->heap[i] = x;
}

static uint64_t heap_pop(struct tok_work *w)
{
	uint64_t top = w->heap[0], x = w->heap[--w->heap_n];
	size_t i = 0, c;

	while ((c = 2 * i + 1) < w->heap_n) {
		if (c + 1 < w->heap_n && w->heap[c + 1] < w->heap[c])
			c++;
		if (w->heap[c] >= x)
			break;
		w->heap[i] = w->heap[c];
		i = c;
	}
	if (w->heap_n)
		w->heap[i] = x;
	return top;
}

/* The pair at symbol i changed: remember its rank, and queue it where there is one. */
static void pair_changed(const struct tokenizer *t, struct tok_work *w, int32_t i)
{
	w->rank[i] = w->after[i] < 0 ? TOK_RANK_NONE : rank_of(t, w->id[i], w->id[w->after[i]]);
	if (w->rank[i] != TOK_RANK_NONE)
		heap_push(w, (uint64_t)w->rank[i] << 32 | (uint32_t)i);
}

static void merge_long(const struct tokenizer *t, struct tok_work *w, size_t n, struct tokens *out)
{
	int32_t i;

	w->heap_n = 0;
	for (i = 0; i < (int32_t)n; i++) {
		w->before[i] = i - 1;
		w->after[i] = i + 1 < (int32_t)n ? i + 1 : -1;
	}
	for (i = 0; i < (int32_t)n; i++)
		pair_changed(t, w, i);
	while (w->heap_n) {
		uint64_t x = heap_pop(w);
		int32_t right;

		i = (int32_t)(uint32_t)x;
		if (w->rank[i] != x >> 32)
			/* the pair that was here has been merged, or merged into another */
			continue;
		right = w->after[i];
		w->id[i] = pair_find(t, w->id[i], w->id[right])->id;
		w->rank[right] = TOK_RANK_NONE;
		w->after[i] = w->after[right];
		if (w->after[i] >= 0)
			w->before[w->after[i]] = i;
		pair_changed(t, w, i);
		if (w->before[i] >= 0)
			pair_changed(t, w, w->before[i]);
	}
	for (i = 0; i >= 0; i = w->after[i])
		tokens_add(out, w->id[i]);
}

static void symbols_need(struct tok_work *w, size_t n)
{
	size_t cap;

	if (n <= w->symbols)
		return;
	cap = w->symbols;
	w->id = mem_grow(w->id, &cap, n, sizeof *w->id);
	w->before = mem_realloc(w->before, cap, sizeof *w->before);
	w->after = mem_realloc(w->after, cap, sizeof *w->after);
	w->rank = mem_realloc(w->rank, cap, sizeof *w->rank);
	w->symbols = cap;
}

/* Symbols of a SentencePiece-style word: characters, else their bytes, else the unknown token. */
static long characters(const struct tokenizer *t, struct tok_work *w, const char *s, size_t n,
		       struct err *e)
{
	size_t at = 0, m = 0;

	symbols_need(w, n);
	while (at < n) {
		int32_t c, id;
		int bad, i, len = tok_utf8(s + at, n - at, &c, &bad);

		if (!len)
			return err_set(e, "the text is not valid UTF-8 after normalization");
		id = tok_table_find(t, &t->by_text, s + at, (size_t)len);
		if (id >= 0 && id < t->vocab_only) {
			w->id[m++] = id;
		} else {
			int all = t->byte_fallback;

			for (i = 0; i < len && all; i++)
				all = t->byte_id[(unsigned char)s[at + (size_t)i]] >= 0;
			if (all)
				for (i = 0; i < len; i++)
					w->id[m++] = t->byte_id[(unsigned char)s[at + (size_t)i]];
			else if (t->unk < 0)
				return err_set(e,
					       "the vocabulary has no token for \"%.*s\" (U+%04X), and none for the unknown",
					       len, s + at, (unsigned)c);
			else if (!(t->fuse_unk && m && w->id[m - 1] == t->unk))
				w->id[m++] = t->unk;
		}
		at += (size_t)len;
	}
	return (long)m;
}

static long bytes(const struct tokenizer *t, struct tok_work *w, const char *s, size_t n,
		  struct err *e)
{
	size_t i;

	symbols_need(w, n);
	for (i = 0; i < n; i++)
		if ((w->id[i] = t->byte_id[(unsigned char)s[i]]) < 0)
			return err_set(e, "the vocabulary has no token for the byte 0x%02X",
				       (unsigned)(unsigned char)s[i]);
	return (long)n;
}

/* A word that is not in the cache. */
static int encode(const struct tokenizer *t, struct tok_work *w, const char *s, size_t n,
		  struct tokens *out, struct err *e)
{
	long m;
	int32_t id;

	if (t->ignore_merges) {
		id = tok_table_find(t, t->byte_level ? &t->by_bytes : &t->by_text, s, n);
		if (id >= 0 && id < t->vocab_only) {
			tokens_add(out, id);
			return 0;
		}
	}
	m = t->byte_level ? bytes(t, w, s, n, e) : characters(t, w, s, n, e);
	if (m < 0)
		return -1;
	if (m > SHORT)
		merge_long(t, w, (size_t)m, out);
	else
		tokens_append(out, w->id, merge_short(t, w->id, w->rank, (size_t)m));
	return 0;
}

static int cached(const struct tokenizer *t, struct tok_work *w, const char *s, size_t n,
		  struct tokens *out, struct err *e)
{
	struct tok_cached *c;
	size_t from = out->n;

	if (n > TOK_CACHE_BYTES)
		return encode(t, w, s, n, out, e);
	if (!w->cache)
		w->cache = mem_alloc((size_t)1 << TOK_CACHE_BITS, sizeof *w->cache);
	c = &w->cache[tok_hash(s, n) >> (64 - TOK_CACHE_BITS)];
	if (c->len == n && !memcmp(c->bytes, s, n)) {
		tokens_append(out, c->ids, (size_t)c->n);
		return 0;
	}
	if (encode(t, w, s, n, out, e))
		return -1;
	if (out->n - from <= TOK_CACHE_IDS) {
		c->len = (uint8_t)n;
		memcpy(c->bytes, s, n);
		c->n = (int32_t)(out->n - from);
		memcpy(c->ids, out->ids + from, (out->n - from) * sizeof *c->ids);
	}
	return 0;
}

int tok_word(const struct tokenizer *t, struct tok_work *w, const char *s, size_t n,
	     struct tokens *out, struct err *e)
{
	static const char space[] = "\xe2\x96\x81"; /* ▁ */
	const char *end = s + n;

	if (!n)
		return 0;
	if (!t->cut_at_space)
		return cached(t, w, s, n, out, e);
	/* Up to the next ▁ that follows another character. */
	while (s < end) {
		const char *p = s;

		while (end - p >= 3 && !memcmp(p, space, 3))
			p += 3;
		for (; p < end; p++) {
			p = memchr(p, (unsigned char)space[0], (size_t)(end - p));
			if (!p || end - p < 3) {
				p = end;
				break;
			}
			if (!memcmp(p, space, 3))
				break;
		}
		if (cached(t, w, s, (size_t)(p - s), out, e))
			return -1;
		s = p;
	}
	return 0;
}

/* GPT-2's alphabet: printable Latin-1 bytes stand for themselves, the other 68 are numbered from
 * U+0100 on. */
int tok_byte_char(int byte)
{
	int b, n = 0;

	if ((byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174)
		return byte;
	for (b = 0; b < byte; b++)
		if (!((b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174))
			n++;
	return 256 + n;
}

int tok_char_byte(int32_t c)
{
	if (c < 0 || c >= 324)
		return -1;
	if (c < 256)
		return (c >= 33 && c <= 126) || (c >= 161 && c <= 172) || c >= 174 ? (int)c : -1;
	c -= 256; /* the c-th of 0..32, 127..160, 173 */
	return c < 33 ? (int)c : c < 67 ? (int)c - 33 + 127 : 173;
}

/* near: MinHash-LSH without stored signatures: a band's minima are computed from the sets when the
 * band's turn comes, so that memory is what the sets take. See the header.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../base/map.h"
#include "../base/mem.h"
#include "features.h"
#include "hash.h"
#include "near.h"

#define RUN 3	       /* words */
#define MINIMA_MAX 128 /* b * r */
#define CROWD 64       /* texts of one bucket that are compared with each other */
#define PIECE 4096     /* texts in one piece of work */

struct near {
	double threshold;
	uint64_t seed;
	int r, b;
	uint32_t *runs; /* the sets one after the other, each rising */
	size_t runs_n, runs_cap;
	size_t *begin; /* of text i's set; begin[texts] is its end */
	size_t texts, begin_cap;
	uint32_t *same; /* the first text with an equal set, i itself where there is none before */
	size_t same_cap;
	struct map by_set;
};

/* The most minima to a band, hence the fewest false candidates, that b * r leaves room for. */
static void choose_bands(struct near *n)
{
	n->r = 1;
	n->b = MINIMA_MAX;
	for (int r = 1; r <= 32; r++) {
		double hit = pow(n->threshold, r);
		double b = hit >= 1 ? 1 : ceil(log(.005) / log1p(-hit));
		if (b * r > MINIMA_MAX)
			break;
		n->r = r;
		n->b = (int)b;
	}
}

struct near *near_new(double threshold, uint64_t seed)
{
	struct near *n = mem_alloc(1, sizeof *n);

	n->threshold = threshold;
	n->seed = seed;
	choose_bands(n);
	n->begin = mem_grow(NULL, &n->begin_cap, 2, sizeof *n->begin);
	n->begin[0] = 0;
	return n;
}

void near_free(struct near *n)
{
	if (!n)
		return;
	free(n->runs);
	free(n->begin);
	free(n->same);
	map_release(&n->by_set);
	free(n);
}

size_t near_count(const struct near *n)
{
	return n->texts;
}

static int by_run(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void add_run(struct near *n, uint64_t hash)
{
	n->runs = mem_grow(n->runs, &n->runs_cap, n->runs_n + 1, sizeof *n->runs);
	n->runs[n->runs_n++] = (uint32_t)(hash >> 32);
}

int near_add(struct near *n, struct span text, struct err *e)
{
	struct tokens t;
	struct token token;
	uint64_t last[RUN] = {0};
	size_t words = 0, first = n->runs_n;

	if (n->texts >= UINT32_MAX)
		return err_set(e, "more than %u texts", UINT32_MAX);
	tokens_init(&t, text, 0);
	while (tokens_next(&t, &token)) {
		memmove(last, last + 1, (RUN - 1) * sizeof *last);
		last[RUN - 1] = token.hash;
		if (++words >= RUN)
			add_run(n, hash_mix(hash_mix(last[0], last[1]), last[2]));
	}
	if (words > 0 && words < RUN)
		add_run(n,
			hash_mix(hash_mix(words == 2 ? last[RUN - 2] : 0, last[RUN - 1]), words));

	size_t k = n->runs_n - first, kept = 0;
	uint32_t *set = n->runs ? n->runs + first : NULL;
	if (k)
		mem_sort(set, k, sizeof *set, by_run);
	for (size_t i = 0; i < k; i++) {
		if (!kept || set[kept - 1] != set[i])
			set[kept++] = set[i];
	}
	n->runs_n = first + kept;

	n->begin = mem_grow(n->begin, &n->begin_cap, n->texts + 2, sizeof *n->begin);
	n->same = mem_grow(n->same, &n->same_cap, n->texts + 1, sizeof *n->same);
	n->begin[n->texts + 1] = n->runs_n;
	n->same[n->texts] = (uint32_t)n->texts;
	if (kept) {
		uint64_t hash = hash64((struct span){(const char *)set, kept * sizeof *set}, kept);
		uint32_t twin = (uint32_t)*map_put(&n->by_set, hash, n->texts, NULL);
		size_t size = n->begin[twin + 1] - n->begin[twin];
		if (size == kept && memcmp(n->runs + n->begin[twin], set, kept * sizeof *set) == 0)
			n->same[n->texts] = twin;
		if (n->same[n->texts] != n->texts)
			/* the twin's set stands for both */
			n->runs_n = n->begin[n->texts + 1] = first;
	}
	n->texts++;
	return 0;
}

static double jaccard(const uint32_t *a, size_t na, const uint32_t *b, size_t nb)
{
	size_t i = 0, j = 0, both = 0;

	while (i < na && j < nb) {
		both += a[i] == b[j];
		size_t up = a[i] <= b[j];
		j += b[j] <= a[i];
		i += up;
	}
	return na + nb ? (double)both / (double)(na + nb - both) : 0;
}

double near_jaccard(const struct near *n, size_t a, size_t b)
{
	a = n->same[a];
	b = n->same[b];
	return jaccard(n->runs + n->begin[a], n->begin[a + 1] - n->begin[a], n->runs + n->begin[b],
		       n->begin[b + 1] - n->begin[b]);
}

struct entry {
	uint64_t key;
	uint32_t text;
};

#define DIGIT 11 /* bits; six digits make a key: after an even number all are in entry again */

/* By key, and those of one key in the order they are in: digit by digit, from the last. */
static void sort_by_key(struct entry *entry, struct entry *spare, size_t n)
{
	for (int shift = 0; shift < 64; shift += DIGIT) {
		size_t begin[1 << DIGIT] = {0}, at = 0;
		struct entry *swap = entry;

		for (size_t i = 0; i < n; i++)
			begin[entry[i].key >> shift & ((1 << DIGIT) - 1)]++;
		for (size_t d = 0; d < sizeof begin / sizeof *begin; d++) {
			size_t count = begin[d];
			begin[d] = at;
			at += count;
		}
		for (size_t i = 0; i < n; i++)
			spare[begin[entry[i].key >> shift & ((1 << DIGIT) - 1)]++] = entry[i];
		entry = spare;
		spare = swap;
	}
}

/* One band of all texts in hand, in pieces. */
struct band {
	const struct near *n;
	struct entry *entry;
	size_t entries;
	uint64_t multiply[32], add[32];
};

static void band_piece(void *arg, size_t piece)
{
	struct band *band = arg;
	const struct near *n = band->n;
	size_t to = (piece + 1) * PIECE < band->entries ? (piece + 1) * PIECE : band->entries;

	for (size_t i = piece * PIECE; i < to; i++) {
		uint32_t text = band->entry[i].text;
		uint64_t key = n->seed;
		for (int k = 0; k < n->r; k++) {
			/* Multiply and shift: a random odd factor and an offset permute the runs
			 * well enough for minima. */
			uint64_t least = UINT64_MAX, m = band->multiply[k], c = band->add[k];
			for (size_t j = n->begin[text]; j < n->begin[text + 1]; j++) {
				uint64_t h = (n->runs[j] + c) * m;
				h ^= h >> 29;
				least = h < least ? h : least;
			}
			key = hash_mix(key, least);
		}
		band->entry[i].key = key;
	}
}

struct found {
	struct near_pair *pair;
	size_t n, cap;
	struct map seen; /* a << 32 | b */
	unsigned char *crowded;
};

static void compare_pair(const struct near *n, struct found *f, uint32_t a, uint32_t b)
{
	size_t na = n->begin[a + 1] - n->begin[a], nb = n->begin[b + 1] - n->begin[b];
	size_t less = na < nb ? na : nb, more = na < nb ? nb : na;
	int added;

	/* Sizes alone bound the similarity. */
	if ((double)less < n->threshold * (double)more)
		return;
	double j = jaccard(n->runs + n->begin[a], na, n->runs + n->begin[b], nb);
	if (j < n->threshold)
		return;
	map_put(&f->seen, (uint64_t)a << 32 | b, 1, &added);
	if (!added)
		return;
	f->pair = mem_grow(f->pair, &f->cap, f->n + 1, sizeof *f->pair);
	f->pair[f->n++] = (struct near_pair){a, b, (float)j};
}

static void search_band(const struct near *n, struct band *band, struct found *f)
{
	const struct entry *e = band->entry;

	for (size_t i = 0; i < band->entries;) {
		size_t end = i + 1;
		while (end < band->entries && e[end].key == e[i].key)
			end++;
		for (size_t x = i; x < end; x++) {
			/* In a crowd each text meets the first one, so that the crowd holds
			 * together, and its neighbours. */
			size_t from = x - i > CROWD ? x - CROWD : i;
			if (from > i) {
				compare_pair(n, f, e[i].text, e[x].text);
				f->crowded[e[x].text] = 1;
			}
			for (size_t y = from; y < x; y++)
				compare_pair(n, f, e[y].text, e[x].text);
		}
		i = end;
	}
}

static int by_similarity(const void *x, const void *y)
{
	const struct near_pair *a = x, *b = y;

	if (a->jaccard != b->jaccard)
		return a->jaccard > b->jaccard ? -1 : 1;
	if (a->a != b->a)
		return a->a < b->a ? -1 : 1;
	return a->b < b->b ? -1 : a->b > b->b;
}

struct near_pair *near_pairs(struct near *n, struct pool *pool, size_t *pairs_n, size_t *unchecked)
{
	struct band band = {.n = n, .entry = mem_alloc(n->texts, sizeof *band.entry)};
	struct entry *spare = mem_alloc(n->texts, sizeof *spare);
	struct found f = {.crowded = mem_alloc(n->texts, 1)};

	for (size_t i = 0; i < n->texts; i++) {
		if (n->same[i] != i) {
			f.pair = mem_grow(f.pair, &f.cap, f.n + 1, sizeof *f.pair);
			f.pair[f.n++] = (struct near_pair){n->same[i], (uint32_t)i, 1};
		}
	}
	for (int b = 0; b < n->b; b++) {
		for (int k = 0; k < n->r; k++) {
			uint64_t salt = (uint64_t)(b * 64 + k);
			band.multiply[k] = hash_mix(n->seed, 2 * salt) | 1;
			band.add[k] = hash_mix(n->seed, 2 * salt + 1) >> 32;
		}
		band.entries = 0;
		for (size_t i = 0; i < n->texts; i++)
			if (n->same[i] == i && n->begin[i + 1] > n->begin[i])
				band.entry[band.entries++].text = (uint32_t)i;
		pool_run(pool, (band.entries + PIECE - 1) / PIECE, band_piece, &band);
		sort_by_key(band.entry, spare, band.entries);
		search_band(n, &band, &f);
	}
	*unchecked = 0;
	for (size_t i = 0; i < n->texts; i++)
		*unchecked += f.crowded[i];
	if (f.n)
		mem_sort(f.pair, f.n, sizeof *f.pair, by_similarity);
	*pairs_n = f.n;
	free(band.entry);
	free(spare);
	free(f.crowded);
	map_release(&f.seen);
	return f.pair ? f.pair : mem_alloc(1, sizeof *f.pair);
}

/* --- the text of a record --- */

static int add_strings(struct span v, struct buf *b)
{
	struct json_iter it = {0};
	struct span key, value;

	if (json_kind(v) == JSON_STRING)
		return json_string(v, b) || buf_addc(b, '\n');
	if (json_kind(v) == JSON_OBJECT || json_kind(v) == JSON_ARRAY) {
		while (json_next(&it, v, &key, &value)) {
			if (add_strings(value, b))
				return -1;
		}
	}
	return 0;
}

int near_text(const struct record *r, struct buf *b, struct err *e)
{
	struct span messages = record_get(r, "messages"), prompt = record_get(r, "prompt"), key,
		    turn;
	struct json_iter it = {0};

	if (json_kind(messages) == JSON_ARRAY) {
		while (json_next(&it, messages, &key, &turn)) {
			if (!json_is(json_member(turn, "role"), "user"))
				continue;
			struct span content = json_member(turn, "content");
			if (json_kind(content) != JSON_NULL && content.s &&
			    record_message_text(content, b))
				return err_set(e,
					       "the content of a user turn is neither text nor parts of text");
			buf_addc(b, '\n');
		}
	} else if (json_kind(prompt) == JSON_STRING) {
		json_string(prompt, b);
	} else {
		for (size_t i = 0; i < r->n; i++) {
			if (record_is_input(r, r->members[i].key) &&
			    add_strings(r->members[i].value, b))
				break;
		}
	}
	return b->full ? err_set(e, "a text too long to compare") : 0;
}

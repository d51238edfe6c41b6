/* near: against an exact comparison of all pairs, with short, empty and equal texts among them. */
#include <stdlib.h>
#include "../../lib/base/mem.h"
#include "../../lib/base/rng.h"
#include "../../lib/text/near.h"
#include "tap.h"

#define TEXTS 1200

/* Variants of sentences: words are dropped, changed and added at random. */
static void make(struct rng *r, struct buf *b, size_t i)
{
	struct rng base;
	int n = 4 + (int)(i % 40);

	rng_seed(&base, 5, i % 150);
	for (int k = 0; k < n; k++) {
		unsigned w = (unsigned)rng_below(&base, 500);
		if (rng_uniform(r) < 0.02)
			continue;
		if (rng_uniform(r) < 0.02)
			w += 1000;
		buf_addf(b, "%sw%u", k ? " " : "", w);
	}
}

static void against_all_pairs(double threshold)
{
	struct near *n = near_new(threshold, 3);
	struct rng r;
	size_t found, unchecked, want = 0, got = 0, twins = 0;
	struct pool *pool = pool_new(2);
	int right = 1;

	rng_seed(&r, 1, 1);
	for (size_t i = 0; i < TEXTS; i++) {
		struct buf b = BUF_INIT;
		make(&r, &b, i);
		near_add(n, buf_span(&b), NULL);
		buf_release(&b);
	}
	struct near_pair *p = near_pairs(n, pool, &found, &unchecked);
	unsigned char *hit = mem_alloc(TEXTS * TEXTS, 1);
	for (size_t i = 0; i < found; i++) {
		right &= near_jaccard(n, p[i].a, p[i].b) >= threshold && p[i].a < p[i].b &&
			 !hit[p[i].a * TEXTS + p[i].b];
		hit[p[i].a * TEXTS + p[i].b] = 1;
		twins += p[i].jaccard == 1;
	}
	/* Texts with equal sets are reported through their first. */
	for (size_t i = 0; i < TEXTS; i++) {
		for (size_t j = i + 1; j < TEXTS; j++) {
			double s = near_jaccard(n, i, j);
			if (s < threshold || s == 1)
				continue;
			int first = 1;
			for (size_t k = 0; k < i && first; k++)
				first = near_jaccard(n, k, i) < 1;
			for (size_t k = 0; k < j && first; k++)
				first = near_jaccard(n, k, j) < 1;
			if (!first)
				continue;
			want++;
			got += hit[i * TEXTS + j];
		}
	}
	ok(right, "at %g every pair reported is near, ordered, and reported once", threshold);
	ok(want > 50 && twins > 0 && (double)got >= 0.99 * (double)want,
	   "at %g recall is at least .99: %zu of %zu", threshold, got, want);
	ok(unchecked == 0, "no crowd");
	free(hit);
	free(p);
	pool_free(pool);
	near_free(n);
}

int main(void)
{
	static const char *const texts[] =
		{"Hello there",	    "hello, THERE!",	 "hello", "", "...",
		 "hello there you", "Hello there, you?", ""};
	size_t found, unchecked;

	against_all_pairs(0.8);
	against_all_pairs(0.5);
	struct near *n = near_new(0.8, 0);
	for (int i = 0; i < 8; i++)
		near_add(n, span_of(texts[i]), NULL);
	struct near_pair *p = near_pairs(n, NULL, &found, &unchecked);
	ok(found == 2 && p[0].a == 0 && p[0].b == 1 && p[1].a == 5 && p[1].b == 6,
	   "short texts are near only to what says the same; empty ones to nothing");
	free(p);
	near_free(n);

	n = near_new(0.8, 0);
	for (int i = 0; i < 500; i++) {
		char text[128];
		snprintf(text, sizeof text,
			 "a crowd of texts that all say much the same thing in very many words but for number %d",
			 i);
		near_add(n, span_of(text), NULL);
	}
	p = near_pairs(n, NULL, &found, &unchecked);
	ok(unchecked > 0 && found >= 499, "a crowd holds together and is owned up to");
	free(p);
	near_free(n);
	return tap_done();
}

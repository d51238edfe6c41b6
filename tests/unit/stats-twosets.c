/* twosets: its level under the null hypothesis, its power, and that it names the word. */
#include <stdlib.h>
#include "../../lib/base/mem.h"
#include "../../lib/base/rng.h"
#include "../../lib/stats/twosets.h"
#include "tap.h"

/* Texts of about ten words of 400, common ones first; the second set has word 7 more often by
 * `more`. */
static void make(struct rng *r, struct twosets *t, size_t n, size_t m, double more)
{
	size_t *begin = mem_alloc(n + m + 1, sizeof *begin);
	uint32_t *word = mem_alloc((n + m) * 16, sizeof *word);
	size_t k = 0;

	for (size_t i = 0; i < n + m; i++) {
		unsigned char has[400] = {0};
		begin[i] = k;
		for (int j = 0; j < 10; j++)
			has[(size_t)(400 * rng_uniform(r) * rng_uniform(r) * rng_uniform(r))] = 1;
		if (i >= n && rng_uniform(r) < more)
			has[307] = 1;
		for (uint32_t w = 0; w < 400; w++) {
			if (has[w])
				word[k++] = w;
		}
	}
	begin[n + m] = k;
	*t = (struct twosets){n, m, begin, word, 400};
}

static double rejections(double more, int runs, size_t n, size_t m, int *named)
{
	struct rng r;
	int hits = 0;

	*named = 0;
	rng_seed(&r, 3, n);
	for (int i = 0; i < runs; i++) {
		struct twosets t;
		struct twosets_result result;
		make(&r, &t, n, m, more);
		twosets_test(&t, (uint64_t)i, 999, NULL, &result);
		hits += result.p <= 0.05;
		*named += result.where == 307;
		free((void *)t.begin);
		free((void *)t.word);
	}
	return hits / (double)runs;
}

int main(void)
{
	int named, runs = 300;
	double bound = 0.05 + 1.96 * sqrt(0.05 * 0.95 / runs), rate;

	rate = rejections(0, runs, 60, 200, &named);
	ok(rate <= bound, "false alarms with 60 and 200 texts: %.3f", rate);
	rate = rejections(0, runs, 50, 50, &named);
	ok(rate <= bound, "false alarms with 50 and 50 texts: %.3f", rate);
	rate = rejections(0.3, 60, 200, 60, &named);
	ok(rate >= 0.95, "a word that 3 texts in 10 gain is found: %.3f", rate);
	ok(named >= 57, "and named: %d of 60", named);
	struct twosets none = {0};
	struct twosets_result result;
	twosets_test(&none, 1, 10, NULL, &result);
	ok(isnan(result.p), "no texts, no p");
	return tap_done();
}

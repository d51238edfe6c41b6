/* apart: false alarms, power and determinism of the two-sample classifier. */
#include <stdlib.h>
#include "tap.h"
#include "../../lib/base/rng.h"
#include "../../lib/stats/apart.h"
#include "../../lib/stats/dist.h"

#define WORDS 12

static uint32_t words[1200][WORDS];
static struct apart_row rows[1200];

/* n rows and then m rows, of words by Zipf's law; a share of the second kind's rows has one word of
 * its own. */
static void deal(struct rng *r, size_t n, size_t m, double share)
{
	for (size_t i = 0; i < n + m; i++) {
		rows[i] = (struct apart_row){words[i], WORDS, i >= n};
		for (size_t k = 0; k < WORDS; k++)
			words[i][k] = (uint32_t)exp(rng_uniform(r) * 7) * 2654435769u;
		if (rows[i].second && rng_uniform(r) < share)
			words[i][0] = 77;
	}
}

/* alarms(N, M, SHARE) - of 300 draws, how many fall below .05. */
static int alarms(size_t n, size_t m, double share)
{
	struct rng r;
	struct apart a;
	int hits = 0;

	rng_seed(&r, n * 7919 + m, 1);
	for (int draw = 0; draw < 300; draw++) {
		deal(&r, n, m, share);
		apart_test(rows, n + m, (uint64_t)draw, &a);
		hits += a.p < 0.05;
	}
	return hits;
}

int main(void)
{
	static const size_t size[][2] = {{20, 20}, {100, 60}, {600, 60}};
	struct rng r;
	struct apart a, b;

	for (int i = 0; i < 3; i++) {
		int hits = alarms(size[i][0], size[i][1], 0);
		ok(dist_binomial_sf(hits - 1, 300, 0.05) > 1e-4,
		   "%zu and %zu rows alike: %d of 300 alarms at .05", size[i][0], size[i][1], hits);
	}
	int hits = alarms(200, 200, 0.35);
	ok(hits >= 270, "a word that a third of one side has is seen: %d of 300", hits);

	rng_seed(&r, 1, 2);
	deal(&r, 300, 300, 0.6);
	apart_test(rows, 600, 5, &a);
	apart_test(rows, 600, 5, &b);
	ok(a.auc.value == b.auc.value && a.p == b.p && a.held_out == 300,
	   "the same seed gives the same answer");
	ok(a.auc.value > 0.7 && a.auc.lo < a.auc.value && a.auc.hi > a.auc.value,
	   "the area under the curve has an interval: %.2f .. %.2f", a.auc.lo, a.auc.hi);
	apart_test(rows, 310, 5, &a);
	ok(isnan(a.p) && isnan(a.auc.value), "ten rows of a side are too few to say");
	return tap_done();
}

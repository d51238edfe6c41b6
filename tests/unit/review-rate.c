/* The error rate of a journal: simulated reviews, in which suspicion is far from random, cover the
 * truth. */
#include <stdlib.h>
#include "../../lib/base/mem.h"
#include "../../lib/base/rng.h"
#include "../../lib/review/rate.h"
#include "tap.h"

#define ROWS 2000
#define JUDGED 200
#define REVIEWS 1000

struct row {
	char key[48];
	double draw, suspicion;
	int wrong, judged;
};

static int by_draw(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	return (x->draw > y->draw) - (x->draw < y->draw);
}

/* A review as the page makes it: of the rows without a verdict, each second one is the next in the
 * order of draws, the others are the most suspicious. Wrong rows are more suspicious than right
 * ones. */
static struct rate review(struct rng *g, double truth, size_t *wrong)
{
	struct row *rows = mem_alloc(ROWS, sizeof *rows);
	struct journal j = {.fd = -1};
	struct decision *all = mem_alloc(JUDGED, sizeof *all);
	*wrong = 0;
	for (int i = 0; i < ROWS; i++) {
		snprintf(rows[i].key, sizeof rows[i].key, "%016llx%016llx",
			 (unsigned long long)rng_u64(g), (unsigned long long)rng_u64(g));
		rows[i].draw = journal_draw(rows[i].key);
		rows[i].wrong = rng_uniform(g) < truth;
		rows[i].suspicion = rng_uniform(g) + (rows[i].wrong ? 0.5 : 0);
		*wrong += (size_t)rows[i].wrong;
	}
	qsort(rows, ROWS, sizeof *rows, by_draw);
	for (int n = 0; n < JUDGED; n++) {
		struct row *next = NULL;
		for (int i = 0; i < ROWS; i++) {
			if (rows[i].judged ||
			    (next && (n % 2 || rows[i].suspicion <= next->suspicion)))
				continue;
			next = &rows[i];
			if (n % 2)
				break;
		}
		next->judged = 1;
		all[n] = (struct decision){.verdict = next->wrong ? VERDICT_BAD : VERDICT_GOOD,
					   .draw = next->draw,
					   .random = n % 2};
		memcpy(all[n].key, next->key, sizeof next->key);
	}
	j.all = all;
	j.n = JUDGED;
	j.reviewers_n = 1;
	for (size_t i = 0; i < j.n; i++)
		journal_index(&j, i);
	struct rate r = rate_of(&j, (size_t)-1);
	map_release(&j.last);
	free(all);
	free(rows);
	return r;
}

int main(void)
{
	static const double truths[] = {0.02, 0.1, 0.3};
	struct rng g;
	rng_seed(&g, 5, 0);
	for (size_t t = 0; t < 3; t++) {
		int covered = 0;
		double sum = 0, true_sum = 0;
		for (int i = 0; i < REVIEWS; i++) {
			size_t wrong;
			struct rate r = review(&g, truths[t], &wrong);
			double truth = (double)wrong / ROWS;
			covered += r.lo <= truth && truth <= r.hi;
			sum += r.value;
			true_sum += truth;
		}
		ok(covered >= 0.93 * REVIEWS,
		   "at %.0f %% wrong rows the interval covers in %d of %d reviews", 100 * truths[t],
		   covered, REVIEWS);
		ok_near(sum / REVIEWS, true_sum / REVIEWS, 0.01,
			"and the rate is right on average");
	}
	return tap_done();
}

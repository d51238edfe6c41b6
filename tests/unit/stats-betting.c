/* betting: bounds and p-values against the capital multiplied row by row, the exact chance of ever being
 * wrong about a rate, and streams that are looked at after every row. FT_SLOW=1 looks at 2,000
 * streams of 5,000 rows. */
#include <stdlib.h>
#include "tap.h"
#include "../../lib/base/rng.h"
#include "../../lib/stats/betting.h"
#include "../../lib/stats/power.h"

static const struct {
	const char *name;
	struct tally_bin bins[4];
	size_t n;
	double level, m, mean, lo, hi, p;
} cases[] = {
#include "stats-betting.inc"
};

static void against_products(void)
{
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct tally t = {0}, doubled = {0};
		struct interval v, w;

		for (size_t k = 0; k < cases[i].n; k++)
			for (uint64_t r = 0; r < cases[i].bins[k].n; r++) {
				tally_add(&t, cases[i].bins[k].x);
				tally_add(&doubled, 2 * cases[i].bins[k].x - 1);
			}
		v = betting_mean(&t, 0, 1, cases[i].level);
		ok_near(v.value, cases[i].mean, 1e-11, "%s: the mean", cases[i].name);
		ok_near(v.lo, cases[i].lo, 2e-9, "%s: the lower bound", cases[i].name);
		ok_near(v.hi, cases[i].hi, 2e-9, "%s: the upper bound", cases[i].name);
		ok_near(betting_p(&t, 0, 1, cases[i].m), cases[i].p, 1e-8, "%s: p", cases[i].name);
		w = betting_mean(&doubled, -1, 1, cases[i].level);
		ok_near(w.lo, 2 * v.lo - 1, 1e-12, "%s: the same of values from -1 to 1",
			cases[i].name);
		ok((betting_p(&t, 0, 1, cases[i].m) <= 1 - cases[i].level) ==
			   (cases[i].m < v.lo || cases[i].m > v.hi),
		   "%s: p and bounds agree", cases[i].name);
		tally_release(&t);
		tally_release(&doubled);
	}
}

static void edges(void)
{
	struct tally none = {0}, t = {0};
	struct interval v = betting_mean(&none, 0, 1, .95);

	ok(isnan(v.value) && isnan(v.lo) && isnan(v.hi) && isnan(betting_p(&none, 0, 1, .5)) &&
		   isnan(betting_rows(&none, 0, 1, .5, .95)) &&
		   isnan(betting_rate(0, 0, .95).value),
	   "nothing is known without data");
	for (int i = 0; i < 650; i++)
		tally_add(&t, 0);
	v = betting_mean(&t, -1, 1, .95);
	ok(v.lo < 0 && v.hi > 0 && betting_p(&t, -1, 1, 0) == 1,
	   "differences that are all 0 say that they are about 0");
	ok(isinf(betting_rows(&t, -1, 1, 0, .95)), "and never that they are not");
	v = betting_rate(40, 40, .95);
	ok(v.lo > .8 && v.hi == 1 && betting_rate(40, 40, .95).lo < betting_rate(80, 80, .95).lo,
	   "a rate of 1 is bounded from below alone, the closer the more rows");
	v = betting_rate(1, 1, .95);
	ok(v.lo > 0 && v.lo < .03 && v.hi == 1, "a single row says next to nothing");
	ok(betting_rate_rows(40, 40, .9, .95) > 40 && betting_rate(40, 40, .95).lo < .9 &&
		   betting_rate(betting_rate_rows(40, 40, .9, .95),
				betting_rate_rows(40, 40, .9, .95), .95)
				   .lo > .9 &&
		   betting_rate(betting_rate_rows(40, 40, .9, .95) - 1,
				betting_rate_rows(40, 40, .9, .95) - 1, .95)
				   .lo <= .9,
	   "as many rows as are said to be needed are just enough");
	ok(betting_rate_rows(95, 100, .9, .95) > betting_rate_rows(98, 100, .9, .95),
	   "the closer the bound, the more rows");
	tally_release(&t);
}

/* The chance that a rate of p is ever taken for another one within so many rows, added up over all
 * streams: chance[k] is that of k right answers in n rows, none of them refused so far. */
static double ever_wrong(double p, int rows)
{
	double *chance = calloc((size_t)rows + 2, sizeof *chance), wrong = 0;

	chance[0] = 1;
	for (int n = 1; n <= rows; n++) {
		for (int k = n; k >= 0; k--)
			chance[k] = chance[k] * (1 - p) + (k > 0 ? chance[k - 1] * p : 0);
		for (int k = 0; k <= n; k++) {
			struct interval v;

			if (chance[k] < 1e-12)
				continue;
			v = betting_rate(k, n, .95);
			if (v.lo <= p && p <= v.hi)
				continue;
			wrong += chance[k];
			chance[k] = 0;
		}
	}
	free(chance);
	return wrong;
}

/* A row of a stream: right or wrong; a score, mostly high; a difference of two such answers. */
enum { RATE, SCORE, PAIRED, KINDS };

static double draw(struct rng *r, int kind, double mean)
{
	double x = rng_uniform(r), tie = rng_uniform(r);

	switch (kind) {
	case RATE:
		return x < mean;
	case SCORE: /* between quarters, of that mean */
		return (floor(4 * mean) + (x < 4 * mean - floor(4 * mean)) +
			(tie < .3   ? 1
			 : tie < .6 ? -1
				    : 0)) /
		       4;
	default: /* from -1 to 1; four in five pairs are ties */
		return tie < .8 ? 0 : x < .5 + 2.5 * mean ? 1 : -1;
	}
}

struct outcome {
	int above, below, open;
	double median; /* rows until it was decided; INFINITY where most were not */
};

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* Streams looked at after each row until the mean is above or below the bound. */
static struct outcome watch(int kind, double mean, double bound, int streams, int rows)
{
	double least = kind == PAIRED ? -1 : 0, *stopped = calloc((size_t)streams, sizeof *stopped);
	struct outcome o = {0};
	struct rng r;

	rng_seed(&r, 18, (uint64_t)kind);
	for (int s = 0; s < streams; s++) {
		struct tally t = {0};
		int done = 0;

		stopped[s] = INFINITY;
		for (int n = 1; n <= rows && !done; n++) {
			tally_add(&t, draw(&r, kind, mean));
			done = betting_p(&t, least, 1, bound) <= .05;
			if (done)
				stopped[s] = n;
		}
		o.above += done && tally_mean(&t) > bound;
		o.below += done && tally_mean(&t) < bound;
		o.open += !done;
		tally_release(&t);
	}
	qsort(stopped, (size_t)streams, sizeof *stopped, by_size);
	o.median = stopped[streams / 2];
	free(stopped);
	return o;
}

static void streams(void)
{
	static const struct {
		const char *name;
		double bound, better, sd; /* sd of the better one */
	} kinds[] = {[RATE] = {"a rate of 0.9", .9, .94, .2375},
		     [SCORE] = {"scores of 0.6 on average", .6, .66, .2278},
		     [PAIRED] = {"paired differences of 0", 0, .06, .4432}};
	int slow = getenv("FT_SLOW") != NULL, n = slow ? 2000 : 150, rows = slow ? 5000 : 600;

	for (int k = 0; k < KINDS; k++) {
		struct outcome at = watch(k, kinds[k].bound, kinds[k].bound, n, rows),
			       above = watch(k, kinds[k].better, kinds[k].bound, n, rows);
		double fixed =
			power_mean_rows(kinds[k].better - kinds[k].bound, kinds[k].sd, .95, .8);

		printf("# %s, the bound: %d of %d streams decided within %d rows, all wrongly (at most %d may be)\n",
		       kinds[k].name, at.above + at.below, n, rows, n / 20);
		printf("# %g more: %d wrong, %d open; median stop after %.0f rows, fixed size for 80 %% power %.0f\n",
		       kinds[k].better - kinds[k].bound, above.below, above.open, above.median,
		       ceil(fixed));
		ok(at.above + at.below <= n / 20, "%s: wrong verdicts are at most alpha in all",
		   kinds[k].name);
		ok(above.below <= n / 20 && above.above > n / 2, "%s: better ones are met",
		   kinds[k].name);
	}
}

int main(void)
{
	double wrong;

	against_products();
	edges();
	for (int i = 0; i < 2; i++) {
		wrong = ever_wrong(i ? .97 : .6, 150);
		printf("# a rate of %g is ever left out within 150 rows: chance %.4f\n",
		       i ? .97 : .6, wrong);
		ok(wrong < .05 && wrong > .001, "a rate is ever left out by a chance below alpha");
	}
	streams();
	return tap_done();
}

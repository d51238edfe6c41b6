/* estimate: how often the band holds the share of right answers that the labels would have shown,
 * and what is refused. */
#include <stdlib.h>
#include "../../lib/base/mem.h"
#include "../../lib/base/rng.h"
#include "../../lib/drift/estimate.h"
#include "tap.h"

/* What a score says of being right: more with a higher one, nothing, less with a higher one; or that
 * most answers are right and few scores are low. */
enum meaning { RISING, NOTHING, FALLING, STEEP, MEANINGS };

static double rate(enum meaning m, double score)
{
	switch (m) {
	case RISING:
		return 0.2 + 0.7 * score * score;
	case NOTHING:
		return 0.75;
	case FALLING:
		return 0.9 - 0.6 * score;
	default:
		return 1 - 0.9 * exp(-6 * score);
	}
}

/* The mean rate over scores of a power of a uniform one. */
static double mean_rate(enum meaning m, double skew)
{
	double sum = 0;

	for (int i = 0; i < 10000; i++)
		sum += rate(m, pow((i + 0.5) / 10000, skew));
	return sum / 10000;
}

/* n rows with a score of the power `skew` of a uniform one and whether the answer was right. */
static double fill(struct frame *f, struct rng *r, enum meaning m, size_t n, double skew,
		   int labelled, const char *extra)
{
	struct buf b = BUF_INIT;
	struct record rec = {0};
	double right = 0;

	frame_init(f);
	for (size_t i = 0; i < n; i++) {
		double score = pow(rng_uniform(r), skew);
		int ok = rng_uniform(r) < rate(m, score);
		right += ok;
		buf_clear(&b);
		buf_addf(&b, "{\"confidence\":%.6f,\"kind\":\"%s\"", score,
			 extra && i % 2 ? extra : "usual");
		buf_adds(&b, labelled ? ok ? ",\"right\":true}" : ",\"right\":false}" : "}");
		record_parse(&rec, buf_span(&b), NULL);
		frame_add(f, &rec, NULL);
	}
	frame_finish(f);
	record_release(&rec);
	buf_release(&b);
	return right / (double)n;
}

/* One estimate; *truth is what the current rows would have shown. */
static void once(struct rng *r, enum meaning m, size_t labels, size_t n, double skew,
		 const char *extra, double *truth, struct estimate *x)
{
	struct drift_options o = DRIFT_OPTIONS_INIT;
	const char *exclude[] = {".right"};
	struct frame reference, current;
	struct comparison c;
	struct err e;

	o.exclude = exclude;
	o.exclude_n = 1;
	fill(&reference, r, m, labels, 1, 1, NULL);
	*truth = fill(&current, r, m, n, skew, 0, extra);
	if (compare(&reference, &current, &o, &c, &e) ||
	    estimate(&c, &reference, &current, &o, ".confidence", ".right", x, &e))
		printf("# %s\n", e.msg);
	buf_release(&x->why);
	comparison_release(&c);
	frame_release(&reference);
	frame_release(&current);
}

/* How often the bands hold what they should: that of the value the share of right answers, that of
 * the change the change of what is to be expected. */
static void coverage(struct rng *r, enum meaning m, size_t labels, size_t n, double skew, int draws)
{
	static const char *const names[] = {"rises", "says nothing", "falls", "rises steeply"};
	/* Straight lines between few knots cost up to three points where the rate bends. */
	double truth, change = mean_rate(m, skew) - mean_rate(m, 1),
		      least = 0.95 - 2.5 * sqrt(0.95 * 0.05 / draws) - (m == STEEP ? 0.035 : 0.01);
	int held = 0, change_held = 0, cried = 0;
	struct estimate x;

	for (int i = 0; i < draws; i++) {
		once(r, m, labels, n, skew, NULL, &truth, &x);
		held += x.lo <= truth && truth <= x.hi;
		change_held += x.change_lo <= change && change <= x.change_hi;
		cried += x.verdict == VERDICT_DRIFT;
	}
	ok(held >= least * draws && change_held >= least * draws,
	   "%zu labels, %zu rows, scores ^ %g, the rate %s: the band holds the truth in %.1f %%, that of the change %.1f %% of %d draws",
	   labels, n, skew, names[m], 100.0 * held / draws, 100.0 * change_held / draws, draws);
	if (change < -0.08 && labels >= 400 && m == RISING)
		ok(cried >= 0.9 * draws, "a fall of the scores is called worse in %d of %d", cried,
		   draws);
	else if (change > -0.02)
		ok(cried <= 0.05 * draws, "and it is called worse in %d of %d", cried, draws);
}

int main(void)
{
	static const double skews[] = {1, 2, 0.5};
	static const size_t sizes[][2] = {{400, 200}, {100, 150}};
	int slow = getenv("FT_SLOW") != NULL;
	struct estimate x;
	struct rng r;
	double truth;

	rng_seed(&r, 11, 0);
	for (int m = 0; m < MEANINGS; m++) {
		for (int s = 0; s < 3; s++) {
			for (int k = 0; k < (slow || m == NOTHING ? 2 : 1); k++)
				coverage(&r, (enum meaning)m, sizes[k][0], sizes[k][1], skews[s],
					 slow ? 1000 : 50);
		}
	}
	int blind = 0;
	for (int i = 0; i < 20; i++) {
		once(&r, NOTHING, 400, 200, 1, NULL, &truth, &x);
		blind += x.blind;
	}
	ok(blind >= 16, "a score that says nothing is called that in %d of 20", blind);
	once(&r, FALLING, 400, 200, 1, NULL, &truth, &x);
	ok(!x.blind, "one that falls where answers are right says something");
	once(&r, RISING, 400, 200, 1, "new", &truth, &x);
	ok(x.verdict == VERDICT_INSUFFICIENT && isnan(x.value),
	   "no estimate where the inputs hold what the reference never had");
	once(&r, RISING, 40, 200, 1, NULL, &truth, &x);
	ok(x.verdict == VERDICT_INSUFFICIENT, "nor from 40 labels");
	once(&r, RISING, 400, 20, 1, NULL, &truth, &x);
	ok(x.verdict == VERDICT_INSUFFICIENT, "nor for 20 rows");
	return tap_done();
}

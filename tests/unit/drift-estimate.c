/* estimate: how often the band holds the share of right answers that the labels would have shown,
 * and what is refused. */
#include <stdlib.h>
#include "../../lib/base/mem.h"
#include "../../lib/base/rng.h"
#include "../../lib/drift/estimate.h"
#include "tap.h"

/* n rows with a score of the power `skew` of a uniform one and whether the answer was right, more
 * often with a higher score. */
static double fill(struct frame *f, struct rng *r, size_t n, double skew, int labelled,
		   const char *extra)
{
	struct buf b = BUF_INIT;
	struct record rec = {0};
	double right = 0;

	frame_init(f);
	for (size_t i = 0; i < n; i++) {
		double score = pow(rng_uniform(r), skew);
		int ok = rng_uniform(r) < 0.2 + 0.7 * score * score;
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
static void once(struct rng *r, size_t labels, size_t n, double skew, const char *extra,
		 double *truth, struct estimate *x)
{
	struct drift_options o = DRIFT_OPTIONS_INIT;
	const char *exclude[] = {".right"};
	struct frame reference, current;
	struct comparison c;
	struct err e;

	o.exclude = exclude;
	o.exclude_n = 1;
	fill(&reference, r, labels, 1, 1, NULL);
	*truth = fill(&current, r, n, skew, 0, extra);
	if (compare(&reference, &current, &o, &c, &e) ||
	    estimate(&c, &reference, &current, &o, ".confidence", ".right", x, &e))
		printf("# %s\n", e.msg);
	buf_release(&x->why);
	comparison_release(&c);
	frame_release(&reference);
	frame_release(&current);
}

int main(void)
{
	static const double skews[] = {1, 2, 0.5};
	int draws = getenv("FT_SLOW") ? 1000 : 150;
	struct estimate x;
	struct rng r;
	double truth;

	rng_seed(&r, 11, 0);
	for (int s = 0; s < 3; s++) {
		int held = 0, cried = 0;
		for (int i = 0; i < draws; i++) {
			once(&r, 400, 200, skews[s], NULL, &truth, &x);
			held += x.lo <= truth && truth <= x.hi;
			cried += x.verdict == VERDICT_DRIFT;
		}
		double share = (double)held / draws,
		       least = 0.95 - 2.5 * sqrt(0.95 * 0.05 / draws) - 0.01;
		ok(share >= least, "scores ^ %g: the band holds the truth in %.1f %% of %d draws",
		   skews[s], 100 * share, draws);
		if (s == 1)
			ok(cried >= 0.9 * draws, "a fall of the scores is called worse in %d of %d",
			   cried, draws);
		else
			ok(cried <= 0.05 * draws, "and it is called worse in %d of %d", cried,
			   draws);
	}
	once(&r, 400, 200, 1, "new", &truth, &x);
	ok(x.verdict == VERDICT_INSUFFICIENT && isnan(x.value),
	   "no estimate where the inputs hold what the reference never had");
	once(&r, 40, 200, 1, NULL, &truth, &x);
	ok(x.verdict == VERDICT_INSUFFICIENT, "nor from 40 labels");
	once(&r, 400, 20, 1, NULL, &truth, &x);
	ok(x.verdict == VERDICT_INSUFFICIENT, "nor for 20 rows");
	return tap_done();
}

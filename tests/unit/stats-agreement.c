/* lib/stats/agreement, correlate and correct against scikit-learn and scipy; corrected rates by
 * simulation. */
#include <stdlib.h>
#include "tap.h"
#include "../../lib/base/rng.h"
#include "../../lib/stats/agreement.h"
#include "../../lib/stats/correct.h"
#include "../../lib/stats/correlate.h"

#include "stats-agreement.inc"

#define N(a) (sizeof a / sizeof *(a))
#define Z 1.959963984540054

static void kappas(void)
{
	size_t n = N(score_x);
	double b[N(score_x)], c[N(score_x)];
	struct interval v = agreement_kappa(score_x, score_y, n, AGREEMENT_NOMINAL, .95);

	ok_near(v.value, kappa_nominal, 1e-12, "kappa as scikit-learn's");
	ok_near((v.hi - v.lo) / 2 / Z, kappa_se_nominal, 1e-7,
		"its standard error, by numerical derivatives");
	v = agreement_kappa(score_x, score_y, n, AGREEMENT_QUADRATIC, .95);
	ok_near(v.value, kappa_quadratic, 1e-12, "quadratic weights");
	ok_near((v.hi - v.lo) / 2 / Z, kappa_se_quadratic, 1e-7, "their standard error");
	ok_near(agreement_kappa(score_x, score_y, n, AGREEMENT_LINEAR, .95).value, kappa_linear,
		1e-12, "linear weights");
	for (size_t i = 0; i < n; i++) {
		b[i] = score_x[i] > 3;
		c[i] = score_y[i] > 3;
	}
	ok_near(agreement_kappa(b, c, n, AGREEMENT_NOMINAL, .95).value, kappa_binary, 1e-12,
		"of two verdicts");
	v = agreement_kappa(b, b, 10, AGREEMENT_NOMINAL, .95);
	ok(v.value == 1 && v.hi == 1 && v.lo < .9,
	   "ten rows that agree do not prove perfection (%.2f)", v.lo);
	for (size_t i = 0; i < n; i++)
		c[i] = 1;
	v = agreement_kappa(b, c, n, AGREEMENT_NOMINAL, .95);
	ok(v.value == 0 && isnan(v.lo) && isnan(v.hi), "a constant rater leaves the bounds open");
	for (size_t i = 0; i < n; i++)
		b[i] = 1;
	ok(isnan(agreement_kappa(b, b, n, AGREEMENT_NOMINAL, .95).value),
	   "a single category leaves kappa unknown");
	ok(isnan(agreement_kappa(b, b, 0, AGREEMENT_NOMINAL, .95).value), "no rows, no kappa");
}

static void several(void)
{
	struct interval v;
	double agreed[400];

	ok_near(agreement_alpha(ratings, 30, 4, AGREEMENT_CATEGORIES, 0, 1, .95).value,
		alpha_nominal, 1e-12, "alpha, nominal");
	ok_near(agreement_alpha(ratings, 30, 4, AGREEMENT_INTERVAL, 0, 1, .95).value,
		alpha_interval, 1e-12, "alpha, interval");
	v = agreement_alpha(ratings, 30, 4, AGREEMENT_INTERVAL, 1000, 1, .95);
	ok(v.lo < v.value && v.value < v.hi && v.hi <= 1,
	   "with its bootstrap interval %.3f .. %.3f", v.lo, v.hi);
	for (int i = 0; i < 400; i++)
		agreed[i] = i / 2 % 5;
	v = agreement_alpha(agreed, 5, 2, AGREEMENT_INTERVAL, 1000, 1, .95);
	ok(v.value == 1 && v.hi == 1 && v.lo < .2, "five rows that agree do not prove it (%.2f)",
	   v.lo);
	v = agreement_alpha(agreed, 200, 2, AGREEMENT_INTERVAL, 1000, 1, .95);
	ok(v.value == 1 && v.hi == 1 && v.lo > .9, "two hundred do (%.2f)", v.lo);
}

static void correlations(void)
{
	size_t n = N(real_x);
	struct interval v = correlate_pearson(real_x, real_y, n, .95);
	static const double flat[] = {1, 1, 1, 1, 1}, up[] = {1, 2, 3, 4, 5},
			    down[] = {5, 4, 3, 2, 1};

	ok_near(v.value, pearson, 1e-13, "Pearson");
	ok_near(v.lo, pearson_lo, 1e-12, "and its lower bound");
	ok_near(v.hi, pearson_hi, 1e-12, "and its upper bound");
	ok_near(correlate_spearman(real_x, real_y, n, .95).value, spearman, 1e-13,
		"Spearman, with ties");
	ok_near(correlate_kendall(real_x, real_y, n, .95).value, kendall, 1e-13,
		"Kendall, with ties");
	ok(correlate_kendall(up, down, 5, .95).value == -1 &&
		   correlate_pearson(up, up, 5, .95).value == 1,
	   "the ends");
	for (int k = 0; k < 3; k++) {
		static struct interval (*const of[])(const double *, const double *, size_t,
						     double) = {correlate_pearson,
								correlate_spearman,
								correlate_kendall};
		double many[200], fall[200];

		for (int i = 0; i < 200; i++) {
			many[i] = i % 5;
			fall[i] = 4 - i % 5;
		}
		v = of[k](up, up, 5, .95);
		ok(v.value == 1 && v.hi == 1 && v.lo < .5,
		   "five rows on a line prove little (%.2f)", v.lo);
		v = of[k](many, fall, 200, .95);
		ok(v.value == -1 && v.lo == -1 && v.hi < -.85, "two hundred do (%.2f)", v.hi);
	}
	ok(isnan(correlate_pearson(flat, up, 5, .95).value) &&
		   isnan(correlate_spearman(up, flat, 5, .95).value) &&
		   isnan(correlate_kendall(up, flat, 5, .95).value),
	   "a column without variation correlates with nothing");
}

/* A judge with known errors; how often the corrected intervals cover the true rate, and the raw
 * rate's interval does. */
static void corrections(void)
{
	static const struct {
		double rate, tpr, tnr;
		size_t labelled, unlabelled;
	} worlds[] = {{.7, .9, .8, 200, 2000},
		      {.3, .8, .95, 150, 1000},
		      {.9, .95, .7, 300, 3000},
		      {.95, .95, .7, 200, 3000}};
	enum { RUNS = 1000 };

	for (size_t k = 0; k < N(worlds); k++) {
		size_t n = worlds[k].labelled, m = worlds[k].unlabelled;
		double *truth = malloc(n * sizeof *truth), *judge = malloc(n * sizeof *judge),
		       *other = malloc(m * sizeof *other);
		int rg = 0, pp = 0, raw = 0;
		struct rng r;

		rng_seed(&r, 3, k);
		for (int run = 0; run < RUNS; run++) {
			double passed = 0;
			struct interval v;

			for (size_t i = 0; i < n + m; i++) {
				double t = rng_uniform(&r) < worlds[k].rate;
				double s = rng_uniform(&r) <
					   (t > 0 ? worlds[k].tpr : 1 - worlds[k].tnr);

				if (i < n) {
					truth[i] = t;
					judge[i] = s;
				} else {
					other[i - n] = s;
					passed += s;
				}
			}
			v = correct_rogan_gladen(passed, (double)m,
						 agreement_confusion(truth, judge, n), .95);
			rg += v.lo <= worlds[k].rate && worlds[k].rate <= v.hi;
			v = correct_prediction_powered(truth, judge, n, other, m, .95);
			pp += v.lo <= worlds[k].rate && worlds[k].rate <= v.hi;
			v = interval_wilson(passed, (double)m, .95);
			raw += v.lo <= worlds[k].rate && worlds[k].rate <= v.hi;
		}
		printf("# rate %g, TPR %g, TNR %g: covered by Rogan-Gladen %.1f %%, prediction-powered %.1f %%, raw %.1f %% (nominal 95)\n",
		       worlds[k].rate, worlds[k].tpr, worlds[k].tnr, 100. * rg / RUNS,
		       100. * pp / RUNS, 100. * raw / RUNS);
		/* Two standard errors of 1,000 draws at .95 are .014. */
		ok(rg >= .936 * RUNS, "Rogan-Gladen covers the truth");
		ok(pp >= .936 * RUNS, "prediction-powered inference covers the truth");
		free(truth);
		free(judge);
		free(other);
	}
	ok(isnan(correct_rogan_gladen(5, 10, (struct confusion){5, 5, 5, 5}, .95).value),
	   "a judge at chance corrects nothing");
}

int main(void)
{
	kappas();
	several();
	correlations();
	corrections();
	return tap_done();
}

/* lib/stats against R: closed forms to 1e-9, what is iterated to 1e-6, what is sampled to the
 * sampling error. */
#include <stdlib.h>
#include "tap.h"
#include "../../lib/stats/agreement.h"
#include "../../lib/stats/boot.h"
#include "../../lib/stats/cluster.h"
#include "../../lib/stats/correct.h"
#include "../../lib/stats/correlate.h"
#include "../../lib/stats/logit.h"
#include "../../lib/stats/multiple.h"
#include "../../lib/stats/paired.h"
#include "../../lib/stats/rank.h"

#include "stats-r.inc"

#define N(a) (sizeof a / sizeof *(a))
#define Z 1.959963984540054

static void near(struct interval v, const double *bounds, double error, const char *name)
{
	ok(fabs(v.lo - bounds[0]) <= error && fabs(v.hi - bounds[1]) <= error,
	   "%s: %.9g .. %.9g, R has %.9g .. %.9g", name, v.lo, v.hi, bounds[0], bounds[1]);
}

static struct tally tallied(const double *x, const double *less, size_t n)
{
	struct tally t = {0};

	for (size_t i = 0; i < n; i++)
		tally_add(&t, x[i] - (less ? less[i] : 0));
	return t;
}

static void intervals(void)
{
	struct tally x = tallied(r_x, NULL, N(r_x)), d = tallied(r_y, r_x, N(r_x));
	struct boot o = {99999, 1, BOOT_PERCENTILE, .95};
	struct tally_bin *sorted;
	struct interval v;
	size_t n;
	double p;

	near(interval_wilson(37, 50, .95), r_wilson, 1e-9, "prop.test");
	near(interval_wilson(199, 200, .95), r_wilson + 2, 1e-9, "prop.test near 1");
	near(interval_t(tally_mean(&x), tally_sd(&x), (double)x.n, .95), r_t, 1e-9, "t.test");
	v = paired_t(&d, .95, &p);
	near(v, r_paired_t + 1, 1e-9, "paired t.test");
	ok_near(p, r_paired_t[3], 1e-9, "and its p");
	near(boot_mean(&x, &o), r_percentile, .003, "boot.ci, percentile");
	o.method = BOOT_BCA;
	near(boot_mean(&x, &o), r_bca, .003, "boot.ci, BCa");
	ok_near(boot_signs(&d, 99999, 1), r_permutation, .003, "all signs of the differences");
	sorted = tally_sorted(&x, &n);
	for (int i = 0; i < 3; i++)
		ok_near(tally_quantile(sorted, n, x.n, (double[]){.5, .95, .99}[i]), r_quantiles[i],
			1e-12, "quantile, type 7");
	free(sorted);
	tally_release(&x);
	tally_release(&d);
}

static void clusters(void)
{
	static const size_t sizes[] = {3, 2, 4, 1, 5};
	double sum[5] = {0}, size[5];
	size_t at = 0;

	for (size_t g = 0; g < 5; g++) {
		size[g] = (double)sizes[g];
		for (size_t k = 0; k < sizes[g]; k++)
			sum[g] += r_x[at++];
	}
	near(cluster_mean(sum, size, 5, .95), r_cluster + 1, 1e-9, "sandwich's vcovCL");
}

static void tests(void)
{
	double adjusted[N(r_p)];
	int holm = 1, bh = 1;

	ok_near(paired_mcnemar(3, 10), r_mcnemar[0], 1e-12, "exact McNemar");
	ok_near(paired_mcnemar(38, 12), r_mcnemar[1], 1e-12, "and of 50");
	multiple_holm(r_p, N(r_p), adjusted);
	for (size_t i = 0; i < N(r_p); i++)
		holm &= fabs(adjusted[i] - r_holm[i]) < 1e-12;
	multiple_bh(r_p, N(r_p), adjusted);
	for (size_t i = 0; i < N(r_p); i++)
		bh &= fabs(adjusted[i] - r_bh[i]) < 1e-12;
	ok(holm && bh, "p.adjust by Holm and by Benjamini and Hochberg");
}

static void agreement(void)
{
	struct interval v = agreement_kappa(r_a, r_b, N(r_a), AGREEMENT_NOMINAL, .95);

	ok_near(v.value, r_kappa[0], 1e-9, "cohen.kappa");
	ok_near((v.hi - v.lo) / 2 / Z, r_kappa[1], 1e-9, "and its standard error");
	ok_near(agreement_kappa(r_a, r_b, N(r_a), AGREEMENT_QUADRATIC, .95).value, r_kappa_weighted,
		1e-9, "weighted");
	v = correlate_pearson(r_a, r_b, N(r_a), .95);
	ok_near(v.value, r_correlations[0], 1e-9, "cor.test");
	near(v, r_correlations + 1, 1e-9, "and its interval");
	ok_near(correlate_spearman(r_a, r_b, N(r_a), .95).value, r_correlations[3], 1e-9,
		"Spearman");
	ok_near(correlate_kendall(r_a, r_b, N(r_a), .95).value, r_correlations[4], 1e-9, "Kendall");
}

static void models(void)
{
	struct interval s[4], slope, v;
	int strengths = 1, errors = 1;
	double other[100];

	rank_bradley_terry(r_wins, 4, .95, s);
	for (int i = 0; i < 4; i++) {
		strengths &= fabs(s[i].value - r_strength[i]) < 1e-6;
		errors &= fabs((s[i].hi - s[i].lo) / 2 / Z - r_strength_se[i]) < 1e-6;
	}
	ok(strengths, "BTm's strengths");
	ok(errors, "and their standard errors");
	/* Ours has a weak prior, variance 100. */
	v = logit_rate_at_zero(r_u, r_v, N(r_u), .95, &slope);
	ok_near(v.value, r_logit[0], .003, "glm, binomial: rate at 0");
	ok_near(slope.value, r_logit[1], .01, "slope");
	ok_near((slope.hi - slope.lo) / 2 / Z, r_logit[3], .01, "its standard error");
	for (int i = 0; i < 100; i++)
		other[i] = i % 5 != 2;
	v = correct_prediction_powered(r_truth, r_judge, N(r_truth), other, 100, .95);
	ok_near(v.value, r_powered[0], 1e-9, "prediction-powered inference");
	near(v, r_powered + 1, 1e-9, "and its interval");
}

int main(void)
{
	intervals();
	clusters();
	tests();
	agreement();
	models();
	return tap_done();
}

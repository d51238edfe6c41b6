/* lib/stats/boot, cluster, power and rank against scipy; and how often intervals cover the truth in
 * simulation, beside their nominal level. FT_SLOW=1 draws ten times as many worlds. */
#include <stdlib.h>
#include "tap.h"
#include "../../lib/stats/boot.h"
#include "../../lib/stats/cluster.h"
#include "../../lib/stats/dist.h"
#include "../../lib/stats/paired.h"
#include "../../lib/stats/power.h"
#include "../../lib/stats/rank.h"

static int draws(int n)
{
	const char *slow = getenv("FT_SLOW");

	return slow && *slow == '1' ? 10 * n : n;
}

static void values(void)
{
	/* python3, scipy 1.10.1: x = [0.1,0.9,0.4,0.4,1,0,0.3,0.85,0.2,0.05,0.6,0.95]; d =
	 * [0.3,-0.1,0.2,0.25,0,0.15,-0.05,0.4,0.1,-0.2] bootstrap((x,), np.mean,
	 * n_resamples=400000, method="BCa", random_state=1): 0.2875 .. 0.6875; "percentile":
	 * 0.28333 .. 0.67917 permutation_test((d,), mean, permutation_type="samples",
	 * n_resamples=inf).pvalue: 0.13671875 (all 1,024 signs) */
	static const double x[] = {0.1, 0.9, 0.4, 0.4, 1, 0, 0.3, 0.85, 0.2, 0.05, 0.6, 0.95};
	static const double d[] = {0.3, -0.1, 0.2, 0.25, 0, 0.15, -0.05, 0.4, 0.1, -0.2};
	static const double sum[] = {2, 0, 3, 1, 4}, size[] = {3, 2, 3, 4, 5};
	static const double alike[] = {.3, .2, .1 + .1 + .1, .4, .5}, twos[] = {2, 2};
	static const double wins[] = {0, 7, 9.5, 3, 0, 6, .5, 4, 0};
	struct boot o = {20000, 1, BOOT_BCA, .95};
	struct tally t = {0}, u = {0};
	struct interval v, w, bt[3];

	for (size_t i = 0; i < 12; i++)
		tally_add(&t, x[i]);
	v = boot_mean(&t, &o);
	ok(fabs(v.lo - .2875) < .006 && fabs(v.hi - .6875) < .006, "BCa near scipy's: %.4f .. %.4f",
	   v.lo, v.hi);
	w = boot_mean(&t, &o);
	ok(v.lo == w.lo && v.hi == w.hi, "the same seed gives the same bounds");
	o.method = BOOT_PERCENTILE;
	v = boot_mean(&t, &o);
	ok(fabs(v.lo - .28333) < .006 && fabs(v.hi - .67917) < .006,
	   "percentile near scipy's: %.4f .. %.4f", v.lo, v.hi);
	for (size_t i = 0; i < 10; i++)
		tally_add(&u, d[i]);
	ok_near(boot_signs(&u, 20000, 1), 0.13671875, .01,
		"permutation test near the full enumeration");
	tally_release(&t);
	tally_release(&u);
	tally_add(&t, 1);
	tally_add(&t, 1);
	v = boot_mean(&t, &o);
	ok(v.lo == 1 && v.hi == 1, "values that are all the same have no spread");
	tally_release(&t);

	/* Python by the formula, numpy 1.24 and scipy.stats.t */
	v = cluster_mean(sum, size, 5, .95);
	ok(fabs(v.value - 0.5882352941176471) < 1e-14 && fabs(v.lo - 0.14407031786446417) < 1e-12 &&
		   fabs(v.hi - 1.03240027037083) < 1e-12,
	   "clustered mean");
	ok(isnan(cluster_mean(sum, size, 1, .95).lo), "one cluster bounds nothing");
	ok(isnan(cluster_mean(alike, size, 5, .95).lo) && cluster_is_constant(alike, size, 5) &&
		   !cluster_is_constant(sum, size, 5),
	   "clusters that do not vary give no standard error");
	w = cluster_bounded_mean(twos, twos, 2, 0, 1, .95);
	ok(w.value == 1 && w.hi == 1 && fabs(w.lo - interval_wilson(2, 2, .95).lo) < 1e-14,
	   "two clusters that are all right prove as much as two rows");
	ok_near(cluster_worth(twos, 2), 2, 0, "equal clusters are worth their number of rows");
	ok_near(cluster_worth(size, 5), 17 * 17 / 63., 1e-13, "unequal ones fewer");
	/* 1 - C(7,3)/C(10,3), C(3,2)/C(10,2) */
	ok_near(cluster_pass_at(10, 3, 3), 1 - 35. / 120, 1e-14, "pass@k");
	ok_near(cluster_pass_all(10, 3, 2), 3. / 45, 1e-14, "pass^k");
	ok(isnan(cluster_pass_at(2, 1, 3)) && cluster_pass_at(5, 5, 3) == 1 &&
		   cluster_pass_at(5, 0, 3) == 0,
	   "and its ends");

	/* scipy.optimize.minimize of the penalised likelihood, numerical Hessian */
	rank_bradley_terry(wins, 3, .95, bt);
	ok(fabs(bt[0].value - 1.0057223542) < 1e-6 && fabs(bt[1].value + 0.1583587174) < 1e-6 &&
		   fabs(bt[2].value + 0.8473636368) < 1e-6,
	   "Bradley-Terry");
	ok_near((bt[0].hi - bt[0].lo) / 2 / 1.959963984540054, 0.37943417, 1e-5,
		"and its standard error");
	static const double sweep[] = {0, 5, 0, 0};
	rank_bradley_terry(sweep, 2, .95, bt);
	ok(isfinite(bt[0].value) && bt[0].value > 0 && bt[0].hi > bt[0].lo,
	   "who never lost has a finite strength");
	static const double none[] = {0, 2, 0, 2, 0, 0, 0, 0, 0};
	rank_bradley_terry(none, 3, .95, bt);
	ok(isnan(bt[2].value) && !isnan(bt[0].value), "who never played has none");

	ok_near(power_paired_rate_rows(.08, .2, .95, .8), 242.90620625091296, 1e-9,
		"rows for a paired difference");
	ok_near(power_paired_rate_difference(242.90620625091296, .2, .95, .8), .08, 1e-9,
		"and back");
	ok_near(power_mean_rows(power_mean_difference(50, 2, .95, .8), 2, .95, .8), 50, 1e-9,
		"rows for a mean, and back");
	/* by Python's statistics.NormalDist; of rows that are all right as many as end Wilson's
	 * interval at .9 */
	ok_near(power_rate_rows(.97, .9, .95, .8), 109.2201232355114, 1e-9, "rows for a rate");
	ok_near(power_rate_rows(.8, .9, .95, .8), 85.49548555330988, 1e-9, "and one below");
	ok_near(power_rate_rows(1, .9, .95, .8), 34.573129386247125, 1e-9, "and of 1");
	ok(isnan(power_rate_rows(.9, .9, .95, .8)), "no number of rows tells a rate from itself");
}

/* A binomial sampler is right when its mean and variance are. */
static void sampler(void)
{
	static const struct {
		uint64_t n;
		double p;
	} cases[] = {{5, .3}, {40, .1}, {40, .9}, {100, .5}, {1000, .02}, {100000, .37}};
	struct rng r;

	for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
		double n = (double)cases[c].n, p = cases[c].p, sum = 0, squares = 0,
		       m = draws(20000);
		int outside = 0;

		rng_seed(&r, 9, c);
		for (int i = 0; i < m; i++) {
			double k = (double)boot_binomial(&r, cases[c].n, p);

			outside += k < 0 || k > n;
			sum += k;
			squares += (k - n * p) * (k - n * p);
		}
		ok(!outside && fabs(sum / m - n * p) < 5 * sqrt(n * p * (1 - p) / m) &&
			   fabs(squares / m / (n * p * (1 - p)) - 1) < .06,
		   "binomial draws of n = %g, p = %g", n, p);
	}
}

/* Wilson: simulated coverage is the one that enumeration gives. */
static void rates(void)
{
	static const int sizes[] = {20, 50, 200};
	static const double ps[] = {.5, .9, .99};
	struct rng r;
	double m = draws(20000);

	for (int s = 0; s < 3; s++)
		for (int q = 0; q < 3; q++) {
			double n = sizes[s], p = ps[q], wilson = 0, w = 0;
			unsigned char in[201];

			for (int k = 0; k <= sizes[s]; k++) {
				struct interval v = interval_wilson(k, n, .95);

				in[k] = v.lo <= p && p <= v.hi;
				wilson += in[k] * (dist_binomial_cdf(k, n, p) -
						   dist_binomial_cdf(k - 1, n, p));
			}
			rng_seed(&r, 21, (uint64_t)(s * 3 + q));
			for (int i = 0; i < m; i++)
				/* cppcheck-suppress uninitvar ; set above for every outcome */
				w += in[boot_binomial(&r, (uint64_t)sizes[s], p)];
			ok(fabs(w / m - wilson) < 4.5 * sqrt(wilson * (1 - wilson) / m) + 1e-9,
			   "coverage at n = %g, p = %g: %.2f %%, enumerated %.2f %%", n, p,
			   100 * w / m, 100 * wilson);
		}
}

/* Skewed scores in 0..1 with mean 1/4, and clusters whose members share a part of their score. */
static void means(void)
{
	enum { N = 60, CLUSTERS = 40 };
	int m = draws(400), t_in = 0, percentile_in = 0, bca_in = 0, naive_in = 0, cluster_in = 0,
	    boot_in = 0;
	struct boot o = {500, 4, BOOT_PERCENTILE, .95};
	struct rng r;

	rng_seed(&r, 33, 0);
	for (int run = 0; run < m; run++) {
		struct tally t = {0}, rows = {0};
		double sum[CLUSTERS] = {0}, size[CLUSTERS] = {0};
		struct interval v;

		for (int i = 0; i < N; i++)
			tally_add(&t, pow(rng_uniform(&r), 3));
		v = interval_t(tally_mean(&t), tally_sd(&t), N, .95);
		t_in += v.lo <= .25 && .25 <= v.hi;
		o.seed = (uint64_t)run;
		o.method = BOOT_PERCENTILE;
		v = boot_mean(&t, &o);
		percentile_in += v.lo <= .25 && .25 <= v.hi;
		o.method = BOOT_BCA;
		v = boot_mean(&t, &o);
		bca_in += v.lo <= .25 && .25 <= v.hi;
		for (int g = 0; g < CLUSTERS; g++) {
			double p = rng_uniform(&r); /* each input has a difficulty of its own */

			size[g] = 5;
			for (int k = 0; k < 5; k++) {
				double x = rng_uniform(&r) < p;

				sum[g] += x;
				tally_add(&rows, x);
			}
		}
		v = interval_wilson((double)tally_count(&rows, 1), (double)rows.n, .95);
		naive_in += v.lo <= .5 && .5 <= v.hi;
		v = cluster_mean(sum, size, CLUSTERS, .95);
		cluster_in += v.lo <= .5 && .5 <= v.hi;
		o.method = BOOT_PERCENTILE;
		v = boot_clusters(sum, size, CLUSTERS, &o);
		boot_in += v.lo <= .5 && .5 <= v.hi;
		tally_release(&t);
		tally_release(&rows);
	}
	printf("# %d worlds of %d skewed scores: t covers %.1f %%, percentile bootstrap %.1f %%, BCa %.1f %% (nominal 95)\n",
	       m, N, 100. * t_in / m, 100. * percentile_in / m, 100. * bca_in / m);
	printf("# %d clusters of 5: clustered t covers %.1f %%, cluster bootstrap %.1f %%, ignoring the clusters %.1f %% (nominal 95)\n",
	       CLUSTERS, 100. * cluster_in / m, 100. * boot_in / m, 100. * naive_in / m);
	/* Skewness costs t and the bootstrap a point or two at 60 rows; 400 draws have a standard
	 * error of 1.1. */
	ok(t_in > .89 * m && percentile_in > .89 * m && bca_in > .89 * m,
	   "means of skewed scores are covered");
	ok(cluster_in > .91 * m && boot_in > .89 * m && naive_in < .88 * m,
	   "clustered intervals cover, unclustered ones do not");
}

/* The same data, seen in pairs and not. */
static void power_of_pairing(void)
{
	enum { N = 200 };
	int m = draws(500), paired = 0, unpaired = 0;
	struct rng r;

	rng_seed(&r, 44, 0);
	for (int run = 0; run < m; run++) {
		double a = 0, b = 0, wins = 0, losses = 0, p, q, pooled;

		for (int i = 0; i < N; i++) {
			/* Hard questions are hard for both: they differ on 8 % of the rows, 6.5 to
			 * 1.5 */
			double u = rng_uniform(&r), v = rng_uniform(&r), x = u < .6,
			       y = v < .065  ? 1
				   : v < .08 ? 0
					     : x;

			a += x;
			b += y;
			wins += y > x;
			losses += y < x;
		}
		paired += paired_mcnemar(wins, losses) < .05;
		p = a / N;
		q = b / N;
		pooled = (p + q) / 2;
		unpaired +=
			2 * dist_normal_sf(fabs(p - q) / sqrt(2 * pooled * (1 - pooled) / N)) < .05;
	}
	printf("# the same 200 pairs: the paired test sees the difference in %.0f %% of %d worlds, the unpaired one in %.0f %%\n",
	       100. * paired / m, m, 100. * unpaired / m);
	ok(paired > 4 * unpaired, "pairing is worth a multiple of the rows");
}

int main(void)
{
	values();
	sampler();
	rates();
	means();
	power_of_pairing();
	return tap_done();
}

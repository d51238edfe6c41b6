/* twosample: two-sample tests; see the header for what each promises. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../base/rng.h"
#include "dist.h"
#include "twosample.h"
#include "order.h"

#define EXACT_CELLS 4e6	  /* of the lattice */
#define PLAIN 2.5	  /* deviations of a category's difference of shares */
#define PLAIN_ROWS 5	  /* of a category in the smaller sample, there or expected */
#define PERMUTED_ROWS 5e7 /* dealt at most, all draws together */

double twosample_ks(const double *x, size_t n, const double *y, size_t m, double *at)
{
	size_t i = 0, j = 0;
	double d = 0;

	if (at)
		*at = NAN;
	if (!n || !m)
		return NAN;
	while (i < n && j < m) {
		double v = x[i] < y[j] ? x[i] : y[j];
		while (i < n && x[i] <= v)
			i++;
		while (j < m && y[j] <= v)
			j++;
		double now = fabs((double)i / (double)n - (double)j / (double)m);
		if (now > d) {
			d = now;
			if (at)
				*at = v;
		}
	}
	return d;
}

double twosample_kolmogorov_sf(double t)
{
	if (!(t > 0))
		return isnan(t) ? NAN : 1;
	if (t < 1) {
		/* The other theta series converges fast where the alternating one does not. */
		double sum = 0, c = M_PI * M_PI / (8 * t * t);
		for (int k = 1; k < 12; k += 2)
			sum += exp(-c * k * k);
		return 1 - sqrt(2 * M_PI) / t * sum;
	}
	double sum = 0;
	for (int k = 1; k < 20; k++)
		sum += (k % 2 ? 1 : -1) * exp(-2.0 * k * k * t * t);
	return 2 * sum;
}

/* The share of all ways to deal the pooled values that reach a distance of at least d. A deal is a
 * lattice path from (0, 0) to (n, m); share[j] is the probability that a random path from the
 * origin to (i, j) has touched a point at distance d or more, seen only where a run of ties ends
 * (last[i + j]). */
static double ks_exact(double d, size_t n, size_t m, const unsigned char *last)
{
	double *share = mem_alloc(m + 1, sizeof *share), p;
	double nd = (double)n, md = (double)m;
	/* Distances are multiples of 1/(nm): compare between two of them. */
	double q = (0.5 + floor(d * nd * md - 1e-7)) / (nd * md);

	for (size_t j = 1; j <= m; j++)
		share[j] = (double)j / md >= q && last[j] ? 1 : share[j - 1];
	for (size_t i = 1; i <= n; i++) {
		if ((double)i / nd >= q && last[i])
			share[0] = 1;
		for (size_t j = 1; j <= m; j++) {
			if (last[i + j] && fabs((double)i / nd - (double)j / md) >= q) {
				share[j] = 1;
			} else {
				double w = (double)i / (double)(i + j);
				share[j] = w * share[j] + (1 - w) * share[j - 1];
			}
		}
	}
	p = share[m];
	free(share);
	return p;
}

double twosample_ks_p(double d, const double *x, size_t n, const double *y, size_t m)
{
	if (!n || !m || isnan(d))
		return NAN;
	if (!(d > 0))
		return 1;
	double nd = (double)n, md = (double)m;
	if (nd * md > EXACT_CELLS)
		return fmin(1, twosample_kolmogorov_sf(d * sqrt(nd * md / (nd + md))));

	unsigned char *last = mem_alloc(n + m + 1, 1);
	for (size_t i = 0, j = 0; i < n || j < m;) {
		double v = j == m || (i < n && x[i] <= y[j]) ? x[i] : y[j];
		while (i < n && x[i] <= v)
			i++;
		while (j < m && y[j] <= v)
			j++;
		last[i + j] = 1;
	}
	double p = ks_exact(d, n, m, last);
	free(last);
	return fmin(1, p);
}

double twosample_superiority(const double *x, size_t n, const double *y, size_t m)
{
	double wins = 0;
	size_t below = 0, upto = 0;

	if (!n || !m)
		return NAN;
	for (size_t j = 0; j < m; j++) {
		while (below < n && x[below] < y[j])
			below++;
		if (upto < below)
			upto = below;
		while (upto < n && x[upto] <= y[j])
			upto++;
		wins += (double)below + (double)(upto - below) / 2;
	}
	return wins / (double)n / (double)m;
}

static double log_choose(double n, double k)
{
	int sign; /* which lgamma would leave to all threads */

	return lgamma_r(n + 1, &sign) - lgamma_r(k + 1, &sign) - lgamma_r(n - k + 1, &sign);
}

double twosample_all_in_second(uint64_t hits, uint64_t n, uint64_t m)
{
	if (hits > m)
		return 0;
	if (hits <= 64) {
		double p = 1;
		for (uint64_t i = 0; i < hits; i++)
			p *= (double)(m - i) / (double)(n + m - i);
		return p;
	}
	return exp(log_choose((double)m, (double)hits) - log_choose((double)(n + m), (double)hits));
}

double twosample_fisher(uint64_t a, uint64_t n, uint64_t b, uint64_t m)
{
	double hits = (double)(a + b), nd = (double)n, md = (double)m;

	if (!n || !m)
		return NAN;
	double lo = fmax(0, hits - md), hi = fmin(nd, hits);
	double all = log_choose(nd + md, hits), p = 0;
	double here = log_choose(nd, (double)a) + log_choose(md, (double)b) - all;
	/* Probabilities rise to the mode and fall behind it: walk from either end while tables are
	 * no more likely than this one. */
	for (int side = 0; side < 2; side++) {
		double x = side ? hi : lo, step = side ? -1 : 1;
		double mode = floor((nd + 1) * (hits + 1) / (nd + md + 2));
		for (; side ? x > mode : x <= mode; x += step) {
			double now = log_choose(nd, x) + log_choose(md, hits - x) - all;
			if (now > here + 1e-7)
				break;
			p += exp(now);
		}
	}
	return fmin(1, p);
}

/* Pearson's statistic from the first sample's counts and the pooled ones. */
static double chi2(const uint32_t *a, const uint32_t *pooled, size_t k, double n, double m)
{
	double sum = 0, f = n / (n + m);

	for (size_t i = 0; i < k; i++) {
		double e = pooled[i] * f, d = a[i] - e;
		sum += d * d / e;
	}
	/* The other sample deviates by as much; its expected counts are m/n times these. */
	return sum * (1 + n / m);
}

/* Puts all levels with an expected count below 10 in the smaller sample into one, which takes
 * further small ones until it has 10. Which levels those are depends on the pooled counts alone, so
 * the test stays valid. Returns the number of levels left. */
static size_t lump(uint32_t *small, uint32_t *pooled, size_t k, double share)
{
	uint64_t rest = 0, rest_small = 0;
	size_t left = 0;

	for (size_t i = 0; i < k; i++) {
		if (pooled[i] * share < 10) {
			rest += pooled[i];
			rest_small += small[i];
		} else {
			small[left] = small[i];
			pooled[left++] = pooled[i];
		}
	}
	if (!rest)
		return left;
	if ((double)rest * share < 10 && left > 0) {
		size_t least = 0;
		for (size_t i = 1; i < left; i++)
			least = pooled[i] < pooled[least] ? i : least;
		small[least] += (uint32_t)rest_small;
		pooled[least] += (uint32_t)rest;
		return left;
	}
	small[left] = (uint32_t)rest_small;
	pooled[left] = (uint32_t)rest;
	return left + 1;
}

static double tail(const double *sorted, size_t n, double x)
{
	size_t lo = 0, hi = n;

	x -= 1e-9 * fabs(x);
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		if (sorted[mid] < x)
			lo = mid + 1;
		else
			hi = mid;
	}
	return (double)(n - lo) / (double)n;
}

double twosample_smaller_p(const double *a, const double *b, size_t n)
{
	double *x = mem_alloc(n, sizeof *x), *y = mem_alloc(n, sizeof *y);
	size_t hits = 0;

	memcpy(x, a, n * sizeof *x);
	memcpy(y, b, n * sizeof *y);
	order_sort(x, n);
	order_sort(y, n);
	double observed = fmin(tail(x, n, a[0]), tail(y, n, b[0]));
	for (size_t i = 0; i < n; i++)
		hits += fmin(tail(x, n, a[i]), tail(y, n, b[i])) <= observed;
	free(x);
	free(y);
	return (double)hits / (double)n;
}

static double largest_z(const uint32_t *a, const uint32_t *pooled, size_t k, double n, double m)
{
	double most = 0, f = n / (n + m);

	for (size_t i = 0; i < k; i++) {
		double share = pooled[i] / (n + m),
		       sd = sqrt(n * share * (1 - share) * m / (n + m - 1));
		if (sd > 0)
			most = fmax(most, fabs(a[i] - pooled[i] * f) / sd);
	}
	return most;
}

/* Deals the smaller sample's rows from the pool again and again. Entry 0 is what was observed. */
static double permuted(const uint32_t *small, const uint32_t *pooled, size_t k, size_t n, size_t m,
		       uint64_t seed, size_t draws)
{
	size_t total = n + m, done = 1;
	uint32_t *pool = mem_alloc(total, sizeof *pool), *count = mem_alloc(k, sizeof *count);
	double *sum = mem_alloc(draws + 1, sizeof *sum), *most = mem_alloc(draws + 1, sizeof *most);
	struct rng rng;

	sum[0] = chi2(small, pooled, k, (double)n, (double)m);
	most[0] = largest_z(small, pooled, k, (double)n, (double)m);
	rng_seed(&rng, seed, 0x7ab1e);
	for (size_t i = 0, at = 0; i < k; i++) {
		for (uint32_t c = 0; c < pooled[i]; c++)
			pool[at++] = (uint32_t)i;
	}
	for (; done <= draws; done++) {
		memset(count, 0, k * sizeof *count);
		for (size_t i = 0; i < n; i++) {
			size_t j = i + (size_t)rng_below(&rng, total - i);
			uint32_t t = pool[i];
			pool[i] = pool[j];
			pool[j] = t;
			count[pool[i]]++;
		}
		sum[done] = chi2(count, pooled, k, (double)n, (double)m);
		most[done] = largest_z(count, pooled, k, (double)n, (double)m);
		if (done == 200 && twosample_smaller_p(sum, most, done + 1) > 0.2) {
			done++;
			break;
		}
	}
	double p = twosample_smaller_p(sum, most, done);
	free(pool);
	free(count);
	free(sum);
	free(most);
	return p;
}

void twosample_table(const uint64_t *a, const uint64_t *b, size_t k, uint64_t seed, size_t draws,
		     struct twosample_table *t)
{
	uint64_t n = 0, m = 0;
	size_t levels = 0, places[2] = {0};
	double least = INFINITY, plain_moves = 0, variation = 0, chance = 0;

	*t = (struct twosample_table){.statistic = NAN,
				      .p = NAN,
				      .chi2_p = NAN,
				      .effect = NAN,
				      .largest = NAN};
	for (size_t i = 0; i < k; i++) {
		n += a[i];
		m += b[i];
	}
	if (!n || !m)
		return;
	uint32_t *small = mem_alloc(k, sizeof *small), *pooled = mem_alloc(k, sizeof *pooled);
	double nd = (double)n, md = (double)m;
	t->largest = 0;
	for (size_t i = 0; i < k; i++) {
		double pa = (double)a[i] / nd, pb = (double)b[i] / md, all = (double)(a[i] + b[i]);
		if (a[i] + b[i] == 0)
			continue;
		if (levels < 2)
			places[levels] = i;
		small[levels] = (uint32_t)(n <= m ? a[i] : b[i]);
		pooled[levels++] = (uint32_t)(a[i] + b[i]);
		least = fmin(least, all * fmin(nd, md) / (nd + md));
		/* A category that moved plainly counts in full; of the others what they moved
		 * together beyond chance. The mean of |normal| is sqrt(2/pi) of its deviation. */
		double share = all / (nd + md), sd = sqrt(share * (1 - share) * (1 / nd + 1 / md));
		double few = n <= m ? (double)a[i] : (double)b[i];
		if (fabs(pa - pb) > PLAIN * sd && fmax(few, share * fmin(nd, md)) >= PLAIN_ROWS) {
			plain_moves += fabs(pa - pb) / 2;
		} else {
			variation += fabs(pa - pb) / 2;
			chance += sqrt(2 / M_PI) * sd / 2;
		}
		if (fabs(pa - pb) > t->largest) {
			t->largest = fabs(pa - pb);
			t->where = i;
		}
	}
	t->df = (double)levels - 1;
	t->effect = plain_moves + fmax(0, variation - chance);
	t->statistic = levels > 1 ? chi2(small, pooled, levels, fmin(nd, md), fmax(nd, md)) : 0;
	size_t less = (size_t)(n <= m ? n : m), more = (size_t)(n <= m ? m : n);
	if (levels < 2) {
		t->p = 1;
	} else if (levels == 2 && !(least >= 10 && n + m > 200000)) {
		t->method = TWOSAMPLE_EXACT;
		t->p = twosample_fisher(a[places[0]], n, b[places[0]], m);
	} else {
		t->chi2_p = least >= 10 ? dist_chi2_sf(t->statistic, t->df) : NAN;
		int plain = 2 * t->chi2_p < 1e-5,
		    cheap = (double)(less + levels) * (double)draws <= PERMUTED_ROWS;
		t->method = plain || !cheap ? TWOSAMPLE_CHI2 : TWOSAMPLE_PERMUTED;
		if (t->method == TWOSAMPLE_PERMUTED) {
			t->p = permuted(small, pooled, levels, less, more, seed, draws);
		} else if (plain) {
			t->p = 2 * t->chi2_p;
		} else {
			levels = lump(small, pooled, levels, (double)less / (nd + md));
			t->df = (double)levels - 1;
			t->statistic =
				levels > 1 ? chi2(small, pooled, levels, (double)less, (double)more)
					   : 0;
			t->p = levels > 1 ? fmin(1, 2 * dist_chi2_sf(t->statistic, t->df)) : 1;
		}
	}
	free(small);
	free(pooled);
}

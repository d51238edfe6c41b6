/* boot: resampling by counts. See boot.h. */
#include "boot.h"

#include <math.h>
#include <stdlib.h>
#include "../base/mem.h"
#include "dist.h"
#include "order.h"

/* log(k!) less Stirling's formula with k + 1. */
static double tail(double k)
{
	double kk = (k + 1) * (k + 1);
	int sign;

	if (k < 10)
		return lgamma_r(k + 1, &sign) -
		       ((k + 0.5) * log(k + 1) - (k + 1) + 0.918938533204672741780);
	return (1 / 12.0 - (1 / 360.0 - 1 / 1260.0 / kk) / kk) / (k + 1);
}

static double by_inversion(struct rng *r, double n, double p)
{
	double odds = p / (1 - p), f = exp(n * log1p(-p)), u = rng_uniform(r), k = 0;

	while (u > f && k < n) {
		u -= f;
		k++;
		f *= odds * (n - k + 1) / k;
	}
	return k;
}

static double by_rejection(struct rng *r, double n, double p)
{
	double q = 1 - p, spread = sqrt(n * p * q), b = 1.15 + 2.53 * spread,
	       a = -0.0873 + 0.0248 * b + 0.01 * p, c = n * p + 0.5;
	double easy = 0.92 - 4.2 / b, alpha = (2.83 + 5.1 / b) * spread, m = floor((n + 1) * p),
	       odds = p / q;

	for (;;) {
		double u = rng_uniform(r) - 0.5, v = rng_uniform(r), us = 0.5 - fabs(u),
		       k = floor((2 * a / us + b) * u + c);

		if (k < 0 || k > n)
			continue;
		if (us >= 0.07 && v <= easy)
			return k;
		if (log(v * alpha / (a / (us * us) + b)) <=
		    (m + 0.5) * log((m + 1) / (odds * (n - m + 1))) +
			    (n + 1) * log((n - m + 1) / (n - k + 1)) +
			    (k + 0.5) * log(odds * (n - k + 1) / (k + 1)) + tail(m) + tail(n - m) -
			    tail(k) - tail(n - k))
			return k;
	}
}

uint64_t boot_binomial(struct rng *r, uint64_t count, double p)
{
	double n = (double)count, k;

	if (count == 0 || p <= 0)
		return 0;
	if (p >= 1)
		return count;
	if (p > 0.5)
		return count - boot_binomial(r, count, 1 - p);
	k = n * p < 10 ? by_inversion(r, n, p) : by_rejection(r, n, p);
	return (uint64_t)k;
}

/* One resample's mean. values (n of them) is given where drawing rows is less work than drawing
 * counts. */
static double resample(const struct tally_bin *bins, size_t n_bins, const double *values,
		       uint64_t n, struct rng *r)
{
	double sum = 0;
	uint64_t left = n, rest = n;

	if (values) {
		for (uint64_t i = 0; i < n; i++)
			sum += values[rng_below(r, n)];
		return sum / (double)n;
	}
	for (size_t i = 0; i < n_bins && left > 0; i++) {
		uint64_t k = i + 1 == n_bins
				     ? left
				     : boot_binomial(r, left, (double)bins[i].n / (double)rest);

		sum += (double)k * bins[i].x;
		left -= k;
		rest -= bins[i].n;
	}
	return sum / (double)n;
}

static double sorted_quantile(const double *v, size_t n, double q)
{
	double h = (double)(n - 1) * q;
	size_t low = (size_t)h;

	return low + 1 < n ? v[low] + (h - (double)low) * (v[low + 1] - v[low]) : v[n - 1];
}

static struct interval bounds(double value, double *draws, double acceleration,
			      const struct boot *o)
{
	double low = (1 - o->level) / 2, high = (1 + o->level) / 2, below = 0;
	size_t n = o->resamples;

	order_sort(draws, n);
	if (draws[0] == draws[n - 1])
		return (struct interval){value, draws[0], draws[0]};
	if (o->method == BOOT_BCA) {
		double bias, z = dist_normal_quantile(low);

		for (size_t i = 0; i < n; i++)
			below += draws[i] < value ? 1 : draws[i] == value ? 0.5 : 0;
		/* All draws on one side: no correction can be told from them. */
		bias = below > 0 && below < (double)n ? dist_normal_quantile(below / (double)n) : 0;
		low = dist_normal_cdf(bias + (bias + z) / (1 - acceleration * (bias + z)));
		high = dist_normal_cdf(bias + (bias - z) / (1 - acceleration * (bias - z)));
	}
	return (struct interval){value, sorted_quantile(draws, n, low),
				 sorted_quantile(draws, n, high)};
}

static double acceleration_of(double cubes, double squares)
{
	return squares > 0 ? cubes / (6 * pow(squares, 1.5)) : 0;
}

struct interval boot_mean(const struct tally *t, const struct boot *o)
{
	struct interval v = {tally_mean(t), NAN, NAN};
	struct tally_bin *bins;
	double *draws, *values = NULL, squares = 0, cubes = 0, mean = 0, shift;
	size_t n_bins;
	struct rng r;

	if (t->n < 2 || o->resamples < 2)
		return v;
	bins = tally_sorted(t, &n_bins);
	draws = mem_alloc(o->resamples, sizeof *draws);
	/* A binomial draw costs about as much as sixteen rows. */
	if (n_bins > t->n / 16) {
		size_t at = 0;

		values = mem_alloc((size_t)t->n, sizeof *values);
		for (size_t i = 0; i < n_bins; i++)
			for (uint64_t k = 0; k < bins[i].n; k++)
				values[at++] = bins[i].x;
	}
	for (size_t i = 0; i < n_bins; i++)
		mean += (double)bins[i].n * bins[i].x / (double)t->n;
	for (size_t i = 0; i < n_bins; i++) {
		double d = bins[i].x - mean;

		squares += (double)bins[i].n * d * d;
		cubes += (double)bins[i].n * d * d * d;
	}
	shift = v.value - mean; /* of rounded bins; else nothing */
	for (size_t i = 0; i < o->resamples; i++) {
		rng_seed(&r, o->seed, i);
		draws[i] = resample(bins, n_bins, values, t->n, &r) + shift;
	}
	v = bounds(v.value, draws, acceleration_of(cubes, squares), o);
	free(values);
	free(draws);
	free(bins);
	return v;
}

struct interval boot_clusters(const double *sum, const double *size, size_t clusters,
			      const struct boot *o)
{
	double all = 0, rows = 0, squares = 0, cubes = 0, *draws;
	struct interval v = {NAN, NAN, NAN};
	struct rng r;

	for (size_t g = 0; g < clusters; g++) {
		all += sum[g];
		rows += size[g];
	}
	if (rows <= 0)
		return v;
	v.value = all / rows;
	if (clusters < 2 || o->resamples < 2)
		return v;
	/* Influence of a cluster on the ratio, for the acceleration. */
	for (size_t g = 0; g < clusters; g++) {
		double d = (sum[g] - v.value * size[g]) / rows;

		squares += d * d;
		cubes += d * d * d;
	}
	draws = mem_alloc(o->resamples, sizeof *draws);
	for (size_t i = 0; i < o->resamples; i++) {
		double s = 0, n = 0;

		rng_seed(&r, o->seed, i);
		for (size_t k = 0; k < clusters; k++) {
			size_t g = (size_t)rng_below(&r, clusters);

			s += sum[g];
			n += size[g];
		}
		draws[i] = n > 0 ? s / n : v.value;
	}
	v = bounds(v.value, draws, acceleration_of(cubes, squares), o);
	free(draws);
	return v;
}

double boot_signs(const struct tally *differences, size_t resamples, uint64_t seed)
{
	struct tally sizes = {0};
	struct tally_bin *bins;
	double observed = 0, extreme = 1; /* the observed order is one of all */
	size_t n, m;
	struct rng r;

	if (differences->n == 0)
		return NAN;
	bins = tally_sorted(differences, &n);
	for (size_t i = 0; i < n; i++) {
		observed += (double)bins[i].n * bins[i].x;
		tally_put(&sizes, fabs(bins[i].x), bins[i].n);
	}
	free(bins);
	bins = tally_sorted(&sizes, &m);
	for (size_t i = 0; i < resamples; i++) {
		double sum = 0;

		rng_seed(&r, seed, i);
		for (size_t k = 0; k < m; k++)
			sum += bins[k].x *
			       (2 * (double)boot_binomial(&r, bins[k].n, 0.5) - (double)bins[k].n);
		extreme += fabs(sum) >= fabs(observed) * (1 - 1e-12);
	}
	free(bins);
	tally_release(&sizes);
	return extreme / ((double)resamples + 1);
}

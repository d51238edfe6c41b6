/* twosample: were two sets of values drawn from the same distribution?
 *
 * Every p-value is that of a test whose level holds: exact where the sizes allow it, asymptotic
 * where those are known to be safe, else by seeded permutation with (1 + hits) / (1 + draws), which
 * is never 0. Effects are differences of probabilities, from 0 (alike) to 1. Empty samples give
 * NaN.
 */
#ifndef FT_STATS_TWOSAMPLE_H
#define FT_STATS_TWOSAMPLE_H

#include <stddef.h>
#include <stdint.h>

/* Kolmogorov and Smirnov: the largest distance between the two distribution functions. x and y in
 * rising order. *at (may be NULL) is the value where it is reached. */
double twosample_ks(const double *x, size_t n, const double *y, size_t m, double *at);

/* Its two-sided p-value: P(D >= d) under exchangeability. For n * m up to 4e6 exact and conditional
 * on the ties in the pooled sample (the lattice recursion of Schroeer and Trenkler 1995); beyond
 * that Kolmogorov's limit, which is conservative with ties. */
double twosample_ks_p(double d, const double *x, size_t n, const double *y, size_t m);
/* Kolmogorov's limiting distribution: P(K > t). */
double twosample_kolmogorov_sf(double t);

/* Counts of k categories in either sample. */
struct twosample_table {
	double statistic; /* Pearson's chi-square, categories with no count left out */
	double df;
	double p;
	double chi2_p; /* of the chi-square limit alone; NaN where it does not hold */
	/* total variation distance, without what chance gives to the categories that did not move
	 * plainly */
	double effect;
	double largest; /* L-infinity: the largest difference of shares */
	size_t where;	/* and its category */
	int method;	/* TWOSAMPLE_EXACT (two categories: Fisher), _CHI2, _PERMUTED */
};
enum { TWOSAMPLE_EXACT, TWOSAMPLE_CHI2, TWOSAMPLE_PERMUTED };

/* Tests whether two rows of counts come from one distribution. Two categories: Fisher's exact test.
 * More: Pearson's chi-square, which sees many small differences, and the largest standardised
 * difference of a single category (L-infinity) are permuted together, and the smaller of their
 * p-values is judged by its own permutation distribution; at most draws permutations, 200 where
 * they show no sign of a difference (p > .2). Where rows are too many for that, and where it is
 * plain (below 1e-5), twice the p-value of chi-square's limit stands in, rare categories taken as
 * one. */
void twosample_table(const uint64_t *a, const uint64_t *b, size_t k, uint64_t seed, size_t draws,
		     struct twosample_table *t);

/* Two statistics of the observed data (entry 0) and of n - 1 permutations: the p-value of the
 * smaller of their two p-values. */
double twosample_smaller_p(const double *a, const double *b, size_t n);

/* Fisher's exact test, two-sided (the sum of all tables no more likely than this one): a of n
 * against b of m. */
double twosample_fisher(uint64_t a, uint64_t n, uint64_t b, uint64_t m);

/* P(all `hits` of n + m rows fall into the second sample of m), were rows dealt at random. */
double twosample_all_in_second(uint64_t hits, uint64_t n, uint64_t m);

/* Mann and Whitney: P(X < Y) + P(X = Y)/2, for rising x and y. */
double twosample_superiority(const double *x, size_t n, const double *y, size_t m);

#endif

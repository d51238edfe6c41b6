/* dist: the distributions that tests and intervals are read from.
 *
 * The normal, Student's t, chi-square and binomial distributions. cdf is P(X <=
 * x), sf is P(X > x), each computed directly so that a small tail keeps its digits: relative
 * accuracy is about 1e-12 for parameters up to 1e6, tails down to 1e-300 included. Quantiles take p
 * in [0, 1] and return x with cdf(x) = p. Parameters out of range (and NaN) give NaN.
 *
 * Sources: the density prefixes follow C. Loader, "Fast and Accurate Computation of Binomial
 * Probabilities" (2000); the continued fractions are DLMF 8.9.2 (gamma) and 8.17.22 (beta),
 * evaluated by the modified Lentz method.
 */
#ifndef FT_STATS_DIST_H
#define FT_STATS_DIST_H

double dist_normal_cdf(double x);
double dist_normal_sf(double x);
double dist_normal_quantile(double p);

double dist_t_sf(double t, double df);
double dist_t_quantile(double p, double df);

double dist_chi2_sf(double x, double df);

/* k successes in n trials; k is taken down to a whole number. */
double dist_binomial_cdf(double k, double n, double p); /* P(X <= k) */
double dist_binomial_sf(double k, double n, double p);	/* P(X > k) */

#endif

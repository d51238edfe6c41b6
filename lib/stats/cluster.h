/* cluster: rows that come in groups (several samples of one input, several questions about one
 * document) are not independent.
 *
 * Intervals that ignore this are too narrow. Here a cluster is its sum of scores and its number of
 * rows.
 */
#ifndef FT_STATS_CLUSTER_H
#define FT_STATS_CLUSTER_H

#include <stddef.h>
#include "interval.h"

/* The mean over rows, sum of sums over sum of sizes, with the linearised standard error of a ratio
 * between clusters and Student's t on clusters - 1 degrees of freedom (Cochran 1977, Sampling
 * Techniques, 2.11; as in Miller 2024, "Adding Error Bars to Evals"). */
struct interval cluster_mean(const double *sum, const double *size, size_t clusters, double level);

/* How many rows of their own the clusters are worth at least, were the rows of each all alike (Kish
 * 1965): as many as clusters where these are equally large. */
double cluster_worth(const double *size, size_t clusters);
/* Whether all clusters have the same mean: they show no variance between them, and cluster_mean has
 * no bounds then. */
int cluster_is_constant(const double *sum, const double *size, size_t clusters);
/* cluster_mean of values that lie from least to most; where the clusters are constant with the
 * bounds of interval_constant for as many values as the clusters are worth. */
struct interval cluster_bounded_mean(const double *sum, const double *size, size_t clusters,
				     double least, double most, double level);

/* At least one of k samples passes, from c passes among n (Chen et al. 2021, unbiased); NaN for n <
 * k. */
double cluster_pass_at(double n, double c, double k);
/* All of k samples pass. */
double cluster_pass_all(double n, double c, double k);

#endif

/* power: how small a difference so many rows can show, and how many rows a difference needs.
 *
 * Two-sided tests at 1 - level with the given power, by the normal approximation.
 */
#ifndef FT_STATS_POWER_H
#define FT_STATS_POWER_H

/* A rate against a bound: until the score test, whose interval is Wilson's, tells them apart. */
double power_rate_rows(double rate, double bound, double level, double power);

/* Paired rates (McNemar): discordant is the share of pairs on which the two differ (Connor
 * 1987). */
double power_paired_rate_difference(double n, double discordant, double level, double power);
double power_paired_rate_rows(double difference, double discordant, double level, double power);

/* Means: sd of the values (paired: of the differences). */
double power_mean_difference(double n, double sd, double level, double power);
double power_mean_rows(double difference, double sd, double level, double power);

#endif

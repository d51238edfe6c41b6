/* paired: two answers to each of the same questions.
 *
 * Pairing removes what makes questions easy or hard for both, so a small difference shows with far
 * fewer rows. Differences are b - a.
 */
#ifndef FT_STATS_PAIRED_H
#define FT_STATS_PAIRED_H

#include <stddef.h>
#include <stdint.h>
#include "interval.h"
#include "tally.h"

/* Two-sided McNemar test (1947), from the rows where just one of the two was right; exact binomial.
 * 1 where there is none. */
double paired_mcnemar(double wins, double losses);

/* (wins - losses) / n with Tango's score interval (1998), which holds its level for small n and
 * rates near 0 or 1. */
struct interval paired_rate(double wins, double losses, double n, double level);

/* The mean difference of scores from 0 to 1 with a t interval, and *p of the paired t test. Where
 * all differences are equal there is no variance for either: both are interval_constant's. */
struct interval paired_t(const struct tally *differences, double level, double *p);

#endif

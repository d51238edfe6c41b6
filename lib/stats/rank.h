/* rank: strengths from pairwise verdicts (Bradley and Terry 1952). */
#ifndef FT_STATS_RANK_H
#define FT_STATS_RANK_H

#include <stddef.h>
#include "interval.h"

/* wins[i * n + j]: how often i beat j, a tie being half a win for each. out[i] is the log-odds of i
 * against the mean of all (they add up to 0) with an interval from the observed information. Who
 * never won or never lost against the others has no finite estimate: a prior of half a win and half
 * a loss against an average opponent keeps it finite (a penalty as Firth's in size). NaN where no
 * verdicts connect i with the rest. */
void rank_bradley_terry(const double *wins, size_t n, double level, struct interval *out);

#endif

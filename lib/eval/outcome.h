/* outcome: what a run as a whole says: its exit status, and what of it a continuous integration has to
 * call a failure. The two agree: a run that ends 0 has no failure.
 */
#ifndef FT_EVAL_OUTCOME_H
#define FT_EVAL_OUTCOME_H

#include "figures.h"

/* FT_NO where a requirement is missed, no group can be chosen or the later of two runs is worse;
 * FT_INSUFFICIENT where something is not decided, or there were no records at all; else FT_OK. */
int outcome_status(const struct figures *f);

/* What a requirement decides by itself: VERDICT_MET for any where a group was chosen among others,
 * for that one meets them all. */
enum verdict outcome_decided(const struct figures *f, const struct decided *d);

/* "worse", "not worse", "go on". */
const char *outcome_word(enum verdict v);

#endif

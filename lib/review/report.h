/* report: what a journal says of the set and of its reviewers. */
#ifndef FT_REVIEW_REPORT_H
#define FT_REVIEW_REPORT_H

#include "journal.h"

/* One JSON object and a newline: {"judged", "good", "fix", "bad", "skip", "rate": {"n", "errors",
 * "skipped", "value", "lo", "hi"}, "reviewers": [{"who", "n", ...}], "agreement": {"n", "agree",
 * "disputed", "alpha": {"value", "lo", "hi"}, "kappa": {...} | null} | null, "pairs": as contest_write}; or,
 * with `words`, sentences. -1 where it holds too many models. */
int report_write(const struct journal *j, int words, struct buf *b, struct err *e);

#endif

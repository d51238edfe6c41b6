/* accord: how far the reviewers of a journal agree, on rows or on pairs of answers. */
#ifndef FT_REVIEW_ACCORD_H
#define FT_REVIEW_ACCORD_H

#include "../json/jw.h"
#include "../stats/interval.h"
#include "journal.h"

struct accord {
	size_t n, agree, disputed;    /* rows that several judged; alike; unsettled */
	struct interval alpha, kappa; /* kappa: NaN unless there are just two reviewers */
};

/* Two fixes agree where their texts do (apply_same); in alpha and kappa verdicts are categories. Skipped
 * rows, and decisions that settle what others differ on, do not count. */
struct accord accord_of(const struct journal *j, int pairs);

/* As the value {"n", "agree", "disputed", "alpha", "kappa"}, null where n is 0; and in sentences, nothing
 * where it is. */
void accord_write(const struct accord *a, struct jw *w);
void accord_say(const struct accord *a, const char *what, struct buf *b);

#endif

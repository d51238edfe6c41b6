/* finding: a reason to look at a record, with a score and words.
 *
 * lib/review finds what deserves a look (signs of one row alone: signs.h; of a row among the
 * others: corpus.h), orders what a person judges (desk.h), and keeps what was decided (journal.h).
 *
 * Scores are between 0 and 1: roughly the share of rows with such a sign that turn out wrong.
 * Several add up as independent evidence does: suspicion = 1 - product of (1 - score).
 */
#ifndef FT_REVIEW_FINDING_H
#define FT_REVIEW_FINDING_H

#include <stddef.h>
#include "../json/jw.h"

/* findings kept a row; more are dropped, least score first in order of arrival */
#define FINDING_MAX 32

struct finding {
	const char *reason; /* a word of a fixed list: static */
	double score;
	size_t why, why_n; /* where its words stand in the text of the list */
	uint64_t other[2]; /* input key of another row that it is about; both 0: none */
};

struct findings {
	struct finding v[FINDING_MAX];
	size_t n;
	struct buf text;
};

void findings_clear(struct findings *f);
void findings_release(struct findings *f);
void findings_add(struct findings *f, const char *reason, double score, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Says of the finding last added which row it is about. */
void findings_about(struct findings *f, const uint64_t other[2]);

/* {"suspicion": x, "reasons": [{"reason", "score", "why", "other": key}, ...]} with the row's loss
 * and probs by a model where they are known (absent spans: they are not), highest score first. */
void findings_write(const struct findings *f, struct span loss, struct span probs, struct jw *w);

#endif

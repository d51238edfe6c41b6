/* probe: the tests that a path is put to, by the type of its values. Each adds findings to the line
 * and explains them in words.
 *
 * A probe adds nothing where both sides hold one and the same value, or where a side has fewer than
 * DRIFT_VALUES.
 */
#ifndef FT_DRIFT_PROBE_H
#define FT_DRIFT_PROBE_H

#include "compare.h"

struct probe {
	const struct frame *reference, *current;
	const struct drift_options *options;
	size_t draws; /* of permutation tests */
	/* days of the sampled rows' own time; NULL where it is not known */
	int64_t *reference_time, *current_time;
	const char *time_path;
};

/* Missing values, nulls, and values of another kind than before. */
void probe_kinds(struct line *l, const struct probe *p);
void probe_numbers(struct line *l, const struct probe *p);
void probe_categories(struct line *l, const struct probe *p);
void probe_dates(struct line *l, const struct probe *p);
void probe_text(struct line *l, const struct probe *p);
void probe_vectors(struct line *l, const struct probe *p);

/* "12 %", "0.4 %", "under 0.1 %". */
void put_percent(struct buf *b, double share);
/* A number in at most 4 significant digits. */
void put_figure(struct buf *b, double x);
/* Text in quotes, at most `most` bytes of it, control characters as blanks. */
void put_quoted(struct buf *b, struct span s, size_t most);

#endif

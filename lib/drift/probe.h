/* probe: the tests that a path is put to, by the type of its values. Each adds findings to the line
 * and explains them in words.
 *
 * A probe adds nothing where both sides hold one and the same value, or where a side has fewer than
 * DRIFT_VALUES.
 */
#ifndef FT_DRIFT_PROBE_H
#define FT_DRIFT_PROBE_H

#include "line.h"

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

#endif

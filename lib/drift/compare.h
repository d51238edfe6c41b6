/* lib/drift: what changed since: columns found in records, probes (the unseen year: probe_dates; what
 * came and went: probe_news), verdicts, profiles.
 *
 * compare: two frames, path by path, and the answer.
 *
 * Each path gets one or more hypotheses of "no change", each with a p-value that is valid on its
 * own. Holm's correction (weighted) over all of them keeps one false-alarm level for the run; a
 * floor on the effect keeps large samples from crying wolf.
 */
#ifndef FT_DRIFT_COMPARE_H
#define FT_DRIFT_COMPARE_H

#include "line.h"

struct comparison {
	struct line *lines; /* the answer's order: drift first, the plainest reason foremost */
	size_t n, cap;
	size_t tests, drifted;
	enum verdict verdict;
	uint64_t reference_rows, current_rows;
	const struct frame *reference, *current;
	/* the records' own time; NULL where there is none */
	const struct column *reference_times, *current_times;
	/* rows that depend on each other: the path that says which (NULL: none do), and how many
	 * blocks of them the sampled rows of either side make */
	char *cluster_path;
	size_t reference_clusters, current_clusters;
	char *time_path; /* where the records' own time was taken from; NULL where there is none */
};

/* Both frames must be finished; they are borrowed as long as the comparison is used. -1 where
 * nothing stands at a path asked for, or where they share no path. */
int compare(const struct frame *reference, const struct frame *current,
	    const struct drift_options *o, struct comparison *c, struct err *e);
void comparison_release(struct comparison *c);

#endif

/* probe_vectors: embeddings given as arrays of numbers. */
#include <math.h>
#include <stdlib.h>
#include "../base/mem.h"
#include "../stats/mmd.h"
#include "probe.h"
#include "values.h"
#include "words.h"

/* x: the vectors that values_vectors gives. */
static double vectors_by_blocks(const struct line *l, const struct probe *p, const float *x,
				size_t d)
{
	const struct column *side[] = {l->reference, l->current};
	struct probe_rows rows = {0};

	for (int s = 0; s < 2; s++) {
		size_t n;
		uint32_t *row = values_vector_rows(side[s], &n);
		for (size_t i = 0; i < n; i++)
			probe_rows_add(&rows, p, s, row[i], 0);
		free(row);
	}
	struct blocks b = probe_rows_blocks(&rows, p);
	double value = mmd_blocks_p(x, d, &b);
	probe_rows_release(&rows);
	return value;
}

void probe_vectors(struct line *l, const struct probe *p)
{
	size_t n, m, d = l->reference && l->current ? (size_t)l->reference->dims : 0;
	struct mmd_result r;

	if (!d || d != l->current->dims)
		return;
	float *x = values_vectors(l->reference, l->current, &n, &m);
	if (n >= DRIFT_VALUES && m >= DRIFT_VALUES) {
		mmd_test(x, n, m, d, p->options->seed, p->draws, &r);
		if (probe_in_blocks(p))
			r.p = vectors_by_blocks(l, p, x, d);
		struct finding *f = line_found(l, "mmd", r.statistic, r.p, r.effect);
		if (f) {
			/* Vectors that can mostly be told apart lie where the reference has few or
			 * none. */
			f->unseen = r.effect > 0.5 ? r.effect : 0;
			buf_adds(&f->why,
				 "a vector of these and one of the reference are told apart in ");
			words_percent(&f->why, (1 + r.effect) / 2);
			buf_adds(&f->why, " of pairs, where 50 % is chance");
		}
	}
	free(x);
}

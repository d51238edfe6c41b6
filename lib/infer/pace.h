/* pace: how long a model's steps take, by the number of their rows, and what a step with fewer rows
 * would take.
 *
 * In a batch a token takes as long as the step that all the others share. What an answer would take
 * alone, which is what a user of the model waits for, follows from steps that were alone indeed: the
 * first few are kept so for that (pace_wants_alone), and steps of a size that was not seen lie on the
 * line between those that were.
 */
#ifndef FT_INFER_PACE_H
#define FT_INFER_PACE_H

#include <stddef.h>

#define PACE_SIZES 24 /* of steps: those of 2^k..2^(k+1)-1 rows are one */
#define PACE_KEPT 32  /* steps of a size that are remembered, the last: a machine may get busier */

struct pace {
	struct pace_size {
		double seconds[PACE_KEPT], rows[PACE_KEPT];
		size_t steps; /* seen; the next one stands at steps % PACE_KEPT */
	} size[PACE_SIZES];
};

/* A step of so many rows took so long. */
void pace_note(struct pace *p, size_t rows, double seconds);

/* Seconds of a step of so many rows; NaN where none was seen. */
double pace_of(const struct pace *p, size_t rows);

/* Whether a few more steps should have one row alone. */
int pace_wants_alone(const struct pace *p);

#endif

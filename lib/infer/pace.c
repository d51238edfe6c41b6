/* pace: see the header. */
#include "pace.h"
#include "../base/mem.h"

#include <math.h>
#include <string.h>

#define ALONE 8 /* steps that tell the pace of one row */

static size_t size_of(size_t rows)
{
	size_t k = 0;

	while (rows > 1 && k < PACE_SIZES - 1) {
		rows >>= 1;
		k++;
	}
	return k;
}

void pace_note(struct pace *p, size_t rows, double seconds)
{
	struct pace_size *s = &p->size[size_of(rows)];
	size_t at = s->steps++ % PACE_KEPT;

	s->seconds[at] = seconds;
	s->rows[at] = (double)rows;
}

static int by_seconds(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* A machine that is getting warm, or does another's work between, makes a step longer, never shorter:
 * so the lower quartile, which holds while a quarter of the steps were left alone. */
static double typical(const struct pace_size *s, double *rows)
{
	size_t n = s->steps < PACE_KEPT ? s->steps : PACE_KEPT;
	double seconds[PACE_KEPT];

	*rows = 0;
	for (size_t i = 0; i < n; i++)
		*rows += s->rows[i] / (double)n;
	memcpy(seconds, s->seconds, n * sizeof *seconds);
	mem_sort(seconds, n, sizeof *seconds, by_seconds);
	return seconds[n / 4];
}

double pace_of(const struct pace *p, size_t rows)
{
	double n = (double)rows, below_n = 0, below = NAN, above_n = 0, above = NAN;

	for (size_t k = 0; k < PACE_SIZES; k++) {
		double at, seconds;

		if (!p->size[k].steps)
			continue;
		seconds = typical(&p->size[k], &at);
		if (at <= n) {
			below_n = at;
			below = seconds;
		} else if (isnan(above)) {
			above_n = at;
			above = seconds;
		}
	}
	if (isnan(below)) /* fewer rows than any: no less than their share */
		return above;
	if (isnan(above))
		return below * n / below_n;
	return below + (above - below) * (n - below_n) / (above_n - below_n);
}

int pace_wants_alone(const struct pace *p)
{
	return p->size[0].steps < ALONE;
}

/* pace: see the header. */
#include "pace.h"

#include <math.h>

#define ALONE 8	    /* steps that tell the pace of one row */
#define FAR 3.0	    /* a step that takes so many times another is none of its kind */
#define MEMORY 4096 /* steps of a size that are remembered: a machine may get busier */

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
	size_t k = size_of(rows);
	double mean = p->steps[k] ? p->seconds[k] / (double)p->steps[k] : seconds;

	/* What came before was the machine getting warm; what is far above, another's turn. */
	if (p->steps[k] <= ALONE && seconds < mean / FAR) {
		p->seconds[k] = p->rows[k] = 0;
		p->steps[k] = 0;
	} else if (seconds > mean * FAR) {
		seconds = mean * FAR;
	}
	if (p->steps[k] >= MEMORY) {
		p->seconds[k] /= 2;
		p->rows[k] /= 2;
		p->steps[k] /= 2;
	}
	p->seconds[k] += seconds;
	p->rows[k] += (double)rows;
	p->steps[k]++;
}

double pace_of(const struct pace *p, size_t rows)
{
	double n = (double)rows, below_n = 0, below = NAN, above_n = 0, above = NAN;

	for (size_t k = 0; k < PACE_SIZES; k++) {
		double mean_n, mean;

		if (!p->steps[k])
			continue;
		mean_n = p->rows[k] / (double)p->steps[k];
		mean = p->seconds[k] / (double)p->steps[k];
		if (mean_n <= n) {
			below_n = mean_n;
			below = mean;
		} else if (isnan(above)) {
			above_n = mean_n;
			above = mean;
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
	return p->steps[0] < ALONE;
}

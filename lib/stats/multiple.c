/* Step-down and step-up adjustment of p-values. */
#include <math.h>
#include <stdlib.h>
#include "../base/mem.h"
#include "multiple.h"

struct ranked {
	double p;
	size_t at;
};

static int by_p(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->p != y->p)
		return x->p < y->p ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

/* The tests that were made, smallest p first; the others are passed through as NaN. */
static struct ranked *rank(const double *p, size_t n, double *adjusted, size_t *made)
{
	struct ranked *r = mem_alloc(n, sizeof *r);
	size_t m = 0;

	for (size_t i = 0; i < n; i++) {
		if (isnan(p[i]))
			adjusted[i] = NAN;
		else
			r[m++] = (struct ranked){p[i], i};
	}
	mem_sort(r, m, sizeof *r, by_p);
	*made = m;
	return r;
}

void multiple_holm(const double *p, size_t n, double *adjusted)
{
	size_t m;
	struct ranked *r = rank(p, n, adjusted, &m);
	double largest = 0;

	for (size_t i = 0; i < m; i++) {
		largest = fmax(largest, fmin(1, r[i].p * (double)(m - i)));
		adjusted[r[i].at] = largest;
	}
	free(r);
}

void multiple_bh(const double *p, size_t n, double *adjusted)
{
	size_t m;
	struct ranked *r = rank(p, n, adjusted, &m);
	double smallest = 1;

	for (size_t i = m; i-- > 0;) {
		smallest = fmin(smallest, r[i].p * (double)m / (double)(i + 1));
		adjusted[r[i].at] = smallest;
	}
	free(r);
}

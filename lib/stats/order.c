/* order: see order.h. */
#include "order.h"
#include "../base/mem.h"

#include <math.h>
#include <stdlib.h>

int order_ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

void order_sort(double *v, size_t n)
{
	if (n > 0)
		mem_sort(v, n, sizeof *v, order_ascending);
}

double order_median(const double *v, size_t n)
{
	return (v[(n - 1) / 2] + v[n / 2]) / 2;
}

struct interval order_interval(double value, const double *draws, size_t n, double level)
{
	double last = (double)(n - 1);

	return (struct interval){value, draws[(size_t)floor(last * (1 - level) / 2)],
				 draws[(size_t)ceil(last * (1 + level) / 2)]};
}

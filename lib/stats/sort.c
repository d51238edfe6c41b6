/* sort: short runs by insertion, then merged two by two; see the header. */
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "sort.h"

#define RUN 24

static void insert(double *x, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		double v = x[i];
		size_t j = i;
		for (; j > 0 && x[j - 1] > v; j--)
			x[j] = x[j - 1];
		x[j] = v;
	}
}

/* a and b, of n and m values, into out. The choice is arithmetic, not a branch: with random values
 * it could not be predicted. */
static void merge(const double *a, size_t n, const double *b, size_t m, double *out)
{
	const double *a_end = a + n, *b_end = b + m;

	while (a < a_end && b < b_end) {
		int second = *b < *a;
		*out++ = second ? *b : *a;
		b += second;
		a += !second;
	}
	memcpy(out, a, (size_t)(a_end - a) * sizeof *out);
	memcpy(out + (a_end - a), b, (size_t)(b_end - b) * sizeof *out);
}

void sort_doubles(double *x, size_t n)
{
	if (n <= RUN) {
		insert(x, n);
		return;
	}
	double *other = mem_alloc(n, sizeof *other), *from = x, *to = other;
	for (size_t at = 0; at < n; at += RUN)
		insert(x + at, n - at < RUN ? n - at : RUN);
	for (size_t run = RUN; run < n; run *= 2) {
		for (size_t at = 0; at < n; at += 2 * run) {
			size_t left = n - at < run ? n - at : run,
			       right = n - at - left < run ? n - at - left : run;
			/* Runs that are in order already, as in sorted input, are copied. */
			if (!right || from[at + left - 1] <= from[at + left])
				memcpy(to + at, from + at, (left + right) * sizeof *to);
			else
				merge(from + at, left, from + at + left, right, to + at);
		}
		double *swap = from;
		from = to;
		to = swap;
	}
	if (from != x)
		memcpy(x, from, n * sizeof *x);
	free(other);
}

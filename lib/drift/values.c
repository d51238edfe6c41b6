/* values: see the header. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../stats/sort.h"
#include "values.h"

int values_number(const struct column *c, const struct cell *cell, double *x)
{
	*x = cell->x;
	return cell->kind == KIND_NUMBER || cell->kind == KIND_ARRAY ||
	       (cell->kind == KIND_STRING && column_numeric(column_cell_text(c, cell), x));
}

/* As they stand. */
static double *take_numbers(const struct column *c, size_t *n)
{
	double *x = mem_alloc(c->cells_n, sizeof *x);

	*n = 0;
	for (size_t i = 0; i < c->cells_n; i++)
		*n += values_number(c, &c->cells[i], &x[*n]) != 0;
	return x;
}

double *values_sampled(const struct column *c, size_t *n)
{
	double *x = take_numbers(c, n);

	sort_doubles(x, *n);
	return x;
}

double *values_numbers(const struct column *c, size_t *n)
{
	double *x = take_numbers(c, n);

	if (c->quantiles.n > *n) {
		free(x);
		*n = c->quantiles.n < VALUES_POINTS ? (size_t)c->quantiles.n : VALUES_POINTS;
		x = mem_alloc(*n, sizeof *x);
		quantiles_points(&c->quantiles, x, *n);
	} else {
		sort_doubles(x, *n);
	}
	return x;
}

double values_error(const struct column *c)
{
	return c->quantiles.n > c->cells_n ? QUANTILES_ERROR : 0;
}

/* Their numbers to x, their rows to row; either may be NULL. */
static size_t put_vectors(const struct column *c, float *x, uint32_t *row)
{
	size_t all = 0, seen = 0, n = 0, bytes = (size_t)c->dims * sizeof *x;

	for (size_t i = 0; i < c->cells_n; i++)
		all += c->cells[i].kind == KIND_ARRAY && c->cells[i].n == bytes;
	size_t want = all < VALUES_VECTORS ? all : VALUES_VECTORS;
	for (size_t i = 0; i < c->cells_n; i++) {
		const struct cell *cell = &c->cells[i];
		if (cell->kind != KIND_ARRAY || cell->n != bytes)
			continue;
		if (seen * want / all != (seen + 1) * want / all) {
			if (x)
				memcpy(x + c->dims * n, column_cell_text(c, cell).s, bytes);
			if (row)
				row[n] = cell->row;
			n++;
		}
		seen++;
	}
	return n;
}

float *values_vectors(const struct column *a, const struct column *b, size_t *n, size_t *m)
{
	float *x = mem_alloc(2 * VALUES_VECTORS * (size_t)a->dims, sizeof *x);

	*n = put_vectors(a, x, NULL);
	*m = put_vectors(b, x + *n * a->dims, NULL);
	return x;
}

uint32_t *values_vector_rows(const struct column *c, size_t *n)
{
	uint32_t *row = mem_alloc(VALUES_VECTORS, sizeof *row);

	*n = put_vectors(c, NULL, row);
	return row;
}

int values_day_first(const struct column *a, const struct column *b)
{
	uint64_t us = 0, eu = 0;

	if (a) {
		us += a->us_order;
		eu += a->eu_order;
	}
	if (b) {
		us += b->us_order;
		eu += b->eu_order;
	}
	return eu > us;
}

static int64_t first_day(struct span s, int day_first)
{
	struct moment d;
	struct span where;
	size_t at = 0;
	int found = moment_parse(s, &d);

	while (!found || !d.year) {
		if (!moment_find(s, &at, &d, &where))
			return NO_DAY;
		found = 1;
	}
	if (day_first)
		moment_swap(&d);
	return moment_days(&d);
}

int64_t *values_days(const struct column *c, size_t rows, int day_first)
{
	int64_t *day = mem_alloc(rows, sizeof *day);
	struct moment d;

	for (size_t i = 0; i < rows; i++)
		day[i] = NO_DAY;
	for (size_t i = 0; i < c->cells_n; i++) {
		const struct cell *cell = &c->cells[i];
		if (cell->row >= rows)
			continue;
		if (cell->kind == KIND_STRING)
			day[cell->row] = first_day(column_cell_text(c, cell), day_first);
		else if (cell->kind == KIND_NUMBER && c->timely && moment_epoch(cell->x, &d))
			day[cell->row] = moment_days(&d);
	}
	return day;
}

double *values_lags(const struct column *c, size_t rows, const int64_t *time, int day_first,
		    size_t *n)
{
	int64_t *day = values_days(c, rows, day_first);
	double *lag = mem_alloc(rows, sizeof *lag);

	*n = 0;
	for (size_t i = 0; i < rows; i++) {
		if (day[i] != NO_DAY && time[i] != NO_DAY)
			lag[(*n)++] = (double)(day[i] - time[i]);
	}
	free(day);
	sort_doubles(lag, *n);
	return lag;
}

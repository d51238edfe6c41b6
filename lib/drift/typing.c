/* typing: rules of thumb on counts; --path PATH:TYPE overrules them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../stats/sort.h"
#include "typing.h"

#define COUNTED_LEAST 10     /* values a side that show numbering */
#define COUNTED_FALLS 0.05   /* of neighbours: rows may have been written a little out of order */
#define COUNTED_REPEATS 0.01 /* of values: rows may have been written twice */
#define COUNTED_EXPECTED 10  /* repeats that chance would have made at least */
#define WHOLE_MOST 0x1p53    /* beyond, doubles do not tell neighbours apart */

static const char *const names[TYPES] = {"none", "number", "category", "boolean", "date",
					 "text", "id",	   "vector",   "object"};

const char *type_name(enum type t)
{
	return names[t];
}

enum type type_named(const char *name)
{
	for (int i = 1; i < TYPES; i++) {
		if (strcmp(names[i], name) == 0)
			return (enum type)i;
	}
	return TYPE_NONE;
}

/* Counts of both sides together. */
struct both {
	double vectors, count[KINDS], whole_dates, numeric, words, bytes, levels, others;
};

static void gather(struct both *b, const struct column *c)
{
	if (!c)
		return;
	for (int i = 0; i < KINDS; i++)
		b->count[i] += (double)c->count[i];
	b->vectors += (double)c->vectors;
	b->whole_dates += (double)c->whole_dates;
	b->numeric += (double)c->numeric;
	b->words += (double)c->words;
	b->bytes += (double)c->bytes;
	/* Strings of the two sides overlap; the larger number of them is a lower bound that serves
	 * here. */
	double levels = distinct_count(&c->distinct);
	b->levels = levels > b->levels ? levels : b->levels;
	b->others += (double)c->others;
}

static enum type type_of_strings(const struct both *b, double biggest)
{
	double n = b->count[KIND_STRING], words = b->words / n, distinct = b->levels / biggest;

	if (b->whole_dates >= 0.8 * n)
		return TYPE_DATE;
	if (b->numeric >= 0.95 * n)
		return TYPE_NUMBER;
	if (words >= 4 && !(b->others == 0 && b->levels <= 50 && distinct < 0.1))
		return TYPE_TEXT;
	if (distinct <= 0.5 || biggest < 20 || b->levels <= 10)
		return b->bytes / n > 60 ? TYPE_TEXT : TYPE_CATEGORY;
	return words > 1.2 ? TYPE_TEXT : TYPE_ID;
}

/* --- numbers that number the rows --- */

/* Sampled values of a column in the order of the rows. */
struct counted {
	double *x;
	size_t n, falls, repeats;
};

static double number_in(const struct column *c, const struct cell *cell)
{
	double x;

	if (cell->kind == KIND_NUMBER)
		return cell->x;
	return cell->kind == KIND_STRING && column_numeric(column_cell_text(c, cell), &x) ? x : NAN;
}

/* 0 where one is no whole number, or negative. The caller frees k->x. */
static int take_counted(const struct column *c, struct counted *k)
{
	*k = (struct counted){.x = mem_alloc(c->cells_n, sizeof *k->x)};
	for (size_t i = 0; i < c->cells_n; i++) {
		double x = number_in(c, &c->cells[i]);
		if (!(x >= 0) || x != floor(x) || isinf(x))
			return 0;
		k->falls += k->n && (x < k->x[k->n - 1] || (x == k->x[k->n - 1] && x < WHOLE_MOST));
		k->x[k->n++] = x;
	}
	if (k->n < COUNTED_LEAST)
		return 0;
	sort_doubles(k->x, k->n);
	for (size_t i = 1; i < k->n; i++)
		k->repeats += k->x[i] == k->x[i - 1] && k->x[i] < WHOLE_MOST;
	return (double)k->repeats <= COUNTED_REPEATS * (double)k->n;
}

/* How many repeats so many values in so wide a range would have had by chance. */
static double repeats_expected(const struct counted *k)
{
	return (double)k->n * (double)k->n / 2 / (k->x[k->n - 1] - k->x[0] + 1);
}

/* Whole numbers that rise from row to row, or never repeat in a range in which chance would have
 * them repeat, number the rows or what these are about: what they are tells nothing. */
static int number_rows(const struct column *reference, const struct column *current)
{
	struct counted was = {0}, is = {0};
	int are = 0;

	if (reference && current && take_counted(reference, &was) && take_counted(current, &is)) {
		int rising = (double)was.falls <= COUNTED_FALLS * (double)was.n &&
			     (double)is.falls <= COUNTED_FALLS * (double)is.n;
		are = rising || repeats_expected(&was) + repeats_expected(&is) >=
					COUNTED_EXPECTED * (1 + (double)(was.repeats + is.repeats));
	}
	free(was.x);
	free(is.x);
	return are;
}

int type_is_counted(const struct column *c)
{
	return c && c->count[KIND_NUMBER] + c->numeric > 0;
}

static enum type type_of_values(const struct column *reference, const struct column *current)
{
	struct both b = {0};
	double biggest = 0;
	int top = KIND_NULL;

	gather(&b, reference);
	gather(&b, current);
	for (int i = KIND_BOOL; i < KINDS; i++)
		top = b.count[i] > b.count[top] || top == KIND_NULL ? i : top;
	if (b.count[top] == 0)
		return TYPE_NONE;
	if (reference)
		biggest = (double)reference->count[KIND_STRING];
	if (current && (double)current->count[KIND_STRING] > biggest)
		biggest = (double)current->count[KIND_STRING];
	switch (top) {
	case KIND_BOOL:
		return TYPE_BOOLEAN;
	case KIND_NUMBER:
		return b.whole_dates >= 0.8 * b.count[KIND_NUMBER] ? TYPE_DATE : TYPE_NUMBER;
	case KIND_ARRAY:
		if (reference && current && reference->dims != current->dims)
			return TYPE_NUMBER; /* its length tells */
		return b.vectors >= 0.8 * b.count[KIND_ARRAY] ? TYPE_VECTOR : TYPE_NUMBER;
	case KIND_OBJECT:
		return TYPE_OBJECT;
	default:
		return type_of_strings(&b, biggest);
	}
}

enum type type_of(const struct column *reference, const struct column *current)
{
	enum type t = type_of_values(reference, current);

	return t == TYPE_NUMBER && number_rows(reference, current) ? TYPE_ID : t;
}

enum type type_asked(const struct drift_type *types, size_t n, const char *base, const char *behind)
{
	size_t len = strlen(base);

	for (size_t i = 0; i < n; i++) {
		if (strncmp(types[i].path, base, len) == 0 &&
		    strcmp(types[i].path + len, behind) == 0)
			return types[i].type;
	}
	return TYPE_NONE;
}

void type_expect(struct column *c, enum type asked)
{
	c->coded |= asked == TYPE_CATEGORY || asked == TYPE_BOOLEAN;
	c->timely |= asked == TYPE_DATE;
}

uint64_t type_values(const struct column *c, enum type t)
{
	switch (t) {
	case TYPE_NUMBER:
		return c->count[KIND_NUMBER] + c->count[KIND_ARRAY] + c->numeric;
	case TYPE_CATEGORY:
	case TYPE_BOOLEAN:
		return c->count[KIND_STRING] + c->count[KIND_BOOL] + c->codes;
	case TYPE_DATE:
		return c->dated;
	case TYPE_TEXT:
		return c->count[KIND_STRING];
	case TYPE_VECTOR:
		return c->vectors;
	default:
		return column_present(c) - c->count[KIND_NULL];
	}
}

int type_has_dates(const struct column *reference, const struct column *current)
{
	const struct column *side[] = {reference, current};

	for (int i = 0; i < 2; i++) {
		if (side[i] && side[i]->years.n &&
		    (double)side[i]->dated >= 0.1 * (double)side[i]->count[KIND_STRING] &&
		    side[i]->dated >= 5)
			return 1;
	}
	return 0;
}

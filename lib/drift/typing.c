/* typing: rules of thumb on counts; --path PATH:TYPE overrules them. */
#include <string.h>
#include "typing.h"

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

enum type type_of(const struct column *reference, const struct column *current)
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

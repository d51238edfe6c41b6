/* require: parsing and judging of requirements. See require.h. */
#include "require.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"

int require_parse(const char *text, struct requirement *r, struct err *e)
{
	size_t n = strcspn(text, "<>="), from = 0;
	const char *op = text + n, *number;
	char *end;

	memset(r, 0, sizeof *r);
	while (n > 0 && text[n - 1] == ' ')
		n--;
	while (from < n && text[from] == ' ')
		from++;
	if (strncmp(op, ">=", 2) == 0)
		r->relation = AT_LEAST;
	else if (strncmp(op, "<=", 2) == 0)
		r->relation = AT_MOST;
	else if (*op == '>')
		r->relation = ABOVE;
	else if (*op == '<')
		r->relation = BELOW;
	else
		return err_set(e, "'%s' is no requirement: write FIGURE>=NUMBER, or <=, > or <",
			       text);
	number = op + 1 + (op[1] == '=');
	r->bound = strtod(number, &end);
	if (*end == '%' && end > number) {
		r->bound /= 100;
		end++;
	}
	if (end == number || *end || !isfinite(r->bound) || n == from)
		return err_set(e, "'%s' is no requirement: write FIGURE>=NUMBER, or <=, > or <",
			       text);
	r->text = mem_strdup(text);
	r->figure = mem_strndup(text + from, n - from);
	return 0;
}

void require_release(struct requirement *r)
{
	free(r->text);
	free(r->figure);
	memset(r, 0, sizeof *r);
}

int require_parse_all(const char *const *texts, size_t n, struct requirement **all, struct err *e)
{
	*all = mem_alloc(n, sizeof **all);
	for (size_t i = 0; i < n; i++)
		if (require_parse(texts[i], *all + i, e))
			return -1;
	return 0;
}

void require_release_all(struct requirement *all, size_t n)
{
	for (size_t i = 0; i < n; i++)
		require_release(all + i);
	free(all);
}

static int holds(const struct requirement *r, double x)
{
	switch (r->relation) {
	case AT_LEAST:
		return x >= r->bound;
	case AT_MOST:
		return x <= r->bound;
	case ABOVE:
		return x > r->bound;
	default:
		return x < r->bound;
	}
}

enum verdict require_judge(const struct requirement *r, struct interval v, int by_point)
{
	if (isnan(v.value))
		return VERDICT_INCONCLUSIVE;
	if (by_point)
		return holds(r, v.value) ? VERDICT_MET : VERDICT_MISSED;
	if (isnan(v.lo) || isnan(v.hi))
		return VERDICT_INCONCLUSIVE;
	if (holds(r, v.lo) && holds(r, v.hi))
		return VERDICT_MET;
	return holds(r, v.lo) || holds(r, v.hi) ? VERDICT_INCONCLUSIVE : VERDICT_MISSED;
}

const char *require_word(enum verdict v)
{
	return v == VERDICT_MET ? "met" : v == VERDICT_MISSED ? "missed" : "inconclusive";
}

int require_status(int status, enum verdict v)
{
	return v == VERDICT_MISSED			      ? FT_NO
	       : v == VERDICT_INCONCLUSIVE && status == FT_OK ? FT_INSUFFICIENT
							      : status;
}

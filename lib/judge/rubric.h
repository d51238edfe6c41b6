/* rubric: what is judged, by which criteria and on which scale.
 *
 * From a text (one criterion) or from JSON:
 *	{"criteria": [{"name": "correct", "criterion": "...", "weight": 2, "levels": {"1": "...", "5": "..."}}, ...]}
 * or one such criterion alone. `levels` gives a line for each level of a score. Names are letters,
 * digits, _ and -. A weight of 0 is judged and reported, but does not count in the whole.
 */
#ifndef FT_JUDGE_RUBRIC_H
#define FT_JUDGE_RUBRIC_H

#include <stddef.h>
#include "../base/err.h"
#include "verdict.h"

#define RUBRIC_CRITERIA 32

struct criterion {
	char *name; /* NULL for the only one of a text */
	char *text;
	double weight;
	char **levels; /* one for each level from lo to hi, NULL where none was given */
};

struct rubric {
	struct verdict_scale scale;
	struct criterion *criteria;
	size_t n;
};

/* text starting with `{` is JSON. The scale is the caller's; levels outside it are an error. */
int rubric_parse(const char *text, struct verdict_scale scale, struct rubric *r, struct err *e);
void rubric_release(struct rubric *r);

#endif

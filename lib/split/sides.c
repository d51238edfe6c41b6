/* sides: parsing shares and cutting the unit interval; see the header. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../json/json.h"
#include "../text/hash.h"
#include "sides.h"

int sides_parse(struct sides *s, const char *text, struct err *e)
{
	double w[SIDES] = {0};
	int n = 0;
	const char *p = text;

	if (strlen(text) >= sizeof s->text)
		return err_set(e, "ratio %.40s...: too long", text);
	for (;;) {
		char *end;
		if (n == SIDES || !strchr("0123456789.", *p) || !*p)
			break;
		double x = strtod(p, &end);
		if (end == p || !isfinite(x) || strspn(p, "0123456789.") < (size_t)(end - p))
			break;
		w[n++] = x;
		p = end;
		if (*p != ':')
			break;
		p++;
	}
	if (*p || n < 2 || p[-1] == ':')
		return err_set(e,
			       "ratio %s: give TRAIN:VALID:TEST or TRAIN:TEST, as in 80:10:10 or 80:20",
			       text);
	if (n == 2) {
		w[SIDE_TEST] = w[1];
		w[SIDE_VALID] = 0;
	}
	double sum = w[0] + w[1] + w[2];
	if (!(w[SIDE_TRAIN] > 0) || !(sum > w[SIDE_TRAIN]))
		return err_set(e, "ratio %s: train and one other side need a share above 0", text);
	for (int i = 0; i < SIDES; i++)
		s->share[i] = w[i] / sum;
	strcpy(s->text, text);
	return 0;
}

int sides_count(const struct sides *s)
{
	int n = 0;

	for (int i = 0; i < SIDES; i++)
		n += s->share[i] > 0;
	return n;
}

enum side sides_of(const struct sides *s, uint64_t hash)
{
	double u = hash_unit(hash);

	if (u < s->share[SIDE_TEST])
		return SIDE_TEST;
	if (u < s->share[SIDE_TEST] + s->share[SIDE_VALID])
		return SIDE_VALID;
	return SIDE_TRAIN;
}

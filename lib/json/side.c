/* side: a record's `split`; see side.h. */
#include "side.h"

#include <string.h>

static const char *const names[SIDES] = {"train", "valid", "test"};

const char *side_name(enum side side)
{
	return names[side];
}

const char *side_json(enum side side)
{
	static const char *const quoted[SIDES] = {"\"train\"", "\"valid\"", "\"test\""};

	return quoted[side];
}

enum side side_named(const char *text)
{
	for (int i = 0; i < SIDES; i++)
		if (strcmp(text, names[i]) == 0)
			return (enum side)i;
	return SIDE_NONE;
}

int side_read(struct span value, enum side *side, struct err *e)
{
	*side = SIDE_NONE;
	if (!value.s || json_kind(value) == JSON_NULL)
		return 0;
	for (int i = 0; i < SIDES; i++) {
		if (json_is(value, names[i])) {
			*side = (enum side)i;
			return 0;
		}
	}
	return err_set(e, "split is %.*s: it must be \"train\", \"valid\" or \"test\"",
		       (int)(value.n < 40 ? value.n : 40), value.s);
}

int side_next(struct reader *in, struct record *r, enum side *side, size_t *tests, struct err *e)
{
	int rc;

	while ((rc = reader_next(in, r, e)) > 0) {
		struct err why = ERR_INIT;
		if (side_read(record_get(r, "split"), side, &why))
			reader_refuse(in, r, &why);
		else if (*side == SIDE_TEST)
			++*tests;
		else
			break;
	}
	return rc;
}

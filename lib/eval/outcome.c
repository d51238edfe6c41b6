/* outcome: see outcome.h. */
#include "outcome.h"

#include "advice.h"

enum verdict outcome_decided(const struct figures *f, const struct decided *d)
{
	int unknown;

	return f->choose && advice_cheapest(f->board, f->decided, f->decided_n, &unknown)
		       ? VERDICT_MET
		       : d->verdict;
}

int outcome_status(const struct figures *f)
{
	int status = FT_OK, unknown;

	if (board_is_empty(f->board) && f->duels->rows == 0)
		status = FT_INSUFFICIENT;
	else if (f->choose && !advice_cheapest(f->board, f->decided, f->decided_n, &unknown))
		status = FT_NO;
	for (size_t i = 0; i < f->decided_n && !f->choose; i++)
		status = require_status(status, f->decided[i].verdict);
	for (size_t i = 0; i < f->comparisons.n && f->board->run; i++)
		status = require_status(status, f->comparisons.v[i].verdict);
	return status;
}

const char *outcome_word(enum verdict v)
{
	return v == VERDICT_MISSED ? "worse" : v == VERDICT_MET ? "not worse" : "go on";
}

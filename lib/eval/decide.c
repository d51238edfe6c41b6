/* decide: see decide.h. */
#include "decide.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"

static int decide_one(const struct board *b, struct decided *d, int by_point, struct err *e)
{
	const struct score_cell *c;

	if (board_figure(b, d->g, d->r->figure, &d->value, &d->metric, &d->too_few, e))
		return -1;
	c = d->metric < b->n_metrics ? d->g->cells + d->metric : NULL;
	if (c && c->unscored > 0 && b->unscored == UNSCORED_KEEP)
		return err_set(e,
			       "--require %s: %" PRIu64 " of %" PRIu64
			       " rows could not be scored (first: %s); say --errors fail (they "
			       "are wrong) or --errors drop (they are left out)",
			       d->r->text, c->unscored, d->g->n, c->first);
	d->verdict =
		d->too_few > 0 ? VERDICT_INCONCLUSIVE : require_judge(d->r, d->value, by_point);
	d->rows_needed = by_point && !b->sequential
				 ? NAN
				 : ceil(board_rows(b, d->g, d->r->figure, d->metric, d->r->bound));
	d->more = isnan(d->rows_needed) ? NAN : fmax(0, d->rows_needed - (double)d->g->n);
	return 0;
}

int decide_all(const struct board *b, const struct requirement *r, size_t n, int by_point,
	       const char *except, struct decided **all, size_t *decided, struct err *e)
{
	*all = mem_alloc(n * b->n_groups, sizeof **all);
	*decided = 0;
	for (size_t g = 0; g < b->n_groups; g++) {
		if (except && strcmp(b->groups[g].side, except) == 0)
			continue;
		for (size_t i = 0; i < n; i++) {
			struct decided *d = *all + (*decided)++;

			*d = (struct decided){.r = r + i, .g = b->groups + g};
			if (decide_one(b, d, by_point, e))
				return -1;
		}
	}
	return 0;
}

const char *decide_word(const struct board *b, enum verdict v)
{
	return b->sequential && v == VERDICT_INCONCLUSIVE ? "go on" : require_word(v);
}

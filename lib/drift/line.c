/* line: see the header. */
#include "line.h"

#include <math.h>
#include <stdlib.h>

const char *drift_verdict_name(enum verdict v)
{
	return v == VERDICT_DRIFT ? "drift" : v == VERDICT_STABLE ? "stable" : "insufficient";
}

struct finding *line_found(struct line *l, const char *test, double statistic, double p,
			   double effect)
{
	if (isnan(p) || l->findings == LINE_FINDINGS)
		return NULL;
	struct finding *f = &l->finding[l->findings++];
	*f = (struct finding){.test = test,
			      .statistic = statistic,
			      .p = p,
			      .p_adj = p,
			      .effect = effect};
	return f;
}

void line_reason(const struct line *l, struct buf *b)
{
	if (l->untyped && l->verdict != VERDICT_DRIFT) {
		buf_addf(b, "no values of type %s on a side", type_name(l->type));
		return;
	}
	if (l->best) {
		buf_addspan(b, buf_span(&l->best->why));
		return;
	}
	if (!l->reference || !l->current)
		buf_addf(b, "only in the %s rows", l->reference ? "reference" : "current");
	else if (l->verdict == VERDICT_INSUFFICIENT)
		buf_addf(b, "fewer than %d values on a side", DRIFT_VALUES);
	else if (l->type == TYPE_ID)
		buf_adds(b, "values of their own on nearly every row: not compared");
	else if (l->type == TYPE_DATE)
		buf_adds(b, "the same years on both sides");
	else if (l->type == TYPE_VECTOR)
		buf_adds(b, "all vectors are the same");
	else if (l->type == TYPE_CATEGORY &&
		 (l->reference->levels_n != 1 || l->current->levels_n != 1))
		buf_addf(b,
			 "about %.0f different values, too many to tell each one's share, and none that came or grew much",
			 fmax(distinct_count(&l->reference->distinct),
			      distinct_count(&l->current->distinct)));
	else
		buf_adds(b, "one and the same value on both sides");
}

void line_release(struct line *l)
{
	for (size_t k = 0; k < l->findings; k++)
		buf_release(&l->finding[k].why);
	buf_release(&l->warning);
	free(l->path);
}

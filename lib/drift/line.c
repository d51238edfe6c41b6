/* line: see the header. */
#include "line.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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
			      .effect = effect,
			      .weight = 1};
	return f;
}

struct finding *line_found_more(struct line *l, const char *test, double weight, double statistic,
				double p, double effect)
{
	struct finding *f = line_found(l, test, statistic, p, effect);

	l->more++;
	l->more_weight += weight;
	if (f)
		f->weight = weight;
	return f;
}

void finding_name(struct finding *f, struct span name, double was, double is)
{
	if (f->named_n < FINDING_NAMED)
		f->named[f->named_n++] = (struct finding_named){span_dup(name), was, is};
}

int finding_counts(const struct finding *f, const struct drift_options *o)
{
	return f->always || f->effect >= o->min_effect;
}

/* What came or went, where the sentence that leads does not name it already. */
static void add_named(const struct line *l, struct buf *b)
{
	for (size_t i = 0; i < l->findings; i++) {
		const struct finding *f = &l->finding[i];
		size_t quoted = f->why.len ? strcspn(f->why.data + 1, "\"") + 2 : 0;
		if (f == l->best || !f->drift || !f->always || !f->why.len)
			continue;
		if (quoted <= f->why.len && *f->why.data == '"' &&
		    memmem(b->data, b->len, f->why.data, quoted))
			continue;
		buf_adds(b, "; ");
		buf_addspan(b, buf_span(&f->why));
	}
}

void line_reason(const struct line *l, struct buf *b)
{
	if (l->untyped && l->verdict != VERDICT_DRIFT) {
		buf_addf(b, "no values of type %s on a side", type_name(l->type));
		return;
	}
	if (l->best && l->verdict == VERDICT_DRIFT) {
		buf_addspan(b, buf_span(&l->best->why));
		add_named(l, b);
		return;
	}
	if (l->best && l->best->sure) {
		buf_adds(b, "too small a change to count: ");
		buf_addspan(b, buf_span(&l->best->why));
		return;
	}
	if (l->clock && l->reference && l->current && l->verdict != VERDICT_INSUFFICIENT) {
		buf_adds(b, "the records' own time, which only runs on");
		return;
	}
	if (l->best) {
		buf_adds(b, "no change beyond chance");
		return;
	}
	if (!l->reference || !l->current)
		buf_addf(b, "only in the %s rows", l->reference ? "reference" : "current");
	else if (l->verdict == VERDICT_INSUFFICIENT)
		buf_addf(b, "fewer than %d values on a side", DRIFT_VALUES);
	else if (l->type == TYPE_ID)
		buf_adds(b,
			 l->counting
				 ? "whole numbers that only number the rows, as ids do: not compared"
				 : "values of their own on nearly every row: not compared");
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
	for (size_t k = 0; k < l->findings; k++) {
		buf_release(&l->finding[k].why);
		for (size_t i = 0; i < l->finding[k].named_n; i++)
			free(l->finding[k].named[i].name);
	}
	buf_release(&l->warning);
	free(l->path);
}

/* rate: the error rate of a set from its random stratum. See rate.h. */
#include "rate.h"

#include <math.h>
#include "../stats/interval.h"

double rate_reach(const struct journal *j, size_t who)
{
	double reach = -1;
	for (size_t i = 0; i < j->n; i++) {
		const struct decision *d = &j->all[i];
		/* journals of earlier versions have final ones that say random */
		if (!d->a && d->random && !d->final && !d->undone && d->verdict != VERDICT_UNDO &&
		    (who == (size_t)-1 || d->who == who) && d->draw > reach)
			reach = d->draw;
	}
	return reach;
}

/* The rows with a draw up to reach. */
static struct rate count(const struct journal *j, size_t who, double reach)
{
	struct rate r = {.value = NAN, .lo = NAN, .hi = NAN};
	for (size_t i = 0; i < j->n; i++) {
		const struct decision *d = &j->all[i];
		if (d->a || d->draw > reach || journal_find(j, d->key, who) != d)
			continue;
		if (d->verdict == VERDICT_SKIP) {
			r.skipped++;
			continue;
		}
		r.n++;
		r.errors += d->verdict != VERDICT_GOOD;
	}
	if (r.n)
		r.value = (double)r.errors / (double)r.n;
	return r;
}

void rate_settle(struct rate *r)
{
	double rows = (double)(r->n + r->skipped);
	r->all = 1;
	r->exact = !r->skipped;
	r->value = (double)r->errors / (double)r->n;
	r->lo = (double)r->errors / rows;
	r->hi = (double)(r->errors + r->skipped) / rows;
}

void rate_say(struct rate r, struct buf *b)
{
	if (r.exact)
		buf_addf(b, "%.3g %% of rows are wrong", 100 * r.value);
	else
		buf_addf(b, "between %.1f %% and %.1f %% of rows are wrong", 100 * r.lo,
			 100 * r.hi);
	if (r.exact)
		buf_adds(b, " (all were judged)");
	else if (r.all)
		buf_addf(b, " (all were judged, %zu of them skipped)", r.skipped);
}

struct rate rate_of(const struct journal *j, size_t who)
{
	struct rate r = count(j, who, 1);
	int64_t of = 0;
	for (size_t i = j->n; i > 0 && !of; i--)
		of = j->all[i - 1].a ? 0 : j->all[i - 1].of;
	if (r.n && (int64_t)(r.n + r.skipped) == of) {
		rate_settle(&r);
		return r;
	}
	r = count(j, who, rate_reach(j, who));
	if (r.n) {
		struct interval w = interval_wilson((double)r.errors, (double)r.n, 0.95);
		r.lo = w.lo;
		r.hi = w.hi;
	}
	return r;
}

void rate_write(struct rate r, struct jw *w)
{
	jw_object(w);
	jw_put_int(w, "n", r.n);
	jw_put_int(w, "errors", r.errors);
	jw_put_int(w, "skipped", r.skipped);
	jw_put_bool(w, "all", r.all);
	jw_put_bool(w, "exact", r.exact);
	jw_put_bounds(w, "value", r.value, r.lo, r.hi);
	jw_end(w);
}

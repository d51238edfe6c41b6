/* summary: see the header. */
#include "summary.h"

#include "../drift/words.h"

static void put_ties(const struct tally_up *t, int quiet, struct buf *b)
{
	const struct plan *p = t->plan;
	size_t torn = ledger_torn(&p->ledger) + p->torn, tied = ledger_tied(&p->ledger);

	if (torn)
		buf_addf(b,
			 "%zu %s of rows that belong together stand on both sides already; they were not moved\n",
			 torn, torn == 1 ? "set" : "sets");
	if (p->near_torn)
		buf_addf(b,
			 "%zu pairs of near-duplicates were not tied: their chains had grown too long. Raise --near, or mind that "
			 "test rows may have look-alikes in train\n",
			 p->near_torn);
	if (p->crowded)
		buf_addf(b,
			 "%zu texts stand in crowds of look-alikes and were compared with some of them only\n",
			 p->crowded);
	if (quiet)
		return;
	if (tied && p->near)
		buf_addf(b, "%zu %s made of rows that are equal or near-duplicates\n", tied,
			 tied == 1 ? "block was" : "blocks were");
	else if (tied)
		buf_addf(b, "%zu %s joined because they hold the same input\n", tied,
			 tied == 1 ? "set of groups was" : "sets of groups were");
	if (p->loners)
		buf_addf(b, "%zu rows have no value at %s; each is a group of its own\n", p->loners,
			 path_text(p->o.group));
	if (p->followers)
		buf_addf(b, "%zu rows follow an equal input that had a side already\n",
			 p->followers);
}

static void put_classes(const struct tally_up *t, int quiet, struct buf *b)
{
	const struct class *class;
	const struct quota *q = &t->plan->quota;
	struct buf names = BUF_INIT;
	enum side side;
	size_t rare = quota_rare(q, sides_count(&t->plan->o.sides), &names);

	if (rare)
		buf_addf(b, "%zu %s fewer rows than there are sides: %s\n", rare,
			 rare == 1 ? "class has" : "classes have", names.data);
	buf_release(&names);
	for (size_t i = 0; i < t->plan->o.stratify_n && !quiet; i++) {
		double off = quota_deviation(q, i, &class, &side);
		size_t beyond = quota_off(q, i);
		buf_addf(b, "%zu classes at %s, ", quota_classes(q, i),
			 path_text(t->plan->o.stratify[i]));
		if (!class) {
			buf_adds(b, "each with exactly its share\n");
			continue;
		}
		if (beyond)
			buf_addf(b, "%zu of them", beyond);
		else
			buf_adds(b, "none");
		buf_addf(b, " more than a row from its share; furthest: %s, %.1f rows %s in %s\n",
			 class->name, off, class->wanted[side] > 0 ? "short" : "over",
			 side_name(side));
	}
}

/* A set of rows that share a side and do not fit into one: the shares cannot be met then. */
static void put_largest(const struct tally_up *t, struct buf *b)
{
	const struct plan *p = t->plan;
	struct span name;
	size_t rows = plan_largest(t->plan, &name), told = 0, all = p->ledger.rows - p->kept;

	for (int i = 0; i < SIDES && rows > 1 && !p->o.time; i++) {
		double share = p->o.sides.share[i] * (double)all;
		if (!(share > 0) || (double)rows <= share)
			continue;
		if (++told == 1 && name.s) {
			buf_addf(b, "one %s, %s = ", p->o.key ? "key" : "group",
				 path_text(p->o.key ? p->o.key : p->o.group));
			words_quoted(b, name, 60);
			buf_addf(b, ", has %zu of %zu rows, more than the share of ", rows, all);
		} else if (told == 1) {
			buf_addf(b,
				 "one set of rows that share a side has %zu of %zu rows, more than the share of ",
				 rows, all);
		}
		buf_addf(b, "%s%s (%.0f)", told > 1 ? ", " : "", side_name((enum side)i), share);
	}
	if (told)
		buf_addc(b, '\n');
}

void summary_text(const struct tally_up *t, int quiet, struct buf *b)
{
	const struct plan_options *o = &t->plan->o;

	put_ties(t, quiet, b);
	put_largest(t, b);
	if (o->stratify_n)
		put_classes(t, quiet, b);
	if (t->left_out)
		buf_addf(b, "%zu rows stand in the gap before %s and were left out\n", t->left_out,
			 t->after);
	if (quiet)
		return;
	buf_addf(b,
		 "%zu rows: train %zu, valid %zu, test %zu (%zu had a side already); ratio %s, seed %lld, by %s\n",
		 t->rows, t->count[SIDE_TRAIN], t->count[SIDE_VALID], t->count[SIDE_TEST],
		 t->already, o->sides.text, (long long)o->seed,
		 o->key	    ? path_text(o->key)
		 : o->group ? path_text(o->group)
			    : "input");
	for (int i = 0; i < SIDES; i++) {
		if (t->rows && o->sides.share[i] > 0 && !t->count[i])
			buf_addf(b, "no row fell to %s: too few rows for its share\n",
				 side_name((enum side)i));
	}
}

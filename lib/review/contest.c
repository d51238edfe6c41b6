/* contest: see contest.h. */
#include "contest.h"

#include <math.h>
#include <stdlib.h>
#include "../base/mem.h"
#include "../stats/agreement.h"
#include "../stats/paired.h"
#include "verdicts.h"

#define LEVEL 0.95

void contest_release(struct contest *c)
{
	duels_release(&c->duels);
}

/* One pair, at its standing decision d. people and judge take what they say where both do. */
static int add_pair(const struct journal *j, const struct decision *d, struct contest *c,
		    double *people, double *judge, struct err *e)
{
	struct said s = verdicts_said(j, d->key, d->row);
	size_t a, b;
	if (s.says == SAYS_NOTHING && !s.split) {
		c->skipped++;
		return 0;
	}
	c->judged++;
	c->split += (size_t)s.split;
	c->bad += s.by && s.by->verdict == VERDICT_BAD;
	c->ties += s.by && s.by->verdict == VERDICT_TIE;
	if (duels_name(&c->duels, d->a, &a, e) || duels_name(&c->duels, d->b, &b, e))
		return -1;
	duels_count(&c->duels, a, b, s.says == SAYS_A ? 1 : s.says == SAYS_B ? 0 : 0.5);
	if (d->judge && !s.split) {
		people[c->judged_too] = (double)s.says;
		judge[c->judged_too++] = (double)(d->judge == VERDICT_A	  ? SAYS_A
						  : d->judge == VERDICT_B ? SAYS_B
									  : SAYS_TIE);
	}
	return 0;
}

/* Every reviewer's verdicts, whether what stood first won. */
static void find_leaning(const struct journal *j, struct contest *c)
{
	size_t first = 0;
	for (size_t i = 0; i < j->n; i++) {
		const struct decision *d = &j->all[i];
		if (!d->a || (d->verdict != VERDICT_A && d->verdict != VERDICT_B) ||
		    journal_find(j, d->key, d->who) != d)
			continue;
		c->named++;
		first += (d->verdict == VERDICT_B) == d->b_first;
	}
	c->first = interval_wilson((double)first, (double)c->named, LEVEL);
}

int contest_of(const struct journal *j, struct contest *c, struct err *e)
{
	double *people = mem_alloc(2 * j->n, sizeof *people), *judge = people + j->n;
	size_t agree = 0;
	int rc = 0;
	*c = (struct contest){0};
	for (size_t i = 0; i < j->n && !rc; i++) {
		const struct decision *d = &j->all[i];
		if (d->a && journal_find(j, d->key, (size_t)-1) == d)
			rc = add_pair(j, d, c, people, judge, e);
	}
	find_leaning(j, c);
	c->accord = accord_of(j, 1);
	for (size_t i = 0; i < c->judged_too; i++)
		agree += people[i] == judge[i];
	c->judge_agreement = interval_wilson((double)agree, (double)c->judged_too, LEVEL);
	c->judge_kappa = agreement_kappa(people, judge, c->judged_too, AGREEMENT_NOMINAL, LEVEL);
	free(people);
	return rc;
}

/* Of two models, that chance alone makes such a difference (sign test, as eval/duels has it). */
static double chance_of(const struct contest *c, const struct duelist *v)
{
	return c->duels.n == 2 ? paired_mcnemar(v[0].wins, v[0].losses) : NAN;
}

void contest_write(const struct contest *c, struct jw *w)
{
	struct duelist *v = duels_rank(&c->duels, LEVEL);
	if (!c->judged && !c->skipped) {
		jw_null(w);
		free(v);
		return;
	}
	jw_object(w);
	jw_put_int(w, "judged", (int64_t)c->judged);
	jw_put_int(w, "ties", (int64_t)c->ties);
	jw_put_int(w, "both_bad", (int64_t)c->bad);
	jw_put_int(w, "split", (int64_t)c->split);
	jw_put_int(w, "skip", (int64_t)c->skipped);
	jw_put_array(w, "models");
	for (size_t i = 0; i < c->duels.n; i++) {
		jw_object(w);
		jw_put_str(w, "model", v[i].model);
		jw_put_num(w, "n", v[i].wins + v[i].losses + v[i].ties);
		jw_put_num(w, "wins", v[i].wins);
		jw_put_num(w, "losses", v[i].losses);
		jw_put_num(w, "ties", v[i].ties);
		jw_put_figure(w, "win_rate", v[i].win_rate.value, v[i].win_rate.lo,
			      v[i].win_rate.hi);
		jw_put_figure(w, "strength", v[i].strength.value, v[i].strength.lo,
			      v[i].strength.hi);
		jw_end(w);
	}
	jw_end(w);
	jw_put_num(w, "p", chance_of(c, v));
	jw_put_figure(w, "first", c->first.value, c->first.lo, c->first.hi);
	jw_key(w, "agreement");
	accord_write(&c->accord, w);
	if (c->judged_too) {
		jw_put_object(w, "judge");
		jw_put_int(w, "n", (int64_t)c->judged_too);
		jw_put_figure(w, "agreement", c->judge_agreement.value, c->judge_agreement.lo,
			      c->judge_agreement.hi);
		jw_put_figure(w, "kappa", c->judge_kappa.value, c->judge_kappa.lo,
			      c->judge_kappa.hi);
		jw_end(w);
	} else {
		jw_put_null(w, "judge");
	}
	jw_end(w);
	free(v);
}

static void say_models(const struct contest *c, struct buf *b)
{
	struct duelist *v = duels_rank(&c->duels, LEVEL);
	for (size_t i = 0; i < c->duels.n; i++)
		buf_addf(b,
			 "%s wins %.3g %% of %.0f (between %.1f %% and %.1f %%): %.0f won, %.0f lost.\n",
			 v[i].model, 100 * v[i].win_rate.value, v[i].wins + v[i].losses + v[i].ties,
			 100 * v[i].win_rate.lo, 100 * v[i].win_rate.hi, v[i].wins, v[i].losses);
	double p = chance_of(c, v);
	if (!isnan(p))
		buf_addf(b, "Were both as good, so much would come by chance with p = %.2g.\n", p);
	free(v);
}

void contest_say(const struct contest *c, struct buf *b)
{
	if (!c->judged && !c->skipped)
		return;
	buf_addf(b,
		 "%zu pair%s judged: %zu tie%s, %zu with both bad, %zu on which reviewers are split evenly; each is half a win for both. %zu skipped.\n",
		 c->judged, c->judged == 1 ? "" : "s", c->ties, c->ties == 1 ? "" : "s", c->bad,
		 c->split, c->skipped);
	say_models(c, b);
	if (c->named)
		buf_addf(b,
			 "The answer shown first was preferred in %.3g %% of %zu verdicts (between %.1f %% and %.1f %%; 50 %% without leaning).\n",
			 100 * c->first.value, c->named, 100 * c->first.lo, 100 * c->first.hi);
	accord_say(&c->accord, "pairs", b);
	if (c->judged_too)
		buf_addf(b,
			 "The judge says the same of %.3g %% of %zu pairs (between %.1f %% and %.1f %%).\n",
			 100 * c->judge_agreement.value, c->judged_too, 100 * c->judge_agreement.lo,
			 100 * c->judge_agreement.hi);
}

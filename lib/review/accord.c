/* accord: see accord.h. */
#include "accord.h"

#include <math.h>
#include <stdlib.h>
#include "../base/mem.h"
#include "../stats/agreement.h"
#include "apply.h"

#define RESAMPLES 2000
#define LEVEL 0.95

/* What counts of a reviewer on the row, or NULL. */
static const struct decision *said(const struct journal *j, const char *key, size_t who)
{
	const struct decision *x = journal_find(j, key, who);
	return x && x->verdict != VERDICT_SKIP && !x->final ? x : NULL;
}

/* One row into ratings (verdicts, not the texts of fixes, which are no categories; NaN where there is
 * none). Whether several judged it. */
static int add_row(const struct journal *j, const char *key, double *ratings, struct accord *a)
{
	const struct decision *first = NULL;
	size_t n = 0;
	int same = 1;
	for (size_t w = 0; w < j->reviewers_n; w++) {
		const struct decision *x = said(j, key, w);
		ratings[w] = x ? (double)x->verdict : NAN;
		if (!x)
			continue;
		same &= n++ == 0 || apply_same(x, first);
		first = x;
	}
	a->n += n > 1;
	a->agree += n > 1 && same;
	a->disputed += (size_t)apply_disputed(j, key);
	return n > 1;
}

struct accord accord_of(const struct journal *j, int pairs)
{
	struct accord a = {.alpha = {NAN, NAN, NAN}, .kappa = {NAN, NAN, NAN}};
	double *x = mem_alloc(j->n * j->reviewers_n, sizeof *x);
	size_t rows = 0;
	for (size_t i = 0; i < j->n; i++) {
		const struct decision *d = &j->all[i];
		if ((d->a != NULL) == pairs && journal_find(j, d->key, (size_t)-1) == d)
			rows += (size_t)add_row(j, d->key, x + rows * j->reviewers_n, &a);
	}
	a.alpha =
		agreement_alpha(x, rows, j->reviewers_n, AGREEMENT_CATEGORIES, RESAMPLES, 1, LEVEL);
	if (rows && j->reviewers_n == 2) {
		double *one = mem_alloc(2 * rows, sizeof *one), *two = one + rows;
		for (size_t i = 0; i < rows; i++) {
			one[i] = x[2 * i];
			two[i] = x[2 * i + 1];
		}
		a.kappa = agreement_kappa(one, two, rows, AGREEMENT_NOMINAL, LEVEL);
		free(one);
	}
	free(x);
	return a;
}

void accord_write(const struct accord *a, struct jw *w)
{
	if (!a->n) {
		jw_null(w);
		return;
	}
	jw_object(w);
	jw_put_int(w, "n", (int64_t)a->n);
	jw_put_int(w, "agree", (int64_t)a->agree);
	jw_put_int(w, "disputed", (int64_t)a->disputed);
	jw_put_figure(w, "alpha", a->alpha.value, a->alpha.lo, a->alpha.hi);
	jw_put_figure(w, "kappa", a->kappa.value, a->kappa.lo, a->kappa.hi);
	jw_end(w);
}

/* Where verdicts do not vary, nobody knows how sure the figure is. */
static void say_figure(const char *name, struct interval v, struct buf *b)
{
	if (isnan(v.value))
		return;
	buf_addf(b, "%s is %.2f ", name, v.value);
	if (isnan(v.lo))
		buf_adds(b, "(the verdicts do not tell how surely).\n");
	else
		buf_addf(b, "(between %.2f and %.2f).\n", v.lo, v.hi);
}

void accord_say(const struct accord *a, const char *what, struct buf *b)
{
	if (!a->n)
		return;
	buf_addf(b, "Reviewers agree on %zu of %zu %s that several judged; %zu are not settled.\n",
		 a->agree, a->n, what, a->disputed);
	say_figure("Krippendorff's alpha", a->alpha, b);
	say_figure("Cohen's kappa", a->kappa, b);
}

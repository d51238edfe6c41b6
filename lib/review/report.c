/* report: counting a journal. See report.h. */
#include "report.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../base/mem.h"
#include "../json/jw.h"
#include "../stats/agreement.h"
#include "apply.h"
#include "rate.h"

struct counts {
	size_t by[VERDICT_UNDO + 1];
	size_t judged;
	size_t twice, agree, disputed; /* rows with two verdicts; the same; unsettled */
};

/* Counts each row once, at its standing decision. */
static void count(const struct journal *j, size_t who, struct counts *c)
{
	memset(c, 0, sizeof *c);
	for (size_t i = 0; i < j->n; i++) {
		const struct decision *d = &j->all[i];
		if (journal_find(j, d->key, who) != d)
			continue;
		c->by[d->verdict]++;
		c->judged++;
		if (who != (size_t)-1)
			continue;
		size_t n = 0;
		const struct decision *first = NULL;
		int same = 1;
		for (size_t w = 0; w < j->reviewers_n; w++) {
			const struct decision *x = journal_find(j, d->key, w);
			if (!x || x->verdict == VERDICT_SKIP || x->final)
				continue;
			same &= n++ == 0 || apply_same(x, first);
			first = x;
		}
		c->twice += n > 1;
		c->agree += n > 1 && same;
		c->disputed += (size_t)apply_disputed(j, d->key);
	}
}

static void write_counts(const struct counts *c, struct jw *w)
{
	for (int v = VERDICT_GOOD; v <= VERDICT_SKIP; v++)
		jw_put_int(w, journal_verdict_name((enum verdict)v), (int64_t)c->by[v]);
}

/* Verdicts (not the texts of fixes, which are no categories) of all reviewers on the rows that several judged: ratings[row * reviewers + reviewer],
 * NaN where there is none. Settling decisions are left out, for they were made with the others in
 * sight. */
static double *ratings_of(const struct journal *j, size_t *rows)
{
	double *x = mem_alloc(j->n * j->reviewers_n, sizeof *x);
	*rows = 0;
	for (size_t i = 0; i < j->n; i++) {
		const struct decision *d = &j->all[i];
		size_t n = 0;
		if (journal_find(j, d->key, (size_t)-1) != d)
			continue;
		for (size_t w = 0; w < j->reviewers_n; w++) {
			const struct decision *y = journal_find(j, d->key, w);
			int counts = y && y->verdict != VERDICT_SKIP && !y->final;
			x[*rows * j->reviewers_n + w] = counts ? (double)y->verdict : NAN;
			n += (size_t)counts;
		}
		*rows += n > 1;
	}
	return x;
}

struct agreement {
	struct interval alpha, kappa; /* kappa: NaN unless there are just two reviewers */
};

static struct agreement agreement_of(const struct journal *j)
{
	size_t rows, n = 0;
	struct agreement a = {{NAN, NAN, NAN}, {NAN, NAN, NAN}};
	double *x = ratings_of(j, &rows);
	a.alpha = agreement_alpha(x, rows, j->reviewers_n, AGREEMENT_CATEGORIES, 2000, 1, 0.95);
	double *one = mem_alloc(rows, sizeof *one), *two = mem_alloc(rows, sizeof *two);
	for (size_t i = 0; i < rows && j->reviewers_n == 2; i++, n++) {
		one[n] = x[2 * i];
		two[n] = x[2 * i + 1];
	}
	if (n)
		a.kappa = agreement_kappa(one, two, n, AGREEMENT_NOMINAL, 0.95);
	free(one);
	free(two);
	free(x);
	return a;
}

/* Where verdicts do not vary, nobody knows how sure the figure is. */
static void put_agreement(const char *name, struct interval v, struct buf *b)
{
	if (isnan(v.value))
		return;
	buf_addf(b, "%s is %.2f ", name, v.value);
	if (isnan(v.lo))
		buf_adds(b, "(the verdicts do not tell how surely).\n");
	else
		buf_addf(b, "(between %.2f and %.2f).\n", v.lo, v.hi);
}

static void write_json(const struct journal *j, const struct counts *all, struct rate rate,
		       struct buf *b)
{
	struct jw w;
	jw_init(&w, b);
	jw_object(&w);
	jw_put_int(&w, "judged", all->judged);
	write_counts(all, &w);
	jw_key(&w, "rate");
	rate_write(rate, &w);
	jw_put_array(&w, "reviewers");
	for (size_t i = 0; i < j->reviewers_n; i++) {
		struct counts c;
		count(j, i, &c);
		jw_object(&w);
		jw_put_str(&w, "who", j->reviewers[i]);
		jw_put_int(&w, "judged", c.judged);
		write_counts(&c, &w);
		jw_end(&w);
	}
	jw_end(&w);
	jw_key(&w, "agreement");
	if (all->twice) {
		jw_object(&w);
		jw_put_int(&w, "n", all->twice);
		jw_put_int(&w, "agree", all->agree);
		jw_put_int(&w, "disputed", all->disputed);
		struct agreement a = agreement_of(j);
		jw_put_figure(&w, "alpha", a.alpha.value, a.alpha.lo, a.alpha.hi);
		jw_put_figure(&w, "kappa", a.kappa.value, a.kappa.lo, a.kappa.hi);
		jw_end(&w);
	} else {
		jw_null(&w);
	}
	jw_end(&w);
	buf_addc(b, '\n');
}

static void write_words(const struct journal *j, const struct counts *all, struct rate rate,
			struct buf *b)
{
	if (!all->judged) {
		buf_adds(b, "Nothing is judged yet.\n");
		return;
	}
	buf_addf(b,
		 "%zu row%s judged by %zu reviewer%s: %zu good, %zu fixed, %zu bad, %zu skipped.\n",
		 all->judged, all->judged == 1 ? "" : "s", j->reviewers_n,
		 j->reviewers_n == 1 ? "" : "s", all->by[VERDICT_GOOD], all->by[VERDICT_FIX],
		 all->by[VERDICT_BAD], all->by[VERDICT_SKIP]);
	if (rate.n) {
		size_t at = b->len;
		rate_say(rate, b);
		b->data[at] = (char)toupper((unsigned char)b->data[at]);
		if (rate.all)
			buf_addf(b, ": %zu of %zu.\n", rate.errors, rate.n);
		else
			buf_addf(b, " (%zu of %zu drawn at random; 95 %% interval).\n", rate.errors,
				 rate.n);
	} else {
		buf_adds(b,
			 "How many rows of the whole are wrong can't be told: none drawn at random was judged.\n");
	}
	if (all->twice) {
		struct agreement a = agreement_of(j);
		buf_addf(b,
			 "Reviewers agree on %zu of %zu rows that several judged; %zu are not settled.\n",
			 all->agree, all->twice, all->disputed);
		put_agreement("Krippendorff's alpha", a.alpha, b);
		put_agreement("Cohen's kappa", a.kappa, b);
	}
}

void report_write(const struct journal *j, int words, struct buf *b)
{
	struct counts all;
	count(j, (size_t)-1, &all);
	struct rate rate = rate_of(j, (size_t)-1);
	if (words)
		write_words(j, &all, rate, b);
	else
		write_json(j, &all, rate, b);
}

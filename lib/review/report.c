/* report: counting a journal. See report.h. */
#include "report.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../json/jw.h"
#include "contest.h"
#include "rate.h"

struct counts {
	size_t by[VERDICTS];
	size_t judged, pairs; /* rows; pairs of answers */
};

/* Counts each row once, at its standing decision. */
static void count(const struct journal *j, size_t who, struct counts *c)
{
	memset(c, 0, sizeof *c);
	for (size_t i = 0; i < j->n; i++) {
		const struct decision *d = &j->all[i];
		if (journal_find(j, d->key, who) != d)
			continue;
		c->pairs += d->a != NULL;
		if (d->a)
			continue;
		c->by[d->verdict]++;
		c->judged++;
	}
}

static void write_counts(const struct counts *c, struct jw *w)
{
	for (int v = VERDICT_GOOD; v <= VERDICT_SKIP; v++)
		jw_put_int(w, journal_verdict_name((enum verdict)v), (int64_t)c->by[v]);
}

static void write_json(const struct journal *j, const struct counts *all, struct rate rate,
		       const struct contest *pairs, struct buf *b)
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
		jw_put_int(&w, "pairs", (int64_t)c.pairs);
		jw_end(&w);
	}
	jw_end(&w);
	jw_key(&w, "agreement");
	struct accord a = accord_of(j, 0);
	accord_write(&a, &w);
	jw_key(&w, "pairs");
	contest_write(pairs, &w);
	jw_end(&w);
	buf_addc(b, '\n');
}

static void write_words(const struct journal *j, const struct counts *all, struct rate rate,
			struct buf *b)
{
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
	struct accord a = accord_of(j, 0);
	accord_say(&a, "rows", b);
}

int report_write(const struct journal *j, int words, struct buf *b, struct err *e)
{
	struct counts all;
	struct contest pairs;
	int rc = contest_of(j, &pairs, e);
	count(j, (size_t)-1, &all);
	struct rate rate = rate_of(j, (size_t)-1);
	if (!words)
		write_json(j, &all, rate, &pairs, b);
	else if (all.judged)
		write_words(j, &all, rate, b);
	if (words)
		contest_say(&pairs, b);
	if (words && !b->len)
		buf_adds(b, "Nothing is judged yet.\n");
	contest_release(&pairs);
	return rc;
}

/* The error rate of a journal: simulated reviews, in which suspicion is far from random, cover the
 * truth, after a first pass, a second one, and an adjudication. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include "../../lib/base/mem.h"
#include "../../lib/base/rng.h"
#include "../../lib/review/desk.h"
#include "../../lib/review/rate.h"
#include "memory-file.h"
#include "tap.h"

#define ROWS 2000
#define JUDGED 200
#define REVIEWS 1000

struct row {
	char key[48];
	double draw, suspicion;
	int wrong, judged;
};

static int by_draw(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	return (x->draw > y->draw) - (x->draw < y->draw);
}

/* A review as the page makes it: of the rows without a verdict, each second one is the next in the
 * order of draws, the others are the most suspicious. Wrong rows are more suspicious than right
 * ones. */
static struct rate review(struct rng *g, double truth, size_t *wrong)
{
	struct row *rows = mem_alloc(ROWS, sizeof *rows);
	struct journal j = {.fd = -1};
	struct decision *all = mem_alloc(JUDGED, sizeof *all);
	*wrong = 0;
	for (int i = 0; i < ROWS; i++) {
		snprintf(rows[i].key, sizeof rows[i].key, "%016llx%016llx",
			 (unsigned long long)rng_u64(g), (unsigned long long)rng_u64(g));
		rows[i].draw = journal_draw(rows[i].key);
		rows[i].wrong = rng_uniform(g) < truth;
		rows[i].suspicion = rng_uniform(g) + (rows[i].wrong ? 0.5 : 0);
		*wrong += (size_t)rows[i].wrong;
	}
	qsort(rows, ROWS, sizeof *rows, by_draw);
	for (int n = 0; n < JUDGED; n++) {
		struct row *next = NULL;
		for (int i = 0; i < ROWS; i++) {
			if (rows[i].judged ||
			    (next && (n % 2 || rows[i].suspicion <= next->suspicion)))
				continue;
			next = &rows[i];
			if (n % 2)
				break;
		}
		next->judged = 1;
		all[n] = (struct decision){.verdict = next->wrong ? VERDICT_BAD : VERDICT_GOOD,
					   .draw = next->draw,
					   .random = n % 2};
		memcpy(all[n].key, next->key, sizeof next->key);
	}
	j.all = all;
	j.n = JUDGED;
	j.reviewers_n = 1;
	for (size_t i = 0; i < j.n; i++)
		journal_index(&j, i);
	struct rate r = rate_of(&j, (size_t)-1);
	map_release(&j.last);
	free(all);
	free(rows);
	return r;
}

#define PASSES_ROWS 400
#define PASSES_REVIEWS 150

/* Has somebody judge up to n rows that the desk shows; right where `wrong` says so of a row, but
 * good for a share of the wrong ones. Returns how many were judged. */
static int pass(struct rng *g, const char *rows_path, const char *journal_path, const char *who,
		enum desk_pass which, long every, int n, const int *wrong, double overlooked)
{
	char rows[32];
	snprintf(rows, sizeof rows, "%s", rows_path);
	char *files[] = {rows, NULL};
	struct journal j;
	struct desk d;
	struct err e = ERR_INIT;
	struct desk_filter f = {0};
	int done = 0;
	long row;
	if (journal_open(&j, journal_path, 1, NULL, &e) < 0 ||
	    desk_open(&d, files, &j, &(struct desk_options){who, which, every, 0, 0, NULL}, &e) <
		    0) {
		ok(0, "a desk is opened: %s", e.msg);
		exit(1);
	}
	for (; done < n && (row = desk_next(&d, &f)) >= 0; done++) {
		int bad = wrong[row] && rng_uniform(g) >= overlooked;
		if (desk_decide(&d, (size_t)row, bad ? VERDICT_BAD : VERDICT_GOOD, NULL, NULL,
				&e) != 1)
			ok(0, "a decision is taken: %s", e.msg);
	}
	desk_close(&d);
	journal_close(&j);
	return done;
}

static struct rate rate_in(const char *journal_path)
{
	struct journal j;
	struct err e = ERR_INIT;
	struct rate r = {0};
	if (journal_open(&j, journal_path, 0, NULL, &e) == 0)
		r = rate_of(&j, (size_t)-1);
	journal_close(&j);
	return r;
}

static void rows_into(int fd, struct rng *g, int *wrong, int *sum)
{
	*sum = 0;
	for (int i = 0; i < PASSES_ROWS; i++) {
		wrong[i] = rng_uniform(g) < 0.1;
		*sum += wrong[i];
		dprintf(fd,
			"{\"prompt\":\"%016llx\",\"completion\":\"a\",\"review\":{\"suspicion\":%.3f}}\n",
			(unsigned long long)rng_u64(g),
			wrong[i] ? 0.5 + 0.5 * rng_uniform(g) : 0.6 * rng_uniform(g));
	}
}

struct tally {
	int covered, grown;
	double sum;
};

static void count_rate(struct tally *t, struct rate r, struct rate first, double truth)
{
	t->covered += r.lo <= truth && truth <= r.hi;
	t->grown += r.n != first.n;
	t->sum += r.value - truth;
}

/* One in ten rows is wrong, and nearly all suspicious ones are. anna sees a hundred rows, most by
 * suspicion; ben sees hers in the order of draws, all or some; carl overlooks half of what is
 * wrong, and what he and the others differ on is settled. */
static void passes(void)
{
	struct rng g;
	struct tally first = {0}, part = {0}, second = {0}, settled = {0};
	int wrong[PASSES_ROWS], sum, shown = 0;
	rng_seed(&g, 6, 0);
	for (int i = 0; i < PASSES_REVIEWS; i++) {
		char rows[32], journal[32];
		int rows_fd = memory_file(rows), journal_fd = memory_file(journal);
		rows_into(rows_fd, &g, wrong, &sum);
		double truth = (double)sum / PASSES_ROWS;
		pass(&g, rows, journal, "anna", DESK_FIRST, 2, 100, wrong, 0);
		struct rate r = rate_in(journal);
		count_rate(&first, r, r, truth);
		pass(&g, rows, journal, "ben", DESK_SECOND, 1, 30, wrong, 0);
		count_rate(&part, rate_in(journal), r, truth);
		pass(&g, rows, journal, "ben", DESK_SECOND, 1, PASSES_ROWS, wrong, 0);
		count_rate(&second, rate_in(journal), r, truth);
		pass(&g, rows, journal, "carl", DESK_SECOND, 3, PASSES_ROWS, wrong, 0.5);
		shown += pass(&g, rows, journal, "dora", DESK_ADJUDICATE, 1, PASSES_ROWS, wrong, 0);
		count_rate(&settled, rate_in(journal), r, truth);
		close(rows_fd);
		close(journal_fd);
	}
	struct tally *all[] = {&first, &part, &second, &settled};
	const char *after[] = {"a first pass", "a part of a second pass", "a second pass",
			       "an adjudication"};
	ok(shown > 10 * PASSES_REVIEWS, "reviewers differ on many rows (%d)", shown);
	for (int i = 0; i < 4; i++) {
		ok(all[i]->covered >= 0.93 * PASSES_REVIEWS,
		   "after %s the interval covers in %d of %d reviews", after[i], all[i]->covered,
		   PASSES_REVIEWS);
		ok_near(all[i]->sum / PASSES_REVIEWS, 0, 0.015,
			"after %s the rate is right on average", after[i]);
		ok(all[i]->grown == 0, "after %s the sample is that of the first", after[i]);
	}
}

int main(void)
{
	static const double truths[] = {0.02, 0.1, 0.3};
	struct rng g;
	rng_seed(&g, 5, 0);
	for (size_t t = 0; t < 3; t++) {
		int covered = 0;
		double sum = 0, true_sum = 0;
		for (int i = 0; i < REVIEWS; i++) {
			size_t wrong;
			struct rate r = review(&g, truths[t], &wrong);
			double truth = (double)wrong / ROWS;
			covered += r.lo <= truth && truth <= r.hi;
			sum += r.value;
			true_sum += truth;
		}
		ok(covered >= 0.93 * REVIEWS,
		   "at %.0f %% wrong rows the interval covers in %d of %d reviews", 100 * truths[t],
		   covered, REVIEWS);
		ok_near(sum / REVIEWS, true_sum / REVIEWS, 0.01,
			"and the rate is right on average");
	}
	passes();
	return tap_done();
}

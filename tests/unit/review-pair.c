/* Two answers, blind: whatever the seed, sides are balanced, and what a simulated person prefers is what
 * the journal counts, whichever side it was shown on and whichever of the two it is in the record. */
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>
#include "../../lib/base/mem.h"
#include "../../lib/base/rng.h"
#include "../../lib/review/contest.h"
#include "../../lib/review/desk.h"
#include "memory-file.h"
#include "tap.h"

#define PAIRS 200
#define SEEDS 24

/* Each third pair has the model "x" as b. */
static void rows_into(int fd)
{
	for (int i = 0; i < PAIRS; i++)
		dprintf(fd,
			i % 3 ? "{\"id\":\"%d\",\"messages\":[{\"role\":\"user\",\"content\":\"q%d\"}],"
				"\"a\":{\"model\":\"x\",\"output\":\"from x\"},\"b\":{\"model\":\"y\",\"output\":\"from y\"},"
				"\"judge\":{\"winner\":\"a\"}}\n"
			      : "{\"id\":\"%d\",\"messages\":[{\"role\":\"user\",\"content\":\"q%d\"}],"
				"\"a\":{\"model\":\"y\",\"output\":\"from y\"},\"b\":{\"model\":\"x\",\"output\":\"from x\"},"
				"\"judge\":{\"winner\":\"a\"}}\n",
			i, i);
}

enum taste { PREFERS_X, PREFERS_FIRST, TOSSES };

/* Has somebody judge all pairs as they are shown. *first: how often x stood first. */
static void judge(char *rows, const char *journal, const char *who, enum desk_pass which,
		  uint64_t seed, enum taste taste, int *first)
{
	char *files[] = {rows, NULL};
	struct desk_options o = {.who = who, .pass = which, .every = 4, .seed = (long long)seed};
	struct desk_filter f = {0};
	struct journal j;
	struct desk d;
	struct rng g;
	struct err e = ERR_INIT;
	rng_seed(&g, seed, 7);
	if (journal_open(&j, journal, 1, NULL, &e) || desk_open(&d, files, &j, &o, &e)) {
		ok(0, "a desk is opened: %s", e.msg);
		exit(1);
	}
	*first = 0;
	for (long row; (row = desk_next(&d, &f)) >= 0;) {
		struct buf answer[2] = {BUF_INIT, BUF_INIT};
		desk_answers(&d, (size_t)row, answer);
		int x_first = span_is(buf_span(&answer[0]), "from x");
		*first += x_first;
		int takes_first = taste == PREFERS_X	   ? x_first
				  : taste == PREFERS_FIRST ? 1
							   : rng_uniform(&g) < 0.5;
		if (desk_decide(&d, (size_t)row, takes_first ? VERDICT_A : VERDICT_B, NULL, NULL,
				&e) != 1)
			ok(0, "a decision is taken: %s", e.msg);
		buf_release(&answer[0]);
		buf_release(&answer[1]);
	}
	desk_close(&d);
	journal_close(&j);
}

static struct contest contest_in(const char *journal, struct interval *x)
{
	struct journal j;
	struct contest c = {0};
	struct err e = ERR_INIT;
	if (journal_open(&j, journal, 0, NULL, &e) || contest_of(&j, &c, &e))
		ok(0, "a journal is counted: %s", e.msg);
	journal_close(&j);
	struct duelist *v = duels_rank(&c.duels, 0.95);
	*x = (struct interval){NAN, NAN, NAN};
	for (size_t i = 0; i < c.duels.n; i++)
		if (strcmp(v[i].model, "x") == 0)
			*x = v[i].win_rate;
	free(v);
	return c;
}

int main(void)
{
	int right = 0, balanced = 0, position = 0, fair = 0, covered = 0, agree = 0, sum = 0,
	    apart = 0;
	char rows[32];
	int rows_fd = memory_file(rows);
	rows_into(rows_fd);
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		char one[32], two[32], three[32];
		int fds[] = {memory_file(one), memory_file(two), memory_file(three)}, first, other;
		struct interval x;
		judge(rows, one, "anna", DESK_FIRST, seed, PREFERS_X, &first);
		struct contest c = contest_in(one, &x);
		right += x.value == 1 && x.hi == 1 && x.lo > 0.95 && x.lo < 1 && c.judged == PAIRS;
		/* the judge always says a, which is x in two of three pairs */
		agree += c.judged_too == PAIRS &&
			 fabs(c.judge_agreement.value - 133.0 / PAIRS) < 1e-12;
		contest_release(&c);
		sum += first;
		/* within 4.5 standard deviations of a fair coin */
		balanced += abs(first - PAIRS / 2) <= 32;
		judge(rows, one, "ben", DESK_SECOND, seed, PREFERS_X, &other);
		c = contest_in(one, &x);
		apart += other != first;
		fair += c.accord.n == PAIRS && c.accord.agree == PAIRS && x.value == 1;
		contest_release(&c);
		judge(rows, two, "anna", DESK_FIRST, seed, PREFERS_FIRST, &first);
		c = contest_in(two, &x);
		position += c.first.value == 1 && c.named == PAIRS &&
			    fabs(x.value - (double)first / PAIRS) < 1e-12 && x.lo < 0.5 + 0.1;
		contest_release(&c);
		judge(rows, three, "anna", DESK_FIRST, seed, TOSSES, &first);
		c = contest_in(three, &x);
		covered += x.lo <= 0.5 && 0.5 <= x.hi;
		contest_release(&c);
		for (int i = 0; i < 3; i++)
			close(fds[i]);
	}
	close(rows_fd);
	ok(right == SEEDS, "who always prefers x gives it a win rate of 1, in %d of %d seeds",
	   right, SEEDS);
	ok(balanced == SEEDS, "x stands first about as often as not, in %d seeds", balanced);
	ok_near((double)sum / SEEDS / PAIRS, 0.5, 0.03,
		"over all of them as good as half of the times");
	ok(fair == SEEDS,
	   "a second person with other sides and the same taste agrees on all pairs");
	ok(apart > SEEDS / 2, "the sides of the two are not the same");
	ok(position == SEEDS,
	   "who always takes the first is told by that, and x wins where it stood first");
	ok(covered >= SEEDS - 4, "a coin's interval holds one half in %d seeds", covered);
	ok(agree == SEEDS, "a judge's winners are compared in the record's terms");
	return tap_done();
}

/* compare: how often a run that is no worse is called worse, with ten checks at once: as one alpha
 * promises, however many are asked. FT_SLOW=1 simulates 4,000 pairs of runs of each kind. */
#include <stdlib.h>
#include "tap.h"
#include "../../lib/base/mem.h"
#include "../../lib/base/rng.h"
#include "../../lib/eval/compare.h"

enum { CHECKS = 10, ROWS = 100 };

/* Rows whose ten scores are right or wrong: common: so likely is it that all go with the first. */
static void add_run(struct board *b, const char *run, struct rng *r, double common)
{
	struct row row = {0};
	char line[40];

	b->run = run;
	for (size_t i = 0; i < ROWS; i++) {
		int first = rng_uniform(r) < .7, together = rng_uniform(r) < common;

		snprintf(line, sizeof line, "{\"id\":%zu,\"output\":\"\"}", i);
		row_copy(&row, span_of(line), "", i);
		row_read(&row, b->n_checks, 0, NULL);
		for (size_t c = 0; c < b->n_checks; c++)
			row.scores[c] = together ? first : rng_uniform(r) < .7;
		board_add(b, &row, NULL);
	}
	row_release(&row);
}

struct alarms {
	int worse, any_p, unadjusted; /* runs with a check that is called so */
};

static struct alarms simulate(int runs, int sequential, double common)
{
	struct alarms a = {0};
	struct check *checks;
	const char *specs[CHECKS];
	char text[CHECKS][32];
	struct rng r;

	for (int c = 0; c < CHECKS; c++) {
		snprintf(text[c], sizeof text[c], "c%d=exact", c);
		specs[c] = text[c];
	}
	check_parse_all(specs, CHECKS, &checks, NULL);
	rng_seed(&r, 2026, (uint64_t)(sequential + 10 * common));
	for (int i = 0; i < runs; i++) {
		struct board b = {.checks = checks,
				  .n_checks = CHECKS,
				  .n_metrics = CHECKS,
				  .keep = 1,
				  .sequential = sequential,
				  .level = .95};
		struct comparisons c = {0};
		int worse = 0, any = 0, unadjusted = 0;

		add_run(&b, "baseline", &r, common);
		add_run(&b, "now", &r, common);
		compare_groups(&b, "baseline", &c, NULL);
		for (size_t k = 0; k < c.n; k++) {
			worse |= c.v[k].verdict == VERDICT_MISSED;
			any |= c.v[k].p_adj <= .05;
			unadjusted |= c.v[k].p <= .05;
		}
		a.worse += worse;
		a.any_p += any;
		a.unadjusted += unadjusted;
		comparisons_release(&c);
		board_release(&b);
	}
	check_release_all(checks, CHECKS);
	return a;
}

int main(void)
{
	int runs = getenv("FT_SLOW") ? 4000 : 150;

	for (int sequential = 0; sequential < 2; sequential++)
		for (double common = 0; common < 1; common += .8) {
			struct alarms a = simulate(runs, sequential, common);
			/* three standard errors above alpha */
			double most = runs * .05 + 3 * sqrt(runs * .05 * .95);

			printf("# ten checks %s%s, %d runs that are no worse: called worse %.4f, some p_adj below 0.05 %.4f, some p %.4f\n",
			       common > 0 ? "that go together" : "of their own",
			       sequential ? ", sequential" : "", runs, a.worse / (double)runs,
			       a.any_p / (double)runs, a.unadjusted / (double)runs);
			ok(a.worse <= a.any_p && a.any_p <= most,
			   "family-wise error is at most alpha");
			ok(sequential || common > 0 || a.unadjusted > 2 * most,
			   "which it would not be of checks one by one");
		}
	return tap_done();
}

/* lib/eval/similar against the published definitions (tests/fixtures/similar.py says which). */
#include "tap.h"
#include "../../lib/eval/similar.h"

static const struct {
	const char *answer, *reference;
	double want[7];
} table[] = {
#include "eval-similar.inc"
};

static const char *const names[] = {"levenshtein", "f1",   "rouge-1", "rouge-2",
				    "rouge-l",	   "bleu", "chrf"};

static double compute(int which, struct span a, struct span r)
{
	switch (which) {
	case 0:
		return similar_levenshtein(a, r);
	case 1:
		return similar_f1(a, r);
	case 2:
		return similar_rouge_n(a, r, 1);
	case 3:
		return similar_rouge_n(a, r, 2);
	case 4:
		return similar_rouge_l(a, r);
	case 5:
		return similar_bleu(a, r);
	default:
		return similar_chrf(a, r);
	}
}

int main(void)
{
	for (int m = 0; m < 7; m++) {
		int bad = 0;

		for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
			double got =
				compute(m, span_of(table[i].answer), span_of(table[i].reference));

			if (fabs(got - table[i].want[m]) <= 1e-12)
				continue;
			bad++;
			printf("# %s of '%.60s' to '%.60s': got %.17g, want %.17g\n", names[m],
			       table[i].answer, table[i].reference, got, table[i].want[m]);
		}
		ok(!bad, "%s on %zu pairs", names[m], sizeof table / sizeof *table);
	}
	return tap_done();
}

/* pace: what a step takes, whatever the first steps and those between which the machine did other
 * work took; sizes that were not seen lie between those that were. */
#include "../../lib/base/rng.h"
#include "../../lib/infer/pace.h"
#include "tap.h"

static int near(double x, double y)
{
	return fabs(x - y) <= 1e-9 * fabs(y);
}

static void test_cold(void)
{
	struct pace p = {0};

	for (int i = 0; i < 8; i++)
		pace_note(&p, 1, 0.030);
	ok(near(pace_of(&p, 1), 0.030), "nothing else is known: the cold steps");
	for (int i = 0; i < 3; i++)
		pace_note(&p, 1, 0.001 + 1e-5 * i);
	ok(pace_of(&p, 1) < 0.0011, "three warm steps behind eight cold ones: %g s",
	   pace_of(&p, 1));
}

static void test_interrupted(void)
{
	struct rng r;
	int bad = 0;

	rng_seed(&r, 3, 0);
	for (int run = 0; run < 200; run++) {
		struct pace p = {0};

		for (int i = 0; i < 64; i++)
			pace_note(&p, 1,
				  rng_uniform(&r) < 1.0 / 3 ? 0.010 + 0.1 * rng_uniform(&r)
							    : 0.001);
		bad += !near(pace_of(&p, 1), 0.001);
	}
	ok(bad == 0, "a third of the steps is interrupted: %d of 200 runs are led astray", bad);
}

static void test_busier(void)
{
	struct pace p = {0};

	for (int i = 0; i < 1000; i++)
		pace_note(&p, 1, 0.001);
	for (int i = 0; i < PACE_KEPT; i++)
		pace_note(&p, 1, 0.004);
	ok(near(pace_of(&p, 1), 0.004), "a machine that gets slower is followed");
}

static void test_sizes(void)
{
	struct pace p = {0};

	ok(isnan(pace_of(&p, 1)), "nothing seen, nothing known");
	ok(pace_wants_alone(&p), "steps alone are wanted");
	pace_note(&p, 64, 0.064);
	ok(near(pace_of(&p, 1), 0.064), "fewer rows than any seen: as long as those");
	ok(near(pace_of(&p, 128), 0.128), "more: in proportion");
	for (int i = 0; i < 8; i++)
		pace_note(&p, 1, 0.001);
	ok(!pace_wants_alone(&p), "no more steps alone are wanted");
	ok(near(pace_of(&p, 22), 0.001 + 0.063 * 21 / 63), "between: on the line");
}

int main(void)
{
	test_cold();
	test_interrupted();
	test_busier();
	test_sizes();
	return tap_done();
}
